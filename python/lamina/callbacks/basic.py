"""The callbacks that every training has or may need at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    from collections.abc import Callable


class History(Callback):
    """What ``fit`` returns: ``history[name]`` is a list with one number an epoch.

    ``epoch`` lists the epochs, counted from 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"


class LambdaCallback(Callback):
    """Calls the functions that it is given, by the names of the events."""

    def __init__(self, **functions: Callable[..., Any] | None) -> None:
        super().__init__()
        for name, function in functions.items():
            if function is None:
                continue
            if not hasattr(Callback, name) or not name.startswith("on_"):
                events = ", ".join(key for key in vars(Callback) if key.startswith("on_"))
                raise TypeError(f"LambdaCallback: there is no event {name!r}; there are {events}")
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops training at the first batch whose loss is not a number or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: the loss is {loss}, training stops")  # noqa: T201
            self.model.stop_training = True
