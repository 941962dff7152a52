"""How often predictions are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.autodiff import as_array
from lamina.losses.loss import same_rank
from lamina.metrics.metric import MeanMetricWrapper, registry


def _arrays(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    return as_array(y_true), as_array(y_pred)


def _check(name: str, y_true: Any, y_pred: Any) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{name}: targets of shape {y_true.shape} do not fit predictions of shape "
            f"{y_pred.shape}"
        )


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return whether each prediction equals its target."""
    y_true, y_pred = same_rank(*_arrays(y_true, y_pred))
    _check("accuracy", y_true, y_pred)
    return y_true == y_pred


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return whether each prediction is on its target's side of the threshold."""
    y_true, y_pred = same_rank(*_arrays(y_true, y_pred))
    _check("binary_accuracy", y_true, y_pred)
    above = (y_pred > threshold).astype(y_true.dtype, copy=False)  # quicker to compare so
    return above == y_true


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return whether the largest prediction stands where the largest target does."""
    y_true, y_pred = _arrays(y_true, y_pred)
    _check("categorical_accuracy", y_true, y_pred)
    return y_true.argmax(-1) == y_pred.argmax(-1)


def _labels_of(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return labels without a last axis of 1, and predictions (..., classes)."""
    y_true, y_pred = _arrays(y_true, y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    _check(name, y_true, y_pred[..., 0])
    return y_true, y_pred


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return whether the largest prediction stands at the index that the target is."""
    y_true, y_pred = _labels_of("sparse_categorical_accuracy", y_true, y_pred)
    return y_pred.argmax(-1) == y_true


def _among_best(labels: Any, y_pred: Any, k: int) -> Any:
    """Return whether fewer than k predictions exceed that of the label."""
    labels = labels.astype(np.int64)
    inside = (labels >= 0) & (labels < y_pred.shape[-1])
    own = np.take_along_axis(y_pred, np.where(inside, labels, 0)[..., None], -1)
    return inside & np.isfinite(own[..., 0]) & ((y_pred > own).sum(-1) < k)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return whether the right class of one-hot targets is among the k largest predictions."""
    y_true, y_pred = _arrays(y_true, y_pred)
    _check("top_k_categorical_accuracy", y_true, y_pred)
    return _among_best(y_true.argmax(-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """Return whether the class that the target is the index of is among the k largest.

    With ``from_sorted_ids`` the predictions are indices of classes already, the best first.
    """
    y_true, y_pred = _labels_of("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        return (y_pred[..., :k] == y_true[..., None]).any(-1)
    return _among_best(y_true, y_pred, k)


@registry.add("accuracy")
class Accuracy(MeanMetricWrapper):
    """The share of predictions that equal their targets."""

    direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


@registry.add("binary_accuracy")
class BinaryAccuracy(MeanMetricWrapper):
    """The share of predictions that are on their targets' side of the threshold."""

    direction = "up"

    def __init__(
        self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@registry.add("categorical_accuracy")
class CategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose largest prediction is the right class, for one-hot targets."""

    direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@registry.add("sparse_categorical_accuracy")
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose largest prediction is the right class, for indices of classes."""

    direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


@registry.add("top_k_categorical_accuracy")
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose right class is among the k largest, for one-hot targets."""

    direction = "up"

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@registry.add("sparse_top_k_categorical_accuracy")
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of samples whose right class is among the k largest, for indices of classes."""

    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        options = {"from_sorted_ids": True} if from_sorted_ids else {}
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, **options)
