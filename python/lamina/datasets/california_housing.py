"""20,640 districts of California in 1990: 8 features, the median value of a house in dollars.

The features: median income, house age, rooms and bedrooms a household, population, occupants a
household, latitude, longitude.

Source: Pace and Barry (1997), as Keras keeps it.
"""

from __future__ import annotations

from typing import Any

from lamina.datasets.arrays import read_npz
from lamina.datasets.finder import keras_file, obtain
from lamina.datasets.splitting import Split, check_share, shuffled_split

_NPZ = keras_file(
    "california_housing.npz", "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
)
_SMALL = 600


def load_data(
    version: str = "large",
    path: Any = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: x (samples, 8), y (samples,).

    ``version="small"`` is the first 600 districts alone.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged, ``test_split`` not in [0, 1), or ``version`` neither.

    Source: Keras's ``datasets.california_housing``.

    """
    check_share(test_split)
    if version not in {"small", "large"}:
        raise ValueError(f"version must be 'small' or 'large', got {version!r}")
    x, y = read_npz(obtain(_NPZ, path), "x", "y")
    count = _SMALL if version == "small" else len(x)
    return shuffled_split(x[:count], y[:count], test_split, seed)
