"""The layer that finds which time steps are real."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.autodiff import as_array
from lamina.layers.layer import Layer

__all__ = ["Masking"]


class Masking(Layer):
    """Masks the time steps in which every feature is ``mask_value``, and sets them to zeros.

    Input and output (B, T, ...); the output's mask (B, T) is false where a step is to be skipped.
    Follows Keras's Masking.
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Return where any feature of a step is not the mask's value."""
        return np.any(as_array(inputs) != self.mask_value, axis=-1)

    def call(self, inputs: Any) -> Any:
        """Return the inputs with zeros at the masked steps."""
        seen = self.compute_mask(inputs)[..., np.newaxis]
        return ops.where(seen, inputs, 0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {**super().get_config(), "mask_value": self.mask_value}
