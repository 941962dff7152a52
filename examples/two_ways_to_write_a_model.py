"""One network written twice, as a Sequential model and with the functional API: the same bits.

    python examples/two_ways_to_write_a_model.py [--short]

Both have 2,080 + 1,056 + 330 = 3,466 parameters. They begin with the same weights and learn MNIST's
digits, each squeezed to 8 x 8 = 64 grey values. After 20 epochs each, 94.0% of the test digits are
right, by weights and predictions that are the same bit for bit; 9 seconds on two cores.
"""

import argparse

import numpy as np

from lamina import Input, datasets, layers
from lamina.models import Model, Sequential
from lamina.utils import set_random_seed, to_categorical
from lamina.visualization import plot_confusion

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
short = parser.parse_args().short

(x_train, y_train), (x_test, y_test) = datasets.mnist.load_data()
if short:
    x_train, y_train, x_test, y_test = x_train[:6000], y_train[:6000], x_test[:1000], y_test[:1000]


def squeeze(images):
    """28 x 28 pixels, with a margin of 2, to the means of 4 x 4: 64 numbers from 0 to 1."""
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype("float32") / 255
    return images.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64)


x_train, x_test = squeeze(x_train), squeeze(x_test)
set_random_seed(1)

# A Sequential model.
seq_model = Sequential()
seq_model.add(layers.Dense(32, activation="relu", input_shape=(64,)))
seq_model.add(layers.Dense(32, activation="relu"))
seq_model.add(layers.Dense(10, activation="softmax"))

# Its functional equivalent.
input_tensor = Input(shape=(64,))
x = layers.Dense(32, activation="relu")(input_tensor)
x = layers.Dense(32, activation="relu")(x)
output_tensor = layers.Dense(10, activation="softmax")(x)
model = Model(input_tensor, output_tensor)
model.summary()

model.set_weights(seq_model.get_weights())
for twin in (seq_model, model):
    set_random_seed(2)  # the same order of the samples
    twin.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["acc"])
    twin.fit(
        x_train,
        to_categorical(y_train),
        epochs=5 if short else 20,
        batch_size=64,
        validation_split=0.1,
        verbose=0 if short else 2,
    )

answers = [twin.predict(x_test, verbose=0) for twin in (seq_model, model)]
same = all(map(np.array_equal, seq_model.get_weights(), model.get_weights()))
print("the same weights, bit for bit:", same)
print("the same predictions, bit for bit:", np.array_equal(*answers))
print(f"test accuracy: {np.mean(answers[0].argmax(axis=1) == y_test):.4f}")
plot_confusion(y_test, answers[0], to_file="two_ways_to_write_a_model.png")
print("picture: two_ways_to_write_a_model.png")
