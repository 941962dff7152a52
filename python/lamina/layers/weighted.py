"""What a layer has to do with weights: making, finding, counting, freezing, reading and writing."""

from __future__ import annotations

import contextlib
import math
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamina import constraints, initializers, regularizers
from lamina.autodiff import Variable, as_array, flatten
from lamina.tensors import Structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


class _Limit(threading.local):
    """How many numbers the weights may have that are made while a file is read."""

    left: int | None = None


_limit = _Limit()

# Layers of one's own need not save all their weights.
_UNSAVED = 1 << 22


@contextlib.contextmanager
def weight_limit(most: int) -> Iterator[None]:
    """Refuse to make more weights than a file holds: its config could claim any size.

    Raises:
        ValueError: at the first weight that is too much.

    """
    outer, _limit.left = _limit.left, most + _UNSAVED
    try:
        yield
    finally:
        _limit.left = outer


class _Building(threading.local):
    """The layers that are being built, each within the one before: weights are named after all."""

    layers: tuple[Any, ...] = ()


_building = _Building()


@contextlib.contextmanager
def building(layer: Any) -> Iterator[None]:
    """Name the weights that are made meanwhile by layers within after this layer too."""
    outer = _building.layers
    if layer.names_weights_within:
        _building.layers = (*outer, layer)
    try:
        yield
    finally:
        _building.layers = outer


# Attributes that hold layers or variables which are not parts, and those that change at every step.
NOT_PARTS = {
    "_step",
    "_weights",
    "inbound_nodes",
    "_losses",
    "_losses_of",
    "_init_arguments",
    "_build_shapes",
    "_found",
}


class Weighted:
    """The weights of a layer and of the layers within it."""

    # What Keras calls parts that stand under other names here: their paths in files.
    saved_names: ClassVar[dict[str, str]] = {}
    # Weights of layers that are built within are named after this one too; but not after a model:
    # it builds its layers or finds them built, by how it was made.
    names_weights_within = True

    # Whether graphs run layers of this class by what they prepare out of their attributes.
    _prepares = False

    name: str
    dtype: str
    built: bool
    _trainable: bool
    _weights: list[Variable]
    # What a walk over the parts has found, and what it saw (a walk takes longer than a step of a
    # small model): the version of the structure, and the lists and dicts, which change unnoticed.
    _found: tuple[int, list[Any], list[Variable], list[tuple[Any, list[int]]]] = (-1, [], [], [])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in NOT_PARTS and (
            (self._prepares and name[0] != "_")  # an activation, or a call of its own
            or _parts_in(value)
            or _parts_in(self.__dict__.get(name))
        ):
            Structure.version += 1
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        Structure.version += 1
        object.__delattr__(self, name)

    def _walk(self) -> tuple[int, list[Any], list[Variable], list[tuple[Any, list[int]]]]:
        """Return the layers and the weights within this one, each once, without recursion."""
        found = self._found
        if found[0] == Structure.version:
            for container, ids in found[3]:
                if _ids(container) != ids:
                    break
            else:
                return found
        layers: dict[int, Any] = {}
        stack: list[Any] = [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in layers:
                layers[id(layer)] = layer
                stack.extend(reversed(layer._sublayers()))  # noqa: SLF001
        weights = {id(v): v for layer in layers.values() for v in layer._own_variables()}  # noqa: SLF001
        seen = [
            (container, _ids(container))
            for layer in layers.values()
            for key, value in layer.__dict__.items()
            if key not in NOT_PARTS and isinstance(value, (list, tuple, dict))
            for container in _containers_in(value)
        ]
        self._found = (Structure.version, list(layers.values()), list(weights.values()), seen)
        return self._found

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        *,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a weight that is trained, saved and counted with this layer.

        ``initializer`` is a name, an object or a function of (shape, dtype); Glorot's uniform
        distribution for floats if None. A size of None in the shape is an error.
        """
        if isinstance(shape, str):
            raise TypeError(
                f"{self}.add_weight: shape must be a tuple, got {shape!r}: name= is meant?"
            )
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if any(size is None for size in shape):
            raise ValueError(
                f"{self}: the weight {name!r} cannot have the shape {shape}: a size of the input "
                f"that the weights depend on must be known. Give it in Input(shape=...)"
            )
        if _limit.left is not None:
            _limit.left -= math.prod(shape)
            if _limit.left < 0:
                raise ValueError(
                    f"{self}: the weight {name!r} of shape {shape} is more than the file holds"
                )
        kind = self.dtype if dtype is None else str(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if np.dtype(kind).kind == "f" else "zeros"
        values = initializers.get(initializer)(shape, dtype=kind)
        name = name or f"variable_{len(self._weights)}"
        variable = Variable(
            values,
            name=name,
            dtype=kind,
            trainable=trainable and self._trainable,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        around = [each.name for each in _building.layers if each is not self]
        variable.path = "/".join([*around, self.name, name])
        variable.made_trainable = trainable
        self._weights.append(variable)
        Structure.version += 1
        return variable

    def _parts(self) -> Iterator[Any]:
        """Yield the layers and variables among the attributes, in the order they were set."""
        for key, value in self.__dict__.items():
            if key not in NOT_PARTS:
                yield from _parts_in(value)

    def _own_variables(self) -> list[Variable]:
        found = {id(v): v for v in self._weights}
        for part in self._parts():
            if isinstance(part, Variable):
                found.setdefault(id(part), part)
        # As in Keras: those that training changes come first.
        return sorted(found.values(), key=lambda variable: not variable.made_trainable)

    def _sublayers(self) -> list[Any]:
        found = {id(part): part for part in self._parts() if isinstance(part, Weighted)}
        return list(found.values())

    def _all_layers(self) -> list[Any]:
        """Return this layer and all within it."""
        return self._walk()[1]

    @property
    def weights(self) -> list[Variable]:
        """Every weight, those of the layers within included; each once."""
        return list(self._walk()[2])

    variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [v for v in self._walk()[2] if v.trainable] if self._trainable else []

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone: frozen ones and moving averages."""
        trained = set(map(id, self.trainable_weights))
        return [v for v in self.weights if id(v) not in trained]

    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; set it to freeze the layer and all within it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._all_layers():
            layer._trainable = bool(value)  # noqa: SLF001
            for variable in layer._own_variables():  # noqa: SLF001
                variable.trainable = bool(value) and variable.made_trainable

    def get_weights(self) -> list[NDArray[Any]]:
        """Return copies of the weights, in the order of `weights`."""
        return [variable.data.copy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take over the values of arrays, in the order of `weights`.

        Raises:
            ValueError: if their number or a shape is wrong; nothing has changed then.

        """
        arrays = [as_array(each) for each in weights]
        variables = self.weights
        if len(arrays) != len(variables):
            cause = "" if variables or self.built else ": it is not built yet, call it once"
            raise ValueError(
                f"{self}.set_weights: got {len(arrays)} arrays, wanted {len(variables)} "
                f"({', '.join(v.name for v in variables) or 'it has no weights'}){cause}"
            )
        for array, variable in zip(arrays, variables, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"{self}.set_weights: {variable.path} has the shape {variable.shape}, got an "
                    f"array of shape {array.shape}"
                )
        for array, variable in zip(arrays, variables, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the layer's own state into ``store``, by names; override it together with the next.

        By default they are the weights that are not those of layers within, as "0", "1" ...
        """
        store.update({str(i): v.data for i, v in enumerate(self._own_variables())})

    def load_own_variables(self, store: dict[str, NDArray[Any]]) -> None:
        """Take over what `save_own_variables` gave.

        Raises:
            ValueError: if there is more or less than the weights, or a shape is wrong.

        """
        variables = self._own_variables()
        if sorted(store) != sorted(map(str, range(len(variables)))):
            raise ValueError(
                f"{self}: got the state {sorted(store)}, wanted one array for each of "
                f"{', '.join(v.name for v in variables) or 'no weights'}"
            )
        for number, variable in enumerate(variables):
            variable.assign(store[str(number)])

    def count_params(self) -> int:
        """Return the number of elements of all weights."""
        return sum(variable.size for variable in self.weights)


def _parts_in(value: Any) -> list[Any]:
    """Return the layers and variables that an attribute holds, alone or in lists and dicts."""
    if isinstance(value, (Weighted, Variable)):
        return [value]
    if isinstance(value, (list, tuple, dict)):
        return [each for each in flatten(value)[0] if isinstance(each, (Weighted, Variable))]
    return []


def _containers_in(value: Any) -> Iterator[Any]:
    """Yield a list or dict and those within it, but for those that hold plain values."""
    if isinstance(value, (list, tuple, dict)):
        inner = list(value.values()) if isinstance(value, dict) else value
        if not inner or any(
            isinstance(each, (Weighted, Variable, list, tuple, dict)) for each in inner
        ):
            if not isinstance(value, tuple):
                yield value
            for each in inner:
                yield from _containers_in(each)


def _ids(container: Any) -> list[int]:
    return list(map(id, container.values() if isinstance(container, dict) else container))
