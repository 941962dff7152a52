"""The means of losses over samples, as metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import losses
from lamina.autodiff import as_array
from lamina.losses.loss import pair
from lamina.metrics.metric import Average, MeanMetricWrapper, registry


class _Named(MeanMetricWrapper):
    """The mean of one function, which its class names."""

    function: Any
    default_name = ""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(type(self).function, name or self.default_name, dtype)


@registry.add("mse", "MSE", "mean_squared_error")
class MeanSquaredError(_Named):
    """The mean of (t - p)^2."""

    function, default_name = losses.mean_squared_error, "mean_squared_error"


@registry.add("mae", "MAE", "mean_absolute_error")
class MeanAbsoluteError(_Named):
    """The mean of |t - p|."""

    function, default_name = losses.mean_absolute_error, "mean_absolute_error"


@registry.add("mape", "MAPE", "mean_absolute_percentage_error")
class MeanAbsolutePercentageError(_Named):
    """The mean of 100 |t - p| / |t|."""

    function = losses.mean_absolute_percentage_error
    default_name = "mean_absolute_percentage_error"


@registry.add("msle", "MSLE", "mean_squared_logarithmic_error")
class MeanSquaredLogarithmicError(_Named):
    """The mean of (log(1 + t) - log(1 + p))^2."""

    function = losses.mean_squared_logarithmic_error
    default_name = "mean_squared_logarithmic_error"


@registry.add("log_cosh_error", "logcosh")
class LogCoshError(_Named):
    """The mean of log(cosh(p - t))."""

    function, default_name = losses.log_cosh, "logcosh"


@registry.add("kl_divergence", "kld", "KLD")
class KLDivergence(_Named):
    """The mean of sum(t log(t / p))."""

    function, default_name = losses.kl_divergence, "kl_divergence"


@registry.add("poisson")
class Poisson(_Named):
    """The mean of p - t log(p)."""

    function, default_name = losses.poisson, "poisson"


@registry.add("hinge")
class Hinge(_Named):
    """The mean of max(1 - t p, 0)."""

    function, default_name = losses.hinge, "hinge"


@registry.add("squared_hinge")
class SquaredHinge(_Named):
    """The mean of max(1 - t p, 0)^2."""

    function, default_name = losses.squared_hinge, "squared_hinge"


@registry.add("categorical_hinge")
class CategoricalHinge(_Named):
    """The mean of max(max((1 - t) p) - sum(t p) + 1, 0)."""

    function, default_name = losses.categorical_hinge, "categorical_hinge"


@registry.add("root_mean_squared_error", "rmse")
class RootMeanSquaredError(Average):
    """The square root of the mean of (t - p)^2."""

    direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in."""
        y_true, y_pred = pair(self.name, as_array(y_true), as_array(y_pred))
        errors = np.asarray(as_array(y_pred), np.float64) - as_array(y_true)
        self.add(errors * errors, sample_weight)

    def result(self) -> Any:
        """Return the square root of the mean."""
        return float(np.sqrt(super().result()))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return the cosine of the angle between targets and predictions: 1 where they agree."""
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)


@registry.add("cosine_similarity")
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between targets and predictions."""

    direction = "up"

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


@registry.add("bce", "BCE", "binary_crossentropy")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of -t log(p) - (1 - t) log(1 - p)."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **options)


@registry.add("categorical_crossentropy")
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of -sum(t log(p)), for one-hot targets."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **options)


@registry.add("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of -log(p) of the right class, for targets that are indices of classes."""

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)
