"""The area under a curve of two ratios over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.autodiff import as_array
from lamina.metrics.confusion import Confusion
from lamina.metrics.metric import divide, registry

_EPSILON = 1e-7  # so that predictions of 0 and 1 lie within the thresholds


@registry.add("auc")
class AUC(Confusion):
    """The area under the ROC curve, or with ``curve="PR"`` that of precision over recall.

    The curve is taken at ``num_thresholds`` thresholds (or at ``thresholds``) and summed by
    ``summation_method``: ``"interpolation"`` (trapezia; for PR the interpolation of Davis and
    Goadrich, 2006), ``"minoring"`` or ``"majoring"``. With ``multi_label`` each of ``num_labels``
    columns has its own area, and the result is their mean, weighted by ``label_weights``.

    Raises:
        ValueError: if an argument is unknown or out of range.

    """

    direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _choice("curve", str(curve).upper(), ("ROC", "PR"))
        self.summation_method = _choice(
            "summation_method",
            str(summation_method).lower(),
            ("interpolation", "majoring", "minoring"),
        )
        self._given = None if thresholds is None else sorted(map(float, thresholds))
        if self._given is not None:
            inner = self._given
        elif num_thresholds <= 1:
            raise ValueError(f"AUC: num_thresholds must be above 1, got {num_thresholds}")
        else:
            inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
        if num_labels and not multi_label:
            raise ValueError("AUC: num_labels is for multi_label=True alone")
        super().__init__([-_EPSILON, *inner, 1 + _EPSILON], name, dtype)
        self.num_thresholds = len(inner) + 2
        self.thresholds = self._limits.tolist()
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, float)
        self.from_logits = from_logits
        if num_labels:
            self.count_labels((num_labels,))

    def prepare(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return labels, scores and weights, all of one shape."""
        if self.from_logits:
            y_pred = ops.sigmoid(as_array(y_pred))
        truth, scores, weights = super().prepare(y_true, y_pred, sample_weight)
        if self.multi_label:
            if scores.ndim != 2:
                raise ValueError(
                    f"{self.name}: multi_label=True wants predictions (samples, labels), got shape "
                    f"{scores.shape}"
                )
            if not self.positives.shape:
                self.count_labels(scores.shape[1:])
        elif self.label_weights is not None:
            weights = weights * self.label_weights
        return truth, scores, weights

    def result(self) -> float:
        """Return the area."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated_precision()
        else:
            if self.curve == "ROC":
                x, y = divide(self.false_positives, self.negatives), self.recalls()
            else:
                x, y = self.recalls(), self.precisions()
            heights = {
                "interpolation": (y[:-1] + y[1:]) / 2,
                "minoring": np.minimum(y[:-1], y[1:]),
                "majoring": np.maximum(y[:-1], y[1:]),
            }[self.summation_method]
            areas = ((x[:-1] - x[1:]) * heights).sum(0)
        if not self.multi_label:
            return float(areas)
        if self.label_weights is None:
            return float(np.mean(areas))
        return float(divide((areas * self.label_weights).sum(), self.label_weights.sum()))

    def _interpolated_precision(self) -> Any:
        """Sum the precision between thresholds, where true and all positives grow in proportion."""
        found = self.true_positives
        taken = found + self.false_positives
        slope = divide(found[:-1] - found[1:], np.maximum(taken[:-1] - taken[1:], 0))
        intercept = found[1:] - slope * taken[1:]
        both = (taken[:-1] > 0) & (taken[1:] > 0)
        ratio = np.where(both, divide(taken[:-1], np.maximum(taken[1:], 0)), 1.0)
        steps = slope * (found[:-1] - found[1:] + intercept * np.log(ratio))
        return divide(steps, np.maximum(self.positives, 0)).sum(0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
        }
        return config if self._given is None else {**config, "thresholds": self._given}


def _choice(what: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"AUC: {what} must be one of {', '.join(known)}, got {value!r}")
    return value
