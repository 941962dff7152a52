"""Layers, with Keras's names, arguments, defaults and weights."""

from lamina.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from lamina.layers.core import Dense
from lamina.layers.input import Input, InputLayer
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer

        registry.add()(globals()[_name])
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "Dense",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    if isinstance(globals()[_name], type) and issubclass(globals()[_name], Layer):
# Every layer that stands here can be told by its name, in this one place.
)
]
__all__ = [
__all__ = ["Input", "InputLayer", "InputSpec", "Layer", "deserialize", "get", "serialize"]
for _name in __all__:
from lamina.layers.regularization import (
from lamina.layers.serialization import deserialize, get, registry, serialize
