"""The layer that most networks are made of: Dense."""

from __future__ import annotations

from typing import Any

from lamina import activations, ops
from lamina.layers.input_spec import InputSpec
from lamina.layers.sizes import check_sizes
from lamina.layers.weight_options import WithWeightOptions
from lamina.ops.prepared import prepared

__all__ = ["Dense"]


class Dense(WithWeightOptions):
    """activation(x @ kernel + bias), along the last axis.

    Input (..., inputs), output (..., units); kernel (inputs, units), bias (units,). The product,
    the bias and the activations linear, relu, sigmoid and tanh are one kernel. Keras's `Dense`.

    Raises:
        ValueError: if ``units`` is not a positive whole number.

    """

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        check_sizes(self, units=units)
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._keep_weight_options(locals())
        self.input_spec = InputSpec(min_ndim=2)
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        inputs = input_shape[-1]
        if inputs is None:
            raise ValueError(
                f"{self}: got an input of shape {tuple(input_shape)}, wanted a known size in the "
                f"last axis, for the kernel: give it in Input(shape=...)"
            )
        options = self._weight_options("kernel")
        self.kernel = self.add_weight((inputs, self.units), name="kernel", **options)
        if self.use_bias:
            options = self._weight_options("bias")
            self.bias = self.add_weight((self.units,), name="bias", **options)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        fused = activations.fused_name(self.activation)
        if fused is not None:
            return ops.dense(inputs, self.kernel, self.bias, activation=fused)
        return self.activation(ops.dense(inputs, self.kernel, self.bias))

    def _prepared(self, x: Any) -> Any:
        fused = activations.fused_name(self.activation)
        return fused and prepared(ops.dense, x, self.kernel, self.bias, fused)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
