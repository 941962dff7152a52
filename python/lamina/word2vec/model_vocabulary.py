"""A model before it is trained: its vocabulary, and the rows that wait for it.

Dimensions: V words, d numbers in a vector.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from lamina._native import core
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.keyedvectors import KeyedVectors
from lamina.word2vec.options import GensimNames
from lamina.word2vec.vocabulary import (
    RawVocabulary,
    Vocabulary,
    extend_vocabulary,
    from_frequencies,
    select_words,
)
from lamina.word2vec.weights import PaddedMatrix, initialize_vectors

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from lamina.word2vec.training import Progress

    Sentences = Iterable[Iterable[str]]
    Path = str | os.PathLike[str]
    TrimRule = Callable[[str, int, int], int]

_SOFTMAX_WORDS = 20_000  # beyond this, an exact softmax is hardly what was meant


class VocabularyModel(GensimNames):
    """A model's words, its matrices, and what is known of its corpus.

    ``wv`` are the word vectors; ``output_rows`` (V x d) belong to negative sampling and the exact
    softmax, ``node_rows`` (V - 1 x d) to hierarchical softmax.
    """

    comment: str | None

    @property
    def syn1neg(self) -> NDArray[np.float32]:
        """The output vectors of negative sampling, or of the exact softmax (V, d)."""
        if self.output_rows is None:
            raise AttributeError("syn1neg: a model trained with hs=1 alone has no output vectors")
        return self.output_rows.rows

    @property
    def syn1(self) -> NDArray[np.float32]:
        """The vectors of the inner nodes of the Huffman tree, the root last (V - 1, d)."""
        if self.node_rows is None:
            raise AttributeError("syn1: only a model with hs=1 has vectors of a tree's nodes")
        return self.node_rows.rows

    def start_empty(self) -> None:
        """Set every attribute of a model that has seen nothing."""
        self.wv = KeyedVectors(self.options.vector_size)
        self.corpus_count = 0
        self.corpus_total_words = 0
        self.comment = None
        self.raw_vocab: dict[str, int] = {}
        self.train_count = 0
        self.total_train_time = 0.0
        self.min_alpha_yet_reached = self.options.learning_rate
        self._vectors = PaddedMatrix(0, self.options.vector_size)
        self.output_rows: PaddedMatrix | None = None
        self.node_rows: PaddedMatrix | None = None
        self.progress: Progress | None = None

    def build_vocab(
        self,
        corpus_iterable: Sentences | None = None,
        corpus_file: Path | None = None,
        update: bool = False,
        progress_per: int = 10_000,
        keep_raw_vocab: bool = False,
        trim_rule: TrimRule | None = None,
        *,
        sentences: Sentences | None = None,
        verbose: int = 0,
    ) -> None:
        """Count the words of a corpus and make room for their vectors.

        With ``update=True`` the words of the corpus join those that the model has: known words keep
        their places and vectors and gain the counts, new ones follow them.

        Raises:
            ValueError: if no word is left, or ``update`` without a vocabulary to update.

        """
        del progress_per, verbose
        if update and not len(self.wv):
            raise RuntimeError(
                "Word2Vec.build_vocab: update=True needs a vocabulary to update; call it once "
                "without update first"
            )
        self._check_size(update)
        corpus = open_corpus(corpus_iterable if sentences is None else sentences, corpus_file)
        options = self.options
        raw = corpus.count(
            max_vocab_size=options.max_vocabulary_scanned,
            threads=self._threads(),
            trim_rule=trim_rule,
        )
        self._take_counts(raw, trim_rule, update=update, keep_raw_vocab=keep_raw_vocab)

    def build_vocab_from_freq(
        self,
        word_freq: Mapping[str, int],
        keep_raw_vocab: bool = False,
        corpus_count: int | None = None,
        trim_rule: TrimRule | None = None,
        update: bool = False,
    ) -> None:
        """Take the vocabulary from a mapping of words to counts, instead of from a corpus."""
        self._check_size(update)
        raw = from_frequencies(word_freq, corpus_count or 0)
        self._take_counts(raw, trim_rule, update=update, keep_raw_vocab=keep_raw_vocab)

    def _take_counts(
        self,
        raw: RawVocabulary,
        trim_rule: TrimRule | None,
        *,
        update: bool,
        keep_raw_vocab: bool,
    ) -> None:
        """Choose the vocabulary from what was counted, and give it vectors."""
        options = self.options
        rules = (options.min_count, options.max_vocabulary, trim_rule)
        if update:
            vocabulary = extend_vocabulary(self._vocabulary(), raw, *rules)
        else:
            vocabulary = select_words(raw, *rules, options.sort_vocabulary)
        self._take_vocabulary(vocabulary, known=len(self.wv) if update else 0)
        self.raw_vocab = raw.as_dict() if keep_raw_vocab else {}
        self.corpus_count = raw.sentences
        self.corpus_total_words = raw.total_words

    def _check_size(self, update: bool) -> None:
        if update and self.wv.vector_size != self.vector_size:
            raise ValueError(
                f"Word2Vec.build_vocab: update=True keeps vectors of {self.wv.vector_size} "
                f"numbers, but vector_size was set to {self.vector_size} since"
            )

    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(list(self.wv.index_to_key), self.wv.expandos["count"])

    def _take_vocabulary(self, vocabulary: Vocabulary, known: int) -> None:
        """Make room for the vocabulary; its first ``known`` words keep their vectors."""
        words = len(vocabulary.words)
        options = self.options
        if options.softmax and words > _SOFTMAX_WORDS:
            warnings.warn(
                f"objective='softmax' computes {words} scores for every pair of words; it is meant "
                "for small vocabularies. Raise min_count, or use negative sampling.",
                stacklevel=3,
            )
        vectors = PaddedMatrix(words, options.vector_size)
        if known:
            vectors.rows[:known] = self.wv.vectors[:known]
        initialize_vectors(vectors.rows, options.seed, known)
        self.output_rows = _grown(self.output_rows, known, words, options.vector_size)
        self.node_rows = _grown(self.node_rows, known - 1, words - 1, options.vector_size)
        if not (options.negative_samples or options.softmax):
            self.output_rows = None
        if not options.hierarchical:
            self.node_rows = None
        self._vectors = vectors
        if not known:  # else who holds on to the vectors sees them grow
            self.wv = KeyedVectors(options.vector_size)
        self.wv.index_to_key = vocabulary.words
        self.wv.key_to_index = vocabulary.key_to_index
        self.wv.vectors = vectors.rows
        self.wv.expandos = {"count": vocabulary.counts}
        self.progress = None

    def reset_from(self, other_model: VocabularyModel) -> None:
        """Take another model's vocabulary and start with fresh vectors."""
        self.corpus_count = other_model.corpus_count
        self.corpus_total_words = other_model.corpus_total_words
        self._take_vocabulary(other_model._vocabulary(), known=0)

    def estimate_memory(
        self, vocab_size: int | None = None, report: dict[str, int] | None = None
    ) -> dict[str, int]:
        """Return the bytes that a vocabulary of ``vocab_size`` words would take, by part."""
        words = vocab_size or len(self.wv)
        row = PaddedMatrix(0, self.vector_size).padded.shape[1] * 4
        report = dict(report or {})
        report["vocab"] = words * 150  # a Python string, its places in a list and in a dictionary
        report["vectors"] = words * row
        if self.options.hierarchical:
            report["syn1"] = words * row
        if self.options.negative_samples or self.options.softmax:
            report["syn1neg"] = words * row
        report["total"] = sum(report.values())
        return report

    def _threads(self) -> int:
        return self.options.workers or core.num_threads()


def _grown(old: PaddedMatrix | None, known: int, count: int, size: int) -> PaddedMatrix:
    if old is None or known <= 0:
        return PaddedMatrix(count, size)
    return PaddedMatrix.of(old.rows[:known], count)
