"""Every operation's gradient against a numeric one in double precision: one table, one line each.

A row is (name, function of arrays, shapes of the arrays). The numeric gradient is of the sum of the
output times fixed random weights, by central differences; inputs stay away from kinks and ties.
"""

import numpy as np
import pytest

from lamina import ops
from lamina.autodiff import GradientTape, Tensor

STEP = 1e-6
TOLERANCE = 1e-6

TABLE = [
    ("add", ops.add, [(3, 4), (4,)]),
    ("subtract", ops.subtract, [(3, 1), (2, 1, 4)]),
    ("multiply", ops.multiply, [(3, 4), (3, 1)]),
    ("divide", ops.divide, [(3, 4), (1, 4)]),
    ("power", lambda a, b: ops.power(ops.absolute(a), b), [(3, 4), (4,)]),
    ("maximum", ops.maximum, [(3, 4), (4,)]),
    ("minimum", ops.minimum, [(3, 4), (3, 1)]),
    ("where", lambda a, b: ops.where(np.arange(12).reshape(3, 4) % 3 > 0, a, b), [(3, 4), (4,)]),
    ("negative", ops.negative, [(5,)]),
    ("absolute", ops.absolute, [(5,)]),
    ("clip", lambda x: ops.clip(x, -1, 1), [(9,)]),
    ("mod", lambda a: ops.mod(a, 0.7), [(5,)]),
    ("sum", ops.sum, [(3, 4)]),
    ("sum of an axis", lambda x: ops.sum(x, axis=1), [(3, 4)]),
    ("sum of two axes", lambda x: ops.sum(x, axis=(0, -1), keepdims=True), [(3, 4, 2)]),
    ("mean", lambda x: ops.mean(x, axis=0), [(3, 4)]),
    ("var", lambda x: ops.var(x, axis=-1), [(3, 4)]),
    ("std", lambda x: ops.std(x, axis=0), [(3, 4)]),
    ("prod", lambda x: ops.prod(x, axis=1), [(3, 4)]),
    ("max", lambda x: ops.max(x, axis=1), [(3, 4)]),
    ("min", lambda x: ops.min(x, axis=0, keepdims=True), [(3, 4)]),
    ("cumsum", lambda x: ops.cumsum(x, axis=1), [(3, 4)]),
    ("logsumexp", lambda x: ops.logsumexp(x, axis=1), [(3, 4)]),
    ("reshape", lambda x: ops.reshape(x, (2, -1)), [(3, 4)]),
    ("transpose", lambda x: ops.transpose(x, (1, 2, 0)), [(2, 3, 4)]),
    ("swapaxes", lambda x: ops.swapaxes(x, 0, 2), [(2, 3, 4)]),
    ("expand_dims", lambda x: ops.expand_dims(x, 1), [(3, 4)]),
    ("squeeze", lambda x: ops.squeeze(x, 1), [(3, 1, 4)]),
    ("broadcast_to", lambda x: ops.broadcast_to(x, (2, 3, 4)), [(3, 1)]),
    ("slice", lambda x: x[1:, ::2], [(3, 4)]),
    ("a single element", lambda x: x[1, -1], [(3, 4)]),
    ("repeated rows", lambda x: x[np.array([0, 2, 0])], [(3, 4)]),
    ("concatenate", lambda a, b: ops.concatenate([a, b], axis=1), [(3, 4), (3, 2)]),
    ("stack", lambda a, b: ops.stack([a, b], axis=1), [(3, 4), (3, 4)]),
    ("split", lambda x: ops.split(x, 2, axis=1)[1], [(3, 4)]),
    ("tile", lambda x: ops.tile(x, (2, 1, 3)), [(3, 4)]),
    ("repeat", lambda x: ops.repeat(x, 3, axis=0), [(3, 4)]),
    ("pad", lambda x: ops.pad(x, [(1, 0), (0, 2)]), [(3, 4)]),
    ("flip", lambda x: ops.flip(x, 0), [(3, 4)]),
    ("roll", lambda x: ops.roll(x, 1, axis=1), [(3, 4)]),
    ("take", lambda x: ops.take(x, [[0, 2], [2, 1]], axis=1), [(3, 4)]),
]


def numeric_gradient(function, arrays, place, weights):
    """Central differences of sum(weights * function(*arrays)) by one of the arrays."""
    gradient = np.zeros_like(arrays[place])
    for index in np.ndindex(gradient.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = [array.copy() for array in arrays]
            moved[place][index] += step
            ends.append(float((function(*map(Tensor, moved)).data * weights).sum()))
        gradient[index] = (ends[0] - ends[1]) / (2 * STEP)
    return gradient


@pytest.mark.parametrize(("name", "function", "shapes"), TABLE, ids=[row[0] for row in TABLE])
def test_gradient(name, function, shapes):
    generator = np.random.default_rng(len(name))
    arrays = [generator.uniform(0.2, 1.5, s) * generator.choice([-1, 1], s) for s in shapes]
    tensors = [Tensor(array) for array in arrays]
    with GradientTape() as tape:
        tape.watch(tensors)
        output = function(*tensors)
    weights = generator.normal(size=output.shape)
    found = tape.backward(output, tensors, weights)
    for place, gradient in enumerate(found):
        expected = numeric_gradient(function, arrays, place, weights)
        assert gradient.shape == arrays[place].shape
        assert gradient.dtype == np.float64
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=TOLERANCE * scale)
