"""Layers that make training harder so that it generalises: dropout, noise, a penalty on outputs.

They draw only while training; ``seed`` makes a layer's numbers repeatable, whatever else is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer
from lamina.randomness import next_seed
from lamina.regularizers import L1L2

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
]


class _Noise(Layer):
    """A layer that draws random numbers for inputs of any shape; ``name`` is what it calls them."""

    supports_masking = True

    def __init__(self, what: str, amount: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= amount <= 1:
            raise ValueError(f"{self}: {what} must be between 0 and 1, got {amount}")
        self.seed = seed
        self._generator = None if seed is None else np.random.default_rng(seed)

    def _next_seed(self) -> int:
        """Return the seed of one call."""
        if self._generator is None:
            return next_seed()
        return int(self._generator.integers(1 << 63))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "seed": self.seed}


class Dropout(_Noise):
    """While training, a share ``rate`` of elements is set to 0, the others divided by 1 - rate.

    Where ``noise_shape`` has a 1, elements along that axis are kept or dropped together.
    Srivastava et al. 2014; Keras's `Dropout`.

    Raises:
        ValueError: if the rate is not between 0 and 1, or a size of noise_shape is not positive.

    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        for size in self.noise_shape or ():
            if size is not None and (not isinstance(size, int) or size <= 0):
                raise ValueError(
                    f"{self}: noise_shape must hold positive whole numbers or None, got "
                    f"{self.noise_shape}"
                )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Drop elements while training."""
        if not training or self.rate == 0:
            return inputs
        return ops.dropout(
            inputs, rate=self.rate, seed=self._next_seed(), noise_shape=self.noise_shape
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class _SpatialDropout(Dropout):
    """Dropout of whole channels: one draw for all places of a sample."""

    def __init__(self, ndim: int, rate: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(rate, (None, *[1] * (ndim - 2), None), seed, **kwargs)
        self.input_spec = InputSpec(ndim=ndim)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        config = super().get_config()
        del config["noise_shape"], config["trainable"]  # Keras takes neither here
        return config


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of (samples, steps, channels); Tompson et al. 2014."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(3, rate, seed, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of (samples, rows, columns, channels); Tompson et al. 2014.

    ``data_format="channels_first"`` is for inputs (samples, channels, rows, columns).

    Raises:
        ValueError: if the data format is unknown.

    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(4, rate, seed, **kwargs)
        self.data_format = data_format or "channels_last"
        if self.data_format not in {"channels_first", "channels_last"}:
            raise ValueError(
                f"{self}: data_format must be 'channels_first' or 'channels_last', got "
                f"{data_format!r}"
            )
        if self.data_format == "channels_first":
            self.noise_shape = (None, None, 1, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "data_format": self.data_format}


class GaussianNoise(_Noise):
    """While training, normal noise of mean 0 and deviation ``stddev`` is added.

    Raises:
        ValueError: if stddev is not between 0 and 1.

    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("stddev", stddev, seed, **kwargs)
        self.stddev = stddev

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Add noise while training."""
        if not training or self.stddev == 0:
            return inputs
        noise = ops.random_normal(inputs.shape, 0, self.stddev, inputs.dtype, self._next_seed())
        return inputs + noise.data

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """While training, elements are multiplied by normal noise of mean 1.

    Its deviation is sqrt(rate / (1 - rate)), which is that of `Dropout`; Srivastava et al. 2014.

    Raises:
        ValueError: if the rate is not in [0, 1).

    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        if rate == 1:
            raise ValueError(f"{self}: rate must be below 1, where the noise is infinite")
        self.rate = rate

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Multiply by noise while training."""
        if not training or self.rate == 0:
            return inputs
        deviation = float(np.sqrt(self.rate / (1 - self.rate)))
        noise = ops.random_normal(inputs.shape, 1, deviation, inputs.dtype, self._next_seed())
        return inputs * noise.data

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "rate": self.rate}


# The value that selu tends to at -infinity: what dropped elements are set to.
_SELU_FLOOR = -1.6732632423543772 * 1.0507009873554805


class AlphaDropout(_Noise):
    """Dropout for networks of selu: it keeps mean and variance; Klambauer et al. 2017.

    Dropped elements become the least value of selu; then all are scaled and shifted.

    Raises:
        ValueError: if the rate is not in [0, 1).

    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__("rate", rate, seed, **kwargs)
        if rate == 1:
            raise ValueError(f"{self}: rate must be below 1: nothing would be kept")
        self.rate = rate
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Drop elements while training."""
        if not training or self.rate == 0:
            return inputs
        noise_shape = self.noise_shape or inputs.shape
        shape = [n or size for n, size in zip(noise_shape, inputs.shape, strict=True)]
        kept = ops.random_uniform(shape, seed=self._next_seed()).data >= self.rate
        scale = ((1 - self.rate) * (1 + self.rate * _SELU_FLOOR**2)) ** -0.5
        shift = -scale * _SELU_FLOOR * self.rate
        factors = (scale * kept).astype(inputs.dtype)
        offsets = np.where(kept, shift, scale * _SELU_FLOOR + shift).astype(inputs.dtype)
        return inputs * factors + offsets

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class ActivityRegularization(Layer):
    """Adds l1 sum(|x|) + l2 sum(x^2) of its input, by sample, to the loss; passes the input on."""

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        """Return the input."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        config = super().get_config()
        del config["activity_regularizer"]
        return {**config, "l1": self.l1, "l2": self.l2}
