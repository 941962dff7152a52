"""Compressed files: read through an unlinked temporary file, written through a stream."""

from __future__ import annotations

import bz2
import contextlib
import errno
import gzip
import lzma
import mmap
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from lamina.saving.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


def _open_member(path: Path, mode: str) -> IO[bytes]:
    """Open the only file of a .zip archive."""
    del mode
    try:
        with zipfile.ZipFile(path) as archive:  # the member keeps the file open
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) == 1:
                return archive.open(members[0])
    except (RuntimeError, OverflowError, UnicodeDecodeError, struct.error) as error:
        # Encrypted, packed in an unknown way, or damaged where zipfile does not look for it.
        raise zipfile.BadZipFile(str(error)) from error
    raise ValueError(
        f"{path} holds {len(members)} files ({', '.join(members[:3])}"
        f"{', ...' if len(members) > 3 else ''}), where one is wanted: unpack it and name the one "
        f"to read (a corpus of many files: PathLineSentences)"
    )


_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": _open_member,
}

_DAMAGE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile, zlib.error)


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Return whether the name says that the file is compressed."""
    return Path(path).suffix.lower() in _OPENERS


@contextlib.contextmanager
def open_bytes(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a stream of what ``path`` holds, unpacked if its name says .gz, .bz2, .xz or .zip.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        ValueError: if a compressed file is damaged, or an archive holds more than one file.

    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "this is a folder: give the name of a file", str(path)
        )
    if not path.exists():
        raise FileNotFoundError(
            errno.ENOENT, f"there is no file of this name (looked in {Path.cwd()})", str(path)
        )
    if not is_packed(path):
        with path.open("rb") as file:
            yield file
        return
    try:
        with _OPENERS[path.suffix.lower()](path, "rb") as stream:
            yield stream
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    except OSError as error:
        # bz2 has no error class of its own; a .zip that lies makes its reader seek to nowhere.
        if error.errno in {None, errno.EINVAL}:
            raise _damaged(path, error) from error
        raise


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path} is not a whole {path.suffix.lower()} file: {error}. Is it cut off, or does its "
        f"name lie?"
    )


@contextlib.contextmanager
def open_plain(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a real, seekable file of what ``path`` holds, unpacked as by `open_bytes`.

    What is unpacked, or comes through a pipe, goes to a temporary file that has no name and is
    gone when it is closed.
    """
    if Path(path).is_file() and not is_packed(path):
        with open_bytes(path) as file:
            yield file
        return
    with tempfile.TemporaryFile(prefix="lamina-") as plain:
        with open_bytes(path) as stream:
            shutil.copyfileobj(stream, plain, 1 << 20)
        plain.seek(0)
        yield cast("BinaryIO", plain)


@contextlib.contextmanager
def mapped_bytes(path: str | os.PathLike[str]) -> Iterator[NDArray[np.uint8]]:
    """Yield the bytes of ``path`` (unpacked, as `open_plain`) as an array over a memory map."""
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            yield np.zeros(0, np.uint8)
            return
        memory = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        data = np.frombuffer(memory, np.uint8)
        try:
            yield data
        finally:
            del data
            # Somebody may hold a view still (an exception's frames do): then the last one closes.
            with contextlib.suppress(BufferError):
                memory.close()


@contextlib.contextmanager
def atomic_packed_write(
    path: str | os.PathLike[str], *, append: bool = False
) -> Iterator[BinaryIO]:
    """Yield a file as `atomic_write`, which compresses if ``path`` ends in .gz, .bz2 or .xz.

    Raises:
        ValueError: for .zip, which cannot be written here.

    """
    suffix = Path(path).suffix.lower()
    if suffix == ".zip":
        raise ValueError(f"{os.fspath(path)}: .zip is only read; write .gz, .bz2 or .xz")
    with atomic_write(path, append=append) as file:
        if suffix not in _OPENERS:
            yield file
            return
        # The last bytes are written when the packer closes, which must be before the rename.
        with _OPENERS[suffix](file, "wb") as packer:
            yield cast("BinaryIO", packer)
