"""The callbacks that every training has or may need at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina.callbacks.base import Callback, Logs
from lamina.callbacks.progress import say
from lamina.drawing.curves import history_html

if TYPE_CHECKING:
    from collections.abc import Callable


class History(Callback):
    """What ``fit`` returns: ``history[name]`` is a list with one number an epoch.

    ``epoch`` lists the epochs, counted from 0.
    """

    remembers = ("history", "epoch")

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

    def _repr_html_(self) -> str:
        return history_html(self.history, self.epoch)


class LambdaCallback(Callback):
    """Calls the functions that it is given, by the names of the events.

    Each takes what the method of `Callback` takes: ``on_epoch_end=lambda epoch, logs: ...``.

    Raises:
        TypeError: if there is no such event.

    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **functions: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        functions |= {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in functions.items():
            if function is None:
                continue
            if not hasattr(Callback, name) or not name.startswith("on_"):
                events = ", ".join(key for key in vars(Callback) if key.startswith("on_"))
                raise TypeError(f"LambdaCallback: there is no event {name!r}; there are {events}")
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops training at the first batch whose loss is not a number or infinite.

    With ``raise_error`` by a RuntimeError out of ``fit``, which says where it was.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"TerminateOnNaN: the loss is {loss} at batch {batch + 1}")
        say(f"Batch {batch + 1}: the loss is {loss}, training stops")
        self.model.stop_training = True
