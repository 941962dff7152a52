"""register_embedding.cpp."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

def gather_rows(table: NDArray[Any], ids: NDArray[Any]) -> NDArray[Any]: ...
def sum_by_row(
    ids: NDArray[Any], gradient: NDArray[Any], V: int
) -> tuple[NDArray[np.int64], NDArray[Any]]: ...
