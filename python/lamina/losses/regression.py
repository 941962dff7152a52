"""Losses of numbers: how far predictions are from targets. Formulas are Keras 3's.

Each function takes targets t and predictions p of one shape and returns one number for each row of
the last axis; each class reduces those to one.
"""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.losses.loss import LossFunctionWrapper, pair, registry
from lamina.ops import losses as kernels

_MEAN = "sum_over_batch_size"


@registry.add("mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Return mean((t - p)^2)."""
    return kernels.squared_error(*pair("mean_squared_error", y_true, y_pred))


@registry.add("mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Return mean(|t - p|)."""
    return kernels.absolute_error(*pair("mean_absolute_error", y_true, y_pred))


@registry.add("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Return 100 mean(|t - p| / max(|t|, 1e-7))."""
    return kernels.absolute_percentage_error(
        *pair("mean_absolute_percentage_error", y_true, y_pred)
    )


@registry.add("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Return mean((log(1 + t) - log(1 + p))^2), negative values counting as 1e-7."""
    return kernels.squared_logarithmic_error(
        *pair("mean_squared_logarithmic_error", y_true, y_pred)
    )


@registry.add()
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Return mean((t - p)^2 / 2), going on linearly where |t - p| exceeds delta."""
    return kernels.huber(*pair("huber", y_true, y_pred), number=delta)


@registry.add("logcosh")
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Return mean(log(cosh(p - t)))."""
    return kernels.log_cosh(*pair("log_cosh", y_true, y_pred))


@registry.add()
def poisson(y_true: Any, y_pred: Any) -> Any:
    """Return mean(p - t log(p + 1e-7))."""
    return kernels.poisson(*pair("poisson", y_true, y_pred))


def _normalize(x: Any, axis: Any) -> Any:
    """Return x / max(its length along the axis, 1e-12)."""
    return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis=axis, keepdims=True), 1e-12))


@registry.add()
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return the negative cosine of the angle between t and p: -1 where they agree."""
    y_true, y_pred = pair("cosine_similarity", y_true, y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    return -ops.sum(_normalize(y_true, axis) * _normalize(y_pred, axis), axis=axis)


def _hinge_targets(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return labels of 0 and 1 as -1 and 1, all others as they are."""
    y_true, y_pred = pair(name, y_true, y_pred)
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    y_true = ops.cast(y_true, y_pred.dtype)
    return ops.where(binary, y_true * 2.0 - 1.0, y_true), y_pred


@registry.add()
def hinge(y_true: Any, y_pred: Any) -> Any:
    """Return mean(max(1 - t p, 0)), for t of -1 and 1 (or 0 and 1, which is understood)."""
    return kernels.hinge(*_hinge_targets("hinge", y_true, y_pred))


@registry.add()
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Return mean(max(1 - t p, 0)^2), for t of -1 and 1 (or 0 and 1, which is understood)."""
    return kernels.squared_hinge(*_hinge_targets("squared_hinge", y_true, y_pred))


@registry.add()
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """Return max(max((1 - t) p) - sum(t p) + 1, 0), for t of 0 and 1."""
    y_true, y_pred = pair("categorical_hinge", y_true, y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)


@registry.add()
class MeanSquaredError(LossFunctionWrapper):
    """The mean of (t - p)^2."""

    def __init__(
        self, reduction: Any = _MEAN, name: str = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


@registry.add()
class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of |t - p|."""

    def __init__(
        self, reduction: Any = _MEAN, name: str = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


@registry.add()
class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of 100 |t - p| / max(|t|, 1e-7)."""

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


@registry.add()
class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of (log(1 + t) - log(1 + p))^2."""

    def __init__(
        self,
        reduction: Any = _MEAN,
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


@registry.add()
class Huber(LossFunctionWrapper):
    """The mean of (t - p)^2 / 2, going on linearly where |t - p| exceeds delta."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Any = _MEAN,
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


@registry.add()
class LogCosh(LossFunctionWrapper):
    """The mean of log(cosh(p - t))."""

    def __init__(self, reduction: Any = _MEAN, name: str = "log_cosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, reduction, name, dtype)


@registry.add()
class Poisson(LossFunctionWrapper):
    """The mean of p - t log(p + 1e-7)."""

    def __init__(self, reduction: Any = _MEAN, name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, reduction, name, dtype)


@registry.add()
class CosineSimilarity(LossFunctionWrapper):
    """The negative cosine of the angle between t and p."""

    def __init__(
        self,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


@registry.add()
class Hinge(LossFunctionWrapper):
    """The mean of max(1 - t p, 0)."""

    def __init__(self, reduction: Any = _MEAN, name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, reduction, name, dtype)


@registry.add()
class SquaredHinge(LossFunctionWrapper):
    """The mean of max(1 - t p, 0)^2."""

    def __init__(
        self, reduction: Any = _MEAN, name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


@registry.add()
class CategoricalHinge(LossFunctionWrapper):
    """max(max((1 - t) p) - sum(t p) + 1, 0)."""

    def __init__(
        self, reduction: Any = _MEAN, name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
