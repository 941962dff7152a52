"""Texts to the places of their words in a vocabulary, or to vectors of counts."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import as_array
from lamina.graph import SymbolicTensor
from lamina.layers.categories import checked_mode, encode_rows
from lamina.layers.index_lookup import without_path
from lamina.layers.layer import Layer
from lamina.layers.lookup import StringLookup
from lamina.layers.structure import as_texts, shapes_of
from lamina.registry import Registry
from lamina.words import WordCounts, WordIndices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["TextVectorization"]

_functions = Registry("function", "builtins")  # knows custom and registered ones

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_STRIP = str.maketrans("", "", string.punctuation)
_WHITESPACE = " \t\n\r\v\f"

_STANDARDS = (None, "lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLITS = (None, "whitespace", "character")
_CHUNK = 1024  # texts that are taken at once: what they become still lies in the cache


class TextVectorization(Layer):
    """Cuts texts into words and turns those into their places in a vocabulary, or into vectors.

    Args:
        max_tokens: how large the vocabulary may become, special tokens included.
        standardize: ``"lower_and_strip_punctuation"``, ``"lower"``, ``"strip_punctuation"``, None,
            or a function from an array of texts to another. Only ASCII is lowered and stripped, as
            in Keras.
        split: ``"whitespace"`` (of ASCII, as in Keras), ``"character"``, None, or a function from
            an array of texts to their lists of words.
        ngrams: words that follow one another become tokens of so many words as well: a number for
            all lengths up to it, or a tuple of lengths.
        output_mode: ``"int"``: places, padded with 0; ``"multi_hot"``, ``"count"``, ``"tf_idf"``:
            a vector for each text.
        output_sequence_length: the number of places; that of the longest text if None.
        pad_to_max_tokens: whether vectors have ``max_tokens`` elements.
        vocabulary: the words, or the path of a file with one on each line; else call `adapt`.
        idf_weights: their inverse document frequencies, for ``"tf_idf"``.
        sparse: False: there are no sparse arrays.
        ragged: False: nor ragged ones.
        encoding: of texts that come as bytes.
        name: the layer's.
        kwargs: the other arguments of `Layer`.

    Shapes: texts (samples,) or (samples, 1); outputs (samples, length). Place 0 is padding in the
    mode ``"int"``, and the next, or 0 in the others, is that of unknown words.

    Raises:
        TypeError: if it is called on what is no text.
        ValueError: if an argument, a vocabulary or a shape is wrong.

    Source: Keras 3.

    """

    declared_dtype = "string"
    takes_texts = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[Any], Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[[Any], Any] | None = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        own = {key: kwargs.pop(key) for key in _OF_LOOKUP if key in kwargs}
        super().__init__(name=name, **kwargs)
        for what, value, known in (
            ("standardize", standardize, _STANDARDS),
            ("split", split, _SPLITS),
        ):
            if not callable(value) and value not in known:
                raise ValueError(
                    f"{self}: {what} must be a function or one of {', '.join(map(repr, known))}, "
                    f"got {value!r}"
                )
        self.output_mode = checked_mode(self, output_mode, ("int", "multi_hot", "count", "tf_idf"))
        if ragged:
            raise ValueError(f"{self}: ragged=True: there are no ragged arrays here; leave it out")
        if output_sequence_length is not None and (
            self.output_mode != "int" or output_sequence_length < 1
        ):
            raise ValueError(
                f"{self}: output_sequence_length is a whole number above 0 in the mode 'int', got "
                f"{output_sequence_length!r} in the mode {self.output_mode!r}"
            )
        self.standardize, self.split, self.ngrams = standardize, split, ngrams
        self._widths = _widths(self, ngrams)
        self.output_sequence_length = output_sequence_length
        self.encoding = encoding
        self._lookup = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=self.output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
            name=f"{self.name}_lookup",
            **own,
        )
        self._indices: WordIndices | None = None

    def _rules(self) -> core.TextRules | None:
        """Return how the kernel is to cut texts; None if functions or other cuts are wanted."""
        if self.split != "whitespace" or self._widths or callable(self.standardize):
            return None
        named = self.standardize or ""
        strip = string.punctuation if "strip" in named else ""
        return core.TextRules(_WHITESPACE, strip, "lower" in named, False)

    def _standardized(self, texts: NDArray[Any]) -> NDArray[Any]:
        if callable(self.standardize):
            plain = np.asarray(texts.tolist(), dtype=str)
            return as_texts(as_array(self.standardize(plain)), self, self.encoding)
        named = self.standardize or ""
        found = np.empty(texts.shape, object)
        for place, text in np.ndenumerate(texts):
            text = text.translate(_LOWER) if "lower" in named else text  # noqa: PLW2901
            found[place] = text.translate(_STRIP) if "strip" in named else text
        return found

    def _cut(self, texts: NDArray[Any]) -> list[list[str]]:
        """Return the tokens of each text, without the kernel."""
        texts = self._standardized(texts)
        if self.split is None:
            rows = texts.reshape(len(texts), -1).tolist()
        elif callable(self.split):
            rows = [
                list(map(str, row)) for row in self.split(np.asarray(texts.tolist(), dtype=str))
            ]
        elif self.split == "character":
            rows = [list(text) for text in texts]
        else:
            rows = [text.encode("utf-8", "surrogatepass").split() for text in texts]
            rows = [[word.decode("utf-8", "surrogatepass") for word in row] for row in rows]
        if self._widths:
            rows = [
                [
                    " ".join(row[begin : begin + width])
                    for width in self._widths
                    for begin in range(len(row) - width + 1)
                ]
                for row in rows
            ]
        return rows

    def _cut_one(self, text: Any, _: int) -> Sequence[Any]:
        return self._cut(np.array([text], object))[0]

    def _texts(self, given: Any) -> NDArray[Any]:
        """Return texts with one axis; with ``split=None`` they may have more."""
        array = as_array(given) if hasattr(given, "dtype") else np.array(given, dtype=object)
        texts = as_texts(array, self, self.encoding)
        if texts.ndim == 0:
            return texts.reshape(1)
        if self.split is None or texts.ndim == 1:
            return texts
        if texts.shape[-1] != 1 or texts.ndim > 2:
            raise ValueError(
                f"{self}: wanted texts of the shape (samples,) or (samples, 1), got {texts.shape}"
            )
        return texts[:, 0]

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:  # noqa: ARG002
        """Make the vocabulary of texts: their words, the most frequent first.

        Words that are equally frequent stand in descending order. Data are one array or list of
        texts, or batches of texts, of which ``steps`` are read.

        Raises:
            ValueError: if the layer was made with a vocabulary.

        """
        rules = self._rules()
        counted = WordCounts(rules, self._cut_one)
        for texts in self._batches(data, steps):
            for begin in range(0, len(texts), _CHUNK):
                part = texts[begin : begin + _CHUNK]
                if rules is None:
                    for row in self._cut(part):
                        counted.add_words(row)
                else:
                    counted.add(part.tolist())
        self._lookup.learn(*counted.result(), counted.number)
        self._indices = None

    def _batches(self, data: Any, steps: int | None) -> Iterator[NDArray[Any]]:
        if isinstance(data, (str, bytes, list, tuple, np.ndarray)) or hasattr(data, "__array__"):
            yield self._texts(data)
            return
        for place, batch in enumerate(data):
            if steps is not None and place >= steps:
                return
            yield self._texts(batch[0] if isinstance(batch, tuple) else batch)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Return the words, each at its place; without the special ones, those alone."""
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Return the number of places, those of padding and unknown words included."""
        return self._lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take over a vocabulary: see `StringLookup.set_vocabulary`."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)
        self._indices = None

    def load_own_variables(self, store: dict[str, Any]) -> None:
        self._lookup.load_own_variables(store)

    def load_assets(self, folder: str) -> None:
        """Take over the vocabulary that Keras keeps in ``vocabulary.txt`` if it was adapted."""
        self._lookup.load_assets(folder)
        self._indices = None

    def call(self, inputs: Any) -> Any:
        texts = self._texts(inputs)
        parts = [texts[begin : begin + _CHUNK] for begin in range(0, len(texts), _CHUNK)]
        found = [self._ids(part) for part in parts]
        if self.output_mode == "int":
            longest = max((int(lengths.max()) for _, lengths in found), default=0)
            padded = np.zeros((len(texts), self.output_sequence_length or longest), np.int64)
            for number, (ids, lengths) in enumerate(found):
                _write_rows(padded[number * _CHUNK :], ids, lengths)
            return padded
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        depth = self._lookup.depth
        encoded = np.zeros((len(texts), depth), self.dtype)
        for number, (ids, lengths) in enumerate(found):
            rows = np.repeat(np.arange(len(lengths)), lengths)
            part = encode_rows(rows, ids, len(lengths), mode, depth, self.dtype)
            encoded[number * _CHUNK :][: len(lengths)] = part
        return self._lookup.weighted(encoded)

    def _ids(self, texts: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of all words, text after text, and each text's number of words."""
        rules = self._rules()
        if rules is None:
            rows = self._cut(texts)
            lengths = np.fromiter(map(len, rows), np.int64, len(rows))
            return self._lookup.find([word for row in rows for word in row]), lengths
        if self._indices is None:
            words = self.get_vocabulary(include_special_tokens=False)
            self._indices = WordIndices(rules, words, self._cut_one)
        indices, lengths = self._indices.find(texts.tolist())
        unknown = int(self.output_mode == "int")
        ids = np.where(indices < 0, unknown, indices + (unknown + 1)).astype(np.int64)
        return ids, lengths

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return (input_shape[0], self.output_sequence_length)
        return (input_shape[0], self._lookup.depth)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        dtype = "int64" if self.output_mode == "int" else self.dtype
        return SymbolicTensor(self.compute_output_shape(shapes_of(args[0])), dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        inner = self._lookup.get_config()
        config = {
            **super().get_config(),
            "max_tokens": inner["max_tokens"],
            "standardize": _saved(self.standardize),
            "split": _saved(self.split),
            "ngrams": self.ngrams,
            "output_mode": self.output_mode,
            "output_sequence_length": self.output_sequence_length,
            "sparse": False,
            "ragged": False,
            "encoding": self.encoding,
        }
        for key in ("pad_to_max_tokens", "vocabulary", "idf_weights", *_OF_LOOKUP):
            if key in inner:
                config[key] = inner[key]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer of what `get_config` returned, here or in Keras.

        Raises:
            ValueError: if the vocabulary is the path of a file, which a config must not name.

        """
        config = dict(without_path(config))
        for key in ("standardize", "split"):
            if isinstance(config.get(key), dict):
                config[key] = _functions.deserialize(config[key])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return cls(**config)


# What a config holds for the lookup within.
_OF_LOOKUP = ("vocabulary_size", "has_input_vocabulary")


def _write_rows(
    padded: NDArray[np.int64], ids: NDArray[np.int64], lengths: NDArray[np.int64]
) -> None:
    """Write ids, so many for each row, to the beginnings of rows; what is too much is left out."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    kept = columns < padded.shape[1]
    padded[rows[kept], columns[kept]] = ids[kept]


def _saved(value: Any) -> Any:
    return _functions.serialize(value) if callable(value) else value


def _widths(layer: Layer, ngrams: Any) -> tuple[int, ...]:
    """Return how many words make a token, () where a word does."""
    if ngrams is None:
        return ()
    widths = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
    whole = isinstance(widths, tuple) and all(isinstance(each, int) for each in widths)
    if not whole or not widths or min(widths) < 1:
        raise ValueError(
            f"{layer}: ngrams must be a number above 0, a tuple of them, or None, got {ngrams!r}"
        )
    return widths
