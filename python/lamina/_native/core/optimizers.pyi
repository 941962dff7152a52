"""register_optimizers.cpp."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

class UpdateOptions:
    def __init__(
        self,
        gradient_scale: float = 1.0,
        clipvalue: float = 0.0,
        clipnorm: float = 0.0,
        global_clipnorm: float = 0.0,
        decay: float = 0.0,
        lazy: bool = False,
    ) -> None: ...

Weights: TypeAlias = list[NDArray[Any]]
Gradients: TypeAlias = list[Any]  # an array, or a tuple (rows, values)
Slots: TypeAlias = list[list[NDArray[Any]]]
Clocks: TypeAlias = list[NDArray[np.int64] | None] | None

def update_sgd(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    /,
) -> None: ...
def update_momentum(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    /,
) -> None: ...
def update_rmsprop(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
    centered: bool,
    /,
) -> None: ...
def update_adam(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    amsgrad: bool,
    step: float,
    /,
) -> None: ...
def update_adagrad(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    epsilon: float,
    /,
) -> None: ...
def update_adadelta(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    rho: float,
    epsilon: float,
    /,
) -> None: ...
def update_adamax(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: float,
    /,
) -> None: ...
def update_nadam(
    weights: Weights,
    gradients: Gradients,
    slots: Slots,
    clocks: Clocks,
    options: UpdateOptions,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: float,
    u_product: float,
    /,
) -> None: ...
def catch_up(slots: list[NDArray[Any]], clock: NDArray[np.int64], rho: float) -> None: ...
def sum_of_squares(x: NDArray[Any]) -> float: ...
