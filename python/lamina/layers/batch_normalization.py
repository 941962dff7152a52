"""The layer that keeps channels at mean 0 and deviation 1 over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.autodiff import Tensor, no_grad
from lamina.layers.input_spec import InputSpec
from lamina.layers.normalization import Affine, check_axis

__all__ = ["BatchNormalization"]


class BatchNormalization(Affine):
    """Normalises channels: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.

    In training, mean and variance are those of the batch over all axes but ``axis``, and

        moving = moving * momentum + batch * (1 - momentum);

    otherwise, and always when ``trainable`` is False, they are the moving ones. Weights: gamma,
    beta, moving_mean, moving_variance, each of the channels' size. A mask leaves time steps out of
    the moments. With ``renorm`` the batch's moments are corrected towards slowly moving ones, r and
    d clipped by ``renorm_clipping`` (keys rmax, rmin, dmax).

    Raises:
        ValueError: if the axis does not exist, or a mask has not the input's axes but the last.

    Sources: Ioffe and Szegedy, 2015; Ioffe, Batch Renormalization, 2017; the arguments are Keras's.

    """

    moving_mean_initializer: Any
    moving_variance_initializer: Any

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        if synchronized:
            raise ValueError(
                f"{self}: synchronized=True is for several devices; there is one CPU here"
            )
        if isinstance(axis, (list, tuple)):  # Keras 2 saved it so
            (axis,) = axis
        self.axis, self.momentum = int(axis), float(momentum)
        self.renorm, self.renorm_momentum = bool(renorm), renorm_momentum
        self.renorm_clipping = (renorm_clipping or {}) if renorm else renorm_clipping
        if renorm:
            self._check_clipping()

    def _check_clipping(self) -> None:
        limits = self.renorm_clipping or {}
        unknown = sorted(set(limits) - {"rmax", "rmin", "dmax"})
        if unknown:
            raise ValueError(
                f"{self}: renorm_clipping has the keys rmax, rmin and dmax, got {unknown}"
            )
        if limits.get("rmax", np.inf) < limits.get("rmin", 0) or limits.get("dmax", 0) < 0:
            raise ValueError(
                f"{self}: renorm_clipping={limits} has rmax below rmin, or a negative dmax"
            )

    def build(self, input_shape: Any) -> None:
        check_axis(self, self.axis, input_shape)
        size = input_shape[self.axis]
        shape = (size,)
        if self.scale:
            self._add_gamma(shape)
        if self.center:
            self._add_beta(shape)
        self.moving_mean = self._add_statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._add_statistic(
            "moving_variance", shape, self.moving_variance_initializer
        )
        if self.renorm:
            deviation = self._deviation_initializer
            self.moving_stddev = self._add_statistic("moving_stddev", shape, deviation)
            self.renorm_mean = self._add_statistic(
                "renorm_mean", shape, self.moving_mean_initializer
            )
            self.renorm_stddev = self._add_statistic("renorm_stddev", shape, deviation)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def _add_statistic(self, name: str, shape: Any, initializer: Any) -> Any:
        return self.add_weight(shape=shape, name=name, initializer=initializer, trainable=False)

    def _deviation_initializer(self, shape: Any, dtype: Any = None) -> Any:
        return np.sqrt(np.asarray(self.moving_variance_initializer(shape, dtype=dtype)))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None and np.ndim(mask) != len(inputs.shape) - 1:
            raise ValueError(
                f"{self}: got a mask of shape {np.shape(mask)} for an input of shape "
                f"{tuple(inputs.shape)}, wanted one with its axes but the last"
            )
        if not (training and self.trainable):
            return ops.batch_normalization(
                inputs,
                self.moving_mean,
                self.moving_variance,
                axis=self.axis,
                offset=self.beta,
                scale=self.gamma,
                epsilon=self.epsilon,
            )
        if self.renorm:
            return self._renormalize(inputs, mask)
        outputs, mean, variance = ops.normalize_batch(
            inputs, self.gamma, self.beta, mask, axis=self.axis, epsilon=self.epsilon
        )
        if inputs.size:  # an empty batch says nothing
            _move(self.moving_mean, mean.data, self.momentum)
            _move(self.moving_variance, variance.data, self.momentum)
        return outputs

    def _renormalize(self, inputs: Any, mask: Any) -> Any:
        """Normalise by the batch, then correct by r and d, which have no gradient."""
        with no_grad():
            _, mean, variance = ops.normalize_batch(inputs, None, None, mask, axis=self.axis)
        deviation = np.sqrt(variance.data + self.epsilon)
        reference = np.maximum(self.renorm_stddev.data, np.sqrt(self.epsilon))
        limits = self.renorm_clipping or {}
        r = np.clip(deviation / reference, limits.get("rmin"), limits.get("rmax"))
        d = (mean.data - self.renorm_mean.data) / reference
        if limits.get("dmax") is not None:
            d = np.clip(d, -limits["dmax"], limits["dmax"])
        r, d = Tensor(r.astype(self.dtype)), Tensor(d.astype(self.dtype))
        scale = r if self.gamma is None else r * self.gamma
        offset = d if self.gamma is None else d * self.gamma
        if self.beta is not None:
            offset = offset + self.beta
        outputs, _, _ = ops.normalize_batch(
            inputs, scale, offset, mask, axis=self.axis, epsilon=self.epsilon
        )
        _move(self.renorm_mean, mean.data, self.renorm_momentum)
        _move(self.renorm_stddev, deviation, self.renorm_momentum)
        _move(self.moving_mean, mean.data, self.momentum)
        _move(self.moving_stddev, deviation, self.momentum)
        squared = np.square(self.moving_stddev.data) - self.epsilon
        self.moving_variance.assign(np.maximum(squared, 0))
        return outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "synchronized": False,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


def _move(statistic: Any, batch: Any, momentum: float) -> None:
    """Let a moving average take in a batch's value, in place."""
    values = statistic.data
    values *= momentum
    values += batch * values.dtype.type(1 - momentum)
