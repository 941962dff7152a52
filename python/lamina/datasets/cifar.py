"""What CIFAR-10 and CIFAR-100 share: pickled batches of 32 x 32 images in a .tar file or folder.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lamina.datasets.pickled import read_pickled
from lamina.utils.archives import DAMAGE, open_tar

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from numpy.typing import NDArray

Split = tuple["NDArray[Any]", "NDArray[Any]"]


def _contents(path: Path, names: set[str]) -> dict[str, bytes]:
    """Return the files of these names, wherever they are in a folder or .tar file."""
    if path.is_dir():
        return {file.name: file.read_bytes() for file in path.rglob("*") if file.name in names}
    found = {}
    try:
        with open_tar(path) as tar:
            for member in tar:
                name = posixpath.basename(member.name)
                if name in names and member.isreg():
                    found[name] = cast("IO[bytes]", tar.extractfile(member)).read()
    except DAMAGE as error:
        if str(path) in str(error):
            raise
        raise ValueError(
            f"{path} is damaged: {error}. Was it cut off? Delete it, and it is fetched anew"
        ) from error
    return found


def load(path: Path, train: list[str], test: list[str], label_key: str) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: images channels last, labels in a column.

    Raises:
        ValueError: if a batch is missing or damaged.

    """
    contents = _contents(path, {*train, *test})
    splits = []
    for names in (train, test):
        images, labels = [], []
        for name in names:
            if name not in contents:
                raise ValueError(f"{path} has no file {name}: is it whole?")
            batch = read_pickled(contents.pop(name), f"{path}: {name}")
            data, numbers = _checked(batch, label_key, f"{path}: {name}")
            images.append(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            labels.append(numbers)
        splits.append((np.concatenate(images), np.concatenate(labels)[:, np.newaxis]))
    return splits[0], splits[1]


def _checked(batch: Any, label_key: str, what: str) -> Split:
    parts: dict[str, Any] = batch if isinstance(batch, dict) else {}
    data, labels = parts.get("data"), parts.get(label_key)
    is_images = isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.ndim == 2
    if data is None or not is_images or data.shape[1] != 3072 or not isinstance(labels, list):
        raise ValueError(f"{what} is no batch of images of 3,072 bytes with {label_key!r}")
    numbers = np.asarray(labels)
    if len(labels) != len(data) or numbers.dtype.kind != "i" or numbers.ndim != 1:
        raise ValueError(f"{what} has {len(data)} images and not as many whole numbers as labels")
    return data, numbers.astype(np.uint8)
