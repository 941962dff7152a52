"""register_normalization.cpp."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Real = TypeVar("_Real", np.float32, np.float64)

def batch_moments(
    x: NDArray[_Real], mask: NDArray[np.bool_] | None
) -> tuple[NDArray[_Real], NDArray[_Real], int]: ...
def batch_normalization(
    x: NDArray[_Real],
    mean: NDArray[_Real],
    variance: NDArray[_Real],
    gamma: NDArray[_Real] | None,
    beta: NDArray[_Real] | None,
    epsilon: float,
) -> NDArray[_Real]: ...
def batch_normalization_gradient(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    mask: NDArray[np.bool_] | None,
    kept: int,
    mean: NDArray[_Real],
    variance: NDArray[_Real],
    gamma: NDArray[_Real] | None,
    epsilon: float,
) -> tuple[NDArray[_Real], NDArray[_Real], NDArray[_Real]]: ...
def group_normalization(
    x: NDArray[_Real],
    gamma: NDArray[_Real] | None,
    beta: NDArray[_Real] | None,
    groups: int,
    epsilon: float,
) -> tuple[NDArray[_Real], NDArray[_Real], NDArray[_Real]]: ...
def group_normalization_gradient(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    mean: NDArray[_Real],
    inverse: NDArray[_Real],
    gamma: NDArray[_Real] | None,
) -> tuple[NDArray[_Real], NDArray[_Real], NDArray[_Real]]: ...
def layer_normalization(
    x: NDArray[_Real],
    gamma: NDArray[_Real] | None,
    beta: NDArray[_Real] | None,
    epsilon: float,
    centered: bool,
) -> tuple[NDArray[_Real], NDArray[_Real], NDArray[_Real]]: ...
def layer_normalization_gradient(
    x: NDArray[_Real],
    dy: NDArray[_Real],
    mean: NDArray[_Real],
    inverse: NDArray[_Real],
    gamma: NDArray[_Real] | None,
    centered: bool,
) -> tuple[NDArray[_Real], NDArray[_Real], NDArray[_Real]]: ...
