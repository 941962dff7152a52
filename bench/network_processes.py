"""The processes of bench/networks.py: each side has one, and waits in it for its turn.

Calls and results go through a pipe, in which idle sides sleep.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from contextlib import contextmanager

from network_sides import KINDS, LaminaSide

SIDES = {"lamina": "Lamina", "tensorflow": "Keras + TF", "jax": "Keras + JAX", "torch": "torch"}

# What makes each framework leave AVX-512 alone.
LEVELS = {
    "v3": {
        "LAMINA_SIMD_LEVEL": "v3",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    },
}


def settings(side, threads, level=None):
    """Return what stands in the environment of a side before it imports anything."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "KERAS_BACKEND": side,
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **LEVELS.get(level, {}),
    }


def start_in_process(threads, level=None):
    """Return Lamina's side in this process, which has imported nothing so far."""
    os.environ.update(settings("lamina", threads, level))
    return LaminaSide(threads)


def _serve(connection, side, threads):
    """Answer the calls that come through the pipe, until there are no more."""
    # JAX has as many threads as the process has cores; the others get the same ones.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    try:
        worker = KINDS[side](threads)
    except ImportError as error:
        connection.send((None, str(error)))
        return
    connection.send((worker.about, None))
    while True:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((getattr(worker, method)(*arguments), None))
        except Exception:  # noqa: BLE001, what went wrong is told on the other end
            connection.send((None, traceback.format_exc()))


class Remote:
    """A side in its process: ``remote.time_fit()`` runs there."""

    def __init__(self, side, threads, level=None):
        context = multiprocessing.get_context("spawn")
        self._side = side
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, side, threads), daemon=True)
        with _environment(settings(side, threads, level)):
            self._process.start()
        there.close()

    def about(self):
        """Wait for it; return what it is, and why it is not there."""
        try:
            return self._connection.recv()
        except EOFError:
            sys.exit(f"{SIDES[self._side]}: the process has ended before it began")

    def __getattr__(self, method):
        def call(*arguments):
            try:
                self._connection.send((method, arguments))
                result, error = self._connection.recv()
            except (EOFError, BrokenPipeError):
                sys.exit(f"{SIDES[self._side]}: the process has ended in {method}")
            if error:
                sys.exit(f"{SIDES[self._side]}, {method}{arguments[:1]}:\n{error}")
            return result

        return call

    def close(self):
        self._connection.close()
        self._process.join()


@contextmanager
def _environment(variables):
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
