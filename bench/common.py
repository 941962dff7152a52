"""What the benchmarks share: the data, and two sides that take turns."""

from __future__ import annotations

import argparse
import functools
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

DATA = Path(os.environ.get("LAMINA_DATA") or Path(__file__).parents[2] / "shared" / "data")

# Threads of either side spin for a while after their work; the other waits until they sleep.
_REST = 0.2

# An action that takes less than SHORT seconds is run a few times to wake its threads, and timed
# over a few runs more.
_SHORT, _WARM, _TIMED = 0.1, 5, 5


def at_least(least):
    """Return what reads a number of a command line: one of the kind of `least`, and not less."""

    def read(text):
        try:
            number = type(least)(text)
        except ValueError:
            number = None
        if number is None or not least <= number < math.inf:
            raise argparse.ArgumentTypeError(f"got {text!r}, wanted {least} or more")
        return number

    return read


def unpack_wiki8(folder, megabytes=None):
    """Write wiki8, or its first megabytes up to a whole word, into a folder; return its path."""
    archive = DATA / "wiki8.zip"
    if not archive.exists():
        sys.exit(f"{archive} is not there: set LAMINA_DATA to the folder that holds it")
    path = Path(folder) / "wiki8"
    with zipfile.ZipFile(archive) as file, file.open(file.namelist()[0]) as member:
        if megabytes is None:
            with path.open("wb") as out:
                shutil.copyfileobj(member, out, 1 << 20)
        else:
            start = member.read(int(megabytes * 1e6))
            path.write_bytes(start[: start.rfind(b" ")])
    return path


def seconds(action, usual=_SHORT, rest=_REST):
    """Return how long an action took and what it returned. `usual` is about how long it takes."""
    time.sleep(rest)
    warm, timed = (_WARM, _TIMED) if usual < _SHORT else (0, 1)
    for _ in range(warm):
        action()
    start = time.perf_counter()
    for _ in range(timed):
        result = action()
    return (time.perf_counter() - start) / timed, result


def take_turns(sides, rounds, usual=None, rest=_REST):
    """Run every side once a round, first to last and then last to first; return lists of seconds.

    A side prepares what it has to and returns the action, which alone is timed. `usual` says of
    each side about how long its action takes, where that may be short; `rest` is how long threads
    are given to fall asleep before each.
    """
    times = {name: [] for name in sides}
    for turn in range(rounds):
        names = list(sides) if turn % 2 == 0 else list(reversed(sides))
        for name in names:
            action = sides[name]()
            times[name].append(seconds(action, (usual or {}).get(name, _SHORT), rest)[0])
    return times


def median_ratio(slower, faster):
    """Return the median of the rounds' ratios of seconds."""
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def loop_time():
    """Return the nanoseconds of a turn of a loop in Python: what a core gives to such code now.

    In some minutes of a shared machine it takes twice as long as in others, while multiply-adds in
    registers are as fast as ever.
    """
    best, turns = math.inf, 10_000
    for _ in range(5):
        values, last = {}, 0
        start = time.perf_counter()
        for i in range(turns):
            values[i & 63] = last
            last = values[i & 63] + 1
        best = min(best, time.perf_counter() - start)
    return best / turns * 1e9


@functools.cache
def _compiled(source):
    """Compile a C++ program of this folder for this machine; return its folder, and the program."""
    folder = tempfile.TemporaryDirectory()  # goes with the cache, at the end of the process
    program = Path(folder.name) / "program"
    subprocess.run(
        [os.environ.get("CXX", "c++"), "-std=c++20", "-O3", "-march=native", "-fopenmp",
         "-mprefer-vector-width=512", str(Path(__file__).parent / source), "-o", str(program)],
        check=True,
    )  # fmt: skip
    return folder, program


def describe_machine(threads):
    """Return what bounds a network here and now, as text, and the peak in GFLOP/s."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    _, peak, _, memory, *message = compile_and_run("machine.cpp").splitlines()[-1].split()
    line = (
        f"  {float(peak):.0f} GFLOP/s of multiply-adds in fp32, {float(memory):.0f} GB/s in memory"
    )
    if message:
        line += f", {message[0]} us from core to core and back"
    line += f",\n  {loop_time():.0f} ns a turn of a loop in Python"
    return line, float(peak)


def compile_and_run(source, *arguments):
    """Run a C++ program of this folder, compiled once for this machine, and return its output."""
    command = [str(_compiled(source)[1]), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
