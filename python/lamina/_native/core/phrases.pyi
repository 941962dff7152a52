"""register_phrases.cpp."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina._native.core.corpus import Fault, WordTable

class PhraseCounter:
    def __init__(
        self,
        sources: list[tuple[int, int]],
        lines: bool,
        sentence_limit: int,
        delimiter: str,
        connectors: list[str],
    ) -> None: ...
    def advance(self, bytes: int, max_types: int) -> bool: ...
    def add_sentences(self, sentences: list[Any], first: int) -> None: ...
    def finish(self) -> WordTable: ...
    @property
    def table(self) -> WordTable: ...
    @property
    def full(self) -> bool: ...
    @property
    def fault(self) -> Fault: ...
    @property
    def bytes(self) -> int: ...
    @property
    def words(self) -> int: ...
    @property
    def sentences(self) -> int: ...

def phrase_candidates(
    table: WordTable, delimiter: str, min_count: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
def export_phrases(
    table: WordTable,
    delimiter: str,
    scoring: str,
    min_count: float,
    threshold: float,
    corpus_words: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...

class PhraseWriter:
    def __init__(
        self,
        sources: list[tuple[int, int]],
        lines: bool,
        sentence_limit: int,
        delimiter: str,
        connectors: list[str],
        table: WordTable,
        scoring: str,
        min_count: float,
        threshold: float,
        corpus_words: int,
        output: int,
    ) -> None: ...
    def advance(self, bytes: int) -> bool: ...
    @property
    def fault(self) -> Fault: ...
    @property
    def bytes(self) -> int: ...
