"""Word vectors in GloVe's format begin a network that learns from 200 film reviews alone.

    python examples/glove_vectors_in_a_network.py [--short] [--text TEXT] [VECTORS]

The network is that of Chollet, Deep Learning with Python, section 6.1: an Embedding, Flatten,
Dense(32) and Dense(1). Its table begins with the vectors or random, and is trained further or stays
as it is (frozen). Vectors are those of a file, or are trained here on TEXT (text8) and written to
vectors.100d.txt as GloVe's are. With 17 million words of Wikipedia (``--text wiki8.zip``), in 86
seconds on two cores, it is right about 54.6 % of 10,000 other reviews, be the vectors frozen or
trained further, and about 51.9 % and 52.1 % with random ones: 200 reviews teach little. With
``--short`` there are 2,000.
"""

import argparse

import numpy as np

from lamina.datasets import imdb, text8
from lamina.layers import Dense, Embedding, Flatten
from lamina.models import KeyedVectors, Sequential, word2vec
from lamina.preprocessing.sequence import pad_sequences
from lamina.preprocessing.text import Tokenizer
from lamina.utils import set_random_seed
from lamina.visualization import plot_history

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
parser.add_argument("--text", help="what vectors are trained on: a file in LAMINA_DATA, or a path")
parser.add_argument("vectors", nargs="?", help="such as glove.6B.100d.txt, instead of training")
arguments = parser.parse_args()
short = arguments.short

maxlen = 100  # the words of a review that are read: the last ones
training_samples = 2000 if short else 200
validation_samples = 2000 if short else 10000
epochs, draws = (10, 1) if short else (30, 5)
max_words = 10000  # only the most frequent words of the reviews

if arguments.vectors is None:
    corpus = word2vec.Text8Corpus(
        text8.path(arguments.text or ("text8_1m.gz" if short else "text8"))
    )
    trained = word2vec.Word2Vec(corpus, vector_size=100, sg=1, seed=1, verbose=0)
    arguments.vectors = "vectors.100d.txt"
    trained.wv.save_word2vec_format(arguments.vectors, write_header=False)  # as GloVe's files are
vectors = KeyedVectors.load_word2vec_format(arguments.vectors, no_header=True)
print(f"{len(vectors)} word vectors in {arguments.vectors}")

(texts, labels), _ = imdb.load_texts()
tokenizer = Tokenizer(num_words=max_words)
tokenizer.fit_on_texts(texts)
word_index = tokenizer.word_index
data = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=maxlen)
print(f"{len(word_index)} different words; shape of the data: {data.shape}")

# Step by step; ``vectors.to_embedding(tokenizer)`` makes such a layer at once.
embedding_dim = vectors.vector_size
embedding_matrix = np.zeros((max_words, embedding_dim))
for word, i in word_index.items():
    if i < max_words and word in vectors:
        embedding_matrix[i] = vectors[word]  # a word without a vector keeps zeros
known = np.count_nonzero(embedding_matrix.any(axis=1))
print(f"{known} of the {max_words - 1} most frequent words have a vector")


def train(matrix, trainable, seed):
    """Train the network from a table of vectors, or from a random one if it is None."""
    indices = np.random.default_rng(seed).permutation(len(data))
    few = indices[:training_samples]
    others = indices[training_samples : training_samples + validation_samples]
    set_random_seed(seed)
    model = Sequential()
    model.add(Embedding(max_words, embedding_dim, input_length=maxlen))
    model.add(Flatten())
    model.add(Dense(32, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    if matrix is not None:
        model.layers[0].set_weights([matrix])
    model.layers[0].trainable = trainable
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    return model.fit(
        data[few],
        labels[few],
        epochs=epochs,
        batch_size=32,
        validation_data=(data[others], labels[others]),
        verbose=0,
    )


print(f"accuracy on others after {training_samples} reviews, mean of {draws} draws (guessing 0.5)")
histories = {}
for start, matrix in (("vectors", embedding_matrix), ("random", None)):
    for trainable in (False, True):
        name = f"{start}, {'trained' if trainable else 'frozen'}"
        histories[name] = [train(matrix, trainable, seed) for seed in range(draws)]
        accuracies = [history.history["val_acc"][-1] for history in histories[name]]
        print(f"{name + ':':18}{np.mean(accuracies):.4f}")

names = ["vectors, frozen", "vectors, trained"]
plot_history(
    [histories[name][0] for name in names], names, to_file="glove_vectors_in_a_network.png"
)
print("picture: glove_vectors_in_a_network.png")
