"""Layers that keep what passes through them at mean 0 and deviation 1, or at length 1."""

from __future__ import annotations

import warnings
from typing import Any

from lamina import ops
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer
from lamina.layers.weight_options import WithWeightOptions

__all__ = ["GroupNormalization", "LayerNormalization", "UnitNormalization"]


class Affine(WithWeightOptions):
    """What batch, layer and group normalisation share: gamma, beta, epsilon and their options."""

    def __init__(self, arguments: dict[str, Any], **kwargs: Any) -> None:
        """Take the arguments that the subclasses share from the ``locals()`` of theirs."""
        super().__init__(**kwargs)
        self.epsilon = float(arguments["epsilon"])
        self.center, self.scale = bool(arguments["center"]), bool(arguments["scale"])
        self._keep_weight_options(arguments)
        self.supports_masking = True
        self.gamma: Any = None
        self.beta: Any = None

    def _add_gamma(self, shape: tuple[Any, ...]) -> None:
        self.gamma = self.add_weight(shape, name="gamma", **self._weight_options("gamma"))

    def _add_beta(self, shape: tuple[Any, ...]) -> None:
        self.beta = self.add_weight(shape, name="beta", **self._weight_options("beta"))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
        }


def check_axis(layer: Layer, axis: int, shape: Any) -> None:
    """Raise a ValueError that names the layer if a shape has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"{layer}: got an input of shape {tuple(shape)}, which has no axis {axis}: is axis= "
            f"meant for inputs of another rank?"
        )


class LayerNormalization(Affine):
    """Normalises each sample along axes: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.

    ``axis`` is one axis or several; gamma and beta have their sizes. With ``rms_scaling``, as in
    Keras, y = x / sqrt(variance + epsilon) * gamma.

    Raises:
        TypeError: if ``axis`` is neither a whole number nor a list of them.
        ValueError: if an axis does not exist.

    Sources: Ba, Kiros and Hinton, Layer Normalization, 2016; the arguments are Keras's.

    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.axis = _one_or_several(self, axis)
        self.rms_scaling = bool(rms_scaling)
        if rms_scaling:
            warnings.warn(
                f"{self}: rms_scaling=True divides by the deviation, not by the root mean square; "
                f"it is there for models that were trained with it",
                stacklevel=2,
            )

    def build(self, input_shape: Any) -> None:
        axes = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        for axis in axes:
            check_axis(self, axis, input_shape)
        self.axis = axes
        shape = tuple(input_shape[axis] for axis in axes)
        if self.scale or self.rms_scaling:
            self._add_gamma(shape)
        if self.center and not self.rms_scaling:
            self._add_beta(shape)

    def call(self, inputs: Any) -> Any:
        return ops.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, self.rms_scaling
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling}


def _one_or_several(layer: Layer, axis: Any) -> Any:
    if isinstance(axis, (list, tuple)) and all(isinstance(each, int) for each in axis):
        return list(axis)
    if not isinstance(axis, int):
        raise TypeError(f"{layer}: axis must be a whole number or a list of them, got {axis!r}")
    return axis


class GroupNormalization(Affine):
    """Normalises groups of neighbouring channels within each sample, over all their places.

    ``groups`` must divide the channels; 1 is layer normalisation over all axes, -1 (as many groups
    as channels) instance normalisation. gamma and beta have an element for each channel.

    Raises:
        ValueError: if ``groups`` is not a positive whole number or -1, or does not divide the
            channels.

    Sources: Wu and He, Group Normalization, 2018; the arguments are Keras's.

    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(
                f"{self}: groups must be a positive whole number, or -1 for a group of each "
                f"channel; got {groups!r}"
            )
        self.groups, self.axis = groups, axis

    def build(self, input_shape: Any) -> None:
        check_axis(self, self.axis, input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"{self}: axis {self.axis} of the input's shape {tuple(input_shape)} must have a "
                f"known size"
            )
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"{self}: {channels} channels (axis {self.axis} of the input's shape "
                f"{tuple(input_shape)}) cannot be cut into groups={self.groups} of one size"
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        if self.scale:
            self._add_gamma((channels,))
        if self.center:
            self._add_beta((channels,))

    def call(self, inputs: Any) -> Any:
        return ops.group_normalization(
            inputs, self.groups, self.gamma, self.beta, axis=self.axis, epsilon=self.epsilon
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}


class UnitNormalization(Layer):
    """Divides each sample by its length along axes: y = x / sqrt(sum(x^2)); zeros stay zeros.

    Raises:
        TypeError: if ``axis`` is neither a whole number nor a list of them.
        ValueError: if an axis does not exist.

    Source: the arguments are Keras's.

    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _one_or_several(self, axis)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        for axis in [self.axis] if isinstance(self.axis, int) else self.axis:
            check_axis(self, axis, input_shape)

    def call(self, inputs: Any) -> Any:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
