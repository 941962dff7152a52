"""Models, layers and data that tests share."""

import json

import numpy as np

from lamina import Input, Model, Sequential, layers, ops
from lamina.layers import Dense, Layer


def data(samples=100, features=4, targets=2):
    generator = np.random.default_rng(5)
    x = generator.random((samples, features)).astype(np.float32)
    return x, x[:, :targets] * 2 + 0.5


def small_model(**options):
    model = Sequential([Dense(2, input_shape=(4,))])
    model.set_weights([np.full((4, 2), 0.1), np.zeros(2)])
    model.compile("sgd", "mse", **{"metrics": ["mae"], **options})
    return model


def two_by_two():
    """Two inputs a and b, two outputs named left and right."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    left, right = Dense(2, name="left")(a), Dense(3, name="right")(a + b)
    return Model([a, b], [left, right])


def ones(*shape):
    return np.ones(shape, np.float32)


class Linear(Layer):
    """x @ kernel + bias, with a moving mean that is not trained."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.mean = self.add_weight((input_shape[-1],), "zeros", trainable=False, name="mean")
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def call(self, inputs):
        return ops.sum(inputs[..., None] * self.kernel, axis=-2) + self.bias


class Doubled(Layer):
    """x times two."""

    def call(self, inputs):
        return inputs * 2


class Pair(Model):
    """A subclass with a call of its own."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first, self.second = Dense(units), Dense(1)

    def call(self, inputs, training=None):
        self.seen = training
        return self.second(self.first(inputs))


def branched():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    inner_inputs = Input((3,))
    inner = Model(inner_inputs, [Dense(2)(inner_inputs), inner_inputs * 2], name="inner")
    stack = Sequential([Dense(5, name="stacked")], name="stack")
    first, second = inner(shared(a)), inner(shared(b))
    total = stack(first[0]) + ops.sum(stack(second[0]), axis=-1, keepdims=True)
    joined = ops.concatenate([first[1], second[1], ops.reshape(shared(a - b), (-1, 3))], axis=-1)
    outputs = {"total": total, "joined": (1 - joined)[:, 1:7], "shared": shared(a)}
    return Model({"a": a, "b": b}, outputs, name="branched")


def remade(layer):
    """Return the layer that its config makes, by way of JSON."""
    saved = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(saved)
    assert json.loads(json.dumps(layers.serialize(again))) == saved
    return again
