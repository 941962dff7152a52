"""Attention of one sequence to another, by dot products or by sums (Luong, Bahdanau)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.graph import SymbolicTensor
from lamina.layers.layer import Layer
from lamina.layers.regularization import Dropout

__all__ = ["AdditiveAttention", "Attention"]

_HIDDEN = 1e9  # what is taken from the score of a hidden place, as in Keras


class Attention(Layer):
    """Dot-product attention: softmax(query key^T) value.

    Called on [query, value] or [query, value, key] of shapes (N, Tq, d), (N, Tv, d), (N, Tv, d);
    without a key the value is it. The output is (N, Tq, d) and with ``return_attention_scores``
    also the weights (N, Tq, Tv). ``score_mode="concat"`` scores by w * sum(tanh(query + key)), with
    a weight w; ``use_scale`` adds a scalar weight to the scores. ``mask`` is [query_mask,
    value_mask]: hidden queries give zeros, hidden values no part; with ``use_causal_mask`` no query
    attends to later places.

    Raises:
        ValueError: if the inputs or the masks are not a list of two or three.

    Sources: Luong et al., 2015; the arguments are Keras's.

    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in {"dot", "concat"}:
            raise ValueError(f"{self}: score_mode must be 'dot' or 'concat', got {score_mode!r}")
        self.use_scale, self.score_mode = use_scale, score_mode
        self.dropout, self.seed = dropout, seed
        self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype, name="dropout")
        self.supports_masking = True
        self.scale: Any = None
        self.concat_score_weight: Any = None

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def scores(self, query: Any, key: Any) -> Any:
        """Return how much each query (N, Tq, d) has to do with each key (N, Tv, d): (N, Tq, Tv)."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        if self.scale is not None:
            pairs = pairs * self.scale
        return self.concat_score_weight * ops.sum(ops.tanh(pairs), axis=-1)

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = self._masks(mask)
        scores = self.scores(query, key)
        seen = None if value_mask is None else value_mask[..., np.newaxis, :]
        if use_causal_mask:
            causal = np.tri(*scores.shape[-2:], dtype=np.bool_)
            seen = causal if seen is None else seen & causal
        if seen is not None:
            scores = ops.where(seen, scores, scores - _HIDDEN)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = self._dropout_layer(weights, training=training)
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = ops.where(query_mask[..., np.newaxis], outputs, 0)
        return (outputs, weights) if return_attention_scores else outputs

    def _masks(self, mask: Any) -> tuple[Any, Any]:
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or not 2 <= len(mask) <= 3:
            raise ValueError(
                f"{self}: mask must be a list of two, [query_mask, value_mask], got {mask!r:.80}"
            )
        return mask[0], mask[1]

    def _check(self, inputs: Any) -> None:
        if not isinstance(inputs, (list, tuple)) or not 2 <= len(inputs) <= 3:
            got = len(inputs) if isinstance(inputs, (list, tuple)) else type(inputs).__name__
            raise ValueError(
                f"{self}: wanted a list of two or three tensors, [query, value] or [query, value, "
                f"key], got {got}"
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Return the mask of the queries; the attention weights have none."""
        return [self._masks(mask)[0], None]

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        shapes = [tuple(tensor.shape) for tensor in args[0]]
        outputs = SymbolicTensor(self.compute_output_shape(shapes), self.dtype, self.name)
        if not kwargs.get("return_attention_scores"):
            return outputs
        weights = (*shapes[0][:-1], shapes[-1][-2])
        return outputs, SymbolicTensor(weights, self.dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


class AdditiveAttention(Attention):
    """Additive attention: softmax(sum(scale * tanh(query + key))) value.

    Called as `Attention`; ``use_scale`` makes scale a weight of size d, else it is 1.

    Sources: Bahdanau, Cho and Bengio, 2015; the arguments are Keras's.

    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(
                name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform"
            )

    def scores(self, query: Any, key: Any) -> Any:
        pairs = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(pairs if self.scale is None else pairs * self.scale, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
