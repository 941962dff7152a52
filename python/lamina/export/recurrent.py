"""Recurrent layers in ONNX: its own LSTM, GRU and RNN where they can say it, else a Scan.

ONNX's operators can skip steps at the end of a sequence alone, and know a few activations; with a
mask, or another activation, the steps of the cell are written out as the body of a Scan. So are
doubles, for which onnxruntime has no recurrent operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import activations, layers, ops
from lamina.autodiff import flatten
from lamina.export.elementwise import activate

if TYPE_CHECKING:
    from lamina.export.builder import Builder, Value

_KINDS = {layers.SimpleRNNCell: "RNN", layers.GRUCell: "GRU", layers.LSTMCell: "LSTM"}
# ONNX's order of the gates i o f c, by our i f c o; z r h and the single one are the same.
_GATE_ORDER = {"RNN": [0], "GRU": [0, 1, 2], "LSTM": [0, 3, 1, 2]}
_BUILT_IN = {
    activations.relu: "Relu",
    ops.relu: "Relu",
    ops.sigmoid: "Sigmoid",
    ops.tanh: "Tanh",
}


def _recurrent(b: Builder, layer: Any, x: Value, initial_state: Any = None) -> Any:
    steps, last, states = _run(b, layer, x, initial_state)
    if layer.return_sequences and layer.go_backwards:
        steps = _reversed(b, steps)  # in the order of computing
    output = steps if layer.return_sequences else last
    return [output, *states] if layer.return_state else output


def _reversed(b: Builder, steps: Any) -> Any:
    return b.op("Slice", steps, [-1], [-(1 << 62)], [1], [-1])


def _run(b: Builder, layer: Any, x: Value, initial_state: Any = None) -> tuple[Any, Any, list[Any]]:
    """Return the outputs (N, T, U) in the order of time, the last output, and the last states."""
    if layer.stateful:
        b.refuse("stateful=True: an ONNX model keeps nothing from one call to the next")
    if x.ndim != 3:
        b.refuse(f"its sequences have {x.ndim} axes, 3 can be written")
    cells = getattr(layer.cell, "cells", [layer.cell])
    for cell in cells:
        if type(cell) not in _KINDS:
            b.refuse(f"its cell is a {type(cell).__name__}, a class of your own")
    given = iter([] if initial_state is None else flatten(initial_state)[0])
    time_first: Any = b.transpose(x, (1, 0, 2))
    states: list[Any] = []
    last: Any = None
    for cell in cells:
        count = len(flatten([cell.state_size])[0])
        start = None if initial_state is None else [next(given) for _ in range(count)]
        built_in = all(function in _BUILT_IN for function in _functions(cell))
        if built_in and x.mask is None and b.dtype == "float32":
            time_first, last, after = _operator(b, layer, cell, time_first, start)
        else:
            time_first, last, after = _scan(b, layer, cell, time_first, x.mask, start)
        states += after
    return b.transpose(time_first, (1, 0, 2)), last, states


def _functions(cell: Any) -> list[Any]:
    """Return the activations in ONNX's order: of the gates, of the candidate, of the output."""
    kind = _KINDS[type(cell)]
    if kind == "RNN":
        return [cell.activation]
    outputs = [cell.activation] if kind == "LSTM" else []
    return [cell.recurrent_activation, cell.activation, *outputs]


def _operator(b: Builder, layer: Any, cell: Any, x: Any, start: Any) -> tuple[Any, Any, list[Any]]:
    """Write one operator over (T, N, D); its outputs have an axis of directions, here one."""
    kind, U = _KINDS[type(cell)], cell.units
    order = _GATE_ORDER[kind]

    def gates(weights: Any) -> Any:
        """Return (D, G U) as ONNX's (1, G U, D), and a bias (G U,) as (G U,)."""
        parts = np.split(weights, len(order), axis=-1)
        joined = np.concatenate([parts[place] for place in order], axis=-1)
        return np.ascontiguousarray(joined.T)[None] if joined.ndim == 2 else joined

    attributes: dict[str, Any] = {
        "hidden_size": U,
        "activations": [_BUILT_IN[function] for function in _functions(cell)],
        "direction": "reverse" if layer.go_backwards else "forward",
    }
    if kind == "GRU":
        attributes["linear_before_reset"] = int(cell.reset_after)
    bias = None
    if cell.bias is not None:
        two = cell.bias.data.reshape(-1, len(order) * U)  # a GRU may have a recurrent one too
        of_h = two[1] if len(two) == 2 else np.zeros_like(two[0])
        bias = np.concatenate([gates(two[0]), gates(of_h)])[None]
    first = [None if start is None else b.op("Unsqueeze", each, [0]) for each in start or []]
    given = [x, gates(cell.kernel.data), gates(cell.recurrent_kernel.data), bias, None, *first]
    while given[-1] is None:
        given.pop()
    steps, *after = b.op(kind, *given, outputs=3 if kind == "LSTM" else 2, **attributes)
    states = [b.op("Squeeze", state, [0]) for state in after]
    return b.op("Squeeze", steps, [1]), states[0], states


def _scan(
    b: Builder, layer: Any, cell: Any, x: Any, mask: Any, start: Any
) -> tuple[Any, Any, list[Any]]:
    """Write a Scan over (T, N, D), whose body is one step of the cell."""
    import onnx  # noqa: PLC0415

    sizes = flatten([cell.state_size])[0]
    states = start or [_zeros(b, x, size) for size in sizes]
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(b.dtype))
    inner = b.body()
    inside = [inner.unique("state") for _ in sizes]
    step, seen = inner.unique("step"), inner.unique("seen")
    new = _step(inner, cell, step, inside)
    output = new[0]
    if mask is not None:
        new = [inner.op("Where", seen, n, o) for n, o in zip(new, inside, strict=True)]
        output = new[0]
        if layer.zero_output_for_mask:
            output = inner.op("Where", seen, output, 0.0)
    tensor = onnx.helper.make_tensor_value_info
    scanned = [tensor(step, kind, None)]
    given = [x]
    if mask is not None:
        scanned.append(tensor(seen, onnx.TensorProto.BOOL, None))
        given.append(b.op("Unsqueeze", b.transpose(mask, (1, 0)), [-1]))
    # What leaves the body must be its own, and no name may leave twice.
    leaving = [inner.op("Identity", each) for each in [*new, output]]
    body = onnx.helper.make_graph(
        inner.nodes,
        "step",
        [*(tensor(name, kind, None) for name in inside), *scanned],
        [tensor(name, kind, None) for name in leaving],
    )
    backwards = int(layer.go_backwards)
    *after, steps = b.op(
        "Scan",
        *states,
        *given,
        outputs=len(states) + 1,
        body=body,
        num_scan_inputs=len(given),
        scan_input_directions=[backwards] * len(given),
        scan_output_directions=[backwards],
    )
    last = after[0]
    if layer.zero_output_for_mask and mask is not None:
        last = b.op("Gather", steps, np.asarray(0 if backwards else -1, np.int64), axis=0)
    return steps, last, after


def _zeros(b: Builder, x: Any, size: int) -> Any:
    """Return (N, size) zeros for x of shape (T, N, D)."""
    samples = b.op("Slice", b.op("Shape", x), [1], [2])
    return b.op("Expand", 0.0, b.op("Concat", samples, [size], axis=0))


def _step(b: Builder, cell: Any, x: Any, states: list[Any]) -> list[Any]:
    """Return the new states of one step; the first is the output."""
    kind, U, h = _KINDS[type(cell)], cell.units, states[0]
    kernel, recurrent = cell.kernel, cell.recurrent_kernel

    def product(tensor: Any, weights: Any, bias: Any) -> Any:
        y = b.op("MatMul", tensor, weights)
        return y if bias is None else b.op("Add", y, bias)

    def parts(tensor: Any, count: int) -> list[Any]:
        return list(b.op("Split", tensor, [U] * count, outputs=count, axis=-1))

    if kind == "RNN":
        total = b.op("Add", product(x, kernel, cell.bias), b.op("MatMul", h, recurrent))
        return [activate(b, cell.activation, total)]
    if kind == "LSTM":
        total = b.op("Add", product(x, kernel, cell.bias), b.op("MatMul", h, recurrent))
        i, f, g, o = parts(total, 4)
        i, f, o = (activate(b, cell.recurrent_activation, each) for each in (i, f, o))
        added = b.op("Mul", i, activate(b, cell.activation, g))
        c = b.op("Add", b.op("Mul", f, states[1]), added)
        return [b.op("Mul", o, activate(b, cell.activation, c)), c]
    biases = None if cell.bias is None else cell.bias.data.reshape(-1, 3 * U)
    xz, xr, xg = parts(product(x, kernel, None if biases is None else biases[0]), 3)
    if cell.reset_after:
        of_h = product(h, recurrent, None if biases is None else biases[1])
        hz, hr, hg = parts(of_h, 3)
    else:
        hz, hr = parts(b.op("MatMul", h, recurrent.data[:, : 2 * U]), 2)
    z = activate(b, cell.recurrent_activation, b.op("Add", xz, hz))
    r = activate(b, cell.recurrent_activation, b.op("Add", xr, hr))
    if cell.reset_after:
        from_h = b.op("Mul", r, hg)
    else:
        from_h = b.op("MatMul", b.op("Mul", r, h), recurrent.data[:, 2 * U :])
    g = activate(b, cell.activation, b.op("Add", xg, from_h))
    return [b.op("Add", g, b.op("Mul", z, b.op("Sub", h, g)))]


_MERGES: dict[Any, Any] = {
    "concat": lambda b, y, z: b.op("Concat", y, z, axis=-1),
    "sum": lambda b, y, z: b.op("Add", y, z),
    "ave": lambda b, y, z: b.op("Mul", b.op("Add", y, z), 0.5),
    "mul": lambda b, y, z: b.op("Mul", y, z),
}


def _bidirectional(b: Builder, layer: Any, x: Value, initial_state: Any = None) -> Any:
    states: list[Any] = [None, None]
    if initial_state is not None:
        half = len(initial_state) // 2
        states = [initial_state[:half], initial_state[half:]]
    outputs, after = [], []
    for each, start in zip((layer.forward_layer, layer.backward_layer), states, strict=True):
        steps, last, ends = _run(b, each, x, start)
        # What goes backwards is turned round by the layer: both are in the order of time, unless
        # the layer that is called forward goes backwards itself.
        turned = layer.forward_layer.go_backwards
        outputs.append(
            (_reversed(b, steps) if turned else steps) if each.return_sequences else last
        )
        after += ends
    if layer.merge_mode is None:
        return [*outputs, *after] if layer.return_state else outputs
    merged = _MERGES[layer.merge_mode](b, *outputs)
    return [merged, *after] if layer.return_state else merged


LAYERS = {
    layers.SimpleRNN: _recurrent,
    layers.GRU: _recurrent,
    layers.LSTM: _recurrent,
    layers.RNN: _recurrent,
    layers.Bidirectional: _bidirectional,
}
