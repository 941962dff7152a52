"""Texts to arrays: Lamina's Tokenizer and pad_sequences against Keras's, in the same run.

    KERAS_BACKEND=jax python bench/text.py [--rounds 3] [--reviews 25000]

The texts are the training reviews of aclImdb.tar.xz in LAMINA_DATA, read into memory once. Fitting,
encoding and padding are timed apart, after their answers were compared in full; both sides take
turns, and what counts is the median of the ratios. Exits with 1 below the floors.
"""

import argparse
import os
import statistics
import sys
import tarfile

import numpy as np
from common import DATA, at_least, median_ratio, take_turns

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from keras.src.legacy.preprocessing.text import Tokenizer as KerasTokenizer

from lamina import _native
from lamina.preprocessing.sequence import pad_sequences
from lamina.preprocessing.text import Tokenizer

FLOOR = 5.0
TABLES = ("word_counts", "word_docs", "word_index", "index_word", "index_docs", "document_count")


def read_reviews(limit):
    path = DATA / "aclImdb.tar.xz"
    if not path.exists():
        sys.exit(f"{path} is not there: set LAMINA_DATA to the folder that holds it")
    texts = []
    with tarfile.open(path) as archive:
        for member in archive:
            folder = member.name.rpartition("/")[0]
            if member.isfile() and folder.endswith(("train/pos", "train/neg")):
                texts.append(archive.extractfile(member).read().decode())
                if len(texts) == limit:
                    break
    return texts


def fitted(kind, texts, num_words):
    tokenizer = kind(num_words=num_words)
    tokenizer.fit_on_texts(texts)
    return tokenizer


def check_tokenizers(ours, theirs):
    for name in TABLES:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("word_counts", "word_index"):
        assert list(getattr(ours, name)) == list(getattr(theirs, name)), f"the order of {name}"


def check_lists(ours, theirs):
    assert ours == theirs


def check_arrays(ours, theirs):
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def compare(name, ours, theirs, check, rounds):
    check(ours(), theirs())
    times = take_turns({"keras": lambda: theirs, "lamina": lambda: ours}, rounds)
    ratio = median_ratio(times["keras"], times["lamina"])
    our_median, their_median = (statistics.median(times[side]) for side in ("lamina", "keras"))
    verdict = "" if ratio >= FLOOR else "  BELOW THE FLOOR"
    print(
        f"{name:<34} {our_median:8.3f} s {their_median:8.3f} s {ratio:7.1f} x   "
        f"floor {FLOOR:.1f} x{verdict}",
        flush=True,
    )
    return ratio >= FLOOR


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--reviews", type=at_least(1), default=25_000)
    arguments = parser.parse_args()
    texts = read_reviews(arguments.reviews)
    beyond = sum(not text.isascii() for text in texts)
    print(
        f"{len(texts)} reviews of aclImdb, {sum(map(len, texts)) / 1e6:.0f} million characters, "
        f"{beyond} reviews beyond ASCII; one thread, SIMD level {_native.core.level}, medians of "
        f"{arguments.rounds} rounds"
    )
    print(f"{'':<34} {'lamina':>10} {'keras':>10} {'ratio':>9}")
    good = [
        compare(
            "fit_on_texts",
            lambda: fitted(Tokenizer, texts, None),
            lambda: fitted(KerasTokenizer, texts, None),
            check_tokenizers,
            arguments.rounds,
        )
    ]
    for num_words in (None, 10_000):
        ours, theirs = (fitted(kind, texts, num_words) for kind in (Tokenizer, KerasTokenizer))
        good.append(
            compare(
                f"texts_to_sequences, {num_words or 'all'} words",
                lambda ours=ours: ours.texts_to_sequences(texts),
                lambda theirs=theirs: theirs.texts_to_sequences(texts),
                check_lists,
                arguments.rounds,
            )
        )
    sequences = ours.texts_to_sequences(texts)
    good += [
        compare(
            f"pad_sequences, maxlen={maxlen}",
            lambda maxlen=maxlen: pad_sequences(sequences, maxlen),
            lambda maxlen=maxlen: keras.utils.pad_sequences(sequences, maxlen),
            check_arrays,
            arguments.rounds,
        )
        for maxlen in (None, 500, 100)
    ]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
