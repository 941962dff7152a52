"""Sequences of different lengths as the rows of one array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._native import core

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_KERNEL_TYPES = {np.dtype(name) for name in ("int32", "int64", "float32", "float64")}


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> NDArray[Any]:
    """Return sequences as the rows of an array: shape (samples, maxlen), and more for vectors.

    Args:
        sequences: lists or arrays of numbers, or of vectors of one length.
        maxlen: the length of all rows; that of the longest sequence if None.
        dtype: the type of the array; ``object`` for texts.
        padding: ``"pre"`` or ``"post"``: where ``value`` fills up what is too short.
        truncating: ``"pre"`` or ``"post"``: where what is too long is cut off.
        value: what fills up.

    Raises:
        ValueError: if an argument is not one of these, a sample is no sequence, does not fit the
            type or has elements of another shape; the message names the sample.

    Source: Keras 3.

    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in {"pre", "post"}:
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', got {side!r}")
    if not hasattr(sequences, "__len__") or isinstance(sequences, (str, bytes, dict)):
        raise ValueError(
            f"pad_sequences: wanted a list of sequences, got {sequences!r:.60} "
            f"({type(sequences).__name__})"
        )
    rows = list(sequences)
    longest = _longest(rows)
    if maxlen is None:
        maxlen = longest
    elif not isinstance(maxlen, (int, np.integer)) or maxlen < 1:
        raise ValueError(f"pad_sequences: maxlen must be a whole number above 0, got {maxlen!r}")
    kind = np.dtype(dtype)
    shape = next((np.shape(row)[1:] for row in rows if len(row)), ())
    whole = (len(rows), maxlen, *shape)
    value = _padding_value(value, kind)
    # Zeros that nobody writes cost no memory.
    plain = kind in _KERNEL_TYPES and value == 0
    padded = np.zeros(whole, kind) if plain else np.full(whole, value, kind)
    place = 0
    while place < len(rows):
        if kind in _KERNEL_TYPES and not shape:
            place = core.fill_rows(rows, place, padded, padding == "pre", truncating == "pre")
        if place < len(rows) and len(rows[place]):
            row = rows[place][-maxlen:] if truncating == "pre" else rows[place][:maxlen]
            values = _checked(row, kind, shape, place)
            padded[place] = value
            padded[place, slice(-len(row), None) if padding == "pre" else slice(len(row))] = values
        place += 1
    return padded


def _longest(rows: list[Any]) -> int:
    try:
        return max(map(len, rows), default=0)
    except TypeError as error:
        place, row = next((i, row) for i, row in enumerate(rows) if not hasattr(row, "__len__"))
        raise ValueError(
            f"pad_sequences: sample {place} is {row!r:.60} ({type(row).__name__}), wanted a "
            f"sequence: is this one sequence, not a list of them?"
        ) from error


def _padding_value(value: Any, kind: np.dtype[Any]) -> Any:
    """Return what fills up, if the type can hold it."""
    if isinstance(value, str) and kind.kind not in "OUST":
        raise ValueError(
            f"pad_sequences: dtype {kind} cannot hold value={value!r}: dtype=object is for texts"
        )
    if kind.kind in "iu" and value != int(value):
        raise ValueError(
            f"pad_sequences: dtype {kind} cannot hold value={value!r}: dtype='float32' can"
        )
    return value


def _checked(row: Any, kind: np.dtype[Any], shape: tuple[int, ...], place: int) -> NDArray[Any]:
    """Return a sample's elements in the wanted type, if that changes none of them."""
    try:
        given = np.asarray(row, dtype=object if kind.kind == "O" else None)
        if given.dtype.kind == "f" and kind.kind in "iu" and (given != np.floor(given)).any():
            raise ValueError(f"dtype {kind} cannot hold {given[given != np.floor(given)][0]}")  # noqa: TRY301
        values = np.asarray(row, dtype=kind)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(
            f"pad_sequences: sample {place} is not of dtype {kind}: {error}"
        ) from error
    if values.shape[1:] != shape:
        raise ValueError(
            f"pad_sequences: the elements of sample {place} have the shape {values.shape[1:]}, "
            f"those before it {shape}"
        )
    return values
