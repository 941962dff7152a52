"""The functions that every ``_core_*`` module has."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

version: str
level: str
compiler: str

def openblas_config() -> str: ...
def num_threads() -> int: ...
def set_num_threads(threads: int) -> None: ...
def row_norms(matrix: NDArray[np.float32]) -> NDArray[np.float32]: ...

unit: int

class Trainer:
    def __init__(
        self,
        ids: NDArray[np.int32],
        counts: NDArray[np.int64],
        inputs: NDArray[np.float32],
        outputs: NDArray[np.float32] | None,
        nodes: NDArray[np.float32] | None,
        *,
        skip_gram: bool,
        softmax: bool,
        hierarchical: bool,
        negative_samples: int,
        negative_exponent: float,
        sample: float,
        window: int,
        shrink_windows: bool,
        average_context: bool,
        with_loss: bool,
        seed: int,
    ) -> None: ...
    @property
    def units(self) -> int: ...
    @property
    def last_run(self) -> tuple[int, int, float, int, int]: ...
    def run(
        self,
        *,
        epoch: int,
        first_unit: int,
        first_learning_rate: float,
        last_learning_rate: float,
        seconds: float,
        threads: int,
    ) -> tuple[int, float, int, int]: ...

def window_step(
    inputs: NDArray[np.float32],
    input_rows: list[int],
    outputs: NDArray[np.float32],
    output_rows: list[int],
    labels: list[float],
    learning_rate: float,
    softmax: bool,
) -> float: ...
def huffman_tree(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]: ...
def draw_ids(weights: list[float], count: int, seed: int) -> NDArray[np.int32]: ...
def nearest(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float32],
    queries: NDArray[np.float32],
    begin: int,
    end: int,
    top: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
def cosines(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float32],
    queries: NDArray[np.float32],
    begin: int,
    end: int,
) -> NDArray[np.float32]: ...
def answer_analogies(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float32],
    groups: NDArray[np.int32],
    first_row: int,
    words: NDArray[np.float32],
    questions: NDArray[np.int32],
    multiply: bool,
    best_scores: NDArray[np.float32],
    best_rows: NDArray[np.int64],
) -> None: ...
def index_text_lines(data: NDArray[np.uint8], begin: int, limit: int) -> NDArray[np.int64]: ...
def parse_text_rows(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    out: NDArray[np.float32] | NDArray[np.float64],
    word_lengths: NDArray[np.int32],
) -> tuple[str, int, int, int]: ...
def index_binary_rows(
    data: NDArray[np.uint8], begin: int, rows: int, columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], tuple[str, int, int, int]]: ...
def copy_binary_rows(
    data: NDArray[np.uint8], positions: NDArray[np.int64], out: NDArray[np.float32]
) -> int: ...
def decode_words(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int32],
    encoding: str,
    errors: str,
) -> list[str]: ...
def format_text_rows(
    words: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    matrix: NDArray[np.float32] | NDArray[np.float64],
) -> bytes: ...

Fault: TypeAlias = tuple[str, int, int, int] | None

class WordTable:
    def __init__(self, words: list[str] = ...) -> None: ...
    def __len__(self) -> int: ...
    def counts(self) -> NDArray[np.int64]: ...
    def words(self, indices: NDArray[np.int64] | None = None) -> list[str]: ...
    def count(self, word: str) -> int: ...
    def keep(self, flags: NDArray[np.uint8]) -> None: ...
    def merge(self, other: WordTable) -> None: ...
    def add(self, words: list[str], counts: NDArray[np.int64]) -> None: ...

class WordCounter:
    def __init__(
        self, sources: list[tuple[int, int]], lines: bool, sentence_limit: int, threads: int
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

class WordEncoder:
    def __init__(
        self,
        sources: list[tuple[int, int]],
        lines: bool,
        sentence_limit: int,
        threads: int,
        vocabulary: WordTable,
        block: int,
        output: int,
    ) -> None: ...
    def advance(self, rounds: int) -> bool: ...
    def add_sentences(self, sentences: list[Any], first: int) -> None: ...
    def flush(self) -> bool: ...
    @property
    def fault(self) -> Fault: ...
    @property
    def pending(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def words(self) -> int: ...
    @property
    def known_words(self) -> int: ...
    @property
    def sentences(self) -> int: ...
    @property
    def ids(self) -> int: ...

def fill_sketch(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float32],
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    errors: NDArray[np.float32],
) -> None: ...
def sketch_candidates(
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    errors: NDArray[np.float32],
    query: NDArray[np.float32],
    begin: int,
    end: int,
    top: int,
) -> NDArray[np.int64]: ...

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
