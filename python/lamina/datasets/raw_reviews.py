"""The film reviews as they were published: read from their folder or .tar file, ranked, kept."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
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
_NAME = re.compile(r"\d+_(10|[1-9])\.txt")  # number and stars
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


class Text(NamedTuple):
    """A review as it was written: neg or pos, the name of its file, what it says."""

    label: str
    name: str
    text: str

    @property
    def sentiment(self) -> int:
        """1 if it is favourable, else 0."""
        return _LABELS.index(self.label)

    @property
    def stars(self) -> int:
        """How many stars of ten its author gave, which its file's name ends with."""
        found = _NAME.fullmatch(self.name)
        if found is None:
            raise ValueError(
                f"{self.label}/{self.name} does not say its stars: wanted a name like 0_9.txt, "
                f"number and stars from 1 to 10"
            )
        return int(found[1])


def _decoded(raw: bytes, what: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} is not UTF-8: {error}") from error


def read_texts(path: Path) -> dict[str, list[Text]]:
    """Return the reviews of train and of test, of a folder or a .tar file, in order of their names.

    Raises:
        FileNotFoundError: if a part of them is missing.
        ValueError: if a .tar file is damaged, or a text is not UTF-8.

    """
    if not path.exists():
        raise FileNotFoundError(f"there is no folder or .tar file {path}")
    texts: dict[str, list[Text]] = {split: [] for split in _SPLITS}
    for split, label, name, raw in _from_folder(path) if path.is_dir() else _from_tar(path):
        texts[split].append(Text(label, name, _decoded(raw, f"{path}: {split}/{label}/{name}")))
    for split, found in texts.items():
        if {text.label for text in found} != set(_LABELS):
            raise FileNotFoundError(
                f"{path} has no reviews in {split}/neg or {split}/pos: wanted "
                f"aclImdb/{{train,test}}/{{pos,neg}}/*.txt"
            )
        found.sort(key=lambda text: text[:2])
    return texts


def read_reviews(path: Path) -> Reviews:
    """Return the reviews of a folder or a .tar file, their words ranked; raises as `read_texts`."""
    texts = read_texts(path)
    words = {
        split: [text.text.lower().encode("utf-8").translate(_BLANKS).split() for text in found]
        for split, found in texts.items()
    }
    counts = Counter(chain.from_iterable(words["train"]))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    ranks = {word: rank for rank, word in enumerate(ranked, 1)}
    parts = []
    for split in _SPLITS:
        rows = [[ranks[w] for w in row if w in ranks] for row in words[split]]
        labels = np.array([text.sentiment for text in texts[split]], np.int64)
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
