"""The word2vec formats: text, binary, and GloVe's text without a first line.

A file is mapped into memory, its rows are found, and all are read by the native kernels; only the
first line and the errors are Python's.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lamina._native import core
from lamina.word2vec.compression import mapped_bytes, open_plain
from lamina.word2vec.table import KeyTable, checked_dtype

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_LONGEST_HEADER = 4096
_LARGEST_SIZE = 1 << 40
_BLOCK_ROWS = 8192
_LONGEST_WORD = 65536


@dataclasses.dataclass
class WordVectors:
    """What a file held: words, their vectors (in the same order), and the rows it claimed."""

    words: list[str]
    vectors: NDArray[Any]


@dataclasses.dataclass
class _File:
    """A mapped file and how it is to be read."""

    name: str
    data: NDArray[np.uint8]
    encoding: str
    errors: str
    limit: int | None
    dtype: np.dtype[Any]

    def piece(self, begin: int, length: int) -> bytes:
        return self.data[begin : begin + length].tobytes()

    def fail(self, place: str, what: str) -> NoReturn:
        raise ValueError(f"{self.name}, {place}: {what}")


def _looks_like_numbers(piece: bytes) -> bool:
    return len(piece) > 0 and all(byte in b"0123456789+-.eE \r\n" for byte in piece)


def _looks_binary(piece: bytes) -> bool:
    return any(byte < 32 and byte not in b"\t\n\r\x0b\x0c" for byte in piece)


def _read_header(file: _File, binary: bool) -> tuple[int, int, int]:
    """Return rows, columns and the place after the first line, "rows columns"."""
    start = file.piece(0, _LONGEST_HEADER)
    line, newline, _ = start.partition(b"\n")
    fields = line.split()
    if len(file.data) == 0:
        file.fail("byte 0", "the file is empty")
    if newline and len(fields) == 2 and all(f.isdigit() and len(f) <= 18 for f in fields):
        rows, columns = int(fields[0]), int(fields[1])
        if columns < 1 or columns > _LARGEST_SIZE:
            file.fail("line 1", f"vectors of {columns} numbers cannot be")
        return rows, columns, len(line) + 1
    shown = line[:60].decode("utf-8", "backslashreplace")
    hint = "Is it in the word2vec format at all?"
    if start[:1] == b"\x80":
        hint = (
            "It looks like a Python pickle, as gensim's save() writes: load it in gensim and use "
            "KeyedVectors.from_gensim()"
        )
    elif start[8:9] == b"{":
        hint = "It looks like a file of Lamina's own: use KeyedVectors.load()"
    elif len(fields) > 2 and not binary and not _looks_binary(line):
        hint = "Files without that line, as GloVe's, want no_header=True"
    return file.fail(
        "line 1", f"wanted the numbers of rows and columns, as '3000000 300', got {shown!r}. {hint}"
    )


def _too_long(file: _File, place: str) -> NoReturn:
    file.fail(place, f"a word of more than {_LONGEST_WORD} bytes. Is the file damaged?")


# ---- binary


def _read_binary(file: _File) -> tuple[KeyTable, NDArray[Any]]:
    claimed, columns, begin = _read_header(file, binary=True)
    rows = claimed if file.limit is None else min(claimed, file.limit)
    first = file.piece(begin, 256).lstrip(b"\n")
    if rows and _looks_like_numbers(first.partition(b" ")[2][: min(64, 4 * columns)]):
        file.fail(f"byte {begin}", "the vectors are text, not binary: pass binary=False")
    size = len(file.data)
    if rows > (size - begin) // (4 * columns + 1):
        raise EOFError(
            f"{file.name}, byte {size}: unexpected end: the first line promises {claimed} rows of "
            f"{columns} floats, for which {size} bytes are too few. Is the file cut off?"
        )
    starts, lengths, (fault, row, place, _) = core.index_binary_rows(
        file.data, begin, rows, columns
    )
    if fault == "truncated":
        raise EOFError(
            f"{file.name}, byte {place}: unexpected end in row {row} of {rows}. Is the file cut "
            f"off, or not of {columns} columns?"
        )
    if fault:
        _too_long(file, f"byte {place}, row {row}")
    if rows == claimed and len(file.piece(place, 2).strip(b"\n")) > 0:
        warnings.warn(
            f"{file.name}: the first line promises {claimed} rows, which end at byte {place} of "
            f"{size}; what follows is not read",
            stacklevel=5,
        )
    vectors = np.empty((rows, columns), file.dtype)
    step = rows if file.dtype == np.float32 else _BLOCK_ROWS
    for low in range(0, rows, max(1, step)):
        high = min(rows, low + step)
        positions = starts[low:high] + lengths[low:high] + 1
        direct = file.dtype == np.float32
        block = vectors if direct else np.empty((high - low, columns), np.float32)
        bad = core.copy_binary_rows(file.data, positions, block)
        if bad >= 0:
            word = file.piece(int(starts[low + bad]), int(lengths[low + bad]))
            warnings.warn(
                f"{file.name}, byte {positions[bad]}: the vector of word "
                f"{word.decode('utf-8', 'backslashreplace')!r} holds NaN or infinity",
                stacklevel=5,
            )
        if not direct:
            vectors[low:high] = block
    return KeyTable(file.data, starts, lengths), vectors


# ---- text


def _first_line_columns(file: _File, end: int) -> int:
    """Return how many numbers end the first line of a file without a header."""
    fields = file.piece(0, end).rstrip().split(b" ")[1:]
    columns = 0
    for field in reversed(fields):
        try:
            float(field)
        except ValueError:
            break
        columns += 1
    if columns == 0:
        shown = file.piece(0, 60).decode("utf-8", "backslashreplace")
        file.fail("line 1", f"wanted a word and its numbers, got {shown!r}")
    return columns


def _read_text(file: _File, no_header: bool) -> tuple[KeyTable, NDArray[Any]]:
    claimed, columns, begin = (-1, 0, 0) if no_header else _read_header(file, binary=False)
    wanted = (
        claimed if file.limit is None else file.limit if no_header else min(claimed, file.limit)
    )
    starts = core.index_text_lines(file.data, begin, -1 if file.limit is None else wanted)
    lines = len(starts) - 1
    while lines and not file.piece(int(starts[lines - 1]), int(np.diff(starts)[lines - 1])).strip():
        lines -= 1  # empty lines at the end
    if no_header:
        if lines == 0:
            file.fail("byte 0", "the file is empty")
        columns = _first_line_columns(file, int(starts[1]) - 1)
    rows = lines if wanted < 0 else min(lines, wanted)
    if rows < wanted and not no_header:
        if _looks_binary(file.piece(begin, 4096)):
            file.fail(f"byte {begin}", "the vectors are binary, not text: pass binary=True")
        raise EOFError(
            f"{file.name}, line {lines + 2}: unexpected end: the first line promises {claimed} "
            f"rows, the file has {lines}. Is it cut off?"
        )
    if file.limit is None and lines > rows:
        warnings.warn(
            f"{file.name}: the first line promises {claimed} rows, the file has {lines}; those "
            f"after line {claimed + 1} are not read",
            stacklevel=5,
        )
    vectors, lengths = _parse_blocks(file, starts, rows, columns, first_line=1 if no_header else 2)
    return KeyTable(file.data, starts[:rows], lengths), vectors


def _parse_blocks(
    file: _File, starts: NDArray[np.int64], rows: int, columns: int, first_line: int
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Read the lines at ``starts``: at once, or by blocks of doubles if halves are wanted."""
    # A number takes two bytes at least. Once no line is too short, the matrix is not much larger
    # than the file, whatever the first line promised.
    short = np.flatnonzero(np.diff(starts[: rows + 1]) <= 2 * columns)
    if len(short):
        begin, end = (int(at) for at in starts[short[0] : short[0] + 2])
        found = len(file.piece(begin, end - 1 - begin).split()) - 1
        fault = "too few" if found >= 0 else "empty line"
        _text_fault(file, begin, first_line + int(short[0]), columns, (fault, 0, end - 1, found))
    direct = file.dtype != np.float16
    vectors: NDArray[Any] = np.empty((rows, columns), file.dtype)
    lengths = np.zeros(rows, np.int32)
    step = rows if direct else _BLOCK_ROWS
    for low in range(0, rows, max(1, step)):
        high = min(rows, low + step)
        block = vectors if direct else np.empty((high - low, columns), np.float64)
        failure = core.parse_text_rows(file.data, starts[low : high + 1], block, lengths[low:high])
        if failure[0]:
            start = int(starts[low + failure[1]])
            _text_fault(file, start, first_line + low + failure[1], columns, failure)
        if not direct:
            with np.errstate(over="ignore"):
                vectors[low:high] = block
            if not np.isfinite(vectors[low:high]).all():
                line = int(np.argmin(np.isfinite(vectors[low:high]).all(axis=1))) + low + first_line
                file.fail(f"line {line}", "a number is too large for float16: use float32")
    return vectors, lengths


def _text_fault(
    file: _File, start: int, line: int, columns: int, failure: tuple[str, int, int, int]
) -> NoReturn:
    """Raise the error for a line that could not be read."""
    fault, _, place, found = failure
    text = file.piece(start, 256).partition(b"\n")[0]
    word = text.partition(b" ")[0][:60].decode("utf-8", "backslashreplace")
    where = f"line {line}, byte {place}"
    if fault == "long word":
        _too_long(file, where)
    if fault == "empty line":
        file.fail(where, "the line is empty")
    if _looks_binary(file.piece(start, 4096)):
        file.fail(where, "this is not text: pass binary=True if the vectors are binary")
    if fault == "too few":
        what = f"word {word!r} has {found} numbers, wanted {columns}"
    elif fault == "too many":
        what = f"word {word!r} has more than {columns} numbers"
        if columns == 1 and line == 2 and found == 1:
            what += ". Is line 1 a header? Then drop no_header=True"
    else:
        token = file.piece(place, 60).split(b"\n")[0].split(b" ")[0]
        shown = token.decode("utf-8", "backslashreplace")
        finite = "a finite number" if fault == "not finite" else "a number"
        what = f"word {word!r}: {shown!r} is not {finite}"
    file.fail(where, what)


# ---- both


def _decoded(file: _File, keys: KeyTable) -> list[str]:
    try:
        return keys.decode(file.encoding, file.errors)
    except UnicodeDecodeError as error:
        row = next(
            i
            for i in range(len(keys.starts))
            if not _decodes(file.piece(int(keys.starts[i]), int(keys.lengths[i])), file)
        )
        raise UnicodeDecodeError(
            error.encoding,
            error.object,
            error.start,
            error.end,
            f"{error.reason}, in the word at byte {keys.starts[row]} of {file.name}; pass "
            f"unicode_errors='ignore' or 'replace', or the file's encoding=",
        ) from None


def _decodes(word: bytes, file: _File) -> bool:
    try:
        word.decode(file.encoding, file.errors)
    except UnicodeDecodeError:
        return False
    return True


def _without_duplicates(name: str, words: list[str], vectors: NDArray[Any]) -> WordVectors:
    """Keep the first of equal words, and warn."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        rows.setdefault(word, row)
    if len(rows) == len(words):
        return WordVectors(words, vectors)
    repeated = [word for row, word in enumerate(words) if rows[word] != row]
    warnings.warn(
        f"{name}: {len(repeated)} duplicate words, of which all but the first are ignored: "
        f"{', '.join(map(repr, repeated[:5]))}{', ...' if len(repeated) > 5 else ''}",
        stacklevel=4,
    )
    return WordVectors(list(rows), vectors[np.fromiter(rows.values(), np.intp, len(rows))])


def read_word2vec(
    path: str | os.PathLike[str],
    *,
    binary: bool,
    encoding: str,
    unicode_errors: str,
    limit: int | None,
    dtype: DTypeLike,
    no_header: bool,
) -> WordVectors:
    """Read words and vectors from a file in word2vec's text or binary format, perhaps compressed.

    Raises:
        EOFError: if the file ends before the rows that its first line promises.
        UnicodeDecodeError: if a word is not in ``encoding`` and ``unicode_errors`` is strict.
        ValueError: if a row cannot be read; the message names the file, line, byte and word.

    """
    if binary and no_header:
        raise ValueError("no_header=True is for text: a binary file needs its first line")
    if limit is not None and (not isinstance(limit, int) or limit < 0):
        raise ValueError(f"limit must be a number of rows or None, got {limit!r}")
    with mapped_bytes(path) as data:
        file = _File(
            os.fspath(path), data, encoding, unicode_errors, limit or None, checked_dtype(dtype)
        )
        keys, vectors = _read_binary(file) if binary else _read_text(file, no_header)
        words = _decoded(file, keys)
    return _without_duplicates(file.name, words, vectors)


def read_counts(path: str | os.PathLike[str], encoding: str, errors: str) -> dict[str, int]:
    """Read a vocabulary file: a word and its count on each line."""
    counts = {}
    with open_plain(path) as file:
        for number, line in enumerate(file, 1):
            where = f"{os.fspath(path)}, line {number}"
            try:
                word, _, count = line.decode(encoding, errors).strip().rpartition(" ")
            except UnicodeDecodeError as error:
                raise ValueError(f"{where}: not {encoding} ({error.reason})") from error
            if not word or not (count.isascii() and count.isdigit()):
                raise ValueError(f"{where}: wanted a word and its count, got {line[:60]!r}")
            counts[word] = int(count)
    return counts
