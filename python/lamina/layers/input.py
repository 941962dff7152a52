"""Where data enters a graph."""

from __future__ import annotations

from typing import Any

from lamina.graph import SymbolicTensor, default_dtype, record
from lamina.layers.layer import Layer
from lamina.layers.naming import unique_name

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The place of an input in a graph; `Input` makes one and returns its tensor."""

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        *,
        batch_shape: Any = None,
        name: str | None = None,
    ) -> None:
        kind = default_dtype(dtype)
        numbers = None if kind == "string" else kind
        super().__init__(name=unique_name("Input") if name is None else name, dtype=numbers)
        self.dtype = kind
        if shape is None and batch_shape is None:
            raise ValueError("Input: say shape=, without the axis of samples: Input(shape=(784,))")
        if isinstance(shape, int):
            raise TypeError(f"Input: shape must be a tuple, got {shape}: ({shape},) is meant?")
        self.batch_shape = tuple(batch_shape) if shape is None else (batch_size, *shape)
        for size in self.batch_shape:
            if size is not None and (not isinstance(size, int) or size < 0):
                raise ValueError(
                    f"Input: a size is a whole number or None, got {size!r} in {self.batch_shape}"
                )
        self.built = True
        record(self, (), {}, SymbolicTensor(self.batch_shape, self.dtype, self.name))

    def call(self, inputs: Any) -> Any:
        """Return the input."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same input."""
        return {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "name": self.name}


def Input(  # noqa: N802
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    name: str | None = None,
    *,
    batch_shape: Any = None,
) -> SymbolicTensor:
    """Return the symbolic tensor of an input with this shape for each sample.

    Args:
        shape: the sizes without the axis of samples; None for one that may differ.
        batch_size: the number of samples, if it is fixed.
        dtype: the default float type if None; ``"int32"`` for ids, ``"string"`` for texts.
        name: counted from ``input_1`` if None.
        batch_shape: the sizes with the axis of samples, instead of ``shape``.

    """
    layer = InputLayer(shape, batch_size, dtype, batch_shape=batch_shape, name=name)
    tensor: SymbolicTensor = layer.inbound_nodes[0].outputs[0]
    return tensor
