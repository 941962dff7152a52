"""Attention in ONNX."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from lamina import layers

if TYPE_CHECKING:
    from lamina.export.builder import Builder, Value

_HIDDEN = 1e9  # what hidden places are moved by, as in the layers


def _past(b: Builder, scores: Any) -> Any:
    """Return which scores (..., T, S) are of places up to the query's own."""
    ones = b.op("Expand", 1.0, b.op("Shape", scores))
    return b.cast(b.op("Trilu", ones, upper=0), "bool")


def _both(b: Builder, one: Any, other: Any) -> Any:
    return other if one is None else b.op("And", one, other)


def _dot_scores(b: Builder, layer: Any, query: Value, key: Value) -> Any:
    if layer.score_mode == "dot":
        scores = b.op("MatMul", query, b.transpose(key, (0, 2, 1)))
        return scores if layer.scale is None else b.op("Mul", scores, layer.scale)
    pairs = b.op("Add", b.op("Unsqueeze", query, [-2]), b.op("Unsqueeze", key, [-3]))
    if layer.scale is not None:
        pairs = b.op("Mul", pairs, layer.scale)
    total = b.op("ReduceSum", b.op("Tanh", pairs), [-1], keepdims=0)
    return b.op("Mul", total, layer.concat_score_weight)


def _added_scores(b: Builder, layer: Any, query: Value, key: Value) -> Any:
    pairs = b.op("Add", b.op("Unsqueeze", query, [-2]), b.op("Unsqueeze", key, [-3]))
    pairs = b.op("Tanh", pairs)
    if layer.scale is not None:
        pairs = b.op("Mul", pairs, layer.scale)
    return b.op("ReduceSum", pairs, [-1], keepdims=0)


def _attention(scores_of: Any) -> Any:
    def export(
        b: Builder,
        layer: Any,
        inputs: list[Value],
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value = inputs[:2]
        if query.ndim != 3:
            b.refuse(f"its queries have {query.ndim} axes, 3 can be written")
        scores = scores_of(b, layer, query, inputs[2] if len(inputs) > 2 else value)
        seen = None if value.mask is None else b.op("Unsqueeze", value.mask, [-2])
        if use_causal_mask:
            seen = _both(b, seen, _past(b, scores))
        if seen is not None:
            scores = b.op("Where", seen, scores, b.op("Sub", scores, _HIDDEN))
        weights = b.op("Softmax", scores, axis=-1)
        outputs = b.op("MatMul", weights, value)
        if query.mask is not None:
            outputs = b.op("Where", b.op("Unsqueeze", query.mask, [-1]), outputs, 0.0)
        return [outputs, weights] if return_attention_scores else outputs

    return export


def _project(b: Builder, dense: Any, x: Any, equation: str) -> Any:
    y = b.op("Einsum", x, dense.kernel, equation=equation)
    return y if dense.bias is None else b.op("Add", y, dense.bias)


def _multi_head(
    b: Builder,
    layer: Any,
    query: Value,
    value: Value,
    key: Value | None = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
    **masks: Any,
) -> Any:
    key = value if key is None else key
    if any(each.mask is not None for each in (query, value, key)) or any(
        each is not None for each in masks.values()
    ):
        b.refuse("its inputs have masks; one without them, or use_causal_mask=True, can be written")
    if query.ndim != 3 or layer.sliding_window is not None:
        b.refuse("attention along several axes, or within a sliding window, is not written yet")
    one, several = "ntd,dhk->nthk", "nthk,hkd->ntd"
    q = b.op("Mul", _project(b, layer._query_dense, query, one), 1 / sqrt(layer.key_dim))  # noqa: SLF001
    k = _project(b, layer._key_dense, key, one)  # noqa: SLF001
    v = _project(b, layer._value_dense, value, one)  # noqa: SLF001
    scores = b.op("Einsum", q, k, equation="nthk,nshk->nhts")
    if use_causal_mask:
        scores = b.op("Where", _past(b, scores), scores, -_HIDDEN)
    weights = b.op("Softmax", scores, axis=-1)
    outputs = b.op("Einsum", weights, v, equation="nhts,nshk->nthk")
    if layer.use_gate:
        gate = _project(b, layer._gate_dense, query, one)  # noqa: SLF001
        outputs = b.op("Mul", outputs, b.op("Sigmoid", gate))
    if len(layer._output_dense.kernel.shape) != 3:  # noqa: SLF001
        several = "nthk,hkde->ntde"
    outputs = _project(b, layer._output_dense, outputs, several)  # noqa: SLF001
    return [outputs, weights] if return_attention_scores else outputs


LAYERS = {
    layers.Attention: _attention(_dot_scores),
    layers.AdditiveAttention: _attention(_added_scores),
    layers.MultiHeadAttention: _multi_head,
}
