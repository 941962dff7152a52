"""The sides of bench/networks.py: one framework each, all with the same methods.

A side takes a network's name and makes the data, the model and the measurements itself.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from contextlib import contextmanager
from pathlib import Path

from common import loop_time

_ROUND = 0.4  # seconds of `fit` in a round, about; an epoch at least
_PREDICT, _FEWEST, _MOST = 0.05, 5, 200  # seconds of `predict`, and how many calls


def resident(field="VmRSS"):
    """Return the megabytes of this process that are in memory; of VmHWM, the most that were."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f"/proc/self/status has no {field}")


class Side:
    """What a framework does with a network. Times are in milliseconds."""

    def load(self, title, steps=None):
        """Make the data of an epoch, of fewer steps than usual if asked for."""
        from network_models import NETWORKS

        self.network, self.title = NETWORKS[title], title
        self.steps = steps or self.network.steps
        self.x, self.y = self.network.data(steps)

    def begin(self, title, weights=None):
        """Build a network; return its weights, what it predicts, and the losses of three steps."""
        self.model = self.x = self.y = None
        self.forget()
        gc.collect()
        self.load(title)
        self.build(weights)
        self.batch, self.one = self.inputs(self.network.batch), self.inputs(1)
        return {
            "weights": self.weights() if weights is None else None,
            "outputs": self.outputs(),
            "losses": [self.train(step) for step in range(3)],
        }

    def warm_up(self):
        """Train an epoch to compile and one to see how many make a round; return a step's time."""
        self.fit(1)
        seconds = self.fit(1)
        self.epochs = max(1, round(_ROUND / seconds))
        return seconds / self.steps * 1e3

    def time_fit(self):
        return self.fit(self.epochs) / self.epochs / self.steps * 1e3

    def time_predictions(self):
        """Return the times of a batch, of one sample, and of one through the model itself.

        The fourth is that of a turn of a loop in Python, in nanoseconds.
        """
        return [
            self._time(lambda: self.predict(self.batch)),
            self._time(lambda: self.predict(self.one)),
            self._time(lambda: self.call(self.one)) if self.call else None,
            loop_time(),
        ]

    @staticmethod
    def _time(action):
        """Return the median of some calls, after one."""
        action()
        times = []
        while len(times) < _FEWEST or (sum(times) < _PREDICT and len(times) < _MOST):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e3

    def memory(self, title, steps, epochs):
        """Return the peak of resident memory while fitting, and the size before the model."""
        self.load(title, steps)
        gc.collect()
        before = resident()
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
        self.build(None)
        self.fit(epochs)
        return resident("VmHWM"), before

    call = None

    def forget(self):
        pass


class KerasStyle(Side):
    """Lamina and Keras: one way to write it for both."""

    def build(self, weights):
        self.model = self.network.model(self.framework)
        for name, arrays in (weights or {}).items():
            self.model.get_layer(name).set_weights(arrays)

    def weights(self):
        layers = {layer.name: layer.get_weights() for layer in self.model.layers}
        return {name: arrays for name, arrays in layers.items() if arrays}

    @staticmethod
    def _one_or_many(values):
        return values[0] if len(values) == 1 else values

    def inputs(self, samples):
        return self._one_or_many([x[:samples] for x in self.x])

    def outputs(self):
        found = self.predict(self.batch)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def train(self, step):
        rows = slice(step * self.network.batch, (step + 1) * self.network.batch)
        x, y = ([values[rows] for values in data] for data in (self.x, self.y))
        self.model.reset_metrics()
        found = self.model.train_on_batch(self._one_or_many(x), self._one_or_many(y))
        return float(found[0] if isinstance(found, (list, tuple)) else found)

    def predict(self, x):
        return self.model.predict(x, batch_size=self.network.batch, verbose=0)

    def fit(self, epochs, callbacks=None):
        start = time.perf_counter()
        self.model.fit(
            self._one_or_many(self.x),
            self._one_or_many(self.y),
            batch_size=self.network.batch,
            epochs=epochs,
            verbose=0,
            callbacks=callbacks,
        )
        return time.perf_counter() - start


class LaminaSide(KerasStyle):
    """Lamina, timed as a whole: what it takes to begin a fit counts."""

    def __init__(self, threads):
        import lamina
        from lamina._native import core

        self.framework = lamina
        self.about = f"lamina {lamina.__version__}, level {core.level}"
        assert core.num_threads() == threads, core.num_threads()

    def call(self, x):
        return self.model(x)

    def multiply_adds(self):
        from network_models import multiply_adds

        return multiply_adds(self.model)

    def grow(self, title, limit, steps=None):
        """Return two numbers of steps, and the resident size after each.

        The second is `steps` and the first a tenth of it; without `steps`, 10,000 or as many powers
        of ten fewer as take no longer than `limit`.
        """
        self.begin(title)
        step = self.warm_up() / 1e3
        many = steps or 10 ** max(d for d in range(1, 5) if 10**d * step < limit or d == 1)
        epochs = [max(1, round(number / self.steps)) for number in (many // 10, many)]
        done, sizes = 2, []  # epochs of the warm-up
        for target in (max(epochs[0], done), max(epochs[1], done + 1)):
            if target > done:
                self.fit(target - done)
                done = target
            sizes.append((done * self.steps, resident()))
        return sizes


@contextmanager
def _silence():
    """Send what is written to stderr nowhere: TensorFlow greets before it can be asked not to."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


class KerasSide(KerasStyle):
    """Keras on a backend.

    Timed from the first batch of an epoch to the epoch's end: what it takes to begin a fit (35 ms
    on TensorFlow) is not counted, since a real epoch is longer than ours.
    """

    def __init__(self, threads):
        backend = os.environ["KERAS_BACKEND"]
        if backend == "tensorflow":
            with _silence():
                import tensorflow as tf

            tf.get_logger().setLevel("ERROR")
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
            version = tf.__version__
        else:
            import jax

            version = jax.__version__
        import keras

        assert keras.backend.backend() == backend
        self.framework = keras
        self.about = f"Keras {keras.__version__} on {backend} {version}"

        class Stopwatch(keras.callbacks.Callback):
            seconds = 0.0

            def on_train_batch_begin(self, batch, logs=None):  # noqa: ARG002
                if batch == 0:
                    self.start = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
                self.seconds += time.perf_counter() - self.start

        self.stopwatch = Stopwatch

    def forget(self):
        self.framework.utils.clear_session()

    def fit(self, epochs):
        stopwatch = self.stopwatch()
        super().fit(epochs, [stopwatch])
        return stopwatch.seconds


class TorchSide(Side):
    """Eager torch with the loop that one writes by hand."""

    def __init__(self, threads):
        import network_torch
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.torch, self.networks = torch, network_torch
        capability = torch.backends.cpu.get_cpu_capability()
        self.about = f"torch {torch.__version__}, {capability}"

    def load(self, title, steps=None):
        super().load(title, steps)
        torch = self.torch
        self.x = [torch.from_numpy(x) for x in self.x]
        self.x = [x.long() if x.dtype == torch.int32 else x for x in self.x]
        self.y = [
            torch.from_numpy(y.argmax(1) if loss == "categorical_crossentropy" else y)
            for y, loss in zip(self.y, self.network.loss, strict=True)
        ]

    def build(self, weights):
        self.model = self.networks.MODULES[self.title]()
        if self.model.images:
            self.model.to(memory_format=self.torch.channels_last)
        if weights:
            self.networks.load(self.model, weights)
        self.optimizer = self.networks.optimizer(self.network.optimizer, self.model)
        self.losses = [self.networks.LOSSES[name] for name in self.network.loss]
        self.factors = self.network.loss_weights or [1.0] * len(self.losses)

    def _images(self, tensors):
        """Return batches as convolutions want them, without a copy."""
        if not self.model.images:
            return tensors
        return [t.permute(0, 3, 1, 2) if t.ndim == 4 else t for t in tensors]

    def inputs(self, samples):
        return self._images([x[:samples] for x in self.x])

    def predict(self, x):
        with self.torch.inference_mode():
            return self.model(*x)

    def outputs(self):
        found = self.predict(self.batch)
        found = list(found) if isinstance(found, tuple) else [found]
        return [(t.permute(0, 2, 3, 1) if t.ndim == 4 else t).numpy() for t in found]

    def step(self, x, y):
        """Train on a batch; return its loss and how many of the answers are right."""
        x, y = self._images(x), self._images(y)
        logits = self.model.logits(*x)
        outputs = logits if isinstance(logits, tuple) else (logits,)
        parts = zip(self.losses, self.factors, outputs, y, strict=True)
        values = [factor * loss(output, target) for loss, factor, output, target in parts]
        loss = values[0] if len(values) == 1 else sum(values)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach(), self._right(logits.detach(), y[0]) if self.network.metrics else 0

    def _right(self, logits, y):
        if self.network.loss[0] == "binary_crossentropy":
            return ((logits > 0) == (y > 0.5)).sum()
        return (logits.argmax(1) == y).sum()

    def train(self, step):
        rows = slice(step * self.network.batch, (step + 1) * self.network.batch)
        return self.step([x[rows] for x in self.x], [y[rows] for y in self.y])[0].item()

    def fit(self, epochs):
        start = time.perf_counter()
        samples = len(self.x[0])
        for _ in range(epochs):
            total = right = 0
            for rows in self.torch.randperm(samples).split(self.network.batch):
                loss, hits = self.step([x[rows] for x in self.x], [y[rows] for y in self.y])
                total += loss * len(rows)
                right += hits
            self.history = float(total) / samples, float(right) / samples
        return time.perf_counter() - start


KINDS = {"lamina": LaminaSide, "tensorflow": KerasSide, "jax": KerasSide, "torch": TorchSide}
