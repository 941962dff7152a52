"""Attention with several heads, as in the transformer."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any, ClassVar

import numpy as np

from lamina import ops, regularizers
from lamina.autodiff import Tensor
from lamina.graph import infer_outputs
from lamina.layers.regularization import Dropout
from lamina.layers.sizes import check_sizes
from lamina.layers.structure import as_tensors, plain_masks
from lamina.layers.weight_options import WithWeightOptions
from lamina.registry import make_from_config

__all__ = ["MultiHeadAttention"]

_HIDDEN = -1e9  # the score of a hidden place, as in Keras


class _Projection(WithWeightOptions):
    """Multiplies the last axes of its input by a kernel of shape (inputs..., outputs...)."""

    def __init__(
        self,
        sizes: tuple[int, ...],
        bound: int,
        use_bias: bool,
        options: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._keep_weight_options(options)
        self._sizes, self._bound, self._use_bias = sizes, bound, use_bias
        self.supports_masking = True
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        shape = (*input_shape[-self._bound :], *self._sizes)
        self.kernel = self.add_weight(shape, name="kernel", **self._weight_options("kernel"))
        if self._use_bias:
            options = self._weight_options("bias")
            self.bias = self.add_weight(self._sizes, name="bias", **options)

    def call(self, inputs: Any) -> Any:
        free = inputs.shape[: len(inputs.shape) - self._bound]
        rows = ops.reshape(inputs, (*free, prod(inputs.shape[len(free) :])))
        kernel = ops.reshape(self.kernel, (rows.shape[-1], prod(self._sizes)))
        bias = None if self.bias is None else ops.reshape(self.bias, (-1,))
        return ops.reshape(ops.dense(rows, kernel, bias), (*free, *self._sizes))


class MultiHeadAttention(WithWeightOptions):
    """Attention by several heads: each softmax(q k^T / sqrt(key_dim)) v of its own projections.

    Called as ``layer(query, value, key=None)`` with shapes (N, T, d), (N, S, e), (N, S, f); without
    a key the value is it. The output is (N, T, d), or (N, T, *output_shape); with
    ``return_attention_scores`` also the weights (N, heads, T, S). Masks: ``query_mask`` (N, T),
    ``value_mask`` and ``key_mask`` (N, S) (by default those that the tensors carry),
    ``attention_mask`` (N, T, S), ``use_causal_mask`` and ``sliding_window`` all have to allow a
    place. ``attention_axes`` says along which axes to attend, if there are more than one.

    Weights: query/kernel (d, heads, key_dim), query/bias (heads, key_dim), the same of key, gate
    (with ``use_gate``, which multiplies what comes out by a sigmoid of the query) and value, then
    attention_output/kernel (heads, value_dim, d) and bias (d).

    Raises:
        ValueError: if a number of heads or a size is not positive, or key and value differ in
            length.

    Sources: Vaswani et al., Attention Is All You Need, 2017; the arguments are Keras's.

    """

    saved_names: ClassVar[dict[str, str]] = {
        f"_{part}_dense": f"{part}_dense" for part in ("query", "key", "value", "output")
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        del flash_attention  # there is one way to compute it here
        super().__init__(**kwargs)
        # As in Keras it is for what the projections give, not for the layer's own output.
        self._activity_regularizer = regularizers.get(activity_regularizer)
        value_dim = key_dim if value_dim is None else value_dim
        sizes = {"num_heads": num_heads, "key_dim": key_dim, "value_dim": value_dim}
        if sliding_window is not None:
            sizes["sliding_window"] = sliding_window
        check_sizes(self, **sizes)
        self.supports_masking = True
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim
        self.dropout, self.use_bias, self.use_gate, self.seed = dropout, use_bias, use_gate, seed
        self._output_sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.attention_axes = None if axes is None else tuple(axes)
        self.sliding_window = sliding_window
        self._keep_weight_options(locals())

    def build(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        rank = len(query_shape)
        axes = self.attention_axes or tuple(range(1, rank - 1))
        self.attention_axes = tuple(axis % rank for axis in axes)
        heads = self.num_heads
        self._query_dense = self._projection("query", (heads, self.key_dim), query_shape)
        self._key_dense = self._projection("key", (heads, self.key_dim), key_shape)
        if self.use_gate:
            self._gate_dense = self._projection("gate", (heads, self.value_dim), query_shape)
        self._value_dense = self._projection("value", (heads, self.value_dim), value_shape)
        sizes = tuple(self._output_sizes or query_shape[-1:])
        attended = (*query_shape[:-1], heads, self.value_dim)
        self._output_dense = self._projection("attention_output", sizes, attended, bound=2)
        self._dropout_layer = Dropout(
            self.dropout, seed=self.seed, dtype=self.dtype, name="dropout"
        )

    def _projection(self, name: str, sizes: Any, shape: Any, bound: int = 1) -> _Projection:
        options = {key: getattr(self, key) for key in self._option_names}
        for key in ("kernel_initializer", "bias_initializer"):
            # Each projection draws its own weights, also where the initializer has a seed.
            if hasattr(options[key], "get_config"):
                options[key] = make_from_config(type(options[key]), options[key].get_config())
        layer = _Projection(
            sizes,
            bound,
            self.use_bias,
            options,
            name=name,
            dtype=self.dtype,
            activity_regularizer=self._activity_regularizer,
        )
        layer.build_from_shapes(tuple(shape))
        return layer

    def _check_shapes(self, query_shape: Any, value_shape: Any, key_shape: Any) -> None:
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{self}: value and key must be equally long, got the shapes {tuple(value_shape)} "
                f"and {tuple(key_shape)}"
            )
        if len(query_shape) < 3 or len(query_shape) != len(value_shape):
            raise ValueError(
                f"{self}: query and value must be sequences (samples, steps, features), got the "
                f"shapes {tuple(query_shape)} and {tuple(value_shape)}"
            )

    def call(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        value = as_tensors(value, self)
        key = value if key is None else as_tensors(key, self)
        allowed = self._allowed(
            (len(query.shape), query.shape[1], value.shape[1]),
            _mask_of(query, query_mask),
            [_mask_of(value, value_mask), None if key is value else _mask_of(key, key_mask)],
            plain_masks(attention_mask),
            use_causal_mask,
        )
        outputs, weights = self._attend(
            self._query_dense(query) * (1 / sqrt(self.key_dim)),
            self._key_dense(key),
            self._value_dense(value),
            allowed,
            training,
        )
        if self.use_gate:
            outputs = outputs * ops.sigmoid(self._gate_dense(query))
        outputs = self._output_dense(outputs)
        return (outputs, weights) if return_attention_scores else outputs

    def _allowed(
        self, sizes: Any, query_mask: Any, value_masks: Any, attention_mask: Any, causal: bool
    ) -> Any:
        """Return which query may attend to which value, (N or 1, T, S), or None for all to all."""
        _, steps, places = sizes
        parts = [] if query_mask is None else [query_mask[..., :, np.newaxis]]
        parts += [mask[..., np.newaxis, :] for mask in value_masks if mask is not None]
        if causal:
            parts.append(np.tri(steps, places, dtype=np.bool_)[np.newaxis])
        if self.sliding_window is not None:
            distance = np.abs(np.arange(steps)[:, np.newaxis] - np.arange(places))
            parts.append((distance < self.sliding_window)[np.newaxis])
        if attention_mask is not None:
            parts.append(attention_mask)
        allowed = None
        for part in parts:
            allowed = part if allowed is None else allowed & part
        return allowed

    def _attend(self, query: Any, key: Any, value: Any, allowed: Any, training: Any) -> Any:
        """Return what each head makes of the projections (N, ..., heads, size), and the weights."""
        rank = len(query.shape)
        axes = self.attention_axes or ()
        batch = [axis for axis in range(rank - 1) if axis not in axes]  # the heads' axis included
        order = [*batch, *axes, rank - 1]
        counts = [prod(tensor.shape[axis] for axis in axes) for tensor in (query, key, value)]
        lead = tuple(query.shape[axis] for axis in batch)

        def rows(tensor: Any, count: int) -> Any:
            moved = ops.transpose(tensor, order)
            return ops.reshape(moved, (*lead, count, tensor.shape[-1]))

        q, k, v = (rows(t, n) for t, n in zip((query, key, value), counts, strict=True))
        scores = ops.matmul(q, ops.swapaxes(k, -2, -1))
        query_sizes = tuple(query.shape[axis] for axis in axes)
        places = (*lead, *query_sizes, *(key.shape[axis] for axis in axes))
        seen = None if allowed is None else self._spread(allowed, places, scores.shape)
        if seen is not None:
            scores = ops.where(seen, scores, _HIDDEN)
        weights = ops.softmax(scores, axis=-1)
        if seen is not None and not seen.any(axis=-1).all():
            weights = ops.where(seen, weights, 0)  # queries that may attend to nothing
        dropped = self._dropout_layer(weights, training=training) if self.dropout else weights
        attended = ops.reshape(ops.matmul(dropped, v), (*lead, *query_sizes, value.shape[-1]))
        return ops.transpose(attended, np.argsort(order).tolist()), ops.reshape(weights, places)

    def _spread(self, allowed: Any, places: Any, shape: Any) -> Any:
        """Return a mask with the shape of the scores: the axes that it lacks are the heads'."""
        before = len(allowed.shape) - 2 * len(self.attention_axes or ())
        missing = len(places) - len(allowed.shape)
        wide = allowed.reshape(allowed.shape[:before] + (1,) * missing + allowed.shape[before:])
        return np.broadcast_to(wide, places).reshape(shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Return the mask of the queries; the attention weights have none."""
        return [mask, None]

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> Any:
        value_shape = query_shape if value_shape is None else value_shape
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        return (*query_shape[:-1], *(self._output_sizes or query_shape[-1:]))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        return infer_outputs(self, args, kwargs, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "output_shape": self._output_sizes,
            "attention_axes": self.attention_axes,
            "sliding_window": self.sliding_window,
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "seed": self.seed,
        }


def _mask_of(tensor: Any, given: Any) -> Any:
    """Return the mask that was given, or else the one that the tensor carries."""
    if given is None:
        return tensor.mask if isinstance(tensor, Tensor) else None
    return plain_masks(given)
