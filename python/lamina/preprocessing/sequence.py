"""From sequences of different lengths to arrays, and from texts' numbers to pairs of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.preprocessing.timeseries import TimeseriesGenerator
from lamina.randomness import generator
from lamina.utils.padding import pad_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


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
