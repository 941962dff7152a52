"""Files that say the rank of each word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_word_index(path: Path) -> dict[str, int]:
    """Return the dict of a JSON file from words to ranks.

    Raises:
        ValueError: if the file is something else.

    """
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON file: {error}. Was it cut off?") from error
    if not isinstance(found, dict) or not all(type(rank) is int for rank in found.values()):
        raise ValueError(f"{path} is no dict from words to ranks")
    return found
