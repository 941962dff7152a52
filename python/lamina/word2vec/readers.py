"""Text on disk: the readers that a model takes as its corpus, and what opens their files.

A reader only says where the text is and what a sentence is. Native code reads it when a model is
trained; iterating over a reader in Python gives the same words, one list for each sentence.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from lamina.word2vec.compression import is_packed, open_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT8_SENTENCE = 10_000
"""Words in a sentence when a text without sentences is iterated over in Python, as in gensim."""


@contextlib.contextmanager
def explain_full_disk(what: str) -> Iterator[None]:
    """Say which directory is full, and how to choose another, if a temporary file cannot grow."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        directory = tempfile.gettempdir()
        raise OSError(
            error.errno,
            f"no room for {what} in {directory}, the directory for temporary files: free some, or "
            f"name another directory in the environment variable TMPDIR",
            directory,
        ) from error


def temporary_descriptor() -> int:
    """Open a file without a name in the directory for temporary files (``TMPDIR``)."""
    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())


class TextFile:
    """An open file that native code reads: descriptor, size in bytes, and a name for messages.

    What is not a plain file on disk (compressed, a pipe, an open file object) is first written out
    to a temporary one, which goes when this object does.
    """

    def __init__(self, source: Any, limit: int | None = None) -> None:
        if hasattr(source, "read"):
            self._adopt(self._spool(contextlib.nullcontext(source), str(source)), str(source))
        else:
            name = os.fspath(source)
            if Path(name).is_dir():
                raise IsADirectoryError(
                    errno.EISDIR,
                    "a corpus is a file, and this is a directory: pass "
                    "PathLineSentences(directory) to read all of its files",
                    name,
                )
            if not Path(name).exists():
                raise FileNotFoundError(errno.ENOENT, "no such corpus file", name)
            if Path(name).is_file() and not is_packed(name):
                self._adopt(os.open(name, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)), name)
            else:
                self._adopt(self._spool(open_bytes(name), name), name)
        if limit is not None:
            self.size = self._end_of_line(limit)

    def _adopt(self, descriptor: int, name: str) -> None:
        self.name = name
        self.descriptor = descriptor
        self._finalizer = weakref.finalize(self, os.close, descriptor)
        self.measure()

    @classmethod
    def temporary(cls, name: str) -> TextFile:
        """Return an empty temporary file; `measure` it after it has been written."""
        file = cls.__new__(cls)
        file._adopt(temporary_descriptor(), name)  # noqa: SLF001
        return file

    def measure(self) -> None:
        """Take the file's size anew."""
        self.size = os.fstat(self.descriptor).st_size

    @staticmethod
    def _spool(opened: contextlib.AbstractContextManager[IO[Any]], name: str) -> int:
        descriptor = temporary_descriptor()
        try:
            with (
                explain_full_disk(f"the text of {name}"),
                opened as stream,
                os.fdopen(os.dup(descriptor), "wb") as copy,
            ):
                if isinstance(stream.read(0), str):
                    for text in iter(lambda: stream.read(1 << 20), ""):
                        copy.write(text.encode("utf-8"))
                else:
                    shutil.copyfileobj(stream, copy, 1 << 20)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _end_of_line(self, count: int) -> int:
        """Return where the ``count``-th line ends, in bytes."""
        position = 0
        while count > 0 and (block := os.pread(self.descriptor, 1 << 20, position)):
            lines = block.count(b"\n")
            if lines < count:
                count -= lines
                position += len(block)
                continue
            for _ in range(count):
                position += block.index(b"\n") + 1
                block = block[block.index(b"\n") + 1 :]
            return position
        return position


def not_utf8(name: str, offset: int) -> ValueError:
    """Return the error for a file that is in another encoding, or no text at all."""
    return ValueError(
        f"{name} is not UTF-8 text: the byte at offset {offset} belongs to no character. If it is "
        f"text in another encoding, convert it first: iconv -f LATIN1 -t UTF-8 FILE > NEW; if it "
        f"is compressed, its name must end in .gz, .bz2, .xz or .zip"
    )


class TextReader:
    """What the readers share: the files, what ends a sentence, and iteration in Python."""

    lines = True
    max_sentence_length: int | None = None
    limit: int | None = None

    def files(self) -> list[Any]:
        """Return the paths, or open files, to be read one after another."""
        raise NotImplementedError

    def open_files(self) -> list[TextFile]:
        """Return the open files, ready to be read natively."""
        return [TextFile(source, self.limit) for source in self.files()]

    def _python_sentence_length(self) -> int | None:
        return self.max_sentence_length

    def _check(self) -> None:
        for name, value in (
            ("max_sentence_length", self.max_sentence_length),
            ("limit", self.limit),
        ):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(
                    f"{type(self).__name__}: {name} must be a positive integer or None, "
                    f"got {value!r}"
                )

    def __iter__(self) -> Iterator[list[str]]:
        length = self._python_sentence_length()
        for source in self.files():
            words: list[str] = []
            for piece in self._pieces(source):
                words.extend(piece)
                if length is None:
                    if words:
                        yield words
                    words = []
                    continue
                first = 0
                while len(words) - first >= length:
                    yield words[first : first + length]
                    first += length
                words = words[first:]
                if self.lines and words:
                    yield words
                    words = []
            if words:
                yield words

    def _pieces(self, source: Any) -> Iterator[list[str]]:
        """Yield the words of each line, or of each megabyte of a text without lines."""
        file = TextFile(source, self.limit)
        offset = 0
        with os.fdopen(os.dup(file.descriptor), "rb") as stream:
            stream.seek(0)
            while offset < file.size:
                left = file.size - offset
                if self.lines:
                    text = stream.readline(left)
                else:
                    # To the next newline or space, so that no word is cut.
                    text = stream.read(min(left, 1 << 20))
                    while not text[-1:].isspace() and offset + len(text) < file.size:
                        text += stream.read(1)
                try:
                    yield text.decode("utf-8").split()
                except UnicodeDecodeError as error:
                    raise not_utf8(file.name, offset + error.start) from error
                offset += len(text)


class Text8Corpus(TextReader):
    """A text without sentences, like text8: words separated by whitespace, newlines included.

    A model reads it whole; iterating in Python gives lists of ``max_sentence_length`` words, or of
    10,000 if it is None. ``fname`` may be compressed (.gz, .bz2, .xz, .zip).
    Follows gensim's class.
    """

    lines = False

    def __init__(
        self, fname: str | os.PathLike[str], max_sentence_length: int | None = None
    ) -> None:
        self.fname = fname
        self.max_sentence_length = max_sentence_length
        self._check()

    def _python_sentence_length(self) -> int:
        return self.max_sentence_length or TEXT8_SENTENCE

    def files(self) -> list[Any]:
        """Return the one path."""
        return [self.fname]


class LineSentence(TextReader):
    """A text with one sentence a line, its words separated by whitespace.

    ``source`` is a path (also .gz, .bz2, .xz, .zip) or an open file that can seek. ``limit`` reads
    only so many lines; ``max_sentence_length`` cuts longer sentences, which are else left whole.
    Follows gensim's class.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | IO[Any],
        max_sentence_length: int | None = None,
        limit: int | None = None,
    ) -> None:
        self.source = source
        self.max_sentence_length = max_sentence_length
        self.limit = limit
        self._check()

    def files(self) -> list[Any]:
        """Return the one path, or the open file, wound back to its beginning."""
        if hasattr(self.source, "read"):
            cast("IO[Any]", self.source).seek(0)
        return [self.source]


class PathLineSentences(TextReader):
    """All the files of a directory, in the order of their names, each with one sentence a line.

    ``limit`` and ``max_sentence_length`` are as in `LineSentence`, for each file. Directories
    within it are left out. Follows gensim's class.

    Raises:
        FileNotFoundError: if there is no such directory, or no file in it.

    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        max_sentence_length: int | None = None,
        limit: int | None = None,
    ) -> None:
        self.source = source
        self.max_sentence_length = max_sentence_length
        self.limit = limit
        self._check()
        path = Path(source)
        if path.is_file():
            self.input_files = [str(path)]
        else:
            self.input_files = sorted(str(p) for p in path.iterdir() if not p.is_dir())
        if not self.input_files:
            raise FileNotFoundError(errno.ENOENT, "no file in this directory", str(path))

    def files(self) -> list[Any]:
        """Return the paths of the files."""
        return list(self.input_files)


class BrownCorpus:
    """The Brown corpus as NLTK ships it: a directory of files of ``word/TAG`` tokens.

    Gives ``word/TG``: the word in lower case and its tag cut to two letters, without punctuation.
    Follows gensim's class.
    """

    def __init__(self, dirname: str | os.PathLike[str]) -> None:
        self.dirname = dirname

    def __iter__(self) -> Iterator[list[str]]:
        for path in sorted(Path(self.dirname).iterdir()):
            if not path.is_file():
                continue
            with open_bytes(str(path)) as stream:
                for line in stream:
                    pairs = [t.split("/") for t in line.decode("utf-8").split()]
                    words = [
                        f"{pair[0].lower()}/{pair[1][:2]}"
                        for pair in pairs
                        if len(pair) == 2 and pair[1][:2].isalpha()
                    ]
                    if words:
                        yield words
