"""Each epoch's numbers as a line of a table in a file."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from lamina.callbacks.base import Callback, Logs
from lamina.registry import nearest
from lamina.saving import atomic_write


class CSVLogger(Callback):
    """Writes the logs of each epoch to a CSV file, which is whole at every moment.

    The columns are ``epoch``, counted from 0, and the names of the logs in their order, those of
    the validation (NA where there is none) included. Keras's ``CSVLogger``.

    Args:
        filename: the file; its folder is made if it is not there.
        separator: what stands between the columns, one character.
        append: go on with a file that is there, under its header.

    Raises:
        TypeError: if the separator is not one character.
        ValueError: at the end of an epoch, if a file to append to has no column for a name.

    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise TypeError(f"CSVLogger: separator must be one character, got {separator!r}")
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self.keys = None
        Path(self.filename).parent.mkdir(parents=True, exist_ok=True)
        if not self.append or not Path(self.filename).exists():
            with atomic_write(self.filename):
                pass

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.sep)
        if self.keys is None:
            self.keys = self._header(logs)
        if self.keys is None:
            self.keys = _columns(logs)
            writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        with atomic_write(self.filename, append=True) as file:
            file.write(text.getvalue().encode("utf-8"))

    def _header(self, logs: Logs) -> list[str] | None:
        """Return the columns of a file that is appended to, if it has any."""
        if not Path(self.filename).is_file():
            return None
        with Path(self.filename).open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file, delimiter=self.sep), None)
        if not header:
            return None
        if header[0] != "epoch":
            raise ValueError(
                f"CSVLogger: the first column of {self.filename} is {header[0]!r}, wanted 'epoch': "
                f"is it another file, or separated by something else than {self.sep!r}?"
            )
        for name in logs:
            if name not in header:
                raise ValueError(
                    f"CSVLogger: {self.filename} has no column {name!r}{nearest(name, header)}. "
                    f"append=False begins a new file"
                )
        return header[1:]


def _columns(logs: Logs) -> list[str]:
    names = sorted(logs)
    if any(name.startswith("val_") for name in names):
        return names
    return [*names, *(f"val_{name}" for name in names)]  # validation may come in a later epoch


def _cell(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
