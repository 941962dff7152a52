"""Arithmetic and comparisons of two arrays, with numpy's broadcasting.

A gradient is summed over the axes along which its array was broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.autodiff import op
from lamina.ops.arrays import unbroadcast, without_gradient

__all__ = [
    "abs",
    "absolute",
    "add",
    "cast",
    "clip",
    "divide",
    "equal",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "remainder",
    "sign",
    "stop_gradient",
    "subtract",
    "true_divide",
    "where",
]


def _arithmetic(function: Any, a: Any, b: Any) -> Any:
    """Compute, with both shapes in the message if they do not go together."""
    try:
        return np.asarray(function(a, b))
    except ValueError as error:
        raise ValueError(
            f"{function.__name__}: shapes {np.shape(a)} and {np.shape(b)} do not go together "
            f"(sizes must be equal, or one of them 1)"
        ) from error


@op
def add(a: Any, b: Any, /) -> Any:
    """Return a + b."""
    return _arithmetic(np.add, a, b), lambda dy: (
        lambda: unbroadcast(dy, a),
        lambda: unbroadcast(dy, b),
    )


@op
def subtract(a: Any, b: Any, /) -> Any:
    """Return a - b."""
    return _arithmetic(np.subtract, a, b), lambda dy: (
        lambda: unbroadcast(dy, a),
        lambda: unbroadcast(-dy, b),
    )


@op
def multiply(a: Any, b: Any, /) -> Any:
    """Return a * b, element by element."""
    return _arithmetic(np.multiply, a, b), lambda dy: (
        lambda: unbroadcast(dy * b, a),
        lambda: unbroadcast(dy * a, b),
    )


@op
def divide(a: Any, b: Any, /) -> Any:
    """Return a / b, element by element."""
    y = _arithmetic(np.true_divide, a, b)
    return y, lambda dy: (lambda: unbroadcast(dy / b, a), lambda: unbroadcast(-dy * y / b, b))


true_divide = divide


@op
def power(a: Any, b: Any, /) -> Any:
    """Return a to the power b; the gradient by b is that for positive a."""
    y = _arithmetic(np.power, a, b)

    def vjp(dy: Any) -> Any:
        def by_exponent() -> Any:
            logarithm = np.log(np.where(np.asarray(a) > 0, a, 1))
            return unbroadcast((dy * y * logarithm).astype(dy.dtype, copy=False), b)

        return (lambda: unbroadcast(dy * b * np.power(a, np.subtract(b, 1)), a)), by_exponent

    return y, vjp


@op
def maximum(a: Any, b: Any, /) -> Any:
    """Return the larger of a and b; where they are equal each gets half of the gradient."""
    return _arithmetic(np.maximum, a, b), _share_gradient(np.greater, a, b)


@op
def minimum(a: Any, b: Any, /) -> Any:
    """Return the smaller of a and b; where they are equal each gets half of the gradient."""
    return _arithmetic(np.minimum, a, b), _share_gradient(np.less, a, b)


def _share_gradient(wins: Any, a: Any, b: Any) -> Any:
    def vjp(dy: Any) -> Any:
        half = np.equal(a, b) * np.asarray(0.5, dy.dtype)
        return (
            lambda: unbroadcast(dy * (wins(a, b) + half), a),
            lambda: unbroadcast(dy * (wins(b, a) + half), b),
        )

    return vjp


@op
def where(condition: Any, a: Any, b: Any, /) -> Any:
    """Return a where the condition holds, else b."""
    return np.where(condition, a, b), lambda dy: (
        None,
        lambda: unbroadcast(np.where(condition, dy, 0).astype(dy.dtype, copy=False), a),
        lambda: unbroadcast(np.where(condition, 0, dy).astype(dy.dtype, copy=False), b),
    )


@op
def negative(x: Any, /) -> Any:
    """Return -x."""
    return np.negative(x), lambda dy: -dy


@op
def absolute(x: Any, /) -> Any:
    """Return |x|; its gradient is taken as 0 at 0."""
    return np.absolute(x), lambda dy: dy * np.sign(x)


abs = absolute  # noqa: A001


@op
def clip(x: Any, /, x_min: Any, x_max: Any) -> Any:
    """Return x held between x_min and x_max; outside, the gradient is 0."""
    y = np.clip(x, x_min, x_max)
    return y, lambda dy: dy * ((x >= x_min) & (x <= x_max))


@op
def mod(a: Any, b: Any, /) -> Any:
    """Return the remainder of a / b, with the sign of b."""
    return _arithmetic(np.mod, a, b), lambda dy: (
        lambda: unbroadcast(dy, a),
        lambda: unbroadcast(-dy * np.floor_divide(a, b), b),
    )


remainder = mod


def _without_gradient_of(function: Any, meaning: str) -> Any:
    """Make an operation of one or two arrays of a function of numpy that is flat or has jumps."""

    def of_one(x: Any, /) -> Any:
        return function(x), without_gradient

    def of_two(a: Any, b: Any, /) -> Any:
        return _arithmetic(function, a, b), without_gradient

    made = of_one if function.nin == 1 else of_two
    made.__name__ = made.__qualname__ = function.__name__
    made.__doc__ = f"Return {meaning}, element by element; it has no gradient."
    return op(made)


equal = _without_gradient_of(np.equal, "a == b")
not_equal = _without_gradient_of(np.not_equal, "a != b")
less = _without_gradient_of(np.less, "a < b")
less_equal = _without_gradient_of(np.less_equal, "a <= b")
greater = _without_gradient_of(np.greater, "a > b")
greater_equal = _without_gradient_of(np.greater_equal, "a >= b")
logical_and = _without_gradient_of(np.logical_and, "a and b")
logical_or = _without_gradient_of(np.logical_or, "a or b")
logical_not = _without_gradient_of(np.logical_not, "not x")
floor_divide = _without_gradient_of(np.floor_divide, "the floor of a / b")
sign = _without_gradient_of(np.sign, "-1, 0 or 1")
floor = _without_gradient_of(np.floor, "the largest whole number that is not above x")


@op
def stop_gradient(x: Any, /) -> Any:
    """Return x itself, as a constant: no gradient goes through."""
    return x, without_gradient


@op
def cast(x: Any, /, dtype: Any) -> Any:
    """Return x as another type; a gradient goes through between float types."""
    source = np.asarray(x).dtype
    y = np.asarray(x).astype(dtype)
    floats = source.kind == "f" and y.dtype.kind == "f"
    return y, lambda dy: dy.astype(source) if floats else None
