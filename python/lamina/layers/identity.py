"""The layer that does nothing."""

from __future__ import annotations

from typing import Any

from lamina.autodiff import flatten
from lamina.graph import SymbolicTensor
from lamina.layers.layer import Layer

__all__ = ["Identity"]


class Identity(Layer):
    """Returns what it gets."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, *args: Any, **_: Any) -> Any:
        leaves, rebuild = flatten(args[0])
        return rebuild([SymbolicTensor(t.shape, t.dtype, self.name) for t in leaves])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        return mask
