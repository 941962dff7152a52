"""Compressed files: read through an unlinked temporary file, written through a stream."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import mmap
import os
import shutil
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

_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}

_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    files = [member for member in archive.infolist() if not member.is_dir()]
    if len(files) != 1:
        raise ValueError(
            f"{path} holds {len(files)} files ({', '.join(f.filename for f in files[:5])}): unpack "
            f"it and name the one to read"
        )
    return files[0]


@contextlib.contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, path)) as file:
            yield file
    else:
        with _OPENERS[path.suffix](path, "rb") as file:
            yield file


@contextlib.contextmanager
def open_plain(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a real, seekable file of what ``path`` holds, unpacked if it is .gz, .bz2, .xz or .zip.

    What is unpacked, or comes through a pipe, goes to a temporary file that has no name and is
    gone when it is closed.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        ValueError: if a compressed file is damaged, or an archive holds more than one file.

    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path} (looked in {Path.cwd()})")
    compressed = path.suffix in {*_OPENERS, ".zip"}
    if not compressed and path.is_file():
        with path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile(prefix="lamina-") as plain:
        if not compressed:
            with path.open("rb") as file:
                shutil.copyfileobj(file, plain, 1 << 20)
        else:
            try:
                with _unpacked(path) as packed:
                    shutil.copyfileobj(packed, plain, 1 << 20)
            except _DAMAGE as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise ValueError(
                    f"{path} cannot be unpacked: {error}. Is it cut off, or does its name lie?"
                ) from error
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
    suffix = Path(path).suffix
    if suffix == ".zip":
        raise ValueError(f"{os.fspath(path)}: .zip is only read; write .gz, .bz2 or .xz")
    with atomic_write(path, append=append) as file:
        if suffix not in _OPENERS:
            yield file
            return
        # The last bytes are written when the packer closes, which must be before the rename.
        with _OPENERS[suffix](file, "wb") as packer:
            yield cast("BinaryIO", packer)
