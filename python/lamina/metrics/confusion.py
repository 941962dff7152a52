"""True and false, positives and negatives, at one or many thresholds: counts and their ratios."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.autodiff import as_array
from lamina.losses.loss import same_rank
from lamina.metrics.metric import Metric, divide, registry

_LOWEST = -1e10  # below every prediction: what top_k leaves out


class Confusion(Metric):
    """Counts of positives and negatives, right and wrong, at each threshold.

    A prediction is positive if it exceeds the threshold.
    """

    true_positives: Any
    false_positives: Any
    positives: Any  # all that are labelled so, found or not
    negatives: Any

    def __init__(
        self,
        limits: Any,
        name: str | None,
        dtype: Any,
        *,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self._limits = np.asarray(limits, np.float64)
        size = len(self._limits)
        even = np.arange(size) / max(size - 1, 1)
        self._even = size > 2 and bool(np.allclose(self._limits, even, atol=1e-7))
        self.top_k, self.class_id = top_k, class_id
        self.count_labels(())

    def count_labels(self, labels: tuple[int, ...]) -> None:
        """Make the counts: by threshold, and also by label if there are several."""
        self.tally("true_positives", "false_positives", shape=(len(self._limits), *labels))
        self.tally("positives", "negatives", shape=labels)

    @property
    def false_negatives(self) -> Any:
        """The positives that were missed, at each threshold."""
        return self.positives - self.true_positives

    @property
    def true_negatives(self) -> Any:
        """The negatives that were found, at each threshold."""
        return self.negatives - self.false_positives

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in.

        Raises:
            ValueError: if targets or weights do not fit the predictions; nothing has changed then.

        """
        truth, scores, weights = self.prepare(y_true, y_pred, sample_weight)
        labels = self.positives.shape
        axes = 0 if labels else None
        right, wrong = np.where(truth, weights, 0.0), np.where(truth, 0.0, weights)
        places = self._places(scores)
        self.true_positives = self.true_positives + self._above(places, right, labels)
        self.false_positives = self.false_positives + self._above(places, wrong, labels)
        self.positives = self.positives + right.sum(axes)
        self.negatives = self.negatives + wrong.sum(axes)

    def prepare(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return labels (bool), scores and weights, all of one shape."""
        scores, truth = same_rank(np.asarray(as_array(y_pred)), np.asarray(as_array(y_true)))
        if truth.shape != scores.shape:
            raise ValueError(
                f"{self.name}: targets of shape {truth.shape} do not fit predictions of shape "
                f"{scores.shape}: wanted a label of 0 or 1 for each prediction"
            )
        weights = np.asarray(1.0 if sample_weight is None else as_array(sample_weight), float)
        weights = weights.reshape(weights.shape + (1,) * (truth.ndim - weights.ndim))
        if self.top_k is not None:
            rank = np.argsort(np.argsort(-scores, -1, kind="stable"), -1, kind="stable")
            scores = np.where(rank < self.top_k, scores, _LOWEST)
        if self.class_id is not None:
            if scores.ndim == 1:
                raise ValueError(
                    f"{self.name}: class_id={self.class_id} wants predictions (samples, classes), "
                    f"got shape {scores.shape}"
                )
            truth, scores = truth[..., self.class_id, None], scores[..., self.class_id, None]
        try:
            return truth.astype(bool), scores, np.broadcast_to(weights, truth.shape)
        except ValueError as error:
            raise ValueError(
                f"{self.name}: sample weights of shape {np.shape(weights)} do not fit predictions "
                f"of shape {scores.shape}"
            ) from error

    def _places(self, scores: Any) -> Any:
        """Return the place of the highest threshold that each score exceeds, -1 for none."""
        if not self._even:
            limits = np.sort(self._limits).astype(scores.dtype)
            return np.searchsorted(limits, scores, side="left") - 1
        last = len(self._limits) - 1
        places = np.ceil(np.clip(scores, 0, 1) * scores.dtype.type(last)).astype(np.int64) - 1
        return np.maximum(places, 0) if self._limits[0] < 0 else places

    def _above(self, places: Any, weights: Any, labels: tuple[int, ...]) -> Any:
        """Return the sum of the weights above each threshold (and of each label)."""
        size, width = len(self._limits), labels[0] if labels else 1
        slots = (places.ravel() + 1) * width
        if labels:
            slots = slots + np.arange(places.size) % width
        found = np.bincount(slots, weights.ravel(), (size + 1) * width)
        above = found.reshape(size + 1, *labels)[::-1].cumsum(0)[::-1][1:]
        if self._even:
            return above
        return above[np.argsort(np.argsort(self._limits, kind="stable"), kind="stable")]

    def recalls(self) -> Any:
        """Return the share of positives that were found, at each threshold."""
        return divide(self.true_positives, self.positives)

    def precisions(self) -> Any:
        """Return the share of what was taken for positive that is, at each threshold."""
        return divide(self.true_positives, self.true_positives + self.false_positives)

    def specificities(self) -> Any:
        """Return the share of negatives that were found, at each threshold."""
        return divide(self.true_negatives, self.negatives)


def _listed(thresholds: Any, otherwise: float) -> list[float]:
    """Return thresholds as a list; a ValueError for one outside [0, 1]."""
    if thresholds is None:
        return [otherwise]
    listed = list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]
    for each in listed:
        if each is None or not 0 <= each <= 1:
            raise ValueError(f"thresholds must be between 0 and 1, got {each}")
    return listed


class _AtThresholds(Confusion):
    """What is made of the counts at the thresholds that the user gave."""

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **options: Any,
    ) -> None:
        self.thresholds = _listed(thresholds, 0.5 if options.get("top_k") is None else _LOWEST)
        self._given = thresholds
        super().__init__(self.thresholds, name, dtype, **options)

    def found(self) -> Any:
        """Return the result at each threshold."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the result: a number, or an array if there are several thresholds."""
        found = self.found()
        return float(found[0]) if len(self.thresholds) == 1 else found

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        return {**super().get_config(), "thresholds": self._given}


@registry.add("true_positives")
class TruePositives(_AtThresholds):
    """The number of positives that were found."""

    def found(self) -> Any:
        """Return the count at each threshold."""
        return self.true_positives


@registry.add("false_positives")
class FalsePositives(_AtThresholds):
    """The number of negatives that were taken for positives."""

    def found(self) -> Any:
        """Return the count at each threshold."""
        return self.false_positives


@registry.add("true_negatives")
class TrueNegatives(_AtThresholds):
    """The number of negatives that were found."""

    def found(self) -> Any:
        """Return the count at each threshold."""
        return self.true_negatives


@registry.add("false_negatives")
class FalseNegatives(_AtThresholds):
    """The number of positives that were missed."""

    def found(self) -> Any:
        """Return the count at each threshold."""
        return self.false_negatives


class _OfClass(_AtThresholds):
    direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype, top_k=top_k, class_id=class_id)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        return {**super().get_config(), "top_k": self.top_k, "class_id": self.class_id}


@registry.add("precision")
class Precision(_OfClass):
    """true positives / (true positives + false positives), 0 where nothing is positive.

    With ``top_k`` only a sample's k largest predictions can be positive; ``class_id`` looks at one
    class alone.
    """

    def found(self) -> Any:
        """Return the precision at each threshold."""
        return self.precisions()


@registry.add("recall")
class Recall(_OfClass):
    """true positives / (true positives + false negatives): see `Precision` for the arguments."""

    def found(self) -> Any:
        """Return the recall at each threshold."""
        return self.recalls()


class _AtConstraint(Confusion):
    """The best of one ratio, over the thresholds at which another one reaches a value."""

    direction = "up"

    def __init__(
        self,
        what: str,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"{type(self).__name__}: {what} must be in [0, 1], got {value}")
        if num_thresholds <= 0:
            raise ValueError(
                f"{type(self).__name__}: num_thresholds must be positive, got {num_thresholds}"
            )
        self._what, self._value, self.num_thresholds = what, value, num_thresholds
        limits = np.linspace(0, 1, num_thresholds) if num_thresholds > 1 else [0.5]
        super().__init__(limits, name, dtype, class_id=class_id)

    def best(self, constrained: Any, wanted: Any) -> float:
        """Return the largest of ``wanted`` where ``constrained`` reaches the value, or 0."""
        return float(np.where(constrained >= self._value, wanted, 0).max(initial=0))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        return {
            **super().get_config(),
            self._what: self._value,
            "num_thresholds": self.num_thresholds,
            "class_id": self.class_id,
        }


@registry.add("sensitivity_at_specificity")
class SensitivityAtSpecificity(_AtConstraint):
    """The best share of positives found, where this share of negatives is found."""

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """Return the best sensitivity so far."""
        return self.best(self.specificities(), self.recalls())


@registry.add("specificity_at_sensitivity")
class SpecificityAtSensitivity(_AtConstraint):
    """The best share of negatives found, where this share of positives is found."""

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """Return the best specificity so far."""
        return self.best(self.recalls(), self.specificities())


@registry.add("precision_at_recall")
class PrecisionAtRecall(_AtConstraint):
    """The best precision where the recall is at least this."""

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """Return the best precision so far."""
        return self.best(self.recalls(), self.precisions())


@registry.add("recall_at_precision")
class RecallAtPrecision(_AtConstraint):
    """The best recall where the precision is at least this."""

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """Return the best recall so far."""
        return self.best(self.precisions(), self.recalls())
