"""The callback that writes a training's curves, weights and graph for TensorBoard."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.callbacks.base import Callback, Logs
from lamina.callbacks.tensorboard.events import EventFile, require_tensorboardx
from lamina.callbacks.tensorboard.graph import graph_of
from lamina.callbacks.tensorboard.projector import write_rows
from lamina.callbacks.tensorboard.weights import picture
from lamina.layers import Embedding
from lamina.registry import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping


class TensorBoard(Callback):
    """Writes what TensorBoard shows: ``tensorboard --logdir logs``. No TensorFlow is needed.

    The run ``train`` has ``epoch_loss`` and the other logs by epoch, and ``epoch_learning_rate``;
    ``validation`` has the same of the validation data, and ``evaluation_loss_vs_iterations`` at
    each evaluation, by the optimizer's steps. These names are those of Keras's ``TensorBoard``.

    Args:
        log_dir: the folder, one for each training: ``f"logs/{time.strftime('%H%M%S')}"``.
        histogram_freq: write histograms of all weights every so many epochs; 0 never.
        write_graph: write the layers and how they are connected.
        write_images: with the histograms, the weights as pictures as well (extra ``image``).
        write_steps_per_second: write how fast it is.
        update_freq: "epoch"; or "batch", or a number of steps, after which the averages so far are
            written as ``batch_loss`` ... besides.
        profile_batch: only 0: there is no profile of a TensorFlow program to write.
        embeddings_freq: write the tables of the `Embedding` layers for the projector every so many
            epochs; the last ones stay.
        embeddings_metadata: the file in ``log_dir`` that has a label in each line, for all such
            layers, or a dict from their names.

    Raises:
        ImportError: if tensorboardX is not installed, or Pillow for pictures.
        ValueError: if an argument is out of its range, or names a layer that is none.

    """

    needs_batch_logs = False  # it asks for the averages when they are due
    remembers = ("_steps",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        require_tensorboardx("TensorBoard")
        if write_images and importlib.util.find_spec("PIL") is None:
            raise ImportError("TensorBoard: write_images needs Pillow: pip install 'lamina[image]'")
        if profile_batch not in (0, None, "0", (0, 0), [0, 0]):
            raise ValueError(
                f"TensorBoard: profile_batch={profile_batch!r}: there is no TensorFlow program to "
                f"profile: leave it out, and see write_steps_per_second, or Python's cProfile"
            )
        update_freq = 1 if update_freq == "batch" else update_freq
        if update_freq != "epoch" and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(
                f"TensorBoard: update_freq must be 'epoch', 'batch' or a number of steps, got "
                f"{update_freq!r}"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.embeddings_freq = histogram_freq, embeddings_freq
        self.write_graph, self.write_images = write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq, self.embeddings_metadata = update_freq, embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._steps = 0
        self._graph_is_due, self._is_training = write_graph, False
        self._batch_began = self._epoch_began = 0.0
        self._iterations = 0

    def _file(self, run: str) -> EventFile:
        if run not in self._files:
            self._files[run] = EventFile(Path(self.log_dir) / run)
        return self._files[run]

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()
        self._graph_is_due, self._is_training = self.write_graph, False
        if isinstance(self.embeddings_metadata, dict) and model.built:
            names = [layer.name for layer in model.layers if isinstance(layer, Embedding)]
            for name in self.embeddings_metadata:
                if name not in names:
                    raise ValueError(
                        f"TensorBoard: embeddings_metadata: no Embedding is named {name!r}"
                        f"{nearest(name, names)}"
                    )

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._is_training, self._steps = True, 0
        self._write_graph()

    def _write_graph(self) -> None:
        """Write the graph, once it is known."""
        graph = graph_of(self.model) if self._graph_is_due else None
        if graph is not None:
            self._file("train").graph(graph)
            self._file("train").flush()
            self._graph_is_due = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._epoch_began, self._iterations = time.perf_counter(), self._now()

    def _now(self) -> int:
        """Return the optimizer's step."""
        return int(getattr(self.model.optimizer, "iterations", 0))

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._batch_began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._steps += 1
        if self.update_freq == "epoch" or self._steps % int(self.update_freq):
            return
        file = self._file("train")
        if self.write_steps_per_second:
            taken = time.perf_counter() - self._batch_began
            file.scalar("batch_steps_per_second", 1 / taken, self._steps)
        for name, value in (logs or self.model.current_logs()).items():
            file.scalar(f"batch_{name}", value, self._steps)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is None:
            return
        file = self._file("validation")
        for name, value in (logs or {}).items():
            file.scalar(f"evaluation_{name}_vs_iterations", value, self._now())
        file.flush()
        if not self._is_training:
            self._close()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._write_graph()
        self._write_logs(epoch, dict(logs or {}))
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        self._flush()

    def _write_logs(self, epoch: int, logs: Logs) -> None:
        if self.model.optimizer is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            taken = time.perf_counter() - self._epoch_began
            logs["steps_per_second"] = (self._now() - self._iterations) / taken
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            self._file(run).scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                # A weight of a model within has the path of its own layer.
                inside = weight.path.startswith(f"{layer.name}/")
                tag = weight.path if inside else f"{layer.name}/{weight.path}"
                values = np.asarray(weight.data)
                file.histogram(f"{tag}/histogram", values, epoch)
                pixels = picture(values) if self.write_images else None
                if pixels is not None:
                    file.image(f"{tag}/image", pixels, epoch)

    def _write_embeddings(self) -> None:
        labels = self.embeddings_metadata
        for layer in self.model.layers:
            if isinstance(layer, Embedding):
                path = labels if isinstance(labels, str) else (labels or {}).get(layer.name)
                write_rows(Path(self.log_dir), layer.name, layer.embeddings.data, path)

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._is_training = False
        self._close()
