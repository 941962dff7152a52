"""How long each kernel takes while something runs; what is left is Python's."""

from __future__ import annotations

import time
from collections import Counter

from lamina._native import core


class KernelTimes:
    """The calls and the seconds of each kernel, arguments and results included.

    Is to be made before the operations are imported, which keep the kernels that they find.
    """

    def __init__(self):
        self._calls, self._seconds = Counter(), Counter()
        for name, kernel in list(vars(core).items()):
            if callable(kernel) and not isinstance(kernel, type) and not name.startswith("_"):
                setattr(core, name, self._timed(name, kernel))

    def _timed(self, name, kernel):
        def call(*args, **options):
            start = time.perf_counter()
            found = kernel(*args, **options)
            self._seconds[name] += time.perf_counter() - start
            self._calls[name] += 1
            return found

        return call

    def clear(self):
        self._calls.clear()
        self._seconds.clear()

    def print(self, steps, step):
        """Print milliseconds a step of each kernel and of what is left of a step's milliseconds."""
        each = {name: 1e3 * total / steps for name, total in self._seconds.most_common()}
        print(f"{'':<36}{'ms':>8}{'share':>7}{'calls':>7}")
        for name, milliseconds in each.items():
            share, calls = milliseconds / step, self._calls[name] / steps
            if calls >= 0.1:  # the others belong to the beginning of an epoch
                print(f"{name:<36}{milliseconds:>8.3f}{share:>7.1%}{calls:>7.1f}")
        rest = step - sum(each.values())
        print(f"{'all kernels':<36}{step - rest:>8.3f}{1 - rest / step:>7.1%}")
        print(f"{'beside them':<36}{rest:>8.3f}{rest / step:>7.1%}")
