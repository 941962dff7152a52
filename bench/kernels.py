"""The kernels one by one: their speed, how near that is to the machine's, and torch's beside it.

    python bench/kernels.py [--rounds 3] [--threads 2] [--only TEXT] [--no-torch] [--scaling]

A kernel is called as layers call it, through its operation and its vjp, so that outputs are
allocated and the few microseconds of Python are in it; forward passes keep what the way back needs.
Torch runs the same on the same arrays, images with the channels last, through its autograd; both
sides' answers are compared, to 1e-4 of the largest element, before they take turns of ten stretches
each. Milliseconds are the mean of a turn's, `ratio` is the median of torch's over ours.

`machine` is what the machine gives in the same rounds (bench/machine.cpp): of multiply-adds for
GFLOP/s, for GB/s of a copy of as many bytes, in the cache that they fit in or in memory. A shared
machine gives half in some moments, so both sides are at their best of all rounds' stretches:
GFLOP/s, GB/s, `machine`, and `share`, the former over the latter. How operations and bytes are
counted is said in bench/kernel_cases.py. Where a gather is below its target, the line says what it
takes to read such rows in any order and to do nothing with them.

With `--scaling`, stretches on all threads and on one alternate, and the last column is the median
of the latter's times over the former's. Wanted are 0.9 times the threads; or, where a bare product
of matrices that lie in the second level of cache does not scale by so much in the same rounds, 0.9
times what it does.

A shared machine has good minutes and bad ones: rows that miss a target are measured twice more at
the end, and two times of the three decide. They say what a turn of a loop in Python takes then, as
the head of the table does: in some minutes twice as long as in others, while multiply-adds in
registers are as fast as ever. Exits with 1 if a row misses.
"""

from __future__ import annotations

import argparse
import importlib
import math
import statistics
import sys
import time

import numpy as np
from common import (
    at_least,
    compile_and_run,
    describe_machine,
    loop_time,
    median_ratio,
    take_turns,
)
from kernel_cases import BIG_TABLE, FAMILIES, LOOKED_UP

import lamina
from lamina import _native

TOLERANCE = 1e-4  # of the largest element
STRETCHES, STRETCH = 10, 0.008  # of a turn, and the seconds that each lasts at least
SCALING = 0.9  # of the threads
REST = 0.03  # seconds for threads to fall asleep; those of torch's OpenMP take 9 ms at most
SCALE = {"GFLOP/s": 1e9, "GB/s": 1e9, "Mword/s": 1e6}


class Side:
    """One that takes turns: ten stretches of calls for each number of threads, in alternation.

    `times` has a list of them a turn, of the seconds a call of each stretch.
    """

    def __init__(self, call, numbers, set_threads):
        self.call, self.set_threads = call, set_threads
        self.times = {threads: [] for threads in numbers}
        self.counts = {}
        for threads in numbers:
            set_threads(threads)
            shortest = min(timed(call) for _ in range(3))
            self.counts[threads] = max(1, math.ceil(STRETCH / shortest))

    def prepare(self):
        for turns in self.times.values():
            turns.append([])
        self.set_threads(next(iter(self.times)))
        self.call()
        return self.turn

    def turn(self):
        for _ in range(STRETCHES):
            for threads, turns in self.times.items():
                self.set_threads(threads)
                count = self.counts[threads]
                turns[-1].append(timed(self.call, count) / count)

    def means(self, threads):
        """Return the mean of each turn's stretches."""
        return [statistics.mean(turn) for turn in self.times[threads]]

    def best(self, threads):
        """Return the shortest of all stretches."""
        return min(map(min, self.times[threads]))

    def ratio(self, one, other):
        """Return the median over the stretches of the times on `one` over those on `other`."""
        pairs = zip(self.times[one], self.times[other], strict=True)
        return statistics.median(a / b for turns in pairs for a, b in zip(*turns, strict=True))


class Bench:
    """The settings of a run, and the lines of its table."""

    def __init__(self, arguments, torch):
        self.rounds = arguments.rounds
        self.threads = arguments.threads
        self.scaling = arguments.scaling
        self.torch = torch

    def set_threads(self, threads):
        lamina.set_num_threads(threads)
        if self.torch:
            self.torch.set_num_threads(threads)

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
            sides["torch"] = Side(theirs, [self.threads], self.set_threads)
        numbers = {self.threads: None, 1: None} if self.scaling else [self.threads]
        sides["lamina"] = Side(ours, numbers, self.set_threads)
        turns = {name: side.prepare for name, side in sides.items()}
        given = []
        if not case.words:
            turns["machine"] = lambda: given.append(self.ask_machine(case)) or list
        take_turns(turns, self.rounds, rest=REST)
        return self.report(case, given, **sides)

    def ask_machine(self, case):
        """Return what the machine gives now of what bounds a case, and how products scale."""
        size = [case.footprint] if case.footprint else []
        rate, *scaling = map(float, compile_and_run("machine.cpp", self.threads, *size).split())
        return rate, *scaling

    def bound(self, case):
        """Say how long a look-up that is below its target takes at the least."""
        if not case.row:
            return ""
        rate = float(compile_and_run("machine.cpp", self.threads, BIG_TABLE, case.row))
        milliseconds = LOOKED_UP / rate / 1e6
        return f"; {milliseconds:.3f} ms to read such rows, and to do nothing with them"

    def report(self, case, given, lamina, torch=None):
        """Print a case's line, and return whether it is below a target."""
        rate = case.work / lamina.best(self.threads) / SCALE[case.unit]
        means = lamina.means(self.threads)
        elapsed = statistics.median(means)
        line = f"{case.name:<51}{elapsed * 1e3:>9.3f}{rate:>8.1f} {case.unit:<7}"
        verdict = ""
        if given:
            machines, *scalings = zip(*given, strict=True)
            machine = max(machines)
            share = rate / machine
            line += f"{machine:>8.0f}{share:>6.0%}"
            line += f"{'':>7}" if case.target is None else f"{case.target:>7.0%}"
            if case.target is not None and share < case.target:
                verdict += "  BELOW" + self.bound(case)
        else:
            line += " " * 21
        if torch:
            theirs = torch.means(self.threads)
            line += f"{statistics.median(theirs) * 1e3:>9.3f}{median_ratio(theirs, means):>6.1f} x"
        elif self.torch:
            line += " " * 17  # no such thing in torch
        if self.scaling:
            scaling = lamina.ratio(1, self.threads)
            line += f"{scaling:>6.2f}"
            if case.target is not None and not case.footprint:  # bounded by arithmetic
                wanted = wanted_scaling(self.threads, *scalings)
                verdict += f"  BELOW {wanted:.2f}" if scaling < wanted else ""
        if verdict:
            verdict += f"; loop {loop_time():.0f} ns"
        print(line + verdict, flush=True)
        return bool(verdict)


def wanted_scaling(threads, scalings):
    """Return what one thread's time over that of all has to be where products scale so."""
    machine = statistics.median(scalings)
    return SCALING * (threads if machine >= SCALING * threads else machine)


def lost_of_three(below, measure):
    """Measure twice more what was below a target; return what was so two times of three."""
    misses = list(below)
    for time_of_three in ("second", "third") if below else ():
        print(f"\nthose below a target, a {time_of_three} time:")
        misses += [case for case in below if measure(case)]
    return [case for case in below if misses.count(case) > 1]


def timed(call, count=1):
    start = time.perf_counter()
    for _ in range(count):
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
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--threads", type=at_least(1), default=2)
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
    lost = [case.name for case in lost_of_three(below, bench.row)]
    if below:
        names = ", ".join(lost) or "none"
        print(f"\nrows below a target: {len(below)}; two times of three: {names}")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
