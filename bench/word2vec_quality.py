"""The quality of the vectors on wiki8: Lamina beside gensim, the same settings, five epochs.

    python bench/word2vec_quality.py [--models sg cbow sg-hs cbow-hs] [--seeds 3] [--gensim-seeds 1]
                                     [--threads 1 2]

Prints the share of right analogies (questions-words, first 30,000 words) and Spearman's correlation
with WordSim-353 and SimLex-999, for each seed and number of threads and on average. The vectors of
both sides are judged by the same code. Quality is a mean over seeds: one seed moves WordSim-353 by
a hundredth or two. Exits with 1 if a mean is below its floor, or below gensim's by more than the
spread between gensim's seeds that was seen (0.01 of the analogies, 0.02 of WordSim-353).
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time

import numpy as np
from common import DATA, at_least, unpack_wiki8
from gensim.models.word2vec import Text8Corpus as GensimText8
from gensim.models.word2vec import Word2Vec as GensimWord2Vec

from lamina.word2vec import KeyedVectors, Text8Corpus, Word2Vec

MODELS = {
    # settings, floors of analogies and WordSim-353
    "sg": ({"sg": 1}, (0.375, 0.65)),
    "cbow": ({"sg": 0}, (0.313, 0.57)),
    "sg-hs": ({"sg": 1, "hs": 1, "negative": 0}, (0, 0)),
    "cbow-hs": ({"sg": 0, "hs": 1, "negative": 0}, (0, 0)),
}
TOLERANCE = (0.01, 0.02)


def judge(vectors):
    """Return analogies, WordSim-353, SimLex-999."""
    questions = DATA / "questions-words.txt"
    analogies = vectors.evaluate_word_analogies(questions, restrict_vocab=30_000)[0]
    pairs = [
        vectors.evaluate_word_pairs(DATA / name)[1][0]
        for name in ("wordsim353.tsv", "simlex999.txt")
    ]
    return np.array([analogies, *pairs])


def show(name, scores, seconds=None):
    taken = "" if seconds is None else f"{seconds:8.1f} s"
    print(f"{name:<36}" + "".join(f"{score:>11.4f}" for score in scores) + taken, flush=True)


def train_ours(path, settings, seed, threads):
    model = Word2Vec(
        Text8Corpus(path), vector_size=200, seed=seed, workers=threads, verbose=0, **settings
    )
    return model.wv


def train_theirs(path, settings, seed):
    model = GensimWord2Vec(GensimText8(path), vector_size=200, seed=seed, workers=2, **settings)
    return KeyedVectors.from_gensim(model.wv)


def measure(name, train, seeds):
    """Train and judge once a seed; print each and return the mean."""
    scores = []
    for seed in range(1, seeds + 1):
        start = time.perf_counter()
        vectors = train(seed)
        taken = time.perf_counter() - start
        scores.append(judge(vectors))
        show(f"{name}, seed {seed}", scores[-1], taken)
    return np.mean(scores, axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--seeds", type=at_least(1), default=3, help="ours, for each number of threads"
    )
    parser.add_argument("--gensim-seeds", type=at_least(0), default=1, help="0 leaves gensim out")
    parser.add_argument("--threads", type=at_least(1), nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        path = str(unpack_wiki8(folder))
        print("wiki8, d=200, five epochs, the defaults of gensim elsewhere")
        print(f"{'':<36}{'analogies':>11}{'WordSim':>11}{'SimLex':>11}{'training':>10}")
        for name in arguments.models:
            settings, floors = MODELS[name]
            theirs = np.zeros(3)
            if arguments.gensim_seeds:
                theirs = measure(
                    f"gensim {name}",
                    lambda seed, settings=settings: train_theirs(path, settings, seed),
                    arguments.gensim_seeds,
                )
            for threads in arguments.threads:
                ours = measure(
                    f"lamina {name}, {threads} threads",
                    lambda seed, settings=settings, threads=threads: train_ours(
                        path, settings, seed, threads
                    ),
                    arguments.seeds,
                )
                fine = all(
                    score >= floor and score >= their - tolerance
                    for score, floor, their, tolerance in zip(
                        ours[:2], floors, theirs[:2], TOLERANCE, strict=True
                    )
                )
                judged = arguments.gensim_seeds or any(floors)
                good &= fine
                show(f"lamina {name}, {threads} threads: MEAN", ours)
                beside = (
                    f"gensim {theirs[0]:.4f} and {theirs[1]:.4f}"
                    if arguments.gensim_seeds
                    else "gensim was left out"
                )
                print(
                    f"    floors {floors[0]:.3f} and {floors[1]:.2f}, {beside}: "
                    f"{('met' if fine else 'BELOW') if judged else 'not judged'}"
                )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
