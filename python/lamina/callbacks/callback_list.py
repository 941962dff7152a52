"""Several callbacks that are called as one: by ``fit``, and by loops of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.callbacks.base import Callback, Logs
from lamina.callbacks.basic import History
from lamina.callbacks.progress import ProgbarLogger

if TYPE_CHECKING:
    from collections.abc import Iterator


def _flat(callbacks: Any) -> Iterator[Any]:
    """Yield the callbacks in nested lists; None stands for none."""
    if isinstance(callbacks, (list, tuple, CallbackList)):
        for each in callbacks:
            yield from _flat(each)
    elif callbacks is not None:
        yield callbacks


class CallbackList(Callback):
    """Several callbacks as one; those that do not override an event are not called for it.

    A loop of your own calls it as ``fit`` does: ``on_train_begin()``, ``on_epoch_begin(epoch)``,
    ``on_train_batch_begin(step)``, ``on_train_batch_end(step, logs)`` and so on.

    Args:
        callbacks: one, or a list of them.
        add_history: add a `History`, which becomes ``model.history``.
        add_progbar: add a `ProgbarLogger`.
        model: the model that they look at.
        params: their ``params``: ``epochs``, ``steps``, ``verbose``.

    Raises:
        TypeError: if one of them is no `Callback`.

    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks = list(_flat(callbacks))
        for callback in self.callbacks:
            is_class = isinstance(callback, type)
            if is_class or not (isinstance(callback, Callback) or hasattr(callback, "set_model")):
                cause = ": are the brackets missing?" if is_class else ""
                raise TypeError(f"callbacks: {callback!r} is no Callback{cause}")
        if add_progbar and not self._has(ProgbarLogger):
            self.callbacks.append(ProgbarLogger(params.get("verbose", 1)))
        if add_history and not self._has(History):  # after those that put something in the logs
            self.callbacks.append(History())
        self._hooks: dict[tuple[str, ...], list[Any]] = {}
        self._in_order()
        self.set_params(params)
        self.set_model(model)

    def _has(self, kind: type) -> bool:
        return any(isinstance(each, kind) for each in self.callbacks)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def _in_order(self) -> None:
        self.callbacks.sort(key=lambda each: bool(getattr(each, "comes_last", False)))
        self._hooks.clear()

    def append(self, callback: Any) -> None:
        """Add a callback after the others."""
        self.callbacks.append(callback)
        self._in_order()

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        self.model = model
        for callback in self.callbacks:
            if isinstance(callback, History):
                model.history = callback
            callback.set_model(model)

    def hooks(self, *names: str) -> list[Any]:
        """Return the callbacks' own functions for events, those that do nothing left out."""
        if names not in self._hooks:
            found = [(name, getattr(e, name, None)) for e in self.callbacks for name in names]
            self._hooks[names] = [
                hook
                for name, hook in found
                if hook and getattr(hook, "__func__", None) is not getattr(Callback, name)
            ]
        return self._hooks[names]

    def wants_batch_logs(self, mode: str) -> bool:
        """Return whether anybody looks at the averages after each batch."""
        names = [f"on_{mode}_batch_end"] + (["on_batch_end"] if mode == "train" else [])
        owners = (getattr(hook, "__self__", None) for hook in self.hooks(*names))
        return any(getattr(owner, "needs_batch_logs", True) for owner in owners)

    def _call(self, hooks: list[Any], *args: Any) -> None:
        """Call hooks, the last argument of which, the logs, is a dict that they share."""
        if not hooks:
            return
        *place, logs = args
        logs = {} if logs is None else logs
        for hook in hooks:
            hook(*place, logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_train_begin"), logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_train_end"), logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_epoch_begin"), epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_epoch_end"), epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_train_batch_begin", "on_batch_begin"), batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_train_batch_end", "on_batch_end"), batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_batch_begin"), batch, logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_batch_end"), batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_test_begin"), logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_test_end"), logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_test_batch_begin"), batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_test_batch_end"), batch, logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_predict_begin"), logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_predict_end"), logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_predict_batch_begin"), batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._call(self.hooks("on_predict_batch_end"), batch, logs)
