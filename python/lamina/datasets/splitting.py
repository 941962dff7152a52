"""Tables of features and targets, shuffled and split as by Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Split = tuple["NDArray[Any]", "NDArray[Any]"]


def check_share(test_split: float) -> None:
    """Refuse a share that is not in [0, 1)."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be at least 0 and less than 1, got {test_split}")


def shuffled_split(
    x: NDArray[Any], y: NDArray[Any], test_split: float, seed: int
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``, the last share of a shuffled order to test.

    Raises:
        ValueError: if the share is not in [0, 1).

    """
    check_share(test_split)
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)  # Keras's order
    place = int(len(x) * (1 - test_split))
    train, test = order[:place], order[place:]
    return (x[train], y[train]), (x[test], y[test])
