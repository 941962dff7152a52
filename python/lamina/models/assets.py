"""What layers keep as files of their own in a ``.keras`` archive: vocabularies."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.models.state import parts

if TYPE_CHECKING:
    from lamina.saving.archive import Archive

_FOLDER = "assets"


def saved_assets(model: Any) -> dict[str, bytes]:
    """Return the files that layers write with ``save_assets(folder)``, by their place."""
    found: dict[str, bytes] = {}
    for path, part in parts(model, optimizer=False):
        if not hasattr(part, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            part.save_assets(folder)
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    name = "/".join(filter(None, (_FOLDER, path, *file.relative_to(folder).parts)))
                    found[name] = file.read_bytes()
    return found


def load_assets(model: Any, archive: Archive, title: str) -> None:
    """Let layers read their files with ``load_assets(folder)``, in the order of their places."""
    names = [name for name in archive.names() if name.startswith(f"{_FOLDER}/")]
    for path, part in parts(model, optimizer=False):
        if not hasattr(part, "load_assets"):
            continue
        place = "/".join(filter(None, (_FOLDER, path, "")))
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                if name.startswith(place):
                    file = Path(folder, *name.removeprefix(place).split("/"))
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(archive.read(name))
            try:
                part.load_assets(folder)
            except (OSError, ValueError, LookupError) as error:
                raise ValueError(f"{title}: the files of {part} under {place}: {error}") from error
