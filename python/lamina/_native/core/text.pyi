"""register_text.cpp."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", np.int32, np.int64, np.float32, np.float64)

class TextRules:
    def __init__(
        self, separators: str, dropped: str, lower_ascii: bool, lower_all: bool
    ) -> None: ...

class TextCounter:
    def __init__(self, rules: TextRules) -> None: ...
    def add(self, texts: list[Any], begin: int) -> int: ...
    def counts(self) -> tuple[list[str], list[int], list[int]]: ...

class TextEncoder:
    def __init__(self, rules: TextRules, words: list[str]) -> None: ...
    def encode(
        self, texts: list[Any], begin: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]: ...

def gather_lists(
    indices: NDArray[np.int32], lengths: NDArray[np.int64], items: list[Any], unknown: Any
) -> list[list[Any]]: ...
def fill_rows(
    rows: list[Any], begin: int, out: NDArray[_Number], at_end: bool, keep_last: bool
) -> int: ...
