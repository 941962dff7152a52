"""Numbers of categories as vectors of zeros and ones, or of counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray  # noqa: TC002

from lamina.autodiff import as_array
from lamina.graph import SymbolicTensor
from lamina.layers.layer import Layer
from lamina.layers.structure import shapes_of

__all__ = ["CategoryEncoding"]


def checked_mode(layer: Layer, mode: Any, modes: tuple[str, ...]) -> str:
    """Return an output mode by its name today, if it is one of these."""
    mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)
    if mode not in modes:
        raise ValueError(f"{layer}: output_mode must be one of {', '.join(modes)}, got {mode!r}")
    return str(mode)


def refuse_sparse(layer: Layer, sparse: Any) -> None:
    """Say that there are no sparse arrays, if one is asked for."""
    if sparse:
        raise ValueError(f"{layer}: sparse=True: there are no sparse arrays here; leave it out")


def encoded_shape(shape: Any, mode: str, depth: int | None) -> tuple[int | None, ...]:
    """Return the shape of what `encode` makes of ids of a shape."""
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*shape, depth)
    return (*shape[:-1], depth)


def encode(
    ids: NDArray[np.int64], mode: str, depth: int, dtype: Any, weights: Any = None
) -> NDArray[Any]:
    """Return ids (..., n) as ``"multi_hot"`` or ``"count"`` (..., depth), or each one-hot.

    ``"one_hot"`` gives (..., n, depth), or (..., depth) if n is 1. Ids below 0 count nowhere.
    """
    if ids.ndim == 0:
        ids = ids.reshape(1)
    shape = encoded_shape(ids.shape, mode, depth)
    samples = ids.reshape(-1, 1) if mode == "one_hot" else ids.reshape(-1, ids.shape[-1])
    rows = np.repeat(np.arange(len(samples)), samples.shape[1])
    return encode_rows(rows, samples.ravel(), len(samples), mode, depth, dtype, weights).reshape(
        shape
    )


def encode_rows(
    rows: NDArray[np.int64],
    ids: NDArray[np.int64],
    samples: int,
    mode: str,
    depth: int,
    dtype: Any,
    weights: Any = None,
) -> NDArray[Any]:
    """Return a matrix (samples, depth) of ones, or of counts, at each row and id."""
    encoded = np.zeros((samples, depth), dtype)
    counted = ids >= 0
    rows, ids = rows[counted], ids[counted]
    if mode == "count":
        np.add.at(encoded, (rows, ids), 1 if weights is None else weights[counted])
    else:
        encoded[rows, ids] = 1
    return encoded


def as_ids(layer: Layer, inputs: Any) -> NDArray[np.int64]:
    """Return whole numbers, whatever their type, as int64."""
    given = as_array(inputs)
    if given.dtype.kind == "f" and not (given == np.floor(given)).all():
        raise ValueError(f"{layer}: wanted whole numbers, got {given[given != np.floor(given)][0]}")
    return given.astype(np.int64, copy=False)


class CategoryEncoding(Layer):
    """Encodes whole numbers below ``num_tokens`` as vectors of that length.

    Args:
        num_tokens: how many different numbers there are: those from 0 on.
        output_mode: ``"one_hot"``: a one at each number; ``"multi_hot"``: ones at all numbers of a
            sample; ``"count"``: how often each number is in a sample, or with ``count_weights`` of
            the call (an array like the inputs) the sum of its weights.
        sparse: False: there are no sparse arrays.
        kwargs: the arguments of `Layer`.

    Shapes: ids (..., n), outputs (..., num_tokens); one-hot (..., n, num_tokens) unless n is 1.

    Raises:
        ValueError: if an argument is wrong, or weights are given in another mode than ``"count"``.
        IndexError: if a number is not in [0, num_tokens).

    Source: Keras 3.

    """

    declared_dtype = "int32"

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_sparse(self, sparse)
        self.output_mode = checked_mode(self, output_mode, ("one_hot", "multi_hot", "count"))
        if not isinstance(num_tokens, (int, np.integer)) or num_tokens < 1:
            raise ValueError(
                f"{self}: num_tokens must be a whole number above 0, got {num_tokens!r}; where it "
                f"is not known, IntegerLookup finds it"
            )
        self.num_tokens = int(num_tokens)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        ids = as_ids(self, inputs)
        outside = (ids < 0) | (ids >= self.num_tokens)
        if outside.any():
            place = np.unravel_index(np.argmax(outside), ids.shape)
            raise IndexError(
                f"{self}: {ids[place]} at {tuple(map(int, place))} is outside "
                f"[0, {self.num_tokens})"
            )
        weights = None
        if count_weights is not None:
            weights = as_array(count_weights)
            if self.output_mode != "count" or weights.shape != ids.shape:
                raise ValueError(
                    f"{self}: count_weights are for output_mode='count' and of the inputs' shape "
                    f"{ids.shape}; the mode is {self.output_mode!r}, their shape {weights.shape}"
                )
            weights = weights.ravel()
        return encode(ids, self.output_mode, self.num_tokens, self.dtype, weights)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(tuple(input_shape), self.output_mode, self.num_tokens)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        shape = self.compute_output_shape(shapes_of(args[0]))
        return SymbolicTensor(shape, self.dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tokens": self.num_tokens,
            "output_mode": self.output_mode,
        }
