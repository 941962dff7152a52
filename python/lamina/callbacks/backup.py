"""A training that goes on after the process was killed."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.callbacks.base import Callback, Logs
from lamina.callbacks.model_checkpoint import checked_frequency
from lamina.callbacks.progress import say
from lamina.saving import read_tensors, write_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ARRAY = "__array__"


class BackupAndRestore(Callback):
    """Keeps in a folder what `fit` needs to go on; run the program again after it was killed.

    It goes on with the step after the last backup: weights, optimizer, epoch, batch, shuffling,
    dropout, history and what the other callbacks remember are as they were, and on one thread so is
    every bit of what follows. Data come from arrays or a ``Sequence`` at the same place; batches of
    a generator that are over are drawn again and left out. Random numbers that a program draws
    itself are its own business.

    Args:
        backup_dir: the folder, for this training alone.
        save_freq: "epoch", or a number of steps, also across epochs; where a generator does not say
            how many steps an epoch has, it waits for its end.
        double_checkpoint: keep the backup before the last one too, for a disk that fails.
        delete_checkpoint: take the backup away when training has come to its end.

    The file is whole at every moment, and nothing in it is executed. Keras's ``BackupAndRestore``,
    which keeps neither the random states nor the place in an epoch.

    Raises:
        ValueError: if an argument is wrong; when training begins, if the model has no weights yet,
            or the backup is another model's or cannot be read.

    """

    needs_batch_logs = False
    comes_last = True  # so that it keeps what the others have done

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("BackupAndRestore: backup_dir is empty, wanted the name of a folder")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = checked_frequency("BackupAndRestore", save_freq)
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._path = Path(backup_dir) / "fit.safetensors"
        self._previous = Path(backup_dir) / "fit.previous.safetensors"
        self._state: dict[str, Any] | None = None
        self._epoch = self._steps = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        if not self.model.built:
            raise ValueError(
                f"BackupAndRestore: {self.model} has no weights yet that could come back: tell the "
                f"shape of its input with Input(shape=...) or build(input_shape)"
            )
        self._epoch = self._steps = 0
        self._state = self._read()
        if self._state is None:
            return
        try:
            self.model.resume_fit(self._state)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError(
                f"BackupAndRestore: what {self.backup_dir} holds is no backup of a training "
                f"({type(error).__name__}: {error}). Delete it to begin anew"
            ) from error
        self._epoch, step = self._state["epoch"], self._state["step"]
        if self.params.get("verbose"):
            place = f"epoch {self._epoch + 1}" + (f", step {step + 1}" if step else "")
            say(f"Going on with {place}, from {self.backup_dir}")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._epoch = epoch
        # Within an epoch, what the others do at its beginning was done before the backup.
        if self._state is not None and self._state["step"]:
            self.model.restore_fit(self._state)
        self._state = None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        if self.save_freq == "epoch":
            return
        self._steps += 1
        steps = self.params.get("steps")
        if self._steps >= int(self.save_freq) and steps and batch + 1 < steps:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        if self.save_freq == "epoch" or self._steps >= int(self.save_freq):
            self._save(epoch + 1, 0)
        self._epoch = epoch + 1

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        has_ended = self.model.stop_training or self._epoch >= self.params["epochs"]
        if self.delete_checkpoint and has_ended:  # rather than broken off
            self._path.unlink(missing_ok=True)
            self._previous.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # what else is in there is not ours
                Path(self.backup_dir).rmdir()

    def _save(self, epoch: int, step: int) -> None:
        """Write the state with which this step of an epoch begins."""
        self._steps = 0
        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        arrays, text = _packed(self.model.fit_state(epoch, step))
        if self.double_checkpoint and self._path.exists():
            self._path.replace(self._previous)
        write_tensors(self._path, arrays, {"fit": text})

    def _read(self) -> dict[str, Any] | None:
        """Return the last state that can be read; None if there is none."""
        if self._path.exists():
            try:
                return _unpacked(self._path)
            except ValueError as error:
                if not self._previous.exists():
                    raise ValueError(
                        f"BackupAndRestore: {error}. Delete {self.backup_dir} to begin anew"
                    ) from error
                warnings.warn(f"{error}: the backup before it is taken", stacklevel=2)
        return _unpacked(self._previous) if self._previous.exists() else None


def _packed(state: dict[str, Any]) -> tuple[dict[str, NDArray[Any]], str]:
    """Return the arrays in a nested state, by numbers, and the rest of it as JSON."""
    arrays: dict[str, NDArray[Any]] = {}

    def kept(value: Any) -> dict[str, str]:
        if not isinstance(value, (np.ndarray, np.generic)):
            raise TypeError(
                f"BackupAndRestore: a callback remembers {value!r:.80} ({type(value).__name__}), "
                f"wanted numbers, texts, arrays, and lists and dicts of them"
            )
        name = str(len(arrays))
        arrays[name] = np.asarray(value)
        return {_ARRAY: name}

    return arrays, json.dumps(state, default=kept)


def _unpacked(path: Path) -> dict[str, Any]:
    """Return the state in a file.

    Raises:
        ValueError: if it is no such file, or cut off.

    """
    arrays, strings = read_tensors(path)

    def found(part: dict[str, Any]) -> Any:
        return np.array(arrays[part[_ARRAY]])[()] if _ARRAY in part else part

    try:
        return {**json.loads(strings["fit"], object_hook=found)}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no backup of a training ({error})") from error
