"""One event file of a run, as TensorBoard reads it; tensorboardX knows the format."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

_numbers = itertools.count()


def require_tensorboardx(what: str) -> None:
    """Raise an ImportError that says what to install, if tensorboardX is not there."""
    try:
        import tensorboardX  # noqa: F401, PLC0415
    except ImportError as error:
        raise ImportError(
            f"{what} writes its files through tensorboardX: pip install 'lamina[tensorboard]'"
        ) from error


class EventFile:
    """Writes numbers, histograms, pictures and a graph to a new event file in a folder."""

    def __init__(self, folder: Path) -> None:
        from tensorboardX import event_file_writer, summary  # noqa: PLC0415
        from tensorboardX.proto.event_pb2 import Event  # noqa: PLC0415

        folder.mkdir(parents=True, exist_ok=True)
        self._summary, self._event = summary, Event
        # Two runs may begin in one second, which is all that the name would say.
        suffix = f".{os.getpid()}.{next(_numbers)}"
        self._file = event_file_writer.EventsWriter(str(folder / "events"), suffix)

    def _write(self, **event: Any) -> None:
        self._file.write_event(self._event(wall_time=time.time(), **event))

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Write one number; an array of several gets a tag for each, ``tag/0`` ..."""
        array = np.asarray(value)
        if array.size == 1:
            self._write(summary=self._summary.scalar(tag, array), step=step)
            return
        for place, each in enumerate(array.ravel()):
            self._write(summary=self._summary.scalar(f"{tag}/{place}", each), step=step)

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """Write how often values occur in thirty equal bins; those not finite do not count."""
        finite = values[np.isfinite(values)].astype(np.float64)
        if finite.size:
            self._write(summary=self._summary.histogram(tag, finite, bins=30), step=step)

    def image(self, tag: str, pixels: Any, step: int) -> None:
        """Write a grey picture, (height, width) of uint8."""
        summary = self._summary.image(tag, pixels[..., np.newaxis], dataformats="HWC")
        self._write(summary=summary, step=step)

    def graph(self, definition: Any) -> None:
        """Write a GraphDef."""
        self._write(graph_def=definition.SerializeToString())

    def flush(self) -> None:
        """Let a TensorBoard that is running see what is written."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
