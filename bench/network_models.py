"""The ten networks of bench/networks.py: their layers, what they are compiled with, their data.

Nothing is imported of any framework here: a network is built with the ``layers`` and ``Input`` that
it is given, Lamina's or Keras's. Layers with weights have names, by which the weights are handed
from one framework to another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 7


@dataclass(frozen=True)
class Network:
    """One of the networks."""

    build: Callable  # (layers, Input) -> inputs, outputs
    make_data: Callable  # (random generator, samples) -> list of inputs, list of targets
    batch: int
    steps: int  # in an epoch
    target: float  # the best peer's time for a step over Lamina's
    loss: list[str]
    optimizer: str = "rmsprop"
    metrics: list[str] = field(default_factory=list)
    loss_weights: list[float] | None = None

    def data(self, steps=None):
        """Return the inputs and the targets of some steps, the same ones wherever this is run."""
        samples = self.batch * (steps or self.steps)
        return self.make_data(np.random.default_rng(SEED), samples)

    def model(self, framework):
        """Return the compiled model of a framework that has Keras's names."""
        inputs, outputs = self.build(framework.layers, framework.Input)
        model = framework.Model(inputs, outputs)
        model.compile(
            optimizer=self.optimizer,
            loss=self.loss[0] if len(self.loss) == 1 else self.loss,
            loss_weights=self.loss_weights,
            metrics=self.metrics or None,
        )
        return model


def autoencoder(*widths):
    def build(layers, Input):
        x = inputs = Input((784,))
        for i, width in enumerate(widths):
            x = layers.Dense(width, activation="relu", name=f"dense_{i}")(x)
        return inputs, layers.Dense(784, activation="sigmoid", name="decoded")(x)

    return build


def convolutional_autoencoder(layers, Input):
    def convolution(name, filters, x, activation="relu"):
        options = {"activation": activation, "padding": "same", "name": name}
        return layers.Conv2D(filters, (3, 3), **options)(x)

    inputs = Input((28, 28, 1))
    x = layers.MaxPooling2D((2, 2), padding="same")(convolution("conv_0", 32, inputs))
    x = layers.MaxPooling2D((2, 2), padding="same")(convolution("conv_1", 32, x))
    x = layers.UpSampling2D((2, 2))(convolution("conv_2", 32, x))
    x = layers.UpSampling2D((2, 2))(convolution("conv_3", 32, x))
    return inputs, convolution("decoded", 1, x, "sigmoid")


def words_to_yes_or_no(width, length, reader):
    """Return a network of an embedding, a layer that reads it, and one number between 0 and 1."""

    def build(layers, Input):
        inputs = Input((length,), dtype="int32")
        x = reader(layers)(layers.Embedding(10_000, width, name="embedding")(inputs))
        return inputs, layers.Dense(1, activation="sigmoid", name="answer")(x)

    return build


def lstm_of_vectors(layers, Input):
    inputs = Input((100, 128))
    x = layers.LSTM(128, name="reader")(inputs)
    return inputs, layers.Dense(1, activation="sigmoid", name="answer")(x)


def question_answering(layers, Input):
    text = Input((100,), dtype="int32", name="text")
    x = layers.LSTM(32, name="text_reader")(
        layers.Embedding(10_000, 64, name="text_embedding")(text)
    )
    question = Input((100,), dtype="int32", name="question")
    y = layers.LSTM(16, name="question_reader")(
        layers.Embedding(10_000, 32, name="question_embedding")(question)
    )
    both = layers.concatenate([x, y], axis=-1)
    return [text, question], layers.Dense(500, activation="softmax", name="answer")(both)


def posts(layers, Input):
    def convolution(name, filters, x):
        return layers.Conv1D(filters, 5, activation="relu", name=name)(x)

    inputs = Input((500,), dtype="int32")
    x = layers.Embedding(50_000, 256, name="embedding")(inputs)
    x = layers.MaxPooling1D(5)(convolution("conv_0", 128, x))
    x = convolution("conv_2", 256, convolution("conv_1", 256, x))
    x = layers.MaxPooling1D(5)(x)
    x = convolution("conv_4", 256, convolution("conv_3", 256, x))
    x = layers.Dense(128, activation="relu", name="dense")(layers.GlobalMaxPooling1D()(x))
    return inputs, [
        layers.Dense(1, name="age")(x),
        layers.Dense(10, activation="softmax", name="income")(x),
        layers.Dense(1, activation="sigmoid", name="gender")(x),
    ]


def inception(layers, Input):
    def convolution(name, size, strides, x):
        options = {"activation": "relu", "padding": "same", "name": name}
        return layers.Conv2D(128, size, strides=strides, **options)(x)

    inputs = Input((28, 28, 192))
    a = convolution("a", 1, 2, inputs)
    b = convolution("b_1", 3, 2, convolution("b_0", 1, 1, inputs))
    c = layers.AveragePooling2D(3, strides=2, padding="same")(inputs)
    c = convolution("c", 3, 1, c)
    d = convolution("d_1", 3, 1, convolution("d_0", 1, 1, inputs))
    d = convolution("d_2", 3, 2, d)
    x = layers.GlobalAveragePooling2D()(layers.concatenate([a, b, c, d], axis=-1))
    return inputs, layers.Dense(10, activation="softmax", name="answer")(x)


def numbers(generator, *shape):
    return generator.random(shape, np.float32)


def words(generator, vocabulary, *shape):
    return generator.integers(0, vocabulary, shape, dtype=np.int32)


def frequent_words(generator, vocabulary, *shape):
    """Return ids that are drawn as words of a text are: the n-th in proportion to 1 / n."""
    cumulated = np.cumsum(1 / np.arange(1, vocabulary + 1))
    places = generator.random(shape) * cumulated[-1]
    return np.searchsorted(cumulated, places, side="right").astype(np.int32)


def yes_or_no(generator, samples):
    return generator.integers(0, 2, (samples, 1)).astype(np.float32)


def classes(generator, samples, count):
    return np.eye(count, dtype=np.float32)[generator.integers(0, count, samples)]


def flat_images(generator, samples):
    images = numbers(generator, samples, 784)
    return [images], [images]


def noisy_images(generator, samples):
    clean = numbers(generator, samples, 28, 28, 1)
    noise = generator.standard_normal(clean.shape, np.float32)
    return [np.clip(clean + 0.5 * noise, 0, 1)], [clean]


def sentences(length):
    def make(generator, samples):
        return [words(generator, 10_000, samples, length)], [yes_or_no(generator, samples)]

    return make


def sequences(generator, samples):
    return [numbers(generator, samples, 100, 128)], [yes_or_no(generator, samples)]


def texts_and_questions(generator, samples):
    x = [words(generator, 10_000, samples, 100) for _ in range(2)]
    return x, [classes(generator, samples, 500)]


def posts_and_authors(generator, samples):
    x = frequent_words(generator, 50_000, samples, 500)
    ages = generator.standard_normal((samples, 1), np.float32)
    return [x], [ages, classes(generator, samples, 10), yes_or_no(generator, samples)]


def feature_maps(generator, samples):
    return [numbers(generator, samples, 28, 28, 192)], [classes(generator, samples, 10)]


_BINARY, _CLASSES = ["binary_crossentropy"], ["categorical_crossentropy"]
_COMPRESS = {"loss": _BINARY, "optimizer": "adadelta"}
_CLASSIFY = {"loss": _BINARY, "metrics": ["acc"]}

NETWORKS = {
    "ae": Network(autoencoder(32), flat_images, 256, 100, 1.6, **_COMPRESS),
    "deep ae": Network(
        autoencoder(128, 64, 32, 64, 128), flat_images, 256, 100, 1.4, **_COMPRESS
    ),
    "convolutional denoising ae": Network(
        convolutional_autoencoder, noisy_images, 128, 20, 1.8, **_COMPRESS
    ),
    "Embedding + Flatten": Network(
        words_to_yes_or_no(8, 20, lambda layers: layers.Flatten()),
        sentences(20), 32, 782, 1.3, **_CLASSIFY,
    ),
    "Embedding + SimpleRNN": Network(
        words_to_yes_or_no(32, 20, lambda layers: layers.SimpleRNN(32, name="reader")),
        sentences(20), 128, 195, 2.2, **_CLASSIFY,
    ),
    "question answering": Network(
        question_answering, texts_and_questions, 128, 30, 2.5, _CLASSES, metrics=["acc"]
    ),
    "Embedding(512) + LSTM(32)": Network(
        words_to_yes_or_no(512, 100, lambda layers: layers.LSTM(32, name="reader")),
        sentences(100), 32, 30, 2.8, **_CLASSIFY,
    ),
    "LSTM(128)": Network(lstm_of_vectors, sequences, 64, 25, 1.3, **_CLASSIFY),
    "posts": Network(
        posts, posts_and_authors, 64, 4, 1.15, ["mse", *_CLASSES, *_BINARY],
        loss_weights=[0.25, 1.0, 10.0],
    ),
    "Inception block": Network(inception, feature_maps, 32, 4, 1.05, _CLASSES),
}  # fmt: skip


def multiply_adds(model):
    """Return those of one sample in a training step of a Lamina model, and of its way forward.

    The way back takes twice as many, for the gradients of weights and of inputs, but nobody needs
    the gradient of what no weight stands before.
    """
    forward = needless = 0
    trained = set()  # tensors that come from some layer with weights
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        weights = layer.get_weights()
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        behind_weights = any(id(tensor) in trained for tensor in inputs)
        if weights or behind_weights:
            trained.add(id(layer.output))
        if not weights or type(layer).__name__ == "Embedding":
            continue
        matrices = [weight.size for weight in weights if weight.ndim > 1]
        recurrent = len(matrices) == 2
        places = inputs[0].shape[1:2] if recurrent else layer.output.shape[1:-1]
        forward += sum(matrices) * int(np.prod(places))
        needless += 0 if behind_weights else matrices[0] * int(np.prod(places))
    return 3 * forward - needless, forward
