"""Looking rows of a table up by their ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina._native import core
from lamina.autodiff import RowGrad, op
from lamina.ops.arrays import contiguous

__all__ = ["embedding"]


def _whole_numbers(ids: Any) -> Any:
    """Return ids as int32 or int64; floats only if they are whole.

    Raises:
        ValueError: if an id is not a whole number.

    """
    ids = np.asarray(ids)
    if ids.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = ids.astype(np.int64)
        if not (whole == ids).all():
            place = tuple(map(int, np.argwhere(whole != ids)[0]))
            raise ValueError(
                f"index {ids[place]} at {place} is not a whole number: are these ids, or data for "
                f"another layer?"
            )
        return whole
    if ids.dtype.kind not in "iub":
        raise TypeError(f"ids must be whole numbers, got an array of {ids.dtype}")
    return ids.astype(np.int64)


@op
def embedding(ids: Any, table: Any, /) -> Any:
    """Return table[ids]: ids of any shape, table (V, D), result ids.shape + (D,).

    The gradient of the table is a `RowGrad` of the rows that occur.

    Raises:
        IndexError: if an id is not in [0, V); it names the id and its place.

    """
    if type(ids) is not np.ndarray or ids.dtype.kind != "i" or ids.dtype.itemsize < 4:
        ids = _whole_numbers(ids)
    ids = ids if ids.flags.c_contiguous else contiguous(ids)
    table = contiguous(table)
    found = core.gather_rows(table, ids)

    def vjp(gradient: Any) -> Any:
        def table_gradient() -> RowGrad:
            return RowGrad(*core.sum_by_row(ids, contiguous(gradient), len(table)), table.shape)

        return None, table_gradient

    return found, vjp
