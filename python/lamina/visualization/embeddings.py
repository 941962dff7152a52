"""Vectors as points with their words beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.drawing.layout import spaced
from lamina.drawing.look import BLUE, COLORS, LINE, MUTED, SMALL, TEXT, TITLE, VERMILION
from lamina.visualization.figure import new_figure, plain, save, tidy
from lamina.visualization.labels import place_labels
from lamina.visualization.projection import checked_table, pca, tsne

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MOST_FREQUENT = 60  # words that are drawn if none are named
_MOST_LABELS = 300  # words that can be read; points may be more
_MARKERS = "os^DvP*X"  # beside the colours, for labels


@dataclass(frozen=True)
class _Chosen:
    vectors: NDArray[Any]
    words: list[str] | None


def plot_embeddings(
    vectors: Any,
    words: Sequence[Any] | None = None,
    method: str = "pca",
    labels: Sequence[Any] | None = None,
    dimensions: int = 2,
    *,
    pairs: Sequence[tuple[Any, Any]] | None = None,
    title: str | None = None,
    seed: int = 0,
    to_file: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw vectors as points in two or three dimensions, words beside them where none overlap.

    Args:
        vectors: `KeyedVectors`, a `Word2Vec` model, or n x d numbers.
        words: of word vectors, which to draw, the first 60 by default; of numbers, a name for each
            row.
        method: ``"pca"``, principal components of the vectors at length one if they are word
            vectors, or ``"tsne"`` (extra ``tsne``).
        labels: a class for each point, shown by colour and shape.
        dimensions: 2 or 3.
        pairs: of words, to join by arrows; where these are parallel, so are the pairs' meanings.
            They are what is drawn if ``words`` is not given.
        title: above the picture.
        seed: of t-SNE.
        to_file: where to save the picture.

    Raises:
        KeyError: if a word has no vector.
        ValueError: if shapes or numbers of words and labels do not fit.
        ImportError: if matplotlib, or scikit-learn for t-SNE, is not installed.

    Returns:
        The matplotlib figure, which shows itself in a notebook.

    """
    if method not in ("pca", "tsne"):
        raise ValueError(f"plot_embeddings: method is 'pca' or 'tsne', got {method!r}")
    if dimensions not in (2, 3):
        raise ValueError(f"plot_embeddings: dimensions are 2 or 3, got {dimensions!r}")
    if pairs is not None and words is None:
        words = list(dict.fromkeys(word for pair in pairs for word in pair))
    chosen = _chosen(vectors, words)
    if labels is not None and len(labels) != len(chosen.vectors):
        raise ValueError(
            f"plot_embeddings: {len(chosen.vectors)} vectors, but {len(labels)} labels"
        )
    joined = _places(pairs or (), chosen.words)
    table = chosen.vectors
    points = pca(table, dimensions) if method == "pca" else tsne(table, dimensions, seed)
    figure = new_figure(9.0, 7.2)
    axes = figure.add_subplot(projection="3d" if dimensions == 3 else None)
    _scatter(axes, points, labels)
    _name_axes(axes, points, table, method)
    axes.margins(0.08)
    if title:
        axes.set_title(plain(title), fontsize=TITLE, fontweight="bold", loc="left")
    for start, end in joined:
        _arrow(axes, points[start], points[end])
    if chosen.words and len(chosen.words) <= _MOST_LABELS:
        place_labels(figure, axes, points, chosen.words, joined)
    return save(figure, to_file)


def _chosen(vectors: Any, words: Sequence[Any] | None) -> _Chosen:
    """Return the rows to draw and their names."""
    vectors = getattr(vectors, "wv", vectors)
    if hasattr(vectors, "get_vector"):
        if isinstance(words, str):
            raise TypeError(f"plot_embeddings: words are a list, got the string {words!r}")
        keys = vectors.first_keys(_MOST_FREQUENT) if words is None else list(words)
        if len(keys) < 2:
            raise ValueError(f"plot_embeddings: wanted at least 2 words, got {len(keys)}")
        rows = [vectors.get_vector(key, norm=True) for key in keys]
        return _Chosen(np.array(rows), [str(key) for key in keys])
    table = checked_table(vectors, "plot_embeddings")
    if words is not None and len(words) != len(table):
        raise ValueError(f"plot_embeddings: {len(table)} vectors, but {len(words)} words")
    return _Chosen(table, None if words is None else [str(word) for word in words])


def _places(pairs: Sequence[tuple[Any, Any]], words: list[str] | None) -> list[tuple[int, int]]:
    places = {word: place for place, word in enumerate(words or ())}
    for pair in pairs:
        for word in pair:
            if str(word) not in places:
                raise KeyError(f"plot_embeddings: {word!r} of the pair {pair!r} is not drawn")
    return [(places[str(a)], places[str(b)]) for a, b in pairs]


def _scatter(axes: Any, points: NDArray[Any], labels: Sequence[Any] | None) -> None:
    look: dict[str, Any] = {"s": 22 if len(points) <= 500 else 6, "linewidths": 0}
    if points.shape[1] == 3:
        look["depthshade"] = False
    if labels is None:
        axes.scatter(*points.T, color=BLUE, **look)
        return
    named = [str(label) for label in labels]
    classes = sorted(dict.fromkeys(labels), key=lambda each: (str(type(each)), each))
    for number, label in enumerate(map(str, classes)):
        rows = [place for place, each in enumerate(named) if each == label]
        axes.scatter(
            *points[rows].T,
            color=COLORS[number % len(COLORS)],
            marker=_MARKERS[number // len(COLORS) % len(_MARKERS)],
            label=plain(label),
            **look,
        )
    axes.legend(frameon=False, fontsize=SMALL, loc="upper left", bbox_to_anchor=(1, 1))


def _name_axes(axes: Any, points: NDArray[Any], table: NDArray[Any], method: str) -> None:
    """Say what an axis is: of principal ones, the share of the spread that lies along it."""
    tidy(axes)
    total = float(table.var(axis=0, dtype=np.float64).sum())
    for name, spread in zip("xyz", points.var(axis=0), strict=False):
        text = ""
        if method == "pca":
            share = f" ({spread / total:.0%} of the variance)" if total else ""
            text = f"principal axis {'xyz'.index(name) + 1}{share}"
        getattr(axes, f"set_{name}label")(text, fontsize=SMALL, color=MUTED)
        getattr(axes, f"set_{name}ticks")([])


def _arrow(axes: Any, start: NDArray[Any], end: NDArray[Any]) -> None:
    if len(start) == 3:
        axes.plot(*np.array([start, end]).T, color=LINE, linewidth=1.0)
        return
    arrow = {"arrowstyle": "->", "color": LINE, "shrinkA": 4, "shrinkB": 4}
    axes.annotate("", end, start, arrowprops=arrow)


def draw_pairs(axes: Any, vectors: Any, pairs: Sequence[tuple[str, str]], title: str) -> None:
    """Draw each pair of words as an arrow, the words in columns at both sides.

    The points are the words' principal components; every arrow points right.
    """
    first = np.array([vectors.get_vector(a, norm=True) for a, _ in pairs])
    second = np.array([vectors.get_vector(b, norm=True) for _, b in pairs])
    points = pca(np.vstack([first, second]))
    starts, ends = points[: len(pairs)], points[len(pairs) :]
    if starts[:, 0].mean() > ends[:, 0].mean():
        points *= -1  # the sign of an axis is arbitrary
    for start, end in zip(starts, ends, strict=True):
        _arrow(axes, start, end)
    _column(axes, [a for a, _ in pairs], starts, -1, BLUE)
    _column(axes, [b for _, b in pairs], ends, 1, VERMILION)
    axes.set_title(plain(title), fontsize=TEXT + 1)
    axes.margins(0.28, 0.08)
    axes.set_xticks([])
    axes.set_yticks([])


def _column(axes: Any, words: list[str], points: NDArray[Any], outward: int, color: str) -> None:
    """Draw dots, and their words in a column beside them, spread so that none covers another."""
    axes.plot(*points.T, "o", color=color, markersize=3.5)
    order = np.argsort(points[:, 1])
    gap = 0.55 * (float(np.ptp(points[:, 1])) + 1e-9) / len(words)
    heights = spaced(points[order, 1].tolist(), [1.0] * len(words), [gap] * (len(words) - 1))
    column = (points[:, 0] * outward).max() * outward + 0.02 * outward
    for place, height in zip(order, heights, strict=True):
        leader = [points[place, 0], column], [points[place, 1], height]
        axes.plot(*leader, ":", color=color, linewidth=0.6)
        axes.annotate(
            plain(words[place]),
            (column, height),
            xytext=(6 * outward, 0),
            textcoords="offset points",
            ha="right" if outward < 0 else "left",
            va="center",
            color=color,
            fontsize=9,
        )
