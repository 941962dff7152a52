"""The matrices that training changes, laid out as the kernels want them.

Dimensions: V rows, d numbers in a vector, D = d rounded up to a multiple of 16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ALIGNMENT = 64  # bytes: one cache line, one AVX-512 register
_ROW_MULTIPLE = 16  # floats in 64 bytes
_ROWS_AT_ONCE = 4096  # rows that pass through a buffer together


class PaddedMatrix:
    """A V x d float32 matrix whose rows each start on a cache line.

    ``padded`` (V, D) is what the kernels get: aligned, contiguous, zero beyond column d. ``rows``
    (V, d) is a view of it, for everybody else.
    """

    def __init__(self, count: int, size: int) -> None:
        columns = -(-size // _ROW_MULTIPLE) * _ROW_MULTIPLE
        # The pages are zero already and cost nothing until they are touched.
        room = max(count, 1)  # an empty slice of memory would not be aligned
        memory = np.zeros(room * columns * 4 + _ALIGNMENT, dtype=np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        floats = memory[start : start + room * columns * 4].view(np.float32)
        self.padded: NDArray[np.float32] = floats.reshape(room, columns)[:count]
        self.rows: NDArray[np.float32] = self.padded[:, :size]

    @classmethod
    def of(cls, matrix: NDArray[np.float32], count: int | None = None) -> PaddedMatrix:
        """Copy a matrix; with ``count``, into the first rows of a taller one."""
        result = cls(len(matrix) if count is None else count, matrix.shape[1])
        result.rows[: len(matrix)] = matrix
        return result

    # A copy made array by array would lose the alignment, and that one array is a view of the
    # other.
    def __reduce__(self) -> tuple[Any, ...]:
        return PaddedMatrix.of, (np.array(self.rows),)

    def __deepcopy__(self, memo: dict[int, Any]) -> PaddedMatrix:
        result = PaddedMatrix.of(self.rows)
        memo[id(self.rows)] = result.rows
        return result


def initialize_vectors(rows: NDArray[np.float32], seed: int, first: int = 0) -> None:
    """Fill rows from ``first`` on with numbers uniform in [-1/d, 1/d).

    They are the numbers that gensim draws for the same seed and shape, so that the two libraries
    start from the same vectors; a generator's stream is skipped over for the rows before ``first``.
    """
    count, size = rows.shape
    generator = np.random.default_rng(seed)
    for begin in range(0, count, _ROWS_AT_ONCE):
        end = min(begin + _ROWS_AT_ONCE, count)
        block = generator.random((end - begin, size), dtype=np.float32)
        block *= 2.0
        block -= 1.0
        block /= size
        keep = max(first - begin, 0)
        if keep < len(block):
            rows[begin + keep : end] = block[keep:]
