"""What the tests share: real data where it is there, and every SIMD level that this CPU runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lamina import _native

DATA = Path(os.environ.get("LAMINA_DATA") or Path(__file__).parents[2] / "shared" / "data")


def pytest_addoption(parser):
    parser.addoption(
        "--sample", type=int, default=1, help="of the tests of kernels, run every so many alone"
    )


def pytest_collection_modifyitems(config, items):
    every = config.getoption("--sample")
    kernels = [item for item in items if item.path.parent.name == "kernels"]
    left_out = {id(item) for place, item in enumerate(kernels) if place % every}
    items[:] = [item for item in items if id(item) not in left_out]


def _built_levels() -> list[str]:
    folder = Path(_native.core.__file__).parent
    return [level for level in _native.supported_levels() if list(folder.glob(f"_core_{level}.*"))]


@pytest.fixture(params=_built_levels())
def kernels(request):
    """The kernels of one SIMD level; a test that takes them runs at every level."""
    return _native.load_level(request.param)


@pytest.fixture
def real_data():
    """Return a function from a file's name to its path among the real data."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"real data absent: {path} (set LAMINA_DATA to the folder that holds it)")
        return path

    return find
