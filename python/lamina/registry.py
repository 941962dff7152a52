"""Names to things: how "relu", "adam" or a saved config become the function or object they mean.

Every family (activations, losses, layers ...) has one `Registry`. Its saved form is Keras's:
``{"module": "keras.losses", "class_name": "Huber", "config": {...}, "registered_name": None}``, for
layers and models with ``build_config`` and ``compile_config`` once they are built and compiled.
Nothing in a config is ever run or imported: a name that nobody registered is an error.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# What users registered, by "package>name", for every family.
_custom: dict[str, Any] = {}
_families: list[Registry] = []

# What Keras writes into configs and only its backends need: left out if nothing is set.
_KERAS_ONLY = {
    "optional",  # Input
    "ragged",
    "sparse",
    "quantization_config",  # Dense, Embedding
    "lora_rank",
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ": did you mean 'relu'? (known: ...)", the end of a message on an unknown name."""
    names = sorted(set(known))
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    return (f": did you mean {close[0]!r}?" if close else ":") + f" Known: {', '.join(names)}"


class Registry:
    """The things of one family (``kind`` in messages, ``module`` in saved configs) by name."""

    def __init__(self, kind: str, module: str) -> None:
        self.kind, self.module = kind, module
        self._things: dict[str, Any] = {}
        _families.append(self)

    def add(self, *names: str) -> Callable[[Any], Any]:
        """Return a decorator that enters a class or function under its own name and these."""

        def enter(thing: Any) -> Any:
            for name in (thing.__name__, *names):
                self._things[name] = thing
            return thing

        return enter

    def things(self) -> list[Any]:
        """Return what is registered."""
        return list(self._things.values())

    def names(self) -> list[str]:
        """Return every name and alias."""
        return sorted(self._things)

    def find(self, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
        """Return the class or function of a name.

        Raises:
            ValueError: if there is none; the message has the nearest name.

        """
        if not isinstance(name, str):
            raise TypeError(f"{self.kind}: a name is a text, got {name!r}")
        for place in (custom_objects or {}, _scope.objects, self._things, _custom):
            if name in place:
                return place[name]
        raise ValueError(
            f"unknown {self.kind} {name!r}{nearest(name, self._things)}. Your own are given "
            f"as custom_objects={{{name!r}: ...}} or registered"
        )

    def get(self, identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Return None, an object or function as it is; make one of a name, a class or a config.

        Raises:
            ValueError: if the name is unknown.
            TypeError: if it is nothing that can be meant.

        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            identifier = self.find(identifier, custom_objects)
        elif isinstance(identifier, dict):
            return self.deserialize(identifier, custom_objects)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        raise TypeError(
            f"{self.kind}: wanted a name, an object or a function, got {identifier!r} "
            f"({type(identifier).__name__})"
        )

    def serialize(self, thing: Any) -> Any:
        """Return the config dict of an object; the name of a function that has one here."""
        if thing is None:
            return None
        if not hasattr(thing, "get_config"):
            for name, known in self._things.items():
                if known is thing:
                    return name
        return serialize(thing)

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Return what `serialize` gave a config of."""
        if config is None or isinstance(config, str):
            return self.get(config, custom_objects)
        if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
            raise ValueError(
                f"{self.kind}: a config is a dict with 'class_name' and 'config', got "
                f"{config!r:.200}"
            )
        registered = config.get("registered_name")
        if isinstance(registered, str) and registered in _custom:
            thing = _custom[registered]
        else:
            name = config["config"] if config["class_name"] == "function" else config["class_name"]
            thing = self.find(name, custom_objects)
        if config["class_name"] == "function":
            return thing
        if not isinstance(config["config"], dict):
            raise TypeError(
                f"{self.kind} {config['class_name']!r}: its config must be a dict, got "
                f"{config['config']!r:.200}"
            )
        with custom_object_scope(custom_objects):
            try:
                made = make_from_config(thing, config["config"])
                if config.get("build_config") and not made.built:
                    made.build_from_config(config["build_config"])
                if config.get("compile_config"):
                    made.compile_from_config(config["compile_config"])
            except (AttributeError, IndexError, KeyError) as error:
                raise ValueError(
                    f"{self.kind} {config['class_name']!r}: its config is wrong: "
                    f"{type(error).__name__}: {error}"
                ) from error
        return made


def make_from_config(thing: Any, config: dict[str, Any]) -> Any:
    """Call ``thing.from_config`` without what only Keras's backends need."""
    if not hasattr(thing, "from_config"):
        raise TypeError(f"{thing!r} cannot be made of a config: it has no from_config")
    return thing.from_config(
        {key: each for key, each in config.items() if each or key not in _KERAS_ONLY}
    )


class _Scope(threading.local):
    """What ``custom_objects=`` named, while what they belong to is made."""

    objects: dict[str, Any] = {}  # noqa: RUF012 - never changed in place


_scope = _Scope()


@contextlib.contextmanager
def custom_object_scope(custom_objects: dict[str, Any] | None) -> Iterator[None]:
    """Make classes and functions of yours known to configs inside a ``with`` block."""
    outer = _scope.objects
    _scope.objects = {**outer, **(custom_objects or {})}
    try:
        yield
    finally:
        _scope.objects = outer


CustomObjectScope = custom_object_scope  # Keras's other name


def get_custom_objects() -> dict[str, Any]:
    """Return the classes and functions that are registered, by name; what is added is known."""
    return _custom


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that makes a class or function of yours known to every config.

    Files name it ``package>name``; the name is its own if None.

    Raises:
        ValueError: if it is a class without ``get_config``.

    """

    def enter(thing: Any) -> Any:
        own = name or thing.__name__
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"register_keras_serializable: {thing.__name__} has no get_config(), without which "
                f"it cannot be saved"
            )
        _custom[f"{package}>{own}"] = _custom[own] = thing
        return thing

    return enter


def get_registered_name(obj: Any) -> str:
    """Return the ``package>name`` under which a class or function is registered, else its own."""
    found = (name for name, known in _custom.items() if known is obj and ">" in name)
    return next(found, None) or str(obj.__name__)


def get_registered_object(
    name: str,
    custom_objects: dict[str, Any] | None = None,
    module_objects: dict[str, Any] | None = None,
) -> Any:
    """Return what a name stands for: in a scope, registered, or in these dicts; None if nowhere."""
    for place in (_scope.objects, _custom, custom_objects or {}, module_objects or {}):
        if name in place:
            return place[name]
    return None


def serialize(thing: Any) -> dict[str, Any]:
    """Return Keras's form of an object with ``get_config``, or of a function by its name."""
    kind = thing if inspect.isfunction(thing) else type(thing)
    registered = get_registered_name(kind) if kind in _custom.values() else None
    module = next((f.module for f in _families if kind in f._things.values()), None)  # noqa: SLF001
    if inspect.isfunction(thing):
        return {
            "module": module or "builtins",
            "class_name": "function",
            "config": thing.__name__,
            "registered_name": registered or thing.__name__,
        }
    module, name = vars(kind).get("saved_as") or (module, kind.__name__)
    saved = {
        "module": module,
        "class_name": name,
        "config": thing.get_config(),
        "registered_name": None if module else registered or name,
    }
    for key in ("build_config", "compile_config"):
        own = getattr(thing, f"get_{key}", None)
        if own is not None and (found := own()) is not None:
            saved[key] = found
    return saved
