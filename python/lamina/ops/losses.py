"""Losses as operations, each with its reduction of the last axis in one kernel.

Arguments are the target and the prediction, of one shape (..., classes); the result is one number
a row, of shape (...). A target may be differentiated as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import op
from lamina.ops.arrays import floats, like
from lamina.ops.shapes import expand_dims, moveaxis

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
]

EPSILON = 1e-7  # how near to 0 and 1 a probability may come: keras.config.epsilon()


def _pair(target: Any, prediction: Any) -> tuple[Any, Any]:
    prediction = floats(prediction)
    return np.asarray(target, prediction.dtype, order="C"), prediction


def _row_loss(name: str, formula: str) -> Callable[..., Any]:
    """Make the operation of a kernel of cpp/losses.cpp."""
    value, gradient = getattr(core, name), getattr(core, f"{name}_gradient")

    def function(target: Any, prediction: Any, /, *numbers: float) -> Any:
        target, prediction = _pair(target, prediction)
        loss = value(target, prediction, *numbers)

        def vjp(dy: Any) -> Any:
            upstream = like(dy, loss)
            return (
                lambda: gradient(target, prediction, upstream, True, *numbers),
                lambda: gradient(target, prediction, upstream, False, *numbers),
            )

        return loss, vjp

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {formula} over the last axis, for a target t and a prediction p."
    return function


def _plain(name: str, formula: str) -> Callable[..., Any]:
    function = _row_loss(name, formula)

    def without_number(target: Any, prediction: Any, /) -> Any:
        return function(target, prediction)

    without_number.__name__, without_number.__doc__ = name, function.__doc__
    return op(without_number)


def _with_number(name: str, formula: str) -> Callable[..., Any]:
    function = _row_loss(name, formula)

    def with_number(target: Any, prediction: Any, /, number: float = EPSILON) -> Any:
        return function(target, prediction, float(number))

    with_number.__name__, with_number.__doc__ = name, function.__doc__
    return op(with_number)


squared_error = _plain("squared_error", "the mean of (t - p)^2")
absolute_error = _plain("absolute_error", "the mean of |t - p|")
absolute_percentage_error = _with_number(
    "absolute_percentage_error", "the mean of 100 |t - p| / max(|t|, number)"
)
squared_logarithmic_error = _with_number(
    "squared_logarithmic_error", "the mean of (log(1 + t) - log(1 + p))^2"
)
huber = _with_number("huber", "the mean of (t - p)^2 / 2, linear from |t - p| = number on,")
log_cosh = _plain("log_cosh", "the mean of log(cosh(p - t))")
hinge = _plain("hinge", "the mean of max(1 - t p, 0)")
squared_hinge = _plain("squared_hinge", "the mean of max(1 - t p, 0)^2")
poisson = _with_number("poisson", "the mean of p - t log(p + number)")
kl_divergence = _with_number("kl_divergence", "the sum of t log(t / p)")
binary_cross_entropy = _with_number(
    "binary_cross_entropy", "the mean of -t log(p) - (1 - t) log(1 - p)"
)
sigmoid_cross_entropy = _plain(
    "sigmoid_cross_entropy", "the mean of -t log(s) - (1 - t) log(1 - s), s = sigmoid(p),"
)


@op
def softmax_cross_entropy(target: Any, logits: Any, /, ignored: int | None = None) -> Any:
    """Return -sum(t log(softmax(logits))) over the last axis.

    The target is of the logits' shape, or holds the indices of the right classes: int32 or int64,
    without the last axis; rows of the index ``ignored`` have the loss 0.

    Raises:
        ValueError: if an index is outside the classes.

    """
    logits = floats(logits)
    target = _targets(target, logits)
    loss, scales = core.softmax_cross_entropy(target, logits, ignored)

    def vjp(dy: Any) -> Any:
        upstream = like(dy, loss)

        def by_target() -> Any:
            if target.dtype.kind == "i":
                return None
            return -upstream[..., None] * core.log_softmax(logits)

        return by_target, lambda: core.softmax_cross_entropy_gradient(
            target, logits, scales, upstream, ignored
        )

    return loss, vjp


@op
def cross_entropy(target: Any, probabilities: Any, /, ignored: int | None = None) -> Any:
    """Return -sum(t log(p)) over the last axis, as `softmax_cross_entropy` for probabilities.

    They are divided by their sum, then held between 1e-7 and 1 - 1e-7; outside there is no
    gradient.
    """
    probabilities = floats(probabilities)
    target = _targets(target, probabilities)
    loss = core.cross_entropy(target, probabilities, EPSILON, ignored)

    def vjp(dy: Any) -> Any:
        upstream = like(dy, loss)

        def by_target() -> Any:
            if target.dtype.kind == "i":
                return None
            share = probabilities / probabilities.sum(-1, keepdims=True)
            return -upstream[..., None] * np.log(np.clip(share, EPSILON, 1 - EPSILON))

        return by_target, lambda: core.cross_entropy_gradient(
            target, probabilities, upstream, EPSILON, ignored
        )

    return loss, vjp


def _targets(target: Any, prediction: Any) -> Any:
    """Return indices of classes as they are, everything else in the type of the predictions."""
    array = np.asarray(target, order="C")
    if array.ndim == prediction.ndim - 1 and array.dtype.char in "iql":
        return array
    return array.astype(prediction.dtype, copy=False)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Return -t log(p) - (1 - t) log(1 - p), element by element."""
    function = sigmoid_cross_entropy if from_logits else binary_cross_entropy
    return function(expand_dims(target, -1), expand_dims(output, -1))


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Return -sum(t log(p)) over the axis of classes; p is divided by its sum first."""
    function = softmax_cross_entropy if from_logits else cross_entropy
    if axis not in {-1, len(output.shape) - 1}:
        target, output = moveaxis(target, axis, -1), moveaxis(output, axis, -1)
    return function(target, output)


def sparse_categorical_crossentropy(
    target: Any,
    output: Any,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> Any:
    """Return -log(p) of the right class, whose index the target is.

    Raises:
        ValueError: if an index is outside the classes, or no whole number.

    """
    function = softmax_cross_entropy if from_logits else cross_entropy
    if axis not in {-1, len(output.shape) - 1}:
        output = moveaxis(output, axis, -1)
    labels = as_labels(target)
    if labels.ndim == len(output.shape) and labels.shape[-1] == 1:
        labels = labels[..., 0]
    return function(labels, output, ignored=ignore_class)


def as_labels(target: Any) -> Any:
    """Return labels as integers; a ValueError for one that is no whole number."""
    array = np.asarray(target)
    if array.dtype.kind in "iub":
        return array.astype(np.int64, copy=False)
    labels = array.astype(np.int64)
    if (labels != array).any():
        place = tuple(int(i) for i in np.argwhere(labels != array)[0])
        raise ValueError(
            f"sparse_categorical_crossentropy: the label {array[place]} at {place} is no whole "
            f"number: labels are indices of classes. Is categorical_crossentropy meant?"
        )
    return labels
