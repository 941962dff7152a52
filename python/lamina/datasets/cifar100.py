"""60,000 colour images of 32 x 32 in a hundred classes, which are twenty of five each.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
"""

from __future__ import annotations

from lamina.datasets.cifar import Split, load
from lamina.datasets.finder import Source, obtain

_TAR = Source(
    "cifar-100-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    (  # as Keras 3 and Keras 2 keep it, and unpacked
        "cifar-100-python-target_archive",
        "cifar-100-python-target",
        "cifar-100-python",
    ),
)


def load_data(label_mode: str = "fine") -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: x (samples, 32, 32, 3), y (samples, 1).

    ``label_mode`` is "fine" for a hundred classes, "coarse" for twenty.

    Raises:
        FileNotFoundError: if the file is nowhere and cannot be fetched.
        ValueError: if it is damaged, or ``label_mode`` neither.

    Source: Keras's ``datasets.cifar100``.

    """
    if label_mode not in {"fine", "coarse"}:
        raise ValueError(f"label_mode must be 'fine' or 'coarse', got {label_mode!r}")
    return load(obtain(_TAR), ["train"], ["test"], f"{label_mode}_labels")
