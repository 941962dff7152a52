"""An ONNX graph while it is made: tensors by name, constants, nodes."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lamina.autodiff import Tensor, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.graph import Shape


@dataclasses.dataclass(eq=False)
class Value:
    """A tensor of the graph: its name, shape (None: not known), type, and the name of its mask."""

    name: str
    shape: Shape
    dtype: str
    mask: str | None = None

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)


class Builder:
    """Collects nodes and constants; what exporters write with.

    A node's inputs may be `Value`s, names, None (an optional input that is left out), weights and
    arrays, a float (a number of the current layer's type) or a list of whole numbers.
    """

    def __init__(self, write_layer: Callable[..., list[Value]]) -> None:
        self.write_layer = write_layer  # for layers that hold others
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.scope, self.dtype = "", "float32"  # of the layer that is being written
        self.layer: Any = None
        self._names: dict[str, int] = {}
        self._known_constants: dict[tuple[Any, ...], str] = {}
        self._channels_first: dict[str, str] = {}

    def body(self) -> Builder:
        """Return a builder of the nodes of a loop's body, which sees the constants outside."""
        inner = copy.copy(self)
        inner.nodes = []
        return inner

    def unique(self, name: str) -> str:
        """Return a name that no other tensor or node has."""
        name = f"{self.scope}/{name}"
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        return f"{name}_{count}" if count else name

    def op(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or a list of several."""
        import onnx  # noqa: PLC0415 - an extra

        name = self.unique(kind)
        names = [name] if outputs == 1 else [f"{name}:{place}" for place in range(outputs)]
        given = [self.name_of(each) for each in inputs]
        node = onnx.helper.make_node(kind, given, names, name=name, **attributes)
        self.nodes.append(node)
        return name if outputs == 1 else names

    def name_of(self, thing: Any) -> str:
        """Return the name of what a node takes, and make a constant of it if it is none yet."""
        if thing is None:
            return ""
        if isinstance(thing, Value):
            return thing.name
        if isinstance(thing, str):
            return thing
        if isinstance(thing, float):
            return self.constant(np.asarray(thing, self.dtype))
        if isinstance(thing, (list, tuple)):
            return self.constant(np.asarray(thing, np.int64))
        if isinstance(thing, Variable):
            return self.constant(thing.data, thing.name)
        return self.constant(np.asarray(thing.data if isinstance(thing, Tensor) else thing))

    def constant(self, array: Any, name: str = "constant") -> str:
        """Return the name of a constant; equal ones, as of a shared layer, are written once."""
        import onnx  # noqa: PLC0415

        array = np.ascontiguousarray(array).reshape(np.shape(array))
        digest = hashlib.sha256(array.tobytes()).digest()
        key = (str(array.dtype), array.shape, digest)
        if key not in self._known_constants:
            self._known_constants[key] = self.unique(name)
            named = onnx.numpy_helper.from_array(array, self._known_constants[key])
            self.constants.append(named)
        return self._known_constants[key]

    def cast(self, x: Any, dtype: str) -> str:
        """Return x as another type."""
        import onnx  # noqa: PLC0415

        kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return str(self.op("Cast", x, to=kind))

    def transpose(self, x: Any, order: Any) -> str:
        """Return x with its axes in another order."""
        return str(self.op("Transpose", x, perm=[int(axis) for axis in order]))

    def channels_first(self, x: Value) -> str:
        """Return (N, ..., channels) as (N, channels, ...); what was just turned is turned back."""
        known = self._channels_first.get(x.name)
        return known or self.transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))

    def channels_last(self, x: str, ndim: int) -> str:
        """Return (N, channels, ...) as (N, ..., channels)."""
        name = self.transpose(x, (0, *range(2, ndim), 1))
        self._channels_first[name] = x
        return name

    def refuse(self, why: str) -> NoReturn:
        """Raise the error of a layer that ONNX, or this exporter, cannot express.

        Raises:
            NotImplementedError: always.

        """
        raise NotImplementedError(f"export.onnx: {self.layer} cannot be written: {why}")
