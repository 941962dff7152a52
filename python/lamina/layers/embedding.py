"""The layer that turns ids into vectors."""

from __future__ import annotations

from typing import Any

from lamina import ops, regularizers
from lamina.autodiff import as_array
from lamina.layers.sizes import check_sizes
from lamina.layers.weight_options import WithWeightOptions
from lamina.ops.prepared import prepared

__all__ = ["Embedding"]


class Embedding(WithWeightOptions):
    """Looks the vector of each id up in a table that is trained: ``outputs = embeddings[ids]``.

    The gradient is that of the rows that were looked up; what a training step costs does not grow
    with the table where the optimizer allows it (`lamina.optimizers`).

    Args:
        input_dim: how many ids there are: those from 0 to input_dim - 1.
        output_dim: the length of a vector.
        embeddings_initializer: how the table starts.
        embeddings_regularizer: a penalty on the table.
        embeddings_constraint: what the table has to keep to.
        mask_zero: whether id 0 is padding, which later layers leave out.
        weights: a table to start from, or a list with one.
        input_length: the length of the sequences, for the first layer of a `Sequential`.
        kwargs: the arguments of `Layer`.

    Shapes: ids of any shape, whole numbers; the outputs have one more axis, of output_dim.

    Raises:
        ValueError: if input_dim or output_dim is not positive, or the weights have another shape.
        IndexError: if an id is not in [0, input_dim); it names the id and its place.

    Source: Keras 3.

    """

    declared_dtype = "int32"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        input_length: Any = None,
        **kwargs: Any,
    ) -> None:
        if input_length is not None and not {"input_shape", "batch_input_shape"} & set(kwargs):
            kwargs["input_shape"] = (
                tuple(input_length) if isinstance(input_length, (tuple, list)) else (input_length,)
            )
        super().__init__(**kwargs)
        check_sizes(self, input_dim=input_dim, output_dim=output_dim)
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self._keep_weight_options(locals())
        self.mask_zero = self.supports_masking = bool(mask_zero)
        self.input_length = input_length
        if weights is not None:
            is_list = isinstance(weights, (list, tuple)) and len(weights) == 1
            self.build_from_shapes(None)
            self.set_weights(weights if is_list else [weights])

    def build(self, input_shape: Any = None) -> None:  # noqa: ARG002
        shape, options = (self.input_dim, self.output_dim), self._weight_options("embeddings")
        self.embeddings = self.add_weight(shape, name="embeddings", **options)

    def call(self, inputs: Any) -> Any:
        return ops.embedding(inputs, self.embeddings)

    def _prepared(self, x: Any) -> Any:
        return prepared(ops.embedding, x, self.embeddings)

    @property
    def _may_mask(self) -> bool:
        return self.mask_zero

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        return as_array(inputs) != 0 if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "mask_zero": self.mask_zero,
        }
        return (
            config if self.input_length is None else {**config, "input_length": self.input_length}
        )
