"""11,228 newswires of Reuters on 46 topics.

Source: Reuters-21578, encoded as by Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.datasets.arrays import read_npz
from lamina.datasets.finder import keras_file, obtain
from lamina.datasets.ragged import Ragged, encode
from lamina.datasets.splitting import check_share
from lamina.datasets.word_index import read_word_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NPZ = keras_file("reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916")
_INDEX = keras_file("reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")

Split = tuple["NDArray[Any]", "NDArray[Any]"]

_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem "
    "dlr gas silver wpi hog lead"
)


def load_data(
    path: Any = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: newswires as lists of word ids, topics.

    The arguments are those of ``imdb.load_data``; ``test_split`` is the share to test on. Topics
    are numbers below 46, which `get_label_names` names.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged, or no newswire is shorter than ``maxlen``.

    Source: Keras's ``datasets.reuters``.

    """
    check_share(test_split)
    file = obtain(_NPZ, path)
    rows, topics = read_npz(file, "x", "y")
    if len(rows) != len(topics):
        raise ValueError(f"{file} has {len(rows)} texts and {len(topics)} topics: is it damaged?")
    ((x, y),) = encode(
        [(Ragged.of(rows, str(file)), np.asarray(topics))],
        num_words=num_words,
        skip_top=skip_top,
        maxlen=maxlen,
        seed=seed,
        start_char=start_char,
        oov_char=oov_char,
        index_from=index_from,
    )
    place = int(len(x) * (1 - test_split))
    return (x[:place], y[:place]), (x[place:], y[place:])


def get_word_index(path: Any = "reuters_word_index.json") -> dict[str, int]:
    """Return the rank of each word; its id in `load_data` is ``index_from`` more.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.

    """
    return read_word_index(obtain(_INDEX, path))


def get_label_names() -> tuple[str, ...]:
    """Return the names of the 46 topics, in the order of their numbers."""
    return tuple(_TOPICS.split())
