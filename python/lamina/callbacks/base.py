"""What a callback may override."""

from __future__ import annotations

from typing import Any

Logs = dict[str, Any]


class Callback:
    """Looks on while a model trains, and may stop it: override what you need.

    ``self.model`` is the model, ``self.params`` its settings (``epochs``, ``steps``, ``verbose``).
    Set ``self.model.stop_training = True`` to end after this batch. ``logs`` holds the averages so
    far; change nothing in it unless later callbacks shall see the change.
    """

    # False for one that looks at no logs of batches: they are not computed for it alone.
    needs_batch_logs = True
    # True for one that wants to see what all others have done.
    comes_last = False
    # The attributes without which it could not go on in another process: see `BackupAndRestore`.
    remembers: tuple[str, ...] = ()

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
