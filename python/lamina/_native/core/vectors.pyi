"""register_vectors.cpp."""

import numpy as np
from numpy.typing import NDArray

def row_norms(matrix: NDArray[np.float32]) -> NDArray[np.float32]: ...
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
