"""Activations of Keras 3 by name, alias or function: each a function of a tensor to a tensor.

Formulas and constants are Keras's; each is an operation of ``lamina.ops`` and differentiable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina import ops
from lamina.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

_registry = Registry("activation", "keras.activations")
serialize, deserialize = _registry.serialize, _registry.deserialize


def get(identifier: Any, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Return the activation of a name, a function as it is, and `linear` for None.

    Raises:
        ValueError: if the name is unknown; the message has the nearest one.

    """
    found: Callable[..., Any]
    found = linear if identifier is None else _registry.get(identifier, custom_objects)
    return found


@_registry.add()
def linear(x: Any) -> Any:
    """Return x itself."""
    return x


@_registry.add()
def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Return max(x, 0); or min(x, max_value) above the threshold and a slope below it."""
    if negative_slope == 0 and max_value is None and threshold == 0:
        return ops.relu(x)
    return ops.clipped_relu(
        x, negative_slope=negative_slope, max_value=max_value, threshold=threshold
    )


@_registry.add()
def softmax(x: Any, axis: Any = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along an axis."""
    return ops.softmax(x, axis=axis)


@_registry.add()
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Return log(softmax(x)) along an axis."""
    return ops.log_softmax(x, axis=axis)


@_registry.add()
def sparsemax(x: Any, axis: int = -1) -> Any:
    """Return the nearest distribution to x along an axis, with zeros; Martins, Astudillo 2016."""
    return ops.sparsemax(x, axis=axis)


@_registry.add()
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x where it is positive, negative_slope x elsewhere."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


@_registry.add()
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive, alpha (exp(x) - 1) elsewhere; Clevert et al. 2016."""
    return ops.elu(x, alpha=alpha)


@_registry.add()
def celu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive, alpha (exp(x / alpha) - 1) elsewhere; Barron 2017."""
    return ops.celu(x, alpha=alpha)


@_registry.add()
def gelu(x: Any, approximate: bool = False) -> Any:
    """Return x P(X <= x) for a standard normal X; Hendrycks, Gimpel 2016."""
    return ops.gelu(x, approximate=approximate)


@_registry.add()
def glu(x: Any, axis: int = -1) -> Any:
    """Return a sigmoid(b), where a and b are the halves of x along an axis; Dauphin et al. 2017."""
    a, b = ops.split(x, 2, axis=axis)
    return a * ops.sigmoid(b)


@_registry.add("swish")
def silu(x: Any) -> Any:
    """Return x sigmoid(x); Ramachandran et al. 2017."""
    return ops.silu(x)


@_registry.add("hard_swish")
def hard_silu(x: Any) -> Any:
    """Return x hard_sigmoid(x); Howard et al. 2019."""
    return ops.hard_silu(x)


@_registry.add()
def exponential(x: Any) -> Any:
    """Return exp(x)."""
    return ops.exp(x)


@_registry.add()
def squareplus(x: Any, b: float = 4) -> Any:
    """Return (x + sqrt(x^2 + b)) / 2; Barron 2021."""
    return ops.squareplus(x, b=b)


@_registry.add()
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x moved towards 0 by the threshold, 0 within it."""
    return ops.soft_shrink(x, threshold=threshold)


@_registry.add()
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x where |x| exceeds the threshold, 0 elsewhere."""
    return ops.hard_shrink(x, threshold=threshold)


@_registry.add()
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Return x where it exceeds the threshold, default_value elsewhere."""
    return ops.threshold(x, threshold=threshold, default_value=default_value)


# Those that take x alone are the operations themselves.
relu6 = _registry.add()(ops.relu6)
selu = _registry.add()(ops.selu)
softplus = _registry.add()(ops.softplus)
softsign = _registry.add()(ops.softsign)
tanh = _registry.add()(ops.tanh)
tanh_shrink = _registry.add()(ops.tanh_shrink)
sigmoid = _registry.add()(ops.sigmoid)
hard_sigmoid = _registry.add()(ops.hard_sigmoid)
hard_tanh = _registry.add()(ops.hard_tanh)
log_sigmoid = _registry.add()(ops.log_sigmoid)
mish = _registry.add()(ops.mish)
sparse_plus = _registry.add()(ops.sparse_plus)
sparse_sigmoid = _registry.add()(ops.sparse_sigmoid)

_FUSED = {linear: "linear", relu: "relu", ops.relu: "relu", sigmoid: "sigmoid", tanh: "tanh"}


def fused_name(activation: Any) -> str | None:
    """Return the name of an activation that kernels apply themselves, None for any other."""
    try:
        return _FUSED.get(activation)
    except TypeError:  # a callable without a hash
        return None
