"""Zip archives that nobody vouches for: members of bounded size, checked, in memory."""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.saving.atomic import atomic_write
from lamina.saving.hdf5 import RefusedFileError, check_is_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BLOCK_BYTES = 1 << 20

# Keras does not compress its archives; one that was packed again shrinks a few times.
_MOST_EXPANSION = 100
_FLOOR_BYTES = 1 << 20
_MOST_MEMBERS = 10_000

_WRONG = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,  # encrypted
    ArithmeticError,
    MemoryError,
)


class Archive:
    """A zip archive, open for reading."""

    def __init__(self, archive: zipfile.ZipFile, path: str, size: int) -> None:
        self._archive, self._path, self._size = archive, path, size
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            parts = member.filename.split("/")
            if {"..", "."} & set(parts) or "" in parts[:-1] or "\\" in member.filename:
                raise RefusedFileError(
                    f"{path}: holds the name {member.filename!r}, which leads elsewhere"
                )
            if member.filename in self._members:
                raise RefusedFileError(f"{path}: holds {member.filename!r} twice")
            self._members[member.filename] = member
        if len(self._members) > _MOST_MEMBERS:
            raise RefusedFileError(
                f"{path}: holds {len(self._members)} members, which no model has"
            )

    def names(self) -> list[str]:
        """Return the names of the files in it."""
        return [name for name in self._members if not name.endswith("/")]

    def read(self, name: str) -> bytearray:
        """Return the bytes of a member.

        Raises:
            ValueError: if it is not there, damaged, or claims more than its packed bytes can give.

        """
        member = self._members.get(name)
        if member is None:
            raise RefusedFileError(
                f"{self._path}: there is no {name!r} in it, only "
                f"{', '.join(self.names()[:10]) or 'nothing'}"
            )
        packed = min(member.compress_size, self._size)
        if member.file_size > max(_FLOOR_BYTES, _MOST_EXPANSION * packed):
            raise RefusedFileError(
                f"{self._path}, {name}: claims {member.file_size} bytes, packed in {packed}: "
                f"refused as a zip bomb"
            )
        found = bytearray()
        try:
            with self._archive.open(member) as stream:
                while block := stream.read(_BLOCK_BYTES):
                    found += block
        except _WRONG as error:
            raise RefusedFileError(
                f"{self._path}, {name}, after {len(found)} of {member.file_size} bytes: {error}. "
                f"Is the file damaged?"
            ) from error
        if len(found) != member.file_size:
            raise RefusedFileError(
                f"{self._path}, {name}: ends after {len(found)} of {member.file_size} bytes: is "
                f"the file cut off?"
            )
        return found


@contextlib.contextmanager
def open_archive(path: str | os.PathLike[str]) -> Iterator[Archive]:
    """Open a zip archive for reading.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no archive, or one that leads elsewhere.

    """
    title = os.fspath(path)
    check_is_file(path)
    with Path(path).open("rb") as stream:
        start, size = stream.read(8), os.fstat(stream.fileno()).st_size
        stream.seek(0)
        try:
            archive = zipfile.ZipFile(stream)
        except (*_WRONG, NotImplementedError) as error:
            guess = ": it is an HDF5 file: call it .h5" if start[1:4] == b"HDF" else ""
            cut = ": is it cut off?" if start[:2] == b"PK" else guess
            raise RefusedFileError(
                f"{title} is no .keras archive ({size} bytes, starting with {start!r}){cut} "
                f"({error})"
            ) from error
        with archive:
            yield Archive(archive, title, size)


def write_archive(
    path: str | os.PathLike[str], members: Mapping[str, bytes | memoryview[int]]
) -> None:
    """Write members to ``path``, which holds its old content until all is written."""
    with atomic_write(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(content)
