"""The cases of ``kernels.py``: an operation of ours, the same in torch, and what it has to do.

Work is counted in operations of the plain algorithm, or in bytes that cannot be spared:

- A product or convolution: 2 for each multiply-add. Windows that reach over the border count with
  the cells that exist. A gradient by input or by weights has as many as the forward pass.
- A recurrent layer: its matrix products, 2 B T (D + U) G U with G = 4 gates (LSTM) or 3 (GRU); what
  the gates compute element by element is not counted. Backwards twice as many.
- All else, and products of one row, in bytes: each array that goes in or comes out once, whatever
  a kernel keeps for itself besides (cells chosen by a maximum, means). A batch normalisation cannot
  but read its input a second time: three passes forward, five back. An optimizer reads weights,
  gradient and state, and writes weights and state. A look-up reads ids and rows and writes rows;
  its gradient reads ids and the rows of the gradient and writes the sums.

The bytes of the arrays, each once, are the footprint, and the measure is a copy of that size.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from kernel_operations import (
    FILTERS,
    GENERATOR,
    GRU_BIAS,
    GRU_MATRIX,
    IMAGES,
    INDICES,
    MATRIX,
    SAME,
    Operation,
    Scatter,
    Update,
    Windows,
    values,
    word_ids,
)

from lamina import ops
from lamina.ops.convolution import convolution
from lamina.ops.linear import dense
from lamina.ops.losses import softmax_cross_entropy
from lamina.ops.normalization import normalize_batch
from lamina.ops.pooling import average_pooling, global_average_pooling, max_pooling
from lamina.ops.windows import windows
from lamina.optimizers import SGD, Adam, RMSprop

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Case:
    """A line of the table: what is computed, how much that is, and what it should reach.

    `wanted` are the inputs whose gradients are computed; None: the forward pass. `footprint` is 0
    for what is bound by arithmetic.
    """

    name: str
    make: Callable[[], Any]
    work: float
    wanted: tuple[int, ...] | None = None
    footprint: int = 0
    target: float | None = None
    row: int = 0  # of a look-up: the bytes of the rows that are read in any order
    words: bool = False  # the work is words, and what bounds them stands in word2vec.py

    @property
    def unit(self):
        return "Mword/s" if self.words else "GB/s" if self.footprint else "GFLOP/s"


def three_ways(name, make, work, targets=(None, None), footprint=0):
    """Return the cases of a function of (x, weights): forward and both gradients."""
    there, back = targets
    return [
        Case(f"{name}: forward", make, work, None, footprint, there),
        Case(f"{name}: by input", make, work, (0,), footprint, back),
        Case(f"{name}: by weights", make, work, (1,), footprint, back),
    ]


BIG_TABLE = 1 << 28  # bytes, which no cache holds
LOOKED_UP = BIG_TABLE // 4  # of them, as in machine.cpp


@functools.cache
def big_table():
    return np.resize(values(1 << 20), BIG_TABLE // 4)


def random_ids(rows, count):
    """Return different ids in any order."""
    return np.random.default_rng(1).permutation(np.arange(rows, dtype=np.int32))[:count]


def look_up(kind, make_ids, rows, columns):
    table = big_table()[: rows * columns].reshape(rows, columns)
    return kind(
        ops.embedding,
        lambda torch, ids, table: torch.nn.functional.embedding(ids, table),
        [make_ids(), table],
        (INDICES, SAME),
    )


def embedding():
    gathers, scatters = [], []

    def add(name, make_ids, rows, columns, count, distinct, targets):
        row, ids = 4 * columns, 4 * count
        make = functools.partial(look_up, make_ids=make_ids, rows=rows, columns=columns)
        gathered, summed = ids + 2 * count * row, ids + (count + distinct) * row + 8 * distinct
        touched = ids + (count + distinct) * row
        gathers.append(
            Case(
                f"embedding gather, {name}",
                functools.partial(make, Operation), gathered, None, touched, targets[0], row,
            )
        )  # fmt: skip
        scatters.append(
            Case(
                f"embedding scatter-add, {name}",
                functools.partial(make, Scatter), summed, (1,), summed, targets[1],
            )
        )  # fmt: skip

    for row in (32, 128, 256, 512, 1024, 2048):
        rows, count = BIG_TABLE // row, LOOKED_UP // row
        targets = (0.7, 0.5) if row >= 256 else (None, None)
        make_ids = functools.partial(random_ids, rows, count)
        add(f"rows of {row} bytes", make_ids, rows, row // 4, count, count, targets)
    make_ids = functools.partial(word_ids, 10_000, 128, 100)
    distinct = len(np.unique(make_ids()))
    add("128 x 100 words, 10000 x 64", make_ids, 10_000, 64, 12_800, distinct, (None, None))
    return gathers + scatters


# The columns: filter, stride, channels, filters, samples, rows, columns. Odd filters at a stride of
# 1 keep the size ("same"); others are "valid", since torch pads no stride the way Keras does.
CONVOLUTIONS = [
    (1, 1, 64, 256, 32, 56, 56),
    (1, 1, 256, 64, 32, 28, 28),
    (1, 2, 256, 512, 32, 28, 28),
    (3, 1, 1, 32, 128, 28, 28),
    (3, 1, 3, 64, 32, 64, 64),
    (3, 1, 16, 16, 64, 32, 32),
    (3, 1, 32, 64, 128, 28, 28),
    (3, 1, 64, 64, 1, 56, 56),
    (3, 1, 64, 64, 32, 56, 56),
    (3, 1, 128, 128, 32, 28, 28),
    (3, 1, 512, 512, 8, 14, 14),
    (3, 2, 3, 32, 1, 224, 224),
    (3, 2, 64, 128, 32, 56, 56),
    (5, 1, 32, 64, 64, 28, 28),
    (5, 2, 32, 64, 64, 28, 28),
]
# Sequences of 500 steps, window 5: channels, filters, samples.
SEQUENCES = [(256, 128, 32), (128, 128, 32), (128, 256, 32)]


def meetings(size, window, stride, padding):
    """Return how often a window's cell meets one of `size` cells, along one axis."""
    (_, places), (_, before) = windows((1, size), (1, window), (1, stride), (1, 1), padding)
    first = np.arange(places)[:, None] * stride - before
    cells = first + np.arange(window)
    return int(((cells >= 0) & (cells < size)).sum())


def convolved(shape, kernel, stride, padding):
    return Operation(
        lambda x, k: convolution(x, k, None, stride, padding),
        lambda torch, x, k: torch.nn.functional.conv2d(x, k, stride=stride, padding=padding),
        [values(*shape), values(*kernel)],
        (IMAGES, FILTERS),
        IMAGES,
    )


def convolution_cases(name, shape, kernel, stride, padding, targets):
    samples, rows, columns, channels = shape
    met = meetings(rows, kernel[0], stride[0], padding)
    met *= meetings(columns, kernel[1], stride[1], padding)
    make = functools.partial(convolved, shape, kernel, stride, padding)
    return three_ways(name, make, 2 * samples * met * channels * kernel[3], targets)


def conv2d():
    cases = []
    for size, stride, channels, filters, samples, rows, columns in CONVOLUTIONS:
        name = (
            f"conv2d {size}x{size}/{stride}, {channels} to {filters}, {samples} x {rows}x{columns}"
        )
        padding = "same" if stride == 1 else "valid"
        targets = (0.7, 0.6) if min(channels, filters) >= 32 else (None, None)
        shape, kernel = (samples, rows, columns, channels), (size, size, channels, filters)
        cases += convolution_cases(name, shape, kernel, (stride, stride), padding, targets)
    return cases


def conv1d():
    cases = []
    for channels, filters, samples in SEQUENCES:
        name = f"conv1d 5, {channels} to {filters}, {samples} x 500"
        shape, kernel = (samples, 1, 500, channels), (1, 5, channels, filters)
        cases += convolution_cases(name, shape, kernel, (1, 1), "valid", (None, None))
    return cases


def lstm_operation(B, T, U):
    def theirs(torch, x, kernel, recurrent, bias):
        state = torch.zeros(1, B, U)
        weights = [kernel, recurrent, bias, torch.zeros_like(bias)]
        return torch.lstm(x, (state, state), weights, True, 1, 0.0, True, False, True)[0]

    scale = np.float32(U**-0.5)
    return Operation(
        lambda *inputs: ops.lstm(*inputs)[0],
        theirs,
        [values(B, T, U), values(U, 4 * U) * scale, values(U, 4 * U) * scale, values(4 * U)],
        (SAME, MATRIX, MATRIX, SAME),
    )


def gru_operation(B, T, U):
    def theirs(torch, x, kernel, recurrent, biases):
        state = torch.zeros(1, B, U)
        weights = [kernel, recurrent, biases[0], biases[1]]
        return torch.gru(x, state, weights, True, 1, 0.0, True, False, True)[0]

    scale = np.float32(U**-0.5)
    return Operation(
        lambda *inputs: ops.gru(*inputs)[0],
        theirs,
        [values(B, T, U), values(U, 3 * U) * scale, values(U, 3 * U) * scale, values(2, 3 * U)],
        (SAME, GRU_MATRIX, GRU_MATRIX, GRU_BIAS),
    )


def recurrent(name, operation, gates, target):
    """Return the cases of a layer: B samples of T steps, as many features as units U."""
    cases = []
    for T in (20, 100):
        for B in (1, 32, 64, 128):
            for U in (16, 32, 128, 256):
                make = functools.partial(operation, B, T, U)
                label = f"{name} {B} x {T}, {U} units"
                work = 2 * B * T * 2 * U * gates * U
                goal = target if B >= 32 and U == 128 else None
                cases += [
                    Case(f"{label}: forward", make, work, None, 0, goal),
                    Case(f"{label}: backward", make, 2 * work, (0, 1, 2, 3), 0, goal),
                ]
    return cases


def lstm():
    return recurrent("lstm", lstm_operation, 4, 0.6)


def gru():
    return recurrent("gru", gru_operation, 3, None)


def dense_operation(samples, inputs, outputs):
    return Operation(
        lambda x, kernel: dense(x, kernel, None),
        lambda torch, x, weight: torch.nn.functional.linear(x, weight),
        [values(samples, inputs), values(inputs, outputs)],
        (SAME, MATRIX),
    )


def dense_layers():
    cases = []
    for sizes in ((1, 1024, 1024), (32, 128, 64), (128, 784, 512), (128, 512, 10),
                  (256, 1024, 1024), (1024, 1024, 1024)):  # fmt: skip
        samples, inputs, outputs = sizes
        name = f"dense {samples} x {inputs} to {outputs}"
        make = functools.partial(dense_operation, *sizes)
        if samples == 1:  # every weight is used once: what counts is how fast they come
            moved = 4 * (inputs * outputs + inputs + outputs)
            cases += three_ways(name, make, moved, footprint=moved)
        else:
            cases += three_ways(name, make, 2 * prod(sizes))
    return cases


def there_and_back(name, make, arrays, passes=None):
    """Return the cases of both directions, with the bytes of their arrays and of the passes."""
    passes = passes or arrays
    return [
        Case(f"{name}: {way}", make, passes[i], wanted, arrays[i])
        for i, (way, wanted) in enumerate((("forward", None), ("backward", (0,))))
    ]


def pooled(shape, ours, theirs, output=IMAGES):
    return Operation(ours, theirs, [values(*shape)], (IMAGES,), output)


def pooling():
    cases = []

    def add(name, shape, cells, ours, theirs, output=IMAGES):
        moved = 4 * shape[0] * shape[3] * (shape[1] * shape[2] + cells)
        label = f"{name}, {shape[0]} x {shape[1]}x{shape[2]} x {shape[3]}"
        make = functools.partial(pooled, shape, ours, theirs, output)
        cases.extend(there_and_back(label, make, (moved, moved)))

    kinds = {
        "max": (max_pooling, lambda torch: torch.nn.functional.max_pool2d),
        "average": (average_pooling, lambda torch: torch.nn.functional.avg_pool2d),
    }
    for kind, (ours, theirs) in kinds.items():
        for shape in ((32, 28, 28, 32), (64, 56, 56, 64)):
            for size in (2, 3):
                windows_of_one = ((shape[1] - size) // 2 + 1) * ((shape[2] - size) // 2 + 1)
                add(
                    f"{kind} pooling {size}x{size}/2", shape, windows_of_one,
                    lambda x, ours=ours, size=size: ours(x, (size, size), (2, 2)),
                    lambda torch, x, theirs=theirs, size=size: theirs(torch)(x, size, 2),
                )  # fmt: skip
    add("global average pooling", (128, 28, 28, 64), 1, global_average_pooling,
        lambda _, x: x.mean((2, 3)), SAME)  # fmt: skip
    return cases


def batch_normalized(shape):
    channels = shape[-1]
    return Operation(
        lambda x, scale, offset: normalize_batch(x, scale, offset, None)[0],
        lambda torch, x, scale, offset: torch.nn.functional.batch_norm(
            x, None, None, scale, offset, training=True, eps=1e-3
        ),
        [values(*shape), values(channels), values(channels)],
        (IMAGES, SAME, SAME),
        IMAGES,
    )


def layer_normalized(shape):
    width = shape[-1]
    return Operation(
        lambda x, scale, offset: ops.layer_normalization(x, scale, offset, -1, 1e-3),
        lambda torch, x, scale, offset: torch.nn.functional.layer_norm(
            x, (width,), scale, offset, 1e-3
        ),
        [values(*shape), values(width), values(width)],
    )


def normalization():
    cases = []
    kinds = {
        "batch normalization": (batch_normalized, (3, 5), ((32, 14, 14, 128), (64, 56, 56, 64))),
        "layer normalization": (layer_normalized, (2, 3), ((32, 100, 256), (64, 512, 512))),
    }
    for kind, (operation, passes, shapes) in kinds.items():
        for shape in shapes:
            size = 4 * prod(shape)
            make = functools.partial(operation, shape)
            name = f"{kind}, {' x '.join(map(str, shape))}"
            cases += [
                Case(f"{name}: forward", make, passes[0] * size, None, 2 * size),
                Case(f"{name}: backward", make, passes[1] * size, (0, 1, 2), 3 * size),
            ]
    return cases


def softmax_operation(shape):
    return Operation(
        ops.softmax, lambda torch, x: torch.nn.functional.softmax(x, -1), [values(*shape)]
    )


def cross_entropy_operation(shape):
    labels = GENERATOR.integers(0, shape[1], shape[0])
    return Operation(
        lambda x: softmax_cross_entropy(labels, x),
        lambda torch, x: torch.nn.functional.cross_entropy(
            x, torch.from_numpy(labels), reduction="none"
        ),
        [values(*shape)],
    )


def softmax():
    cases = []
    for shape in ((128, 10), (128, 1000), (4096, 1000), (16384, 1000)):
        size, rows = 4 * prod(shape), shape[0]
        name = f"{shape[0]} x {shape[1]}"
        make = functools.partial(softmax_operation, shape)
        cases += there_and_back(f"softmax, {name}", make, (2 * size, 3 * size))
        make = functools.partial(cross_entropy_operation, shape)
        # Labels and losses; backwards labels and the losses' gradient.
        moved = (size + 12 * rows, 2 * size + 12 * rows)
        cases += there_and_back(f"softmax + cross-entropy, {name}", make, moved)
    return cases


def optimizers():
    kinds = {  # what is moved and what is there, in arrays of the weights' size
        "SGD": (SGD, 3, 2, lambda torch, p: torch.optim.SGD(p, 0.01, fused=True)),
        "SGD, momentum": (
            lambda: SGD(momentum=0.9), 5, 3,
            lambda torch, p: torch.optim.SGD(p, 0.01, momentum=0.9, fused=True),
        ),
        "RMSprop": (RMSprop, 5, 3, lambda torch, p: torch.optim.RMSprop(p, 1e-3, 0.9, eps=1e-7)),
        "Adam": (Adam, 7, 4, lambda torch, p: torch.optim.Adam(p, 1e-3, eps=1e-7, fused=True)),
    }  # fmt: skip
    count = 1_000_000
    return [
        Case(
            f"{name}, 1M weights",
            functools.partial(Update, ours, theirs, count),
            4 * count * moved,
            footprint=4 * count * present,
        )
        for name, (ours, moved, present, theirs) in kinds.items()
    ]


def word2vec():
    words = 300_000
    return [
        Case(
            f"word2vec {name}, 5 negatives, d=200", functools.partial(Windows, words, skip_gram),
            words, words=True,
        )
        for name, skip_gram in (("skip-gram", True), ("CBOW", False))
    ]  # fmt: skip


FAMILIES = [
    embedding, word2vec, conv2d, conv1d, lstm, gru, dense_layers, pooling, normalization, softmax,
    optimizers,
]  # fmt: skip
