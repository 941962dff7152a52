"""Models out of configs and out of other models, with weights of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lamina.autodiff import flatten
from lamina.layers.input import Input, InputLayer
from lamina.layers.layer import Layer
from lamina.layers.serialization import deserialize
from lamina.models.model import Model
from lamina.models.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.graph import SymbolicTensor


def model_from_json(text: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return a model of what ``model.to_json()`` gave, here or in Keras, with new weights.

    Args:
        text: the JSON.
        custom_objects: your own layers, losses and functions by the names in it.

    Raises:
        ValueError: if it is no JSON or the config is wrong; the message names the place.

    """
    return model_from_config(json.loads(text), custom_objects)


def model_from_config(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Return a model of a config with its class's name, as `to_json` writes it."""
    return deserialize(config, custom_objects)


def clone_model(
    model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None
) -> Any:
    """Return a model of the same graph with new layers and new weights, compiled if it was.

    A layer that is used several times is so in the clone as well.

    Args:
        model: any model; a subclass with a ``call`` of its own is made anew of its config.
        input_tensors: symbolic tensors to build a graph on, instead of new inputs.
        clone_function: returns what to use instead of a layer; by default one of its config.

    Raises:
        ValueError: if the number of the input tensors is not that of the inputs.

    """
    clone = clone_function or _clone
    if isinstance(model, Sequential):
        made = _clone_sequential(model, input_tensors, clone)
    elif model._graph is not None:  # noqa: SLF001
        made = _clone_graph(model, input_tensors, clone)
    else:
        made = _clone(model)
    if not model.trainable:
        made.trainable = False
    compiled = model.get_compile_config()
    if compiled is not None:
        made.compile_from_config(compiled)
    return made


def _clone(layer: Any) -> Any:
    if isinstance(layer, Model) and (isinstance(layer, Sequential) or layer._graph is not None):  # noqa: SLF001
        return clone_model(layer)
    return type(layer).from_config(layer.get_config())


def _clone_sequential(
    model: Sequential, input_tensors: Any, clone: Callable[[Any], Any]
) -> Sequential:
    layers = [clone(layer) for layer in model.layers]
    if input_tensors is not None:
        layers.insert(0, flatten(input_tensors)[0][0])
    elif model._graph is not None:  # noqa: SLF001
        layers.insert(0, _new_input(model.inputs[0]))
    return type(model)(layers, name=model.name)


def _clone_graph(model: Any, input_tensors: Any, clone: Callable[[Any], Any]) -> Any:
    graph = model._graph  # noqa: SLF001
    inputs = (
        [_new_input(tensor) for tensor in graph.inputs]
        if input_tensors is None
        else flatten(input_tensors)[0]
    )
    if len(inputs) != len(graph.inputs):
        raise ValueError(
            f"clone_model: got {len(inputs)} input tensors, {model} has {len(graph.inputs)} inputs"
        )
    replaced = {
        operation: clone(operation)
        for operation in graph.operations
        if isinstance(operation, Layer) and not isinstance(operation, InputLayer)
    }
    return type(model)(
        graph.rebuild_inputs(inputs), graph.rewired(inputs, replaced), name=model.name
    )


def _new_input(tensor: SymbolicTensor) -> SymbolicTensor:
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)
