"""A quarter-size sketch of large tables, so that single queries read a quarter of the memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# The kernel reads whole registers: rows are padded to this many codes, the table by as many rows.
_STEP = 16

# A table smaller than this (16 MB of float32) lies in a cache, and is read whole.
_LEAST_NUMBERS = 1 << 22


@dataclass
class Sketch:
    """Signed bytes that stand for the rows, their scales, and the lengths of what they leave out.

    ``norms`` are those of the rows it was made from: other norms mean other rows.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    errors: NDArray[np.float32]
    norms: NDArray[Any]

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        norms: NDArray[Any],
        lengths: NDArray[np.float32],
        blocks: Iterable[tuple[int, NDArray[np.float32]]],
    ) -> Sketch:
        """Make the sketch of a table of this shape, given as (first row, rows) blocks."""
        rows, columns = shape
        sketch = cls(
            np.zeros((rows + _STEP, -(-columns // _STEP) * _STEP), np.int8),
            np.zeros(rows + _STEP, np.float32),
            np.zeros(rows + _STEP, np.float32),
            norms,
        )
        for first, block in blocks:
            part = slice(first, first + len(block))
            core.fill_sketch(
                block, lengths[part], sketch.codes[part], sketch.scales[part], sketch.errors[part]
            )
        return sketch

    @staticmethod
    def pays(shape: tuple[int, ...], queries: int, top: int) -> bool:
        """Tell whether a query of this size is bound by memory: one or two, for a few rows."""
        return queries <= 2 and shape[0] * shape[1] >= _LEAST_NUMBERS and top <= 1000

    def candidates(
        self, query: NDArray[np.float32], begin: int, end: int, top: int
    ) -> NDArray[np.int64]:
        """Return the rows of [begin, end), ascending, that can be among the ``top`` nearest."""
        padded = np.zeros(self.codes.shape[1], np.float32)
        padded[: len(query)] = query
        return core.sketch_candidates(self.codes, self.scales, self.errors, padded, begin, end, top)
