"""Names of a package that are imported when they are asked for, so that its import is quick."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


def lazy_names(
    package: str, places: Mapping[str, str], modules: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its name.
        places: names, each with the module of ``lamina`` that holds it.
        modules: names of modules of the package itself.

    """

    def get(name: str) -> Any:
        if name in places:
            return getattr(importlib.import_module(f"lamina.{places[name]}"), name)
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places, *modules})

    return get, names
