"""Stopping when a number does not get better any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.callbacks.monitoring import MonitorCallback
from lamina.callbacks.progress import say

if TYPE_CHECKING:
    from lamina.callbacks.base import Logs


class EarlyStopping(MonitorCallback):
    """Stops training when ``monitor`` has not improved for ``patience`` epochs.

    Args:
        monitor: a name in the logs: "val_loss", "val_accuracy" ...
        min_delta: less than this is no improvement.
        patience: how many epochs without one are borne; 0 stops at the first (never at epoch 1).
        verbose: 1 says so when it stops, and which weights come back.
        mode: "min", "max", or "auto", by the metric.
        baseline: only what is better than this lets the patience begin anew.
        restore_best_weights: at the end, give the model the weights of the best epoch.
        start_from_epoch: take no notice of the epochs before this one, counted from 0.

    Afterwards ``stopped_epoch`` is where it stopped (0: nowhere), ``best_epoch`` the best one,
    counted from 0, and ``best`` its number. Keras's ``EarlyStopping``.

    """

    remembers = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._forget()

    def _forget(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        super().on_train_begin(logs)
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        better = self.improves(value, self.best)
        if better:
            self.best = value
        if better or (self.restore_best_weights and self.best_weights is None):
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
        if better:
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: no improvement of {self.monitor}, early stopping")
        if self.best_weights is not None:
            if self.verbose:
                say(f"The weights of epoch {self.best_epoch + 1}, the best, come back")
            self.model.set_weights(self.best_weights)
