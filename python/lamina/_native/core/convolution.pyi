"""register_convolution.cpp."""

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

_Real = TypeVar("_Real", np.float32, np.float64)
_Pair: TypeAlias = tuple[int, int]

def conv2d(
    x: NDArray[_Real],
    kernel: NDArray[_Real],
    bias: NDArray[_Real] | None,
    size: _Pair,
    strides: _Pair,
    dilation: _Pair,
    before: _Pair,
    groups: int,
    activation: str,
) -> NDArray[_Real]: ...
def conv2d_gradient_input(
    dy: NDArray[_Real],
    kernel: NDArray[_Real],
    bias: NDArray[_Real] | None,
    size: _Pair,
    strides: _Pair,
    dilation: _Pair,
    before: _Pair,
    groups: int,
    activation: str,
) -> NDArray[_Real]: ...
def conv2d_gradient_kernel(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    window: _Pair,
    strides: _Pair,
    dilation: _Pair,
    before: _Pair,
    groups: int,
) -> NDArray[_Real]: ...
def depthwise_conv2d(
    x: NDArray[_Real],
    kernel: NDArray[_Real],
    bias: NDArray[_Real] | None,
    size: _Pair,
    strides: _Pair,
    dilation: _Pair,
    before: _Pair,
    activation: str,
) -> NDArray[_Real]: ...
def depthwise_conv2d_gradient_input(
    dy: NDArray[_Real],
    kernel: NDArray[_Real],
    size: _Pair,
    strides: _Pair,
    dilation: _Pair,
    before: _Pair,
) -> NDArray[_Real]: ...
def depthwise_conv2d_gradient_kernel(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    window: _Pair,
    strides: _Pair,
    dilation: _Pair,
    before: _Pair,
) -> NDArray[_Real]: ...
