"""Texts and whole numbers to places in a vocabulary, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.graph import SymbolicTensor
from lamina.layers.categories import as_ids
from lamina.layers.index_lookup import IndexLookup
from lamina.layers.structure import as_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["IntegerLookup", "StringLookup"]


class StringLookup(IndexLookup):
    """Turns texts into their places in a vocabulary, or with ``invert`` places into texts.

    Args:
        max_tokens: how large the vocabulary may become, special tokens included.
        num_oov_indices: how many places unknown texts share (by FarmHash64, or by SipHash with a
            ``salt``); with 0, they are errors.
        mask_token: a text for padding: place 0 in the mode ``"int"``, left out in the others.
        oov_token: what an unknown place becomes with ``invert``.
        vocabulary: the texts, or the path of a file with one on each line; else call `adapt`.
        idf_weights: their inverse document frequencies, for ``"tf_idf"``.
        invert: whether places become texts.
        output_mode: ``"int"`` for places; ``"one_hot"``, ``"multi_hot"``, ``"count"`` or
            ``"tf_idf"`` for vectors, as in `CategoryEncoding`.
        pad_to_max_tokens: whether those vectors have ``max_tokens`` elements.
        sparse: False: there are no sparse arrays.
        encoding: of texts that come as bytes.
        salt: one or two whole numbers.
        name: the layer's.
        kwargs: the other arguments of `Layer`.

    Raises:
        TypeError: if it is called on what is no text.
        ValueError: if an argument or a vocabulary is wrong; for unknown texts without a place.

    Source: Keras 3.

    """

    declared_dtype = "string"
    takes_texts = True

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",  # noqa: S107 - nobody's password
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        method = kwargs.pop("oov_method", "floormod")
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, method, salt, name=name, **kwargs,
        )  # fmt: skip
        if invert:
            self.declared_dtype = "int64"

    def _plain(self, given: NDArray[Any]) -> NDArray[Any]:
        return as_texts(given, self, self.encoding)

    def _as_token(self, line: str) -> Any:
        return line

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        spec = super().compute_output_spec(*args, **kwargs)
        return SymbolicTensor(spec.shape, "string", self.name) if self.invert else spec

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}


class IntegerLookup(IndexLookup):
    """Turns whole numbers into their places in a vocabulary, or with ``invert`` back.

    The arguments are those of `StringLookup`, with numbers in the place of texts; besides:
    ``vocabulary_dtype`` is ``"int64"``; ``oov_method`` says how unknown numbers share places:
    ``"floormod"`` by the remainder, ``"farmhash"`` by FarmHash64 of the number's digits, or SipHash
    with a ``salt``.

    Raises:
        ValueError: if an argument or a vocabulary is wrong; for unknown numbers without a place.

    Source: Keras 3.

    """

    declared_dtype = "int64"
    _token_dtype = np.int64

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, oov_method, salt, name=name, **kwargs,
        )  # fmt: skip
        if vocabulary_dtype != "int64":
            raise ValueError(f"{self}: vocabulary_dtype must be 'int64', got {vocabulary_dtype!r}")
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"{self}: salt belongs to oov_method='farmhash'")

    def _plain(self, given: NDArray[Any]) -> NDArray[Any]:
        return as_ids(self, given)

    def _as_token(self, line: str) -> Any:
        return int(line)

    def _bucket(self, token: Any) -> int:
        if self.oov_method == "floormod":
            return int(token % self.num_oov_indices)
        return super()._bucket(token)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_dtype": "int64"}
