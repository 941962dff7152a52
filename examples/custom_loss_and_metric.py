"""A loss and a metric of one's own: predict the 10%, 50% and 90% quantiles of noisy data.

A loss is a function of targets and predictions that returns one value for each sample, or a class
with ``call``. A metric has ``update_state`` and ``result``.
"""

import numpy as np

from lamina import Sequential, layers, losses, metrics, ops
from lamina.utils import set_random_seed

QUANTILES = np.array([0.1, 0.5, 0.9], np.float32)


class PinballLoss(losses.Loss):
    """Too low costs q for each unit, too high 1 - q: least where a share q of the data is below."""

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(error * QUANTILES, error * (QUANTILES - 1)), axis=-1)


class Coverage(metrics.Metric):
    """The share of the targets that lie between the lowest and the highest prediction."""

    def __init__(self, name="coverage", **kwargs):
        super().__init__(name=name, **kwargs)
        self.inside = self.add_weight(name="inside")
        self.count = self.add_weight(name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):  # noqa: ARG002
        y_true, y_pred = np.asarray(y_true)[:, 0], np.asarray(y_pred)
        inside = (y_true > y_pred[:, 0]) & (y_true < y_pred[:, -1])
        self.inside.assign_add(inside.sum())
        self.count.assign_add(len(inside))

    def result(self):
        return self.inside / self.count


def largest_error(y_true, y_pred):
    return ops.max(ops.absolute(y_true - y_pred), axis=-1)


set_random_seed(1)
generator = np.random.default_rng(1)
x = generator.uniform(-1, 1, (2000, 1)).astype(np.float32)
y = (np.sin(3 * x) + generator.normal(0, 0.1 + 0.2 * np.abs(x))).astype(np.float32)

model = Sequential([layers.Dense(32, activation="tanh", input_shape=(1,)), layers.Dense(3)])
model.compile("adam", PinballLoss(), metrics=[Coverage(), largest_error])
history = model.fit(x, y, epochs=40, validation_split=0.2, verbose=0).history
print({name: round(values[-1], 3) for name, values in history.items()})
