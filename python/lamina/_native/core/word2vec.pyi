"""register_word2vec.cpp."""

import numpy as np
from numpy.typing import NDArray

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
    def unit_size(self) -> int: ...
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
