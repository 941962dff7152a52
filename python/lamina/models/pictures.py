"""A model as boxes and arrows, and as it shows itself in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.drawing import look
from lamina.drawing.diagram import Box, Diagram
from lamina.drawing.scene import shortened
from lamina.drawing.svg import escaped, html_table, svg
from lamina.graph import OpCall
from lamina.layers.input import InputLayer
from lamina.layers.layer import Layer
from lamina.models.summary import described, summary_rows, totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lamina.graph import Graph, Node

# The colour of a layer, by the module in which it or its nearest base is written.
_FAMILIES = {
    "core": look.BLUE,
    "embedding": look.BLUE,
    "convolution": look.VERMILION,
    "depthwise": look.VERMILION,
    "pooling": look.SKY,
    "resizing": look.SKY,
    "reshaping": look.SKY,
    "recurrent": look.GREEN,
    "rnn": look.GREEN,
    "recurrent_cells": look.GREEN,
    "wrappers": look.GREEN,
    "attention": look.GREEN,
    "multi_head_attention": look.GREEN,
    "normalization": look.ORANGE,
    "batch_normalization": look.ORANGE,
    "regularization": look.ORANGE,
    "merging": look.PURPLE,
    "dot_product": look.PURPLE,
}
_MOST_BOXES = 80  # a bigger picture helps nobody in a notebook
_MOST_FACTS = 6  # inputs or outputs of a layer that are listed


@dataclass(frozen=True)
class Shown:
    """What a picture of a model says, by the arguments of Keras's ``plot_model``."""

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = True
    show_layer_activations: bool = False
    show_trainable: bool = False
    expand_nested: bool = False


def diagram(model: Any, shown: Shown) -> Diagram:
    """Return a box for each layer of a model and an edge wherever a tensor goes.

    A layer that is called twice is one box, as its weights are one set; only if edges would run
    in a circle then, each call has its own. A subclass with a call of its own is a single box:
    which layer follows which is known to its Python code alone.

    Raises:
        TypeError: if it is no model.
        ValueError: if it is not built yet.

    """
    if not isinstance(model, Layer) or not hasattr(model, "get_layer"):
        cause = ": write Model(...), an instance" if isinstance(model, type) else ""
        raise TypeError(f"wanted a model, got {type(model).__name__} {model!r:.80}{cause}")
    graph: Graph | None = model._graph  # type: ignore[attr-defined]  # noqa: SLF001
    if graph is None and not model.built:
        raise ValueError(
            f"{model} is not built yet, so it has no shapes or connections to draw: begin it with "
            f"an Input(shape=...), or call it on data or build(input_shape) first"
        )
    if graph is None:
        return Diagram([_box(model, [], None, "", shown)])
    calls = _calls(graph)
    groups = [calls[id(each)] for each in graph.operations]
    if _circular(groups):
        groups = [[node] for group in groups for node in group]
    number_of = _numbers(groups)
    edges = {
        (number_of[id(tensor.node)], number_of[id(node)]): None
        for node in graph.nodes
        for tensor in node.inputs
    }
    boxes = []
    for group in groups:
        layer = group[0].operation
        boxes.append(_box(layer, group, graph, _called(group, calls[id(layer)]), shown))
    return Diagram(boxes, list(edges))


def _calls(graph: Graph) -> dict[int, list[Node]]:
    """Return the calls of each operation, in the order in which they run."""
    nodes = {id(node): node for node in (*(each.node for each in graph.inputs), *graph.nodes)}
    calls: dict[int, list[Node]] = {}
    for node in nodes.values():
        calls.setdefault(id(node.operation), []).append(node)
    return calls


def _numbers(groups: Sequence[Sequence[Node]]) -> dict[int, int]:
    return {id(node): number for number, group in enumerate(groups) for node in group}


def _circular(groups: Sequence[Sequence[Node]]) -> bool:
    """Return whether a box would, by some way, feed itself."""
    number_of = _numbers(groups)
    feeds: list[list[int]] = [[] for _ in groups]
    waiting = [0] * len(groups)
    for target, group in enumerate(groups):
        for source in {number_of[id(tensor.node)] for node in group for tensor in node.inputs}:
            feeds[source].append(target)
            waiting[target] += 1
    ready = [number for number, count in enumerate(waiting) if not count]
    for number in ready:
        for target in feeds[number]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return len(ready) < len(groups)


def _called(group: Sequence[Node], calls: Sequence[Node]) -> str:
    """Return which of a shared layer's calls a box stands for."""
    if len(calls) == 1 or isinstance(calls[0].operation, OpCall):
        return ""
    if len(group) == len(calls):
        return f", called {len(calls)} times"
    return f", call {calls.index(group[0]) + 1} of {len(calls)}"


def _box(layer: Any, calls: Sequence[Node], graph: Graph | None, called: str, shown: Shown) -> Box:
    """Return what stands in a layer's box."""
    name, kind, _, _ = described(layer, graph)
    wrapped = getattr(layer, "forward_layer", None) or getattr(layer, "layer", None)
    if isinstance(wrapped, Layer):
        kind = f"{kind}({described(wrapped, None)[1]})"
    activation = getattr(layer, "activation", None)
    if shown.show_layer_activations and activation is not None:
        named = getattr(activation, "__name__", type(activation).__name__)
        kind += "" if named == "linear" else f", {named}"
    kind += called
    within = None
    if shown.expand_nested and getattr(layer, "_graph", None) is not None:
        within = diagram(layer, shown)
    facts = tuple(_facts(layer, calls, shown)) if within is None else ()
    if not shown.show_layer_names:
        name, kind = kind, ""
    return Box(name, kind, _color(layer), facts, within)


def _facts(layer: Any, calls: Sequence[Node], shown: Shown) -> Iterator[tuple[str, str]]:
    outputs = [tensor for call in calls for tensor in call.outputs]
    if shown.show_shapes:
        yield from _listed("input", [tensor.shape for call in calls for tensor in call.inputs])
        yield from _listed("output", [tensor.shape for tensor in outputs])
    if shown.show_dtype:
        yield from _listed("dtype", dict.fromkeys(tensor.dtype for tensor in outputs))
    if shown.show_trainable and isinstance(layer, Layer) and layer.weights:
        yield "trainable", "yes" if layer.trainable else "no"


def _listed(name: str, things: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yield a line for each thing, the name before the first; what is too much is counted."""
    lines = list(map(str, things))
    if len(lines) > _MOST_FACTS:
        lines[_MOST_FACTS - 1 :] = [f"and {len(lines) - _MOST_FACTS + 1} more"]
    for number, line in enumerate(lines):
        yield ("" if number else name), line


def _color(layer: Any) -> str:
    if isinstance(layer, InputLayer):
        return look.BLACK
    for kind in type(layer).__mro__:
        package, _, module = kind.__module__.rpartition(".")
        if package == "lamina.layers" and module in _FAMILIES:
            return _FAMILIES[module]
    return look.LINE


def model_html(model: Any) -> str:
    """Return a model's picture beside its summary, as HTML that is well-formed XML."""
    rows, connected = summary_rows(model)
    titles = ["Layer (type)", "Output Shape", "Param #"] + ["Connected to"] * connected
    table = html_table(titles, rows, {2})
    picture = ""
    if model.built and len(rows) <= _MOST_BOXES:
        scene = diagram(model, Shown(show_shapes=True, show_layer_activations=True)).scene()
        picture = svg(scene, f"The layers of {model.name}")
    sums = "<br/>".join(escaped(line) for line in totals(model))
    pane = "max-height:640px;overflow:auto"
    return (
        f"<div><b>{escaped(type(model).__name__)}</b> {escaped(shortened(model.name))}"
        f'<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start">'
        f'<div style="{pane}">{picture}</div>'
        f'<div style="{pane}">{table}<div style="padding:8px 10px">{sums}</div></div></div></div>'
    )
