"""Which layer is written by what, and which cannot be written, and why."""

from __future__ import annotations

from types import FunctionType
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
_A_LOOKUP = "ONNX's own operators look no tokens up; call it first, and give the model its numbers"
CANNOT: dict[Any, str] = {
    layers.GRUCell: _A_STEP,
    layers.LSTMCell: _A_STEP,
    layers.SimpleRNNCell: _A_STEP,
    layers.StackedRNNCells: _A_STEP,
    layers.Hashing: "ONNX has no operator for its hash; call it first, and give the model its bins",
    layers.IntegerLookup: _A_LOOKUP,
    layers.StringLookup: _A_LOOKUP,
    layers.TextVectorization: _A_LOOKUP,
    layers.Lambda: "its function is Python, of which an ONNX file holds nothing; make it of layers",
    Layer: "it is the base of all layers and computes nothing",
}

_YOUR_OWN = "it computes something of your own, in Python; compose it of layers that can be written"

# Layers whose output has the type of the input, whatever their own is.
KEEP_TYPES = (
    layers.CategoryEncoding,
    layers.Discretization,
    layers.Embedding,
    layers.Flatten,
    layers.Identity,
    layers.InputLayer,
    layers.Permute,
    layers.RepeatVector,
    layers.Reshape,
    layers.TimeDistributed,
)


# What a subclass may define and still be written as the class above it.
_MAY_DIFFER = {"__init__", "build", "get_config", "from_config"}


def _defines(kind: type) -> set[str]:
    """Return the names of a class's own methods and properties."""
    of_code = (FunctionType, staticmethod, classmethod, property)
    return {name for name, thing in vars(kind).items() if isinstance(thing, of_code)}


def exporter_of(layer: Any) -> Callable[..., Any] | str:
    """Return what writes a layer, or why nothing does.

    A subclass that has its own arguments and weights alone is written as the class above it.
    """
    for kind in type(layer).__mro__:
        if kind in EXPORTERS:
            return EXPORTERS[kind]
        if kind in CANNOT:
            return CANNOT[kind] if kind is type(layer) else _YOUR_OWN
        if not _defines(kind) <= _MAY_DIFFER:
            return _YOUR_OWN
    return _YOUR_OWN
