"""What a callback may override, and a list of them that is called as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Logs = dict[str, Any]


class Callback:
    """Looks on while a model trains, and may stop it: override what you need.

    ``self.model`` is the model, ``self.params`` its settings (``epochs``, ``steps``, ``verbose``).
    Set ``self.model.stop_training = True`` to end after this batch. ``logs`` holds the averages so
    far; change nothing in it unless later callbacks shall see the change.
    """

    # False for one that looks at no logs of batches: they are not computed for it alone.
    needs_batch_logs = True

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Take the model that is going to be trained."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the settings of the training."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, also if training was stopped."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a step, counted from 0 in each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation, also that of the validation data in ``fit``."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction."""

    # The names that Keras 1 had for these two.
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step."""


class CallbackList:
    """Several callbacks as one; those that do not override a batch's hooks are not called for it.

    Raises:
        TypeError: if one of them is no `Callback`.

    """

    def __init__(self, callbacks: Iterable[Any], model: Any, params: dict[str, Any]) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            is_class = isinstance(callback, type)
            if is_class or not (isinstance(callback, Callback) or hasattr(callback, "set_model")):
                cause = ": are the brackets missing?" if is_class else ""
                raise TypeError(f"callbacks: {callback!r} is no Callback{cause}")
            callback.set_params(params)
            callback.set_model(model)
        self._hooks: dict[str, list[Any]] = {}

    def hooks(self, name: str) -> list[Any]:
        """Return the callbacks' own functions for an event, those that do nothing left out."""
        if name not in self._hooks:
            nothing = getattr(Callback, name)
            found = [getattr(each, name, None) for each in self.callbacks]
            self._hooks[name] = [
                hook for hook in found if hook and getattr(hook, "__func__", None) is not nothing
            ]
        return self._hooks[name]

    def call(self, name: str, *args: Any) -> None:
        """Call an event of every callback."""
        for hook in self.hooks(name):
            hook(*args)

    def needs_batch_logs(self, mode: str) -> bool:
        """Return whether anybody looks at the averages after each batch."""
        names = [f"on_{mode}_batch_end"] + (["on_batch_end"] if mode == "train" else [])
        hooks = [hook for name in names for hook in self.hooks(name)]
        return any(getattr(getattr(h, "__self__", None), "needs_batch_logs", True) for h in hooks)

    def begin_batch(self, mode: str, batch: int) -> None:
        """Call what comes before a batch."""
        self.call(f"on_{mode}_batch_begin", batch, {})
        if mode == "train":
            self.call("on_batch_begin", batch, {})

    def end_batch(self, mode: str, batch: int, logs: Logs) -> None:
        """Call what comes after a batch."""
        self.call(f"on_{mode}_batch_end", batch, logs)
        if mode == "train":
            self.call("on_batch_end", batch, logs)
