"""How long each kernel takes while something runs; what is left is Python's."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager

from lamina._native import core


@contextmanager
def kernel_times():
    """Count each kernel's calls and seconds, arguments and results included: (calls, seconds)."""
    calls, seconds = Counter(), Counter()

    def timed(name, kernel):
        def call(*args, **options):
            start = time.perf_counter()
            found = kernel(*args, **options)
            seconds[name] += time.perf_counter() - start
            calls[name] += 1
            return found

        return call

    kernels = {
        name: kernel
        for name, kernel in vars(core).items()
        if callable(kernel) and not isinstance(kernel, type) and not name.startswith("_")
    }
    for name, kernel in kernels.items():
        setattr(core, name, timed(name, kernel))
    try:
        yield calls, seconds
    finally:
        for name, kernel in kernels.items():
            setattr(core, name, kernel)


def print_kernel_times(calls, seconds, steps, step):
    """Print milliseconds a step of each kernel and of what is left of a step's milliseconds."""
    each = {name: 1e3 * total / steps for name, total in seconds.most_common()}
    print(f"{'':<36}{'ms':>8}{'share':>7}{'calls':>7}")
    for name, milliseconds in each.items():
        share = milliseconds / step
        print(f"{name:<36}{milliseconds:>8.3f}{share:>7.1%}{calls[name] / steps:>7.1f}")
    rest = step - sum(each.values())
    print(f"{'all kernels':<36}{step - rest:>8.3f}{1 - rest / step:>7.1%}")
    print(f"{'beside them':<36}{rest:>8.3f}{rest / step:>7.1%}")
