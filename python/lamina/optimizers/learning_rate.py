"""What an optimizer's learning rate may be: a number that can be set, a schedule, a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import Variable
from lamina.optimizers.schedules import InverseTimeDecay, LearningRateSchedule

if TYPE_CHECKING:
    from collections.abc import Callable


class Rate(float):
    """A learning rate: a float with the methods of Keras's variable that programs call."""

    _assign: Callable[[float], None]

    def assign(self, value: Any) -> None:
        """Set the optimizer's learning rate."""
        self._assign(float(value))

    def numpy(self) -> Any:
        """Return the number as numpy's."""
        return np.float64(self)

    @property
    def value(self) -> Rate:
        """Itself: the spelling of Keras."""
        return self


def from_arguments(learning_rate: Any, legacy: dict[str, Any]) -> Any:
    """Return the learning rate of an optimizer's arguments, the spellings of Keras 2 included.

    ``lr`` is the learning rate; ``decay`` divides it by 1 + decay * step. Both are taken out of
    ``legacy``.
    """
    learning_rate = legacy.pop("lr", learning_rate)
    decay = legacy.pop("decay", None)
    return InverseTimeDecay(float(learning_rate), 1, float(decay)) if decay else learning_rate


def make_rate(learning_rate: Any, name: str) -> Any:
    """Return a schedule or function as it is, a config as its schedule, a number as a variable.

    Raises:
        TypeError: if it is something else.

    """
    if isinstance(learning_rate, LearningRateSchedule):
        return learning_rate
    if isinstance(learning_rate, dict):
        from lamina.optimizers import schedules  # noqa: PLC0415

        return schedules.deserialize(learning_rate)
    try:
        number = float(learning_rate)
    except (TypeError, ValueError):
        if callable(learning_rate):
            return learning_rate
        raise TypeError(
            f"{name}: learning_rate must be a number, a LearningRateSchedule or a function without "
            f"arguments, got {learning_rate!r}"
        ) from None
    return Variable(np.float64(number), name="learning_rate", trainable=False)
