"""A layer out of a function."""

from __future__ import annotations

import base64
import inspect
import marshal
import types
from typing import TYPE_CHECKING, Any

from lamina.graph import SymbolicTensor, infer_outputs
from lamina.layers.layer import Layer
from lamina.layers.structure import shapes_of
from lamina.registry import Registry, get_registered_object

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lambda"]

_functions = Registry("function", "builtins")  # knows custom and registered ones


class Lambda(Layer):
    """Computes ``function(inputs, **arguments)``, made of operations of ``lamina.ops``.

    ``training`` and ``mask`` are passed on if the function has parameters of those names.
    ``output_shape`` (a shape without the axis of samples, or a function from the input's whole
    shape to the output's) is found by running the function on zeros if it is None. ``mask`` is the
    output's mask, or a function of (inputs, mask) that gives it.

    A function that was defined with ``def`` is saved by its name, under which it has to be known
    where it is loaded. A lambda is saved by its bytecode, as Keras does it; but bytecode could do
    anything and is never run here: give the function itself, ``custom_objects={"name of the layer":
    function}``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"{self}: wanted a function, got {function!r}")
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        parameters = _parameters(function)
        self._passes_training = "training" in parameters
        self._passes_mask = "mask" in parameters

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        options = dict(self.arguments)
        if self._passes_mask:
            options["mask"] = mask
        if self._passes_training:
            options["training"] = training
        return self.function(inputs, **options)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        several = bool(input_shape) and isinstance(input_shape[0], (list, tuple))
        samples = input_shape[0][0] if several else input_shape[0]
        return (samples, *self._output_shape)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return infer_outputs(self, args, kwargs, self.name)
        shape = self.compute_output_shape(shapes_of(args[0]))
        return SymbolicTensor(tuple(shape), self.dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "function": _to_config(self.function)}
        if self._output_shape is not None:
            shape = self._output_shape
            config["output_shape"] = _to_config(shape) if callable(shape) else list(shape)
        if self.mask is not None:
            config["mask"] = _to_config(self.mask) if callable(self.mask) else self.mask
        return {**config, "arguments": self.arguments}

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
        safe_mode: bool = True,
    ) -> Any:
        """Make a layer of what `get_config` returned.

        Args:
            config: the dict.
            custom_objects: functions by their names; that of a lambda by the name of the layer.
            safe_mode: accepted, without effect: a lambda's bytecode is run in no mode.

        Raises:
            ValueError: if a function is unknown, or a lambda that is not given.

        """
        del safe_mode
        config = dict(config)
        if _is_bytecode(config.get("output_shape")):
            del config["output_shape"]  # running the function on zeros finds it as well
        for key, suffix in (("function", ""), ("output_shape", ""), ("mask", "_mask")):
            if isinstance(config.get(key), dict):
                name = f"{config.get('name')}{suffix}"
                config[key] = _from_config(config[key], name, custom_objects or {})
        return cls(**config)


def _parameters(function: Callable[..., Any]) -> Any:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some of those written in C
        return {}


def _to_config(function: Any) -> dict[str, Any]:
    """Return Keras's form of a function: its name, or for a lambda its bytecode."""
    if not isinstance(function, types.FunctionType) or function.__name__ != "<lambda>":
        if not inspect.isfunction(function) and not hasattr(function, "get_config"):
            raise TypeError(f"Lambda: {function!r} cannot be saved: wrap it in a function with def")
        return _functions.serialize(function)  # type: ignore[no-any-return]
    closure = tuple(cell.cell_contents for cell in function.__closure__ or ())
    config = {
        "code": base64.b64encode(marshal.dumps(function.__code__)).decode("ascii"),
        "defaults": function.__defaults__,
        "closure": closure or None,
    }
    saved = _SavedLambda(class_name="__lambda__", config=config)
    saved.function = function
    return saved


class _SavedLambda(dict[str, Any]):
    """A lambda's config that still knows the lambda, for copies within this program."""

    function: Any


def _is_bytecode(config: Any) -> bool:
    return (
        isinstance(config, dict)
        and config.get("class_name") == "__lambda__"
        and not isinstance(config, _SavedLambda)
    )


def _from_config(config: dict[str, Any], name: str, custom_objects: dict[str, Any]) -> Any:
    """Return the function of a config; ``name`` is that by which a lambda can be given."""
    if isinstance(config, _SavedLambda):
        return config.function
    if not _is_bytecode(config):
        return _functions.deserialize(config, custom_objects)
    given = get_registered_object(name, custom_objects)
    if not callable(given):
        raise ValueError(  # noqa: TRY004 - what is wrong is the file
            f"Lambda {name!r}: it was saved with the bytecode of a lambda, which could do anything "
            f"and is not run. Give the function: custom_objects={{{name!r}: lambda x: ...}}; a "
            f"function made with def is saved by its name"
        )
    return given
