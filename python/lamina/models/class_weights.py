"""Samples that count by their class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.models.batches import to_arrays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lamina.models.batches import Batch


def class_weights(y: Any, sample_weight: Any, weights: dict[int, float]) -> NDArray[Any]:
    """Return sample weights in which each sample counts by its class as well.

    Raises:
        ValueError: if there are several outputs, or a class has no weight.

    """
    if not isinstance(weights, dict):
        raise TypeError(f"class_weight: wanted a dict from class to factor, got {weights!r:.80}")
    leaves, _ = to_arrays(y, "y")
    if len(leaves) != 1:
        raise ValueError("class_weight is for a model with one output; use sample_weight")
    target = leaves[0]
    if target.ndim > 1 and target.shape[-1] > 1:
        classes = target.argmax(axis=-1)
    else:
        classes = target.reshape(len(target), -1)[:, 0].astype(np.int64)
    missing = set(np.unique(classes).tolist()) - set(weights)
    if missing:
        raise ValueError(
            f"class_weight has no weight for the classes {sorted(missing)}; it has "
            f"{sorted(weights)}"
        )
    table = np.zeros(max(weights) + 1, np.float32)
    table[list(weights)] = list(weights.values())
    own: NDArray[Any] = table[classes]
    return own if sample_weight is None else own * np.asarray(sample_weight, own.dtype)


class WithClassWeights:
    """Batches whose samples count by their class."""

    def __init__(self, data: Any, weights: dict[int, float]) -> None:
        self.data, self.weights = data, weights

    @property
    def steps(self) -> int | None:
        """The number of batches in an epoch."""
        steps: int | None = self.data.steps
        return steps

    @property
    def goes_on(self) -> bool:
        """Whether an epoch begins where the last one ended."""
        return bool(self.data.goes_on)

    def position(self) -> Any:
        """Return where the data are."""
        return self.data.position()

    def go_to(self, position: Any) -> None:
        """Begin in the middle of the data."""
        self.data.go_to(position)

    def __iter__(self) -> Iterator[Batch]:
        for x, y, weight in self.data:
            yield x, y, class_weights(y, weight, self.weights)
