"""From sequences of different lengths to arrays, and from texts' numbers to pairs of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.preprocessing.timeseries import TimeseriesGenerator
from lamina.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import DTypeLike, NDArray

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

_KERNEL_TYPES = {np.dtype(name) for name in ("int32", "int64", "float32", "float64")}


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> NDArray[Any]:
    """Return sequences as the rows of an array: shape (samples, maxlen), and more for vectors.

    Args:
        sequences: lists or arrays of numbers, or of vectors of one length.
        maxlen: the length of all rows; that of the longest sequence if None.
        dtype: the type of the array; ``object`` for texts.
        padding: ``"pre"`` or ``"post"``: where ``value`` fills up what is too short.
        truncating: ``"pre"`` or ``"post"``: where what is too long is cut off.
        value: what fills up.

    Raises:
        ValueError: if an argument is not one of these, a sample is no sequence, does not fit the
            type or has elements of another shape; the message names the sample.

    Source: Keras 3.

    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in {"pre", "post"}:
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', got {side!r}")
    if not hasattr(sequences, "__len__") or isinstance(sequences, (str, bytes, dict)):
        raise ValueError(
            f"pad_sequences: wanted a list of sequences, got {sequences!r:.60} "
            f"({type(sequences).__name__})"
        )
    rows = list(sequences)
    longest = _longest(rows)
    if maxlen is None:
        maxlen = longest
    elif not isinstance(maxlen, (int, np.integer)) or maxlen < 1:
        raise ValueError(f"pad_sequences: maxlen must be a whole number above 0, got {maxlen!r}")
    kind = np.dtype(dtype)
    shape = next((np.shape(row)[1:] for row in rows if len(row)), ())
    whole = (len(rows), maxlen, *shape)
    value = _padding_value(value, kind)
    # Zeros that nobody writes cost no memory.
    plain = kind in _KERNEL_TYPES and value == 0
    padded = np.zeros(whole, kind) if plain else np.full(whole, value, kind)
    place = 0
    while place < len(rows):
        if kind in _KERNEL_TYPES and not shape:
            place = core.fill_rows(rows, place, padded, padding == "pre", truncating == "pre")
        if place < len(rows) and len(rows[place]):
            row = rows[place][-maxlen:] if truncating == "pre" else rows[place][:maxlen]
            values = _checked(row, kind, shape, place)
            padded[place] = value
            padded[place, slice(-len(row), None) if padding == "pre" else slice(len(row))] = values
        place += 1
    return padded


def _longest(rows: list[Any]) -> int:
    try:
        return max(map(len, rows), default=0)
    except TypeError as error:
        place, row = next((i, row) for i, row in enumerate(rows) if not hasattr(row, "__len__"))
        raise ValueError(
            f"pad_sequences: sample {place} is {row!r:.60} ({type(row).__name__}), wanted a "
            f"sequence: is this one sequence, not a list of them?"
        ) from error


def _padding_value(value: Any, kind: np.dtype[Any]) -> Any:
    """Return what fills up, if the type can hold it."""
    if isinstance(value, str) and kind.kind not in "OUST":
        raise ValueError(
            f"pad_sequences: dtype {kind} cannot hold value={value!r}: dtype=object is for texts"
        )
    if kind.kind in "iu" and value != int(value):
        raise ValueError(
            f"pad_sequences: dtype {kind} cannot hold value={value!r}: dtype='float32' can"
        )
    return value


def _checked(row: Any, kind: np.dtype[Any], shape: tuple[int, ...], place: int) -> NDArray[Any]:
    """Return a sample's elements in the wanted type, if that changes none of them."""
    try:
        given = np.asarray(row, dtype=object if kind.kind == "O" else None)
        if given.dtype.kind == "f" and kind.kind in "iu" and (given != np.floor(given)).any():
            raise ValueError(f"dtype {kind} cannot hold {given[given != np.floor(given)][0]}")  # noqa: TRY301
        values = np.asarray(row, dtype=kind)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"pad_sequences: sample {place} is not of dtype {kind}: {error}"
        ) from error
    if values.shape[1:] != shape:
        raise ValueError(
            f"pad_sequences: the elements of sample {place} have the shape {values.shape[1:]}, "
            f"those before it {shape}"
        )
    return values


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> NDArray[np.float64]:
    """Return how probably a word of each rank is kept, for the ``sampling_table`` of `skipgrams`.

    min(1, sqrt(f / ``sampling_factor``) / (f / ``sampling_factor``)), where the frequency f of the
    word of rank r is 1 / (r (log r + 0.577) + 1/2 - 1/(12 r)), as by Zipf's law. Element 0, which
    is no word, is like element 1.

    Source: Keras 2, after word2vec (Mikolov et al. 2013).

    """
    if size < 1:
        raise ValueError(f"make_sampling_table: size must be at least 1, got {size}")
    rank = np.arange(size, dtype=np.float64)
    rank[0] = 1
    inverse_frequency = rank * (np.log(rank) + 0.577) + 0.5 - 1 / (12 * rank)
    return np.minimum(1.0, np.sqrt(sampling_factor * inverse_frequency))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Return pairs of words, and for each whether they stand near each other: (couples, labels).

    A couple [word, other] with label 1 is from within ``window_size`` places in the sequence; one
    with label 0 has a random other word. 0 is no word and in no couple.

    Args:
        sequence: the words as numbers.
        vocabulary_size: one more than the largest number; other words are drawn below it.
        window_size: how far apart two words may stand.
        negative_samples: how many couples with label 0 for each with label 1.
        shuffle: whether couples are in random order.
        categorical: labels as [0, 1] and [1, 0] instead of 1 and 0.
        sampling_table: how probably the word of each number is kept: `make_sampling_table`.
        seed: of all random choices here; None goes on with ``lamina.utils.set_random_seed``'s.

    Source: Keras 2.

    """
    random = generator() if seed is None else np.random.default_rng(seed)
    words = np.asarray(sequence, np.int64)
    if words.ndim != 1:
        raise ValueError(f"skipgrams: wanted one sequence of numbers, got the shape {words.shape}")
    if window_size < 0 or negative_samples < 0:
        raise ValueError(
            f"skipgrams: window_size and negative_samples must not be negative, got {window_size} "
            f"and {negative_samples}"
        )
    kept = words != 0
    if sampling_table is not None:
        table = np.asarray(sampling_table)
        if len(words) and not 0 <= words.min() <= words.max() < len(table):
            raise ValueError(
                f"skipgrams: sampling_table has {len(table)} elements, but the sequence has "
                f"numbers from {words.min()} to {words.max()}"
            )
        kept &= table[words] >= random.random(len(words))
    width = min(window_size, len(words))
    offsets = np.concatenate([np.arange(-width, 0), np.arange(1, width + 1)])
    places = np.flatnonzero(kept)
    others = places[:, np.newaxis] + offsets
    inside = (others >= 0) & (others < len(words))
    inside &= words[np.where(inside, others, 0)] != 0 if len(words) else inside
    first = np.repeat(words[places], inside.sum(axis=1))
    couples = np.stack([first, words[others[inside]]], axis=1)
    labels = np.ones(len(couples), np.int64)
    negatives = int(len(couples) * negative_samples)
    if negatives:
        if vocabulary_size < 2:
            raise ValueError(
                f"skipgrams: vocabulary_size must be at least 2 to draw words, got "
                f"{vocabulary_size}"
            )
        drawn = random.integers(1, vocabulary_size, negatives)
        from_words = np.resize(random.permutation(first), negatives)
        couples = np.concatenate([couples, np.stack([from_words, drawn], axis=1)])
        labels = np.concatenate([labels, np.zeros(negatives, np.int64)])
    if shuffle:
        order = random.permutation(len(couples))
        couples, labels = couples[order], labels[order]
    if categorical:
        labels = np.stack([1 - labels, labels], axis=1)
    return couples.tolist(), labels.tolist()
