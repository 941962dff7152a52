"""register_noise.cpp."""

from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

Floats: TypeAlias = NDArray[Any]

def dropout(x: Floats, rate: float, seed: int) -> Floats: ...
def random_uniform(
    shape: tuple[int, ...] | list[int], low: float, high: float, seed: int, kind: Literal["f", "d"]
) -> Floats: ...
def random_normal(
    shape: tuple[int, ...] | list[int],
    mean: float,
    deviation: float,
    seed: int,
    kind: Literal["f", "d"],
) -> Floats: ...
