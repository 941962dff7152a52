"""From word counts to a vocabulary: which words are kept, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULE_DEFAULT = 0
RULE_DISCARD = 1
RULE_KEEP = 2

MOST_WORDS = 1 << 62  # so that sums of counts fit into 64 bits

TrimRule = Callable[[str, int, int], int]
"""Called with a word, its count and the least count; returns one of the ``RULE_`` constants."""


class RawVocabulary:
    """Every word of a corpus and how often it occurs, in order of first occurrence.

    The words stay in native memory until they are asked for. ``total_words`` and ``sentences`` are
    the corpus's; ``min_reduce`` is one more than how often rare words were forgotten on the way.
    """

    def __init__(self, table: Any, total_words: int, sentences: int, min_reduce: int = 1) -> None:
        self._table = table
        self.counts: NDArray[np.int64] = table.counts()
        self.total_words = total_words
        self.sentences = sentences
        self.min_reduce = min_reduce

    def __len__(self) -> int:
        return len(self.counts)

    def words(self, indices: NDArray[np.int64] | None = None) -> list[str]:
        """Return the words at these places, or all of them."""
        words: list[str] = self._table.words(indices)
        return words

    def as_dict(self) -> dict[str, int]:
        """Return the counts as a dict from word to count."""
        return dict(zip(self.words(), self.counts.tolist(), strict=True))


class _Frequencies:
    """The table of a dict of frequencies."""

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        self._words = list(frequencies)
        for word in self._words:
            if not isinstance(word, str):
                raise TypeError(
                    f"word frequencies: {word!r} is not a str but a {type(word).__name__}"
                )
        self._counts = np.empty(len(self._words), np.int64)
        total = 0
        for i, (word, count) in enumerate(frequencies.items()):
            if not isinstance(count, (int, np.integer)) or count < 0:
                raise ValueError(
                    f"word frequencies: the count of {word!r} must be a whole number that is not "
                    f"negative, got {count!r}"
                )
            total += int(count)
            if total >= MOST_WORDS:
                raise ValueError(
                    f"word frequencies: up to {word!r} the counts sum to {total:,}, and no corpus "
                    f"has 2**62 words"
                )
            self._counts[i] = count

    def counts(self) -> NDArray[np.int64]:
        return self._counts

    def words(self, indices: NDArray[np.int64] | None = None) -> list[str]:
        return self._words if indices is None else [self._words[i] for i in indices]


def from_frequencies(frequencies: Mapping[str, int], sentences: int = 0) -> RawVocabulary:
    """Make a raw vocabulary of a mapping from word to count, in its order.

    Raises:
        TypeError, ValueError: if a word is not a str, or a count not a natural number.

    """
    table = _Frequencies(frequencies)
    return RawVocabulary(table, int(table.counts().sum()), sentences)


@dataclass
class Vocabulary:
    """The words that a model knows; a word's place is its id.

    ``effective_min_count`` is the least count that ``min_count`` and ``max_final_vocab`` came to.
    ``raw_types`` and ``raw_words`` say what the corpus had: different words, and words in all.
    """

    words: list[str]
    counts: NDArray[np.int64]
    effective_min_count: int = 1
    raw_types: int = 0
    raw_words: int = 0
    key_to_index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.key_to_index = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    @property
    def retained_words(self) -> int:
        """How many words of the corpus are in the vocabulary."""
        return int(self.counts.sum())


def keep_flags(table: Any, min_count: int, trim_rule: TrimRule | None) -> NDArray[np.bool_]:
    """Return which words of a table stay: by the rule, or because they occur often enough."""
    counts: NDArray[np.int64] = table.counts()
    flags: NDArray[np.bool_] = counts >= min_count
    if trim_rule is not None:
        for i, (word, count) in enumerate(zip(table.words(), counts.tolist(), strict=True)):
            rule = trim_rule(word, count, min_count)
            if rule == RULE_KEEP:
                flags[i] = True
            elif rule == RULE_DISCARD:
                flags[i] = False
    return flags


def _effective_min_count(
    counts: NDArray[np.int64], min_count: int, max_final_vocab: int | None
) -> int:
    """Return the least count that leaves at most ``max_final_vocab`` words.

    Words that occur equally often stay or go together, so it may leave fewer.
    """
    if max_final_vocab is None or max_final_vocab >= len(counts):
        return max(1, min_count) if max_final_vocab is not None else min_count
    place = len(counts) - 1 - max_final_vocab
    return max(int(np.partition(counts, place)[place]) + 1, min_count)


def _kept(
    raw: RawVocabulary, min_count: int, max_final_vocab: int | None, trim_rule: TrimRule | None
) -> tuple[NDArray[np.int64], int]:
    if max_final_vocab is not None and max_final_vocab < 1:
        raise ValueError(f"max_final_vocab must be at least 1 or None, got {max_final_vocab}")
    effective = _effective_min_count(raw.counts, min_count, max_final_vocab)
    flags = keep_flags(_TableOf(raw), effective, trim_rule)
    return np.flatnonzero(flags).astype(np.int64), effective


class _TableOf:
    def __init__(self, raw: RawVocabulary) -> None:
        self.counts = lambda: raw.counts
        self.words = raw.words


def _nothing_left(raw: RawVocabulary, effective: int, min_count: int) -> ValueError:
    if len(raw) == 0:
        return ValueError("the vocabulary is empty: the corpus has no words")
    top = int(np.argmax(raw.counts))
    word = raw.words(np.array([top], np.int64))[0]
    why = f"min_count={min_count}"
    if effective != min_count:
        why += f", which max_final_vocab raised to {effective},"
    return ValueError(
        f"no word is left in the vocabulary: of {len(raw):,} different words the most frequent, "
        f"{word!r}, occurs {raw.counts[top]:,} times, and {why} leaves none. Lower min_count, "
        f"train on more text, or look at trim_rule if there is one"
    )


def select_words(
    raw: RawVocabulary | Mapping[str, int],
    min_count: int = 5,
    max_final_vocab: int | None = None,
    trim_rule: TrimRule | None = None,
    sorted_vocab: bool = True,
) -> Vocabulary:
    """Choose the words of a model, with gensim 4's rules and in its order.

    Kept are the words that occur at least ``min_count`` times, or more often where that would
    leave more than ``max_final_vocab``; ``trim_rule(word, count, min_count)`` may overrule both
    with ``RULE_KEEP`` or ``RULE_DISCARD``. The most frequent word comes first; of words equally
    frequent the one whose first occurrence is later comes first, as in gensim. Without
    ``sorted_vocab`` they stay in order of first occurrence.

    Raises:
        ValueError: if no word is left.

    """
    raw = raw if isinstance(raw, RawVocabulary) else from_frequencies(raw)
    kept, effective = _kept(raw, min_count, max_final_vocab, trim_rule)
    if len(kept) == 0:
        raise _nothing_left(raw, effective, min_count)
    if sorted_vocab:
        kept = kept[::-1]
        kept = kept[np.argsort(-raw.counts[kept], kind="stable")]
    return Vocabulary(raw.words(kept), raw.counts[kept], effective, len(raw), raw.total_words)


def extend_vocabulary(
    vocabulary: Vocabulary,
    raw: RawVocabulary | Mapping[str, int],
    min_count: int = 5,
    max_final_vocab: int | None = None,
    trim_rule: TrimRule | None = None,
) -> Vocabulary:
    """Add more text's words to a vocabulary, as gensim's ``build_vocab(update=True)`` does.

    Words that are there keep their place, and all their new occurrences are added to their counts;
    new ones that pass the rules of `select_words` follow in order of first occurrence.
    """
    raw = raw if isinstance(raw, RawVocabulary) else from_frequencies(raw)
    kept, effective = _kept(raw, min_count, max_final_vocab, trim_rule)
    counts = vocabulary.counts.copy()
    known = vocabulary.key_to_index
    for word, count in zip(raw.words(), raw.counts.tolist(), strict=True):
        if (place := known.get(word)) is not None:
            counts[place] += count
    candidates: Sequence[str] = raw.words(kept)
    new = [(word, i) for word, i in zip(candidates, kept, strict=True) if word not in known]
    return Vocabulary(
        vocabulary.words + [word for word, _ in new],
        np.concatenate([counts, raw.counts[[i for _, i in new]]]) if new else counts,
        effective,
        vocabulary.raw_types + len(raw),
        vocabulary.raw_words + raw.total_words,
    )
