"""Files from the network, kept where Keras keeps them, so that nobody fetches one twice."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from lamina.utils.archives import unpack


def keras_home() -> Path:
    """Return Keras's folder: the environment variable KERAS_HOME, or ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file, or of the folder it unpacks to, that is fetched if it is not here.

    Args:
        fname: its name in the cache; the last part of ``origin`` if None.
        origin: where it can be had: http, https or file.
        untar: the old spelling of ``extract``, for .tar files alone.
        md5_hash: the old spelling of ``file_hash``.
        file_hash: its SHA-256 or MD5, in hexadecimal; a file with another one is fetched anew.
        cache_subdir: the folder in the cache.
        hash_algorithm: "sha256", "md5", or "auto" to tell by the length.
        extract: whether to unpack it (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz). The folder is
            ``fname``, or, if that has a dot, what stands before it and ``_extracted``.
        archive_format: "auto", "tar" or "zip".
        cache_dir: the cache: KERAS_HOME or ``~/.keras`` if None.
        force_download: fetch it though it is here.

    Raises:
        ValueError: if the file that came has another hash, or cannot be unpacked safely.
        ConnectionError: if it cannot be fetched.
        ImportError: if pooch, which fetches it, is missing.

    Source: Keras's function, where links in archives and half-written files are concerned stricter.

    """
    if origin is None:
        raise ValueError("get_file: origin, the address of the file, is missing")
    name = os.fspath(fname) if fname else posix_name(origin)
    if name != Path(name).name or name == "..":
        raise ValueError(
            f"get_file: fname must be the name of a file, without folders, got {name!r}: the "
            f"folder is cache_dir/cache_subdir"
        )
    folder = Path(keras_home() if cache_dir is None else cache_dir).expanduser() / cache_subdir
    extract = extract or untar
    target, unpacked = folder / name, folder / name
    if extract and fname and "." in name:
        unpacked = folder / f"{name.partition('.')[0]}_extracted"
    elif extract:
        target = folder / f"{name}_archive"
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    algorithm = _algorithm(file_hash, hash_algorithm)
    known = target.exists() and (file_hash is None or checksum(target, algorithm) == file_hash)
    fetched = force_download or not known
    if fetched:
        fetch(origin, target, file_hash, algorithm)
    if not extract:
        return str(target)
    if fetched or not unpacked.is_dir():
        unpack(target, unpacked, "tar" if untar else archive_format or ())
    return str(unpacked)


def posix_name(origin: str) -> str:
    """Return the last part of an address's path."""
    name = urllib.parse.urlsplit(origin).path.rpartition("/")[2]
    if not name:
        raise ValueError(f"get_file: {origin!r} ends in no name of a file: give fname=")
    return name


def _algorithm(file_hash: str | None, name: str) -> str:
    if name not in {"auto", "sha256", "md5"}:
        raise ValueError(f"hash_algorithm must be 'auto', 'sha256' or 'md5', got {name!r}")
    if file_hash is None:
        return "sha256"
    found = {64: "sha256", 32: "md5"}.get(len(file_hash))
    if found is None or name not in {"auto", found}:
        raise ValueError(
            f"file_hash: wanted the {'SHA-256 or MD5' if name == 'auto' else name} of the file in "
            f"hexadecimal (64 or 32 digits), got {file_hash!r}"
        )
    return found


def checksum(path: Path, algorithm: str) -> str:
    """Return the hash of a file in hexadecimal."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def fetch(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    """Fetch a file to beside its place, check it, and give it its name.

    Raises:
        ValueError: if it has another hash; it is thrown away.
        ConnectionError: if it does not come.

    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{target.name}.{secrets.token_hex(6)}.part"
    try:
        _copy(origin, part)
        if file_hash is not None and (found := checksum(part, algorithm)) != file_hash:
            raise ValueError(
                f"{origin} gave a file of {part.stat().st_size:,} bytes with the {algorithm} "
                f"{found}; wanted {file_hash}. It was thrown away: was it cut off, or changed?"
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy(origin: str, part: Path) -> None:
    """Write what stands at an address to a file, with a bar of progress if it comes from afar."""
    scheme = urllib.parse.urlsplit(origin).scheme
    if scheme == "file":
        try:
            shutil.copyfile(urllib.request.url2pathname(urllib.parse.urlsplit(origin).path), part)
        except OSError as error:
            raise ConnectionError(f"{origin} cannot be read: {error}") from error
        return
    if scheme not in {"http", "https"}:
        raise ValueError(f"{origin!r}: wanted an address of http, https or file")
    try:
        import pooch  # noqa: PLC0415
        import requests  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("fetching a file needs pooch: pip install 'lamina[data]'") from error
    # The bytes as they are: a server that packs them would change what the hash is of.
    load = pooch.HTTPDownloader(
        progressbar=True, chunk_size=1 << 16, headers={"Accept-Encoding": "identity"}
    )
    try:
        load(origin, str(part), None)
    except requests.RequestException as error:
        raise ConnectionError(f"{origin} cannot be fetched: {error}") from error
