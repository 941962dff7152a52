"""The cost of a step beside its kernels: the tape, the layers, the loop.

    python bench/overhead.py [--rounds N]

First, chains of operations on 4 x 4 arrays: microseconds an operation beyond the same arithmetic in
plain numpy, without a tape, with one, and there and back. Then the smallest of the models,
Embedding(10000, 8) + Flatten + Dense at batch 32: a training step in ``fit``, and one sample
through ``model(x)`` and ``predict``, beside Keras on JAX where both are installed, in the same run,
after the first losses from the same weights have been compared. The medians of the rounds are
printed against their targets; exits with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

import numpy as np
from common import at_least

from lamina import _native, layers, ops
from lamina.autodiff import GradientTape, Tensor, Variable
from lamina.models import Sequential

CHAIN, REPEATS = 20, 500
SAMPLES, LENGTH, WORDS, BATCH = 32 * 200, 20, 10_000, 32


def microseconds(action, repeats, per=1):
    """Return the microseconds of an action, the best of five stretches of repeats."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeats):
            action()
        best = min(best, time.perf_counter() - start)
    return best / repeats / per * 1e6


def chain_costs():
    """Return microseconds an operation beyond numpy: bare, recorded, and there and back."""
    a, b = Tensor(np.ones((4, 4), np.float32)), Variable(np.ones((4, 4), np.float32))

    def forward():
        x = a
        for _ in range(CHAIN):
            x = ops.add(x, b)
        return x

    def recorded():
        with GradientTape() as tape:
            return tape, forward()

    def both_ways():
        tape, output = recorded()
        tape.backward(output, [b])

    def numpy_forward():
        x = a.data
        for _ in range(CHAIN):
            x = np.add(x, b.data)
        return x

    def numpy_both_ways():
        gradient, total = np.ones_like(numpy_forward()), 0
        for _ in range(CHAIN):
            total = np.add(total, gradient)

    there = microseconds(numpy_forward, REPEATS, CHAIN)
    back = microseconds(numpy_both_ways, REPEATS, CHAIN)
    return (
        microseconds(forward, REPEATS, CHAIN) - there,
        microseconds(recorded, REPEATS, CHAIN) - there,
        microseconds(both_ways, REPEATS, CHAIN) - back,
    )


def data():
    generator = np.random.default_rng(0)
    x = generator.integers(1, WORDS, (SAMPLES, LENGTH)).astype(np.int32)
    return x, generator.integers(0, 2, SAMPLES)


def compiled(sequential, their_layers, first):
    model = sequential(
        [*first, their_layers.Flatten(), their_layers.Dense(1, activation="sigmoid")]
    )
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    return model


def our_model():
    return compiled(Sequential, layers, [layers.Embedding(WORDS, 8, input_length=LENGTH)])


def keras_model(weights):
    """Return the same in Keras on JAX, or None where it is not installed."""
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        import keras
    except ImportError:
        return None
    first = [keras.layers.Input((LENGTH,), dtype="int32"), keras.layers.Embedding(WORDS, 8)]
    model = compiled(keras.Sequential, keras.layers, first)
    model.set_weights(weights)
    return model


def model_costs(model):
    """Return microseconds of a step in ``fit``, of ``model(x)`` and of ``predict``."""
    x, y = data()
    one = x[:1]
    model(one)
    model.predict(one, verbose=0)
    fit = microseconds(lambda: model.fit(x, y, batch_size=BATCH, verbose=0), 1, SAMPLES // BATCH)
    return (
        fit,
        microseconds(lambda: model(one), 50),
        microseconds(lambda: model.predict(one, verbose=0), 50),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(1), default=5)
    rounds = parser.parse_args().rounds
    ours = our_model()
    theirs = keras_model(ours.get_weights())
    x, y = data()
    if theirs is not None:
        losses = [float(model.train_on_batch(x[:32], y[:32])[0]) for model in (ours, theirs)]
        assert abs(losses[0] - losses[1]) < 1e-5 * losses[1], losses
    found = {"chain": [], "lamina": [], "keras": []}
    for _ in range(rounds):
        found["chain"].append(chain_costs())
        found["lamina"].append(model_costs(ours))
        if theirs is not None:
            found["keras"].append(model_costs(theirs))
    core = _native.core
    print(f"{core.num_threads()} threads, SIMD level {core.level}, median of {rounds} rounds")
    print(f"{'microseconds':<44}{'lamina':>9}{'target':>9}{'Keras + JAX':>13}")
    names = [
        "an op beyond numpy",
        "an op on the tape, beyond numpy",
        "there and back, beyond numpy",
    ]
    rows = [(name, found["chain"], i, 2.0 if i < 2 else 4.0, None) for i, name in enumerate(names)]
    names = [
        "Embedding + Flatten + Dense: a step of 32",
        "    model(x), one sample",
        "    predict, one sample",
    ]
    for i, (name, target) in enumerate(zip(names, (150, 50, 100), strict=True)):
        rows.append((name, found["lamina"], i, target, found["keras"]))
    missed = []
    for name, own, column, target, peer in rows:
        median = statistics.median(row[column] for row in own)
        beside = f"{statistics.median(row[column] for row in peer):>13.1f}" if peer else " " * 13
        missed += [name] if median > target else []
        verdict = "  MISSED" if median > target else ""
        print(f"{name:<44}{median:>9.1f}{target:>9.0f}{beside}{verdict}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
