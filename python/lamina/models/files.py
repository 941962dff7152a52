"""Models in files: Keras's ``.keras`` archives, ``.weights.h5``, and the older ``.h5``.

A ``.keras`` file is a zip of ``config.json`` (the model and what `compile` was told),
``model.weights.h5`` (all state, by the paths of `lamina.models.state`), ``metadata.json``, and
``assets/`` of layers that keep files. Keras 3 reads what is written here, and the other way round.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.layers.serialization import deserialize
from lamina.models import legacy_files
from lamina.models.assets import load_assets, saved_assets
from lamina.models.reading import KERAS_VERSION, making, parsed
from lamina.models.serialization import to_json
from lamina.models.state import Restoring, saved, weights_in
from lamina.registry import custom_object_scope
from lamina.saving.archive import open_archive, write_archive
from lamina.saving.atomic import atomic_write
from lamina.saving.hdf5 import open_hdf5, written

if TYPE_CHECKING:
    from lamina.saving.archive import Archive

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LEGACY = (".h5", ".hdf5")


class Saved:
    """What a `Model` has to do with files."""

    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        include_optimizer: bool = True,
        **legacy: Any,
    ) -> None:
        """Write the model, its weights, what `compile` was told and the optimizer's state.

        Args:
            filepath: a name that ends in ``.keras``, or in ``.h5`` or ``.hdf5`` for the older
                format. The old file is whole until the new one is.
            overwrite: False raises FileExistsError if there is such a file.
            include_optimizer: False leaves out what `compile` was told.
            legacy: Keras's ``zipped=True`` and ``save_format`` are accepted if they say the same
                as the name.

        Raises:
            ValueError: if the name has another ending.
            FileNotFoundError: if the folder does not exist.
            TypeError: if the config of a layer of your own holds what JSON cannot.

        """
        path = _checked(filepath, overwrite)
        _check_format(path, legacy)
        if path.endswith(".keras"):
            _write_model(self, path, include_optimizer)
        elif path.endswith(_LEGACY) and not path.endswith(".weights.h5"):
            legacy_files.write_model(self, path, include_optimizer)
        else:
            raise ValueError(
                f"{path}: a model is saved to a name that ends in .keras (or in .h5, the older "
                f"format); save_weights writes .weights.h5"
            )

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights, and the optimizer's state if the model is compiled.

        Args:
            filepath: a name that ends in ``.weights.h5``; other names that end in ``.h5`` or
                ``.hdf5`` get the older format, with weights alone.
            overwrite: False raises FileExistsError if there is such a file.

        Raises:
            ValueError: if the name has another ending, or the model is not built.

        """
        path = _checked(filepath, overwrite)
        _require_built(self, "save_weights")
        if path.endswith(".weights.h5"):
            content = written(*saved(self))
            with atomic_write(path) as stream:
                stream.write(content.getbuffer())
        elif path.endswith(_LEGACY):
            legacy_files.write_weights(self, path)
        else:
            raise ValueError(f"{path}: weights are saved to a name that ends in .weights.h5")

    def load_weights(
        self,
        filepath: str | os.PathLike[str],
        skip_mismatch: bool = False,
        by_name: bool = False,
    ) -> None:
        """Take over weights from a file; nothing changes unless all of it fits.

        The optimizer's state is taken over too, if the file has it and the optimizer is built: one
        that has made no step yet starts anew (``optimizer.build(model.trainable_weights)`` before
        makes it go on).

        Args:
            filepath: ``.weights.h5``, ``.keras``, or ``.h5`` and ``.hdf5`` of the older format.
            skip_mismatch: leave layers that do not fit as they are, with a warning.
            by_name: match layers by their names, not by their order; for the older format alone.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is damaged, or a weight is missing or of another shape: the message
                names the layer, the weight and both shapes.

        """
        path = os.fspath(filepath)
        _require_built(self, "load_weights")
        with contextlib.ExitStack() as stack:
            source: Any = path
            if path.endswith(".keras"):
                source = io.BytesIO(stack.enter_context(open_archive(path)).read(_WEIGHTS))
            elif not path.endswith(_LEGACY):
                raise ValueError(
                    f"{path}: weights are read from names that end in .weights.h5, .keras, .h5"
                )
            file = stack.enter_context(open_hdf5(source, path))
            if legacy_files.is_legacy(file):
                legacy_files.read_weights(self, file, path, skip_mismatch, by_name)
                return
            if by_name:
                raise ValueError(
                    f"{path}: by_name is for files of the older format; this one names its weights "
                    f"by their places in the model"
                )
            Restoring(self, file, path, "if built").apply(skip_mismatch=skip_mismatch)


def save_model(
    model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, **options: Any
) -> None:
    """Write a model to a file: ``model.save(filepath, overwrite, ...)``."""
    model.save(filepath, overwrite, **options)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,  # noqa: A002 - Keras's name
    safe_mode: bool = True,
) -> Any:
    """Return the model in a file that ``model.save`` wrote, here or in Keras.

    Args:
        filepath: a ``.keras`` file, or ``.h5`` or ``.hdf5`` of Keras 2 or 3.
        custom_objects: your own layers, functions, losses and metrics by the names in the file;
            those that `lamina.saving.register_keras_serializable` registered are known.
        compile: compile the model as it was, and let its optimizer go on where it stopped.
        safe_mode: accepted, without effect: nothing in a file is ever run. A `Lambda` of a function
            with a name takes the function of that name from ``custom_objects``; one of a lambda,
            which Keras saves as bytecode, takes ``custom_objects={"name of the layer": function}``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or cut off, claims sizes that it does not have, names a class
            that is unknown here, holds a lambda's bytecode, or its weights do not fit its layers;
            the message names the file and the place.

    """
    del safe_mode
    path = os.fspath(filepath)
    if path.endswith(".weights.h5"):
        raise ValueError(
            f"{path} holds weights alone: make the model, then model.load_weights({path!r})"
        )
    with custom_object_scope(custom_objects):
        if path.endswith(_LEGACY):
            with open_hdf5(path, path) as file:
                return legacy_files.read_model(file, path, compile)
        if not path.endswith(".keras"):
            if not Path(path).exists():
                raise FileNotFoundError(f"{path}: there is no such file")
            raise ValueError(f"{path}: models are read from names that end in .keras, .h5 or .hdf5")
        with open_archive(path) as archive:
            return _read_model(archive, path, compile)


def _write_model(model: Any, path: str, include_optimizer: bool) -> None:
    config = json.loads(to_json(model))
    if not include_optimizer:
        config.pop("compile_config", None)
    now = dt.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")  # noqa: DTZ005 - as Keras writes it
    metadata = {"keras_version": KERAS_VERSION, "date_saved": now}
    weights = written(*saved(model, optimizer=include_optimizer))
    members: dict[str, Any] = {
        _METADATA: json.dumps(metadata).encode(),
        _CONFIG: json.dumps(config).encode(),
        **saved_assets(model),
        _WEIGHTS: weights.getbuffer(),
    }
    write_archive(path, members)


def _read_model(archive: Archive, path: str, compile: bool) -> Any:  # noqa: A002
    config = parsed(archive.read(_CONFIG), f"{path}, {_CONFIG}")
    if not compile:
        config.pop("compile_config", None)
    source = io.BytesIO(archive.read(_WEIGHTS))
    with open_hdf5(source, f"{path}, {_WEIGHTS}") as file:
        with making(f"{path}, {_CONFIG}", weights_in(file)):
            model = deserialize(config)
        Restoring(model, file, path, "build" if compile else "no").apply()
    load_assets(model, archive, path)
    return model


def _checked(filepath: str | os.PathLike[str], overwrite: bool) -> str:
    path = os.fspath(filepath)
    if not isinstance(path, str):
        raise TypeError(f"a file's name is a text, got {path!r}")
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"{path} exists, and overwrite is False")
    return path


def _check_format(path: str, legacy: dict[str, Any]) -> None:
    given = legacy.pop("save_format", None)
    zipped = legacy.pop("zipped", None)
    if legacy:
        raise TypeError(f"save() got an unexpected keyword argument {next(iter(legacy))!r}")
    if zipped not in (None, True):
        raise ValueError(f"{path}: zipped=False, a folder instead of a file, is not written here")
    ending = ".keras" if given == "keras" else _LEGACY
    if given is not None and not path.endswith(ending):
        raise ValueError(
            f"{path}: save_format={given!r}, but the format goes by the ending: .keras, or .h5 for "
            f"the older one"
        )


def _require_built(model: Any, what: str) -> None:
    if not model.built:
        raise ValueError(
            f"{model}.{what}: it has no weights yet: call it on data, or tell the shape of its "
            f"input with Input(shape=...) or build(input_shape)"
        )
