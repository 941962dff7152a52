"""Training word2vec against gensim, in the same run, and against what the machine could give.

    python bench/word2vec.py [--megabytes 30] [--rounds 3] [--threads 2] [--only TEXT]

Trains one epoch on the start of wiki8: vectors of 200 numbers, window 5, 5 negative samples, sample
1e-3, min_count 5. Both sides take turns; a ratio is the median of the rounds' ratios. Timed is the
whole call of ``train``: gensim gets its sentences as lists in memory, Lamina the file. Before
anything is timed, vocabularies and the words that training keeps are compared. Exits with 1 if a
ratio is below its floor.
"""

from __future__ import annotations

import argparse
import logging
import math
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import at_least, compile_and_run, median_ratio, take_turns, unpack_wiki8
from gensim.models.word2vec import Text8Corpus as GensimText8
from gensim.models.word2vec import Word2Vec as GensimWord2Vec

import lamina.word2vec.model as our_model
from lamina import _native
from lamina.word2vec import Text8Corpus, Word2Vec, open_corpus

NEGATIVES = 5
BASE = {"vector_size": 200, "window": 5, "sample": 1e-3, "min_count": 5, "epochs": 1}
SKIP_GRAM = {"sg": 1, "negative": NEGATIVES}
CBOW = {"sg": 0, "negative": NEGATIVES}
ROWS = [
    # name, settings, floors by SIMD level ("": the best)
    ("skip-gram, negative sampling", SKIP_GRAM, {"": 9.0, "v3": 6.0}),
    ("  the same, d=100", {**SKIP_GRAM, "vector_size": 100}, {"": 7.0}),
    ("  the same, d=300", {**SKIP_GRAM, "vector_size": 300}, {"": 7.0}),
    ("CBOW, negative sampling", CBOW, {"": 3.2}),
    ("skip-gram, hierarchical softmax", {"sg": 1, "hs": 1, "negative": 0}, {"": 4.0}),
    ("CBOW, hierarchical softmax", {"sg": 0, "hs": 1, "negative": 0}, {"": 2.5}),
]


class Bench:
    """The corpus in both sides' forms, and the rows measured on it."""

    def __init__(self, path, rounds, threads):
        self.path = str(path)
        self.rounds = rounds
        self.threads = threads
        self.sentences = list(GensimText8(self.path))
        self.words = sum(map(len, self.sentences))
        self.good = True

    def ours(self, settings, threads, level=""):
        """Return a side: it prepares a model and returns the action to time."""

        def prepare():
            model = Word2Vec(**BASE, **{k: v for k, v in settings.items() if k not in BASE})
            model.vector_size = settings.get("vector_size", BASE["vector_size"])
            model.workers = threads
            our_model.core = _native.load_level(level) if level else _native.core
            model.build_vocab(Text8Corpus(self.path))
            return lambda: model.train(Text8Corpus(self.path), verbose=0)

        return prepare

    def theirs(self, settings):
        def prepare():
            model = GensimWord2Vec(**{**BASE, **settings}, workers=self.threads)
            model.build_vocab(self.sentences)
            return lambda: model.train(self.sentences, total_examples=model.corpus_count, epochs=1)

        return prepare

    def check(self):
        """Compare the vocabularies, and the words that sampling keeps."""
        ours, theirs = Word2Vec(**BASE), GensimWord2Vec(**BASE)
        ours.build_vocab(Text8Corpus(self.path))
        theirs.build_vocab(self.sentences)
        assert ours.wv.index_to_key == theirs.wv.index_to_key
        kept = ours.train(Text8Corpus(self.path), verbose=0)
        their_kept = theirs.train(self.sentences, total_examples=theirs.corpus_count, epochs=1)
        assert kept[1] == their_kept[1] == self.words
        assert abs(kept[0] - their_kept[0]) < 6 * math.sqrt(self.words)
        return ours

    def row(self, name, settings, floors):
        sides = {"gensim": self.theirs(settings)}
        for level in floors:
            if not level or level in _native.supported_levels():
                sides[level] = self.ours(settings, self.threads, level)
        times = take_turns(sides, self.rounds)
        for level, floor in floors.items():
            if level in times:
                label = name + (f", level {level}" if level else "")
                self.report(label, times[level], times["gensim"], floor)

    def report(self, name, ours, theirs, floor):
        ratio = median_ratio(theirs, ours)
        verdict = "" if ratio >= floor else "  BELOW"
        self.good &= ratio >= floor
        rates = [self.words / statistics.median(side) / 1e3 for side in (ours, theirs)]
        print(
            f"{name:<46}{rates[0]:>9,.0f}{rates[1]:>9,.0f}{ratio:>8.1f} x{floor:>7.2f} x{verdict}",
            flush=True,
        )

    def scaling(self):
        sides = {n: self.ours(SKIP_GRAM, n) for n in (1, 2)}
        times = take_turns(sides, self.rounds + 2)
        self.report("skip-gram, two threads over one thread", times[2], times[1], 1.75)

    def from_lists(self, name, settings):
        epochs = {**BASE, **settings, "epochs": 5}
        times = take_turns(
            {
                "gensim": lambda: (
                    lambda: GensimWord2Vec(self.sentences, **epochs, workers=self.threads)
                ),
                "lamina": lambda: (
                    lambda: Word2Vec(self.sentences, **epochs, workers=self.threads, verbose=0)
                ),
            },
            max(self.rounds - 2, 1),
        )
        self.report(f"Word2Vec(lists), 5 epochs, {name} *", times["lamina"], times["gensim"], 3.0)

    def plain(self, model):
        """Time the algorithm in its plain form, one pair at a time, on the same ids."""
        with tempfile.TemporaryDirectory() as folder:
            ids, counts = Path(folder) / "ids", Path(folder) / "counts"
            encoded = open_corpus(Text8Corpus(self.path)).encode(model.wv.index_to_key)
            np.asarray(encoded.ids).tofile(ids)
            model.wv.expandos["count"].tofile(counts)
            times = {"plain": [], "lamina": []}
            for _ in range(self.rounds):
                output = compile_and_run("plain_word2vec.cpp", ids, counts, 200, self.threads)
                times["plain"].append(float(output))
                ours = take_turns({"": self.ours(SKIP_GRAM, self.threads)}, 1)
                times["lamina"] += ours[""]
        self.report("skip-gram, over one pair at a time (C++)", times["lamina"], times["plain"], 1)

    def roofline(self):
        """Print what a window needs, what the machine gives, and how near training is."""
        model = Word2Vec(**BASE, **SKIP_GRAM, workers=self.threads)
        model.build_vocab(Text8Corpus(self.path))
        elapsed = min(take_turns({"": self.ours(SKIP_GRAM, self.threads)}, max(self.rounds, 3))[""])
        encoded = open_corpus(Text8Corpus(self.path)).encode(model.wv.index_to_key)
        _, _, pairs, windows = model._trainer(encoded.ids).run(  # noqa: SLF001
            epoch=0, first_unit=0, first_learning_rate=0.025, last_learning_rate=0.025,
            seconds=0, threads=self.threads,
        )  # fmt: skip
        contexts = pairs / windows
        row = model._vectors.padded.shape[1] * 4  # noqa: SLF001
        outputs = 1 + NEGATIVES
        flops = 6 * contexts * outputs * row / 4
        traffic = 2 * row * (1 + outputs)
        machine = [line.split() for line in compile_and_run("machine.cpp").splitlines()]
        peak, cache, memory = map(float, machine[-1][1:4])
        rate = windows / elapsed
        print(f"\nRoofline of skip-gram, d=200, {machine[-1][0]} threads")
        print(f"  a window: {contexts:.2f} contexts x {outputs} outputs = {flops / 1e3:.1f} kFLOP;")
        print(f"  rows that enter and leave it: {1 + outputs}, {traffic / 1e3:.1f} kB moved")
        print(
            f"  the machine: {peak:.0f} GFLOP/s, {cache:.0f} GB/s in cache, "
            f"{memory:.0f} GB/s in memory"
        )
        print(
            f"  bounds: {peak * 1e3 / flops:.2f} M windows/s by arithmetic, "
            f"{memory * 1e3 / traffic:.2f} if every row came from memory, "
            f"{cache * 1e3 / traffic:.2f} from cache"
        )
        print(
            f"  reached: {rate / 1e6:.2f} M windows/s: {rate * flops / 1e9 / peak:.0%} of the "
            f"arithmetic, {rate * traffic / 1e9 / memory:.0%} of the memory's speed"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=at_least(0.1), default=30, help="of wiki8")
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--threads", type=at_least(1), default=2)
    parser.add_argument("--only", default="", help="only rows whose names contain this")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            unpack_wiki8(folder, arguments.megabytes), arguments.rounds, arguments.threads
        )
        model = bench.check()
        print(
            f"wiki8, first {arguments.megabytes:g} MB: {bench.words:,} words, {len(model.wv):,} in "
            f"the vocabulary; {arguments.threads} threads, SIMD level {_native.core.level}, "
            f"medians of {arguments.rounds} rounds"
        )
        print(f"{'thousand words a second':<46}{'lamina':>9}{'gensim':>9}{'ratio':>10}{'floor':>9}")
        for row in ROWS:
            if arguments.only in row[0]:
                bench.row(*row)
        extra = {
            "two threads over one": bench.scaling,
            "lists, skip-gram": lambda: bench.from_lists("skip-gram", SKIP_GRAM),
            "lists, CBOW": lambda: bench.from_lists("CBOW", CBOW),
            "plain": lambda: bench.plain(model),
            "roofline": bench.roofline,
        }
        for name, measure in extra.items():
            if arguments.only in name:
                measure()
    print("\n* counting the words of each of the five epochs once")
    sys.exit(0 if bench.good else 1)


if __name__ == "__main__":
    main()
