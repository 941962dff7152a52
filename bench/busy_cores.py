"""A training step on cores that other programs keep busy, by how long threads wait awake.

    python bench/busy_cores.py [--rounds 3] [--others 2]

One small network (784-128-64-10, batch of 256, Adam) in processes that take turns: as Lamina's
threads wait between two loops, a short while awake; asleep at once (OMP_WAIT_POLICY=passive); and
on one thread; first alone on the machine, then beside as many processes as `--others` says that
only burn time. Milliseconds a step, mean of 200 steps, median of the rounds. Exits with 1 if to
sleep at once is the quicker where nobody is beside.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

from common import at_least

STEPS = """
import time
import numpy as np
from lamina import layers
from lamina.models import Sequential
model = Sequential([layers.Input((784,)), layers.Dense(128, activation="relu"),
                    layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
generator = np.random.default_rng(0)
x = generator.random((256, 784), np.float32)
y = generator.integers(10, size=256)
for _ in range(5):
    model.train_on_batch(x, y)
start = time.perf_counter()
for _ in range(200):
    model.train_on_batch(x, y)
print((time.perf_counter() - start) * 1000 / 200)
"""
WAYS = {
    "a short while awake": {},
    "asleep at once": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


def milliseconds(settings):
    environment = {**os.environ, **settings}
    finished = subprocess.run(
        [sys.executable, "-c", STEPS], env=environment, check=True, capture_output=True, text=True
    )
    return float(finished.stdout)


def measure(rounds):
    taken = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, settings in WAYS.items():
            taken[way].append(milliseconds(settings))
    return {way: statistics.median(times) for way, times in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument(
        "--others", type=at_least(0), default=2, help="processes that burn time beside"
    )
    arguments = parser.parse_args()
    alone = measure(arguments.rounds)
    burn = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(arguments.others)
    ]
    try:
        busy = measure(arguments.rounds)
    finally:
        for process in burn:
            process.kill()
            process.wait()
    print(f"milliseconds a step{'alone':>20}{f'beside {arguments.others} busy':>20}")
    for way in WAYS:
        print(f"{way:<19}{alone[way]:>20.2f}{busy[way]:>20.2f}")
    sys.exit(alone["a short while awake"] > alone["asleep at once"])


if __name__ == "__main__":
    main()
