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
def gelu(x: Any, approximate: bool = False) -> Any:
    """Return x P(X <= x) for a standard normal X; Hendrycks, Gimpel 2016."""
    return ops.gelu(x, approximate=approximate)


@_registry.add()
def glu(x: Any, axis: int = -1) -> Any:
    """Return a sigmoid(b), where a and b are the halves of x along an axis; Dauphin et al. 2017."""
    a, b = ops.split(x, 2, axis=axis)
    return a * ops.sigmoid(b)


@_registry.add()
def exponential(x: Any) -> Any:
    """Return exp(x)."""
    return ops.exp(x)


# Those whose arguments are the same are the operations themselves.
celu = _registry.add()(ops.celu)
elu = _registry.add()(ops.elu)
hard_shrink = _registry.add()(ops.hard_shrink)
hard_sigmoid = _registry.add()(ops.hard_sigmoid)
hard_silu = _registry.add("hard_swish")(ops.hard_silu)
hard_tanh = _registry.add()(ops.hard_tanh)
leaky_relu = _registry.add()(ops.leaky_relu)
log_sigmoid = _registry.add()(ops.log_sigmoid)
log_softmax = _registry.add()(ops.log_softmax)
mish = _registry.add()(ops.mish)
relu6 = _registry.add()(ops.relu6)
selu = _registry.add()(ops.selu)
sigmoid = _registry.add()(ops.sigmoid)
silu = _registry.add("swish")(ops.silu)
soft_shrink = _registry.add()(ops.soft_shrink)
softmax = _registry.add()(ops.softmax)
softplus = _registry.add()(ops.softplus)
softsign = _registry.add()(ops.softsign)
sparse_plus = _registry.add()(ops.sparse_plus)
sparse_sigmoid = _registry.add()(ops.sparse_sigmoid)
sparsemax = _registry.add()(ops.sparsemax)
squareplus = _registry.add()(ops.squareplus)
tanh = _registry.add()(ops.tanh)
tanh_shrink = _registry.add()(ops.tanh_shrink)
threshold = _registry.add()(ops.threshold)

_FUSED = {linear: "linear", relu: "relu", ops.relu: "relu", sigmoid: "sigmoid", tanh: "tanh"}


def fused_name(activation: Any) -> str | None:
    """Return the name of an activation that kernels apply themselves, None for any other."""
    try:
        return _FUSED.get(activation)
    except TypeError:  # a callable without a hash
        return None
