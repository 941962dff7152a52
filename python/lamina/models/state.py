"""The state of a model by Keras's paths: ``layers/dense_1/vars/0``, ``optimizer/vars/3``.

Keras names a part of a model by the attribute that holds it. The parts of a graph, and of any list
or dict, are named by their class, counted: dense, dense_1. Parts are visited model first, then its
layers, then its attributes by name, those that begin with ``_`` last; where a part is met first is
its place. What a part itself keeps is numbered under ``vars``.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import Variable, as_array
from lamina.layers.weighted import NOT_PARTS, Weighted
from lamina.optimizers import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lamina.saving.hdf5 import Dataset, Group

# Where the weights of layers stand; older files have more elsewhere, which is not needed.
_WEIGHTS = re.compile(
    r"(layers|_layer_checkpoint_dependencies)/(?!.*\b(seed_generator|optimizer)/)"
)


def snake_case(class_name: str) -> str:
    """Return what Keras calls a class in files: lstm_cell, conv2d, re_lu."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def parts(model: Any, *, optimizer: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield every layer and optimizer of a model, and itself, each once, with its path."""
    stack: list[tuple[str, Any]] = [("", model)]
    seen: set[int] = set()
    while stack:
        path, part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Weighted) or (optimizer and isinstance(part, Optimizer)):
            yield path, part
        children = [
            (f"{path}/{name}".lstrip("/"), child)
            for name, child in _children(part)
            if isinstance(child, (Weighted, Optimizer, list, tuple, dict))
        ]
        stack.extend(reversed(children))


def _children(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, Weighted):
        yield from _attributes(part)
    elif not isinstance(part, Optimizer):
        counts: dict[str, int] = {}
        for child in part.values() if isinstance(part, dict) else part:
            name = _class_name(child)
            number = counts[name] = counts.get(name, -1) + 1
            yield (f"{name}_{number}" if number else name), child


def _class_name(part: Any) -> str:
    if not isinstance(part, (Weighted, Optimizer)):
        return "container"
    kind = type(part)
    return snake_case((vars(kind).get("saved_as") or (None, kind.__name__))[1])


def _attributes(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a layer or model in Keras's order, under Keras's names."""
    found = {
        part.saved_names.get(name, name): value
        for name, value in part.__dict__.items()
        if name not in NOT_PARTS
    }
    layers = getattr(part, "layers", None)
    if isinstance(layers, list) and "layers" not in found:
        if getattr(part, "_graph", None) is not None or hasattr(part, "_stack"):
            yield "layers", layers
        else:
            found["layers"] = layers
    yield from sorted(found.items(), key=lambda item: (item[0].startswith("_"), item[0]))


def saved(
    model: Any, *, optimizer: bool = True
) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, str]]]:
    """Return all state of a model as arrays by path, and its parts' names by the groups' paths."""
    arrays: dict[str, NDArray[Any]] = {}
    names: dict[str, dict[str, str]] = {}
    for path, part in parts(model, optimizer=optimizer):
        store: dict[str, Any] = {}
        part.save_own_variables(store)
        group = f"{path}/vars".lstrip("/")
        if store:
            names[group] = {"name": part.name}
        arrays.update({f"{group}/{key}": as_array(value) for key, value in store.items()})
    return arrays, names


class Restoring:
    """The state of a model in a file, checked against the model before anything is changed.

    ``optimizer`` says what is done with an optimizer's state: ``"build"`` makes room for it if it
    is new, ``"if built"`` restores it only if it is not, ``"no"`` leaves it.
    """

    def __init__(self, model: Any, file: Group, title: str, optimizer: str) -> None:
        self._file, self._title, self._model = file, title, model
        self._assignments: list[tuple[Variable, NDArray[Any]]] = []
        self._stores: list[tuple[Any, dict[str, NDArray[Any]]]] = []
        self._taken: set[str] = set()
        self.problems: list[str] = []
        for path, part in parts(model):
            if not isinstance(part, Optimizer):
                self._match(path, part)
            elif optimizer == "build" or (optimizer == "if built" and part.built):
                self._match_optimizer(path, part)
        unused = [p for p in file.arrays() if p not in self._taken and _WEIGHTS.match(p)]
        if unused:
            self.problems.append(
                f"the file has weights that the model has no place for: {', '.join(unused[:5])}"
                + (f" and {len(unused) - 5} more" if len(unused) > 5 else "")
            )

    def _group(self, path: str) -> tuple[Group | None, str]:
        """Return what a part keeps in the file: the group and its path."""
        place = f"{path}/vars".lstrip("/")
        found = self._file.find(place)
        if found is None and path.startswith("layers/"):  # files of TensorFlow 2.13
            older = f"_layer_checkpoint_dependencies/{place.removeprefix('layers/')}"
            found, place = self._file.find(older), older
        return found, place

    def _match(self, path: str, part: Any) -> None:
        group, place = self._group(path)
        names = [] if group is None else group.names()
        self._taken.update(f"{place}/{name}" for name in names)
        datasets = {name: group.dataset(name) for name in names} if group else {}
        if type(part).load_own_variables is not Weighted.load_own_variables:
            self._stores.append((part, {k: d.read() for k, d in datasets.items() if d}))
            return
        variables = part._own_variables()  # noqa: SLF001
        wanted = [str(place) for place in range(len(variables))]
        if sorted(names) != sorted(wanted):
            self.problems.append(
                f"{part} has {len(variables)} weights of its own "
                f"({', '.join(v.name for v in variables) or 'none'}), the file has {len(names)} "
                f"at {place!r}" + ("" if part.built else ": it is not built yet, call it once")
            )
            return
        fits = [
            self._fits(datasets[name], variable, f"{part}: its weight")
            for name, variable in zip(wanted, variables, strict=True)
        ]
        if all(fits):
            self._take([datasets[name] for name in wanted], variables)

    def _match_optimizer(self, path: str, optimizer: Any) -> None:
        group, _ = self._group(path)
        if group is not None:
            datasets = [group.dataset(str(number)) for number in range(len(group.names()))]
            pairs = matched_state(self._model, optimizer, datasets, self._title)
            self._assignments += [(variable, dataset.read()) for variable, dataset in pairs]

    def _fits(self, dataset: Dataset | None, variable: Variable, what: str) -> bool:
        if dataset is None or dataset.shape != variable.shape:
            got = None if dataset is None else dataset.shape
            self.problems.append(
                f"{what} {variable.name!r} has the shape {variable.shape}, in the file {got}"
            )
            return False
        if dataset.dtype.kind == "f" and variable.dtype.kind in "iub":
            self.problems.append(
                f"{what} {variable.name!r} is {variable.dtype}, in the file {dataset.dtype}"
            )
            return False
        return True

    def _take(self, datasets: list[Any], variables: list[Variable]) -> None:
        for dataset, variable in zip(datasets, variables, strict=True):
            self._assignments.append((variable, dataset.read()))

    def apply(self, *, skip_mismatch: bool = False) -> None:
        """Give the model its state.

        Raises:
            ValueError: if anything does not fit, unless ``skip_mismatch`` says to leave that and
                warn; nothing has changed then.

        """
        if self.problems:
            first = "; ".join(self.problems[:3])
            more = f" (and {len(self.problems) - 3} more)" if len(self.problems) > 3 else ""
            if not skip_mismatch:
                raise ValueError(
                    f"{self._title} does not fit {self._model}: {first}{more}. skip_mismatch=True "
                    f"leaves such layers as they are"
                )
            warnings.warn(f"{self._title}: left as they were: {first}{more}", stacklevel=4)
        for variable, array in self._assignments:
            variable.assign(array)
        for part, store in self._stores:
            part.load_own_variables(store)


def matched_state(
    model: Any, optimizer: Any, datasets: list[Any], title: str
) -> list[tuple[Variable, Any]]:
    """Return the parts of an optimizer's state, built if it is new, with those in a file.

    State of another kind or for other weights is left, with a warning; before its first step an
    optimizer has none but the number of steps and the learning rate.
    """
    new = not optimizer.built
    first = optimizer.variables
    if new:
        optimizer.build(model.trainable_weights)
    shapes = [None if each is None else each.shape for each in datasets]
    for variables in (optimizer.variables, first):
        if shapes == [variable.shape for variable in variables]:
            return list(zip(variables, datasets, strict=True))
    if len(datasets) > 2 or new:
        warnings.warn(
            f"{title}: the state of the optimizer {optimizer.name!r} is left: the model's has "
            f"{len(optimizer.variables)} parts, the file {len(datasets)}, or of other shapes. It "
            f"begins anew",
            stacklevel=6,
        )
    return []


def weights_in(file: Group) -> int:
    """Return how many numbers a file can hold, after checking that its claims are true."""
    held = sum(array.nbytes for array in file.arrays().values())
    return held // np.dtype(np.float32).itemsize
