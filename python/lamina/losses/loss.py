"""The base of losses, and how the losses of samples become one number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamina import ops
from lamina._native import core
from lamina.autodiff import Tensor, op
from lamina.ops.arrays import floats, unbroadcast
from lamina.registry import Registry

registry = Registry("loss", "keras.losses")

_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def _expand(x: Any) -> Any:
    return x[..., None] if type(x) is np.ndarray else ops.expand_dims(x, -1)


def _squeeze(x: Any) -> Any:
    return x[..., 0] if type(x) is np.ndarray else ops.squeeze(x, -1)


def same_rank(a: Any, b: Any) -> tuple[Any, Any]:
    """Return both with as many axes: a last axis of 1 is added to a vector, or else dropped."""
    rank, other = len(a.shape), len(b.shape)
    if rank == other + 1 and a.shape[-1] == 1:
        return (a, _expand(b)) if other == 1 else (_squeeze(a), b)
    if other == rank + 1 and b.shape[-1] == 1:
        return (_expand(a), b) if rank == 1 else (a, _squeeze(b))
    return a, b


def pair(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return targets and predictions with the same shape.

    Raises:
        ValueError: if their shapes cannot be meant for each other.

    """
    y_true = y_true if hasattr(y_true, "shape") else np.asarray(y_true)
    y_pred = y_pred if hasattr(y_pred, "shape") else Tensor(y_pred)
    if y_true.shape != y_pred.shape:
        y_true, y_pred = same_rank(y_true, y_pred)
        if y_true.shape != y_pred.shape and None not in (*y_true.shape, *y_pred.shape):
            raise ValueError(
                f"{name}: targets of shape {tuple(y_true.shape)} and predictions of shape "
                f"{tuple(y_pred.shape)} must be alike"
            )
    if len(y_pred.shape) == 0:
        return ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
    return y_true, y_pred


@op
def _scaled_sum(values: Any, /, share: float) -> Any:
    """Return share * sum(values)."""
    values = floats(values)

    def vjp(dy: Any) -> Any:
        gradient = np.empty(values.shape, values.dtype)
        gradient.fill(dy * share)
        return gradient

    return core.scaled_sum(values, share), vjp


@op
def _weighted_sum(values: Any, /, weights: Any, share: float) -> Any:
    """Return share * sum(values * weights)."""
    scale = values.dtype.type(share)
    total = np.asarray((values * weights).sum() * scale, values.dtype)
    shape = np.broadcast_shapes(values.shape, weights.shape)
    return total, lambda dy: unbroadcast(np.broadcast_to(weights, shape) * (dy * scale), values)


def combine_weights(sample_weight: Any, mask: Any, dtype: Any, reduction: Any) -> Any:
    """Return one array of weights for a mask and sample weights; None if there is neither.

    Where the losses are averaged, masked elements do not count: the others weigh total / valid.
    """
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype)
    if mask is None:
        return weights
    mask = np.asarray(mask, bool)
    share = mask.astype(dtype)
    if reduction in {"mean", "sum_over_batch_size"}:
        valid = int(mask.sum())
        share *= mask.size / valid if valid else 0
    if weights is None:
        return share
    share, weights = same_rank(share, weights)
    return share * weights


def reduce_losses(values: Any, sample_weight: Any, mask: Any, reduction: Any) -> Any:
    """Return the weighted losses of samples as one number, by Keras's rules.

    ``"sum_over_batch_size"`` and ``"mean"`` divide the weighted sum by the number of elements,
    ``"mean_with_sample_weight"`` by the sum of the weights, ``"sum"`` by nothing; ``"none"`` leaves
    one number for each sample.

    Raises:
        ValueError: if the weights do not fit the losses.

    """
    if sample_weight is None and mask is None:
        if reduction in {None, "none"} or len(values.shape) == 0:
            return values
        size = 1 if reduction == "sum" else math.prod(values.shape)
        return _scaled_sum(values, share=1 / max(size, 1))
    weights = combine_weights(sample_weight, mask, values.dtype, reduction)
    values, weights = _fit_weights(values, weights)
    if reduction in {None, "none"} or len(values.shape) == 0:
        return ops.multiply(values, weights)
    if reduction == "sum":
        count = 1.0
    elif reduction == "mean_with_sample_weight":
        count = float(np.sum(weights))
    else:
        count = float(math.prod(np.broadcast_shapes(values.shape, weights.shape)))
    return _weighted_sum(values, weights=weights, share=1 / count if count else 0.0)


def _fit_weights(values: Any, weights: Any) -> tuple[Any, Any]:
    values, weights = same_rank(values, weights)
    try:
        np.broadcast_shapes(values.shape, weights.shape)
    except ValueError as error:
        raise ValueError(
            f"sample weights of shape {weights.shape} do not fit losses of shape {values.shape}: "
            f"one weight for each sample is wanted, or for each time step (samples, steps)"
        ) from error
    return values, weights


class Loss:
    """The base of losses, and of your own: override ``call(y_true, y_pred)``.

    ``call`` returns the loss of each sample (and time step); calling the object reduces them to one
    number, with sample weights and with the mask of the predictions if they have one.

    Raises:
        ValueError: if the reduction is unknown.

    """

    keeps_integers = False  # whether targets stay indices; else they get the predictions' type

    def __init__(
        self, name: str | None = None, reduction: Any = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: reduction must be one of "
                f"{', '.join(map(repr, _REDUCTIONS))}, got {reduction!r}"
            )
        self.name = name or type(self).__name__.lower()
        self.reduction = reduction
        self.dtype = dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if type(y_pred) is np.ndarray or not hasattr(y_pred, "shape"):
            y_pred = Tensor(y_pred)
        if not self.keeps_integers and (type(y_true) is np.ndarray or not hasattr(y_true, "shape")):
            y_true = np.asarray(y_true, y_pred.dtype)
        values = self.call(y_true, y_pred)
        mask = getattr(y_pred, "mask", None)
        own_mask = getattr(values, "mask", None)
        if own_mask is not None:
            mask = own_mask if mask is None else mask & own_mask
        if not hasattr(values, "shape"):
            values = Tensor(values)
        return reduce_losses(values, sample_weight, mask, self.reduction)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a loss of what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


@registry.add()
class LossFunctionWrapper(Loss):
    """The loss object of a function of (y_true, y_pred); further arguments go to the function."""

    def __init__(
        self,
        fn: Any,
        reduction: Any = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.keeps_integers = getattr(fn, "keeps_integers", False)
        self._options = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the function returns."""
        return self.fn(y_true, y_pred, **self._options)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, the function by its name."""
        config = super().get_config()
        if type(self) is LossFunctionWrapper:
            config["fn"] = registry.serialize(self.fn)
        return {**config, **self._options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a loss of what `get_config` returned."""
        if "fn" in config:
            config = {**config, "fn": registry.deserialize(config["fn"])}
        return cls(**config)
