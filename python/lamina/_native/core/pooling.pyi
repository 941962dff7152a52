"""register_pooling.cpp."""

from typing import Literal, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from lamina._native.core.windows import Windows

_Real = TypeVar("_Real", np.float32, np.float64)
_Pair: TypeAlias = tuple[int, int]

@overload
def max_pool2d(
    x: NDArray[_Real],
    windows: Windows,
    want_chosen: Literal[False],
) -> NDArray[_Real]: ...
@overload
def max_pool2d(
    x: NDArray[_Real],
    windows: Windows,
    want_chosen: Literal[True],
) -> tuple[NDArray[_Real], NDArray[_Real]]: ...
def max_pool2d_gradient(
    chosen: NDArray[_Real],
    dy: NDArray[_Real],
    windows: Windows,
) -> NDArray[_Real]: ...
def average_pool2d(x: NDArray[_Real], windows: Windows) -> NDArray[_Real]: ...
def average_pool2d_gradient(dy: NDArray[_Real], windows: Windows) -> NDArray[_Real]: ...
def weighted_sum(x: NDArray[_Real], weights: NDArray[_Real]) -> NDArray[_Real]: ...
def weighted_sum_gradient(dy: NDArray[_Real], weights: NDArray[_Real]) -> NDArray[_Real]: ...
def max_over_all_gradient(
    x: NDArray[_Real], y: NDArray[_Real], dy: NDArray[_Real]
) -> NDArray[_Real]: ...
def interpolate(
    x: NDArray[_Real],
    cells_down: NDArray[np.int32],
    weights_down: NDArray[_Real],
    cells_across: NDArray[np.int32],
    weights_across: NDArray[_Real],
) -> NDArray[_Real]: ...
def interpolate_gradient(
    dy: NDArray[_Real],
    cells_down: NDArray[np.int32],
    weights_down: NDArray[_Real],
    cells_across: NDArray[np.int32],
    weights_across: NDArray[_Real],
    size: _Pair,
) -> NDArray[_Real]: ...
