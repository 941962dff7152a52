"""60,000 colour images of 32 x 32 in ten classes.

The classes: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
"""

from __future__ import annotations

from lamina.datasets.cifar import Split, load
from lamina.datasets.finder import Source, obtain

_TAR = Source(
    "cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    (  # as Keras 3 and Keras 2 keep it, and unpacked
        "cifar-10-batches-py-target_archive",
        "cifar-10-batches-py-target",
        "cifar-10-batches-py.tar.gz",
        "cifar-10-batches-py",
    ),
)


def load_data() -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: x (samples, 32, 32, 3), y (samples, 1).

    All are uint8; 50,000 samples are to train on, 10,000 to test.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged.

    Source: Keras's ``datasets.cifar10``.

    """
    train = [f"data_batch_{number}" for number in range(1, 6)]
    return load(obtain(_TAR), train, ["test_batch"], "labels")
