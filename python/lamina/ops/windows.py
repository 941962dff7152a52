"""Where the windows of convolutions and poolings lie: sizes of outputs, padding, numbers as pairs.

Everything is a pair (rows, columns); a sequence is an image of one row.
"""

from __future__ import annotations

import functools
from typing import Any

Pair = tuple[int, int]


@functools.lru_cache(maxsize=4096)
def as_pair(value: Any, rank: int, name: str, least: int = 1) -> Pair:
    """Return a number, or a tuple of ``rank`` numbers, as a pair; a sequence's has one row.

    Raises:
        ValueError: if it is not that, or a number is below ``least``.

    """
    numbers = value if isinstance(value, tuple) else (value,) * rank
    if len(numbers) != rank or not all(hasattr(n, "__index__") and n >= least for n in numbers):
        wanted = "a whole number" if rank == 1 else f"a whole number or a tuple of {rank}"
        raise ValueError(f"{name} must be {wanted}, at least {least}, got {value!r}")
    return (least, int(numbers[0])) if rank == 1 else (int(numbers[0]), int(numbers[1]))


def pair(value: Any, rank: int, name: str, least: int = 1) -> Pair:
    """Return the same of a list as well."""
    return as_pair(tuple(value) if type(value) is list else value, rank, name, least)


def _along(size: int, window: int, stride: int, dilation: int, padding: str) -> Pair:
    """Return (places, cells of padding before) along one axis."""
    reach = (window - 1) * dilation + 1
    if padding == "valid":
        return (size - reach) // stride + 1, 0
    places = (size - 1) // stride + 1
    if padding == "causal":
        return places, reach - 1
    return places, max((places - 1) * stride + reach - size, 0) // 2


@functools.lru_cache(maxsize=4096)
def windows(
    cells: Pair, window: Pair, strides: Pair, dilation: Pair, padding: str
) -> tuple[Pair, Pair]:
    """Return how many windows there are and how much padding stands before the first, as pairs.

    "valid" pads nothing, "same" so that strides of 1 keep the size (the odd cell after), "causal"
    before the first cell alone.

    Raises:
        ValueError: if the padding is unknown, or no window fits.

    """
    padding = check_padding(padding, causal=True)
    rows, columns = map(_along, cells, window, strides, dilation, (padding, padding))
    size, before = (rows[0], columns[0]), (rows[1], columns[1])
    if min(size) <= 0:
        dilated = f" (dilated by {_text(dilation, window)})" if max(dilation) > 1 else ""
        raise ValueError(
            f"a window of {_text(window, window)}{dilated} does not fit into "
            f"{_text(cells, window)} cells: the output would be empty. padding='same' keeps the "
            f"size; is it reduced too much before this?"
        )
    return size, before


def _text(numbers: Pair, window: Pair) -> str:
    """Return "3 x 5", or "5" where the window has one row, as those of sequences do."""
    return f"{numbers[0]} x {numbers[1]}" if window[0] > 1 or numbers[0] > 1 else str(numbers[1])


def check_padding(padding: Any, *, causal: bool = False) -> str:
    """Return the padding in small letters.

    Raises:
        ValueError: if it is none.

    """
    known = ("valid", "same", "causal") if causal else ("valid", "same")
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in known:
        raise ValueError(f"padding must be one of {', '.join(map(repr, known))}, got {padding!r}")
    return str(name)


def _along_transposed(
    size: int, window: int, stride: int, dilation: int, padding: str, extra: int | None
) -> Pair:
    reach = (window - 1) * dilation + 1
    if padding == "valid":
        extra = max(stride - reach, 0) if extra is None else extra
        return (size - 1) * stride + reach + extra, 0
    if extra is None:
        places, pads = size * stride, stride + reach - 2
    else:
        places, pads = (size - 1) * stride + reach % 2 + extra, reach + reach % 2 - 2 + extra
    return places, reach - 1 - min((pads + 1) // 2, reach - 1)


@functools.lru_cache(maxsize=4096)
def transposed_windows(
    places: Pair,
    window: Pair,
    strides: Pair,
    dilation: Pair,
    padding: str,
    output_padding: tuple[int | None, int | None],
) -> tuple[Pair, Pair]:
    """Return the size of a transposed convolution's output, and how much is cut off before it.

    The sizes are those of Keras: places * stride with "same", (places - 1) * stride + window with
    "valid", at least; ``output_padding`` says it exactly where several sizes would do.
    """
    padding = check_padding(padding)
    rows, columns = map(
        _along_transposed,
        places,
        window,
        strides,
        dilation,
        (padding, padding),
        output_padding,
    )
    if min(rows[0], columns[0]) <= 0:
        raise ValueError(f"the output would be empty: {rows[0]} x {columns[0]} cells")
    return (rows[0], columns[0]), (rows[1], columns[1])
