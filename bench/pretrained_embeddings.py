"""Word vectors trained on wiki8 in a network for reviews, of which 200 are labelled.

    python bench/pretrained_embeddings.py [--seeds 10] [--epochs 30]

Skip-gram vectors (d=100, one epoch) are trained here, written in GloVe's text format and read back.
Then aclImdb's 25,000 training reviews, cut to their last 100 words of the 9,999 most frequent:
another 200 for each seed to train on, 10,000 others to measure with. The network is that of the
course (Embedding, Flatten, Dense(32), Dense(1)), with the table frozen and trained; the table
starts from the vectors, from random ones of the same deviation, or from Keras's default. Prints the
mean accuracy after the last epoch; exits with 1 unless the vectors are ahead of both random tables
in both rows.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from common import DATA, at_least, unpack_wiki8

from lamina import _native, layers
from lamina.models import KeyedVectors, Sequential, Word2Vec, word2vec
from lamina.preprocessing.sequence import pad_sequences
from lamina.preprocessing.text import FILTERS, Tokenizer
from lamina.utils import set_random_seed

MAX_WORDS, LENGTH, DIMENSIONS, TRAINED_ON, MEASURED_ON = 10_000, 100, 100, 200, 10_000


def glove_file(folder):
    """Train vectors on wiki8 and write them as GloVe's files are: text without a first line."""
    corpus = word2vec.Text8Corpus(unpack_wiki8(folder))
    model = Word2Vec(corpus, vector_size=DIMENSIONS, sg=1, epochs=1, seed=1, verbose=0)
    path = Path(folder) / "wiki8.100d.txt"
    model.wv.save_word2vec_format(path, write_header=False)
    return path


def reviews():
    """Return the text and the label of every training review."""
    archive = DATA / "aclImdb.tar.xz"
    if not archive.exists():
        sys.exit(f"{archive} is not there: set LAMINA_DATA to the folder that holds it")
    texts, labels = [], []
    with tarfile.open(archive) as file:
        for member in file:
            kind = re.fullmatch(r"aclImdb/train/(pos|neg)/.*\.txt", member.name)
            if kind:
                texts.append(file.extractfile(member).read().decode("utf-8"))
                labels.append(kind[1] == "pos")
    return texts, np.asarray(labels, np.float32)


def encode(texts):
    """Return the last words of each text as ids, with zeros in front, and words to ids."""
    tokenizer = Tokenizer(num_words=MAX_WORDS, filters=FILTERS + "'")  # wiki8 has none
    tokenizer.fit_on_texts(texts)
    rows = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=LENGTH)
    return rows, tokenizer.word_index


def table_of(vectors, word_index):
    """Return the matrix of an Embedding; words that have no vector keep zeros."""
    table = np.zeros((MAX_WORDS, DIMENSIONS), np.float32)
    for word, place in word_index.items():
        if place < MAX_WORDS and word in vectors:
            table[place] = vectors[word]
    return table


def accuracy(table, trainable, data, epochs):
    """Train the network on few reviews and return its accuracy on many others."""
    (x_train, y_train), (x_val, y_val) = data
    model = Sequential()
    model.add(layers.Embedding(MAX_WORDS, DIMENSIONS, input_length=LENGTH))
    model.add(layers.Flatten())
    model.add(layers.Dense(32, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    if table is not None:
        model.layers[0].set_weights([table])
    model.layers[0].trainable = trainable
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    model.fit(x_train, y_train, epochs=epochs, batch_size=32, verbose=0)
    return model.evaluate(x_val, y_val, batch_size=1000, verbose=0)[1]


def measure(pretrained, rows, labels, seeds, epochs):
    """Return {trainable: accuracies, (seeds, starts)}."""
    found = {False: [], True: []}
    for seed in range(1, seeds + 1):
        generator = np.random.default_rng(seed)
        order = generator.permutation(len(rows))
        parts = np.split(order[: TRAINED_ON + MEASURED_ON], [TRAINED_ON])
        data = [(rows[part], labels[part]) for part in parts]
        alike = generator.normal(0, pretrained.std(), pretrained.shape)
        for trainable, results in found.items():
            accuracies = []
            for table in (pretrained, alike, None):
                set_random_seed(seed)
                accuracies.append(accuracy(table, trainable, data, epochs))
            results.append(accuracies)
    return {trainable: np.asarray(results) for trainable, results in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=at_least(1), default=10)
    parser.add_argument("--epochs", type=at_least(1), default=30)
    arguments = parser.parse_args()
    start = time.perf_counter()
    texts, labels = reviews()
    rows, word_index = encode(texts)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        path = glove_file(folder)
        trained = time.perf_counter() - began
        vectors = KeyedVectors.load_word2vec_format(path, no_header=True)
    pretrained = table_of(vectors, word_index)
    known = int(np.any(pretrained, axis=1).sum())
    core = _native.core
    print(
        f"{len(vectors):,} vectors of wiki8 in {trained:.0f} s; {known:,} of the reviews' "
        f"{MAX_WORDS:,} words have one\n{TRAINED_ON} reviews to train on, {MEASURED_ON:,} to "
        f"measure with, {arguments.epochs} epochs, {arguments.seeds} seeds; "
        f"{core.num_threads()} threads, SIMD level {core.level}"
    )
    starts = ("wiki8", "random, alike", "Keras's default")
    print(f"{'accuracy':<20}" + "".join(f"{name:>20}" for name in starts))
    good = True
    found = measure(pretrained, rows, labels, arguments.seeds, arguments.epochs)
    for trainable, results in found.items():
        means, spread = results.mean(axis=0), results.std(axis=0)
        good &= bool(means[0] > means[1:].max())
        shown = "".join(f"{f'{m:.4f} +- {s:.4f}':>20}" for m, s in zip(means, spread, strict=True))
        print(f"{'the table trained' if trainable else 'the table frozen':<20}{shown}")
    verdict = "are ahead" if good else "are NOT ahead"
    print(f"the vectors {verdict} in both rows; {time.perf_counter() - start:.0f} s in all")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
