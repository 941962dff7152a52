"""The ``.h5`` files of Keras 2, which Keras 3 reads and writes as well.

Attributes of the file hold the model's config (``model_config``) and what `compile` was told
(``training_config``). The group ``model_weights``, or the file itself if it holds weights alone,
lists ``layer_names``; each layer's group lists ``weight_names``, those that are trained first. The
group ``optimizer_weights`` lists the optimizer's state in the same way.
"""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from lamina import losses
from lamina.layers.serialization import deserialize
from lamina.models.legacy_configs import compile_config, model_config
from lamina.models.reading import KERAS_VERSION, making, parsed
from lamina.models.serialization import to_json
from lamina.models.state import matched_state, weights_in
from lamina.saving.atomic import atomic_write
from lamina.saving.hdf5 import RefusedFileError, written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamina.autodiff import Variable
    from lamina.saving.hdf5 import Dataset, Group

# Where weights stand that belong to no layer but to the model itself.
_OWN = "top_level_model_weights"


def is_legacy(file: Group) -> bool:
    """Return whether a file of weights is of this format."""
    return bool(
        file.find("model_weights")
        or file.attribute("layer_names") is not None
        or file.attribute("layer_names0") is not None
    )


def _ordered(layer: Any) -> list[Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _owners(model: Any) -> list[tuple[str, Any, list[Variable]]]:
    """Return the layers of a model and itself with their weights, by the names of their groups."""
    owners = [(layer.name, layer, _ordered(layer)) for layer in model.layers]
    own = set(map(id, model._own_variables()))  # noqa: SLF001
    return [*owners, (_OWN, model, [v for v in _ordered(model) if id(v) in own])]


class _Contents:
    """Arrays and attributes of a file that is to be written."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        self.attributes: dict[str, dict[str, Any]] = {"/": {}}

    def add(self, place: str, prefix: str, variables: list[Variable]) -> None:
        """Add weights as a group with the list of their names, each of which is there once."""
        names: list[str] = []
        taken: dict[str, int] = {}
        for variable in variables:
            name = f"{prefix}/{variable.path.removeprefix(f'{prefix}/')}"
            number = taken[name] = taken.get(name, -1) + 1
            names.append(f"{name}_{number}" if number else name)
            self.arrays[f"{place}/{names[-1]}"] = variable.data
        self.attributes[place] = {"weight_names": names}

    def add_weights(self, place: str, model: Any) -> None:
        """Add the weights of all layers."""
        for name, owner, variables in _owners(model):
            self.add(f"{place}/{name}".lstrip("/"), owner.name, variables)
        about = {"layer_names": [layer.name for layer in model.layers], "backend": "lamina"}
        self.attributes.setdefault(place or "/", {}).update(about, keras_version=KERAS_VERSION)

    def write(self, path: str) -> None:
        """Write the file, all of it or nothing."""
        content = written(self.arrays, self.attributes)
        with atomic_write(path) as stream:
            stream.write(content.getbuffer())


def write_weights(model: Any, path: str) -> None:
    """Write weights alone."""
    contents = _Contents()
    contents.add_weights("", model)
    contents.write(path)


def write_model(model: Any, path: str, include_optimizer: bool) -> None:
    """Write a model with its weights, what `compile` was told and the optimizer's state."""
    config = json.loads(to_json(model))
    compiled = config.pop("compile_config", None)
    contents = _Contents()
    about = {"model_config": json.dumps(config), "backend": "lamina"}
    contents.attributes["/"].update(about, keras_version=KERAS_VERSION)
    if compiled is not None and include_optimizer:
        optimizer = compiled.pop("optimizer")
        compiled["loss"] = _full_names(compiled.get("loss"))
        compiled["optimizer_config"] = {key: optimizer[key] for key in ("class_name", "config")}
        contents.attributes["/"]["training_config"] = json.dumps(compiled)
        contents.add("optimizer_weights", model.optimizer.name, model.optimizer.variables)
    contents.add_weights("model_weights", model)
    contents.write(path)


def _full_names(loss: Any) -> Any:
    """Return losses under the names that Keras finds in these files: no "mse"."""
    if isinstance(loss, list):
        return [_full_names(each) for each in loss]
    if isinstance(loss, dict):
        return loss if "class_name" in loss else {k: _full_names(v) for k, v in loss.items()}
    return loss if loss is None else getattr(losses.get(loss), "__name__", loss)


def _listed(group: Group | None) -> list[tuple[str, Dataset]]:
    """Return the arrays that a group lists, with their names."""
    if group is None:
        return []
    found = []
    for name in group.texts("weight_names"):
        dataset = group.dataset(name)
        if dataset is None:
            raise RefusedFileError(f"{group.place(name)}: is listed, but not there")
        found.append((name, dataset))
    return found


def read_weights(
    model: Any, file: Group, path: str, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Take over weights: layer after layer of those that have some, or by the layers' names.

    Raises:
        ValueError: if anything does not fit; nothing has changed then.

    """
    group = file.find("model_weights") or file
    in_file = [(name, _listed(group.find(name))) for name in group.texts("layer_names")]
    in_file = [(name, weights) for name, weights in in_file if weights]
    *layers, (_, _, own) = _owners(model)
    layers = [(name, layer, weights) for name, layer, weights in layers if weights]
    problems: list[str] = []
    pairs: list[tuple[Any, list[Variable], list[tuple[str, Dataset]]]] = []
    if by_name:
        by_names = dict(in_file)
        pairs = [(layer, w, by_names[name]) for name, layer, w in layers if name in by_names]
    else:
        if len(layers) != len(in_file):
            raise ValueError(
                f"{path} has weights of {len(in_file)} layers "
                f"({', '.join(name for name, _ in in_file)}), {model} has {len(layers)} layers "
                f"with weights ({', '.join(name for name, _, _ in layers)}): by_name=True matches "
                f"those of the same names"
            )
        pairs = [(layer, w, found[1]) for (_, layer, w), found in zip(layers, in_file, strict=True)]
    extra = _listed(group.find(_OWN))
    if own or extra:
        pairs.append((model, own, extra))
    taken: list[tuple[Variable, Dataset]] = []
    for layer, variables, weights in pairs:
        found = _mismatches(layer, variables, weights)
        problems += found
        if not found:
            taken += [(v, each) for v, (_, each) in zip(variables, weights, strict=True)]
    if problems:
        text = "; ".join(problems[:3]) + (f" (and {len(problems) - 3} more)" * (len(problems) > 3))
        if not skip_mismatch:
            raise ValueError(f"{path} does not fit {model}: {text}")
        warnings.warn(f"{path}: left as they were: {text}", stacklevel=4)
    values = [dataset.read() for _, dataset in taken]
    for (variable, _), value in zip(taken, values, strict=True):
        variable.assign(value)


def _mismatches(
    layer: Any, variables: list[Variable], weights: list[tuple[str, Dataset]]
) -> list[str]:
    if len(variables) != len(weights):
        have, found = ", ".join(v.name for v in variables), ", ".join(name for name, _ in weights)
        return [f"{layer} has {len(variables)} weights ({have}), the file {len(weights)} ({found})"]
    return [
        f"{layer}: its weight {variable.name!r} has the shape {variable.shape}, {name!r} in the "
        f"file {dataset.shape}"
        for variable, (name, dataset) in zip(variables, weights, strict=True)
        if dataset.shape != variable.shape
    ]


def read_model(file: Group, path: str, compile: bool) -> Any:  # noqa: A002 - Keras's name
    """Return the model in a file."""
    text = file.attribute("model_config")
    if text is None:
        cause = ": it holds weights alone: make the model, then load_weights"
        raise RefusedFileError(
            f"{path} has no attribute 'model_config'{cause if is_legacy(file) else ''}"
        )
    config = parsed(text, f"{path}, model_config")
    with making(f"{path}, model_config", weights_in(file)):
        model = deserialize(model_config(config))
    if file.find("model_weights") is None:
        raise RefusedFileError(f"{path} has no group 'model_weights'")
    read_weights(model, file, path)
    training = file.attribute("training_config")
    if compile and training is not None:
        told = parsed(training, f"{path}, training_config")
        with making(f"{path}, training_config", 0):
            model.compile_from_config(compile_config(told))
        state = [dataset for _, dataset in _listed(file.find("optimizer_weights"))]
        if state:
            pairs = matched_state(model, model.optimizer, state, path)
            values = [dataset.read() for _, dataset in pairs]
            for (variable, _), value in zip(pairs, values, strict=True):
                variable.assign(value)
    return model
