"""Word vectors against gensim, in the same run: loading, neighbours, the analogy test.

    python bench/keyedvectors.py [--vectors FILE] [--questions FILE] [--rounds N]

Both sides take turns, and a ratio is the median of the rounds' ratios; the answers are compared
before anything is timed. ``--vectors`` (a file of Lamina's own) gives the analogy test real vectors
instead of random ones with planted relations. Exits with 1 below the floors.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from common import DATA, at_least, median_ratio, seconds, take_turns
from gensim.models import KeyedVectors as GensimVectors

from lamina import _native
from lamina.word2vec import KeyedVectors

ROWS, COLUMNS, TEXT_ROWS, TOP, BATCH = 300_000, 300, 50_000, 10, 64
below = []  # the names of the rows that are


def verdict(name, good):
    if not good:
        below.append(name)
    return "" if good else "  BELOW"


def measure(name, ours, theirs, floor, rounds, agree):
    """Time both sides in turns, after `agree` has compared their answers, and print a row."""
    agree(ours(), theirs())
    usual = {"gensim": seconds(theirs)[0], "lamina": seconds(ours)[0]}
    times = take_turns({"gensim": lambda: theirs, "lamina": lambda: ours}, rounds, usual)
    ratio = median_ratio(times["gensim"], times["lamina"])
    our, their = (1e3 * statistics.median(times[side]) for side in ("lamina", "gensim"))
    print(
        f"{name:<34}{our:>11.2f}{their:>12.2f}{ratio:>9.1f} x{floor:>8.1f} x"
        f"{verdict(name, ratio >= floor)}",
        flush=True,
    )


def random_vectors(rows):
    rng = np.random.default_rng(1)
    vectors = KeyedVectors(COLUMNS)
    words = [f"word{i}" for i in range(rows)]
    vectors.add_vectors(words, rng.standard_normal((rows, COLUMNS), dtype=np.float32) / 8)
    return vectors


def same_vectors(ours, theirs):
    assert ours.index_to_key == theirs.index_to_key
    assert np.array_equal(ours.vectors, theirs.vectors)


def same_neighbours(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        assert [word for word, _ in our] == [word for word, _ in their]
        np.testing.assert_allclose([s for _, s in our], [s for _, s in their], atol=1e-5)


def same_analogies(ours, theirs):
    for our, their in zip(ours[1], theirs[1], strict=True):
        assert our["section"] == their["section"]
        different = set(our["correct"]) ^ set(their["correct"])
        assert len(different) <= 1e-3 * len(our["correct"]), different


def bench_loading(folder, vectors, rounds):
    binary, text, native = folder / "vectors.bin", folder / "vectors.txt", folder / "vectors.lamina"
    vectors.save_word2vec_format(binary, binary=True)
    vectors.save(native)
    short = vectors.vectors_for_all(vectors.index_to_key[:TEXT_ROWS])
    short.save_word2vec_format(text)
    measure(
        f"load binary {ROWS} x {COLUMNS}",
        lambda: KeyedVectors.load_word2vec_format(binary, binary=True),
        lambda: GensimVectors.load_word2vec_format(str(binary), binary=True),
        5,
        rounds,
        same_vectors,
    )
    measure(
        f"load text {TEXT_ROWS} x {COLUMNS}",
        lambda: KeyedVectors.load_word2vec_format(text),
        lambda: GensimVectors.load_word2vec_format(str(text)),
        20,
        min(rounds, 3),
        same_vectors,
    )
    times = [1e3 * seconds(lambda: KeyedVectors.load(native))[0] for _ in range(20)]
    opened = KeyedVectors.load(native)
    assert np.array_equal(opened.vectors, vectors.vectors)
    taken = statistics.median(times)
    good = verdict("native open", taken < 20)
    print(f"{'native open':<34}{taken:>11.2f}{'-':>12}{'-':>11}{'< 20 ms':>10}{good}")
    taken, _ = seconds(lambda: KeyedVectors.load(native)["word7"])
    print(f"{'native open and first word':<34}{1e3 * taken:>11.2f}{'-':>12}{'-':>11}{'-':>10}")


def bench_neighbours(vectors, rounds):
    theirs = vectors.to_gensim()
    vectors.fill_norms()
    theirs.fill_norms()
    queries = [f"word{i}" for i in range(7, 7 + BATCH)]
    turns = 3 * rounds
    measure(
        "most_similar",
        lambda: [vectors.most_similar("word5", topn=TOP)],
        lambda: [theirs.most_similar("word5", topn=TOP)],
        1.5,
        turns,
        same_neighbours,
    )
    measure(
        "most_similar, king - man + woman",
        lambda: [vectors.most_similar(["word5", "word6"], ["word7"], topn=TOP)],
        lambda: [theirs.most_similar(["word5", "word6"], ["word7"], topn=TOP)],
        1.5,
        turns,
        same_neighbours,
    )
    measure(
        f"most_similar, batch of {BATCH}",
        lambda: vectors.most_similar([[word] for word in queries], topn=TOP),
        lambda: [theirs.most_similar(word, topn=TOP) for word in queries],
        5,
        rounds,
        same_neighbours,
    )


def planted_vectors(questions, rows, columns):
    """Random vectors in which "a is to b" is one offset in each section."""
    rng = np.random.default_rng(2)
    vectors, offset = {}, None
    for line in questions.read_text(encoding="utf-8").splitlines():
        if line.startswith(":"):
            offset = rng.standard_normal(columns, dtype=np.float32)
            continue
        a, b, c, d = line.lower().split()
        for base, moved in ((a, b), (c, d)):
            if base not in vectors:
                vectors[base] = rng.standard_normal(columns, dtype=np.float32)
            if moved not in vectors:
                noise = rng.standard_normal(columns, dtype=np.float32)
                vectors[moved] = vectors[base] + offset + 0.7 * noise
    for i in range(rows - len(vectors)):
        vectors[f"other{i}"] = rng.standard_normal(columns, dtype=np.float32)
    table = KeyedVectors(columns)
    table.add_vectors(list(vectors), np.array(list(vectors.values())))
    return table


def bench_analogies(folder, questions, vectors, rounds):
    vectors = vectors or planted_vectors(questions, 30_000, 200)
    theirs = vectors.to_gensim()
    lines = questions.read_text(encoding="utf-8").splitlines()
    kept = [line for i, line in enumerate(lines) if line.startswith(":") or i % 10 == 0]
    part = folder / "questions.txt"
    part.write_text("\n".join(kept) + "\n", encoding="utf-8")
    for name, file, turns in (("a tenth of", part, rounds), ("all of", questions, 0)):
        if turns:
            measure(
                f"analogy test, {name} {len(lines)}",
                lambda file=file: vectors.evaluate_word_analogies(file, restrict_vocab=30000),
                lambda file=file: theirs.evaluate_word_analogies(str(file), restrict_vocab=30000),
                5,
                min(turns, 3),
                same_analogies,
            )
        else:
            taken, (score, _) = seconds(
                lambda file=file: vectors.evaluate_word_analogies(file, restrict_vocab=30000)
            )
            label = f"analogy test, {name} {len(lines)}"
            print(f"{label:<34}{1e3 * taken:>11.2f}{'-':>12}{'-':>11}{'-':>10}  {score:.3f} right")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=Path, help="a native file for the analogy test")
    parser.add_argument("--questions", type=Path, default=DATA / "questions-words.txt")
    parser.add_argument("--rounds", type=at_least(1), default=5)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    core = _native.core
    print(f"SIMD level {core.level}, {core.num_threads()} threads; medians of {arguments.rounds}")
    print(f"{'':<34}{'lamina ms':>11}{'gensim ms':>12}{'ratio':>11}{'floor':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors = random_vectors(ROWS)
        bench_neighbours(vectors, arguments.rounds)
        if arguments.questions.exists():
            given = KeyedVectors.load(arguments.vectors) if arguments.vectors else None
            bench_analogies(folder, arguments.questions, given, arguments.rounds)
        else:
            print(f"analogy test left out: there is no {arguments.questions} (set LAMINA_DATA)")
        bench_loading(folder, vectors, arguments.rounds)
    sys.exit(1 if below else 0)


if __name__ == "__main__":
    main()
