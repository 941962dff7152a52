"""Saving the model while it trains: each epoch, every so many steps, or when it is the best."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.callbacks.monitoring import MonitorCallback
from lamina.callbacks.progress import say
from lamina.registry import nearest

if TYPE_CHECKING:
    from lamina.callbacks.base import Logs


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after each epoch or every so many steps.

    Args:
        filepath: the file, in whose name ``{epoch:02d}`` (counted from 1), ``{batch}`` and the
            names of the logs, ``{val_loss:.2f}``, are filled in; its folder is made if it is not
            there. It ends in ``.keras`` or ``.h5``; with ``save_weights_only`` in ``.weights.h5``.
        monitor: what says which model is the best.
        verbose: 1 says what was saved, and why.
        save_best_only: save only when ``monitor`` is better than ever before.
        save_weights_only: ``model.save_weights(path)`` instead of ``model.save(path)``.
        mode: "min", "max", or "auto", by the metric.
        save_freq: "epoch", or a number of steps, also across epochs.
        initial_value_threshold: with ``save_best_only``, what the first has to be better than.

    A file is whole or not there at every moment. Keras's ``ModelCheckpoint``.

    Raises:
        ValueError: if the file's ending does not fit, or its braces or save_freq are wrong.
        KeyError: when it saves, if a name in the braces is not among the logs; they are listed.

    """

    remembers = ("best", "_steps")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq = checked_frequency("ModelCheckpoint", save_freq)
        self.needs_batch_logs = self.save_freq != "epoch"
        self._check_name()
        self._epoch = self._steps = 0

    def _check_name(self) -> None:
        endings = (".weights.h5",) if self.save_weights_only else (".keras", ".h5")
        is_of_weights = self.filepath.endswith(".weights.h5")
        if is_of_weights != self.save_weights_only or not self.filepath.endswith(endings):
            what = "save_weights_only=True" if self.save_weights_only else "a whole model"
            raise ValueError(
                f"ModelCheckpoint: filepath must end in {' or '.join(map(repr, endings))} for "
                f"{what}, got {self.filepath!r}"
            )
        try:
            list(string.Formatter().parse(self.filepath))
        except ValueError as error:
            raise ValueError(
                f"ModelCheckpoint: filepath {self.filepath!r}: {error}: names stand in braces as "
                f"in '{{epoch:02d}}-{{val_loss:.2f}}.keras'"
            ) from None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._steps += 1
        if self._steps >= int(self.save_freq):
            self._steps = 0
            self._save({"batch": batch + 1} | (logs or {}))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        if self.save_freq == "epoch":
            self._save(logs or {})

    def _save(self, logs: Logs) -> None:
        """Save the model if it is time, and say so."""
        path = self._path(logs)
        reason = ""
        if self.save_best_only:
            value = self.value(logs)
            if value is not None:
                before = "" if self.best is None else f" from {self.best:.5g}"
                if not self.improves(value, self.best):
                    if self.verbose:
                        say(f"Epoch {self._epoch + 1}: {self.monitor} did not improve{before}")
                    return
                self.best = value
                reason = f"{self.monitor} improved{before} to {value:.5g}, "
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        if self.verbose:
            say(f"Epoch {self._epoch + 1}: {reason}saved to {path}")

    def _path(self, logs: Logs) -> str:
        names = logs | {"epoch": self._epoch + 1}
        try:
            return self.filepath.format(**names)
        except (KeyError, IndexError) as error:
            name = str(error.args[0])
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} wants {name!r}, which is not among "
                f"the logs{nearest(name, names)}"
            ) from None


def checked_frequency(owner: str, frequency: str | int) -> str | int:
    """Return ``save_freq``: "epoch" or a number of steps.

    Raises:
        ValueError: if it is something else.

    """
    is_count = isinstance(frequency, int) and not isinstance(frequency, bool) and frequency > 0
    if frequency != "epoch" and not is_count:
        raise ValueError(
            f"{owner}: save_freq must be 'epoch' or a number of steps, got {frequency!r}"
        )
    return frequency
