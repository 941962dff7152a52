"""``lamina demo``: word vectors from nothing to a picture, in seconds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.word2vec import Word2Vec
from lamina.word2vec.little_language import RELATIONS, LittleLanguage

if TYPE_CHECKING:
    from lamina.word2vec import KeyedVectors


def run(picture: Path, seed: int = 1, verbose: int = 1) -> float:
    """Train on the little language, answer its analogies, and draw them to ``picture``.

    Returns the share of planted analogies that are answered rightly.
    """
    print("A little language of invented words, with planted relations: king is to man as")
    print("queen is to woman, paris to france as rome to italy, and so on.\n")
    corpus = LittleLanguage(seed=seed)
    example = next(iter(corpus))
    print(f"  {len(corpus):,} sentences like: {' '.join(example)}\n")
    started = time.perf_counter()
    model = Word2Vec(
        corpus, vector_size=64, window=9, sg=1, epochs=5, sample=0, seed=seed, verbose=verbose
    )
    seconds = time.perf_counter() - started
    words = model.corpus_total_words * model.epochs
    print(f"  trained on {words:,} words in {seconds:.1f} s\n")

    for a, b, c in (("king", "man", "woman"), ("paris", "france", "italy"), ("saw", "see", "go")):
        best, similarity = model.wv.most_similar(positive=[a, c], negative=[b], topn=1)[0]
        print(f"  {a:>6} - {b} + {c} = {best}  (cosine {similarity:.2f})")

    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions.txt"
        questions.write_text("\n".join(LittleLanguage.questions()) + "\n", encoding="utf-8")
        accuracy, sections = model.wv.evaluate_word_analogies(questions)
    print("\n  planted analogies answered rightly:")
    for section in sections:
        right, wrong = len(section["correct"]), len(section["incorrect"])
        if section["section"] in RELATIONS:
            print(f"    {section['section']:<20} {right:4d} of {right + wrong:4d}")
    print(f"    {'accuracy':<20} {accuracy:.1%}\n")
    _draw(model.wv, picture)
    return float(accuracy)


def _plane(rows: np.ndarray) -> np.ndarray:
    """Return the rows' coordinates on their two principal axes."""
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    return np.asarray(centred @ axes.T)


def _draw(vectors: KeyedVectors, path: Path) -> None:
    """Draw every pair of words as an arrow, one panel a relation; parallel arrows are analogies."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError:
        print("  (pip install 'lamina[plot]' for a picture of them)")
        return
    figure = Figure(figsize=(12, 9), layout="constrained")
    for axes, (relation, pairs) in zip(figure.subplots(2, 2).flat, RELATIONS.items(), strict=True):
        first = np.array([vectors.get_vector(a, norm=True) for a, _ in pairs])
        second = np.array([vectors.get_vector(b, norm=True) for _, b in pairs])
        points = _plane(np.vstack([first, second]))
        starts, ends = points[: len(pairs)], points[len(pairs) :]
        if starts[:, 0].mean() > ends[:, 0].mean():
            points *= -1  # the sign of an axis is arbitrary: let every arrow point right
        for start, end in zip(starts, ends, strict=True):
            arrow = {"arrowstyle": "->", "color": "0.6", "shrinkA": 3, "shrinkB": 3}
            axes.annotate("", end, start, arrowprops=arrow)
        _label(axes, [a for a, _ in pairs], starts, "left", "tab:blue")
        _label(axes, [b for _, b in pairs], ends, "right", "tab:red")
        axes.set_title(relation)
        axes.margins(0.28, 0.08)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.suptitle("Word vectors of the little language, on their two principal axes")
    figure.savefig(path, dpi=110)
    print(f"  picture: {path}")


def _label(axes: Any, words: list[str], points: np.ndarray, side: str, color: str) -> None:
    """Draw dots, and their words in a column beside them, spread so that none covers another."""
    axes.plot(*points.T, "o", color=color, markersize=3.5)
    order = np.argsort(points[:, 1])
    gap = 1.1 * (np.ptp(points[:, 1]) + 1e-9) / len(words) / 2
    heights = points[order, 1]
    for _ in range(200):  # neighbours that are too near push each other apart
        push = np.maximum(gap - np.diff(heights), 0) / 2
        heights[:-1] -= push
        heights[1:] += push
    outward = -1 if side == "left" else 1
    column = (points[:, 0] * outward).max() * outward + 0.02 * outward
    for place, height in zip(order, heights, strict=True):
        axes.plot(
            [points[place, 0], column], [points[place, 1], height], ":", color=color, linewidth=0.6
        )
        axes.annotate(
            words[place],
            (column, height),
            xytext=(6 * outward, 0),
            textcoords="offset points",
            ha="right" if side == "left" else "left",
            va="center",
            color=color,
            fontsize=9,
        )
