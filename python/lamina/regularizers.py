"""Penalties on weights or outputs that are added to the loss: functions of a tensor to a scalar."""

from __future__ import annotations

import math
from typing import Any

from lamina import ops
from lamina.registry import Registry

_registry = Registry("regularizer", "keras.regularizers")
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize


class Regularizer:
    """The base of regularizers: override ``__call__(x)`` and ``get_config``."""

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, x)")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same regularizer."""
        raise NotImplementedError(f"{type(self).__name__} has no get_config(self)")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a regularizer of what `get_config` returned."""
        return cls(**config)


def _factor(value: Any, name: str) -> float:
    """Return a factor as a float.

    Raises:
        ValueError: if it is negative or not finite.
        TypeError: if it is no number.

    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"regularizer: {name} must be a number, got {value!r}") from None
    if not 0 <= number < math.inf:
        raise ValueError(f"regularizer: {name} must not be negative and finite, got {value}")
    return number


def _sum_of_sizes(x: Any) -> Any:
    return ops.sum(ops.absolute(x))


def _sum_of_squares(x: Any) -> Any:
    return ops.sum(ops.multiply(x, x))


@_registry.add("l1_l2")
class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x^2)."""

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1, self.l2 = _factor(l1 or 0.0, "l1"), _factor(l2 or 0.0, "l2")

    def __call__(self, x: Any) -> Any:
        if not self.l1:
            return ops.multiply(_sum_of_squares(x), self.l2)
        penalty = ops.multiply(_sum_of_sizes(x), self.l1)
        return penalty + ops.multiply(_sum_of_squares(x), self.l2) if self.l2 else penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


@_registry.add("l1")
class L1(Regularizer):
    """l1 * sum(|x|)."""

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Any:
        return ops.multiply(_sum_of_sizes(x), self.l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


@_registry.add("l2")
class L2(Regularizer):
    """l2 * sum(x^2)."""

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return ops.multiply(_sum_of_squares(x), self.l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


@_registry.add("orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean |cosine| of all pairs of rows (or columns, by ``mode``)."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "factor")
        if mode not in {"rows", "columns"}:
            raise ValueError(
                f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}"
            )
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer: wanted a matrix, got the shape {x.shape}")
        rows = x if self.mode == "rows" else ops.transpose(x)
        squares = ops.sum(ops.multiply(rows, rows), axis=1, keepdims=True)
        rows = ops.divide(rows, ops.power(ops.maximum(squares, 1e-7), 0.5))
        count = rows.shape[0]
        products = ops.absolute(rows @ ops.transpose(rows))
        # Without the diagonal, and with each pair twice.
        off = ops.sum(products) - ops.sum(ops.multiply(rows, rows))
        return ops.multiply(off, self.factor / (count * (count - 1)))

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
