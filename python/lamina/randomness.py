"""The one source of random numbers: weights, shuffling, dropout and sampling draw from it.

Each thread has a generator of its own. `set_random_seed` restarts the caller's, so that a program
on one thread gives the same numbers on every run.
"""

from __future__ import annotations

import threading

import numpy as np


class _Thread(threading.local):
    generator: np.random.Generator | None = None


_thread = _Thread()


def set_random_seed(seed: int) -> None:
    """Restart every random choice of this thread: weights, shuffling, dropout, sampling.

    Raises:
        ValueError: if the seed is negative.

    """
    if seed < 0:
        raise ValueError(f"set_random_seed: the seed must not be negative, got {seed}")
    _thread.generator = np.random.default_rng(seed)


def generator() -> np.random.Generator:
    """Return this thread's generator; without a seed it starts somewhere new on every run."""
    if _thread.generator is None:
        _thread.generator = np.random.default_rng()
    return _thread.generator


def next_seed() -> int:
    """Draw a seed for a kernel that makes random numbers of its own: 63 bits."""
    return int(generator().integers(1 << 63))
