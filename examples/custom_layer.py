"""A layer of one's own: the largest of several linear functions, in a model and saved as text.

It makes its weights in ``build`` and composes operations in ``call``; the gradients come by
themselves. Maxout: Goodfellow et al., 2013.
"""

import numpy as np

from lamina import Input, Model, layers, ops
from lamina.models import model_from_json
from lamina.utils import set_random_seed


class Maxout(layers.Layer):
    """max over k of (x @ kernel_k + bias_k), for each of the units."""

    def __init__(self, units, pieces=4, **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units * self.pieces), name="kernel")
        self.bias = self.add_weight((self.units * self.pieces,), "zeros", name="bias")

    def call(self, inputs):
        lines = ops.matmul(inputs, self.kernel) + self.bias
        return ops.max(ops.reshape(lines, (-1, self.units, self.pieces)), axis=-1)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "pieces": self.pieces}


set_random_seed(1)
x = np.linspace(-2, 2, 512, dtype=np.float32)[:, None]
y = np.abs(x) + 0.5 * np.sin(3 * x)

inputs = Input((1,))
model = Model(inputs, layers.Dense(1)(Maxout(16)(inputs)))
model.compile("adam", "mse")
model.summary()
losses = model.fit(x, y, epochs=60, verbose=0).history["loss"]
print(f"mean squared error {losses[0]:.4f} -> {losses[-1]:.4f}")

again = model_from_json(model.to_json(), custom_objects={"Maxout": Maxout})
again.set_weights(model.get_weights())
print("the same again:", np.array_equal(again.predict(x), model.predict(x)))
