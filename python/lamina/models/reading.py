"""Reading configs out of files that nobody vouches for."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from lamina.layers.weighted import weight_limit
from lamina.saving.hdf5 import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

# The oldest Keras that reads what is written here.
KERAS_VERSION = "3.0.0"


def parsed(text: bytes | bytearray | str, title: str) -> dict[str, Any]:
    """Return the object that a JSON text is.

    Raises:
        ValueError: if it is none; ``title`` names it.

    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedFileError(f"{title}: is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise RefusedFileError(f"{title}: wanted an object, got {found!r:.100}")
    return found


@contextlib.contextmanager
def making(title: str, most_weights: int) -> Iterator[None]:
    """Name the file in whatever is wrong with a config, and make no more weights than it holds."""
    try:
        with weight_limit(most_weights):
            yield
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        MemoryError,
        NotImplementedError,
    ) as error:
        raise ValueError(f"{title}: {error or type(error).__name__}") from error
