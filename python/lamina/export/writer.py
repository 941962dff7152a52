"""Writing a model as an ONNX file: the walk over its graph, and the file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._config import __version__
from lamina.autodiff import flatten
from lamina.export.builder import Builder, Value
from lamina.export.masks import masks_after
from lamina.export.operations import OPERATIONS
from lamina.export.table import KEEP_TYPES, exporter_of
from lamina.graph import Node, OpCall
from lamina.models.model import Model
from lamina.models.sequential import Sequential
from lamina.saving.atomic import atomic_write

if TYPE_CHECKING:
    import os

    from lamina.graph import Graph

__all__ = ["onnx"]

_OLDEST_OPSET = 18  # the first in which the axes of every reduction are an input


def onnx(model: Any, path: str | os.PathLike[str], opset: int = _OLDEST_OPSET) -> None:
    """Write a model as an ONNX file, to be run by onnxruntime and others without Lamina.

    The file computes what ``model.predict`` does, for any number of samples. Its inputs have the
    names and types of the model's inputs, its outputs the names in ``model.output_names``; layers
    and their data keep the order of axes that they have here. What only acts in training (dropout,
    noise, penalties) is left out. A model of doubles is written as one; onnxruntime on CPUs has no
    convolutions of doubles.

    Args:
        model: a functional model or a built `Sequential`, with models inside as well.
        path: the file; it appears when it is complete and has passed ONNX's own checker.
        opset: the version of ONNX's operators, at least 18.

    Raises:
        ImportError: if onnx is missing: ``pip install 'lamina[onnx]'``.
        NotImplementedError: if ONNX cannot express a layer; the message names it and says why.
        TypeError: if it is no model.
        ValueError: if the model has no graph yet, or the opset is too old or unknown.

    """
    try:
        import onnx as package  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError("export.onnx needs onnx: pip install 'lamina[onnx]'") from error
    graph = _graph_of(model)
    newest = package.defs.onnx_opset_version()
    if not isinstance(opset, int) or not _OLDEST_OPSET <= opset <= newest:
        raise ValueError(
            f"export.onnx: opset must be from {_OLDEST_OPSET} to {newest}, the newest that onnx "
            f"{package.__version__} knows, got {opset!r}"
        )
    content = _content(model, graph, opset)
    with atomic_write(path) as file:
        file.write(content)


def _graph_of(model: Any) -> Graph:
    if not isinstance(model, Model):
        raise TypeError(f"export.onnx: wanted a model, got {model!r} ({type(model).__name__})")
    if _has_its_own_call(model):
        raise ValueError(
            f"export.onnx: {model} has a call of its own, in Python; a file holds a graph of "
            f"layers, as Model(inputs, outputs) or a Sequential has it"
        )
    graph = model._graph  # noqa: SLF001
    if graph is None:
        raise ValueError(
            f"export.onnx: {model} has no graph yet, for the shape of its input is not known: add "
            f"an Input, or call it on data"
        )
    return graph


def _has_its_own_call(model: Model) -> bool:
    return type(model).call not in {Model.call, Sequential.call}


def _content(model: Any, graph: Graph, opset: int) -> bytes:
    """Return the bytes of the file, checked."""
    import onnx as package  # noqa: PLC0415

    builder = Builder(write_layer)
    given = [
        Value(name, tensor.shape, tensor.dtype)
        for name, tensor in zip(model.input_names, graph.inputs, strict=True)
    ]
    found = write_graph(builder, graph, given)
    builder.scope = "outputs"
    outputs: list[Value] = []
    for name, value in zip(model.output_names, found, strict=True):
        # One layer may give several outputs, or be an input as well.
        taken = {each.name for each in [*given, *outputs]}
        others = (f"{name}_{place}" for place in itertools.count(1))
        unique = next(each for each in itertools.chain([name], others) if each not in taken)
        builder.nodes.append(package.helper.make_node("Identity", [value.name], [unique]))
        outputs.append(Value(unique, value.shape, value.dtype))
    proto = package.helper.make_model(
        package.helper.make_graph(
            builder.nodes,
            model.name,
            [_described(each) for each in given],
            [_described(each) for each in outputs],
            builder.constants,
        ),
        opset_imports=[package.helper.make_opsetid("", opset)],
        producer_name="lamina",
        producer_version=__version__,
    )
    proto.ir_version = package.helper.find_min_ir_version_for(proto.opset_import)
    size = proto.ByteSize()
    if size >= 1 << 31:
        raise ValueError(
            f"export.onnx: {model} takes {size / 1e9:.1f} GB, and an ONNX file may have 2.1 at most"
        )
    content: bytes = proto.SerializeToString()
    package.checker.check_model(content, full_check=True)
    return content


def _described(value: Value) -> Any:
    """Return ONNX's description of an input or output: name, type and shape."""
    from onnx import helper  # noqa: PLC0415

    shape = [
        size if size is not None else "batch" if axis == 0 else f"{value.name}_axis_{axis}"
        for axis, size in enumerate(value.shape)
    ]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(value.name, kind, shape)


def write_graph(b: Builder, graph: Graph, inputs: list[Value]) -> list[Value]:
    """Write the calls of a graph, each after those it needs; return its outputs."""
    values = {id(tensor): value for tensor, value in zip(graph.inputs, inputs, strict=True)}
    for node in graph.nodes:
        if all(id(tensor) in values for tensor in node.outputs):
            continue
        leaves, rebuild = flatten((node.args, node.kwargs))
        args, kwargs = rebuild([values.get(id(leaf), leaf) for leaf in leaves])
        for tensor, value in zip(node.outputs, _write_call(b, node, args, kwargs), strict=True):
            values[id(tensor)] = value
    return [values[id(tensor)] for tensor in graph.outputs]


def _write_call(b: Builder, node: Node, args: Any, kwargs: Any) -> list[Value]:
    operation = node.operation
    b.scope, b.layer = operation.name, operation
    if not isinstance(operation, OpCall):
        return write_layer(b, operation, args, kwargs, node.outputs)
    b.dtype, b.layer = node.outputs[0].dtype, f"the operation {operation.name!r}"
    write = OPERATIONS.get(operation.function)
    if write is None:
        b.refuse("it has no counterpart here; use a layer instead")
    found = flatten(write(b, *args, **kwargs))[0]
    return [_as_value(each, tensor) for each, tensor in zip(found, node.outputs, strict=True)]


def _as_value(found: Any, tensor: Any, mask: str | None = None) -> Value:
    name = found.name if isinstance(found, Value) else found
    return Value(name, tensor.shape, tensor.dtype, mask)


def write_layer(b: Builder, layer: Any, args: Any, kwargs: Any, outputs: Any) -> list[Value]:
    """Write a layer called on values; ``outputs`` are symbolic tensors of what comes out."""
    b.layer, b.dtype, b.scope = layer, layer.dtype, layer.name
    kwargs = dict(kwargs)
    if kwargs.pop("training", None):
        b.refuse("it is called with training=True, and a file is for prediction alone")
    if kwargs.pop("mask", None) is not None:
        b.refuse("it is called with a mask of its own")
    if isinstance(layer, Model):
        return _write_model(b, layer, args)
    write = exporter_of(layer)
    if isinstance(write, str):
        b.refuse(write)
    if not isinstance(layer, KEEP_TYPES):
        leaves, rebuild = flatten((args, kwargs))
        args, kwargs = rebuild([_in_type(b, leaf, layer.dtype) for leaf in leaves])
    found = flatten(write(b, layer, *args, **kwargs))[0]
    masks = [*masks_after(b, layer, args), *([None] * len(found))]
    return [
        _as_value(each, tensor, mask)
        for each, tensor, mask in zip(found, outputs, masks, strict=False)
    ]


def _in_type(b: Builder, value: Any, dtype: str) -> Any:
    if not isinstance(value, Value) or value.dtype == dtype:
        return value
    return Value(b.cast(value, dtype), value.shape, dtype, value.mask)


def _write_model(b: Builder, model: Any, args: Any) -> list[Value]:
    if _has_its_own_call(model) or model._graph is None:  # noqa: SLF001
        b.refuse("it is a model with a call of its own, in Python")
    values = model.match_inputs(args[0])
    wanted = model._graph.inputs  # noqa: SLF001
    cast = [_in_type(b, value, tensor.dtype) for value, tensor in zip(values, wanted, strict=True)]
    return write_graph(b, model._graph, cast)  # noqa: SLF001
