"""Matrix products and dense layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core
from lamina.autodiff import op
from lamina.ops.arrays import contiguous, floats, like, normal_axes, unbroadcast
from lamina.ops.prepared import prepares
from lamina.ops.shapes import reshape, transpose

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["dense", "dot", "matmul", "outer", "tensordot"]

# The activations that the kernel of a dense layer applies itself.
FUSED_ACTIVATIONS = frozenset({"linear", "relu", "sigmoid", "tanh"})


def _same_type(*arrays: Any) -> list[NDArray[Any]]:
    """Return arrays of one float type, the widest among them."""
    kind = arrays[0].dtype
    for each in arrays:
        if each.dtype is not kind or not each.flags.c_contiguous:
            break
    else:
        if kind.char in "fd":
            return list(arrays)
    found = [floats(each) for each in arrays]
    kind = np.result_type(*found)
    return [each.astype(kind, copy=False) for each in found]


@op
def dense(x: Any, kernel: Any, bias: Any, /, activation: str = "linear") -> Any:
    """Return activation(x @ kernel + bias), in one kernel.

    x is (..., inputs), kernel (inputs, outputs), bias (outputs,) or None; ``activation`` is
    ``"linear"``, ``"relu"``, ``"sigmoid"`` or ``"tanh"``.
    """
    if bias is None:
        x, kernel = _same_type(x, kernel)
    else:
        x, kernel, bias = _same_type(x, kernel, bias)
    y = core.dense(x, kernel, bias, activation)

    def vjp(dy: Any) -> Any:
        dz, d_bias = core.activation_gradient(y, like(dy, y), activation, bias is not None)
        rows = dz.reshape(-1, dz.shape[-1])
        return (
            lambda: core.matmul(rows, kernel, False, True).reshape(x.shape),
            lambda: core.matmul(x.reshape(-1, x.shape[-1]), rows, True, False),
            d_bias,
        )

    return y, vjp


@prepares(dense)
def _prepare_dense(_: Any, kernel: Any, bias: Any, activation: str) -> Any:
    return lambda x: core.dense(contiguous(x), kernel, bias, activation)


def _stored(a: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Return a contiguous array and whether the matrices in it are the transposes of a's."""
    if not a.flags.c_contiguous:
        swapped = a.swapaxes(-1, -2)
        if swapped.flags.c_contiguous:
            return swapped, True
        return np.ascontiguousarray(a), False
    return a, False


def _product(a: NDArray[Any], b: NDArray[Any]) -> Any:
    """Return a @ b for arrays of two or more axes and one type."""
    if a.dtype.char not in "fd":
        return np.matmul(a, b)
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"matmul: shapes {a.shape} and {b.shape} do not go together: the last axis of the "
            f"first must be as long as the last but one of the second"
        )
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if b.ndim == 2 and a.ndim > 2:  # one long product instead of many short ones
        flat = np.ascontiguousarray(a).reshape(-1, a.shape[-1])
        stored, transposed = _stored(b)
        return core.matmul(flat, stored, False, transposed).reshape(*leading, a.shape[-2], -1)
    sides = []
    for each in (a, b):
        whole = np.broadcast_to(each, (*leading, *each.shape[-2:])) if leading else each
        stored, transposed = _stored(whole)
        if len(leading) > 1:
            stored = stored.reshape(-1, *stored.shape[-2:])
        sides.append((stored, transposed))
    (left, left_transposed), (right, right_transposed) = sides
    product = core.matmul(left, right, left_transposed, right_transposed)
    return product.reshape(*leading, a.shape[-2], b.shape[-1])


@op
def matmul(a: Any, b: Any, /) -> Any:
    """Return the matrix product with numpy's rules for vectors and stacks of matrices.

    Raises:
        ValueError: if the inner sizes differ, or an array has no axis.

    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul: got shapes {a.shape} and {b.shape}; a number is no matrix")
    kind = np.result_type(a, b)
    left = a.astype(kind, copy=False)[(None,) * (a.ndim == 1)]
    right = b.astype(kind, copy=False)[(..., None) if b.ndim == 1 else ...]
    product = _product(left, right)
    shape: list[int] = list(product.shape)
    if b.ndim == 1:
        del shape[-1]
    if a.ndim == 1:
        del shape[-1 if b.ndim == 1 else -2]

    def vjp(dy: Any) -> Any:
        whole = np.asarray(dy, product.dtype).reshape(product.shape)

        def by_right() -> Any:
            if right.ndim == 2 and left.ndim > 2:
                rows = left.reshape(-1, left.shape[-1])
                gradient = _product(rows.swapaxes(-1, -2), whole.reshape(-1, whole.shape[-1]))
            else:
                gradient = _product(left.swapaxes(-1, -2), whole)
            return unbroadcast(gradient, right).reshape(b.shape)

        return (
            lambda: unbroadcast(_product(whole, right.swapaxes(-1, -2)), left).reshape(a.shape),
            by_right,
        )

    return product.reshape(shape), vjp


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Return the sums of products over pairs of axes, as `numpy.tensordot`."""
    if isinstance(axes, int):
        pairs = (tuple(range(len(a.shape) - axes, len(a.shape))), tuple(range(axes)))
    else:
        pairs = (
            normal_axes(axes[0], len(a.shape)),
            normal_axes(axes[1], len(b.shape)),
        )
    kept_a = [i for i in range(len(a.shape)) if i not in pairs[0]]
    kept_b = [i for i in range(len(b.shape)) if i not in pairs[1]]
    summed = int(np.prod([a.shape[i] for i in pairs[0]]))
    left = reshape(transpose(a, (*kept_a, *pairs[0])), (-1, summed))
    right = reshape(transpose(b, (*pairs[1], *kept_b)), (summed, -1))
    shape = [a.shape[i] for i in kept_a] + [b.shape[i] for i in kept_b]
    return reshape(matmul(left, right), shape)


def dot(a: Any, b: Any) -> Any:
    """Return the sum over the last axis of a and the last but one of b, as `numpy.dot`."""
    if len(np.shape(a)) == 0 or len(np.shape(b)) == 0:
        return a * b
    if len(np.shape(b)) <= 2:
        return matmul(a, b)
    return tensordot(a, b, ((-1,), (-2,)))


def outer(a: Any, b: Any) -> Any:
    """Return the product of every element of a with every element of b."""
    return matmul(reshape(a, (-1, 1)), reshape(b, (1, -1)))
