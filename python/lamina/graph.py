"""Graphs of operations: what calling a layer on a symbolic tensor leaves behind, and running it.

A `SymbolicTensor` has a shape and a type but no values. An operation (a layer, or a function of
``lamina.ops``) that is called on one leaves a `Node` with what it was called on and what came out.
A `Graph` is what lies between some of those tensors and others; it runs in topological order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._config import floatx
from lamina.autodiff import flatten, no_grad
from lamina.tensors import Operators, Structure, Tensor, operations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Shape = tuple["int | None", ...]


class SymbolicTensor(Operators):
    """A tensor to come: ``shape`` (None where a size is not known yet), ``dtype`` and ``name``.

    ``numpy_dtype`` is numpy's own dtype, None for texts. ``node`` is the call that gives the
    tensor, as output number ``place``.
    """

    __slots__ = ("dtype", "name", "node", "numpy_dtype", "place", "shape")

    def __init__(self, shape: Shape, dtype: str, name: str = "tensor") -> None:
        self.shape, self.dtype, self.name = tuple(shape), dtype_name(dtype), name
        self.numpy_dtype = None if self.dtype == "string" else np.dtype(self.dtype)
        self.node: Node
        self.place = 0

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802
        """The tensor with its axes reversed."""
        return operations().transpose(self)

    @staticmethod
    def __lamina_op__(call: Callable[..., Any], args: Any, options: Any) -> Any:
        """Take the place of an operation's arrays: leave a node instead of computing."""
        return apply(OpCall(call), args, options)

    def _has_no_value(self, *_: Any) -> Any:
        raise TypeError(
            f"{self!r} has no values yet: it describes what a model will compute. Put what needs "
            f"values in a layer's call, or run the model on arrays"
        )

    __bool__ = __float__ = __int__ = __iter__ = __array__ = numpy = _has_no_value

    def __len__(self) -> int:
        if self.shape and self.shape[0] is not None:
            return self.shape[0]
        self._has_no_value()
        raise AssertionError

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name} shape={self.shape} dtype={self.dtype}>"


class OpCall:
    """A function of ``lamina.ops`` in a graph."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name: str = function.__name__.lstrip("_")
        self.inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.function(*args, **options)

    def _shortcut(self, inputs: Any) -> Callable[..., Any]:  # noqa: ARG002
        """Return what is quicker to call on such inputs again (as a layer does)."""
        return self.function


class Node:
    """One call of an operation: ``operation(*args, **kwargs)`` gave ``outputs``.

    ``inputs`` are the symbolic tensors among the arguments, in their order; an input of a model has
    none.
    """

    def __init__(self, operation: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        self.operation, self.args, self.kwargs = operation, args, kwargs
        self.inputs = [t for t in flatten((args, kwargs))[0] if isinstance(t, SymbolicTensor)]
        self.outputs: list[SymbolicTensor] = flatten(outputs)[0]
        for place, tensor in enumerate(self.outputs):
            tensor.node, tensor.place = self, place
        operation.inbound_nodes.append(self)


def symbolic(structure: Any) -> bool:
    """Return whether a symbolic tensor is somewhere in nested lists, tuples and dicts."""
    kind = type(structure)
    if kind is SymbolicTensor:
        return True
    if kind is dict:
        return any(symbolic(each) for each in structure.values())
    return (kind is list or kind is tuple) and any(symbolic(each) for each in structure)


def apply(operation: Any, args: Any, kwargs: Any) -> Any:
    """Call an operation symbolically: infer what comes out, and leave a node."""
    outputs = infer_outputs(operation, args, kwargs, operation.name)
    return record(operation, args, kwargs, outputs)


def record(operation: Any, args: Any, kwargs: Any, outputs: Any) -> Any:
    """Leave a node for a call whose symbolic outputs are known, and return them."""
    Node(operation, args, kwargs, outputs)
    return outputs


# What stands for an unknown size when shapes are found by running on zeros: two different numbers,
# so that a size that follows it can be told from one that does not. The first is for the batch.
_TRIAL_SIZES = ((2, 24), (3, 25))


def infer_outputs(function: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
    """Find the shapes and types of what a function returns by running it on small zeros."""
    leaves, rebuild = flatten((args, kwargs))
    unknown = any(isinstance(each, SymbolicTensor) and None in each.shape for each in leaves)
    trials = []
    for sizes in _TRIAL_SIZES if unknown else _TRIAL_SIZES[:1]:
        filled = [
            _zeros(each, sizes) if isinstance(each, SymbolicTensor) else each for each in leaves
        ]
        trial_args, trial_kwargs = rebuild(filled)
        with no_grad(), np.errstate(all="ignore"):  # zeros may be divided by
            trials.append(flatten(function(*trial_args, **trial_kwargs)))
    (first, outputs), (second, _) = trials[0], trials[-1]
    return outputs(
        [
            SymbolicTensor(
                tuple(n if n == m else None for n, m in zip(np.shape(a), np.shape(b), strict=True)),
                dtype_name(np.asarray(a).dtype),
                name,
            )
            for a, b in zip(first, second, strict=True)
        ]
    )


def _zeros(tensor: SymbolicTensor, sizes: tuple[int, int]) -> Tensor:
    shape = [
        size if size is not None else sizes[0 if axis == 0 else 1]
        for axis, size in enumerate(tensor.shape)
    ]
    if tensor.dtype == "string":
        return Tensor(np.full(shape, "", object))
    return Tensor(np.zeros(shape, tensor.dtype))


class Graph:
    """The operations between some symbolic tensors and others.

    ``operations`` are in Keras's order: those far from the outputs first, then as a walk from the
    outputs meets them. ``names`` holds a name for each, which no other has.

    Raises:
        ValueError: if an output needs a tensor that does not follow from the inputs.

    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.rebuild_inputs = flatten(inputs)
        self.outputs, self.rebuild_outputs = flatten(outputs)
        self.input_structure, self.output_structure = inputs, outputs
        for tensor in [*self.inputs, *self.outputs]:
            if not isinstance(tensor, SymbolicTensor):
                raise TypeError(
                    f"Model: inputs and outputs are what Input() and layers called on it return, "
                    f"got {tensor!r} ({type(tensor).__name__})"
                )
        self.nodes, met = self._walk()
        self.operations = self._in_order_of_depth(met)
        self.names = self._unique_names()
        self._plan()

    def _walk(self) -> tuple[list[Node], dict[Any, int]]:
        """Return the nodes, each after those it needs, and when the walk met each operation."""
        given = set(map(id, self.inputs))
        met: dict[Any, int] = {}
        finished: dict[int, Node] = {}
        for output in self.outputs:
            stack = [(output, False)]
            while stack:
                tensor, left = stack.pop()
                node = tensor.node
                if left:
                    finished.setdefault(id(node), node)
                    continue
                if id(node) in finished or (id(tensor) in given and node.inputs):
                    continue
                met.setdefault(node.operation, len(met))
                if not node.inputs and id(tensor) not in given:
                    self._refuse_missing(tensor, stack)
                stack.append((tensor, True))
                stack.extend((each, False) for each in reversed(node.inputs))
        return list(finished.values()), met

    def _refuse_missing(self, tensor: SymbolicTensor, stack: list[Any]) -> None:
        path = [each.node.operation.name for each, left in stack if left]
        via = f", needed by {path[-1]!r}" if path else ""
        names = ", ".join(repr(each.name) for each in self.inputs)
        raise ValueError(
            f"Model: the outputs do not follow from the inputs ({names}): the input "
            f"{tensor.name!r} of shape {tensor.shape}{via} is missing among them"
        )

    def _in_order_of_depth(self, met: dict[Any, int]) -> list[Any]:
        """Sort operations by how many calls lie between them and the outputs, most first."""
        node_depths: dict[int, int] = {}
        depths: dict[Any, int] = {}
        inside = set(map(id, self.nodes))
        for node in reversed(self.nodes):
            # A shared layer stands where it is used first, and so do the calls of it.
            depth = max(node_depths.get(id(node), 0), depths.get(node.operation, 0))
            node_depths[id(node)] = depths[node.operation] = depth
            for each in node.inputs:
                if id(each.node) in inside:
                    needed = node_depths.get(id(each.node), 0)
                    node_depths[id(each.node)] = max(needed, depth + 1)
        for each in self.inputs:  # an input that nothing uses is still an input
            if not each.node.inputs and each.node.operation not in depths:
                depths[each.node.operation] = 0
                met[each.node.operation] = -1
        return sorted(depths, key=lambda operation: (-depths[operation], met[operation]))

    def _unique_names(self) -> dict[Any, str]:
        """Return a name for each operation: a layer's own, for functions one that is counted."""
        taken: set[str] = set()
        for operation in self.operations:
            if isinstance(operation, OpCall):
                continue
            if operation.name in taken:
                raise ValueError(
                    f"Model: two layers are named {operation.name!r}; give one of them another "
                    f"name="
                )
            taken.add(operation.name)
        names = {}
        counts: dict[str, int] = {}
        for operation in self.operations:
            name = operation.name
            while isinstance(operation, OpCall) and name in taken:
                counts[operation.name] = counts.get(operation.name, 0) + 1
                name = f"{operation.name}_{counts[operation.name]}"
            taken.add(name)
            names[operation] = name
        return names

    def _plan(self) -> None:
        """Give each tensor a number; note for each call where its inputs lie and what it frees."""
        slots: dict[int, int] = {}
        for tensor in self.inputs:
            slots.setdefault(id(tensor), len(slots))
        steps = []
        for node in self.nodes:
            if not node.inputs:
                continue
            if all(id(tensor) in slots for tensor in node.outputs):
                continue  # the tensors were given as inputs
            places = [slots[id(tensor)] for tensor in node.inputs]
            for tensor in node.outputs:
                slots.setdefault(id(tensor), len(slots))
            steps.append((node, places, [slots[id(tensor)] for tensor in node.outputs]))
        self._input_slots = [slots[id(tensor)] for tensor in self.inputs]
        self._output_slots = [slots[id(tensor)] for tensor in self.outputs]
        self._slots = len(slots)
        last_use = {slot: number for number, (_, places, _) in enumerate(steps) for slot in places}
        kept = set(self._output_slots)
        frees: list[list[int]] = [[] for _ in steps]
        for slot, number in last_use.items():
            if slot not in kept:
                frees[number].append(slot)
        self._steps = [
            (node.operation, _caller(node), places, outputs, frees[number])
            for number, (node, places, outputs) in enumerate(steps)
        ]

    # The kind of inputs that the last run was on, and how each step is called on such again.
    _shortcuts: tuple[Any, list[Any]] = (None, [])

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Return the values of the outputs for those of the inputs (flat lists of tensors).

        Inputs of the kind of the last run, which have passed the checks of every layer, need not
        pass them again.
        """
        values: list[Any] = [None] * self._slots
        kind: list[Any] = [Structure.version]
        for slot, value in zip(self._input_slots, inputs, strict=True):
            values[slot], array = value, value.data
            kind += (array.shape[1:], array.dtype)
        known, shortcuts = self._shortcuts
        is_new = known != kind
        if is_new:
            shortcuts = [None] * len(self._steps)
        for number, (operation, call, places, outputs, frees) in enumerate(self._steps):
            if call is not None:
                found = call([values[place] for place in places])
            else:
                found = (shortcuts[number] or operation)(values[places[0]])
                if is_new:
                    shortcuts[number] = operation._shortcut(values[places[0]])  # noqa: SLF001
            if type(found) is Tensor:
                values[outputs[0]] = found
            else:
                for slot, value in zip(outputs, flatten(found)[0], strict=True):
                    values[slot] = value
            for slot in frees:
                values[slot] = None
        if is_new:
            self._shortcuts = (kind, shortcuts)
        return [values[slot] for slot in self._output_slots]

    def rewired(self, inputs: Sequence[Any], replaced: Mapping[Any, Any] | None = None) -> Any:
        """Return the outputs of the same calls on other symbolic inputs (a flat list).

        ``replaced`` maps operations to those that are called in their place.
        """
        values = dict(zip(map(id, self.inputs), inputs, strict=True))
        for node in self.nodes:
            if all(id(tensor) in values for tensor in node.outputs):
                continue
            leaves, rebuild = flatten((node.args, node.kwargs))
            args, kwargs = rebuild([values.get(id(leaf), leaf) for leaf in leaves])
            operation = (replaced or {}).get(node.operation, node.operation)
            found = flatten(operation(*args, **kwargs))[0]
            values.update(zip(map(id, node.outputs), found, strict=True))
        return self.rebuild_outputs([values[id(tensor)] for tensor in self.outputs])


def _caller(node: Node) -> Callable[[list[Any]], Any] | None:
    """Return a function that calls a node's operation on values; None if it takes one tensor."""
    operation, args, kwargs = node.operation, node.args, node.kwargs
    if not kwargs and len(args) == 1:
        if isinstance(args[0], SymbolicTensor):
            return None
        if type(args[0]) is list and len(args[0]) == len(node.inputs):
            return operation  # type: ignore[no-any-return]
    leaves, rebuild = flatten((args, kwargs))

    def call(values: list[Any]) -> Any:
        following = iter(values)
        filled = [next(following) if isinstance(leaf, SymbolicTensor) else leaf for leaf in leaves]
        call_args, call_kwargs = rebuild(filled)
        return operation(*call_args, **call_kwargs)

    return call


def default_dtype(dtype: Any) -> str:
    """Return the name of a type, the default float type for None."""
    return floatx() if dtype is None else dtype_name(dtype)


def dtype_name(dtype: Any) -> str:
    """Return the name of a type: numpy's, or "string" for texts."""
    if isinstance(dtype, str) and dtype == "string":
        return dtype
    kind = np.dtype(dtype)
    return "string" if kind.kind in "OSTU" else str(kind)
