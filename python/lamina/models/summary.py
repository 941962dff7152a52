"""The table of a model's layers: their shapes, parameters, and in a graph their connections."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from lamina.graph import OpCall
from lamina.layers.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lamina.graph import Graph, Node

# Keras 2's widths: of a table, and where its columns end, as shares of that.
_CHAIN = 65, [0.45, 0.85, 1.0]
_GRAPH = 98, [0.33, 0.55, 0.67, 1.0]


def print_summary(
    model: Any,
    line_length: int | None,
    positions: Sequence[float] | None,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool,
    show_trainable: bool,
) -> None:
    """Print what ``Model.summary`` says."""
    connected = _is_connected(model)
    default_length, shares = _GRAPH if connected else _CHAIN
    titles = ["Layer (type)", "Output Shape", "Param #"] + ["Connected to"] * connected
    if show_trainable:
        titles.append("Trainable")
        default_length += 12
        shares = [*(share * (1 - 12 / default_length) for share in shares), 1.0]
    length = line_length or default_length
    ends = [int(end if end > 1 else length * end) for end in positions or shares]
    write = print_fn or print
    rule = "_" * length
    write(rule)
    write(_columns(titles, ends)[0])
    write("=" * length)
    rows = list(_rows(model, connected, show_trainable, expand_nested, ""))
    for number, row in enumerate(rows):
        for line in _columns(row, ends):
            write(line)
        write(rule if number + 1 < len(rows) else "=" * length)
    for line in totals(model):
        write(line)
    write(rule)


def totals(model: Any) -> list[str]:
    """Return the lines below the table."""
    trained = sum(variable.size for variable in model.trainable_weights)
    total = sum(variable.size for variable in model.weights)
    lines = [
        f"Total params: {total:,}",
        f"Trainable params: {trained:,}",
        f"Non-trainable params: {total - trained:,}",
    ]
    if any(not layer.built for layer in model.layers):
        lines.append("Not built yet: a first call or build(input_shape) makes the rest.")
    return lines


def summary_rows(model: Any) -> tuple[list[list[str]], bool]:
    """Return the cells of the table, and whether its last column says what is connected to what."""
    connected = _is_connected(model)
    return list(_rows(model, connected, False, False, "")), connected


def _is_connected(model: Any) -> bool:
    graph = model._graph  # noqa: SLF001
    return graph is not None and not is_chain(graph)


def is_chain(graph: Graph) -> bool:
    """Return whether a graph's calls form one line, each on the output of the one before alone."""
    calls = [node for node in graph.nodes if node.inputs]
    one_line = all(len(node.inputs) == 1 for node in calls) and len(graph.inputs) == 1
    used = {id(node.inputs[0]) for node in calls} if one_line else set()
    return one_line and len(used) == len(calls) == len({node.operation for node in calls})


def _rows(
    model: Any, connected: bool, show_trainable: bool, expand: bool, indent: str
) -> Iterator[list[str]]:
    """Yield the cells of each layer."""
    graph = model._graph  # noqa: SLF001
    inside = set(map(id, graph.nodes)) if graph is not None else set()
    layers = model.layers if not (graph and connected) else graph.operations
    for layer in layers:
        calls = [node for node in layer.inbound_nodes if id(node) in inside]
        name, kind, parameters, trainable = described(layer, graph)
        row = [f"{indent}{name} ({kind})", _shapes(calls), parameters]
        if connected:
            row.append(_sources(calls, graph) if graph is not None else "")
        if show_trainable:
            row.append(trainable)
        yield row
        if expand and isinstance(layer, Layer) and hasattr(layer, "get_layer"):
            yield from _rows(layer, connected, show_trainable, expand, indent + "|  ")


def described(layer: Any, graph: Graph | None) -> tuple[str, str, str, str]:
    """Return a layer's name, the class, the number of parameters and Y or N."""
    if isinstance(layer, OpCall):
        kind = "".join(part.capitalize() for part in layer.name.split("_"))
        return (graph.names[layer] if graph else layer.name), kind, "0", "-"
    kind = type(layer).__name__ if type(layer).__name__ != "Model" else "Functional"
    parameters = str(layer.count_params()) if layer.built else "not built"
    return layer.name, kind, parameters, "Y" if layer.trainable else "N"


def _shapes(calls: Sequence[Node]) -> str:
    """Return the shape of a layer's output, as all of its calls give it."""
    shapes = [[tensor.shape for tensor in call.outputs] for call in calls]
    if not shapes:
        return "?"
    if any(each != shapes[0] for each in shapes):
        return "multiple"
    return (
        str(shapes[0][0]) if len(shapes[0]) == 1 else "[" + ",\n ".join(map(str, shapes[0])) + "]"
    )


def _sources(calls: Sequence[Node], graph: Graph) -> str:
    """Return each input as name[call][output], one to a line."""
    inside = set(map(id, graph.nodes))
    sources = []
    for tensor in (tensor for call in calls for tensor in call.inputs):
        operation = tensor.node.operation
        number = [node for node in operation.inbound_nodes if id(node) in inside].index(tensor.node)
        sources.append(f"{graph.names[operation]}[{number}][{tensor.place}]")
    return "\n".join(sources)


def _columns(cells: Sequence[str], ends: Sequence[int]) -> list[str]:
    """Return the lines of a row; a cell that is too long goes on in the next line."""
    widths = [end - begin for begin, end in zip((0, *ends), ends, strict=False)]
    wrapped = [
        [
            part
            for line in cell.split("\n")
            for part in textwrap.wrap(line, max(width - 1, 1), drop_whitespace=False) or [""]
        ]
        for cell, width in zip(cells, widths, strict=False)
    ]
    height = max(map(len, wrapped))
    return [
        "".join(
            (lines[number] if number < len(lines) else "").ljust(width)
            for lines, width in zip(wrapped, widths, strict=True)
        ).rstrip()
        for number in range(height)
    ]
