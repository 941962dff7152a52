"""The film reviews as they were published: read from their folder or .tar file, ranked, kept."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lamina.datasets.arrays import read_npz
from lamina.datasets.finder import lamina_cache
from lamina.datasets.ragged import Labelled, Ragged
from lamina.saving.atomic import atomic_write
from lamina.utils.archives import DAMAGE, open_tar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SPLITS, _LABELS = ("train", "test"), ("neg", "pos")
# What Keras's Tokenizer leaves out: all punctuation but the apostrophe.
_FILTERED = b'!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_BLANKS = bytes.maketrans(_FILTERED, b" " * len(_FILTERED))
_FORMAT = "reviews-1"  # of the kept arrays


class Reviews(NamedTuple):
    """Ranks of words instead of texts, (rows, labels) of train and test, and the words by rank."""

    parts: list[Labelled]
    words: list[str]

    @property
    def word_index(self) -> dict[str, int]:
        """The rank of each word, from 1."""
        return {word: rank for rank, word in enumerate(self.words, 1)}


def _root(path: Path) -> Path:
    """Return the folder with train and test in it."""
    return path / "aclImdb" if (path / "aclImdb").is_dir() else path


def _from_folder(path: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield (train or test, neg or pos, name, text) of a folder."""
    root = _root(path)
    for split in _SPLITS:
        for label in _LABELS:
            folder = root / split / label
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"there is no folder {folder}: wanted the reviews as they were published, "
                    f"aclImdb/{{train,test}}/{{pos,neg}}/*.txt"
                )
            for file in folder.glob("*.txt"):
                yield split, label, file.name, file.read_bytes()


def _from_tar(path: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield the same of a .tar file."""
    try:
        with open_tar(path) as tar:
            for member in tar:
                folder, name = posixpath.split(member.name)
                split, label = folder.split("/")[-2:] if "/" in folder else ("", "")
                if split in _SPLITS and label in _LABELS and name.endswith(".txt"):
                    source = tar.extractfile(member) if member.isreg() else None
                    if source is not None:
                        yield split, label, name, source.read()
    except DAMAGE as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} is damaged: {error}. Was it cut off?") from error


def read_reviews(path: Path) -> Reviews:
    """Return the reviews of a folder or a .tar file, their words ranked.

    Raises:
        FileNotFoundError: if a part of them is missing.
        ValueError: if a .tar file is damaged, or a text is not UTF-8.

    """
    if not path.exists():
        raise FileNotFoundError(f"there is no folder or .tar file {path}")
    texts: dict[str, list[tuple[str, str, list[bytes]]]] = {split: [] for split in _SPLITS}
    for split, label, name, raw in _from_folder(path) if path.is_dir() else _from_tar(path):
        try:
            small = raw.decode("utf-8").lower().encode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: {split}/{label}/{name} is not UTF-8: {error}") from error
        texts[split].append((label, name, small.translate(_BLANKS).split()))
    for split, found in texts.items():
        if {label for label, _, _ in found} != set(_LABELS):
            raise FileNotFoundError(
                f"{path} has no reviews in {split}/neg or {split}/pos: wanted "
                f"aclImdb/{{train,test}}/{{pos,neg}}/*.txt"
            )
        found.sort(key=lambda text: text[:2])
    counts = Counter(chain.from_iterable(words for _, _, words in texts["train"]))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    ranks = {word: rank for rank, word in enumerate(ranked, 1)}
    parts = []
    for split in _SPLITS:
        rows = [[ranks[w] for w in words if w in ranks] for _, _, words in texts[split]]
        labels = np.array([_LABELS.index(label) for label, _, _ in texts[split]], np.int64)
        flat = np.fromiter(chain.from_iterable(rows), np.int32, sum(map(len, rows)))
        parts.append((Ragged(flat, np.array([len(row) for row in rows])), labels))
    return Reviews(parts, [word.decode("utf-8") for word in ranked])


def _fingerprint(path: Path) -> str:
    """Return what changes when a file, or a folder's files, do."""
    hasher = hashlib.sha256(f"{_FORMAT} {path.resolve()}".encode())
    folders = [_root(path) / split / label for split in _SPLITS for label in _LABELS]
    for folder in filter(os.path.isdir, folders):
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            status = entry.stat()
            hasher.update(f"{entry.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    status = path.stat()
    hasher.update(f"{status.st_size} {status.st_mtime_ns}".encode())
    return hasher.hexdigest()[:16]


def cached_reviews(path: Path) -> Reviews:
    """Return `read_reviews` of a folder or .tar file, from Lamina's cache the second time."""
    kept = lamina_cache() / f"{_FORMAT}-{_fingerprint(path)}.npz"
    if kept.exists():
        try:
            return _load(kept)
        except ValueError:  # damaged: made anew
            kept.unlink(missing_ok=True)
    reviews = read_reviews(path)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        _save(reviews, kept)
    except OSError:  # a full disk, or none that may be written to: it is a cache alone
        return reviews
    return reviews


def _save(reviews: Reviews, path: Path) -> None:
    arrays = {"words": np.frombuffer("\n".join(reviews.words).encode(), np.uint8)}
    for split, (rows, labels) in zip(_SPLITS, reviews.parts, strict=True):
        arrays |= {
            f"{split}_ids": rows.ids,
            f"{split}_lengths": rows.lengths,
            f"{split}_labels": labels,
        }
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def _load(path: Path) -> Reviews:
    names = [f"{split}_{what}" for split in _SPLITS for what in ("ids", "lengths", "labels")]
    words, *rest = read_npz(path, "words", *names)
    parts = []
    for ids, lengths, labels in (rest[:3], rest[3:]):
        if lengths.sum() != len(ids) or len(labels) != len(lengths):
            raise ValueError(f"{path} is damaged: its lengths are not those of its ids")
        parts.append((Ragged(ids, lengths), labels))
    return Reviews(parts, words.tobytes().decode().split("\n"))
