"""register_convolution.cpp."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lamina._native.core.windows import Windows

_Real = TypeVar("_Real", np.float32, np.float64)

def conv2d(
    x: NDArray[_Real],
    kernel: NDArray[_Real],
    bias: NDArray[_Real] | None,
    windows: Windows,
    groups: int,
    activation: str,
) -> NDArray[_Real]: ...
def conv2d_gradient_input(
    dy: NDArray[_Real],
    kernel: NDArray[_Real],
    bias: NDArray[_Real] | None,
    windows: Windows,
    groups: int,
    activation: str,
) -> NDArray[_Real]: ...
def conv2d_gradient_kernel(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    windows: Windows,
    groups: int,
) -> NDArray[_Real]: ...
def depthwise_conv2d(
    x: NDArray[_Real],
    kernel: NDArray[_Real],
    bias: NDArray[_Real] | None,
    windows: Windows,
    activation: str,
) -> NDArray[_Real]: ...
def depthwise_conv2d_gradient_input(
    dy: NDArray[_Real],
    kernel: NDArray[_Real],
    windows: Windows,
) -> NDArray[_Real]: ...
def depthwise_conv2d_gradient_kernel(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    windows: Windows,
) -> NDArray[_Real]: ...
