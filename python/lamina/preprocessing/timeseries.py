"""Windows that look back over a series, as Keras 2 made them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from lamina.randomness import generator
from lamina.utils.sequence import Sequence

__all__ = ["TimeseriesGenerator"]


class TimeseriesGenerator(Sequence):
    """Batches of windows of a series, each with the target of the step that follows it.

    The window of step t has the steps t - length, t - length + sampling_rate, ... before t, and the
    target ``targets[t]``.

    Args:
        data: the series: its first axis is time.
        targets: a target for each step.
        length: how many steps a window reaches back.
        sampling_rate: steps from one step in a window to the next.
        stride: steps from one window to the next.
        start_index: what comes before this step is left out.
        end_index: what comes after this step; the last one if None.
        shuffle: draw the steps of a batch at random instead.
        reverse: give the steps in a window from the last to the first.
        batch_size: windows in a batch; the last may have fewer.
        kwargs: the arguments of `Sequence`.

    Raises:
        ValueError: if data and targets differ in length, or no window fits.

    Source: Keras 2's ``preprocessing.sequence.TimeseriesGenerator``.

    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: data has {len(data)} steps, targets {len(targets)}: wanted "
                f"as many"
            )
        for name, number in (
            ("length", length),
            ("sampling_rate", sampling_rate),
            ("stride", stride),
            ("batch_size", batch_size),
        ):
            if number < 1:
                raise ValueError(f"TimeseriesGenerator: {name} must be at least 1, got {number}")
        self.data, self.targets = data, targets
        self.length, self.sampling_rate, self.stride = length, sampling_rate, stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse, self.batch_size = shuffle, reverse, batch_size
        if not length <= self.start_index <= self.end_index < len(data):
            raise ValueError(
                f"TimeseriesGenerator: no window of {length} steps and the step after it fits "
                f"between start_index={start_index} and end_index={self.end_index} of {len(data)} "
                f"steps"
            )

    def __len__(self) -> int:
        reach = self.batch_size * self.stride
        return (self.end_index - self.start_index + reach) // reach

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, and no number {index}")
        if self.shuffle:
            steps = generator().integers(self.start_index, self.end_index + 1, self.batch_size)
        else:
            begin = self.start_index + self.batch_size * self.stride * index
            end = min(begin + self.batch_size * self.stride, self.end_index + 1)
            steps = np.arange(begin, end, self.stride)
        back = np.arange(-self.length, 0, self.sampling_rate)
        if self.reverse:
            back = back[::-1]
        windows = np.asarray(self.data)[steps[:, np.newaxis] + back]
        return windows, np.asarray(self.targets)[steps]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, data and targets as JSON.

        Raises:
            TypeError: if those are no numbers.

        """
        return {
            "data": json.dumps(np.asarray(self.data).tolist()),
            "targets": json.dumps(np.asarray(self.targets).tolist()),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs: Any) -> str:
        """Return the config as JSON; the arguments are those of ``json.dumps``."""
        return json.dumps(
            {"class_name": type(self).__name__, "config": self.get_config()}, **kwargs
        )
