"""The calls of a graph in Keras's form: their arguments, and the functions of ``lamina.ops``."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import ops
from lamina.autodiff import Tensor, Variable
from lamina.graph import SymbolicTensor
from lamina.registry import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.graph import Node, OpCall

# Where Keras keeps the class of an operation that is not one of numpy's.
_MODULES = {
    "core": "cast stop_gradient unstack",
    "math": "erf erfinv logsumexp rsqrt segment_max segment_sum top_k in_top_k",
    "nn": "celu elu gelu gelu_tanh glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu "
    "log_sigmoid log_softmax one_hot relu relu6 selu sigmoid silu soft_shrink softmax softplus "
    "softsign sparse_plus sparse_sigmoid sparsemax squareplus tanh_shrink threshold",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

# The files of ``lamina.ops`` whose functions Keras has as well; the others are saved as ours.
_KERAS_FILES = {"arithmetic", "elementwise", "linear", "reductions", "shapes", "softmax"}

# Where one of Keras's functions is another one in a graph, or an option has another name.
_CLASSES = {"gelu": ("Gelu", {"approximate": False}), "gelu_tanh": ("Gelu", {"approximate": True})}
_OPTION_NAMES = {"split": {"places": "indices_or_sections"}}

# Options of Keras that can have one value alone here.
_ONLY = {"axis": -1, "mode": "constant"}


def operation_config(operation: OpCall, node: Node, name: str) -> tuple[dict[str, Any], Any]:
    """Return Keras's config of a function in a graph, and the arrays that it is called on."""
    parameters = inspect.signature(operation.function).parameters
    bound = inspect.signature(operation.function).bind(*node.args, **node.kwargs)
    renamed = _OPTION_NAMES.get(operation.name, {})
    arrays: list[Any] = []
    options: dict[str, Any] = {}
    for key, value in bound.arguments.items():
        kind = parameters[key].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            arrays.append(list(value))
        elif key == "index":
            arrays.append(_plain_index(value))
        elif kind is inspect.Parameter.POSITIONAL_ONLY or key == "indices":
            arrays.append(value)
        else:
            options[renamed.get(key, key)] = encode(value, {})
    plain_name = "".join(part.capitalize() for part in operation.name.split("_"))
    class_name, more = _CLASSES.get(operation.name, (plain_name, {}))
    known = operation.function.__module__.rpartition(".")[2] in _KERAS_FILES
    module = f"keras.src.ops.{_MODULE_OF.get(operation.name, 'numpy')}" if known else "lamina.ops"
    config = {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, **options, **more},
        "registered_name": class_name,
    }
    return config, arrays


def _plain_index(index: Any) -> Any:
    """Return an index in which lists of places are arrays: a list in a file means a tuple."""
    if isinstance(index, tuple):
        return tuple(_plain_index(part) for part in index)
    return np.asarray(index) if isinstance(index, list) else index


def is_operation(config: dict[str, Any]) -> bool:
    """Return whether a config is of a function and not of a layer."""
    return str(config.get("module")).startswith(("keras.src.ops.", "keras.ops", "lamina.ops"))


def operation_from_config(config: dict[str, Any]) -> Callable[..., Any]:
    """Return a function of what `operation_config` gave.

    Raises:
        ValueError: if there is no such function, with the nearest one, or it has no such option.

    """
    class_name = str(config["class_name"])
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()
    known = {key: each for key, each in vars(ops).items() if inspect.isfunction(each)}
    if name not in known:
        raise ValueError(f"unknown operation {class_name!r}{nearest(name, known)}")
    function = known[name]
    takes = inspect.signature(function).parameters
    options = {}
    for key, value in config["config"].items():
        if key in takes:
            options[key] = decode(value)
        elif key != "name" and value not in (None, False, _ONLY.get(key)):
            raise ValueError(f"the operation {name!r} has no option {key}={value!r}")

    def call(*args: Any, **kwargs: Any) -> Any:
        if name == "get_item" and len(args) == 2 and isinstance(args[1], list):
            args = (args[0], tuple(args[1]))
        return function(*args, **options, **kwargs)

    return call


def encode(value: Any, histories: dict[int, list[Any]]) -> Any:
    """Return an argument in Keras's form; ``histories`` says where symbolic tensors come from."""
    if isinstance(value, SymbolicTensor):
        return _named(
            "keras_tensor",
            shape=list(value.shape),
            dtype=value.dtype,
            keras_history=histories[id(value)],
        )
    if isinstance(value, dict):
        return {key: encode(each, histories) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(each, histories) for each in value]
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        start, stop, step = (encode(part, histories) for part in parts)
        return _named("slice", start=start, stop=stop, step=step)
    if value is Ellipsis:
        return _named("ellipsis")
    if isinstance(value, Tensor) and not isinstance(value, Variable):
        value = value.data
    if isinstance(value, (np.ndarray, np.generic)):
        if value.ndim == 0:
            return value.item()
        return _named("numpy", value=value.tolist(), dtype=str(value.dtype))
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return str(np.dtype(value))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a graph that is called with {value!r} ({type(value).__name__}) has no config")


def _named(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": f"__{name}__", "config": config}


class History:
    """What stands for a symbolic tensor in the config of a graph: a layer's name, call, output."""

    def __init__(self, config: dict[str, Any]) -> None:
        history = config.get("keras_history")
        if not (
            isinstance(history, (list, tuple))
            and len(history) == 3
            and isinstance(history[0], str)
            and all(type(each) is int and each >= 0 for each in history[1:])
        ):
            raise ValueError(f"keras_history is [name, call, output], got {history!r:.200}")
        self.name: str = history[0]
        self.call: int = history[1]
        self.output: int = history[2]


def decode(value: Any) -> Any:
    """Return an argument of what `encode` gave; a `History` for each symbolic tensor."""
    if isinstance(value, (list, tuple)):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if not {"class_name", "config"} <= value.keys():
        return {key: decode(each) for key, each in value.items()}
    kind, config = value["class_name"], value["config"]
    if kind == "__keras_tensor__":
        return History(config)
    if kind == "__slice__":
        return slice(*(decode(config[key]) for key in ("start", "stop", "step")))
    if kind == "__ellipsis__":
        return Ellipsis
    if kind in {"__numpy__", "__tensor__"}:
        return np.array(config["value"], dtype=config["dtype"])
    raise ValueError(f"a call in a config has an argument of unknown kind {kind!r}")
