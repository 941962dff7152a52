"""Windows that slide over a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.randomness import generator
from lamina.utils.dataset import SampleDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Windows(SampleDataset):
    """Windows of a series by the steps they start at, and the targets of those steps."""

    def __init__(
        self, data: Any, targets: Any, starts: NDArray[Any], steps: NDArray[Any], **options: Any
    ) -> None:
        super().__init__(len(starts), **options)
        self.data, self.targets, self.starts, self.steps = data, targets, starts, steps

    def samples(self, rows: NDArray[Any]) -> Any:
        starts = self.starts[rows]
        windows = self.data[starts[:, np.newaxis] + self.steps]
        return windows if self.targets is None else (windows, self.targets[starts])


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> SampleDataset:
    """Return a dataset of windows of a series: x (batch, sequence_length, ...), and their targets.

    The window of step i has the steps i, i + sampling_rate, ... and the target ``targets[i]``.

    Args:
        data: the series: its first axis is time.
        targets: for each step the target of the window that starts there, or None for none.
        sequence_length: steps in a window.
        sequence_stride: steps from the start of a window to that of the next.
        sampling_rate: steps from one step in a window to the next.
        batch_size: windows in a batch; None for single ones.
        shuffle: take the windows in another order each epoch.
        seed: of that order.
        start_index: what comes before this step is left out.
        end_index: so is this step, and what comes after it.

    Raises:
        ValueError: if a number is out of its range, or no window fits.

    Source: Keras's ``utils.timeseries_dataset_from_array``.

    """
    series = np.asarray(data)
    begin, end = start_index or 0, len(series) if end_index is None else end_index
    if not 0 <= begin < end <= len(series):
        raise ValueError(
            f"wanted 0 <= start_index < end_index <= the {len(series)} steps of the data, got "
            f"start_index={start_index}, end_index={end_index}"
        )
    for name, number in (
        ("sequence_length", sequence_length),
        ("sequence_stride", sequence_stride),
        ("sampling_rate", sampling_rate),
    ):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    count = end - begin - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)[begin:]
        count = min(count, len(targets))
    if count < 1:
        raise ValueError(
            f"no window fits: {sequence_length} steps, {sampling_rate} apart, reach over "
            f"{(sequence_length - 1) * sampling_rate + 1}; there are {end - begin} steps"
            + ("" if targets is None else f" and {len(targets)} targets")
        )
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        (generator() if seed is None else np.random.default_rng(seed)).shuffle(starts)
    steps = np.arange(sequence_length) * sampling_rate
    return _Windows(
        series[begin:end], targets, starts, steps, batch_size=batch_size, shuffle=shuffle, seed=seed
    )
