"""Keras on JAX beside ours, for thousands of small functions in one process."""

import itertools
import sys

import pytest

_TESTS_BETWEEN = 40
_counter = itertools.count(1)


@pytest.fixture(autouse=True)
def forget_compiled_functions():
    """Every so often, drop what XLA has compiled.

    It maps memory for each function and keeps it; Linux allows a process 65,530 mappings, and XLA
    crashes when it gets no more.
    """
    yield
    if next(_counter) % _TESTS_BETWEEN == 0 and "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
