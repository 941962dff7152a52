"""The numbers that a layer is made with: units, filters, heads."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_sizes(owner: object, **sizes: Any) -> None:
    """Check that each is a whole number above 0.

    Raises:
        ValueError: if one is not; it names the owner and the argument.

    """
    for name, size in sizes.items():
        whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
        if whole and size > 0:
            continue
        cause = ""
        if isinstance(size, (tuple, list)):
            cause = ": the shape of the input is another argument, input_shape"
        raise ValueError(f"{owner}: {name} must be a whole number above 0, got {size!r}{cause}")
