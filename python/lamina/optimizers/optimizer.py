"""The base of optimizers: limits of gradients, decay, averages; and how to write your own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import RowGrad, Tensor, Variable, as_array, no_grad
from lamina.optimizers import schedules
from lamina.optimizers.learning_rate import from_arguments
from lamina.optimizers.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


class Optimizer(State):
    """Changes variables by their gradients, and the base class of your own.

    Override ``build(variables)``, which makes what is remembered for each variable (call
    ``super().build(variables)`` first), and ``update_step(gradient, variable, learning_rate)``,
    which changes one variable; ``get_config()`` if there are arguments to save. ``self.iterations``
    counts the steps before this one.

    Args:
        learning_rate: a number, a `schedules.LearningRateSchedule`, or a function without
            arguments; also ``lr``. The ``decay`` of Keras 2 divides it by 1 + decay * step.
        weight_decay: the share of itself, times the learning rate, that each weight loses first.
        clipnorm: the most that the norm of each variable's gradient may be.
        clipvalue: the most that an element of a gradient may be, either way.
        global_clipnorm: the most that the norm of all gradients together may be.
        use_ema: keep an exponential moving average of the weights, with the factor
            ``ema_momentum``; put it in their place every ``ema_overwrite_frequency`` steps and at
            the end of ``fit``.
        loss_scale_factor: what the loss was multiplied by; gradients are divided by it.
        gradient_accumulation_steps: update at every so many steps, by the mean of their gradients.
        name: made from the class if None.

    Raises:
        ValueError: if a setting is out of its range, or two limits of gradients are set.
        TypeError: for unknown arguments.

    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **legacy: Any,
    ) -> None:
        self.name = name or type(self).__name__.lower()
        learning_rate = from_arguments(learning_rate, legacy)
        if legacy:
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument "
                f"{next(iter(legacy))!r}"
            )
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {key: value for key, value in limits.items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"{self.name}: only one limit of gradients can be set, got {given}")
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise ValueError(
                f"{self.name}: gradient_accumulation_steps must be at least 2, got "
                f"{gradient_accumulation_steps}"
            )
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"{self.name}: ema_momentum must be in [0, 1], got {ema_momentum}")
        if use_ema and ema_overwrite_frequency is not None and ema_overwrite_frequency < 1:
            raise ValueError(
                f"{self.name}: ema_overwrite_frequency must be at least 1, got "
                f"{ema_overwrite_frequency}"
            )
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._undecayed: tuple[list[Variable], list[str]] = ([], [])
        self._averages: list[Variable] = []
        self._accumulated: list[Variable] = []
        super().__init__(learning_rate)

    @property
    def iterations(self) -> Any:
        """The number of updates so far."""
        if self.gradient_accumulation_steps:
            return Tensor(self._steps.data // self.gradient_accumulation_steps)
        return self._steps

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the state for these variables; `apply` does it at the first step."""
        if self.built:
            return
        super().build(variables)
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
        if self.gradient_accumulation_steps:
            self._accumulated = self.add_optimizer_variables(variables, "gradient_accumulator")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Update variables by pairs (gradient, variable); return the number of steps so far."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(grads, variables)
        return self._steps

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Update variables by their gradients: arrays, tensors, `RowGrad`, or None to leave one.

        Raises:
            ValueError: if a variable is unknown, a shape is wrong, or there is no gradient at all;
                nothing has changed then.

        """
        if trainable_variables is None:
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        grads, variables = self._checked(grads, variables)
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables, self._current_rate())
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                with no_grad():
                    variable.assign(variable.constraint(variable))
        steps = self._steps.data
        steps.fill(steps.item() + 1)

    def _checked(
        self, grads: Sequence[Any], variables: list[Variable]
    ) -> tuple[list[Any], list[Variable]]:
        """Return the gradients that are not None with their variables, if all of them fit."""
        if len(grads) != len(variables):
            raise ValueError(
                f"{self.name}: got {len(grads)} gradients for {len(variables)} variables"
            )
        places = self._places
        found, changed, missing = [], [], []
        for gradient, variable in zip(grads, variables, strict=True):
            if id(variable) not in places:
                raise ValueError(
                    f"{self.name}: {variable.path} is not among the variables that it was built "
                    f"for: compile again, or make a new optimizer, after a layer was added or "
                    f"unfrozen"
                )
            if gradient is None:
                missing.append(variable.path)
                continue
            kind = type(gradient)
            if kind is not np.ndarray and kind is not RowGrad:
                gradient = as_array(gradient)  # noqa: PLW2901
            if gradient.shape != variable.data.shape:
                raise ValueError(
                    f"{self.name}: {variable.path} has the shape {variable.shape}, its gradient "
                    f"{gradient.shape}"
                )
            found.append(gradient)
            changed.append(variable)
        if missing and not found:
            raise ValueError(
                f"{self.name}: no variable has a gradient: does the loss depend on them, through "
                f"operations of lamina.ops alone?"
            )
        if missing:
            warnings.warn(
                f"{self.name}: no gradient for {', '.join(missing)}: does the loss depend on them?",
                stacklevel=3,
            )
        return found, changed

    def _accumulate(self, grads: list[Any], variables: list[Variable]) -> None:
        """Add the gradients up; at every so many steps, update by their mean."""
        count = self.gradient_accumulation_steps or 1
        sums = [self._accumulated[self._places[id(v)]].data for v in variables]
        for total, gradient in zip(sums, grads, strict=True):
            if isinstance(gradient, RowGrad):
                total[gradient.rows] += gradient.values
            else:
                np.add(total, gradient, out=total)
        if (int(self._steps.data) + 1) % count == 0:
            means: list[Any] = [total / count for total in sums]
            self._update(means, variables, self._current_rate())
            for accumulated in self._accumulated:
                accumulated.data[...] = 0

    def _update(self, grads: list[Any], variables: list[Variable], rate: float) -> None:
        """Update by the subclass's own `update_step`, after limits and decay."""
        arrays = [np.asarray(g, v.dtype) for g, v in zip(grads, variables, strict=True)]
        arrays = self._limited(arrays)
        with no_grad():
            for array, variable in zip(arrays, variables, strict=True):
                if self.weight_decay and self._decays(variable):
                    variable.data -= variable.data * (self.weight_decay * rate)
                self.update_step(Tensor(array), variable, rate)

    def _limited(self, grads: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the gradients within their limits."""
        if self.loss_scale_factor:
            grads = [g / g.dtype.type(self.loss_scale_factor) for g in grads]
        if self.clipvalue:
            return [np.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        limit = self.clipnorm or self.global_clipnorm
        if not limit:
            return grads
        squares = [core.sum_of_squares(np.asarray(g, order="C")) for g in grads]
        if self.global_clipnorm:
            squares = [sum(squares)] * len(squares)
        scales = [limit / max(limit, square**0.5) for square in squares]
        return [g * g.dtype.type(scale) for g, scale in zip(grads, scales, strict=True)]

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Change one variable by its gradient (a `Tensor`) and the learning rate (a float)."""
        raise NotImplementedError(
            f"{type(self).__name__} has no update_step(self, gradient, variable, learning_rate)"
        )

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times `loss_scale_factor`, if there is one."""
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Let these variables, and those whose name contains one of these, keep their weights.

        Raises:
            ValueError: if the optimizer is built already.

        """
        if self.built:
            raise ValueError(f"{self.name}: exclude_from_weight_decay comes before the first step")
        self._undecayed = (list(var_list or ()), list(var_names or ()))

    def _decays(self, variable: Variable) -> bool:
        variables, names = self._undecayed
        kept = any(each is variable for each in variables)
        return not kept and not any(name in variable.path for name in names)

    def _average(self) -> None:
        """Take the weights into their moving averages, and these in their place when it is due."""
        updates = int(self.iterations)
        momentum = self.ema_momentum if updates else 0.0
        for variable, average in zip(self._trainable_variables, self._averages, strict=True):
            average.data *= momentum
            average.data += variable.data * average.dtype.type(1 - momentum)
        if self.ema_overwrite_frequency and (updates + 1) % self.ema_overwrite_frequency == 0:
            self.finalize_variable_values(self._trainable_variables)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Put the moving averages, if they are kept, in the place of the weights."""
        if self.use_ema and self.built:
            for variable in var_list:
                variable.assign(self._averages[self._places[id(variable)]])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same optimizer, without its state."""
        rate = self._rate
        is_number = isinstance(rate, Variable)
        return {
            "name": self.name,
            "learning_rate": float(rate.data) if is_number else schedules.serialize(rate),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make an optimizer of what `get_config` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
