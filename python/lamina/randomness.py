"""The one source of random numbers: weights, shuffling, dropout and sampling draw from it.

Each thread has a generator of its own. `set_random_seed` restarts the caller's, so that a program
on one thread gives the same numbers on every run.
"""

from __future__ import annotations

import random
import threading

import numpy as np


class _Thread(threading.local):
    generator: np.random.Generator | None = None


_thread = _Thread()


def set_random_seed(seed: int) -> None:
    """Restart every random choice of this thread: weights, shuffling, dropout, sampling.

    As in Keras, ``random`` and ``numpy.random`` start anew as well, from which programs draw noise
    and splits of their own.

    Raises:
        ValueError: if the seed is not from 0 to 2**32 - 1, which is what numpy.random takes.

    """
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"set_random_seed: wanted a seed from 0 to 2**32 - 1, got {seed}")
    _thread.generator = np.random.default_rng(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - that of programs


def generator() -> np.random.Generator:
    """Return this thread's generator; without a seed it starts somewhere new on every run."""
    if _thread.generator is None:
        _thread.generator = np.random.default_rng()
    return _thread.generator


def next_seed() -> int:
    """Draw a seed for a kernel that makes random numbers of its own: 63 bits."""
    return int(generator().integers(1 << 63))
