"""The kernels one by one: their speed, how near that is to the machine's, and torch's beside it.

    python bench/kernels.py [--rounds 3] [--threads 2] [--only TEXT] [--no-torch] [--scaling]

A kernel is called as layers call it, through its operation and its vjp, so that outputs are
allocated and the few microseconds of Python are in it; forward passes keep what the way back needs.
Torch runs the same on the same arrays, images with the channels last, through its autograd; both
sides' answers are compared, to 1e-4 of the largest element, before they take turns. Milliseconds
are medians, `ratio` is the median of torch's over ours.

`machine` is what the machine gives in the same rounds (bench/machine.cpp): of multiply-adds for
GFLOP/s, for GB/s of a copy of as many bytes, in the cache that they fit in or in memory; `share` is
the median of the rounds' shares of it. How operations and bytes are counted is said in
bench/kernel_cases.py. Where a gather is below its target, the line says what it takes to read such
rows in any order and to do nothing with them. With `--scaling`, the last column is the time on one
thread over that on all. A shared machine has good minutes and bad ones: rows that miss a target are
measured twice more at the end, and two times of the three decide. Exits with 1 if a row misses.
"""

from __future__ import annotations

import argparse
import importlib
import math
import operator
import statistics
import sys
import time

import numpy as np
from common import compile_and_run, describe_machine, median_ratio, take_turns
from kernel_cases import BIG_TABLE, FAMILIES, LOOKED_UP

import lamina
from lamina import _native

TOLERANCE = 1e-4  # of the largest element
STRETCH = 0.02  # seconds that a turn lasts at least
REST = 0.03  # seconds for threads to fall asleep; those of torch's OpenMP take 9 ms at most
SCALE = {"GFLOP/s": 1e9, "GB/s": 1e9, "Mword/s": 1e6}


class Bench:
    """The settings of a run, and the lines of its table."""

    def __init__(self, arguments, torch):
        self.rounds = arguments.rounds
        self.threads = arguments.threads
        self.scaling = arguments.scaling
        self.torch = torch

    def side(self, call, threads):
        """Return a side that takes turns, its action repeated for a while, and how often."""

        def set_threads():
            lamina.set_num_threads(threads)
            if self.torch:
                self.torch.set_num_threads(threads)

        set_threads()
        elapsed = min(timed(call) for _ in range(3))
        count = max(1, math.ceil(STRETCH / elapsed))

        def repeat():
            for _ in range(count):
                call()

        def prepare():
            set_threads()
            call()
            return repeat

        return prepare, count

    def row(self, case):
        """Measure a case, print its line, and return whether it missed a target."""
        operation = case.make()
        ours = operation.our_call(case.wanted)
        sides = {}
        first = ours()
        if self.torch and hasattr(operation, "their_call"):
            theirs = operation.their_call(self.torch, case.wanted)
            compare(
                case.name,
                operation.arrays(first, case.wanted),
                operation.their_arrays(theirs(), case.wanted),
            )
            sides["torch"] = self.side(theirs, self.threads)
        if self.scaling:
            sides["one thread"] = self.side(ours, 1)
        sides["lamina"] = self.side(ours, self.threads)
        given = []
        if not case.words:
            sides["machine"] = (lambda: given.append(self.machine(case)) or list), 1
        prepared = {name: prepare for name, (prepare, _) in sides.items()}
        times = {
            name: [seconds / sides[name][1] for seconds in turns]
            for name, turns in take_turns(prepared, self.rounds, rest=REST).items()
        }
        return self.report(case, given, times)

    def machine(self, case):
        """Return what the machine gives now of what bounds a case, in its unit."""
        size = [case.footprint] if case.footprint else []
        return float(compile_and_run("machine.cpp", self.threads, *size))

    def bound(self, case):
        """Say how long a look-up that is below its target takes at the least."""
        if not case.row:
            return ""
        rate = float(compile_and_run("machine.cpp", self.threads, BIG_TABLE, case.row))
        milliseconds = LOOKED_UP / rate / 1e6
        return f"; {milliseconds:.3f} ms to read such rows, and to do nothing with them"

    def report(self, case, given, times):
        rates = [case.work / each / SCALE[case.unit] for each in times["lamina"]]
        elapsed = statistics.median(times["lamina"])
        line = (
            f"{case.name:<51}{elapsed * 1e3:>9.3f}{statistics.median(rates):>8.1f} {case.unit:<7}"
        )
        verdict = ""
        if given:
            share = statistics.median(map(operator.truediv, rates, given))
            line += f"{statistics.median(given):>8.0f}{share:>6.0%}"
            line += f"{'':>7}" if case.target is None else f"{case.target:>7.0%}"
            if case.target is not None and share < case.target:
                verdict += "  BELOW" + self.bound(case)
        else:
            line += " " * 21
        if "torch" in times:
            theirs = statistics.median(times["torch"])
            line += f"{theirs * 1e3:>9.3f}{median_ratio(times['torch'], times['lamina']):>6.1f} x"
        elif self.torch:
            line += " " * 17  # no such thing in torch
        if self.scaling:
            scaling = median_ratio(times["one thread"], times["lamina"])
            line += f"{scaling:>6.2f}"
            if case.target is not None and not case.footprint and scaling < 0.9 * self.threads:
                verdict += f"  BELOW {0.9 * self.threads:.1f}"
        print(line + verdict, flush=True)
        return bool(verdict)


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(name, ours, theirs):
    assert len(ours) == len(theirs), name
    for own, other in zip(ours, theirs, strict=True):
        assert own.shape == other.shape, (name, own.shape, other.shape)
        off = np.abs(own - other).max() / np.abs(other).max()
        assert off <= TOLERANCE, f"{name}: {off:.1e} of the largest element away from torch"


def import_torch():
    try:
        return importlib.import_module("torch")
    except ImportError:
        sys.exit("torch is not there: pip install torch, or --no-torch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="only rows whose names contain this")
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--scaling", action="store_true", help="time one thread as well")
    arguments = parser.parse_args()
    torch = None if arguments.no_torch else import_torch()
    bench = Bench(arguments, torch)
    print(
        f"{arguments.threads} threads, SIMD level {_native.core.level}, medians of "
        f"{arguments.rounds} rounds" + (f", torch {torch.__version__}" if torch else "")
    )
    print(describe_machine(arguments.threads)[0])
    columns = f"{'':<51}{'lamina ms':>9}{'':>16}{'machine':>8}{'share':>6}{'target':>7}"
    columns += f"{'torch ms':>9}{'ratio':>8}" if torch else ""
    print(columns + (f"{'1 / ' + str(arguments.threads):>6}" if arguments.scaling else ""))
    families = [[case for case in family() if arguments.only in case.name] for family in FAMILIES]
    if not any(families):
        sys.exit(f"no row's name contains {arguments.only!r}")
    below = []
    for cases in filter(None, families):
        print()
        below += [case for case in cases if bench.row(case)]
    misses = list(below)
    for time_of_three in ("second", "third") if below else ():
        print(f"\nthose below a target, a {time_of_three} time:")
        misses += [case for case in below if bench.row(case)]
    lost = [case.name for case in below if misses.count(case) > 1]
    if below:
        names = ", ".join(lost) or "none"
        print(f"\nrows below a target: {len(below)}; two times of three: {names}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
