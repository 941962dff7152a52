"""70,000 pictures of clothes in the shape of MNIST: grey images of 28 x 28.

The classes: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

Source: Xiao, Rasul and Vollgraf (2017).
"""

from __future__ import annotations

import gzip
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.datasets.finder import Source, obtain
from lamina.utils.archives import DAMAGE, Meter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# A folder of its own: the files of MNIST have the same names.
_ORIGIN = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_HASHES = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_BLOCK = 1 << 20

Split = tuple["NDArray[Any]", "NDArray[Any]"]


def load_data() -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: x (samples, 28, 28), y (samples,), uint8.

    60,000 samples are to train on, 10,000 to test. The files are looked for in the folder
    ``fashion-mnist``.

    Raises:
        FileNotFoundError: if a file is nowhere and cannot be fetched.
        ValueError: if one is damaged.

    Source: Keras's ``datasets.fashion_mnist``.

    """
    parts = []
    for name, file_hash in _HASHES.items():
        parts.append(_read_idx(obtain(Source(f"fashion-mnist/{name}", _ORIGIN + name, file_hash))))
    x_train, y_train, x_test, y_test = parts
    return (x_train, y_train), (x_test, y_test)


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of an IDX file: 0, 0, 8 for bytes, the number of axes, their sizes, data."""
    meter, data = Meter(path), bytearray()
    try:
        with gzip.open(path) as file:
            while block := file.read(_BLOCK):
                meter.count(len(block))
                data += block
    except DAMAGE as error:
        raise ValueError(f"{path} is damaged: {error}. Was it cut off?") from error
    axes = data[3] if len(data) > 3 else 0
    begin = 4 + 4 * axes
    shape = tuple(np.frombuffer(data[4:begin], ">u4").tolist()) if len(data) >= begin else ()
    if data[:3] != b"\0\0\x08" or begin + math.prod(shape) != len(data):
        raise ValueError(f"{path} is no IDX file of bytes: {len(data):,} bytes, shape {shape}")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)
