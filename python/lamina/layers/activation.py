"""Activations as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import activations, ops
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer
from lamina.layers.weight_options import WithWeightOptions

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class _SameShape(Layer):
    """A layer whose output has the shape of its input."""

    supports_masking = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return tuple(input_shape)


class Activation(_SameShape):
    """activation(x), element by element (softmax: along the last axis).

    ``activation`` is a name of `lamina.activations` or a function. Keras's `Activation`.
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Apply the activation."""
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class ReLU(_SameShape):
    """min(x, max_value) above the threshold, negative_slope (x - threshold) below it.

    Raises:
        ValueError: if an argument is negative.

    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (
            ("max_value", 0 if max_value is None else max_value),
            ("negative_slope", negative_slope),
            ("threshold", threshold),
        ):
            if value is None or value < 0:
                raise ValueError(f"{self}: {name} must not be negative, got {value}")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Any:
        """Apply the activation."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(_SameShape):
    """x where it is positive, negative_slope x elsewhere; ``alpha`` is Keras 2's name of the slope.

    Raises:
        ValueError: if the slope is None.

    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        if negative_slope is None:
            raise ValueError(f"{self}: negative_slope must be a number, got None")
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        """Apply the activation."""
        return ops.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


class PReLU(_SameShape, WithWeightOptions):
    """x where it is positive, alpha x elsewhere, with learned slopes alpha; He et al. 2015.

    There is a slope for each element of a sample; along ``shared_axes`` (counted from 1) they are
    shared.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep_weight_options(locals())
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Any) -> None:
        """Make the slopes."""
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = self.add_weight(shape, name="alpha", **self._weight_options("alpha"))
        shared = self.shared_axes or ()
        axes = {i: n for i, n in enumerate(input_shape) if i > 0 and i not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        """Apply the activation."""
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {
            **super().get_config(),
            "shared_axes": self.shared_axes,
        }


class ELU(_SameShape):
    """x where it is positive, alpha (exp(x) - 1) elsewhere; Clevert et al. 2016."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Apply the activation."""
        return ops.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "alpha": self.alpha}


class Softmax(_SameShape):
    """exp(x) / sum(exp(x)) along an axis, or several as if they were one.

    Called with a ``mask`` of as many axes as the input, elements where it is false get no share. A
    mask of time steps, which has fewer, passes through.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Apply the activation."""
        if mask is not None and mask.ndim == len(inputs.shape):
            inputs = ops.where(mask, inputs, np.asarray(-1e9, inputs.dtype))
        return ops.softmax(inputs, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "axis": self.axis}
