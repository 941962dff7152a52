"""Small pictures of numbers that change from epoch to epoch, in SVG, without matplotlib."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina.drawing.look import BLUE, LINE, SMALL, TITLE, VERMILION
from lamina.drawing.scene import Path, Scene, Words, shortened, text_width
from lamina.drawing.svg import svg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lamina.drawing.scene import Shape

_WIDTH, _HEIGHT = 300.0, 190.0  # of a panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 14.0, 44.0, 26.0  # around its curves
_IN_A_ROW, _MOST = 3, 12
_TEXT = "currentColor"  # the page's own, light or dark


def panels(history: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Sequence[float]]]:
    """Return what belongs together: a metric with what was measured on other data.

    ``{"loss": ..., "val_loss": ...}`` becomes ``{"loss": {"training": ..., "validation": ...}}``.
    """
    found: dict[str, dict[str, Sequence[float]]] = {}
    for name, values in history.items():
        base = name.removeprefix("val_")
        validates = base != name and (base in history or base == "loss")
        part = "validation" if validates else "training"
        found.setdefault(base if validates else name, {})[part] = values
    return {name: dict(sorted(parts.items())) for name, parts in found.items()}


def history_html(history: Mapping[str, Sequence[Any]], epochs: Sequence[int]) -> str:
    """Return how a training shows itself in a notebook: a line, and its curves below."""
    numbers = {name: _numbers(values) for name, values in history.items()}
    drawn = {name: values for name, values in numbers.items() if values is not None}
    head = f"<b>History</b> of {len(epochs)} epoch{'s' * (len(epochs) != 1)}"
    if not drawn:
        return f"<div>{head}</div>"
    left_out = len(panels(drawn)) - _MOST
    more = f", and {left_out} more than are drawn" if left_out > 0 else ""
    return f"<div>{head}{more}<br/>{svg(curves(drawn, epochs), 'Curves of a training')}</div>"


def _numbers(values: Sequence[Any]) -> list[float] | None:
    """Return values as floats; None if one is no number, as a metric of one's own may be."""
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        return None


def curves(history: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> Scene:
    """Return a panel for each metric, training and validation in it, with the last values."""
    found = list(panels(history).items())[:_MOST]
    shapes: list[Shape] = []
    for number, (name, parts) in enumerate(found):
        left, top = number % _IN_A_ROW * _WIDTH, number // _IN_A_ROW * _HEIGHT
        shapes += _panel(name, parts, epochs, left, top)
    columns = min(max(len(found), 1), _IN_A_ROW)
    rows = math.ceil(len(found) / _IN_A_ROW)
    return Scene(columns * _WIDTH, rows * _HEIGHT, tuple(shapes))


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return round numbers, one, two or five times a power of ten apart, from low to high.

    The first is at most ``low``, the last at least ``high``.
    """
    span = high - low or abs(low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(s * power for s in (1, 2, 5, 10) if span / (s * power) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _panel(
    name: str,
    parts: Mapping[str, Sequence[float]],
    epochs: Sequence[int],
    left: float,
    top: float,
) -> Iterator[Shape]:
    yield Words(left + 8, top + 16, shortened(name, 36), TITLE, _TEXT, bold=True)
    finite = [float(v) for values in parts.values() for v in values if math.isfinite(v)]
    if not finite or not epochs:
        yield Words(left + 8, top + 36, "no finite value", SMALL, LINE)
        return
    heights = ticks(min(finite), max(finite))
    low, high, first, last = heights[0], heights[-1], epochs[0], epochs[-1]

    def x(epoch: float) -> float:
        share = (epoch - first) / (last - first) if last > first else 0.5
        return left + _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        share = (value - low) / (high - low)
        return top + _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    for height in heights:
        line = ((x(first) if last > first else left + _LEFT), left + _WIDTH - _RIGHT)
        yield Path((line[0], y(height)), (((line[1], y(height)),),), LINE + "55", 0.8)
        text = _short(height, heights[1] - heights[0])
        yield Words(left + _LEFT - 6, y(height) + 3.5, text, SMALL, LINE, anchor="end")
    for epoch in sorted({first, last}):
        at_the_end = epoch == last and first < last
        text = f"epoch {epoch + 1}" if epoch == last else str(epoch + 1)
        yield Words(
            x(epoch), top + _HEIGHT - 8, text, SMALL, LINE, anchor="end" if at_the_end else "middle"
        )
    beside = left + 8
    for part, values in parts.items():
        color = BLUE if part == "training" else VERMILION
        yield from _curve(
            [
                (x(e), y(v) if math.isfinite(v) else None)
                for e, v in zip(epochs, values, strict=False)
            ],
            color,
        )
        word = "" if name in ("learning_rate", "lr") else part
        text = f"{word} {values[-1]:.4g}" if len(values) else word
        yield Words(beside, top + 32, text.strip(), SMALL, color, bold=True)
        beside += text_width(text, SMALL, bold=True) + 14


def _curve(points: Sequence[tuple[float, float | None]], color: str) -> Iterator[Shape]:
    """Yield a line through the points, broken where there is none; a dot for one that is alone."""
    run: list[tuple[float, float]] = []
    for x, y in (*points, (0.0, None)):
        if y is not None:
            run.append((x, y))
            continue
        if len(run) == 1:
            ((here, there),) = run
            square = ((here + 3, there), (here, there + 3), (here - 3, there))
            yield Path((here, there - 3), tuple((each,) for each in square), None, fill=color)
        elif run:
            yield Path(run[0], tuple((each,) for each in run[1:]), color, 2.0)
        run = []


def _short(value: float, step: float) -> str:
    """Return a tick's number with the digits that tell it from its neighbours."""
    if abs(value) >= 1e5 or (step < 1e-4):
        return f"{value:.2g}"
    return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"
