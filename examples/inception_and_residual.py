"""A network with an Inception block and a residual block reads digits; a picture of it.

    python examples/inception_and_residual.py [--short]

Both blocks are those of the functional API's chapter in *Deep Learning with Python*, with fewer
filters, and mended: without ``padding="same"`` their branches differ in size, which is an error
that says so. 98.4 % of the test digits are right after five epochs, 109 seconds on two cores.
"""

import argparse

from lamina import Input, layers
from lamina.datasets import mnist
from lamina.models import Model
from lamina.utils import plot_model, set_random_seed
from lamina.visualization import plot_confusion

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
short = parser.parse_args().short
train, test, batch_size, epochs = (2000, 500, 16, 3) if short else (60000, 10000, 128, 5)
set_random_seed(1)

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:train].reshape(-1, 28, 28, 1).astype("float32") / 255
x_test = x_test[:test].reshape(-1, 28, 28, 1).astype("float32") / 255
y_train, y_test = y_train[:train], y_test[:test]

digits = Input(shape=(28, 28, 1))
x = layers.Conv2D(16, 3, activation="relu", padding="same")(digits)
x = layers.MaxPooling2D(2)(x)

# Inception: every branch has the same stride, so that all outputs have one size, 7 x 7.
branch_a = layers.Conv2D(16, 1, activation="relu", strides=2, padding="same")(x)

branch_b = layers.Conv2D(16, 1, activation="relu")(x)
branch_b = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(branch_b)

branch_c = layers.AveragePooling2D(3, strides=2, padding="same")(x)
branch_c = layers.Conv2D(16, 3, activation="relu", padding="same")(branch_c)

branch_d = layers.Conv2D(16, 1, activation="relu")(x)
branch_d = layers.Conv2D(16, 3, activation="relu", padding="same")(branch_d)
branch_d = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(branch_d)

x = layers.concatenate([branch_a, branch_b, branch_c, branch_d], axis=-1)

# Residual: a 1 x 1 convolution brings x to the size of y, then both are added.
y = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
y = layers.Conv2D(64, 3, activation="relu", padding="same")(y)
y = layers.MaxPooling2D(2, strides=2, padding="same")(y)
residual = layers.Conv2D(64, 1, strides=2, padding="same")(x)
y = layers.add([y, residual])

y = layers.GlobalAveragePooling2D()(y)
model = Model(digits, layers.Dense(10, activation="softmax")(y))
plot_model(model, "inception_and_residual.png", show_shapes=True)

model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["acc"])
print(f"{model.count_params():,} parameters")
model.fit(x_train, y_train, epochs=epochs, batch_size=batch_size, verbose=2)
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {accuracy:.4f}")
plot_confusion(
    y_test, model.predict(x_test).argmax(axis=1), to_file="inception_and_residual_confusion.png"
)
print("picture: inception_and_residual.png")
print("picture: inception_and_residual_confusion.png")
