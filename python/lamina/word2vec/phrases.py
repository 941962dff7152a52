"""Phrases: find the words that belong together and join them, new_york, before training.

A pair of words is a phrase if it occurs much more often than its words would by chance. Pairs are
counted, scored and replaced natively where the text is in files; results are gensim's.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.word2vec.corpus import FileCorpus, IterableCorpus, open_corpus
from lamina.word2vec.phrase_file import content_of, load_phrases, save_phrases
from lamina.word2vec.phrase_model import PhraseModel
from lamina.word2vec.phrase_scoring import NEVER, find_scorer, scoring_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from lamina.word2vec.corpus import Progress
    from lamina.word2vec.phrase_scoring import Scorer

ENGLISH_CONNECTOR_WORDS = frozenset(
    "a an the for of with without at from to in on by and or".split()  # noqa: SIM905
)
"""Articles, prepositions and conjunctions that may stand inside a phrase."""

_BYTES_A_CALL = 8 << 20
_SENTENCES_A_CALL = 200
_COUNTS = ("max_vocab_size", "progress_per", "min_reduce", "corpus_word_count")


class PhraseVocabulary(Mapping[str, int]):
    """How often each word, and each pair joined by the delimiter, occurs."""

    def __init__(self, table: core.WordTable) -> None:
        self.table = table

    def __getitem__(self, key: str) -> int:
        count: int = self.get(key, 0)
        if count == 0:
            raise KeyError(key)
        return count

    def get(self, key: str, default: Any = None) -> Any:
        """Return the count, or the default for what does not occur."""
        return (self.table.count(key) if isinstance(key, str) else 0) or default

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.words())

    def __len__(self) -> int:
        return len(self.table)

    def items(self) -> Any:
        """Return the words and their counts."""
        return dict(zip(self.table.words(), self.table.counts().tolist(), strict=True)).items()


class Phrases(PhraseModel):
    """Learns phrases of two words (with connector words between them) from sentences.

    ``min_count``: pairs that occur less often are no phrases. ``threshold``: the score that a
    phrase exceeds. ``max_vocab_size``: with more words and pairs than that, the rarest are
    forgotten. ``scoring``: "default" (Mikolov et al. 2013), "npmi" (Bouma 2009: from -1 to 1), or a
    function of worda_count, wordb_count, bigram_count, len_vocab, min_count and corpus_word_count.
    ``connector_words`` may stand inside a phrase: `ENGLISH_CONNECTOR_WORDS`.

    ``sentences`` is a reader, which is read natively, or any iterable of lists of words;
    ``corpus_file`` a file with a sentence a line. Follows gensim's class.

    Raises:
        ValueError, TypeError: for settings out of range, and for sentences as in `Corpus.count`.

    """

    def __init__(
        self,
        sentences: Any = None,
        min_count: float = 5,
        threshold: float = 10.0,
        max_vocab_size: int = 40_000_000,
        delimiter: str = "_",
        progress_per: int = 10_000,
        scoring: str | Scorer = "default",
        connector_words: Iterable[str] = frozenset(),
        corpus_file: str | os.PathLike[str] | None = None,
    ) -> None:
        if min_count <= 0:
            raise ValueError(f"min_count must be above 0, got {min_count}")
        if scoring == "default" and threshold <= 0:
            raise ValueError(f"threshold must be above 0 for the default scoring, got {threshold}")
        if scoring == "npmi" and not -1 <= threshold <= 1:
            raise ValueError(f"threshold must be from -1 to 1 for npmi scoring, got {threshold}")
        if not isinstance(delimiter, str) or not delimiter:
            raise ValueError(f"delimiter must be a str that is not empty, got {delimiter!r}")
        if isinstance(connector_words, str):
            raise TypeError("connector_words must be a set of words, got a str: split it first")
        self.min_count = min_count
        self.threshold = threshold
        self.max_vocab_size = max_vocab_size
        self.delimiter = delimiter
        self.progress_per = progress_per
        self.scoring = find_scorer(scoring)
        self.connector_words = frozenset(connector_words)
        self.min_reduce = 1
        self.corpus_word_count = 0
        self._table = core.WordTable()
        if sentences is not None or corpus_file is not None:
            self.add_vocab(sentences, corpus_file=corpus_file)

    def __repr__(self) -> str:
        return (
            f"Phrases({len(self._table)} words and pairs, min_count={self.min_count}, "
            f"threshold={self.threshold}, scoring={scoring_name(self.scoring)})"
        )

    @property
    def vocab(self) -> PhraseVocabulary:
        """How often each word, and each pair joined by the delimiter, occurs."""
        return PhraseVocabulary(self._table)

    def add_vocab(
        self,
        sentences: Any = None,
        corpus_file: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Count the words and pairs of more sentences, which may come from a generator."""
        if sentences is not None and corpus_file is None and iter(sentences) is sentences:
            # One pass is all that is needed here.
            corpus: Any = IterableCorpus(sentences)
        else:
            corpus = open_corpus(sentences, corpus_file)
        counter, min_reduce = self._count(corpus, progress)
        self.corpus_word_count += counter.words
        table = counter.finish()
        if len(self._table) == 0:
            self._table = table
            return
        self.min_reduce = max(self.min_reduce, min_reduce)
        self._table.merge(table)
        if len(self._table) > self.max_vocab_size:
            _prune(self._table, self.min_reduce)
            self.min_reduce += 1

    def _count(self, corpus: Any, progress: Progress | None) -> tuple[core.PhraseCounter, int]:
        minimum = 1
        connectors = sorted(self.connector_words)
        if isinstance(corpus, FileCorpus):
            counter = core.PhraseCounter(*corpus.layout(), self.delimiter, connectors)
            more = True
            while more:
                more = counter.advance(_BYTES_A_CALL, self.max_vocab_size)
                corpus.check(counter.fault)
                if counter.full:
                    _prune(counter.table, minimum)
                    minimum += 1
                if progress:
                    progress(counter.bytes, corpus.size)
            return counter, minimum
        counter = core.PhraseCounter([], False, 0, self.delimiter, connectors)
        number = 0
        # Sentence by sentence only where there may be something to forget.
        iterator = iter(corpus.sentences)
        while batch := list(itertools.islice(iterator, _SENTENCES_A_CALL)):
            if len(counter.table) + 2 * sum(map(len, batch)) <= self.max_vocab_size:
                counter.add_sentences(batch, number)
            else:
                for i, sentence in enumerate(batch):
                    counter.add_sentences([sentence], number + i)
                    if len(counter.table) > self.max_vocab_size:
                        _prune(counter.table, minimum)
                        minimum += 1
            number += len(batch)
            if progress:
                progress(number, None)
        return counter, minimum

    def score_candidate(
        self, word_a: str, word_b: str, in_between: Sequence[str]
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the joined phrase and its score, or (None, None) if it is no phrase."""
        count = self._table.count
        phrase = self.delimiter.join([word_a, *in_between, word_b])
        bigram_count = count(phrase)
        worda_count, wordb_count = count(word_a), count(word_b)
        if not (bigram_count and worda_count and wordb_count):
            return None, None
        score = self.scoring(
            worda_count=worda_count,
            wordb_count=wordb_count,
            bigram_count=bigram_count,
            len_vocab=len(self._table),
            min_count=self.min_count,
            corpus_word_count=self.corpus_word_count,
        )
        return (phrase, score) if score > self.threshold else (None, None)

    def _native_phrases(self) -> tuple[core.WordTable, str, float, float, int] | None:
        name = scoring_name(self.scoring)
        if name == "custom":
            return None
        return self._table, name, self.min_count, self.threshold, self.corpus_word_count

    def export_phrases(self) -> dict[str, float]:
        """Return all phrases and their scores."""
        name = scoring_name(self.scoring)
        if name != "custom":
            indices, scores = core.export_phrases(
                self._table,
                self.delimiter,
                name,
                self.min_count,
                self.threshold,
                self.corpus_word_count,
            )
            return dict(zip(self._table.words(indices), scores.tolist(), strict=True))
        indices, first, last = core.phrase_candidates(self._table, self.delimiter, 1)
        phrases = {}
        for phrase, a, b, ab in zip(
            self._table.words(indices),
            first.tolist(),
            last.tolist(),
            self._table.counts()[indices].tolist(),
            strict=True,
        ):
            score = self.scoring(
                worda_count=a,
                wordb_count=b,
                bigram_count=ab,
                len_vocab=len(self._table),
                min_count=self.min_count,
                corpus_word_count=self.corpus_word_count,
            )
            if score > self.threshold:
                phrases[phrase] = score
        return phrases

    def freeze(self) -> FrozenPhrases:
        """Return the phrases alone, which take far less memory and learn nothing more."""
        return FrozenPhrases(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as lines of JSON; a custom scoring function is not part of the file."""
        header = {"kind": "Phrases", **{name: getattr(self, name) for name in _COUNTS}}
        save_phrases(self, path, header, self._table.words(), self._table.counts().tolist())

    @classmethod
    def load(cls, path: str | os.PathLike[str], scoring: Scorer | None = None) -> Phrases:
        """Read a model that `save` wrote; ``scoring`` gives a custom scoring function again.

        Raises:
            ValueError: if the file is not such a model, or is damaged, or needs ``scoring``.

        """
        header, words, counts = load_phrases(path, "Phrases", scoring, dict.fromkeys(_COUNTS, int))
        with content_of(path):
            model = cls(
                min_count=header["min_count"],
                threshold=header["threshold"],
                max_vocab_size=header["max_vocab_size"],
                delimiter=header["delimiter"],
                progress_per=header["progress_per"],
                scoring=header["scoring"],
                connector_words=header["connector_words"],
            )
        model.min_reduce = header["min_reduce"]
        model.corpus_word_count = header["corpus_word_count"]
        with content_of(path):
            model._table.add(words, np.array(counts, np.int64))
        return model


class FrozenPhrases(PhraseModel):
    """The phrases of a `Phrases` model, ``phrasegrams``: each with its score."""

    def __init__(self, phrases_model: PhraseModel) -> None:
        self.min_count = phrases_model.min_count
        self.threshold = phrases_model.threshold
        self.delimiter = phrases_model.delimiter
        self.scoring = phrases_model.scoring
        self.connector_words = phrases_model.connector_words
        if isinstance(phrases_model, FrozenPhrases):
            self.phrasegrams: dict[str, float] = dict(phrases_model.phrasegrams)
        elif isinstance(phrases_model, Phrases):
            self.phrasegrams = phrases_model.export_phrases()

    def __repr__(self) -> str:
        return (
            f"FrozenPhrases({len(self.phrasegrams)} phrases, min_count={self.min_count}, "
            f"threshold={self.threshold}, scoring={scoring_name(self.scoring)})"
        )

    def score_candidate(
        self, word_a: str, word_b: str, in_between: Sequence[str]
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the joined phrase and its score, or (None, None) if it is no phrase."""
        phrase = self.delimiter.join([word_a, *in_between, word_b])
        score = self.phrasegrams.get(phrase, NEVER)
        return (phrase, score) if score > self.threshold else (None, None)

    def _native_phrases(self) -> tuple[core.WordTable, str, float, float, int]:
        phrases = [p for p, score in self.phrasegrams.items() if score > self.threshold]
        table = core.WordTable()
        table.add(phrases, np.ones(len(phrases), np.int64))
        return table, "membership", self.min_count, self.threshold, 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the phrases as lines of JSON; a custom scoring function is not part of the file."""
        scores = list(self.phrasegrams.values())
        save_phrases(self, path, {"kind": "FrozenPhrases"}, list(self.phrasegrams), scores)

    @classmethod
    def load(cls, path: str | os.PathLike[str], scoring: Scorer | None = None) -> FrozenPhrases:
        """Read what `save` wrote; ``scoring`` gives a custom scoring function again.

        Raises:
            ValueError: if the file is not such a model, or is damaged, or needs ``scoring``.

        """
        header, words, scores = load_phrases(path, "FrozenPhrases", scoring, {})
        with content_of(path):
            model = cls(
                Phrases(
                    min_count=header["min_count"],
                    threshold=header["threshold"],
                    delimiter=header["delimiter"],
                    scoring=header["scoring"],
                    connector_words=header["connector_words"],
                )
            )
        model.phrasegrams = dict(zip(words, scores, strict=True))
        return model


Phraser = FrozenPhrases  # as gensim 3 called it


def _prune(table: core.WordTable, minimum: int) -> None:
    table.keep((table.counts() >= minimum).view(np.uint8))
