"""SGD, RMSprop, Adam and the others: what each remembers, and the kernel that applies it.

The formulas stand in ``cpp/optimizers.cpp``; arguments, defaults and state are those of Keras 3.
All of a step's variables go to the kernel in one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import initializers
from lamina._native import core
from lamina.autodiff import RowGrad, Variable, as_array
from lamina.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


class Rule(Optimizer):
    """An optimizer whose update is a kernel; the arguments of `Optimizer`, and ``lazy``.

    The gradient of an embedding is that of the rows that were looked up. Every rule gives what the
    gradient of the whole table would give. SGD, Adagrad, RMSprop and Adadelta visit only those rows
    for it; the others, and all with momentum or weight decay, the whole table, unless ``lazy`` says
    to leave the other rows and what is remembered of them as they are.
    """

    _kernel: Callable[..., None]

    def __init__(self, learning_rate: Any, *, lazy: bool = False, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.lazy = lazy
        self._slots: list[list[NDArray[Any]]] = []
        self._clocks: list[NDArray[np.int64] | None] = []

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        """Make what the rule remembers and return it: one list for each of the kernel's slots."""
        raise NotImplementedError

    def _numbers(self, rate: float) -> tuple[float, ...]:
        """Return what the kernel takes after the options, at this step."""
        raise NotImplementedError

    def _rho(self) -> float | None:
        """Return by what slots decay where the gradient is zero, if nothing else happens there."""
        return None

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the state for these variables; `apply` does it at the first step."""
        if self.built:
            return
        super().build(variables)
        columns = self._state(variables)
        self._slots = [[column[i].data for column in columns] for i in range(len(variables))]
        self._clocks = [None] * len(variables)

    def flush(self) -> None:
        """Let the state of rows that were not touched lately decay to the present."""
        rho = self._rho()
        for slots, clock in zip(self._slots, self._clocks, strict=True):
            if rho is not None and clock is not None:
                core.catch_up(slots, clock, rho)

    def _update(self, grads: list[Any], variables: list[Variable], rate: float) -> None:
        if type(self).update_step is Rule.update_step:
            self._apply_rule(grads, variables, rate)
        else:  # a subclass has a rule of its own
            super()._update(grads, variables, rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Change one variable by its gradient and the learning rate, without limits and decay."""
        options = core.UpdateOptions(lazy=self.lazy)
        array = as_array(gradient)
        self._run([array], [variable], float(learning_rate), options)

    def _apply_rule(self, grads: list[Any], variables: list[Variable], rate: float) -> None:
        settings = (
            1 / self.loss_scale_factor if self.loss_scale_factor else 1.0,
            self.clipvalue or 0.0,
            self.clipnorm or 0.0,
            self.global_clipnorm or 0.0,
        )
        decay = rate * self.weight_decay if self.weight_decay else 0.0
        options = core.UpdateOptions(*settings, decay, self.lazy)
        if not (decay and any(self._undecayed)):
            self._run(grads, variables, rate, options)
            return
        if self.global_clipnorm:  # of all gradients, before they are parted
            grads = self._limited([np.asarray(g, v.dtype) for g, v in zip(grads, variables)])  # noqa: B905
            settings = (1.0, 0.0, 0.0, 0.0)
        for decays in (True, False):
            chosen = [i for i, v in enumerate(variables) if self._decays(v) == decays]
            options = core.UpdateOptions(*settings, decay if decays else 0.0, self.lazy)
            parts = [grads[i] for i in chosen], [variables[i] for i in chosen]
            self._run(*parts, rate, options)

    def _run(
        self,
        grads: list[Any],
        variables: list[Variable],
        rate: float,
        options: core.UpdateOptions,
    ) -> None:
        places = self._places
        slots, clocks = [], []
        weights = [variable.data for variable in variables]
        for place, gradient in enumerate(grads):
            data = weights[place]
            i = places[id(variables[place])]
            if type(gradient) is RowGrad:
                rows, values = gradient.rows, gradient.values
                grads[place] = (rows, np.asarray(values, data.dtype, order="C"))
                if self._clocks[i] is None and not self.lazy and self._rho() is not None:
                    self._clocks[i] = np.zeros(len(data) + 1, np.int64)
            elif (
                type(gradient) is not np.ndarray  # a scalar: what numpy makes of 0 dimensions
                or gradient.dtype is not data.dtype
                or not gradient.flags.c_contiguous
            ):
                grads[place] = np.asarray(gradient, data.dtype, order="C")
            slots.append(self._slots[i])
            clocks.append(self._clocks[i])
        type(self)._kernel(weights, grads, slots, clocks, options, *self._numbers(rate))  # noqa: SLF001

    def _step_number(self) -> int:
        """Return the number of this update, from 1."""
        return int(self.iterations) + 1

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        config = super().get_config()
        return {**config, "lazy": True} if self.lazy else config


class SGD(Rule):
    """Gradient descent, with momentum if it is not 0.

    ``w -= learning_rate g``; with momentum ``m = momentum m - learning_rate g`` and ``w += m``, or,
    with ``nesterov``, ``w += momentum m - learning_rate g``. Other arguments: `Rule`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"{self.name}: momentum must be in [0, 1], got {momentum}")
        self.momentum, self.nesterov = float(momentum), nesterov

    @staticmethod
    def _kernel(*arguments: Any) -> None:
        (core.update_sgd if len(arguments) == 6 else core.update_momentum)(*arguments)

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        return [self.add_optimizer_variables(variables, "momentum")] if self.momentum else []

    def _numbers(self, rate: float) -> tuple[float, ...]:
        return (rate, self.momentum, self.nesterov) if self.momentum else (rate,)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class RMSprop(Rule):
    """Steps divided by a moving root mean square of the gradient.

    ``v = rho v + (1 - rho) g^2``, ``w -= learning_rate g / sqrt(v + epsilon)``; ``centered`` takes
    the square of the gradient's moving average off v, and ``momentum`` accumulates the steps.
    Hinton, Coursera lecture 6e, 2012. Other arguments: `Rule`.
    """

    _kernel = core.update_rmsprop

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon = rho, momentum, epsilon
        self.centered = centered

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        names = ["velocity"]
        if self.momentum > 0:
            names.append("momentum")
        if self.centered:
            names.append("average_gradient")
        return [self.add_optimizer_variables(variables, name) for name in names]

    def _numbers(self, rate: float) -> tuple[float, ...]:
        return rate, self.rho, self.momentum, self.epsilon, self.centered

    def _rho(self) -> float | None:
        return self.rho if self.momentum == 0 else None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }


class _Moments(Rule):
    """What the family of Adam shares: two moving averages of the gradient, with two factors."""

    _names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        return list(self.add_optimizer_variables(variables, self._names))

    def _numbers(self, rate: float) -> tuple[float, ...]:
        return rate, self.beta_1, self.beta_2, self.epsilon, self._step_number()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


class Adam(_Moments):
    """Steps by moving averages of the gradient (m) and of its square (v).

    ``w -= a m / (sqrt(v) + epsilon)``, ``a = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)`` at
    step t; ``amsgrad`` divides by the greatest v so far. Kingma and Ba, 2014 (arXiv:1412.6980).
    Other arguments: `Rule`.
    """

    _kernel = core.update_adam

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.amsgrad = amsgrad

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        columns = super()._state(variables)
        if self.amsgrad:
            columns.append(self.add_optimizer_variables(variables, "velocity_hat"))
        return columns

    def _numbers(self, rate: float) -> tuple[float, ...]:
        step = self._step_number()
        return rate, self.beta_1, self.beta_2, self.epsilon, self.amsgrad, step

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        return {**super().get_config(), "amsgrad": self.amsgrad}


class AdamW(Adam):
    """`Adam` after each weight has lost ``weight_decay * learning_rate`` of itself.

    Loshchilov and Hutter, 2017 (arXiv:1711.05101).
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number, got None: is Adam meant?")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )


class Adamax(_Moments):
    """`Adam` with the greatest recent gradient instead of the root mean square.

    ``u = max(beta_2 u, |g|)``, ``w -= learning_rate m / ((1 - beta_1^t) (u + epsilon))``. Kingma
    and Ba, 2014, section 7. Other arguments: `Rule`.
    """

    _names = ("momentum", "norm")
    _kernel = core.update_adamax


class Nadam(_Moments):
    """`Adam` with Nesterov's momentum, whose factor rises over the steps. Dozat, 2015.

    Other arguments: `Rule`.
    """

    _kernel = core.update_nadam

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the state for these variables; `apply` does it at the first step."""
        if not self.built:
            super().build(variables)
            self._u_product = self.add_variable((), "ones", "float64", "u_product")

    def _update(self, grads: list[Any], variables: list[Variable], rate: float) -> None:
        self._u_product.data *= self.beta_1 * (1 - 0.5 * 0.96 ** self._step_number())
        super()._update(grads, variables, rate)

    def _numbers(self, rate: float) -> tuple[float, ...]:
        return (*super()._numbers(rate), float(self._u_product.data))


class Adagrad(Rule):
    """Steps divided by the root of the sum of all squared gradients.

    ``a += g^2``, ``w -= learning_rate g / sqrt(a + epsilon)``, a from initial_accumulator_value on.
    Duchi et al., 2011. Other arguments: `Rule`.
    """

    _kernel = core.update_adagrad

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        start = initializers.Constant(self.initial_accumulator_value)
        return [self.add_optimizer_variables(variables, "accumulator", start)]

    def _numbers(self, rate: float) -> tuple[float, ...]:
        return rate, self.epsilon

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }


class Adadelta(Rule):
    """Steps in the proportion of recent steps to recent gradients (root mean squares).

    ``a = rho a + (1 - rho) g^2``, ``d = sqrt(b + epsilon) g / sqrt(a + epsilon)``,
    ``b = rho b + (1 - rho) d^2``, ``w -= learning_rate d``. Zeiler, 2012 (arXiv:1212.5701); there
    the learning rate is 1. Other arguments: `Rule`.
    """

    _kernel = core.update_adadelta

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def _state(self, variables: Sequence[Variable]) -> list[list[Variable]]:
        names = ["accumulated_grad", "accumulated_delta_var"]
        return list(self.add_optimizer_variables(variables, names))

    def _numbers(self, rate: float) -> tuple[float, ...]:
        return rate, self.rho, self.epsilon

    def _rho(self) -> float | None:
        return self.rho

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
