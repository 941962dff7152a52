"""Run a program that was written for Keras or gensim: ``lamina run program.py``.

While it runs, ``keras``, ``tensorflow.keras`` and ``gensim`` are names for Lamina, whether or not
the packages themselves are installed. Nothing else changes: the program is run as Python runs it.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import runpy
import sys
import traceback
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOTS = ("gensim", "keras", "tensorflow.keras", "tensorflow.python.keras", "tf_keras")
# Packages of which a program may want the part above.
_HOLLOW = ("tensorflow", "tensorflow.python")
# Modules of the peers, today's and yesterday's, that lie elsewhere in Lamina.
_ELSEWHERE = {
    "gensim.models.keyedvectors": "models.keyedvectors",
    "gensim.models.phrases": "models.phrases",
    "gensim.models.word2vec": "models.word2vec",
    "keras.engine": "layers",
    "keras.engine.base_layer": "layers",
    "keras.engine.topology": "layers",
    "keras.engine.training": "models",
    "keras.layers.advanced_activations": "layers",
    "keras.layers.convolutional": "layers",
    "keras.layers.core": "layers",
    "keras.layers.embeddings": "layers",
    "keras.layers.merge": "layers",
    "keras.layers.noise": "layers",
    "keras.layers.normalization": "layers",
    "keras.layers.pooling": "layers",
    "keras.layers.recurrent": "layers",
    "keras.layers.wrappers": "layers",
    "keras.utils.generic_utils": "utils",
    "keras.utils.layer_utils": "utils",
    "keras.utils.np_utils": "utils",
    "keras.utils.vis_utils": "utils",
}


def run_program(path: str | Path, arguments: Sequence[str] = ()) -> int:
    """Run a program with ``keras``, ``tensorflow.keras`` and ``gensim`` meaning Lamina.

    Args:
        path: the program.
        arguments: what it finds in ``sys.argv[1:]``.

    Returns:
        1 after an error of the program, whose traceback is printed; otherwise 0.

    Raises:
        FileNotFoundError: if there is no such file.
        SystemExit: if the program exits.

    """
    program = Path(path)
    if not program.is_file():
        raise FileNotFoundError(f"there is no program {program}")
    argv, place = sys.argv, sys.path[0]
    sys.argv, sys.path[0] = [str(program), *arguments], str(program.resolve().parent)
    try:
        with redirected_imports():
            runpy.run_path(str(program), run_name="__main__")
    except Exception as error:  # noqa: BLE001 - whatever the program raises is its own
        _print_from(program, error)
        return 1
    finally:
        sys.argv, sys.path[0] = argv, place
    return 0


def _print_from(program: Path, error: Exception) -> None:
    """Print the traceback as Python would, from the program's first line on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(program):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


@contextmanager
def redirected_imports() -> Iterator[None]:
    """Let imports of Keras and gensim find Lamina; those of before are as they were afterwards."""
    before = {name: module for name, module in sys.modules.items() if _is_peers(name)}
    for name in before:
        del sys.modules[name]
    finder = _Redirect()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_peers(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_peers(name: str) -> bool:
    return name.partition(".")[0] in {root.partition(".")[0] for root in _ROOTS}


class _Redirect(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds Lamina's modules, or an empty package, where a program asks for its peers'."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if not _is_peers(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        if spec.name in _HOLLOW:
            return ModuleType(spec.name)
        module = importlib.import_module(_find_ours(spec.name))
        # A module of another name, so that ours keeps its own; its contents are ours.
        alias = ModuleType(spec.name, module.__doc__)
        alias.__dict__["__getattr__"] = lambda name: getattr(module, name)
        alias.__dict__["__dir__"] = lambda: dir(module)
        alias.__dict__["__all__"] = list(getattr(module, "__all__", dir(module)))
        return alias

    def exec_module(self, module: ModuleType) -> None:
        pass


def _find_ours(name: str) -> str:
    """Return the name of Lamina's module for a peer's.

    Raises:
        ModuleNotFoundError: if there is none; it names the nearest.

    """
    root = max((r for r in _ROOTS if f"{name}.".startswith(f"{r}.")), key=len, default=None)
    if root is None:
        raise _missing(name, "Lamina stands in for tensorflow.keras alone")
    rest = name[len(root) :]
    ours = f"lamina{rest}"
    elsewhere = _ELSEWHERE.get(("gensim" if root == "gensim" else "keras") + rest)
    if elsewhere is not None:
        return f"lamina.{elsewhere}"
    if _exists(ours):
        return ours
    parent, _, last = ours.rpartition(".")
    near = get_close_matches(last, dir(importlib.import_module(parent)) if _exists(parent) else [])
    nearest = f"did you mean {name[: -len(last)]}{near[0]}?" if near else f"there is no {ours}"
    raise _missing(name, nearest)


def _missing(name: str, cause: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(
        f"the program wants {name}, which Lamina has not: {cause}", name=name
    )


def _exists(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
