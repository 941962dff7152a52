"""Three outputs: from what people wrote, a number, a group of ten and yes or no about them.

    python examples/posts.py [--short]

Chollet, Deep Learning with Python, section 7.1, predicts the age, the income and the gender of
authors. That data is nowhere to be had; here, the texts are the film reviews of aclImdb, and what
is predicted is how many stars of ten the author gave (a number), how long the whole text is (in ten
groups, where 300 words are read at most), and whether it is favourable (yes or no). Four epochs on
22,500 reviews, in 3 minutes on two cores: 1.73 stars of mean error on the test reviews (3.29 for
always the mean), 61.5 % of the lengths right (10 % by guessing), 85.7 % of yes or no.
"""

import argparse

import numpy as np

from lamina import Input, layers
from lamina.datasets import imdb
from lamina.models import Model
from lamina.preprocessing.sequence import pad_sequences
from lamina.preprocessing.text import Tokenizer
from lamina.utils import set_random_seed, to_categorical
from lamina.visualization import plot_history

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
short = parser.parse_args().short

vocabulary_size = 10000
num_length_groups = 10
maxlen = 300
filters = 32 if short else 128

(train_texts, train_stars), (test_texts, test_stars) = imdb.load_texts(labels="stars")
if short:
    train_texts, train_stars = train_texts[:5000], train_stars[:5000]
    test_texts, test_stars = test_texts[:1000], test_stars[:1000]
tokenizer = Tokenizer(num_words=vocabulary_size)
tokenizer.fit_on_texts(train_texts)
borders = np.quantile([len(text) for text in train_texts], np.linspace(0, 1, 11)[1:-1])


def prepare(texts, stars):
    """Return the last words of each text as ids, and the targets of the three outputs."""
    posts = pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=maxlen)
    groups = np.digitize([len(text) for text in texts], borders)
    return posts, [stars, to_categorical(groups, num_length_groups), stars > 5]


posts, (stars, lengths, favourable) = prepare(train_texts, train_stars)
test_posts, test_targets = prepare(test_texts, test_stars)

set_random_seed(1)
posts_input = Input(shape=(None,), dtype="int32", name="posts")
embedded_posts = layers.Embedding(vocabulary_size, 64)(posts_input)
x = layers.Conv1D(filters, 5, activation="relu")(embedded_posts)
x = layers.MaxPooling1D(5)(x)
x = layers.Conv1D(2 * filters, 5, activation="relu")(x)
x = layers.Conv1D(2 * filters, 5, activation="relu")(x)
x = layers.MaxPooling1D(5)(x)
x = layers.Conv1D(2 * filters, 5, activation="relu")(x)
x = layers.Conv1D(2 * filters, 5, activation="relu")(x)
x = layers.GlobalMaxPooling1D()(x)
x = layers.Dense(128, activation="relu")(x)
stars_prediction = layers.Dense(1, name="stars")(x)
length_prediction = layers.Dense(num_length_groups, activation="softmax", name="length")(x)
favourable_prediction = layers.Dense(1, activation="sigmoid", name="favourable")(x)
model = Model(posts_input, [stars_prediction, length_prediction, favourable_prediction])
model.summary()

# Losses, their weights, metrics and targets as lists, in the order of the outputs.
model.compile(
    optimizer="rmsprop",
    loss=["mse", "categorical_crossentropy", "binary_crossentropy"],
    loss_weights=[0.25, 1.0, 10.0],
    metrics=["mae", "acc", "acc"],
)
listed = model.fit(
    posts, [stars, lengths, favourable], epochs=2, batch_size=64, validation_split=0.1, verbose=2
)
# Or as dicts, by the names of the outputs. Training goes on.
model.compile(
    optimizer="rmsprop",
    loss={
        "stars": "mse",
        "length": "categorical_crossentropy",
        "favourable": "binary_crossentropy",
    },
    loss_weights={"stars": 0.25, "length": 1.0, "favourable": 10.0},
    metrics={"stars": "mae", "length": "acc", "favourable": "acc"},
)
named = model.fit(
    posts,
    {"stars": stars, "length": lengths, "favourable": favourable},
    initial_epoch=2,
    epochs=4,
    batch_size=64,
    validation_split=0.1,
    verbose=2,
)

results = model.evaluate(test_posts, test_targets, batch_size=64, verbose=0, return_dict=True)
mean_error = np.abs(test_stars - np.mean(train_stars)).mean()
print(f"test stars, mean error: {results['stars_mae']:.3f} (always the mean: {mean_error:.3f})")
print(f"test length, accuracy: {results['length_acc']:.4f} (guessing 0.1)")
print(f"test favourable, accuracy: {results['favourable_acc']:.4f} (guessing 0.5)")
history = {name: listed.history[name] + named.history[name] for name in listed.history}
plot_history(history, metrics=["stars_mae", "length_acc", "favourable_acc"], to_file="posts.png")
print("picture: posts.png")
