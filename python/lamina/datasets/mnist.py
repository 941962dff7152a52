"""70,000 handwritten digits, grey images of 28 x 28.

Source: LeCun, Cortes and Burges, as Keras keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.datasets.arrays import read_npz
from lamina.datasets.finder import keras_file, obtain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NPZ = keras_file("mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")

Split = tuple["NDArray[Any]", "NDArray[Any]"]


def load_data(path: Any = "mnist.npz") -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: x (samples, 28, 28), y (samples,), uint8.

    60,000 samples are to train on, 10,000 to test; pixels from 0 to 255, labels from 0 to 9.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged.

    Source: Keras's ``datasets.mnist``.

    """
    names = ("x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = read_npz(obtain(_NPZ, path), *names)
    return (x_train, y_train), (x_test, y_test)
