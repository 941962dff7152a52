"""register_dense.cpp."""

from typing import Any, TypeAlias

from numpy.typing import NDArray

Floats: TypeAlias = NDArray[Any]

def dense(x: Floats, kernel: Floats, bias: Floats | None, activation: str) -> Floats: ...
def activation_gradient(
    y: Floats, dy: Floats, activation: str, with_bias: bool
) -> tuple[Floats, Floats | None]: ...
def matmul(a: Floats, b: Floats, transpose_a: bool = ..., transpose_b: bool = ...) -> Floats: ...
