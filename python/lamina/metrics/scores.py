"""F scores of classes, and the explained variance of numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lamina.autodiff import as_array
from lamina.losses.loss import same_rank
from lamina.metrics.metric import Metric, registry

_EPSILON = 1e-7


def _matrices(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    truth = np.asarray(as_array(y_true), np.float64)
    scores = np.asarray(as_array(y_pred), np.float64)
    truth, scores = same_rank(truth, scores)
    if truth.ndim != 2 or truth.shape != scores.shape:
        raise ValueError(
            f"{name}: wanted targets and predictions of one shape (samples, outputs), got "
            f"{truth.shape} and {scores.shape}"
        )
    return truth, scores


@registry.add("fbeta_score", "f_beta_score")
class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for each class.

    Predictions are positive above ``threshold``; without one, the largest of a sample is. The
    result is an array, or by ``average``: ``"micro"`` of all predictions together, ``"macro"`` the
    mean of the classes, ``"weighted"`` by how often each occurs.

    Raises:
        ValueError: if an argument is unknown or out of range.

    """

    direction = "up"

    true_positives: Any
    false_positives: Any
    false_negatives: Any
    intermediate_weights: Any

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in {None, "micro", "macro", "weighted"}:
            raise ValueError(
                f"{self.name}: average must be None, 'micro', 'macro' or 'weighted', got "
                f"{average!r}"
            )
        if not beta > 0:
            raise ValueError(f"{self.name}: beta must be positive, got {beta}")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"{self.name}: threshold must be in (0, 1], got {threshold}")
        self.average, self.beta, self.threshold = average, beta, threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in: targets of 0 and 1, and predictions, both (samples, classes)."""
        truth, scores = _matrices(self.name, y_true, y_pred)
        if not self._tallies:
            shape = () if self.average == "micro" else scores.shape[1:]
            self.tally("true_positives", "false_positives", "false_negatives", shape=shape)
            self.tally("intermediate_weights", shape=shape)
        if self.threshold is None:
            taken = (scores >= scores.max(-1, keepdims=True)) & (np.abs(scores) > 1e-9)
        else:
            taken = scores > self.threshold
        axis = None if self.average == "micro" else 0
        weights: Any = 1.0
        if sample_weight is not None:
            weights = np.asarray(as_array(sample_weight), np.float64).reshape(len(scores), 1)
        self.true_positives = self.true_positives + (taken * truth * weights).sum(axis)
        self.false_positives = self.false_positives + (taken * (1 - truth) * weights).sum(axis)
        self.false_negatives = self.false_negatives + (~taken * truth * weights).sum(axis)
        self.intermediate_weights = self.intermediate_weights + (truth * weights).sum(axis)

    def result(self) -> Any:
        """Return the score: an array of the classes' without an average."""
        if not self._tallies:
            return 0.0
        found = self.true_positives
        precision = found / (found + self.false_positives + _EPSILON)
        recall = found / (found + self.false_negatives + _EPSILON)
        squared = self.beta**2
        score = (1 + squared) * precision * recall / (squared * precision + recall + _EPSILON)
        if self.average == "weighted":
            weights = self.intermediate_weights
            return float((score * weights / (weights.sum() + _EPSILON)).sum())
        return score if self.average is None else float(np.mean(score))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


@registry.add("f1_score")
class F1Score(FBetaScore):
    """2 precision recall / (precision + recall), for each class: see `FBetaScore`."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        config = super().get_config()
        del config["beta"]
        return config


@registry.add("r2_score")
class R2Score(Metric):
    """1 - (sum of squared errors) / (sum of squared deviations from the mean), for each output.

    ``class_aggregation`` is ``"uniform_average"``, ``"variance_weighted_average"`` or None for an
    array; ``num_regressors`` above 0 gives the adjusted score.

    Raises:
        ValueError: if an argument is unknown or out of range.

    """

    direction = "up"

    squared_sum: Any
    sum: Any
    total_mse: Any
    count: Any
    num_samples: Any

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ValueError(
                f"{self.name}: class_aggregation must be one of {known}, got {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"{self.name}: num_regressors is negative: {num_regressors}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in: targets and predictions, both (samples, outputs)."""
        truth, scores = _matrices(self.name, y_true, y_pred)
        if not self._tallies:
            self.tally("num_samples")
            self.tally("squared_sum", "sum", "total_mse", "count", shape=scores.shape[1:])
        weights = np.asarray(1.0 if sample_weight is None else as_array(sample_weight), np.float64)
        weights = np.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, truth.shape)
        self.sum += (truth * weights).sum(0)
        self.squared_sum += (truth * truth * weights).sum(0)
        self.total_mse += ((truth - scores) ** 2 * weights).sum(0)
        self.count += weights.sum(0)
        self.num_samples += truth.size

    def result(self) -> Any:
        """Return the score: an array of the outputs' without an aggregation."""
        if not self._tallies:
            return 0.0
        total = self.squared_sum - self.sum * self.sum / self.count
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = 1 - self.total_mse / total
        scores = np.where(np.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            score: Any = float(scores.mean())
        elif self.class_aggregation == "variance_weighted_average":
            score = float((total * scores).sum() / total.sum())
        else:
            score = scores
        if self.num_regressors == 0:
            return score
        free = float(self.num_samples) - self.num_regressors - 1
        if free <= 0:
            warnings.warn(
                f"{self.name}: {self.num_regressors} regressors are too many for "
                f"{int(self.num_samples)} samples: the score is not adjusted",
                stacklevel=2,
            )
            return score
        return 1 - (1 - score) * (float(self.num_samples) - 1) / free

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
