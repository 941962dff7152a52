"""506 houses near Boston in the 1970s: 13 features, the median value in thousands of dollars.

One of the features, "B", was made of the share of Black inhabitants, as if segregation set prices:
`lamina.datasets.california_housing` is the better choice for anything but the study of that.

Source: Harrison and Rubinfeld (1978), as Keras keeps it.
"""

from __future__ import annotations

from typing import Any

from lamina.datasets.arrays import read_npz
from lamina.datasets.finder import keras_file, obtain
from lamina.datasets.splitting import Split, check_share, shuffled_split

_NPZ = keras_file(
    "boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
)


def load_data(
    path: Any = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: x (samples, 13), y (samples,).

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged, or ``test_split`` not in [0, 1).

    Source: Keras's ``datasets.boston_housing``.

    """
    check_share(test_split)
    x, y = read_npz(obtain(_NPZ, path), "x", "y")
    return shuffled_split(x, y, test_split, seed)
