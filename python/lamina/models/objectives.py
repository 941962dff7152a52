"""What a model is trained for: a loss and metrics for each output, as ``compile`` names them."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import losses, metrics, ops
from lamina.autodiff import Tensor
from lamina.registry import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence


def by_output(value: Any, names: Sequence[str], what: str, *, nested: bool = False) -> list[Any]:
    """Return one value for each output, of one, a list, or a dict by the outputs' names.

    With ``nested`` a value may itself be a list, as metrics are.

    Raises:
        ValueError: if a name is wrong, with the right ones; or if the number is.

    """
    if isinstance(value, dict):
        for name in value:
            if name not in names:
                raise ValueError(f"{what}: no output is named {name!r}{nearest(name, names)}")
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if nested and (len(names) == 1 or not any(isinstance(v, (list, tuple)) for v in value)):
            if len(names) == 1 and len(value) == 1 and isinstance(value[0], (list, tuple)):
                return [value[0]]
            return [list(value)] if len(names) == 1 else _deal_metrics(value, names, what)
        if len(value) != len(names):
            raise ValueError(
                f"{what}: got {len(value)}, wanted one for each of the {len(names)} outputs: "
                f"{', '.join(map(repr, names))}"
            )
        return list(value)
    return [value] * len(names)


def _deal_metrics(value: Sequence[Any], names: Sequence[str], what: str) -> list[Any]:
    """Return a flat list of metrics dealt to several outputs: one each."""
    if len(value) == 1:  # one for all
        return [[value[0]] for _ in names]
    if len(value) != len(names):
        raise ValueError(
            f"{what}: got a list of {len(value)}, but there are {len(names)} outputs: give a list "
            f"of lists, one for each of {', '.join(map(repr, names))}, or a dict by their names"
        )
    return [None if each is None else [each] for each in value]


def match_weights(sample_weight: Any, names: Sequence[str]) -> list[Any]:
    """Return the sample weights of each output: one array counts for all of them."""
    if sample_weight is None:
        return [None] * len(names)
    return by_output(sample_weight, names, "sample_weight")


class Objectives:
    """The losses and metrics of a model's outputs, and their running averages.

    Raises:
        ValueError: if a name of an output, a loss or a metric is wrong.

    """

    def __init__(
        self,
        names: Sequence[str],
        loss: Any,
        metric_names: Any,
        loss_weights: Any,
        weighted_metrics: Any,
    ) -> None:
        self.names = list(names)
        self.losses = [_loss_of(each) for each in by_output(loss, names, "loss")]
        weights = by_output(loss_weights, names, "loss_weights")
        self.loss_weights = [1.0 if each is None else float(each) for each in weights]
        self._wanted = [
            by_output(each, names, what, nested=True)
            for each, what in ((metric_names, "metrics"), (weighted_metrics, "weighted_metrics"))
        ]
        for listed in (each for wanted in self._wanted for each in wanted):
            for each in listed if isinstance(listed, (list, tuple)) else [listed]:
                if not _depends_on_shapes(each):
                    metrics.get(each)  # which refuses a wrong name
        self.metrics: list[list[tuple[str, Any, bool]]] = []  # by output, at the first batch
        self.reset()

    def reset(self) -> None:
        """Begin the averages of an epoch."""
        self._sums = [0.0] * (1 + len(self.names))
        self._samples = 0
        self._metrics_to_come: list[Any] = []
        for _, metric, _ in (each for own in self.metrics for each in own):
            metric.reset_state()

    def get_state(self) -> dict[str, Any]:
        """Return the averages of the epoch so far, so that it can go on elsewhere."""
        states = [metric.get_state() for own in self.metrics for _, metric, _ in own]
        return {"sums": self._sums, "samples": self._samples, "metrics": states}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned; metrics that are not made yet, once they are."""
        self._sums, self._samples = list(state["sums"]), state["samples"]
        if self.metrics:
            self._restore_metrics(state["metrics"])
        else:
            self._metrics_to_come = state["metrics"]

    def _restore_metrics(self, states: list[Any]) -> None:
        own = [metric for own in self.metrics for _, metric, _ in own]
        for metric, state in zip(own, states, strict=True):
            metric.set_state(state)

    def _make_metrics(self, targets: Sequence[Any], predictions: Sequence[Any]) -> None:
        """Make the metrics, now that the shapes say which accuracy is meant."""
        taken: Counter[str] = Counter()
        for place, name in enumerate(self.names):
            own: list[tuple[str, Any, bool]] = []
            for wanted, weighted in zip(self._wanted, (False, True), strict=True):
                listed = wanted[place]
                if listed is None:
                    continue
                for each in listed if isinstance(listed, (list, tuple)) else [listed]:
                    metric = _metric_of(each, targets[place], predictions[place])
                    key = each if isinstance(each, str) else metric.name
                    key = f"{name}_{key}" if len(self.names) > 1 else key
                    taken[key] += 1
                    count = f"_{taken[key] - 1}" if taken[key] > 1 else ""  # acc, acc_1 ...
                    own.append((key + count, metric, weighted))
            self.metrics.append(own)
        if self._metrics_to_come:
            self._restore_metrics(self._metrics_to_come)

    def match_targets(self, y: Any) -> list[Any]:
        """Return the targets in the order of the outputs.

        Raises:
            ValueError: if their number or a name does not fit.

        """
        if type(y) is np.ndarray and len(self.names) == 1:
            return [y]
        if isinstance(y, (list, tuple)) and len(self.names) == 1 and len(y) == 1:
            return [y[0]]
        if isinstance(y, (list, tuple, dict)):
            found = by_output(y, self.names, "y")
        elif len(self.names) > 1 and y is not None:
            raise ValueError(
                f"y: got one array, wanted one for each of the {len(self.names)} outputs: "
                f"{', '.join(map(repr, self.names))}"
            )
        else:
            found = [y]
        for name, target, loss in zip(self.names, found, self.losses, strict=True):
            if target is None and loss is not None:
                raise ValueError(f"y: the target of the output {name!r} is missing")
        return found

    def loss(
        self, targets: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]
    ) -> tuple[Any, list[Any]]:
        """Return the weighted sum of the losses, and each of them (None for an output without)."""
        total: Any = None
        each: list[Any] = []
        for place, loss in enumerate(self.losses):
            if loss is None:
                each.append(None)
                continue
            value = self._one_loss(place, loss, targets[place], predictions[place], weights[place])
            each.append(value)
            if self.loss_weights[place] != 1.0:
                value = ops.multiply(value, self.loss_weights[place])
            total = value if total is None else ops.add(total, value)
        return total, each

    def _one_loss(self, place: int, loss: Any, target: Any, prediction: Any, weight: Any) -> Any:
        try:
            return loss(target, prediction, weight)
        except ValueError as error:
            got, wanted = np.shape(target), prediction.shape
            both = f"targets of shape {got} do not fit predictions of shape {wanted}: "
            raise ValueError(
                f"the loss of the output {self.names[place]!r}: {both if got != wanted else ''}"
                f"{error}"
            ) from error

    def note_losses(self, total: float, each: Sequence[Any], samples: int) -> None:
        """Take a batch into the averages, with the weight of its samples."""
        self._samples += samples
        self._sums[0] += total * samples
        if len(self.names) > 1:
            for place, value in enumerate(each):
                if value is not None:
                    self._sums[place + 1] += value.data.item() * samples

    def note_metrics(
        self, targets: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]
    ) -> None:
        """Take a batch into the metrics."""
        if not self.metrics:
            self._make_metrics(targets, predictions)
        for place, own in enumerate(self.metrics):
            for _, metric, weighted in own:
                weight = weights[place] if weighted else None
                metric.update_state(targets[place], predictions[place], weight)

    def results(self) -> dict[str, float]:
        """Return the averages of the epoch so far, under Keras's names."""
        count = max(self._samples, 1)
        found = {"loss": self._sums[0] / count}
        if len(self.names) > 1:
            for name, loss, value in zip(self.names, self.losses, self._sums[1:], strict=True):
                if loss is not None:
                    found[f"{name}_loss"] = value / count
        for own in self.metrics:
            for name, metric, _ in own:
                found[name] = number(metric.result())
        return found

    def not_finite(self, total: float, each: Sequence[Any]) -> str:
        """Return which loss is no finite number, for a message; nothing if all are."""
        if math.isfinite(total):
            return ""
        for name, value in zip(self.names, each, strict=True):
            if value is not None and not math.isfinite(value.data.item()):
                return f"the loss of the output {name!r} is {value.data.item()}"
        return f"the loss is {total}, by a penalty that a layer adds or by its weights"


def number(value: Any) -> Any:
    """Return a metric's result as a Python number; a metric of several stays an array."""
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    return array.item() if array.size == 1 else array


def _loss_of(identifier: Any) -> Any:
    found = losses.get(identifier)
    if found is None or isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found)


_SHAPE_DEPENDENT = {
    "acc": "accuracy",
    "accuracy": "accuracy",
    "ce": "crossentropy",
    "crossentropy": "crossentropy",
}


def _depends_on_shapes(identifier: Any) -> bool:
    return isinstance(identifier, str) and identifier.lower() in _SHAPE_DEPENDENT


def _metric_of(identifier: Any, target: Any, prediction: Any) -> Any:
    """Return a metric; "accuracy" and "crossentropy" become the kind that the shapes tell."""
    if _depends_on_shapes(identifier):
        identifier = f"{_kind_of_target(target, prediction)}_{_SHAPE_DEPENDENT[identifier.lower()]}"
    found = metrics.get(identifier)
    return found if hasattr(found, "update_state") else metrics.MeanMetricWrapper(found)


def _kind_of_target(target: Any, prediction: Any) -> str:
    shape, wanted = np.shape(target), prediction.shape
    if len(wanted) == 0 or wanted[-1] == 1:
        return "binary"
    one_hot = len(shape) == len(wanted) and shape[-1] == wanted[-1]
    return "categorical" if one_hot else "sparse_categorical"
