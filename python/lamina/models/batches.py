"""Data as batches: arrays, lists and dicts of arrays, generators, and sequences with a length.

A batch is (x, y, sample_weight) in the structures that the user gave; y and sample_weight are None
where there are none.
"""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import Tensor, flatten
from lamina.models.passes import Passes
from lamina.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

Batch = tuple[Any, Any, Any]


def to_arrays(
    value: Any, what: str, *, texts: bool = False
) -> tuple[list[NDArray[Any]], Callable[[Sequence[Any]], Any]]:
    """Return the arrays in nested lists, tuples and dicts, and a function that rebuilds those.

    A list of numbers (or of lists of numbers) is one array, as in Keras. With ``texts``, arrays of
    str are as good as those of numbers.

    Raises:
        TypeError: if something in it cannot be numbers.

    """
    if isinstance(value, list) and (not value or _is_numbers(value)):
        try:
            value = np.asarray(value, dtype=object if _is_texts(value) else None)
        except ValueError as error:
            raise TypeError(f"{what}: wanted numbers, got rows of different lengths") from error
    leaves, rebuild = flatten(value)
    arrays = []
    for leaf in leaves:
        if hasattr(leaf, "to_numpy"):  # a data frame or a series
            leaf = leaf.to_numpy()  # noqa: PLW2901
        array = leaf.data if isinstance(leaf, Tensor) else np.asarray(leaf)
        if array.dtype.kind not in "fiub" and not (texts and _is_texts(array.ravel().tolist())):
            raise TypeError(
                f"{what}: got {getattr(leaf, 'dtype', type(leaf).__name__)}"
                f", wanted arrays of numbers: are these texts, or rows of different lengths?"
            )
        if array.ndim == 0:
            raise ValueError(f"{what}: got the single number {array}, wanted an axis of samples")
        arrays.append(array)
    return arrays, rebuild


def _is_texts(value: list[Any]) -> bool:
    return all(isinstance(each, str) for each in value)


def _is_numbers(value: Any) -> bool:
    """Return whether nested lists hold plain numbers rather than arrays."""
    first = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return isinstance(first, (int, float, bool, np.generic, list, tuple, str))


# A batch of so many bytes is gathered on several threads, which numpy does not do.
_WORTH_THREADS = 256 * 1024


def _as_words(array: NDArray[Any], batch_size: int) -> NDArray[Any] | None:
    """Return a view of an array with large samples, a row of words for each, if they are whole.

    Words are float32 because the kernel that gathers rows takes those: it moves the bits unseen.
    """
    size = array.nbytes // len(array)
    if size * min(batch_size, len(array)) < _WORTH_THREADS or size % 4:
        return None
    if not array.flags.c_contiguous or array.dtype.kind not in "fiub":
        return None
    words = array.reshape(len(array), -1).view(np.float32)
    return words if words.flags.aligned else None


def _take(array: NDArray[Any], words: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any]:
    if words is None:
        return array.take(rows, 0)
    return core.gather_rows(words, rows).view(array.dtype).reshape(-1, *array.shape[1:])


class ArrayBatches(Passes):
    """Samples in memory, ``batch_size`` at a time, in another order each epoch if ``shuffle``.

    Raises:
        ValueError: if arrays differ in their number of samples.

    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        shuffle: bool | str = False,
        texts: bool = False,
    ) -> None:
        self.parts = [
            to_arrays(part, what, texts=texts and what == "x") if part is not None else None
            for part, what in ((x, "x"), (y, "y"), (sample_weight, "sample_weight"))
        ]
        self.samples = self._count_samples()
        self.batch_size = 32 if batch_size is None else int(batch_size)
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.shuffle, self.texts = shuffle, texts
        # The samples as the kernel takes them, where that pays.
        self._words: list[Any] = [
            part and [_as_words(array, self.batch_size) for array in part[0]] for part in self.parts
        ]

    def _count_samples(self) -> int:
        lengths = [
            (f"{what}[{place}]" if len(part[0]) > 1 else what, len(array))
            for what, part in zip(("x", "y", "sample_weight"), self.parts, strict=True)
            if part is not None
            for place, array in enumerate(part[0])
        ]
        if len({length for _, length in lengths}) > 1:
            listing = ", ".join(f"{name} has {length}" for name, length in lengths)
            raise ValueError(f"the numbers of samples differ: {listing}")
        if not lengths or lengths[0][1] == 0:
            raise ValueError("there are no samples: x is empty")
        return lengths[0][1]

    @property
    def steps(self) -> int:
        """The number of batches in an epoch, the last of which may be smaller."""
        return -(-self.samples // self.batch_size)

    def split(self, share: float) -> tuple[ArrayBatches, ArrayBatches]:
        """Return the first samples and the last ``share`` of them, which is validated on."""
        if not 0 < share < 1:
            raise ValueError(f"validation_split must be between 0 and 1, got {share}")
        place = int(self.samples * (1 - share))
        if place in {0, self.samples}:
            raise ValueError(
                f"validation_split={share} of {self.samples} samples leaves none on one side"
            )
        return self._taken(slice(0, place)), self._taken(slice(place, None))

    def _taken(self, where: slice) -> ArrayBatches:
        parts = [part and part[1]([a[where] for a in part[0]]) for part in self.parts]
        return ArrayBatches(
            *parts, batch_size=self.batch_size, shuffle=self.shuffle, texts=self.texts
        )

    def whole(self) -> Batch:
        """Return all samples as one batch, in their order."""
        return self._slice(0, self.samples)

    def _order(self) -> NDArray[np.int64] | None:
        if not self.shuffle:
            return None
        return generator().permutation(self.steps if self.shuffle == "batch" else self.samples)

    def _batch(self, place: int, order: NDArray[np.int64] | None) -> Batch:
        if order is not None and self.shuffle == "batch":
            place, order = order[place], None
        begin, end = place * self.batch_size, (place + 1) * self.batch_size
        return self._slice(begin, end) if order is None else self._gather(order[begin:end])

    def _slice(self, begin: int, end: int) -> Batch:
        x, y, weight = (part and part[1]([a[begin:end] for a in part[0]]) for part in self.parts)
        return x, y, weight

    def _gather(self, rows: NDArray[np.int64]) -> Batch:
        """Return the samples of these rows."""
        x, y, weight = [
            part and part[1]([_take(*each, rows) for each in zip(part[0], words, strict=True)])
            for part, words in zip(self.parts, self._words, strict=True)
        ]
        return x, y, weight


class SequenceBatches(Passes):
    """Batches by number: an object with ``__len__`` and ``__getitem__``, such as Keras's Sequence.

    ``shuffle`` goes through the batches in another order each epoch, unless the object says that
    it ``keeps_order``: a dataset that was not to be shuffled, say.
    """

    def __init__(self, sequence: Any, *, shuffle: bool = False) -> None:
        self.sequence = sequence
        self.shuffle = shuffle and not getattr(sequence, "keeps_order", False)

    @property
    def steps(self) -> int:
        """The number of batches in an epoch."""
        return len(self.sequence)

    def _order(self) -> NDArray[np.int64] | None:
        if hasattr(self.sequence, "on_epoch_begin"):
            self.sequence.on_epoch_begin()
        return generator().permutation(self.steps) if self.shuffle else None

    def _batch(self, place: int, order: NDArray[np.int64] | None) -> Batch:
        return unpack(self.sequence[place if order is None else int(order[place])])

    def __iter__(self) -> Iterator[Batch]:
        yield from super().__iter__()
        if hasattr(self.sequence, "on_epoch_end"):
            self.sequence.on_epoch_end()


class IteratorBatches:
    """Batches from a generator, which goes on where it was in the next epoch.

    ``steps`` batches are an epoch; if it is None, the first epoch lasts until the generator ends,
    and there is no second.
    """

    goes_on = True

    def __init__(self, iterator: Any, steps: int | None = None) -> None:
        self._source = iterator
        self._iterator: Any = None
        self._taken = 0
        self.steps = steps

    def position(self) -> dict[str, Any]:
        """Return how many batches this iterator has given."""
        return {"taken": self._taken}

    def go_to(self, position: dict[str, Any]) -> None:
        """Leave out so many batches, which come once more from a generator that begins anew."""
        if inspect.isgenerator(self._source) and not _is_fresh(self._source):
            return  # the process is the same, and it stands where it stood
        self._iterator, self._taken = iter(self._source), position["taken"]
        for _ in itertools.islice(self._iterator, self._taken):
            pass

    def __iter__(self) -> Iterator[Batch]:
        if self._iterator is None:
            self._iterator, self._taken = iter(self._source), 0
        count = 0
        while self.steps is None or count < self.steps:
            try:
                batch = next(self._iterator)
            except StopIteration:
                break
            count += 1
            self._taken += 1
            yield unpack(batch)
        again = iter(self._source)
        if again is not self._source and (self.steps is None or count < self.steps):
            self._iterator, self._taken = None, 0  # an iterable begins anew; a generator has ended


def _is_fresh(iterator: Any) -> bool:
    return bool(inspect.getgeneratorstate(iterator) == inspect.GEN_CREATED)


class Endless:
    """Epochs of so many batches, whatever a pass over the data has."""

    goes_on = True

    def __init__(self, data: Any, steps: int) -> None:
        self.data, self.steps = data, steps
        self._pass: Any = None

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(self.steps):
            batch = next(self._pass, None) if self._pass is not None else None
            if batch is None:
                self._pass = iter(self.data)
                batch = next(self._pass, None)
            if batch is None:
                return
            yield batch

    def position(self) -> Any:
        """Return where the present pass is."""
        return self.data.position()

    def go_to(self, position: Any) -> None:
        """Begin in the middle of a pass."""
        self.data.go_to(position)


class FirstBatches:
    """The first batches of others, in every epoch the same number."""

    def __init__(self, data: Any, steps: int) -> None:
        self.data, self.steps = data, min(steps, data.steps)

    def __iter__(self) -> Iterator[Batch]:
        return itertools.islice(self.data, self.steps)


def first_batches(data: Any, steps: int | None) -> Any:
    """Return data that ends after so many batches, if a number is given."""
    return data if steps is None or isinstance(data, IteratorBatches) else FirstBatches(data, steps)


def unpack(batch: Any) -> Batch:
    """Return (x, y, sample_weight) of what a generator or a sequence gave."""
    if isinstance(batch, (tuple, list)) and 1 <= len(batch) <= 3:
        x, y, weight = (*batch, None, None)[:3]
        return x, y, weight
    if isinstance(batch, (tuple, list)):
        raise ValueError(  # noqa: TRY004 - its length is wrong, not its type
            f"a batch is (x, y) or (x, y, sample_weight), got {len(batch)} parts: several inputs "
            f"belong in a list of their own"
        )
    return batch, None, None


def make_batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    steps: int | None = None,
    texts: bool = False,
) -> Any:
    """Return what gives the batches of whatever a user calls data; ``texts`` may be among it.

    Raises:
        ValueError: if y is given beside a generator or a sequence, which gives it itself.

    """
    kind = None
    if hasattr(x, "__getitem__") and hasattr(x, "__len__") and not _is_data(x):
        kind = "sequence"  # though it may be endless when it is iterated over
    elif hasattr(x, "__next__"):
        kind = "generator"
    elif hasattr(x, "__iter__") and not _is_data(x):
        kind = "iterable"
    if kind is None:
        return ArrayBatches(
            x, y, sample_weight, batch_size=batch_size, shuffle=shuffle, texts=texts
        )
    if y is not None or sample_weight is not None:
        raise ValueError(f"y and sample_weight come with the batches of a {kind}: leave them out")
    if kind == "sequence":
        if getattr(x, "batch_size", batch_size) is None and hasattr(x, "batch"):
            x = x.batch(batch_size or 32)  # a dataset of single samples
        return SequenceBatches(x, shuffle=bool(shuffle))
    return IteratorBatches(x, steps)


def _is_data(x: Any) -> bool:
    known = (np.ndarray, Tensor, list, tuple, dict, str)
    return isinstance(x, known) or hasattr(x, "to_numpy") or hasattr(x, "__array__")


def as_batch(x: Any, y: Any, sample_weight: Any, *, texts: bool = False) -> Batch:
    """Return what a user calls one batch, checked."""
    data = ArrayBatches(x, y, sample_weight, texts=texts)
    return data.whole()
