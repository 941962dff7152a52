"""Functions of one array, element by element: exp and log, and every activation of Keras 3.

The definitions, and the slopes at kinks, are Keras 3's. Integers are computed in the default float
type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import op
from lamina.ops.arrays import floats, like

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "celu",
    "clipped_relu",
    "cos",
    "elu",
    "erf",
    "exp",
    "expm1",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log",
    "log1p",
    "log_sigmoid",
    "mish",
    "relu",
    "relu6",
    "rsqrt",
    "selu",
    "sigmoid",
    "silu",
    "sin",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sqrt",
    "square",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def _apply(name: str, x: Any, *numbers: float) -> tuple[NDArray[Any], Callable[[Any], Any]]:
    """Compute a kernel and return it with its vjp."""
    x = floats(x)
    y = getattr(core, name)(x, *numbers)
    kept = y if core.elementwise_keeps_output[name] else x
    gradient = getattr(core, f"{name}_gradient")
    return y, lambda dy: gradient(kept, like(dy, kept), *numbers)


def _function(name: str, formula: str) -> Callable[[Any], Any]:
    """Make the operation of a kernel that takes no numbers."""
    value, gradient = getattr(core, name), getattr(core, f"{name}_gradient")
    keeps_output = core.elementwise_keeps_output[name]

    def function(x: Any, /) -> Any:
        x = floats(x)
        y = value(x)
        kept = y if keeps_output else x
        return y, lambda dy: gradient(kept, like(dy, kept))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {formula}, element by element."
    return op(function)


exp = _function("exp", "e to the power x")
expm1 = _function("expm1", "e to the power x, less 1, without loss of digits near 0")
log = _function("log", "the natural logarithm of x")
log1p = _function("log1p", "log(1 + x), without loss of digits near 0")
sqrt = _function("sqrt", "the square root of x")
rsqrt = _function("rsqrt", "1 / sqrt(x)")
square = _function("square", "x^2")
erf = _function("erf", "the error function of x")
tanh = _function("tanh", "the hyperbolic tangent of x")
sigmoid = _function("sigmoid", "1 / (1 + exp(-x))")
relu = _function("relu", "max(x, 0)")
relu6 = _function("relu6", "min(max(x, 0), 6)")
selu = _function("selu", "1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1")
softplus = _function("softplus", "log(1 + exp(x))")
softsign = _function("softsign", "x / (1 + |x|)")
silu = _function("silu", "x sigmoid(x)")
hard_sigmoid = _function("hard_sigmoid", "min(max(x / 6 + 0.5, 0), 1)")
hard_silu = _function("hard_silu", "x hard_sigmoid(x)")
hard_tanh = _function("hard_tanh", "min(max(x, -1), 1)")
tanh_shrink = _function("tanh_shrink", "x - tanh(x)")
mish = _function("mish", "x tanh(softplus(x))")
log_sigmoid = _function("log_sigmoid", "log(sigmoid(x))")
sparse_plus = _function("sparse_plus", "0 up to -1, x from 1 on, (x + 1)^2 / 4 between")
sparse_sigmoid = _function("sparse_sigmoid", "min(max((x + 1) / 2, 0), 1)")
_gelu = _function("gelu", "x times the share of a normal distribution below x")
_gelu_tanh = _function("gelu_tanh", "gelu(x) by its approximation with tanh")


def gelu(x: Any, approximate: bool = True) -> Any:
    """Return x P(X <= x) for a standard normal X, exactly or by its approximation with tanh."""
    return _gelu_tanh(x) if approximate else _gelu(x)


@op
def leaky_relu(x: Any, /, negative_slope: float = 0.2) -> Any:
    """Return x where it is positive, negative_slope x elsewhere."""
    return _apply("leaky_relu", x, negative_slope)


@op
def clipped_relu(
    x: Any, /, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Return min(x, max_value) above the threshold, negative_slope (x - threshold) below it."""
    largest = np.inf if max_value is None else max_value
    return _apply("clipped_relu", x, negative_slope, largest, threshold)


@op
def elu(x: Any, /, alpha: float = 1.0) -> Any:
    """Return x where it is positive, alpha (exp(x) - 1) elsewhere."""
    return _apply("elu", x, alpha)


@op
def celu(x: Any, /, alpha: float = 1.0) -> Any:
    """Return x where it is positive, alpha (exp(x / alpha) - 1) elsewhere."""
    return _apply("celu", x, alpha)


@op
def soft_shrink(x: Any, /, threshold: float = 0.5) -> Any:
    """Return x moved towards 0 by the threshold, 0 within it."""
    return _apply("soft_shrink", x, threshold)


@op
def hard_shrink(x: Any, /, threshold: float = 0.5) -> Any:
    """Return x where |x| exceeds the threshold, 0 elsewhere."""
    return _apply("hard_shrink", x, threshold)


@op
def threshold(x: Any, /, threshold: float, default_value: float) -> Any:
    """Return x where it exceeds the threshold, default_value elsewhere."""
    return _apply("threshold", x, threshold, default_value)


@op
def squareplus(x: Any, /, b: float = 4) -> Any:
    """Return (x + sqrt(x^2 + b)) / 2."""
    return _apply("squareplus", x, b)


@op
def sin(x: Any, /) -> Any:
    """Return the sine of x."""
    x = floats(x)
    return np.asarray(np.sin(x)), lambda dy: dy * np.cos(x)


@op
def cos(x: Any, /) -> Any:
    """Return the cosine of x."""
    x = floats(x)
    return np.asarray(np.cos(x)), lambda dy: -dy * np.sin(x)
