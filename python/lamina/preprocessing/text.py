"""From texts to words and their numbers: Keras 2's `Tokenizer`, which Keras 3 removed.

Words are cut, counted and looked up by a kernel wherever they are cut by ``filters`` and ``split``;
texts that come as lists of words, characters, and what an ``analyzer`` gives are counted here.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import itertools
import json
import math
from collections import Counter, OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.words import WordCounts, WordIndices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Tokenizer",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "tfidf", "freq")

# Texts that are handed to the kernel at once: what they become still lies in the cache.
_CHUNK = 1024

# A table for the kernel takes as long to make as so many characters for each of its words take
# Python: fewer are looked up without.
_WORTH = 2


def text_to_word_sequence(
    input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Return the words of a text: what stands between ``split`` and the characters of ``filters``.

    With ``lower``, the text is put into small letters first, as ``str.lower`` does.

    Raises:
        TypeError: if the text is not a str.
        ValueError: if ``split`` is empty: for single characters, `Tokenizer` has char_level.

    Source: Keras 2.

    """
    if not isinstance(input_text, str):
        raise TypeError(f"text_to_word_sequence: wanted a str, got {_shown(input_text)}")
    if not split:
        raise ValueError(
            "text_to_word_sequence: split must not be empty: char_level=True is meant?"
        )
    text = input_text.lower() if lower else input_text
    separators: dict[str, str | int | None] = {each: split for each in filters}  # noqa: C420
    text = text.translate(str.maketrans(separators))
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[Any]] | None = None,
) -> list[int]:
    """Return `hashing_trick` of a text with Python's own ``hash``."""
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: str | Callable[[Any], int] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[Any]] | None = None,
) -> list[int]:
    """Return a number in [1, n) for each word of a text: ``hash_function(word) % (n - 1) + 1``.

    Different words may get the same number. ``hash_function`` is a function to whole numbers,
    ``"md5"``, or None for Python's ``hash``, which differs from one run of Python to the next:
    what is to be kept needs ``"md5"``. ``analyzer`` is a function from a text to its words, in
    place of `text_to_word_sequence`.

    Raises:
        ValueError: if n is less than 2, or the hash function is unknown.

    Source: Keras 2.

    """
    if n < 2:
        raise ValueError(f"hashing_trick: n must be at least 2, got {n}: 0 is for padding")
    if isinstance(hash_function, str) and hash_function != "md5":
        raise ValueError(
            f"hashing_trick: hash_function must be 'md5', a function or None, got {hash_function!r}"
        )
    number = _md5 if hash_function == "md5" else hash_function or hash
    cut = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [number(word) % (n - 1) + 1 for word in cut]  # type: ignore[operator]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Numbers the words of texts by how frequent they are, and encodes texts by those numbers.

    The most frequent word is 1, or 2 after an ``oov_token``; of words that are equally frequent,
    the one that was met first comes first. 0 is nobody's number: it is for padding.

    Args:
        num_words: only numbers below this one are given out; every word is counted all the same.
        filters: characters that end a word and are in none.
        lower: whether texts are put into small letters first.
        split: what stands between words.
        char_level: whether every character is a word.
        oov_token: the word that stands for every other that is unknown, or whose number is not
            below num_words; if None, those are left out.
        analyzer: a function from a text to its words, in place of filters, lower and split.
        kwargs: ``document_count``, the number of texts so far; ``nb_words``, the old spelling of
            num_words.

    Attributes: ``word_counts`` (how often each word was met, in the order of their first meeting),
    ``word_docs`` (in how many texts), ``word_index`` and ``index_word`` (words to numbers and
    back), ``index_docs`` (numbers to how many texts), ``document_count``.

    Texts are str, or lists of words, which are taken as they are but for ``lower``.

    Source: Keras 2.

    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: Any = None,
        analyzer: Callable[[str], Iterable[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        if "nb_words" in kwargs:
            num_words = kwargs.pop("nb_words")
        self.document_count: int = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(
                f"Tokenizer.__init__() got an unexpected keyword argument {next(iter(kwargs))!r}"
            )
        if num_words is not None and not isinstance(num_words, (int, np.integer)):
            raise TypeError(f"Tokenizer: num_words must be a whole number, got {_shown(num_words)}")
        if not split:
            raise ValueError("Tokenizer: split must not be empty: char_level=True is meant?")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: dict[Any, int] = OrderedDict()
        self.word_docs: dict[Any, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[Any, int] = {}
        self.index_word: dict[int, Any] = {}

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts, and number all words anew.

        Raises:
            TypeError: if a text is neither a str nor a list; nothing has changed then.

        """
        counted = WordCounts(self._rules(), self._words)
        for chunk in _chunks(texts, self.char_level, "fit_on_texts"):
            counted.add(chunk)
        for total, found in zip((self.word_counts, self.word_docs), counted.result(), strict=True):
            if not total:
                total.update(found)
                continue
            for word, count in found.items():
                total[word] = total.get(word, 0) + count
        self.document_count += counted.number
        words = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        if self.oov_token is not None:
            words.insert(0, self.oov_token)
        self.word_index = dict(zip(words, range(1, len(words) + 1), strict=True))
        self.index_word = {index: word for word, index in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Sequence[Iterable[int]]) -> None:
        """Count in how many sequences each number occurs, for `sequences_to_matrix` and tf-idf."""
        found: Counter[int] = Counter()
        for sequence in sequences:
            found.update(set(sequence))
        self.document_count += len(sequences)
        for index, count in found.items():
            self.index_docs[index] = self.index_docs.get(index, 0) + count

    def _rules(self) -> core.TextRules | None:
        """Return how the kernel is to cut texts; None if that is not by single characters."""
        separators = (*self.filters, self.split)
        by_characters = all(len(each) == 1 for each in separators)
        if self.char_level or self.analyzer is not None or not by_characters:
            return None
        if not any(each.isascii() for each in separators):
            return None
        return core.TextRules("".join(separators), "", self.lower, self.lower)

    def _words(self, text: Any, place: int) -> Sequence[Any]:
        """Return the words of a text; ``place`` is the text's, for the message if it is none."""
        if isinstance(text, (list, tuple)):
            return [word.lower() for word in text] if self.lower else text
        if not isinstance(text, str):
            raise TypeError(
                f"Tokenizer: text {place} is {_shown(text)}, wanted a str or a list of words"
                + (": are there missing values?" if text is None or text != text else "")  # noqa: PLR0124
            )
        if self.char_level:
            return text.lower() if self.lower else text
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Return the numbers of the words of each text: a list of lists.

        Raises:
            TypeError: if a text is neither a str nor a list.
            ValueError: if there are no words yet, or ``oov_token`` is not among them.

        """
        with _no_collection():
            return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Yield what `texts_to_sequences` returns."""
        unknown = self._unknown("texts_to_sequences")
        rules, known, indices = self._rules(), {}, None
        characters = place = 0
        for chunk in _chunks(texts, self.char_level, "texts_to_sequences"):
            characters += sum(len(text) for text in chunk if isinstance(text, str))
            if indices is None and rules is not None and characters > _WORTH * len(self.word_index):
                limit = self.num_words or math.inf
                known = {word: i for word, i in self.word_index.items() if i < limit}
                indices = WordIndices(rules, list(known), self._words)
            if indices is not None:
                yield from core.gather_lists(*indices.find(chunk), list(known.values()), unknown)
            else:
                for number, text in enumerate(chunk):
                    yield self._numbers(self._words(text, place + number), unknown)
            place += len(chunk)

    def _numbers(self, words: Sequence[Any], unknown: int | None) -> list[int]:
        find, limit = self.word_index.get, self.num_words or math.inf
        numbers = []
        for word in words:
            index = find(word)
            if index is None or index >= limit:
                index = unknown
            if index is not None:
                numbers.append(index)
        return numbers

    def _unknown(self, what: str) -> int | None:
        """Return the number of the ``oov_token``, None if there is no such token."""
        if not self.word_index and not self.document_count:
            raise ValueError(f"Tokenizer.{what}: it knows no words yet: fit_on_texts comes first")
        if self.oov_token is None:
            return None
        if self.oov_token not in self.word_index:
            raise ValueError(
                f"Tokenizer.{what}: the oov_token {self.oov_token!r} is not in word_index: was it "
                f"set after fit_on_texts?"
            )
        return self.word_index[self.oov_token]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Return the words of numbers, joined by spaces: a list of texts."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yield what `sequences_to_texts` returns."""
        number = self._unknown("sequences_to_texts")
        unknown = None if number is None else self.index_word[number]
        find, limit = self.index_word.get, self.num_words or math.inf
        for sequence in sequences:
            words = (unknown if index >= limit else find(index, unknown) for index in sequence)
            yield " ".join(word for word in words if word is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> NDArray[np.float64]:
        """Return `sequences_to_matrix` of the texts' sequences."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> NDArray[np.float64]:
        """Return a row for each sequence with a column for each number: (sequences, num_words).

        With c the count of a number in its sequence, the element is by ``mode``: ``"binary"`` 1,
        ``"count"`` c, ``"freq"`` c / the sequence's length, ``"tfidf"``
        (1 + log c) log(1 + documents / (1 + documents with the number)). Without ``num_words``
        there is a column for every word. Numbers that have no column are left out.

        Raises:
            ValueError: if the mode is unknown, a number is negative, or nothing was fitted that
                gives the number of columns, or of documents for tf-idf.

        """
        if mode not in MODES:
            raise ValueError(f"Tokenizer: unknown mode {mode!r}: wanted one of {', '.join(MODES)}")
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ValueError(
                "Tokenizer.sequences_to_matrix: how many columns? Give num_words, or fit_on_texts "
                "first"
            )
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer.sequences_to_matrix: fit it before using the mode 'tfidf'")
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        numbers = np.asarray(list(itertools.chain.from_iterable(sequences)))
        matrix = np.zeros((len(sequences), columns))
        if not numbers.size:
            return matrix
        rows = np.repeat(np.arange(len(sequences)), lengths)
        if numbers.dtype.kind not in "iu" or numbers.min() < 0:
            wrong = np.argmax(numbers < 0) if numbers.dtype.kind in "iu" else 0
            raise ValueError(
                f"Tokenizer.sequences_to_matrix: wanted numbers of words, got {numbers[wrong]!r} "
                f"in sequence {rows[wrong]}"
            )
        own = numbers < columns
        places, counts = np.unique(rows[own] * columns + numbers[own], return_counts=True)
        values: Any = counts
        if mode == "binary":
            values = 1.0
        elif mode == "freq":
            values = counts / lengths[places // columns]
        elif mode == "tfidf":
            documents = np.zeros(columns)
            for index, count in self.index_docs.items():
                if 0 <= index < columns:
                    documents[index] = count
            idf = np.log(1 + self.document_count / (1 + documents))
            values = (1 + np.log(counts)) * idf[places % columns]
        matrix.ravel()[places] = values
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Return the arguments but for ``analyzer``, and all counts and numbers as JSON texts."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in _TABLES},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return what `tokenizer_from_json` makes the same of; kwargs go to ``json.dumps``."""
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)


# What a config holds as JSON texts, and whether its keys are numbers, which JSON makes texts of.
_TABLES = {
    "word_counts": False,
    "word_docs": False,
    "index_docs": True,
    "index_word": True,
    "word_index": False,
}


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Return the `Tokenizer` of what `Tokenizer.to_json` wrote, here or in Keras.

    Raises:
        ValueError: if the text is not JSON, or not that of a tokenizer.

    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {}
        for name, numbered in _TABLES.items():
            table = json.loads(config.pop(name))
            tables[name] = {int(k): v for k, v in table.items()} if numbered else dict(table)
        tokenizer = Tokenizer(**config)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"tokenizer_from_json: this is not what Tokenizer.to_json writes: "
            f"{type(error).__name__}: {error}"
        ) from error
    for name, table in tables.items():
        kept = getattr(tokenizer, name)
        kept.update(table)
    return tokenizer


def _chunks(texts: Iterable[Any], char_level: bool, what: str) -> Iterator[list[Any]]:
    """Yield lists of texts, of which the kernel takes one at a time."""
    if isinstance(texts, (str, bytes)) and not char_level:
        raise TypeError(
            f"Tokenizer.{what}: wanted a list of texts, got one text ({_shown(texts)}): put it in "
            f"a list"
        )
    if hasattr(texts, "tolist"):  # an array, or a column of a data frame: to plain str
        shape = getattr(texts, "shape", ())
        if len(shape) != 1:
            raise ValueError(
                f"Tokenizer.{what}: wanted an array of texts with one axis, got the shape {shape}"
            )
        texts = texts.tolist()
    following = iter(texts)
    while chunk := list(itertools.islice(following, _CHUNK)):
        yield chunk


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage among lists of numbers, which are made by thousands."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _shown(value: Any) -> str:
    return f"{value!r:.60} ({type(value).__name__})"
