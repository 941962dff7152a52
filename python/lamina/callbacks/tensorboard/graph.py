"""A model's layers as the graph that TensorBoard draws."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lamina.autodiff import flatten

if TYPE_CHECKING:
    from lamina.graph import Graph, Node


def graph_of(model: Any) -> Any:
    """Return a model as TensorFlow's GraphDef: a node for each call, its shapes on the edges.

    A model within is a group of nodes; a layer that is called more than once has a node for each
    call, ``name_1``, ``name_2`` ... None for a model that is no graph: a subclass with a ``call``
    of its own, or one that is not built yet.
    """
    graph = getattr(model, "_graph", None)
    return None if graph is None else _Drawing().drawn(graph)


class _Drawing:
    def __init__(self) -> None:
        from tensorboardX.proto.graph_pb2 import GraphDef  # noqa: PLC0415

        self._definition = GraphDef()
        self._taken: set[str] = set()

    def drawn(self, graph: Graph) -> Any:
        """Return the whole graph."""
        inputs = [self._add(self._unique(each.name), "Input", [], [each]) for each in graph.inputs]
        self._draw(graph, inputs, "")
        self._definition.versions.producer = 22  # any: what reads it wants to see one
        return self._definition

    def _draw(self, graph: Graph, inputs: list[str], scope: str) -> list[str]:
        """Draw what follows from the named inputs; return the names of the outputs."""
        names = {id(each): name for each, name in zip(graph.inputs, inputs, strict=True)}
        for node in graph.nodes:
            if not node.inputs:
                continue
            name = self._unique(scope + graph.names[node.operation])
            given = [names[id(each)] for each in node.inputs]
            inner = getattr(node.operation, "_graph", None)
            if inner is None:
                found = self._call(name, node, given)
            else:
                inner_inputs = flatten(node.operation.match_inputs(node.args[0]))[0]
                found = self._draw(inner, [names[id(each)] for each in inner_inputs], f"{name}/")
            names |= {id(each): name for each, name in zip(node.outputs, found, strict=True)}
        return [names[id(each)] for each in graph.outputs]

    def _call(self, name: str, node: Node, inputs: list[str]) -> list[str]:
        operation = node.operation
        kind = type(operation).__name__
        kind = operation.name if kind == "OpCall" else kind
        counts = getattr(operation, "count_params", None)
        parameters = counts() if counts is not None and operation.built else 0
        self._add(name, kind, inputs, node.outputs, parameters)
        return [name if place == 0 else f"{name}:{place}" for place in range(len(node.outputs))]

    def _add(
        self, name: str, kind: str, inputs: list[str], outputs: list[Any], parameters: int = 0
    ) -> str:
        node = self._definition.node.add(name=name, op=kind, input=inputs)
        shapes = node.attr["_output_shapes"].list
        for output in outputs:
            shape = shapes.shape.add()
            for size in output.shape:
                shape.dim.add(size=-1 if size is None else size)
        if parameters:
            node.attr["parameters"].i = parameters
        return name

    def _unique(self, name: str) -> str:
        """Return a name that TensorBoard takes and no other node has."""
        base = name = re.sub(r"[^A-Za-z0-9_.\-/]", "_", name)
        number = 0
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name
