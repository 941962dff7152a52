"""KeyedVectors: words and their vectors, their files, and the way to gensim and back."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamina._native import core
from lamina.drawing.scene import shortened
from lamina.drawing.svg import html_table
from lamina.saving.container import read_tensors, write_tensors
from lamina.word2vec.compression import atomic_packed_write
from lamina.word2vec.formats import read_counts, read_word2vec
from lamina.word2vec.legacy import LegacyNames
from lamina.word2vec.table import BLOCK_ROWS, KeyTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray
    from typing_extensions import Self

logger = logging.getLogger(__name__)

_WORDS_SHOWN, _NUMBERS_SHOWN = 8, 6  # of the first keys and their vectors, in a notebook

# The names of the arrays in a native file.
_VECTORS, _WORDS, _WORD_OFFSETS, _ATTRIBUTE = "vectors", "words", "word_offsets", "attribute."


def _packed(words: Sequence[Any], prefix: str = "") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the words' UTF-8 bytes in one array, and where each begins and the last ends."""
    try:
        encoded = [f"{prefix}{word}".encode() for word in words]
    except UnicodeEncodeError as error:
        raise ValueError(
            f"word {error.object!r:.80} cannot be written as UTF-8: {error}"
        ) from error
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


class KeyedVectors(LegacyNames):
    """Words (or other keys) and their vectors, with gensim 4's methods and attributes.

    Made empty with ``vector_size`` columns and ``count`` rows that wait for keys, or by `load`,
    `load_word2vec_format`, `from_gensim`, or as ``model.wv`` of a trained model. ``dtype`` is
    float32, float16 (half the memory, converted block by block when asked) or float64.
    """

    def _repr_html_(self) -> str:
        words = self.first_keys(_WORDS_SHOWN)
        shown = min(self.vector_size, _NUMBERS_SHOWN)
        more = ["…"] * (shown < self.vector_size)
        rows = [
            [
                shortened(str(word)),
                *(f"{number:.3f}" for number in self.vectors[row, :shown]),
                *more,
            ]
            for row, word in enumerate(words)
        ]
        titles = ["key", *map(str, range(shown)), *more]
        table = html_table(titles, rows, set(range(1, len(titles))))
        left = len(self) - len(rows)
        below = f"<div>and {left:,} more</div>" if left else ""
        nbytes = self.vectors.nbytes
        size = f"{nbytes / 1e6:,.1f} MB" if nbytes >= 1e5 else f"{nbytes / 1e3:,.1f} kB"
        return (
            f"<div><b>{type(self).__name__}</b>: {len(self):,} keys x {self.vector_size} numbers, "
            f"{size} of {self.vectors.dtype}{table}{below}</div>"
        )

    # ---- the native file

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that a native file holds; `from_tensors` is the way back.

        Raises:
            TypeError: if a key is not a string.

        """
        keys = self.index_to_key
        if not all(isinstance(key, str) for key in keys):
            odd = next(key for key in keys if not isinstance(key, str))
            raise TypeError(
                f"only string keys can be saved, got {type(odd).__name__} {odd!r:.80}"
                + (": a row has no key yet" if odd is None else "")
            )
        words, offsets = _packed(keys)
        attributes = {_ATTRIBUTE + name: values for name, values in self.expandos.items()}
        return {_VECTORS: self.vectors, _WORDS: words, _WORD_OFFSETS: offsets, **attributes}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], where: str) -> Self:
        """Return the vectors that `to_tensors` gave; ``where`` names their file in errors.

        The arrays are used as they are, and words are decoded when one is first asked for.

        Raises:
            ValueError: if an array is missing or of a wrong shape.

        """
        missing = [name for name in (_VECTORS, _WORDS, _WORD_OFFSETS) if name not in tensors]
        if missing:
            raise ValueError(
                f"{where} holds no {' and no '.join(map(repr, missing))}, but "
                f"{', '.join(map(repr, tensors)) or 'nothing'}: it was not saved by KeyedVectors"
            )
        vectors, words, offsets = (tensors[name] for name in (_VECTORS, _WORDS, _WORD_OFFSETS))
        if vectors.ndim != 2 or vectors.shape[1] < 1 or vectors.dtype.kind != "f":
            raise ValueError(f"{where}: vectors are {vectors.dtype} of shape {vectors.shape}")
        if words.ndim != 1 or words.dtype != np.uint8:
            raise ValueError(f"{where}: words are {words.dtype} of shape {words.shape}")
        rows = len(vectors)
        if offsets.shape != (rows + 1,) or offsets.dtype != np.int64:
            raise ValueError(
                f"{where}: {rows} vectors want {rows + 1} word offsets, got {offsets.dtype} of "
                f"shape {offsets.shape}"
            )
        lengths = np.diff(offsets)
        if offsets[0] != 0 or offsets[-1] != len(words) or (rows and lengths.min() < 0):
            raise ValueError(f"{where}: the word offsets do not divide {len(words)} bytes")
        result = cls(vectors.shape[1], 0, vectors.dtype)
        result.vectors = vectors
        result._set_keys_on_disk(KeyTable(words, offsets[:-1], lengths.astype(np.int32)))
        for name, values in tensors.items():
            if name.startswith(_ATTRIBUTE):
                if values.shape[:1] != (rows,):
                    raise ValueError(
                        f"{where}: {name} has shape {values.shape}, wanted {rows} rows"
                    )
                result.expandos[name[len(_ATTRIBUTE) :]] = values
        return result

    def save(self, fname: str | os.PathLike[str], *_: Any, **__: Any) -> None:
        """Write words, vectors and attributes to a native file, which `load` opens at once.

        gensim's further arguments are accepted without effect.

        Raises:
            TypeError: if a key is not a string, or an attribute holds Python objects.
            OSError: if the file cannot be written; what it held before is whole.

        """
        write_tensors(fname, self.to_tensors(), {"format": "lamina.KeyedVectors", "version": "1"})

    @classmethod
    def load(cls, fname: str | os.PathLike[str], mmap: Literal["r", "c"] | None = None) -> Self:
        """Open a native file: its vectors are read from disk as they are needed.

        Changes stay in memory and never reach the file; ``mmap="r"`` refuses them.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no native file or damaged; gensim's pickles are not opened.

        """
        tensors, _ = read_tensors(fname, mode=mmap or "c")
        return cls.from_tensors(tensors, os.fspath(fname))

    # ---- the word2vec formats

    @classmethod
    def load_word2vec_format(
        cls,
        fname: str | os.PathLike[str],
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: DTypeLike = np.float32,
        no_header: bool = False,
    ) -> Self:
        """Read a file of word2vec.c's: text, or ``binary``; .gz, .bz2, .xz and .zip are unpacked.

        ``fvocab`` is a file of words and counts; without it, counts descend from the number of
        words to 1. ``limit`` reads the first rows only, ``no_header`` is for GloVe's text, which
        lacks the first line, ``datatype`` may be float16 or float64.

        Raises:
            FileNotFoundError: if there is no such file.
            EOFError: if the file ends before the rows that its first line promises.
            UnicodeDecodeError: if a word is not in ``encoding`` and ``unicode_errors`` is strict.
            ValueError: if a row cannot be read; the message names the file, line and word.

        """
        counts = None if fvocab is None else read_counts(fvocab, encoding, unicode_errors)
        read = read_word2vec(
            fname,
            binary=binary,
            encoding=encoding,
            unicode_errors=unicode_errors,
            limit=limit,
            dtype=datatype,
            no_header=no_header,
        )
        rows = len(read.words)
        result = cls(read.vectors.shape[1], 0, datatype)
        result.index_to_key = read.words
        result.key_to_index = {word: row for row, word in enumerate(read.words)}
        result.vectors = read.vectors
        if counts is None:
            result.expandos["count"] = np.arange(rows, 0, -1, dtype=np.int64)
        else:
            missing = [word for word in read.words if word not in counts]
            if missing:
                logger.warning("%s lacks %d words, as %r", fvocab, len(missing), missing[0])
            known = (counts.get(word, 0) for word in read.words)
            result.expandos["count"] = np.fromiter(known, np.int64, rows)
        return result

    def save_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        fvocab: str | os.PathLike[str] | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write a file that word2vec.c, gensim and others read: text, or ``binary`` (float32).

        Rows descend by ``sort_attr``, if it is known. ``prefix`` goes before each word, and
        ``fvocab`` is a file that takes words and counts. ``total_vec`` is what the first line says
        instead of the number of rows, if more are to be appended; ``write_header=False`` leaves
        that line out. A name that ends in .gz, .bz2 or .xz is compressed.

        Raises:
            ValueError: if a word holds a space or newline in a way that could not be read back, or
                ``fvocab`` is wanted but the counts are not known.
            OSError: if the file cannot be written; what it held before is whole.

        """
        keys = self.index_to_key
        ranking = self.expandos.get(sort_attr)
        if ranking is None and fvocab is not None:
            raise ValueError(f"fvocab wants the attribute {sort_attr!r}, which was never set")
        order = np.arange(len(keys)) if ranking is None else np.argsort(-ranking, kind="stable")
        ordered = [keys[row] for row in order]
        self._check_writeable(ordered, binary)
        if fvocab is not None and ranking is not None:
            with atomic_packed_write(fvocab, append=append) as file:
                for key, row in zip(ordered, order, strict=True):
                    file.write(f"{prefix}{key} {ranking[row]}\n".encode())
        with atomic_packed_write(fname, append=append) as file:
            if write_header:
                total = len(keys) if total_vec is None else total_vec
                file.write(f"{total} {self.vector_size}\n".encode())
            for first in range(0, len(keys), BLOCK_ROWS):
                block = self.vectors[order[first : first + BLOCK_ROWS]]
                words, offsets = _packed(ordered[first : first + BLOCK_ROWS], prefix)
                if binary:
                    rows = block.astype("<f4", copy=False)
                    at = offsets.tolist()
                    file.write(
                        b"".join(
                            words[at[i] : at[i + 1]].tobytes() + b" " + rows[i].tobytes()
                            for i in range(len(rows))
                        )
                    )
                else:
                    wide = block.astype(np.float32, copy=False) if block.itemsize == 2 else block
                    file.write(core.format_text_rows(words, offsets, np.ascontiguousarray(wide)))

    @staticmethod
    def _check_writeable(keys: Sequence[Any], binary: bool) -> None:
        """Refuse words that would silently come back as others."""
        harmful = " \n" if binary else "\n"
        for key in keys:
            if isinstance(key, str) and any(mark in key for mark in harmful):
                raise ValueError(
                    f"word {key!r:.80} holds a space or newline, which end a word in this format: "
                    f"rename it, or use save()"
                )

    def intersect_word2vec_format(
        self,
        fname: str | os.PathLike[str],
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> None:
        """Take over the vectors of a word2vec file for the words that are here already.

        ``vectors_lockf`` becomes ``lockf`` in their rows and is 1 in the others, as in gensim: the
        factor by which training may move a row.

        Raises:
            ValueError: if the file's vectors have another size, or as `load_word2vec_format`.

        """
        read = read_word2vec(
            fname,
            binary=binary,
            encoding=encoding,
            unicode_errors=unicode_errors,
            limit=None,
            dtype=self.vectors.dtype,
            no_header=False,
        )
        if read.vectors.shape[1] != self.vector_size:
            raise ValueError(
                f"{os.fspath(fname)} has vectors of {read.vectors.shape[1]} numbers, these have "
                f"{self.vector_size}"
            )
        here = self.key_to_index
        pairs = [(here[word], row) for row, word in enumerate(read.words) if word in here]
        targets, sources = np.array(pairs, np.intp).reshape(-1, 2).T
        self.vectors[targets] = read.vectors[sources]
        self.norms = None
        factors = getattr(self, "vectors_lockf", None)
        if factors is None or len(factors) != len(self):
            factors = np.ones(len(self), np.float32)
        factors[targets] = lockf
        self.vectors_lockf = factors
        logger.info("took over %d of %d words of %s", len(pairs), len(read.words), fname)

    # ---- other tables

    def vectors_for_all(
        self, keys: Iterable[Any], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> KeyedVectors:
        """Return a new table of those of ``keys`` that are here, in their order, without repeats.

        ``allow_inference`` lets row numbers count as keys; ``copy_vecattrs`` takes the attributes
        along.
        """
        known = self if allow_inference else self.key_to_index
        chosen = [key for key in dict.fromkeys(keys) if key in known]
        rows = np.array([self.get_index(key) for key in chosen], np.intp)
        result = KeyedVectors(self.vector_size, 0, self.vectors.dtype)
        result.index_to_key = chosen
        result.key_to_index = {key: row for row, key in enumerate(chosen)}
        result.vectors = self.vectors[rows]
        if copy_vecattrs:
            result.expandos = {name: values[rows] for name, values in self.expandos.items()}
        return result

    def to_gensim(self) -> Any:
        """Return gensim KeyedVectors with these words, vectors (not copied) and attributes.

        Raises:
            ImportError: if gensim is missing.

        """
        from gensim.models import KeyedVectors as GensimVectors  # noqa: PLC0415

        theirs = GensimVectors(self.vector_size, 0, dtype=self.vectors.dtype)
        theirs.index_to_key = list(self.index_to_key)
        theirs.key_to_index = dict(self.key_to_index)
        theirs.next_index = self.next_index
        theirs.vectors = self.vectors
        theirs.expandos = dict(self.expandos)
        return theirs

    @classmethod
    def from_gensim(cls, kv: Any) -> Self:
        """Return the words, vectors (not copied) and attributes of gensim's KeyedVectors.

        A gensim model is taken too, for its ``wv``.

        Raises:
            TypeError: if ``kv`` is neither.

        """
        kv = getattr(kv, "wv", kv)
        if not all(hasattr(kv, name) for name in ("index_to_key", "vectors", "vector_size")):
            raise TypeError(
                f"from_gensim wants gensim 4's KeyedVectors or a model of its, got "
                f"{type(kv).__name__}"
            )
        result = cls(kv.vector_size, 0, kv.vectors.dtype)
        result.index_to_key = kv.index_to_key
        result.key_to_index = dict(kv.key_to_index)
        result.next_index = kv.next_index
        result.vectors = kv.vectors
        result.expandos = dict(kv.expandos)
        return result
