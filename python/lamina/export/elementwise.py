"""Activations in ONNX, by the functions and the layers that compute them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lamina import activations, layers, ops

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.export.builder import Builder, Value


def _node(kind: str, **attributes: Any) -> Callable[[Builder, Any], str]:
    """Return an exporter to a single node."""
    return lambda b, x: str(b.op(kind, x, **attributes))


def _times(factor: Callable[[Builder, Any], str]) -> Callable[[Builder, Any], str]:
    """Return an exporter of x times a function of x."""
    return lambda b, x: str(b.op("Mul", x, factor(b, x)))


def _clip(low: float, high: float) -> Callable[[Builder, Any], str]:
    return lambda b, x: str(b.op("Clip", x, low, high))


def _half_of_one_more(b: Builder, x: Any) -> str:
    return str(b.op("Mul", b.op("Add", x, 1.0), 0.5))


def _gelu(b: Builder, x: Any) -> str:
    share = _half_of_one_more(b, b.op("Erf", b.op("Mul", x, math.sqrt(0.5))))
    return str(b.op("Mul", x, share))


def _gelu_by_tanh(b: Builder, x: Any) -> str:
    cube = b.op("Mul", b.op("Mul", x, x), x)
    inner = b.op("Mul", b.op("Add", x, b.op("Mul", cube, 0.044715)), math.sqrt(2 / math.pi))
    return str(b.op("Mul", x, _half_of_one_more(b, b.op("Tanh", inner))))


def _log_sigmoid(b: Builder, x: Any) -> str:
    return str(b.op("Neg", b.op("Softplus", b.op("Neg", x))))


def _sparse_plus(b: Builder, x: Any) -> str:
    raised = b.op("Add", x, 1.0)
    curve = b.op("Mul", b.op("Mul", raised, raised), 0.25)
    middle = b.op("Where", b.op("LessOrEqual", x, -1.0), 0.0, curve)
    return str(b.op("Where", b.op("GreaterOrEqual", x, 1.0), x, middle))


def _squareplus(b: Builder, x: Any) -> str:
    root = b.op("Sqrt", b.op("Add", b.op("Mul", x, x), 4.0))
    return str(b.op("Mul", b.op("Add", x, root), 0.5))


def _square(b: Builder, x: Any) -> str:
    return str(b.op("Mul", x, x))


_HARD_SIGMOID = _node("HardSigmoid", alpha=1 / 6, beta=0.5)

# Functions of one tensor with their arguments as they are by default.
FUNCTIONS: dict[Any, Callable[[Builder, Any], Any]] = {
    activations.linear: lambda _, x: x,
    activations.relu: _node("Relu"),
    activations.gelu: _gelu,
    activations.exponential: _node("Exp"),
    ops.celu: _node("Celu", alpha=1.0),
    ops.elu: _node("Elu", alpha=1.0),
    ops.exp: _node("Exp"),
    ops.gelu: _gelu_by_tanh,
    ops.hard_shrink: _node("Shrink", bias=0.0, lambd=0.5),
    ops.hard_sigmoid: _HARD_SIGMOID,
    ops.hard_silu: _times(_HARD_SIGMOID),
    ops.hard_tanh: _clip(-1.0, 1.0),
    ops.leaky_relu: _node("LeakyRelu", alpha=0.2),
    ops.log: _node("Log"),
    ops.log_sigmoid: _log_sigmoid,
    ops.log_softmax: _node("LogSoftmax", axis=-1),
    ops.mish: _times(lambda b, x: str(b.op("Tanh", b.op("Softplus", x)))),
    ops.negative: _node("Neg"),
    ops.absolute: _node("Abs"),
    ops.relu: _node("Relu"),
    ops.relu6: _clip(0.0, 6.0),
    ops.selu: _node("Selu"),
    ops.sigmoid: _node("Sigmoid"),
    ops.silu: _times(_node("Sigmoid")),
    ops.soft_shrink: _node("Shrink", bias=0.5, lambd=0.5),
    ops.softmax: _node("Softmax", axis=-1),
    ops.softplus: _node("Softplus"),
    ops.softsign: _node("Softsign"),
    ops.sparse_plus: _sparse_plus,
    ops.sparse_sigmoid: lambda b, x: str(b.op("Clip", _half_of_one_more(b, x), 0.0, 1.0)),
    ops.sqrt: _node("Sqrt"),
    ops.square: _square,
    ops.squareplus: _squareplus,
    ops.tanh: _node("Tanh"),
    ops.tanh_shrink: lambda b, x: str(b.op("Sub", x, b.op("Tanh", x))),
}


ALONG_THE_LAST_AXIS = (ops.log_softmax, ops.softmax)


def activate(b: Builder, function: Any, x: Any) -> Any:
    """Return activation(x)."""
    if type(function) in _LAYERS_AS_FUNCTIONS:
        return LAYERS[type(function)](b, function, x)
    try:
        write = FUNCTIONS.get(function)
    except TypeError:  # a callable without a hash
        write = None
    if write is None:
        name = getattr(function, "__name__", repr(function))
        b.refuse(f"its activation {name!r} has no counterpart in ONNX")
    return write(b, x)


def _activation(b: Builder, layer: Any, x: Value) -> Any:
    return activate(b, layer.activation, x)


def _relu(b: Builder, layer: Any, x: Value) -> Any:
    if layer.max_value is None and layer.threshold == 0:
        return b.op("LeakyRelu", x, alpha=float(layer.negative_slope))
    above = x if layer.max_value is None else b.op("Min", x, float(layer.max_value))
    below = b.op("Mul", b.op("Sub", x, float(layer.threshold)), float(layer.negative_slope))
    return b.op("Where", b.op("GreaterOrEqual", x, float(layer.threshold)), above, below)


def _leaky_relu(b: Builder, layer: Any, x: Value) -> Any:
    return b.op("LeakyRelu", x, alpha=float(layer.negative_slope))


def _prelu(b: Builder, layer: Any, x: Value) -> Any:
    return b.op("PRelu", x, layer.alpha)


def _elu(b: Builder, layer: Any, x: Value) -> Any:
    return b.op("Elu", x, alpha=float(layer.alpha))


def _softmax(b: Builder, layer: Any, x: Value) -> Any:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if len(axes) == 1:
        return b.op("Softmax", x, axis=axes[0])
    powers = b.op("Exp", b.op("Sub", x, b.op("ReduceMax", x, axes)))
    return b.op("Div", powers, b.op("ReduceSum", powers, axes))


LAYERS = {
    layers.Activation: _activation,
    layers.ReLU: _relu,
    layers.LeakyReLU: _leaky_relu,
    layers.PReLU: _prelu,
    layers.ELU: _elu,
    layers.Softmax: _softmax,
}

# What ``activation=`` may be as a layer: those that look at each element alone.
_LAYERS_AS_FUNCTIONS = (layers.ReLU, layers.LeakyReLU, layers.ELU)
