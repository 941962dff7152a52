"""Curves of training: the loss and each metric, with what validation gave."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.drawing.curves import panels
from lamina.drawing.look import BLUE, COLORS, MUTED, SMALL, TEXT, TITLE, VERMILION
from lamina.registry import nearest
from lamina.visualization.figure import new_figure, plain, save, tidy

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_IN_A_ROW = 3
_LINE = 0.21  # the height of a line of a legend, in inches
# What is better when it is lower, by a part of its name.
_LOWER = ("loss", "error", "mse", "mae", "mape", "rmse", "entropy", "divergence", "hinge", "cosh")


@dataclass(frozen=True)
class _Run:
    name: str
    epochs: NDArray[Any]  # counted from 1, as the progress bar does
    panels: dict[str, dict[str, Sequence[float]]]


def plot_history(
    history: Any,
    name: str | Sequence[str] | None = None,
    *,
    metrics: Sequence[str] | None = None,
    smoothing: float = 0.0,
    to_file: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the curves of one training, or of several to compare, a panel for each metric.

    Validation is drawn beside training, its best epoch marked. Of several trainings, each has a
    colour, training is dashed and validation is not.

    Args:
        history: what ``fit`` returned, its ``history`` dict, or a list of either.
        name: a title; for a list, the name of each training.
        metrics: what to draw, as ``["loss", "acc"]``; all by default.
        smoothing: from 0 to below 1, the weight of the past in an exponential moving average
            ``s = smoothing * s + (1 - smoothing) * value``, without bias to its beginning; the
            values themselves are drawn faintly then.
        to_file: where to save the picture.

    Raises:
        TypeError: if it is no history.
        ValueError: if it is empty, a metric is unknown, or names and trainings differ in number.

    Returns:
        The matplotlib figure, which shows itself in a notebook.

    """
    if not 0 <= smoothing < 1:
        raise ValueError(f"plot_history: smoothing is from 0 to below 1, got {smoothing!r}")
    runs, title = _runs(history, name)
    found = list(dict.fromkeys(metric for run in runs for metric in run.panels))
    wanted = [metrics] if isinstance(metrics, str) else list(metrics or found)
    for metric in wanted:
        if metric not in found:
            raise ValueError(
                f"plot_history: no training has {metric!r}{nearest(str(metric), found)}"
            )
    columns = min(len(wanted), _IN_A_ROW)
    rows = math.ceil(len(wanted) / columns)
    below = _LINE * 2 * len(runs) if len(runs) > 1 else 0.0
    figure = new_figure(5.2 * columns, (3.6 + below) * rows + (0.4 if title else 0.0))
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid[len(wanted) :]:
        axes.set_visible(False)
    for axes, metric in zip(grid, wanted, strict=False):
        _panel(axes, metric, runs, smoothing)
    if title:
        figure.suptitle(plain(title), fontsize=TITLE + 2, fontweight="bold")
    return save(figure, to_file)


def _runs(history: Any, name: Any) -> tuple[list[_Run], str]:
    """Return the trainings, and the title of the picture."""
    several = isinstance(history, (list, tuple))
    given = list(history) if several else [history]
    if several and name is not None and not isinstance(name, str) and len(name) != len(given):
        raise ValueError(f"plot_history: {len(given)} histories, but {len(name)} names: {name!r}")
    if not several and name is not None and not isinstance(name, str):
        raise TypeError(f"plot_history: the name of one training is a string, got {name!r}")
    named = name is not None and not isinstance(name, str)
    names = [str(each) for each in name] if named else [f"run {n + 1}" for n in range(len(given))]
    runs = [_run(one, each) for one, each in zip(given, names, strict=True)]
    if not any(run.panels for run in runs):
        raise ValueError("plot_history: the history is empty: was fit called, with epochs above 0?")
    return runs, "" if named or name is None else name


def _run(history: Any, name: str) -> _Run:
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping):
        cause = ": that is the model; fit returns the history" if hasattr(history, "fit") else ""
        raise TypeError(
            f"plot_history: wanted what fit returned, or a dict of lists, got "
            f"{type(history).__name__} {history!r:.80}{cause}"
        )
    curves: dict[str, Sequence[float]] = {}
    for metric, numbers in values.items():
        try:
            curve = np.asarray(numbers, np.float64)
        except (TypeError, ValueError):
            continue  # a callback may log what is no number
        if curve.ndim == 1:
            curves[str(metric)] = curve.tolist()
    longest = max(map(len, curves.values()), default=0)
    epochs = np.asarray(getattr(history, "epoch", range(longest)), np.float64) + 1
    if len(epochs) < longest:
        epochs = np.arange(1.0, longest + 1)
    return _Run(name, epochs, panels(curves))


def _panel(axes: Any, metric: str, runs: Sequence[_Run], smoothing: float) -> None:
    alone = len(runs) == 1
    for number, run in enumerate(runs):
        for part, values in run.panels.get(metric, {}).items():
            validates = part == "validation"
            epochs = run.epochs[: len(values)]
            color = COLORS[number % len(COLORS)]
            if alone:
                color = VERMILION if validates else BLUE
            style: dict[str, Any] = {
                "color": color,
                "linestyle": "-" if alone or validates else "--",
            }
            label = part if alone else f"{run.name}, {part}"
            place = _best(metric, values) if validates else None
            if place is not None:
                axes.plot(epochs[place], values[place], "o", color=color, markersize=6)
                label += f", best {values[place]:.4g} at epoch {epochs[place]:.0f}"
            if smoothing:
                axes.plot(epochs, values, linewidth=1.0, alpha=0.3, **style)
            marker = "o" if len(values) == 1 else ""
            drawn = smoothed(values, smoothing)
            axes.plot(epochs, drawn, linewidth=2.0, label=plain(label), marker=marker, **style)
    tidy(axes, metric)
    axes.set_xlabel("epoch", fontsize=TEXT, color=MUTED)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(axes.get_lines()):
        # Of several trainings it is too long to stand among their curves.
        where = {} if alone else {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16)}
        axes.legend(frameon=False, fontsize=SMALL, **where)


def _best(metric: str, values: Sequence[float]) -> int | None:
    """Return the place of the lowest loss or error, or of the highest of anything else."""
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).any():
        return None
    low = any(part in metric.lower() for part in _LOWER)
    return int(np.nanargmin(array) if low else np.nanargmax(array))


def smoothed(values: Sequence[float], smoothing: float) -> NDArray[np.float64]:
    """Return the exponential moving average, divided by the sum of its weights; NaN stays."""
    array = np.asarray(values, np.float64)
    found, past, weight = np.full_like(array, np.nan), 0.0, 0.0
    for place, value in enumerate(array):
        if np.isfinite(value):
            past = smoothing * past + (1 - smoothing) * value
            weight = smoothing * weight + (1 - smoothing)
            found[place] = past / weight
    return found
