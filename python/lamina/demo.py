"""``lamina demo``: word vectors from nothing to a picture, in seconds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lamina.visualization.embeddings import draw_pairs
from lamina.visualization.figure import new_figure, save
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


def _draw(vectors: KeyedVectors, path: Path) -> None:
    """Draw every pair of words as an arrow, one panel a relation; parallel arrows are analogies."""
    try:
        figure = new_figure(12, 9)
    except ImportError as error:
        print(f"  ({error})")
        return
    for axes, (relation, pairs) in zip(figure.subplots(2, 2).flat, RELATIONS.items(), strict=True):
        draw_pairs(axes, vectors, pairs, relation)
    figure.suptitle("Word vectors of the little language, on their two principal axes")
    save(figure, path, dpi=110)
    print(f"  picture: {path}")
