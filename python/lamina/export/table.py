"""Which layer is written by what, and which cannot be written, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina import layers
from lamina.export import (
    attention,
    core,
    elementwise,
    merging,
    normalization,
    recurrent,
    spatial,
)
from lamina.layers.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Callable

# Each is called as the layer is: ``export(builder, layer, *inputs)``, and returns names.
EXPORTERS: dict[Any, Callable[..., Any]] = {
    **attention.LAYERS,
    **core.LAYERS,
    **elementwise.LAYERS,
    **merging.LAYERS,
    **normalization.LAYERS,
    **recurrent.LAYERS,
    **spatial.LAYERS,
}

_A_STEP = "it is a step of a recurrent layer, and is written with the RNN that holds it"
CANNOT: dict[Any, str] = {
    layers.GRUCell: _A_STEP,
    layers.LSTMCell: _A_STEP,
    layers.SimpleRNNCell: _A_STEP,
    layers.StackedRNNCells: _A_STEP,
    layers.Lambda: "its function is Python, of which an ONNX file holds nothing; make it of layers",
    Layer: "it is the base of all layers and computes nothing",
}

# Layers whose output has the type of the input, whatever their own is.
KEEP_TYPES = (
    layers.Embedding,
    layers.Flatten,
    layers.Identity,
    layers.InputLayer,
    layers.Permute,
    layers.RepeatVector,
    layers.Reshape,
    layers.TimeDistributed,
)


def exporter_of(layer: Any) -> Callable[..., Any] | str:
    """Return what writes a layer, or why nothing does.

    A subclass is written as the class that it has its ``call`` from.
    """
    for kind in type(layer).__mro__:
        same_call = getattr(type(layer), "call", None) is getattr(kind, "call", None)
        if kind in EXPORTERS and same_call:
            return EXPORTERS[kind]
        if kind in CANNOT and kind is type(layer):
            return CANNOT[kind]
    return "its call is your own, in Python; compose it of layers that can be written"
