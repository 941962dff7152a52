"""Pre-training on MNIST with 1,000 labels: stacked autoencoders against random weights.

    python bench/pretraining.py [--seeds 5] [--labels 1000] [--epochs 5]

All 60,000 training images, without their labels, pre-train a network layer by layer, as denoising
and sparse autoencoders; 1,000 of them, with labels, train the softmax on top and then fine-tune
every weight. Beside it stands the same network from random weights, trained on the same 1,000. Each
side is trained for up to 30 epochs with each of three learning rates, and keeps its weights after
the epoch, at the rate, that is best on 5,000 other training images: both have the same choice, and
neither sees the test images before the end. Another seed draws other labelled images, other
weights, other noise. Prints test accuracy, mean and deviation over the seeds; exits with 1 if
pre-training does not win on the mean.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np
from common import DATA, at_least

from lamina import _native
from lamina.models import clone_model
from lamina.optimizers import Adam
from lamina.pretraining import StackedAutoencoder
from lamina.utils import set_random_seed

HIDDEN, VALIDATION, BATCH = (500, 500), 5000, 50
EPOCHS, EVERY, RATES = 30, 2, (3e-4, 1e-3, 3e-3)


def digits():
    path = DATA / "mnist.npz"
    if not path.exists():
        sys.exit(f"{path} is not there: set LAMINA_DATA to the folder that holds it")
    with np.load(path) as file:
        x, y, x_test, y_test = (
            file[f"{what}_{part}"] for part in ("train", "test") for what in "xy"
        )
    as_rows = [(each.reshape(len(each), -1) / 255).astype(np.float32) for each in (x, x_test)]
    return as_rows[0], y, as_rows[1], y_test


def accuracy(model, x, y):
    return float((model.predict(x, batch_size=4096).argmax(axis=1) == y).mean())


def fine_tuned(start, few, held_out):
    """Return (validation accuracy, epoch, rate, weights) of the best epoch at the best rate."""
    best = (0.0, 0, 0.0, None)
    for rate in RATES:
        model = clone_model(start)
        model.set_weights(start.get_weights())
        model.compile(Adam(rate), "sparse_categorical_crossentropy")
        for epoch in range(EVERY, EPOCHS + 1, EVERY):
            model.fit(*few, batch_size=BATCH, epochs=EVERY, verbose=0)
            found = accuracy(model, *held_out)
            if found > best[0]:
                best = (found, epoch, rate, model.get_weights())
    return best


def compare(seed, labels, epochs, data):
    """Return test accuracies: pre-trained, random, and the softmax alone on what was learnt."""
    x, y, x_test, y_test = data
    set_random_seed(seed)
    order = np.random.default_rng(seed).permutation(len(x))
    few = x[order[:labels]], y[order[:labels]]
    other = order[labels : labels + VALIDATION]
    held_out = x[other], y[other]

    stack = StackedAutoencoder(
        HIDDEN, decoder_activation=("sigmoid", "linear"), corruption=0.3, sparsity=1e-4
    )
    stack.pretrain(x, epochs=epochs, loss=("binary_crossentropy", "mse"), verbose=0)
    model = stack.classifier(10)
    random = clone_model(model)  # before it is trained: the same shape, new weights
    top = {"epochs": 60, "batch_size": BATCH, "optimizer": Adam(3e-3), "verbose": 0}
    stack.train_top(model, *few, **top)
    on_top = accuracy(model, x_test, y_test)
    found = []
    for start in (model, random):
        _, epoch, rate, weights = fine_tuned(start, few, held_out)
        start.set_weights(weights)
        found.append((accuracy(start, x_test, y_test), epoch, rate))
    return (*found, on_top)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=at_least(1), default=5)
    parser.add_argument("--labels", type=at_least(1), default=1000)
    parser.add_argument("--epochs", type=at_least(1), default=5, help="of each autoencoder")
    arguments = parser.parse_args()
    data = digits()
    start = time.perf_counter()
    core = _native.core
    print(
        f"MNIST, {arguments.labels:,} labels, 784-{'-'.join(map(str, HIDDEN))}-10, "
        f"{arguments.epochs} epochs an autoencoder; {core.num_threads()} threads, SIMD level "
        f"{core.level}"
    )
    print(f"{'test accuracy':<14}{'pre-trained':>30}{'random weights':>30}{'softmax alone':>16}")
    rows = []
    for seed in range(1, arguments.seeds + 1):
        *both, on_top = compare(seed, arguments.labels, arguments.epochs, data)
        shown = [f"{value:.4f} (epoch {epoch:>2}, {rate:g})" for value, epoch, rate in both]
        print(f"seed {seed:<9}{shown[0]:>30}{shown[1]:>30}{on_top:>16.4f}", flush=True)
        rows.append([value for value, _, _ in both] + [on_top])
    columns = list(zip(*rows, strict=True))
    means = [statistics.mean(column) for column in columns]
    spread = [statistics.stdev(column) if len(column) > 1 else 0.0 for column in columns]
    shown = [f"{mean:.4f} +- {dev:.4f}" for mean, dev in zip(means, spread, strict=True)]
    print(f"{'mean':<14}{shown[0]:>30}{shown[1]:>30}{means[2]:>16.4f}")
    print(
        f"errors: {(1 - means[0]) * 100:.2f} % pre-trained, {(1 - means[1]) * 100:.2f} % from "
        f"random weights; {time.perf_counter() - start:.0f} s in all"
    )
    sys.exit(0 if means[0] > means[1] else 1)


if __name__ == "__main__":
    main()
