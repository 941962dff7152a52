"""Datasets: samples that are made into batches when those are asked for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import flatten
from lamina.models.batches import to_arrays
from lamina.randomness import generator
from lamina.utils.sequence import Sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


class Dataset(Sequence):
    """Batches that ``fit`` takes in the order that they have, which another epoch may change.

    Iterating over it is an epoch. `map`, `take`, `cache` and `prefetch` are what programs for
    Keras do with such a dataset.
    """

    keeps_order = True
    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]
        self.on_epoch_end()

    def map(self, function: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:  # noqa: ARG002
        """Return a dataset of what a function makes of each batch; (x, y) are two arguments."""
        return _Mapped(self, function)

    def take(self, count: int) -> Dataset:
        """Return a dataset of the first batches."""
        return _Taken(self, count)

    def cache(self) -> Dataset:
        """Return a dataset that keeps the batches once they are made, and gives them again."""
        return _Cached(self)

    def prefetch(self, buffer_size: Any = None) -> Dataset:  # noqa: ARG002
        """Return the dataset itself: a batch is made when it is asked for."""
        return self


class _Derived(Dataset):
    """A dataset made of another one, whose names and order it has."""

    def __init__(self, source: Dataset) -> None:
        super().__init__()
        self.source = source
        self.class_names, self.file_paths = source.class_names, source.file_paths

    def __len__(self) -> int:
        return len(self.source)

    def on_epoch_end(self) -> None:
        self.source.on_epoch_end()


class _Mapped(_Derived):
    def __init__(self, source: Dataset, function: Callable[..., Any]) -> None:
        super().__init__(source)
        self.function = function

    def __getitem__(self, index: int) -> Any:
        batch = self.source[index]
        return self.function(*batch) if isinstance(batch, tuple) else self.function(batch)


class _Taken(_Derived):
    def __init__(self, source: Dataset, count: int) -> None:
        super().__init__(source)
        self.count = min(count, len(source)) if count >= 0 else len(source)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if not -self.count <= index < self.count:
            raise IndexError(f"there are {self.count} batches, and no number {index}")
        return self.source[index % self.count]


class _Cached(_Derived):
    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        self._kept: dict[int, Any] = {}

    def __getitem__(self, index: int) -> Any:
        if index not in self._kept:
            self._kept[index] = self.source[index]
        return self._kept[index]

    def on_epoch_end(self) -> None:
        """Leave the order as it is: it is that of the batches that are kept."""


class SampleDataset(Dataset):
    """Samples by number, ``batch_size`` at a time, or one by one if that is None.

    Subclasses override `samples`. With ``shuffle``, every epoch but the first has a new order; the
    first has that of the samples.
    """

    def __init__(
        self, count: int, batch_size: int | None, *, shuffle: bool = False, seed: int | None = None
    ) -> None:
        super().__init__()
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, or None, got {batch_size}")
        self.count, self.batch_size, self.shuffle = count, batch_size, shuffle
        self._order = np.arange(count)
        self._random = None if seed is None else np.random.default_rng(seed)

    def samples(self, rows: NDArray[Any]) -> Any:
        """Return the samples of these numbers: x, or (x, y)."""
        raise NotImplementedError

    def __len__(self) -> int:
        size = self.batch_size or 1
        return (self.count + size - 1) // size

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, and no number {index}")
        size = self.batch_size or 1
        begin = index % len(self) * size
        batch = self.samples(self._order[begin : begin + size])
        if self.batch_size is not None:
            return batch
        leaves, rebuild = flatten(batch)
        return rebuild([leaf[0] for leaf in leaves])

    def on_epoch_end(self) -> None:
        if self.shuffle:
            (self._random or generator()).shuffle(self._order)

    def batch(self, batch_size: int) -> SampleDataset:
        """Return the same samples as batches.

        Raises:
            ValueError: if they are batches already.

        """
        if self.batch_size is not None:
            raise ValueError(f"these are batches of {self.batch_size} already")
        batched = copy.copy(self)
        batched.batch_size = int(batch_size)
        return batched

    def part(self, numbers: NDArray[Any]) -> SampleDataset:
        """Return the samples of these numbers, in this order."""
        part = copy.copy(self)
        part._order = self._order[numbers]  # noqa: SLF001
        part.count = len(numbers)
        return part


class ArrayDataset(SampleDataset):
    """Arrays in lists, tuples or dicts as samples: the first axis is theirs."""

    def __init__(self, arrays: Any, batch_size: int | None = None) -> None:
        self.arrays, self.rebuild = to_arrays(arrays, "dataset")
        lengths = [len(array) for array in self.arrays]
        if not lengths or len(set(lengths)) > 1:
            raise ValueError(f"dataset: wanted arrays of one length, got {lengths}")
        super().__init__(lengths[0], batch_size)

    def samples(self, rows: NDArray[Any]) -> Any:
        return self.rebuild([array[rows] for array in self.arrays])


class _Batches(Dataset):
    """Some of the batches of a sequence."""

    def __init__(self, sequence: Any, numbers: NDArray[Any]) -> None:
        super().__init__()
        self.sequence, self.numbers = sequence, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Any:
        return self.sequence[int(self.numbers[index])]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Dataset, Dataset]:
    """Return two datasets: the first samples of one, and those that follow.

    What comes of arrays are single samples: ``fit`` makes batches of them, and so does ``batch``.
    What comes of a dataset with batches has them too; a `Sequence` is split between batches.

    Args:
        dataset: an array, a list, tuple or dict of arrays of one length, or a dataset.
        left_size: a share (a float) or a number (an int) of samples; the rest if None.
        right_size: likewise, of the second.
        shuffle: whether to take the samples in a random order.
        seed: of that order.

    Raises:
        ValueError: if the sizes are none, too large, or leave one side empty.

    Source: Keras's ``utils.split_dataset``.

    """
    is_sequence = isinstance(dataset, Sequence) or (
        hasattr(dataset, "__getitem__")
        and not isinstance(dataset, (list, tuple, dict))
        and not hasattr(dataset, "__array__")
    )
    source = dataset if is_sequence else ArrayDataset(dataset)
    count = source.count if isinstance(source, SampleDataset) else len(source)
    left, right = _sizes(left_size, right_size, count)
    numbers = np.arange(count)
    if shuffle:
        (generator() if seed is None else np.random.default_rng(seed)).shuffle(numbers)
    parts = numbers[:left], numbers[left : left + right]
    if isinstance(source, SampleDataset):
        return source.part(parts[0]), source.part(parts[1])
    return _Batches(source, parts[0]), _Batches(source, parts[1])


def _sizes(left: float | None, right: float | None, count: int) -> tuple[int, int]:
    """Return the sizes of both sides as numbers of samples."""
    if left is None and right is None:
        raise ValueError("split_dataset: give left_size, right_size or both")
    sizes: list[int | None] = []
    for name, size in (("left_size", left), ("right_size", right)):
        if size is not None and not isinstance(size, (int, float, np.integer, np.floating)):
            raise TypeError(f"split_dataset: {name} must be a number, got {size!r}")
        end = 1 if isinstance(size, (float, np.floating)) else count
        if size is not None and not 0 < size < end:
            raise ValueError(
                f"split_dataset: {name} must be a share between 0 and 1 or a whole number between "
                f"0 and the {count} samples, got {size}"
            )
        sizes.append(None if size is None else round(size * count) if end == 1 else int(size))
    first = sizes[0] if sizes[0] is not None else count - (sizes[1] or 0)
    second = sizes[1] if sizes[1] is not None else count - first
    if min(first, second) < 1 or first + second > count:
        raise ValueError(
            f"split_dataset: left_size={left} and right_size={right} make {first} and {second} of "
            f"{count} samples: both need at least one, and no more than there are"
        )
    return first, second
