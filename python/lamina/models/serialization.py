"""The configs of models, in Keras's form, and models out of them.

The config of a graph lists its layers and, for each, its calls: ``inbound_nodes``. An argument that
another call gives is written as the name of that layer, the number of the call and of the output.
Keras reads what is written here, and what Keras writes is read. Nothing in a config is run.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import flatten
from lamina.graph import OpCall, SymbolicTensor
from lamina.layers.input import InputLayer
from lamina.layers.serialization import deserialize, registry, serialize
from lamina.models.operations import (
    History,
    decode,
    encode,
    is_operation,
    operation_config,
    operation_from_config,
)
from lamina.registry import custom_object_scope, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamina.graph import Graph, Node


def graph_config(graph: Graph) -> dict[str, Any]:
    """Return the layers of a graph with their calls, and which are the inputs and outputs."""
    inside = {id(node) for node in graph.nodes} | {id(each.node) for each in graph.inputs}
    histories: dict[int, list[Any]] = {}
    calls: dict[Any, list[Node]] = {}
    for operation, name in graph.names.items():
        calls[operation] = [node for node in operation.inbound_nodes if id(node) in inside]
        for number, node in enumerate(calls[operation]):
            for place, tensor in enumerate(node.outputs):
                histories[id(tensor)] = [name, number, place]

    def ends(tensors: list[SymbolicTensor]) -> list[list[Any]]:
        found = []
        for tensor in tensors:
            name, number, place = histories[id(tensor)]
            found.append([name, number + _counts_from(tensor.node.operation), place])
        return found

    layers = []
    for operation, name in graph.names.items():
        if isinstance(operation, OpCall):
            config, arrays = operation_config(operation, calls[operation][0], name)
            nodes = [{"args": encode(arrays, histories), "kwargs": {}}]
        else:
            config = serialize(operation)
            nodes = [
                {"args": encode(node.args, histories), "kwargs": encode(node.kwargs, histories)}
                for node in calls[operation]
                if node.inputs
            ]
        layers.append({**config, "name": name, "inbound_nodes": nodes})
    return {
        "layers": layers,
        "input_layers": graph.rebuild_inputs(ends(graph.inputs)),
        "output_layers": graph.rebuild_outputs(ends(graph.outputs)),
    }


def _counts_from(operation: Any) -> int:
    """Return the number of the first call, as Keras writes it where a graph begins and ends."""
    is_nested = getattr(operation, "_graph", None) is not None and not hasattr(operation, "_stack")
    return 1 if is_nested else 0


class GraphReader:
    """Makes the layers of a config and calls them again, each call once its arguments are there.

    Raises:
        ValueError: if a call refers to a layer, a call or an output that is not there, or if calls
            wait for each other; the message names them.

    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.title = f"the config of the model {config.get('name')!r}"
        self.operations: dict[str, Callable[..., Any]] = {}
        self.arguments: dict[tuple[str, int], Any] = {}
        self.results: dict[tuple[str, int], list[SymbolicTensor]] = {}
        if not isinstance(config["layers"], (list, tuple)):
            raise TypeError(f"{self.title}: 'layers' must be a list")
        for layer in config["layers"]:
            self._make(layer)
        self._call_all()
        self.inputs = self._ends(config["input_layers"])
        self.outputs = self._ends(config["output_layers"])

    def _make(self, config: Any) -> None:
        if not (
            isinstance(config, dict)
            and {"class_name", "config", "name", "inbound_nodes"} <= config.keys()
            and isinstance(config["name"], str)
            and isinstance(config["config"], dict)
            and isinstance(config["inbound_nodes"], (list, tuple))
        ):
            raise ValueError(
                f"{self.title}: a layer is a dict with 'class_name', 'config' (a dict), 'name' (a "
                f"text) and 'inbound_nodes' (a list), got {config!r:.200}"
            )
        name = config["name"]
        if name in self.operations:
            raise ValueError(f"{self.title}: two layers are named {name!r}")
        with self._naming(f"{name!r} cannot be made"):
            if is_operation(config):
                self.operations[name] = operation_from_config(config)
            else:
                layer = self.operations[name] = deserialize(config)
                if isinstance(layer, InputLayer):
                    self.results[name, 0] = layer.inbound_nodes[0].outputs
        for number, node in enumerate(config["inbound_nodes"]):
            if not isinstance(node, dict) or not {"args", "kwargs"} <= node.keys():
                raise ValueError(
                    f"{self.title}: a call of {name!r} is a dict with 'args' and 'kwargs', as "
                    f"Keras 3 writes it, got {node!r:.200}"
                )
            with self._naming(f"call {number} (from 0) of {name!r} cannot be read"):
                arguments = decode(node["args"]), decode(node["kwargs"])
            self.arguments[name, number] = flatten(arguments)

    @contextlib.contextmanager
    def _naming(self, what: str) -> Iterator[None]:
        """Say where in the config a value is of the wrong kind, as Python's own errors do not."""
        try:
            yield
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError(f"{self.title}: {what}: {error}") from error

    def _call_all(self) -> None:
        waits_for: dict[tuple[str, int], set[tuple[str, int]]] = {}
        needed_by: dict[tuple[str, int], list[tuple[str, int]]] = {}
        for key, (leaves, _) in self.arguments.items():
            name, number = key
            needs = {self._checked(leaf, key) for leaf in leaves if isinstance(leaf, History)}
            if number > 0:
                needs.add((name, number - 1))  # a layer's calls keep their order
            waits_for[key] = needs - self.results.keys()
            for need in waits_for[key]:
                needed_by.setdefault(need, []).append(key)
        ready = deque(key for key, needs in waits_for.items() if not needs)
        while ready:
            key = ready.popleft()
            self._call(key)
            for waiting in needed_by.get(key, []):
                waits_for[waiting].discard(key)
                if not waits_for[waiting]:
                    ready.append(waiting)
        stuck = sorted({name for name, number in waits_for if (name, number) not in self.results})
        if stuck:
            raise ValueError(
                f"{self.title}: the calls of {', '.join(map(repr, stuck))} wait for each other: "
                f"the graph has a loop"
            )

    def _checked(self, history: History, user: tuple[str, int] | None) -> tuple[str, int]:
        """Return which call gives a tensor, if there is such a call."""
        what = f"{self.title}: " + (f"{user[0]!r} uses" if user else "an end is")
        if history.name not in self.operations:
            raise ValueError(
                f"{what} the output of {history.name!r}, which is not among its layers"
                f"{nearest(history.name, self.operations)}"
            )
        key = (history.name, history.call)
        if key not in self.arguments and key not in self.results:
            count = sum(name == history.name for name, _ in {**self.arguments, **self.results})
            raise ValueError(
                f"{what} call {history.call} (from 0) of {history.name!r}, which is called "
                f"{count} times"
            )
        return key

    def _tensor(self, history: History, user: tuple[str, int] | None) -> SymbolicTensor:
        outputs = self.results[self._checked(history, user)]
        if history.output >= len(outputs):
            raise ValueError(
                f"{self.title}: output {history.output} (from 0) of {history.name!r} is wanted, "
                f"which has {len(outputs)}"
            )
        return outputs[history.output]

    def _call(self, key: tuple[str, int]) -> None:
        leaves, rebuild = self.arguments[key]
        filled = [self._tensor(leaf, key) if isinstance(leaf, History) else leaf for leaf in leaves]
        args, kwargs = rebuild(filled)
        with self._naming(f"call {key[1]} (from 0) of {key[0]!r} does not fit"):
            outputs = flatten(self.operations[key[0]](*args, **kwargs))[0]
        for output in outputs:
            if not isinstance(output, SymbolicTensor):
                raise ValueError(f"{self.title}: {key[0]!r} is called on no tensor of the graph")  # noqa: TRY004
        self.results[key] = outputs

    def _ends(self, structure: Any) -> Any:
        """Return the tensors of the inputs or outputs, in their structure."""
        if isinstance(structure, dict):
            return {key: self._ends(each) for key, each in structure.items()}
        if not isinstance(structure, (list, tuple)):
            raise ValueError(f"{self.title}: wanted [name, call, output], got {structure!r:.200}")  # noqa: TRY004
        if len(structure) == 3 and isinstance(structure[0], str):
            history = History({"keras_history": structure})
            history.call -= _counts_from(self.operations.get(history.name))
            return self._tensor(history, None)
        return [self._ends(each) for each in structure]


def sequential_config(model: Any) -> dict[str, Any]:
    """Return the layers of a `Sequential` and the shape of its input, if that is known."""
    graph = model._graph  # noqa: SLF001
    if graph is None:
        return {"layers": [serialize(layer) for layer in model._stack]}  # noqa: SLF001
    entrance = graph.inputs[0].node.operation
    return {
        "layers": [serialize(layer) for layer in (entrance, *model.layers)],
        "build_input_shape": list(graph.inputs[0].shape),
    }


def to_json(model: Any, **options: Any) -> str:
    """Return the config of a model as text; ``options`` are those of ``json.dumps``."""
    return json.dumps(serialize(model), default=_as_plain, **options)


def _as_plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic, np.dtype)):
        return encode(value, {})
    raise TypeError(
        f"to_json: a config holds {value!r} ({type(value).__name__}): override get_config"
    )


def what_remakes(model: Any) -> tuple[Any, ...]:
    """Return what `remade` makes the same model of, trained and compiled as it is."""
    own = {
        type(layer).__name__: type(layer)
        for layer in model._all_layers()  # noqa: SLF001
        if type(layer).__name__ not in registry.names()
    }
    weights = model.get_weights() if model.built else None
    optimizer, trained = model.optimizer, None
    if optimizer is not None:
        if optimizer.built:
            places = {id(variable): place for place, variable in enumerate(model.weights)}
            known = optimizer._trainable_variables  # noqa: SLF001
            trained = (
                [places[id(variable)] for variable in known],
                [variable.numpy().copy() for variable in optimizer.variables],
            )
        optimizer = (type(optimizer), optimizer.get_config(), trained)
    return model.get_config(), own, weights, optimizer, model._compiled  # noqa: SLF001


def remade(
    kind: Any,
    config: dict[str, Any],
    own: dict[str, Any],
    weights: Any,
    optimizer: Any,
    compiled: dict[str, Any] | None,
) -> Any:
    """Return a model of what `what_remakes` gave; its optimizer goes on where it was."""
    with custom_object_scope(own):
        model = kind.from_config(config)
    if weights is not None:
        model.set_weights(weights)
    if compiled is not None:
        optimizer_kind, optimizer_config, trained = optimizer
        model.compile(optimizer_kind.from_config(optimizer_config), **compiled)
        if trained is not None:
            places, values = trained
            model.optimizer.build([model.weights[place] for place in places])
            for variable, value in zip(model.optimizer.variables, values, strict=True):
                variable.assign(value)
    return model
