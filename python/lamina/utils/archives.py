"""Archives that come from somewhere else: unpacked without trusting a word in them.

A name that leads out of the folder is refused, and so is an archive that grows beyond reason, by
what really comes out of it rather than by what it claims. No link is ever made: one to another
file of the archive becomes a copy of that file, any other is refused.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import posixpath
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

# What a damaged archive makes its reader raise.
DAMAGE = (
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_BLOCK = 1 << 20
_OF_A_MEMBER = 4096  # bytes that even an empty file takes on a disk


def most_unpacked(size: int) -> int:
    """Return how many bytes a packed file of this size may grow to: 200 times, 256 MiB at least."""
    return max(1 << 28, 200 * size)


class Meter:
    """Counts what comes out of a packed file.

    Raises:
        ValueError: at more than `most_unpacked` of the file's size.

    """

    def __init__(self, path: Path) -> None:
        self.path, self.limit = path, most_unpacked(path.stat().st_size)
        self.left = self.limit

    def count(self, size: int) -> None:
        """Take note of so many bytes."""
        self.left -= size
        if self.left < 0:
            raise ValueError(
                f"{self.path} unpacks to more than {self.limit:,} bytes, over 200 times its size: "
                f"this looks like a bomb. If it is none, unpack it yourself"
            )


class _Counted:
    """A stream of bytes that are counted as they are read."""

    def __init__(self, stream: IO[bytes], meter: Meter) -> None:
        self._stream, self._meter = stream, meter

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes."""
        data = self._stream.read(min(size, _BLOCK) if size >= 0 else _BLOCK)
        self._meter.count(len(data))
        return data


_PACKERS: list[tuple[bytes, Any]] = [
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
]


@contextlib.contextmanager
def open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Yield a tar file, plain or packed (.gz, .bz2, .xz), to be read once from front to end.

    Raises:
        tarfile.ReadError: if it is no tar file.
        ValueError: if it is damaged, or grows beyond reason.

    """
    with path.open("rb") as file:
        begin = file.read(6)
    opener = next((each for magic, each in _PACKERS if begin.startswith(magic)), open)
    with opener(path, "rb") as stream:
        counted = cast("IO[bytes]", _Counted(stream, Meter(path)))
        with tarfile.open(fileobj=counted, mode="r|", bufsize=1 << 16) as tar:
            yield tar


def unpack(archive: str | os.PathLike[str], folder: str | os.PathLike[str], kind: Any) -> None:
    """Unpack a .zip or .tar file (.gz, .bz2 and .xz too) into a folder that is new or replaced.

    It is made beside its place and renamed, so that there is never half of it. ``kind`` is "tar",
    "zip", or "auto" for either.

    Raises:
        ValueError: if it is neither, damaged, or not safe to unpack; nothing has changed then.

    """
    path, target = Path(archive), Path(folder)
    readers = {"tar": _unpack_tar, "zip": _unpack_zip}
    kinds = list(readers) if kind == "auto" else [kind] if isinstance(kind, str) else list(kind)
    for each in kinds:
        if each not in readers:
            raise ValueError(f"archive_format must be 'auto', 'tar' or 'zip', got {each!r}")
    part = target.parent / f".{target.name}.{secrets.token_hex(6)}.part"
    try:
        for each in kinds:
            part.mkdir(parents=True)
            if readers[each](path, part):
                _replace(part, target)
                return
            shutil.rmtree(part)
    except (*DAMAGE, FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} cannot be unpacked: {error}. Is it cut off?") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    raise ValueError(f"{path} is no {' or '.join(kinds)} file that can be unpacked")


def _replace(part: Path, target: Path) -> None:
    """Give a new folder its name; what had it goes."""
    if not target.exists():
        part.rename(target)
        return
    old = target.parent / f".{target.name}.{secrets.token_hex(6)}.old"
    target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _place(archive: Path, folder: Path, name: str) -> Path:
    """Return where a member goes, which is within the folder."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    outside = name.startswith(("/", "\\")) or ".." in parts or "\0" in name
    if outside or any(Path(part).drive for part in parts):
        raise ValueError(f"{archive} holds {name!r}, which leads out of the folder: refused")
    return folder.joinpath(*parts)


def _write(source: IO[bytes], place: Path, meter: Meter | None = None) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        while block := source.read(_BLOCK):
            if meter is not None:
                meter.count(len(block))
            file.write(block)


def _unpack_tar(path: Path, folder: Path) -> bool:
    links, meter = [], Meter(path)
    try:
        with open_tar(path) as tar:
            for member in tar:
                place = _place(path, folder, member.name)
                meter.count(_OF_A_MEMBER)
                if member.isdir():
                    place.mkdir(parents=True, exist_ok=True)
                elif member.islnk() or member.issym():
                    links.append(member)
                elif member.isreg():
                    _write(cast("IO[bytes]", tar.extractfile(member)), place, meter)
                else:
                    raise ValueError(f"{path} holds {member.name!r}, no file or folder: refused")
    except tarfile.ReadError:
        if any(folder.iterdir()):
            raise
        return False
    for link in links:
        start = posixpath.dirname(link.name) if link.issym() else ""
        aim = posixpath.normpath(posixpath.join(start, link.linkname))
        source = _place(path, folder, aim)
        if not source.is_file():
            raise ValueError(
                f"{path} holds {link.name!r}, a link to {link.linkname!r}, which is no file of it: "
                f"refused"
            )
        meter.count(source.stat().st_size)
        with source.open("rb") as file:
            _write(file, _place(path, folder, link.name))
    return True


def _unpack_zip(path: Path, folder: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    meter = Meter(path)
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            place = _place(path, folder, member.filename)
            meter.count(_OF_A_MEMBER)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise ValueError(f"{path} holds {member.filename!r}, a link: refused")
            if member.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            with archive.open(member) as source:
                _write(source, place, meter)
    return True
