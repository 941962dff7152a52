"""Names to things: how "relu", "adam" or a saved config become the function or object they mean.

Every family (activations, losses, layers ...) has one `Registry`. Its saved form is Keras's:
``{"module": "keras.losses", "class_name": "Huber", "config": {...}, "registered_name": None}``.
"""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What users registered, by "package>name", for every family.
_custom: dict[str, Any] = {}
_families: list[Registry] = []


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

    def names(self) -> list[str]:
        """Return every name and alias."""
        return sorted(self._things)

    def find(self, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
        """Return the class or function of a name.

        Raises:
            ValueError: if there is none; the message has the nearest name.

        """
        for place in (custom_objects or {}, self._things, _custom):
            if name in place:
                return place[name]
        raise ValueError(f"unknown {self.kind} {name!r}{nearest(name, self._things)}")

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
        for key in ("class_name", "config"):
            if key not in config:
                raise ValueError(
                    f"{self.kind}: a config has 'class_name' and 'config', got the keys "
                    f"{', '.join(map(repr, config)) or 'none'}"
                )
        registered = config.get("registered_name")
        if registered in _custom:
            thing = _custom[registered]
        else:
            name = config["config"] if config["class_name"] == "function" else config["class_name"]
            thing = self.find(name, custom_objects)
        if config["class_name"] == "function":
            return thing
        return make_from_config(thing, config["config"], custom_objects)


def make_from_config(
    thing: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None
) -> Any:
    """Call ``thing.from_config``, with the custom objects if it takes them."""
    if "custom_objects" in inspect.signature(thing.from_config).parameters:
        return thing.from_config(config, custom_objects=custom_objects)
    return thing.from_config(config)


def register_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """Return a decorator that makes a user's class or function known to every saved file."""

    def enter(thing: Any) -> Any:
        registered = f"{package}>{name or thing.__name__}"
        _custom[registered] = thing
        _custom.setdefault(name or thing.__name__, thing)
        return thing

    return enter


def serialize(thing: Any) -> dict[str, Any]:
    """Return Keras's form of an object with ``get_config``, or of a function by its name."""
    kind = thing if inspect.isfunction(thing) else type(thing)
    registered = next((n for n, known in _custom.items() if known is kind and ">" in n), None)
    module = next((f.module for f in _families if kind in f._things.values()), None)  # noqa: SLF001
    if inspect.isfunction(thing):
        return {
            "module": module or "builtins",
            "class_name": "function",
            "config": thing.__name__,
            "registered_name": registered or thing.__name__,
        }
    return {
        "module": module,
        "class_name": kind.__name__,
        "config": thing.get_config(),
        "registered_name": registered if module is None else None,
    }
