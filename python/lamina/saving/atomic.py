"""Writing a file so that its old content stays whole until the new one is."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder last; not every file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, append: bool = False) -> Iterator[BinaryIO]:
    """Yield a binary file that takes the place of ``path`` when the block ends without an error.

    The data goes to a new file in the same folder, is synced to disk and then renamed. After an
    exception, a full disk or a kill at any moment, ``path`` holds what it held before; only a kill
    leaves the new file (``.name.*.part``) behind. With ``append``, the old content comes first. A
    symbolic link is followed; a pipe or a device is written directly.

    Raises:
        FileNotFoundError: if the folder does not exist.
        IsADirectoryError: if ``path`` is a folder.

    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(path)} is a folder: give the name of a file to write")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {os.fspath(path)}: the folder {target.parent} does not exist"
        )
    if target.exists() and not target.is_file():
        with target.open("ab" if append else "wb") as device:
            yield cast("BinaryIO", device)
        return
    part = target.parent / f".{target.name}.{secrets.token_hex(6)}.part"
    try:
        with part.open("xb") as file:
            stream: BinaryIO = file
            if append and target.exists():
                with target.open("rb") as old:
                    shutil.copyfileobj(old, stream, 1 << 20)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o7777)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
