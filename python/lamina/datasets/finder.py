"""Where the files of datasets are: on this machine, or fetched.

A file is looked for in the folder that the environment variable LAMINA_DATA names, then where Keras
keeps its own (``~/.keras/datasets``, or ``datasets`` in KERAS_HOME). What is found is taken as it
is; what is fetched goes to Keras's folder, if its hash is the known one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from lamina.utils.files import fetch, keras_home

KERAS_FILES = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


class Source(NamedTuple):
    """A file of a dataset: its name, where it can be had, its SHA-256 or MD5, its other names."""

    name: str
    origin: str
    file_hash: str
    others: tuple[str, ...] = ()


def keras_file(name: str, file_hash: str) -> Source:
    """Return one of the files that Keras keeps."""
    return Source(name, KERAS_FILES + name, file_hash)


def folders() -> list[Path]:
    """Return where files are looked for."""
    named = os.environ.get("LAMINA_DATA")
    return [*([Path(named).expanduser()] if named else []), keras_home() / "datasets"]


def lamina_cache() -> Path:
    """Return the folder of what Lamina makes of files: ``lamina`` in XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lamina"


def find(*names: str) -> Path | None:
    """Return the first of these files that is on this machine, or None."""
    for folder in folders():
        for name in names:
            if (folder / name).exists():
                return folder / name
    return None


def obtain(source: Source, path: Any = None) -> Path:
    """Return the path of a dataset's file, which is fetched if it is not on this machine.

    ``path`` is what the user gave: another name for it, or the path of a file of their own.

    Raises:
        FileNotFoundError: if it is nowhere; the message says where to put it.
        ValueError: if what was fetched has another hash.

    """
    name = source.name if path is None else os.fspath(path)
    if path is not None and Path(name).name != name:  # a path of the user's own
        own = Path(name).expanduser()
        if own.exists():
            return own
        raise FileNotFoundError(f"there is no file {own}: it can be had from {source.origin}")
    names = (name, *source.others) if name == source.name else (name,)
    found = find(*names)
    if found is not None:
        return found
    target = keras_home() / "datasets" / name
    algorithm = "sha256" if len(source.file_hash) == 64 else "md5"
    try:
        fetch(source.origin, target, source.file_hash, algorithm)
    except (OSError, ImportError) as error:
        places = " or ".join(str(folder) for folder in folders())
        hint = "" if "LAMINA_DATA" in os.environ else ", or name its folder in LAMINA_DATA"
        raise FileNotFoundError(
            f"{name} is not on this machine and could not be fetched ({error}). Get it from "
            f"{source.origin} and put it, under this name, into {places}{hint}"
        ) from error
    return target
