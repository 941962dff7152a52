"""Losses of probabilities and of logits. Formulas and clipping are Keras 3's.

Predictions are probabilities, which are held between 1e-7 and 1 - 1e-7, or with ``from_logits``
what comes before a sigmoid or softmax, which is exact and quicker.
"""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.autodiff import Tensor
from lamina.losses.loss import LossFunctionWrapper, pair, registry
from lamina.ops import losses as kernels

_MEAN = "sum_over_batch_size"


def _classes_last(x: Any, axis: int) -> Any:
    return x if axis == -1 or axis == len(x.shape) - 1 else ops.moveaxis(x, axis, -1)


def _smooth(y_true: Any, label_smoothing: float, dtype: Any, classes: int) -> Any:
    """Return targets moved towards the uniform distribution over the classes."""
    if not label_smoothing:
        return y_true
    y_true = ops.cast(y_true, dtype)
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes


@registry.add("bce", "BCE")
def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return mean(-t log(p) - (1 - t) log(1 - p)) along the axis."""
    y_true, y_pred = pair("binary_crossentropy", y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.dtype, 2)
    function = kernels.sigmoid_cross_entropy if from_logits else kernels.binary_cross_entropy
    return function(_classes_last(y_true, axis), _classes_last(y_pred, axis))


@registry.add()
def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return -sum(t log(p)) along the axis of classes, for one-hot t; p is divided by its sum."""
    y_true, y_pred = _one_hot_pair("categorical_crossentropy", y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.dtype, y_true.shape[-1])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def _one_hot_pair(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    try:
        return pair(name, y_true, y_pred)
    except ValueError as error:
        raise ValueError(
            f"{error}. Targets that are indices of classes want sparse_{name}; one-hot targets "
            f"come from lamina.utils.to_categorical"
        ) from error


@registry.add()
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """Return -log(p) of the right class, whose index the target is.

    Targets of ``ignore_class`` have no loss and do not count in a mean.

    Raises:
        ValueError: if an index is outside the classes, or no whole number.

    """
    y_true = kernels.as_labels(y_true)
    y_pred = y_pred if hasattr(y_pred, "shape") else Tensor(y_pred)
    if y_true.ndim == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = y_true.squeeze(axis)
    loss = ops.sparse_categorical_crossentropy(
        y_true, y_pred, from_logits=from_logits, axis=axis, ignore_class=ignore_class
    )
    if ignore_class is not None:
        loss.mask = y_true != ignore_class
    return loss


sparse_categorical_crossentropy.keeps_integers = True


@registry.add("kld", "KLD", "kullback_leibler_divergence")
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Return sum(t log(t / p)), both held between 1e-7 and 1."""
    return kernels.kl_divergence(*pair("kl_divergence", y_true, y_pred))


def _power(x: Any, exponent: float) -> Any:
    return x * x if exponent == 2 else ops.power(x, exponent)


@registry.add()
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return the binary cross-entropy times (1 - probability of the truth)^gamma; Lin et al. 2017.

    With ``apply_class_balancing``, ones weigh alpha and zeros 1 - alpha.
    """
    y_true, y_pred = pair("binary_focal_crossentropy", y_true, y_pred)
    y_true = ops.cast(_smooth(y_true, label_smoothing, y_pred.dtype, 2), y_pred.dtype)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    loss = ops.binary_crossentropy(y_true, y_pred)
    right = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    loss = _power(1.0 - right, gamma) * loss
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return ops.mean(loss, axis=axis)


@registry.add()
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return -sum(alpha (1 - p)^gamma t log(p)) along the axis of classes; Lin et al. 2017."""
    y_true, y_pred = _one_hot_pair("categorical_focal_crossentropy", y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_pred.dtype, y_true.shape[-1])
    y_true = ops.cast(y_true, y_pred.dtype)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, kernels.EPSILON, 1 - kernels.EPSILON)
    alpha = alpha if isinstance(alpha, float) else ops.cast(alpha, y_pred.dtype)
    return ops.sum(_power(1.0 - p, gamma) * alpha * -y_true * ops.log(p), axis=axis)


@registry.add()
class BinaryCrossentropy(LossFunctionWrapper):
    """The mean of -t log(p) - (1 - t) log(1 - p)."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@registry.add()
class CategoricalCrossentropy(LossFunctionWrapper):
    """-sum(t log(p)), for one-hot targets."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@registry.add()
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """-log(p) of the right class, for targets that are indices of classes."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Any = _MEAN,
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@registry.add()
class KLDivergence(LossFunctionWrapper):
    """sum(t log(t / p))."""

    def __init__(
        self, reduction: Any = _MEAN, name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


@registry.add()
class BinaryFocalCrossentropy(LossFunctionWrapper):
    """The binary cross-entropy times (1 - probability of the truth)^gamma."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@registry.add()
class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """-sum(alpha (1 - p)^gamma t log(p)), for one-hot targets."""

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = _MEAN,
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
