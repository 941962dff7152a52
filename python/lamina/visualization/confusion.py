"""Which classes are taken for which others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import as_array
from lamina.drawing.look import INK, MUTED, PAPER, SMALL, TEXT, TITLE
from lamina.visualization.figure import new_figure, plain, save

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_WAYS = {"true": 1, "pred": 0, "all": None}  # the axis whose sums are one
_OF = {"true": "the true class", "pred": "the predicted class", "all": "all samples"}
_MOST_NUMBERS, _MOST_CLASSES = 26, 500


def plot_confusion(
    y_true: Any,
    y_pred: Any,
    labels: Sequence[Any] | None = None,
    normalize: str | bool | None = None,
    *,
    title: str | None = None,
    to_file: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw how often each class, by row, was taken for each, by column.

    Args:
        y_true: the classes: whole numbers from 0, one-hot rows, or names.
        y_pred: likewise, or what ``predict`` returned: a row of probabilities for each sample, or
            a single one that is class 1 above 0.5.
        labels: the names of the classes; the order of the classes if these are names themselves.
        normalize: ``"true"`` or True for shares of the row, ``"pred"`` of the column, ``"all"`` of
            all; None for numbers.
        title: above the picture; the accuracy by default.
        to_file: where to save the picture.

    Raises:
        ValueError: if the numbers of samples differ, or a class has no name.

    Returns:
        The matplotlib figure, which shows itself in a notebook.

    """
    way = "true" if normalize is True else normalize or None
    if way is not None and way not in _WAYS:
        raise ValueError(f"plot_confusion: normalize is 'true', 'pred', 'all' or None, got {way!r}")
    counts, names = confusion(y_true, y_pred, labels)
    shown = counts.astype(np.float64)
    if way is not None:
        total = shown.sum(axis=_WAYS[way], keepdims=True)
        shown = np.divide(shown, total, out=np.zeros_like(shown), where=total > 0)
    size = min(max(3.4, 0.55 * len(names)), 14.0)
    figure = new_figure(size + 1.6, size + 1.2)
    axes = figure.add_subplot()
    high = max(float(shown.max()), 1e-12)
    picture = axes.imshow(shown, cmap="Blues", vmin=0, vmax=high)
    _name_classes(axes, names, way)
    if len(names) <= _MOST_NUMBERS:
        _write_numbers(axes, shown, high, whole=way is None)
    else:
        figure.colorbar(picture, ax=axes, shrink=0.8)
    right = float(np.trace(counts)) / float(counts.sum())
    heading = title if title is not None else f"accuracy {right:.2%} of {counts.sum():,}"
    axes.set_title(plain(heading), fontsize=TITLE, fontweight="bold")
    return save(figure, to_file)


def confusion(
    y_true: Any, y_pred: Any, labels: Sequence[Any] | None = None
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the counts, rows the true classes and columns the predicted, and the classes' names.

    The arguments are those of `plot_confusion`.
    """
    true, predicted = _classes(y_true, "y_true"), _classes(y_pred, "y_pred")
    if len(true) != len(predicted) or not len(true):
        raise ValueError(
            f"plot_confusion: y_true has {len(true)} samples and y_pred {len(predicted)}"
        )
    named = [each.dtype.kind not in "ui" for each in (true, predicted)]
    if any(named) != all(named):
        raise ValueError(
            f"plot_confusion: y_true holds {true[0]!r} and y_pred {predicted[0]!r}: both must be "
            f"names, or both numbers"
        )
    if all(named):
        known = (
            list(labels) if labels is not None else sorted({*true.tolist(), *predicted.tolist()})
        )
        numbers = {name: number for number, name in enumerate(known)}
        unknown = sorted({*true.tolist(), *predicted.tolist()} - numbers.keys())
        if unknown:
            raise ValueError(f"plot_confusion: {unknown[0]!r} is not among the labels {known}")
        true, predicted = (
            np.array([numbers[name] for name in y.tolist()]) for y in (true, predicted)
        )
        names = [str(name) for name in known]
    else:
        count = int(max(true.max(), predicted.max())) + 1
        if min(true.min(), predicted.min()) < 0:
            raise ValueError("plot_confusion: classes are counted from 0, got a negative one")
        if labels is not None and len(labels) < count:
            raise ValueError(f"plot_confusion: class {count - 1} has no name among {list(labels)}")
        names = [str(name) for name in (labels if labels is not None else range(count))]
    if len(names) > _MOST_CLASSES:
        raise ValueError(
            f"plot_confusion: {len(names)} classes are too many to see: are these class numbers?"
        )
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts, names


def _classes(values: Any, where: str) -> NDArray[Any]:
    """Return a class for each sample, a whole number or a name."""
    array = np.asarray(as_array(values))
    if array.ndim == 2 and array.shape[1] > 1:
        classes: NDArray[Any] = array.argmax(axis=1)
        return classes
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"plot_confusion: {where} is a class for each sample or a row of probabilities, got "
            f"shape {array.shape}"
        )
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise ValueError(f"plot_confusion: {where} has NaN at {int(np.isnan(array).argmax())}")
        whole = bool((array == np.rint(array)).all())
        return array.astype(np.int64) if whole else (array > 0.5).astype(np.int64)
    return array.astype(np.int64) if array.dtype.kind in "uib" else array


def _name_classes(axes: Any, names: list[str], way: str | None) -> None:
    step = max(1, len(names) // 40)
    places = range(0, len(names), step)
    shown = [plain(names[place]) for place in places]
    upright = max(map(len, shown)) > 3
    axes.set_xticks(
        places, shown, rotation=45 if upright else 0, ha="right" if upright else "center"
    )
    axes.set_yticks(places, shown)
    axes.tick_params(colors=INK, labelsize=TEXT - 1, length=0)
    said = f" (percent of {_OF[way]})" if way else ""
    axes.set_xlabel(f"predicted{said}", fontsize=TEXT, color=MUTED)
    axes.set_ylabel("true", fontsize=TEXT, color=MUTED)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write_numbers(axes: Any, shown: NDArray[Any], high: float, whole: bool) -> None:
    for row, column in np.ndindex(*shown.shape):
        value = shown[row, column]
        text = f"{value:,.0f}" if whole else f"{100 * value:.0f}"
        faint = value == 0
        axes.text(
            column,
            row,
            text if whole or faint or value >= 0.005 else "<1",
            ha="center",
            va="center",
            fontsize=SMALL if len(shown) <= 12 else SMALL - 2,
            color=PAPER if value > 0.55 * high else "#B7BEC6" if faint else INK,
        )
