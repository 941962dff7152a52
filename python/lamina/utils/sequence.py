"""Batches by number: the class from which users derive their own data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sequence:
    """Data whose batches have numbers: override ``__getitem__`` and ``__len__`` (or `num_batches`).

    ``sequence[number]`` is a batch, (x, y) or (x, y, sample_weight), ``len(sequence)`` how many
    there are. ``fit``, ``evaluate`` and ``predict`` take it as their data.

    Args:
        workers, use_multiprocessing, max_queue_size: kept; batches are made in the thread that
            trains, one after another.

    Source: Keras's ``PyDataset``, which Keras 2 called ``Sequence``.

    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must override __getitem__(self, index)")

    def __len__(self) -> int:
        if type(self).num_batches is Sequence.num_batches:
            raise NotImplementedError(f"{type(self).__name__} must override __len__(self)")
        return self.num_batches

    @property
    def num_batches(self) -> int:
        """The number of batches in an epoch."""
        return len(self)

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Do something before each epoch."""

    def on_epoch_end(self) -> None:
        """Do something after each epoch, such as to shuffle."""


PyDataset = Sequence
