"""50,000 film reviews, half of them favourable: half to train on, half to test.

Source: Maas et al., Learning Word Vectors for Sentiment Analysis (2011), encoded as by Keras.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.datasets.arrays import read_npz
from lamina.datasets.finder import Source, find, keras_file, obtain
from lamina.datasets.ragged import Labelled, Ragged, encode
from lamina.datasets.raw_reviews import cached_reviews, read_reviews, read_texts
from lamina.datasets.word_index import read_word_index

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

_NPZ = keras_file("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f")
_INDEX = keras_file("imdb_word_index.json", "bfafd718b763782e994055a2d397834f")
# The reviews as they were published, of which the arrays can be made.
_RAW = Source(
    "aclImdb_v1.tar.gz",
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "7c2ac02c03563afcf9b574c7e56c153a",
    ("aclImdb", "aclImdb.tar.xz", "aclImdb.tar.gz", "aclImdb_v1"),
)

Split = tuple["NDArray[Any]", "NDArray[Any]"]


def load_data(
    path: Any = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: reviews as lists of word ids, labels 0 or 1.

    The word of rank r (1 is the most frequent one) has the id ``r + index_from``; 0 is left for
    padding. Where imdb.npz is not on this machine and the published reviews are (aclImdb, as a
    folder or .tar file), the arrays are made of those, and kept for the next time.

    Args:
        path: the name of the file, or the path of one of your own.
        num_words: ids from here on become ``oov_char``. If None it is the largest id there is, so
            that this one alone does, as in Keras.
        skip_top: ids below this become ``oov_char``.
        maxlen: reviews of so many ids or more, ``start_char`` counted, are left out.
        seed: of the order of the reviews.
        start_char: what each review begins with; None for nothing.
        oov_char: what stands for words left out; None to leave nothing there.
        index_from: what is added to each rank.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged, or no review is shorter than ``maxlen``.

    Source: Keras's ``datasets.imdb``.

    """
    raw = _raw_instead() if path == _NPZ.name else None
    if raw is not None:
        parts = cached_reviews(raw).parts
    else:
        file = obtain(_NPZ, path)
        x_train, y_train, x_test, y_test = read_npz(file, "x_train", "y_train", "x_test", "y_test")
        parts = [_labelled(x_train, y_train, file), _labelled(x_test, y_test, file)]
    return _encoded(parts, num_words, skip_top, maxlen, seed, start_char, oov_char, index_from)


def load_texts(
    path: Any = "aclImdb_v1.tar.gz", seed: int = 113, labels: str = "sentiment"
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: reviews as they were written, as str.

    The published reviews are read: the folder aclImdb or a .tar file of it. They are in the order
    in which `load_data` has them where it makes its arrays of the same files.

    Args:
        path: the name of the file, or the path of a folder or .tar file of your own.
        seed: of the order of the reviews.
        labels: "sentiment", 1 for a favourable review and 0 for another, or "stars", of ten: 1 to
            4 and 7 to 10.

    Raises:
        FileNotFoundError: if they are nowhere and cannot be fetched, or a part is missing.
        ValueError: if ``labels`` is neither, a .tar file is damaged, a text is not UTF-8, or the
            name of a file does not say its stars.

    """
    if labels not in ("sentiment", "stars"):
        raise ValueError(f"labels is 'sentiment' or 'stars', got {labels!r}")
    random = np.random.RandomState(seed)
    made = []
    for found in read_texts(obtain(_RAW, path)).values():
        random.shuffle(found)
        x = np.array([review.text for review in found], object)
        made.append((x, np.array([getattr(review, labels) for review in found], np.int64)))
    train, test = made
    return train, test


def get_word_index(path: Any = "imdb_word_index.json") -> dict[str, int]:
    """Return the rank of each word; its id in `load_data` is ``index_from`` more.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.

    """
    raw = _raw_instead() if path == _INDEX.name else None
    return read_word_index(obtain(_INDEX, path)) if raw is None else cached_reviews(raw).word_index


def from_directory(
    path: str | os.PathLike[str],
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Return what `load_data` returns, of the published reviews: ``{train,test}/{pos,neg}/*.txt``.

    Words are what is left of a text in small letters once punctuation but the apostrophe is blanks;
    they are ranked by how often the training reviews have them, then by the alphabet. Words that
    these do not have are left out of the others.

    ``path`` is the folder aclImdb, or a .tar file of it; the other arguments are as in `load_data`.

    Raises:
        FileNotFoundError: if there is no such folder, or a part of it is missing.

    """
    parts = read_reviews(Path(path)).parts
    return _encoded(parts, num_words, skip_top, maxlen, seed, start_char, oov_char, index_from)


def _raw_instead() -> Path | None:
    """Return the published reviews, if they are here and Keras's file is not."""
    return find(_RAW.name, *_RAW.others) if find(_NPZ.name) is None else None


def _labelled(rows: Any, labels: Any, file: Path) -> Labelled:
    if len(rows) != len(labels):
        raise ValueError(f"{file} has {len(rows)} reviews and {len(labels)} labels: is it damaged?")
    return Ragged.of(rows, str(file)), np.asarray(labels)


def _encoded(
    parts: list[Labelled],
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    seed: int,
    start_char: int | None,
    oov_char: int | None,
    index_from: int,
) -> tuple[Split, Split]:
    train, test = encode(
        parts,
        num_words=num_words,
        skip_top=skip_top,
        maxlen=maxlen,
        seed=seed,
        start_char=start_char,
        oov_char=oov_char,
        index_from=index_from,
    )
    return train, test
