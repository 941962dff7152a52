"""What joins phrases in sentences and corpora, once it is known which pairs are phrases."""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from lamina._native import core
from lamina.saving.atomic import atomic_write
from lamina.word2vec.corpus import FileCorpus, open_corpus
from lamina.word2vec.readers import LineSentence, TextFile, TextReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lamina.word2vec.corpus import Progress
    from lamina.word2vec.phrase_scoring import Scorer

_BYTES_A_CALL = 8 << 20


class TransformedCorpus:
    """The sentences of another corpus with their phrases joined, each time it is iterated over."""

    def __init__(self, phrases: PhraseModel, sentences: Iterable[Sequence[str]]) -> None:
        self._phrases = phrases
        self._sentences = sentences

    def __iter__(self) -> Iterator[list[str]]:
        for sentence in self._sentences:
            yield [word for word, _ in self._phrases.analyze_sentence(sentence)]


class TransformedReader(TextReader):
    """The text of a reader with its phrases joined, a sentence a line; made natively."""

    def __init__(self, phrases: PhraseModel, reader: TextReader) -> None:
        self._phrases = phrases
        self._reader = reader

    def open_files(self) -> list[TextFile]:
        """Return a temporary file with the transformed text."""
        file = TextFile.temporary("the corpus with its phrases joined")
        self._phrases.write_sentences(self._reader, file.descriptor)
        file.measure()
        return [file]

    def __iter__(self) -> Iterator[list[str]]:
        return iter(TransformedCorpus(self._phrases, self._reader))


class PhraseModel(ABC):
    """What `Phrases` and `FrozenPhrases` share: finding phrases in sentences."""

    min_count: float
    threshold: float
    delimiter: str
    scoring: Scorer
    connector_words: frozenset[str]

    @abstractmethod
    def score_candidate(
        self, word_a: str, word_b: str, in_between: Sequence[str]
    ) -> tuple[str, float] | tuple[None, None]:
        """Return the joined phrase and its score, or (None, None) if it is no phrase."""

    @abstractmethod
    def _native_phrases(self) -> tuple[core.WordTable, str, float, float, int] | None:
        """Return table, scoring, min_count, threshold and corpus words for the native writer."""

    def analyze_sentence(self, sentence: Iterable[str]) -> Iterator[tuple[str, float | None]]:
        """Yield the words of a sentence and its phrases, these with their scores, else None."""
        start: str | None = None
        between: list[str] = []
        for word in sentence:
            connects = word in self.connector_words
            if not start:
                if connects:
                    yield word, None
                else:
                    start = word
            elif connects:
                between.append(word)
            else:
                phrase, score = self.score_candidate(start, word, between)
                if phrase is not None:
                    yield phrase, score
                    start = None
                else:
                    yield start, None
                    for skipped in between:
                        yield skipped, None
                    start = word
                between = []
        if start:
            yield start, None
            for skipped in between:
                yield skipped, None

    def __getitem__(self, sentence: Any) -> Any:
        """Join the phrases of a sentence, or of each sentence of a corpus whenever it is read."""
        if isinstance(sentence, str):
            raise TypeError(
                f"phrases[...] takes a list of words or a corpus, got the str {sentence[:60]!r}: "
                f"split it first, for example with .split()"
            )
        if isinstance(sentence, TextReader):
            # A delimiter with whitespace would fall apart when the file is read again.
            plain = "".join(self.delimiter.split()) == self.delimiter
            if plain and self._native_phrases() is not None:
                return TransformedReader(self, sentence)
            return TransformedCorpus(self, sentence)
        iterator = iter(sentence)
        first = list(itertools.islice(iterator, 1))
        whole = itertools.chain(first, iterator) if iterator is sentence else sentence
        if first and not isinstance(first[0], str):
            return TransformedCorpus(self, whole)
        return [word for word, _ in self.analyze_sentence(whole)]

    def find_phrases(self, sentences: Iterable[Sequence[str]]) -> dict[str, float]:
        """Return the phrases that occur in these sentences, with their scores."""
        return {
            phrase: score
            for sentence in sentences
            for phrase, score in self.analyze_sentence(sentence)
            if score is not None
        }

    def write_sentences(
        self, sentences: Any, output: int, progress: Progress | None = None
    ) -> None:
        """Write a corpus to an open descriptor, a sentence a line, with its phrases joined.

        A reader's text is read, transformed and written natively.
        """
        corpus = open_corpus(sentences)
        native = self._native_phrases()
        if not isinstance(corpus, FileCorpus) or native is None:
            with os.fdopen(os.dup(output), "wb") as file:
                for sentence in TransformedCorpus(self, sentences):
                    if sentence:
                        file.write((" ".join(sentence) + "\n").encode())
            return
        table, scoring, min_count, threshold, corpus_words = native
        writer = core.PhraseWriter(
            *corpus.layout(),
            self.delimiter,
            sorted(self.connector_words),
            table,
            scoring,
            min_count,
            threshold,
            corpus_words,
            output,
        )
        more = True
        while more:
            more = writer.advance(_BYTES_A_CALL)
            corpus.check(writer.fault)
            if progress:
                progress(writer.bytes, corpus.size)

    def transform_file(
        self,
        corpus: Any,
        output_path: str | os.PathLike[str],
        progress: Progress | None = None,
    ) -> None:
        """Write a corpus anew with its phrases joined, a sentence a line.

        ``corpus`` is a reader, a path (a sentence a line) or an iterable of lists of words. The
        file at ``output_path`` appears when it is whole; what was there stays until then.

        Raises:
            OSError: if the file cannot be written.
            ValueError, TypeError, FileNotFoundError: as for `open_corpus` and `Corpus.count`.

        """
        source = LineSentence(corpus) if isinstance(corpus, (str, os.PathLike)) else corpus
        with atomic_write(output_path) as file:
            self.write_sentences(source, file.fileno(), progress)
