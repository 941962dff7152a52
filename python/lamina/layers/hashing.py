"""Categories without a vocabulary: each to a bin by its hash."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.autodiff import as_array
from lamina.graph import SymbolicTensor
from lamina.layers.categories import as_ids, checked_mode, encode, encoded_shape, refuse_sparse
from lamina.layers.hashes import checked_salt, farmhash64, siphash64
from lamina.layers.layer import Layer
from lamina.layers.structure import as_texts, shapes_of

__all__ = ["Hashing"]


class Hashing(Layer):
    """Turns texts or whole numbers into bins from 0 to ``num_bins`` - 1, by a hash.

    The hash is FarmHash64, or SipHash-2-4 with a ``salt``: the bins are those of Keras, on every
    machine. A number is hashed by its digits.

    Args:
        num_bins: how many bins there are.
        mask_value: what is in bin 0, in which nothing else is then.
        salt: one or two whole numbers.
        output_mode: ``"int"`` for bins; ``"one_hot"``, ``"multi_hot"`` or ``"count"`` for vectors,
            as in `CategoryEncoding`.
        sparse: False: there are no sparse arrays.
        kwargs: the arguments of `Layer`; ``dtype`` is that of the bins or vectors.

    Raises:
        TypeError: if it is called on what is neither texts nor numbers.
        ValueError: if an argument is wrong, or a number is not whole.

    Source: Keras 3.

    """

    takes_texts = True

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else None
        super().__init__(**kwargs)
        refuse_sparse(self, sparse)
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = checked_mode(self, output_mode, modes)
        if not isinstance(num_bins, (int, np.integer)) or num_bins < 1:
            raise ValueError(f"{self}: num_bins must be a whole number above 0, got {num_bins!r}")
        if self.output_mode == "int" and self._numpy_dtype.kind not in "iu":
            raise ValueError(f"{self}: bins are whole numbers, got dtype={self.dtype!r}")
        self.num_bins, self.mask_value = int(num_bins), mask_value
        self.salt = checked_salt(self, salt)
        self.declared_dtype = "int64" if isinstance(mask_value, int) else "string"

    def call(self, inputs: Any) -> Any:
        given = as_array(inputs)
        plain = as_ids(self, given) if given.dtype.kind in "fiub" else as_texts(given, self)
        values = plain.ravel().tolist()
        bins = {value: self._bin(value) for value in set(values)}
        found = np.array([bins[value] for value in values], np.int64).reshape(plain.shape)
        if self.output_mode == "int":
            return found.astype(self.dtype)
        return encode(found, self.output_mode, self.num_bins, self.dtype)

    def _bin(self, value: Any) -> int:
        masks = self.mask_value is not None and self.num_bins > 1
        if masks and value == self.mask_value:
            return 0
        text = str(value).encode()
        hashed = farmhash64(text) if self.salt is None else siphash64(text, self.salt)
        return hashed % (self.num_bins - masks) + masks

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return tuple(input_shape)
        return encoded_shape(tuple(input_shape), self.output_mode, self.num_bins)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        shape = self.compute_output_shape(shapes_of(args[0]))
        return SymbolicTensor(shape, self.dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": False,
        }
