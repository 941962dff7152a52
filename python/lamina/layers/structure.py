"""Shapes, masks and tensors out of what a layer is called on: one tensor, or lists and dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import ops
from lamina._config import floatx
from lamina.autodiff import Tensor, as_array, flatten
from lamina.graph import SymbolicTensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lamina.layers.layer import Layer


def checked_dtype(dtype: Any, layer: Layer) -> np.dtype[Any]:
    """Return the type that a layer computes in: the default float type for None.

    Raises:
        ValueError: if it is no type, or one that nothing is computed in here.

    """
    try:
        found = np.dtype(floatx() if dtype is None else dtype)
    except TypeError:
        found = np.dtype(object)
    if found.kind not in "fiub" or (found.kind == "f" and found.itemsize not in {4, 8}):
        raise ValueError(
            f"{layer}: dtype must be 'float32' or 'float64', or for ids 'int32' and the like, "
            f"got {dtype!r}"
        )
    return found


def as_tensors(value: Any, layer: Layer) -> Any:
    """Return arrays as tensors of a layer's float type; whole numbers stay as they are."""
    kind = type(value)
    wanted = layer._numpy_dtype  # noqa: SLF001
    if kind is list and value and all(type(t) is Tensor and t.data.dtype == wanted for t in value):
        return value
    if kind is list or kind is tuple or kind is dict:
        leaves, rebuild = flatten(value)
        if leaves and all(isinstance(leaf, (Tensor, np.ndarray)) for leaf in leaves):
            return rebuild([as_tensors(leaf, layer) for leaf in leaves])
        if layer.takes_texts and leaves and isinstance(leaves[0], (str, bytes)):
            return Tensor(np.array(value, dtype=object))
        return value if kind is dict or not leaves else as_tensors(as_array(value), layer)
    if kind is np.ndarray:
        value = Tensor(value)
    elif isinstance(value, (str, bytes)):
        if not layer.takes_texts:
            raise TypeError(f"{layer}: got the text {value!r:.50}, wanted numbers")
        return Tensor(np.array(value, dtype=object))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        value = Tensor(as_array(value))
    if isinstance(value, Tensor) and value.data.dtype.kind not in "fiub" and not layer.takes_texts:
        cause = ": are these texts, or rows of different lengths?"
        raise TypeError(f"{layer}: got an array of {value.data.dtype}, wanted numbers{cause}")
    if isinstance(value, Tensor) and value.data.dtype.kind == "f":
        mask = value.mask
        if value.data.dtype != layer.dtype and layer.dtype.startswith("float"):
            value = ops.cast(value, layer.dtype)
            value.mask = mask
    return value


def as_texts(array: NDArray[Any], layer: Layer, encoding: str = "utf-8") -> NDArray[Any]:
    """Return an array of texts, or of bytes that are decoded, as one of str objects.

    Raises:
        TypeError: if an element is something else; it is named with its place.

    """
    kind = array.dtype.kind
    if kind == "U":
        return array.astype(object)
    found = array.astype(object)
    for place, text in enumerate(found.flat):
        if isinstance(text, bytes):
            found.flat[place] = text.decode(encoding)
        elif not isinstance(text, str):
            missing = ": are there missing values?" if text is None or text != text else ""  # noqa: PLR0124
            raise TypeError(
                f"{layer}: got {text!r:.50} ({type(text).__name__}) as element {place}, wanted "
                f"texts{missing}"
            )
    return found


def shapes_of(value: Any) -> Any:
    """Return the shape of a tensor, or those of tensors in lists and dicts; None for others."""
    if isinstance(value, (Tensor, SymbolicTensor, np.ndarray)):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return [shapes_of(each) for each in value]
    if isinstance(value, dict):
        return {key: shapes_of(each) for key, each in value.items()}
    return None


def as_shapes(value: Any) -> Any:
    """Return shapes that a file holds as lists as the tuples that they were."""
    if isinstance(value, dict):
        return {key: as_shapes(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(each, (list, tuple)) for each in value):
        return [as_shapes(each) for each in value]
    return value if value is None else tuple(value)


def masks_of(value: Any) -> Any:
    """Return the mask of a tensor, or a list of them if one of several tensors has one."""
    if isinstance(value, Tensor):
        return value.mask
    if isinstance(value, (list, tuple)):
        masks = [masks_of(each) for each in value]
        return None if all(mask is None for mask in masks) else masks
    return None


def plain_masks(mask: Any) -> Any:
    """Return masks as boolean arrays, one or several."""
    if isinstance(mask, (list, tuple)) and any(
        each is None or isinstance(each, (Tensor, np.ndarray)) for each in mask
    ):
        return [plain_masks(each) for each in mask]
    return None if mask is None else as_array(mask).astype(bool, copy=False)


def declared_shape(
    name: str,
    *,
    input_shape: Iterable[int | None] | None = None,
    batch_input_shape: Iterable[int | None] | None = None,
    input_dim: int | None = None,
    batch_size: int | None = None,
) -> tuple[int | None, ...] | None:
    """Return the shape of a model's input that its first layer was given, batch size first."""
    if batch_input_shape is not None:
        return tuple(batch_input_shape)
    if input_shape is None and input_dim is not None:
        input_shape = (input_dim,)
    if input_shape is None:
        return None
    if isinstance(input_shape, int):
        raise TypeError(
            f"{name}: input_shape must be a tuple, got {input_shape}: ({input_shape},) is meant?"
        )
    return (batch_size, *input_shape)
