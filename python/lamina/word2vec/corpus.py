"""A corpus: its words counted, then written once as ids, by native code and on every core.

`open_corpus` takes what a user has (a reader, a path, lists of words). A corpus is gone through
twice: `Corpus.count` gives the words and how often they occur, `Corpus.encode` the ids of those
that were kept, in a temporary file that is mapped into memory.
"""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.word2vec.readers import (
    LineSentence,
    TextReader,
    explain_full_disk,
    not_utf8,
    temporary_descriptor,
)
from lamina.word2vec.vocabulary import RawVocabulary, TrimRule, keep_flags

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Callable[[int, "int | None"], object]
"""Called with what is done and what there is in all: bytes of files, or sentences of an iterable.

The total is None where it is not known. An exception from it, or Ctrl-C, stops the work."""

# A call into native code reads so much on each thread: about a twentieth of a second.
_BYTES_A_CALL = 16 << 20
_BLOCK = 1 << 20
_SENTENCES_A_CALL = 200
_IDS_A_WRITE = 1 << 20


@dataclass(frozen=True)
class EncodedCorpus:
    """A corpus as word ids.

    ``ids`` is a read-only int32 array, mapped from a temporary file that goes when the array does;
    -1 stands after each sentence. ``total_words`` counts all words, ``known_words`` those with an
    id, ``sentences`` the sentences that have any word.
    """

    ids: NDArray[np.int32]
    total_words: int
    known_words: int
    sentences: int


class Corpus(ABC):
    """Sentences that can be gone through more than once."""

    @abstractmethod
    def count(
        self,
        max_vocab_size: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
        trim_rule: TrimRule | None = None,
    ) -> RawVocabulary:
        """Count every word.

        With ``max_vocab_size``, whenever there are more different words than that, the rarest are
        forgotten (by ``trim_rule``, where there is one), which bounds memory and takes one thread.

        Raises:
            ValueError: if there is no word at all, or the text is not UTF-8, or a word is longer
                than 65,536 bytes.
            TypeError: if an iterable gives something else than lists of str.

        """

    @abstractmethod
    def encode(
        self, words: Sequence[str], threads: int | None = None, progress: Progress | None = None
    ) -> EncodedCorpus:
        """Replace each word by its place in ``words``; words that are not there are left out.

        Raises:
            OSError: if the directory for temporary files is full.
            ValueError, TypeError: as for `count`.

        """


def _prune(counter: Any, minimum: int, trim_rule: TrimRule | None) -> None:
    counter.table.keep(keep_flags(counter.table, minimum, trim_rule).view(np.uint8))


def _map_ids(descriptor: int, size: int) -> NDArray[np.int32]:
    if size == 0:
        empty = np.empty(0, np.int32)
        empty.flags.writeable = False
        return empty
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return np.memmap(file, dtype=np.int32, mode="r", shape=(size,))


class FileCorpus(Corpus):
    """Text files, read by native code."""

    def __init__(self, reader: TextReader) -> None:
        self._lines = reader.lines
        self._sentence_limit = reader.max_sentence_length or 0
        self._files = reader.open_files()
        self._sources = [(file.descriptor, file.size) for file in self._files]
        self.size = sum(file.size for file in self._files)

    def layout(self) -> tuple[list[tuple[int, int]], bool, int]:
        """Return what native readers want to know: files and sizes, lines, sentence limit."""
        return self._sources, self._lines, self._sentence_limit

    def check(self, fault: tuple[str, int, int, int] | None) -> None:
        """Raise the error that a native reader met, if any."""
        if fault is None:
            return
        error, source, offset, system_error = fault
        name = self._files[source].name if source < len(self._files) else "the corpus"
        if error == "not UTF-8":
            raise not_utf8(name, offset)
        if error == "word too long":
            raise ValueError(
                f"{name}: the word at offset {offset} is longer than 65,536 bytes. Either the "
                f"words are not separated by spaces (split them with a tokenizer first), or this "
                f"is not a text"
            )
        if error == "file shrank":
            raise OSError(f"{name} became shorter while it was read: it ended at byte {offset}")
        if error == "no memory":
            raise MemoryError(f"{name}: no memory for the words after offset {offset}")
        if error == "write failed":
            raise OSError(system_error, os.strerror(system_error))
        raise OSError(system_error, f"{os.strerror(system_error)}, at offset {offset}", name)

    def count(
        self,
        max_vocab_size: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
        trim_rule: TrimRule | None = None,
    ) -> RawVocabulary:
        """Count every word; see `Corpus.count`."""
        threads = 1 if max_vocab_size else _threads(threads)
        counter = core.WordCounter(*self.layout(), threads)
        minimum = 1
        more = True
        while more:
            more = counter.advance(_BYTES_A_CALL, max_vocab_size or 0)
            self.check(counter.fault)
            if counter.full:
                _prune(counter, minimum, trim_rule)
                minimum += 1
            if progress:
                progress(counter.bytes, self.size)
        if counter.words == 0:
            names = ", ".join(file.name for file in self._files[:3])
            raise ValueError(f"the corpus has no words: {names} holds only whitespace, or nothing")
        words, sentences = counter.words, counter.sentences
        return RawVocabulary(counter.finish(), words, sentences, minimum)

    def encode(
        self,
        words: Sequence[str],
        threads: int | None = None,
        progress: Progress | None = None,
        *,
        block: int = _BLOCK,
    ) -> EncodedCorpus:
        """Replace each word by its place in ``words``; see `Corpus.encode`."""
        table = core.WordTable(list(words))
        team = _threads(threads)
        output = temporary_descriptor()
        try:
            encoder = core.WordEncoder(*self.layout(), team, table, block, output)
            more = True
            with explain_full_disk("the corpus as word ids"):
                while more:
                    more = encoder.advance(max(1, _BYTES_A_CALL // block))
                    self.check(encoder.fault)
                    if progress:
                        progress(encoder.bytes, self.size)
            ids = _map_ids(output, encoder.ids)
        finally:
            os.close(output)
        return EncodedCorpus(ids, encoder.words, encoder.known_words, encoder.sentences)


class IterableCorpus(Corpus):
    """Lists of words from any Python object that can be iterated over again and again."""

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        self.sentences = sentences
        try:
            self._length: int | None = len(sentences)  # type: ignore[arg-type]
        except TypeError:
            self._length = None

    def count(
        self,
        max_vocab_size: int | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
        trim_rule: TrimRule | None = None,
    ) -> RawVocabulary:
        """Count every word; see `Corpus.count`. Threads do not help: Python gives the words."""
        del threads
        counter = core.WordCounter([], False, 0, 1)
        minimum, number = 1, 0
        size = 1 if max_vocab_size else _SENTENCES_A_CALL
        iterator = iter(self.sentences)
        while batch := list(itertools.islice(iterator, size)):
            counter.add_sentences(batch, number)
            number += len(batch)
            if max_vocab_size and len(counter.table) > max_vocab_size:
                _prune(counter, minimum, trim_rule)
                minimum += 1
            if progress:
                progress(number, self._length)
        if counter.words == 0:
            raise ValueError(
                f"the corpus has no words: {number} sentences, all of them empty"
                if number
                else "the corpus is empty: iterating over it gave no sentence"
            )
        words, sentences = counter.words, counter.sentences
        return RawVocabulary(counter.finish(), words, sentences, minimum)

    def encode(
        self, words: Sequence[str], threads: int | None = None, progress: Progress | None = None
    ) -> EncodedCorpus:
        """Replace each word by its place in ``words``; see `Corpus.encode`."""
        del threads
        table = core.WordTable(list(words))
        output = temporary_descriptor()
        number = 0
        try:
            encoder = core.WordEncoder([], False, 0, 1, table, _BLOCK, output)
            with explain_full_disk("the corpus as word ids"):
                iterator = iter(self.sentences)
                while batch := list(itertools.islice(iterator, _SENTENCES_A_CALL)):
                    encoder.add_sentences(batch, number)
                    number += len(batch)
                    if encoder.pending >= _IDS_A_WRITE:
                        _flush(encoder)
                    if progress:
                        progress(number, self._length)
                _flush(encoder)
            if number == 0:
                raise ValueError(
                    "the second pass over the corpus gave no sentence: an iterable must give its "
                    "sentences each time it is iterated over, so __iter__ has to start anew"
                )
            ids = _map_ids(output, encoder.ids)
        finally:
            os.close(output)
        return EncodedCorpus(ids, encoder.words, encoder.known_words, encoder.sentences)


def _flush(encoder: Any) -> None:
    if encoder.flush():
        return
    error, _, _, system_error = encoder.fault
    if error == "no memory":
        raise MemoryError("no memory for the corpus's word ids")
    raise OSError(system_error, os.strerror(system_error))


def _threads(threads: int | None) -> int:
    if threads is None:
        return int(core.num_threads())
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    return threads


def open_corpus(sentences: Any = None, corpus_file: str | os.PathLike[str] | None = None) -> Corpus:
    """Make a corpus of a reader, of an iterable of lists of words, or of a file.

    ``corpus_file`` has one sentence a line, its words separated by whitespace; as in the readers,
    it may be compressed. Exactly one of the two must be given.

    Raises:
        TypeError: if both are given or neither, if ``sentences`` can be gone through only once (a
            generator), or is a str.
        FileNotFoundError, IsADirectoryError: if the file is missing or a directory.

    """
    if (sentences is None) == (corpus_file is None):
        raise TypeError(
            "a corpus is given either as sentences or as corpus_file, and here "
            + ("neither is" if sentences is None else "both are")
        )
    if corpus_file is not None:
        if isinstance(corpus_file, TextReader):
            raise TypeError(
                f"corpus_file must be a path, got a {type(corpus_file).__name__}: pass readers as "
                f"sentences="
            )
        if not isinstance(corpus_file, (str, os.PathLike)):
            raise TypeError(f"corpus_file must be a path, got a {type(corpus_file).__name__}")
        return FileCorpus(LineSentence(corpus_file))
    if isinstance(sentences, Corpus):
        return sentences
    if isinstance(sentences, TextReader):
        return FileCorpus(sentences)
    if isinstance(sentences, (str, bytes, os.PathLike)):
        raise TypeError(
            f"sentences must be lists of words, got the {type(sentences).__name__} "
            f"{str(sentences)[:60]!r}: if it is a file's name, did you mean corpus_file=? If it is "
            f"a text, split it into sentences and words first"
        )
    try:
        iterator = iter(sentences)
    except TypeError:
        raise TypeError(
            f"sentences must be an iterable of lists of words, got a {type(sentences).__name__}"
        ) from None
    if iterator is sentences:
        raise TypeError(
            f"sentences is a {type(sentences).__name__}, which can be gone through only once, and "
            f"training goes through its corpus several times: pass list(sentences), or an object "
            f"whose __iter__ starts anew, or write the text to a file and pass corpus_file="
        )
    return IterableCorpus(sentences)
