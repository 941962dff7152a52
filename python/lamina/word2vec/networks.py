"""Word vectors into a network, as the weights of its `Embedding`, and back out of a trained one."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamina.word2vec.table import VectorTable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

# Below this share of words with a vector, something is probably wrong.
_LOW = 0.5


def word_ids(words: Any, num_words: int | None = None) -> dict[str, int]:
    """Return the ids of words, below ``num_words`` if that is given.

    ``words`` is a Tokenizer (whose ``num_words`` counts as well), a layer with a vocabulary, a dict
    from words to ids, or a list of words in the order of their ids.

    Raises:
        TypeError: if it is none of these.
        ValueError: if an id is no whole number from 0 up, or there are no words.

    """
    if hasattr(words, "word_index"):
        words, limit = words.word_index, getattr(words, "num_words", None)
        num_words = limit if num_words is None else num_words
    elif hasattr(words, "get_vocabulary"):
        words = words.get_vocabulary()
    if isinstance(words, (list, tuple)):
        words = {word: place for place, word in enumerate(words)}
    if not isinstance(words, dict):
        raise TypeError(
            f"the words' ids: wanted a Tokenizer, its word_index (a dict from words to ids) or a "
            f"list of words, got {type(words).__name__}"
        )
    for word, number in words.items():
        if not isinstance(number, (int, np.integer)) or isinstance(number, bool) or number < 0:
            raise ValueError(f"the words' ids: {word!r} has {number!r}, wanted a whole number")
    found = {  # lists of words have an empty one for padding
        word: int(number)
        for word, number in words.items()
        if word != "" and (num_words is None or number < num_words)
    }
    if not found:
        cause = f" with an id below num_words={num_words}" if words else ""
        raise ValueError(f"the words' ids: there is no word{cause}: was fit_on_texts called?")
    return found


class InNetworks(VectorTable):
    """What `KeyedVectors` have to do with `lamina.layers.Embedding`."""

    def to_embedding(
        self,
        words: Any = None,
        trainable: bool = False,
        *,
        num_words: int | None = None,
        unknown: Literal["zeros", "random"] = "zeros",
        seed: int | None = None,
        **options: Any,
    ) -> Any:
        """Return an `Embedding` layer with these vectors as its weights.

        The row of an id is the vector of its word; ids without a word, such as the 0 that pads
        sequences, have zeros. The layer's ``coverage`` is the share of the words that have a vector
        here, ``missing_words`` the number of the others; if they are most, a warning says so.

        Args:
            words: which id means which word: a Tokenizer, its ``word_index``, or a list of words in
                the order of their ids. None: the ids are the rows of these vectors.
            trainable: whether training changes the layer.
            num_words: leave out words with this id or a higher one; by default the Tokenizer's.
            unknown: what words without a vector get: ``"zeros"``, or ``"random"`` numbers as large
                as those of the others.
            seed: of the random numbers.
            options: further arguments of `Embedding`: ``mask_zero``, ``input_length``, ``name`` ...

        Raises:
            TypeError: if ``words`` is none of these.
            ValueError: if there is no word, or ``mask_zero`` would hide one.

        """
        if unknown not in ("zeros", "random"):
            raise ValueError(f"to_embedding: unknown is 'zeros' or 'random', got {unknown!r}")
        ids = dict(self.key_to_index) if words is None else word_ids(words, num_words)
        if words is None and num_words is not None:
            ids = word_ids(ids, num_words)
        if not ids:
            raise ValueError("to_embedding: there are no vectors yet")
        hidden = next((word for word, number in ids.items() if number == 0), None)
        if options.get("mask_zero") and hidden is not None:
            raise ValueError(
                f"to_embedding: mask_zero takes the id 0 for padding, but it is that of "
                f"{hidden!r}: give a word_index that counts from 1"
            )
        matrix, missing = self._matrix(ids, unknown, seed)
        layers = importlib.import_module("lamina.layers")  # vectors alone need no networks
        layer = layers.Embedding(
            *matrix.shape,
            weights=[matrix],
            trainable=trainable,
            **{"embeddings_initializer": "zeros", **options},
        )
        layer.coverage = 1 - len(missing) / len(ids)
        layer.missing_words = len(missing)
        if layer.coverage < _LOW:
            warnings.warn(self._about(missing, len(ids)), stacklevel=2)
        return layer

    def _matrix(
        self, ids: dict[str, int], unknown: str, seed: int | None
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Return the rows of all ids, and the words that have no vector."""
        rows = self.key_to_index
        known = [(number, rows[word]) for word, number in ids.items() if word in rows]
        missing = [word for word in ids if word not in rows]
        matrix = np.zeros((max(ids.values()) + 1, self.vector_size), np.float32)
        places, sources = np.array(known, np.intp).reshape(-1, 2).T
        matrix[places] = self.vectors[sources]
        if unknown == "random" and missing:
            scale = float(matrix[places].std()) if len(places) else 1.0
            of_missing = [ids[word] for word in missing]
            generator = np.random.default_rng(seed)
            matrix[of_missing] = generator.normal(0, scale, (len(of_missing), self.vector_size))
        return matrix, missing

    def _about(self, missing: list[str], count: int) -> str:
        rows = self.key_to_index
        folded = sum(str(word).lower() in rows for word in missing)
        cause = (
            f"; {folded} have one in lower case: lower-case the texts"
            if folded > len(missing) / 2
            else ": are the vectors of another language or another way to cut texts into words?"
        )
        return (
            f"to_embedding: {len(missing)} of {count} words have no vector "
            f"({', '.join(map(repr, missing[:5]))} ...){cause}"
        )

    @classmethod
    def from_embedding(cls, layer: Any, words: Any) -> Self:
        """Return the vectors of a trained `Embedding`, by the words that its ids mean.

        Args:
            layer: the layer, of lamina or of Keras.
            words: a Tokenizer, its ``word_index``, or a list of words in the order of their ids.
                Words whose ids the layer does not have are left out.

        Raises:
            TypeError: if the layer holds no table, or ``words`` is none of these.
            ValueError: if the layer is not built, or no word has an id that it has.

        """
        weights = layer.get_weights() if hasattr(layer, "get_weights") else []
        if len(weights) != 1 or np.ndim(weights[0]) != 2:
            if getattr(layer, "built", True):
                raise TypeError(f"from_embedding: wanted an Embedding, got {layer!r:.100}")
            raise ValueError(f"from_embedding: {layer!r} has no weights yet: call it once")
        table = np.asarray(weights[0])
        ids = word_ids(words, min(len(table), getattr(words, "num_words", None) or len(table)))
        chosen = sorted(ids, key=ids.__getitem__)
        result = cls(table.shape[1], 0, table.dtype)
        result.add_vectors(chosen, table[[ids[word] for word in chosen]])
        return result
