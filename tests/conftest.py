"""What the test modules share."""

import pytest

from lamina import _native


def built_levels():
    """The SIMD levels that this CPU runs and that this installation was built with."""
    levels = []
    for level in _native.supported_levels():
        try:
            _native.load_level(level)
        except ImportError:
            continue
        levels.append(level)
    return levels


@pytest.fixture(params=built_levels())
def core(request):
    """The kernels, once for each SIMD level."""
    return _native.load_level(request.param)
