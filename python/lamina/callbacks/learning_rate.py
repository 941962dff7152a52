"""Changing the learning rate between epochs: by a plan, or when a number stands still."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from lamina.callbacks.base import Callback, Logs
from lamina.callbacks.monitoring import MonitorCallback
from lamina.callbacks.progress import say

if TYPE_CHECKING:
    from collections.abc import Callable


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to ``schedule(epoch, learning_rate)``.

    The epoch is counted from 0; a schedule that takes one argument is given the epoch alone. The
    logs get ``learning_rate``. ``verbose=1`` prints it. Keras's ``LearningRateScheduler``.

    Raises:
        TypeError: if the schedule returns no number, or the optimizer has a schedule of its own.

    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(
                f"LearningRateScheduler: schedule must be a function of (epoch, learning_rate), "
                f"got {schedule!r}"
            )
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        optimizer = self.model.optimizer
        before = (float(optimizer.learning_rate),) if self._takes_rate else ()
        found = self.schedule(epoch, *before)
        try:
            rate = float(found)
        except (TypeError, ValueError):
            cause = ": is its return missing?" if found is None else ""
            raise TypeError(
                f"LearningRateScheduler: the schedule gave {found!r} for epoch {epoch}, wanted a "
                f"number{cause}"
            ) from None
        optimizer.learning_rate = rate
        if self.verbose:
            say(f"Epoch {epoch + 1}: the learning rate is {rate:.6g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _takes_two(schedule: Callable[..., float]) -> bool:
    """Return whether a function can be called with two arguments."""
    try:
        inspect.signature(schedule).bind(0, 0.1)
    except ValueError:  # a builtin that does not tell
        return True
    except TypeError:
        return False
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by ``factor`` when ``monitor`` stands still.

    Args:
        monitor: a name in the logs: "val_loss", "val_accuracy" ...
        factor: less than 1.
        patience: how many epochs without improvement are borne.
        verbose: 1 prints each new rate.
        mode: "min", "max", or "auto", by the metric.
        min_delta: less than this is no improvement; also ``epsilon``, as Keras 2 spelt it.
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: the least that the rate may become.
        legacy: only ``epsilon``.

    The logs get ``learning_rate``. Keras's ``ReduceLROnPlateau``.

    Raises:
        ValueError: if factor is not between 0 and 1.
        TypeError: when training begins, if the optimizer's rate follows a schedule of its own.

    """

    remembers = ("wait", "cooldown_counter", "best")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **legacy: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=legacy.pop("epsilon", min_delta))
        if legacy:
            raise TypeError(
                f"ReduceLROnPlateau() got an unexpected keyword argument {next(iter(legacy))!r}"
            )
        if not 0 <= factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau: factor must be at least 0 and less than 1, got {factor}"
            )
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.wait = self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Return whether a reduction is so recent that nothing is counted yet."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        super().on_train_begin(logs)
        self.best, self.wait, self.cooldown_counter = None, 0, 0
        config = self.model.optimizer.get_config()
        if not isinstance(config.get("learning_rate"), float):
            raise TypeError(
                f"ReduceLROnPlateau: the learning rate of {config.get('name')!r} follows a "
                f"schedule or a function and cannot be reduced: make the optimizer with a number"
            )

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        value = self.value(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        before = float(self.model.optimizer.learning_rate)
        if before <= self.min_lr:
            return
        rate = max(before * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            say(
                f"Epoch {epoch + 1}: {self.monitor} stands still, the learning rate falls from "
                f"{before:.6g} to {rate:.6g}"
            )
