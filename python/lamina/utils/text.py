"""From a text to its words."""

from __future__ import annotations

import re
import unicodedata

_LETTERS = re.compile(r"(?:(?!\d)\w)+")


def simple_preprocess(
    doc: str | bytes, deacc: bool = False, min_len: int = 2, max_len: int = 15
) -> list[str]:
    """Return the words of a text in lower case: runs of letters, without digits.

    Words of fewer than ``min_len`` or more than ``max_len`` characters, and those that begin with
    an underscore, are left out; ``deacc`` removes accents. Follows
    ``gensim.utils.simple_preprocess``.
    """
    text = (doc.decode("utf-8", errors="ignore") if isinstance(doc, bytes) else doc).lower()
    if deacc:
        decomposed = unicodedata.normalize("NFD", text)
        bare = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
        text = unicodedata.normalize("NFC", bare)
    return [
        match[0]
        for match in _LETTERS.finditer(text)
        if min_len <= len(match[0]) <= max_len and not match[0].startswith("_")
    ]
