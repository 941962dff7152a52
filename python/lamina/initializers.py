"""First values of weights: functions of (shape, dtype), by name, by class or your own.

Every class also goes by its name in snake case: ``initializers.he_normal(seed=1)``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._config import floatx
from lamina.randomness import generator
from lamina.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_registry = Registry("initializer", "keras.initializers")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize


class Initializer:
    """The base of initializers: override ``__call__(shape, dtype)`` and ``get_config``."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an initializer of what `get_config` returned."""
        return cls(**config)

    def clone(self) -> Any:
        """Return another initializer of the same arguments."""
        return self.from_config(self.get_config())


@_registry.add("zeros", "zero")
class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return np.zeros(shape, dtype or floatx())


@_registry.add("ones", "one")
class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return np.ones(shape, dtype or floatx())


@_registry.add("constant")
class Constant(Initializer):
    """All ``value``: a number, or an array that is broadcast to the shape."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return np.full(shape, self.value, dtype or floatx())

    def get_config(self) -> dict[str, Any]:
        value = self.value
        return {"value": value.tolist() if hasattr(value, "tolist") else value}


@_registry.add("identity", "IdentityInitializer")
class Identity(Initializer):
    """``gain`` on the diagonal of a matrix, 0 elsewhere."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) != 2:
            raise ValueError(f"Identity: wanted the shape of a matrix, got {tuple(shape)}")
        return (np.eye(*shape) * self.gain).astype(dtype or floatx())

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """The base of random initializers: with a ``seed`` (an int), every call gives the same values.

    Without one, they come from the generator that ``lamina.utils.set_random_seed`` restarts.
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise TypeError(
                f"{type(self).__name__}: seed must be a whole number or None, got {seed!r}"
            )
        self.seed = seed

    def _generator(self) -> np.random.Generator:
        return generator() if self.seed is None else np.random.default_rng(self.seed)

    def _normal(self, shape: Any, dtype: Any, mean: float, stddev: float) -> NDArray[Any]:
        kind = np.dtype(dtype or floatx())
        values = self._generator().standard_normal(shape, kind.type)
        return np.asarray(values * kind.type(stddev) + kind.type(mean))

    def _truncated(self, shape: Any, dtype: Any, mean: float, stddev: float) -> NDArray[Any]:
        """Draw from a normal distribution, and again whatever is beyond two deviations."""
        kind = np.dtype(dtype or floatx())
        source = self._generator()
        values = np.asarray(source.standard_normal(shape, kind.type))
        flat = values.reshape(-1)
        beyond = np.flatnonzero(np.abs(flat) > 2)
        while beyond.size:
            flat[beyond] = source.standard_normal(beyond.size, kind.type)
            beyond = beyond[np.abs(flat[beyond]) > 2]
        return np.asarray(flat.reshape(shape) * kind.type(stddev) + kind.type(mean))

    def _uniform(self, shape: Any, dtype: Any, low: float, high: float) -> NDArray[Any]:
        kind = np.dtype(dtype or floatx())
        values = self._generator().random(shape, kind.type)
        return np.asarray(values * kind.type(high - low) + kind.type(low))

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


@_registry.add("random_normal", "normal")
class RandomNormal(RandomInitializer):
    """The normal distribution of a mean and a standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self._normal(shape, dtype, self.mean, self.stddev)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@_registry.add("truncated_normal")
class TruncatedNormal(RandomNormal):
    """The normal distribution without what is more than two deviations from the mean."""

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self._truncated(shape, dtype, self.mean, self.stddev)


@_registry.add("random_uniform", "uniform")
class RandomUniform(RandomInitializer):
    """Evenly between two numbers."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return self._uniform(shape, dtype, self.minval, self.maxval)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


@_registry.add("variance_scaling")
class VarianceScaling(RandomInitializer):
    """Values of the variance ``scale / n``, so that signals keep their size from layer to layer.

    n is the number of inputs of a unit (``mode="fan_in"``), of outputs (``"fan_out"``) or their
    mean (``"fan_avg"``). ``distribution`` is ``"truncated_normal"`` (its deviation corrected for
    what is cut off), ``"untruncated_normal"`` or ``"uniform"``. ``input_axes`` and ``output_axes``
    name the axes that are inputs and outputs where they are not the last two.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        name = type(self).__name__
        if not scale > 0:
            raise ValueError(f"{name}: scale must be above 0, got {scale}")
        modes = ("fan_in", "fan_out", "fan_avg")
        if mode not in modes:
            raise ValueError(f"{name}: mode must be one of {', '.join(modes)}, got {mode!r}")
        draws = {
            "normal": self._truncated,
            "truncated_normal": self._truncated,
            "untruncated_normal": self._normal,
            "uniform": self._uniform,
        }
        if distribution.lower() not in draws:
            raise ValueError(
                f"{name}: distribution must be one of {', '.join(draws)}, got {distribution!r}"
            )
        self.scale, self.mode = scale, mode
        self.distribution = distribution.lower()
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return self._uniform(shape, dtype, -limit, limit)
        if self.distribution == "untruncated_normal":
            return self._normal(shape, dtype, 0.0, math.sqrt(variance))
        # The deviation of a standard normal variable that is held within [-2, 2].
        return self._truncated(shape, dtype, 0.0, math.sqrt(variance) / 0.87962566103423978)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


def compute_fans(
    shape: Any, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of a unit, for kernels of shape (..., in, out)."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return (
            math.prod(shape[axis] for axis in input_axes),
            math.prod(shape[axis] for axis in output_axes),
        )
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


class _Named(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution have a name."""

    _settings: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._settings, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


@_registry.add("glorot_uniform")
class GlorotUniform(_Named):
    """Uniform within sqrt(6 / (fan_in + fan_out)); Glorot and Bengio, 2010."""

    _settings = (1.0, "fan_avg", "uniform")


@_registry.add("glorot_normal")
class GlorotNormal(_Named):
    """Truncated normal of the variance 2 / (fan_in + fan_out); Glorot and Bengio, 2010."""

    _settings = (1.0, "fan_avg", "truncated_normal")


@_registry.add("he_uniform")
class HeUniform(_Named):
    """Uniform within sqrt(6 / fan_in); He et al., 2015 (arXiv:1502.01852)."""

    _settings = (2.0, "fan_in", "uniform")


@_registry.add("he_normal")
class HeNormal(_Named):
    """Truncated normal of the variance 2 / fan_in; He et al., 2015 (arXiv:1502.01852)."""

    _settings = (2.0, "fan_in", "truncated_normal")


@_registry.add("lecun_uniform")
class LecunUniform(_Named):
    """Uniform within sqrt(3 / fan_in); LeCun et al., 1998."""

    _settings = (1.0, "fan_in", "uniform")


@_registry.add("lecun_normal")
class LecunNormal(_Named):
    """Truncated normal of the variance 1 / fan_in; LeCun et al., 1998."""

    _settings = (1.0, "fan_in", "truncated_normal")


@_registry.add("orthogonal", "OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times ``gain``.

    Of shapes with more axes, all but the last make the rows. Saxe et al., 2013 (arXiv:1312.6120).
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: wanted a shape of two axes or more, got {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self._normal(tall, "float64", 0.0, 1.0))
        q *= np.sign(np.diag(r))  # makes every orthogonal matrix equally likely
        matrix = q if rows >= columns else q.T
        return np.ascontiguousarray(self.gain * matrix.reshape(shape), dtype or floatx())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
