"""Vectors and their labels for TensorBoard's projector, which shows them in space."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.callbacks.tensorboard.events import EventFile, require_tensorboardx
from lamina.saving import atomic_write

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

_CONFIG = "projector_config.pbtxt"
_BLOCK = re.compile(r"embeddings\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*")


def write_embeddings(
    log_dir: str | os.PathLike[str],
    vectors: Any,
    labels: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
    *,
    name: str = "embedding",
    limit: int | None = 10_000,
) -> None:
    """Write vectors and their labels for the projector: ``tensorboard --logdir log_dir``.

    ``write_embeddings("logs", model.wv)`` shows trained words, ``write_embeddings("logs",
    layer.get_weights()[0], words)`` the rows of an `Embedding`.

    Args:
        log_dir: the folder, made if it is not there; others of its embeddings stay.
        vectors: `KeyedVectors`, a `Word2Vec` model, or an array (rows, size).
        labels: what each row is called; or columns by their names, of which the first is shown.
            Words know theirs, and how often they were met. A tab or line break becomes a space.
        name: what the projector calls them; the same name again replaces them.
        limit: only so many rows, from the first: browsers bear some 10,000. None for all.

    Raises:
        ValueError: if the array has not two axes, or labels are not as many as rows; nothing is
            written then.
        ImportError: if tensorboardX is not installed.

    """
    require_tensorboardx("write_embeddings")
    vectors = getattr(vectors, "wv", vectors)
    if labels is None and hasattr(vectors, "index_to_key"):
        labels = {"word": vectors.index_to_key}
        if "count" in vectors.expandos:
            labels["count"] = vectors.expandos["count"]
    rows = np.asarray(getattr(vectors, "vectors", vectors))
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"write_embeddings: wanted an array (rows, size), got {rows.shape}")
    columns = _columns(labels)
    for column, values in columns.items():
        if len(values) != len(rows):
            raise ValueError(
                f"write_embeddings: {column!r} has {len(values)} labels for {len(rows)} rows"
            )
    folder = Path(log_dir)
    folder.mkdir(parents=True, exist_ok=True)
    metadata = None
    if columns:
        metadata = f"{file_name(name)}_labels.tsv"
        _write_lines(folder / metadata, _label_lines(columns, limit))
    write_rows(folder, name, rows[:limit], metadata)
    if not any(folder.rglob("*.tfevents.*")):  # what makes a folder a run
        EventFile(folder).close()


def _columns(labels: Any) -> Mapping[str, Sequence[Any]]:
    if labels is None:
        return {}
    return labels if isinstance(labels, Mapping) else {"label": labels}


def write_rows(folder: Path, name: str, rows: Any, metadata: str | None = None) -> None:
    """Write rows of numbers, and name them, with their file of labels, to the projector."""
    line = "\t".join(["%.9g"] * rows.shape[1])
    tensors = f"{file_name(name)}.tsv"
    _write_lines(folder / tensors, (line % tuple(row) for row in rows.tolist()))
    fields = {"tensor_name": name, "tensor_path": tensors, "metadata_path": metadata}
    text = "".join(f"  {key}: {_quoted(value)}\n" for key, value in fields.items() if value)
    config = folder / _CONFIG
    before = config.read_text(encoding="utf-8") if config.is_file() else ""
    own = f"tensor_name: {_quoted(name)}\n"
    kept = _BLOCK.sub(lambda block: "" if own in block.group() else block.group(), before)
    with atomic_write(config) as file:
        file.write(f"{kept}embeddings {{\n{text}}}\n".encode())


def file_name(name: str) -> str:
    """Return a name without what does not belong in that of a file."""
    return re.sub(r"[^A-Za-z0-9_.\-]", "_", name)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _label_lines(columns: Mapping[str, Sequence[Any]], limit: int | None) -> Iterator[str]:
    """Yield a line for each row; above several columns stand their names."""
    if len(columns) > 1:
        yield "\t".join(map(_one_line, columns))
    parts = [values[:limit] for values in columns.values()]
    for values in zip(*parts, strict=True):
        yield "\t".join(map(_one_line, values))


def _one_line(value: Any) -> str:
    return re.sub(r"[\t\r\n]", " ", str(value)) or " "


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with atomic_write(path) as file:
        for line in lines:
            file.write(line.encode("utf-8", "replace") + b"\n")
