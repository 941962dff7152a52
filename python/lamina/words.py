"""Words of texts, counted and looked up by the kernels, and by Python where those cannot.

The kernels cut texts by `core.TextRules`. They take what is exactly a str and has no word of more
than 65,536 bytes; for any other text, a function of the caller gives the words.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    # Text and its place in the list, for errors, to its words.
    Cut = Callable[[Any, int], Sequence[Any]]


class WordCounts:
    """How often words occur, and in how many texts: two dicts, in the order of first meeting.

    ``rules`` say how the kernel cuts texts; None leaves all of them to ``cut``.
    """

    def __init__(self, rules: core.TextRules | None, cut: Cut) -> None:
        self._rules, self._cut = rules, cut
        self._counter = None if rules is None else core.TextCounter(rules)
        self._words: Counter[Any] = Counter()
        self._texts: Counter[Any] = Counter()
        self._unmerged = False
        self.number = 0

    def add(self, texts: list[Any]) -> None:
        """Count the words of texts."""
        begin = 0
        while begin < len(texts):
            if self._counter is not None:
                done = self._counter.add(texts, begin)
                self._unmerged |= done > 0
                begin += done
            if begin < len(texts):
                self._count(self._cut(texts[begin], self.number + begin))
                begin += 1
        self.number += len(texts)

    def add_words(self, words: Sequence[Any]) -> None:
        """Count a text that was cut already."""
        self._count(words)
        self.number += 1

    def _count(self, words: Sequence[Any]) -> None:
        self._merge()
        self._words.update(iter(words))
        self._texts.update(iter(dict.fromkeys(words)))

    def _merge(self) -> None:
        """Take over what the kernel has counted, before anything else is."""
        if self._counter is None or self._rules is None or not self._unmerged:
            return
        words, counts, texts = self._counter.counts()
        self._words.update(dict(zip(words, counts, strict=True)))
        self._texts.update(dict(zip(words, texts, strict=True)))
        self._counter, self._unmerged = core.TextCounter(self._rules), False

    def result(self) -> tuple[dict[Any, int], dict[Any, int]]:
        """Return the counts of occurrences and those of texts."""
        self._merge()
        return self._words, self._texts


class WordIndices:
    """Looks the words of texts up in a list of different words."""

    def __init__(self, rules: core.TextRules | None, words: Sequence[Any], cut: Cut) -> None:
        self._words, self._cut = words, cut
        self._table: dict[Any, int] | None = None
        self._encoder = None if rules is None else core.TextEncoder(rules, list(words))

    def find(self, texts: list[Any]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the indices of all words, -1 where there is none, and each text's number of words.

        The indices of one text follow those of the one before.
        """
        indices, lengths = [], []
        begin = 0
        while begin < len(texts):
            if self._encoder is not None:
                found, own_lengths = self._encoder.encode(texts, begin)
                indices.append(found)
                lengths.append(own_lengths)
                begin += len(own_lengths)
            if begin < len(texts):
                words = self._cut(texts[begin], begin)
                indices.append(self.find_words(words))
                lengths.append(np.array([len(words)], np.int64))
                begin += 1
        if not lengths:
            return np.empty(0, np.int32), np.empty(0, np.int64)
        return np.concatenate(indices), np.concatenate(lengths)

    def find_words(self, words: Sequence[Any]) -> NDArray[np.int32]:
        """Return the indices of words that were cut already."""
        if self._table is None:
            self._table = {word: index for index, word in enumerate(self._words)}
        table = self._table
        return np.fromiter((table.get(word, -1) for word in words), np.int32, len(words))
