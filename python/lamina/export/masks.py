"""Masks of time steps in ONNX: which layers make them, join them, or pass them on."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import layers
from lamina.autodiff import flatten
from lamina.export.core import step_mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.export.builder import Builder, Value

Mask = str | None


def _of_embedding(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:
    if not layer.mask_zero:
        return [None]
    padding = np.zeros((), inputs[0].dtype)
    return [b.op("Not", b.op("Equal", inputs[0], padding))]


def _of_masking(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:
    return [step_mask(b, layer, inputs[0])]


def _of_recurrent(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:  # noqa: ARG001
    apart = getattr(layer, "merge_mode", "") is None
    return [inputs[0].mask if layer.return_sequences else None] * (2 if apart else 1)


def _of_merged(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:  # noqa: ARG001
    masks = [each.mask for each in inputs]
    if None in masks:
        return [None]
    return [functools.reduce(lambda one, other: b.op("Or", one, other), masks)]


def _of_joined(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:
    masks = [each.mask for each in inputs]
    if all(mask is None for mask in masks):
        return [None]
    if layer.axis in {-1, inputs[0].ndim - 1}:
        return _of_merged(b, layer, inputs)
    if None in masks:
        b.refuse("some of its inputs have masks and some have none")
    return [b.op("Concat", *masks, axis=layer.axis)]


def _first(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:  # noqa: ARG001
    return [inputs[0].mask]


def _none(b: Builder, layer: Any, inputs: list[Value]) -> list[Mask]:  # noqa: ARG001
    return [None]


_RULES: dict[Any, Callable[[Builder, Any, list[Value]], list[Mask]]] = {
    layers.Embedding: _of_embedding,
    layers.Masking: _of_masking,
    layers.RNN: _of_recurrent,
    layers.Bidirectional: _of_recurrent,
    layers.Concatenate: _of_joined,
    layers.Dot: _none,
    layers.Add: _of_merged,
    layers.Subtract: _of_merged,
    layers.Average: _of_merged,
    layers.Attention: _first,
    layers.GlobalAveragePooling1D: _none,
}


def masks_after(b: Builder, layer: Any, args: Any) -> list[str | None]:
    """Return the masks of a layer's outputs, the first ones'; the others have none."""
    inputs = flatten(args)[0]
    for kind in type(layer).__mro__:
        if kind in _RULES:
            return _RULES[kind](b, layer, inputs)
    return [inputs[0].mask] if layer.supports_masking and inputs else [None]
