"""The compiled kernels, in the best variant that this CPU runs.

The same C++ sources are built once for each SIMD level into a module of its own: ``_core_v2``
(SSE4.2), ``_core_v3`` (AVX2 and FMA), ``_core_v4`` (AVX-512); one ``_core_base`` on other
processors. ``LAMINA_SIMD_LEVEL=v3`` chooses a level by hand.
"""

from __future__ import annotations

import importlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

# The instructions that each level adds to those before it, as /proc/cpuinfo names them.
_LEVELS = {
    "v2": {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"},
    "v3": {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"},
    "v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def _cpu_flags() -> set[str]:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    for line in cpuinfo.splitlines():
        if line.startswith("flags"):
            return set(line.partition(":")[2].split())
    return set()


def supported_levels() -> list[str]:
    """Return the SIMD levels that this CPU runs, the best one last."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return ["base"]
    flags = _cpu_flags()
    levels = []
    for level, needed in _LEVELS.items():
        if not needed <= flags:
            break
        levels.append(level)
    # A system without /proc/cpuinfo: every 64-bit x86 processor since 2009 runs v2.
    return levels or ["v2"]


def load_level(level: str) -> ModuleType:
    """Import the kernels compiled for one SIMD level.

    Raises:
        ImportError: if the level does not exist, or this CPU cannot run it, or it was not built.

    """
    supported = supported_levels()
    if level not in supported:
        raise ImportError(
            f"SIMD level {level!r} does not run on this CPU, which supports "
            f"{', '.join(supported)}: is LAMINA_SIMD_LEVEL set to another machine's level?"
        )
    try:
        return importlib.import_module(f"lamina._native._core_{level}")
    except ModuleNotFoundError as error:
        built = sorted(p.name for p in Path(__file__).parent.glob("_core_*"))
        raise ImportError(
            f"the kernels for SIMD level {level!r} are missing from {Path(__file__).parent} "
            f"(found: {', '.join(built) or 'none'}): reinstall lamina, or choose a level that was "
            f"built with LAMINA_SIMD_LEVEL"
        ) from error


if TYPE_CHECKING:
    from lamina._native import core
else:
    core = load_level(os.environ.get("LAMINA_SIMD_LEVEL") or supported_levels()[-1])
