"""What this installation runs on and computes in: SIMD level, threads, libraries, float type."""

from __future__ import annotations

from lamina import _native

__version__ = _native.core.version


def set_num_threads(threads: int) -> None:
    """Use this many threads from now on, wherever ``workers=`` does not say otherwise.

    Without this call, ``OMP_NUM_THREADS`` decides, or else the number of cores.

    Raises:
        ValueError: if ``threads`` is not between 1 and 1024.

    """
    # More threads than a machine can have would end the process, not raise an error.
    if not 1 <= threads <= 1024:
        raise ValueError(
            f"set_num_threads: threads must be at least 1, at most 1024; got {threads}"
        )
    _native.core.set_num_threads(int(threads))


_floatx = "float32"


def floatx() -> str:
    """Return the float type of weights and computations: ``"float32"`` unless set otherwise."""
    return _floatx


def set_floatx(value: str) -> None:
    """Use ``"float32"`` or ``"float64"`` for every layer made from now on.

    Raises:
        ValueError: if it is neither.

    """
    global _floatx  # noqa: PLW0603
    if value not in {"float32", "float64"}:
        raise ValueError(f"set_floatx: wanted 'float32' or 'float64', got {value!r}")
    _floatx = value


def show_config() -> None:
    """Print the version, the SIMD level in use, the threads and the compiler."""
    import numpy as np  # noqa: PLC0415

    core = _native.core
    rows = {
        "lamina": __version__,
        "numpy": np.__version__,
        "SIMD level": f"{core.level} (this CPU supports {', '.join(_native.supported_levels())})",
        "threads": str(core.num_threads()),
        "compiler": core.compiler,
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:<{width}}  {value}")  # noqa: T201
