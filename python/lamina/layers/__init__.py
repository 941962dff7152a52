"""Layers, with Keras's names, arguments, defaults and weights."""

from lamina.layers.input import Input, InputLayer
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer

__all__ = ["Input", "InputLayer", "InputSpec", "Layer"]
