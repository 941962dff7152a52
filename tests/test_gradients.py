"""Every operation's gradient against a numeric one in double precision: one table, one line each.

A row is (name, function of arrays, shapes of the arrays). The numeric gradient is of the sum of the
output times fixed random weights, by central differences; inputs stay away from kinks and ties.
"""

import inspect

import numpy as np
import pytest

from lamina import ops
from lamina.autodiff import GradientTape, Tensor, grad, value_and_grad

STEP = 1e-6
TOLERANCE = 1e-6


def _shares(*arrays):
    """Numbers between 0 and 1."""
    return [ops.sigmoid(array) for array in arrays]


SEEN = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]], bool)  # a mask of three sequences


def everything(outputs):
    """All outputs of an operation as one vector."""
    return ops.concatenate([ops.reshape(each, (-1,)) for each in outputs])


def used_thrice(y):
    """Return maxima of y that the gradient goes through twice, and its mean."""
    return ops.max_pool(y, 2) + 3 * ops.mean(y) + ops.max_pool(y, 2)


def recurrent(function, **options):
    """A recurrent operation of three sequences of four steps, all its outputs."""
    return lambda *arrays: everything(function(*arrays, mask=SEEN, **options))


def recurrent_shapes(gates, states, bias=None):
    """Its arrays: two features, five units."""
    return [(3, 4, 2), (2, 5 * gates), (5, 5 * gates), bias or (5 * gates,), *[(3, 5)] * states]


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
    ("embedding", lambda x: ops.embedding(np.array([[0, 2], [2, 3]]), x), [(5, 4)]),
    (
        "batch_normalization",
        lambda x, m, v, s, o: ops.batch_normalization(x, m, v * v, offset=o, scale=s),
        [(4, 3), (3,), (3,), (3,), (3,)],
    ),
    (
        "batch_normalization of axis 1",
        lambda x, m, v: ops.batch_normalization(x, m, v * v, axis=1),
        [(2, 3, 4), (3,), (3,)],
    ),
    (
        "normalize_batch",
        lambda x, s, o: ops.normalize_batch(x, s, o, None, axis=1)[0],
        [(4, 3, 2), (3,), (3,)],
    ),
    (
        "normalize_batch with a mask",
        lambda x, s: ops.normalize_batch(x, s, None, np.arange(8).reshape(4, 2) % 3 > 0)[0],
        [(4, 2, 3), (3,)],
    ),
    (
        "the moments of normalize_batch",
        lambda x: ops.stack(ops.normalize_batch(x, None, None, np.arange(5) > 1)[1:]),
        [(5, 3)],
    ),
    (
        "layer_normalization",
        lambda x, g, b: ops.layer_normalization(x, g, b, epsilon=1e-3),
        [(4, 5), (5,), (5,)],
    ),
    (
        "layer_normalization of two axes",
        lambda x, g, b: ops.layer_normalization(x, g, b, axis=(1, 2), epsilon=1e-3),
        [(2, 3, 2, 2), (3, 2), (3, 2)],
    ),
    (
        "layer_normalization without centring",
        lambda x, g: ops.layer_normalization(x, g, epsilon=1e-3, rms_scaling=True),
        [(4, 5), (5,)],
    ),
    (
        "group_normalization",
        lambda x, g, b: ops.group_normalization(x, 2, g, b),
        [(2, 3, 4), (4,), (4,)],
    ),
    ("group_normalization of axis 1", lambda x: ops.group_normalization(x, 2, axis=1), [(2, 4, 3)]),
    ("normalize", lambda x: ops.normalize(x, axis=(0, 2)), [(2, 3, 4)]),
    ("normalize by the sum", lambda x: ops.normalize(x, order=1), [(3, 4)]),
    ("moments", lambda x: ops.stack(ops.moments(x, axes=[0])), [(3, 4)]),
    ("take", lambda x: ops.take(x, [[0, 2], [2, 1]], axis=1), [(3, 4)]),
    ("exp", ops.exp, [(3, 4)]),
    ("expm1", ops.expm1, [(3, 4)]),
    ("log", lambda x: ops.log(ops.absolute(x)), [(3, 4)]),
    ("log1p", lambda x: ops.log1p(ops.absolute(x)), [(3, 4)]),
    ("sqrt", lambda x: ops.sqrt(ops.absolute(x)), [(3, 4)]),
    ("rsqrt", lambda x: ops.rsqrt(ops.absolute(x)), [(3, 4)]),
    ("square", ops.square, [(3, 4)]),
    ("erf", ops.erf, [(3, 4)]),
    ("sin", ops.sin, [(3, 4)]),
    ("cos", ops.cos, [(3, 4)]),
    ("tanh", ops.tanh, [(3, 4)]),
    ("tanh of a view", lambda x: ops.tanh(ops.transpose(x)[:, ::2]), [(3, 4)]),
    ("sigmoid", ops.sigmoid, [(3, 4)]),
    ("relu", ops.relu, [(3, 4)]),
    ("relu6", lambda x: ops.relu6(x * 5), [(3, 4)]),
    ("clipped_relu", lambda x: ops.clipped_relu(x, 0.1, 1.21, 0.51), [(5, 6)]),
    ("leaky_relu", ops.leaky_relu, [(3, 4)]),
    ("elu", lambda x: ops.elu(x, 1.3), [(3, 4)]),
    ("celu", lambda x: ops.celu(x, 1.3), [(3, 4)]),
    ("selu", ops.selu, [(3, 4)]),
    ("gelu", lambda x: ops.gelu(x, approximate=False), [(3, 4)]),
    ("approximate gelu", lambda x: ops.gelu(x, approximate=True), [(3, 4)]),
    ("softplus", ops.softplus, [(3, 4)]),
    ("softsign", ops.softsign, [(3, 4)]),
    ("silu", ops.silu, [(3, 4)]),
    ("hard_sigmoid", lambda x: ops.hard_sigmoid(x * 3.1), [(3, 4)]),
    ("hard_silu", lambda x: ops.hard_silu(x * 3.1), [(3, 4)]),
    ("hard_tanh", ops.hard_tanh, [(3, 4)]),
    ("tanh_shrink", ops.tanh_shrink, [(3, 4)]),
    ("soft_shrink", ops.soft_shrink, [(3, 4)]),
    ("hard_shrink", ops.hard_shrink, [(3, 4)]),
    ("threshold", lambda x: ops.threshold(x, 0.3, -1), [(3, 4)]),
    ("mish", ops.mish, [(3, 4)]),
    ("log_sigmoid", ops.log_sigmoid, [(3, 4)]),
    ("squareplus", ops.squareplus, [(3, 4)]),
    ("sparse_plus", ops.sparse_plus, [(3, 4)]),
    ("sparse_sigmoid", ops.sparse_sigmoid, [(3, 4)]),
    ("dense", lambda *a: ops.dense(*a, activation="tanh"), [(2, 3, 4), (4, 5), (5,)]),
    ("dense without bias", lambda x, k: ops.dense(x, k, None), [(3, 4), (4, 5)]),
    ("dense of one output", lambda *a: ops.dense(*a, activation="relu"), [(7, 3), (3, 1), (1,)]),
    ("matmul", ops.matmul, [(3, 4), (4, 5)]),
    ("matmul of a transpose", lambda a, b: a.T @ b, [(4, 3), (4, 5)]),
    ("matmul of batches", ops.matmul, [(2, 3, 4), (2, 4, 5)]),
    ("matmul of transposed batches", lambda a, b: a @ ops.swapaxes(b, 2, 3), [(2, 3, 3, 4)] * 2),
    ("matmul of a batch and a matrix", ops.matmul, [(2, 3, 4), (4, 5)]),
    ("matmul with broadcasting", ops.matmul, [(2, 1, 3, 4), (5, 4, 2)]),
    ("matmul of a matrix and a batch", ops.matmul, [(3, 4), (2, 4, 5)]),
    ("matmul of vectors", ops.matmul, [(4,), (4,)]),
    ("matmul of a vector and a batch", ops.matmul, [(4,), (2, 4, 3)]),
    ("matmul of a batch and a vector", ops.matmul, [(2, 3, 4), (4,)]),
    ("tensordot", lambda a, b: ops.tensordot(a, b, ((0, 2), (1, 0))), [(2, 3, 4), (4, 2, 5)]),
    ("outer", ops.outer, [(3,), (4,)]),
    ("softmax", ops.softmax, [(3, 4)]),
    ("softmax of another axis", lambda x: ops.softmax(x, axis=1), [(2, 3, 4)]),
    ("softmax of two axes", lambda x: ops.softmax(x, axis=(0, 2)), [(2, 3, 4)]),
    ("log_softmax", lambda x: ops.log_softmax(x, axis=0), [(3, 4)]),
    ("sparsemax", lambda x: ops.sparsemax(x, axis=0), [(3, 4)]),
    ("dropout", lambda x: ops.dropout(x, 0.4, seed=5), [(3, 4)]),
    ("dropout of rows", lambda x: ops.dropout(x, 0.4, seed=5, noise_shape=(None, 1)), [(3, 4)]),
    ("moveaxis", lambda x: ops.moveaxis(x, 0, -1), [(2, 3, 4)]),
    ("binary_crossentropy", lambda *a: ops.binary_crossentropy(*_shares(*a)), [(3, 4)] * 2),
    ("of logits", lambda t, x: ops.binary_crossentropy(t, x, from_logits=True), [(3, 4)] * 2),
    (
        "categorical_crossentropy",
        lambda *a: ops.categorical_crossentropy(*_shares(*a)),
        [(3, 4)] * 2,
    ),
    (
        "categorical_crossentropy of logits",
        lambda t, x: ops.categorical_crossentropy(t, x, from_logits=True, axis=0),
        [(3, 4)] * 2,
    ),
    (
        "sparse_categorical_crossentropy",
        lambda x: ops.sparse_categorical_crossentropy([2, 0, 1], ops.sigmoid(x)),
        [(3, 4)],
    ),
    (
        "sparse_categorical_crossentropy of logits",
        lambda x: ops.sparse_categorical_crossentropy([2, 9, 1], x, True, ignore_class=9),
        [(3, 4)],
    ),
    ("convolution", ops.convolution, [(2, 5, 4, 2), (3, 2, 2, 3), (3,)]),
    (
        "strided convolution, relu",
        lambda *a: ops.convolution(*a, (2, 3), "same", activation="relu"),
        [(2, 5, 4, 2), (3, 2, 2, 3), (3,)],
    ),
    (
        "dilated convolution in groups, tanh",
        lambda *a: ops.convolution(*a, dilation=(1, 2), activation="tanh"),
        [(1, 4, 5, 4), (2, 2, 2, 6), (6,)],
    ),
    ("causal conv", lambda *a: ops.conv(*a, 2, "causal"), [(2, 7, 2), (3, 2, 3)]),
    (
        "conv with channels first",
        lambda *a: ops.conv(*a, data_format="channels_first"),
        [(2, 2, 4, 3), (3, 2, 2, 3)],
    ),
    (
        "transposed convolution, sigmoid",
        lambda *a: ops.transposed_convolution(*a, (2, 1), "same", activation="sigmoid"),
        [(2, 3, 2, 3), (3, 2, 2, 3), (2,)],
    ),
    ("conv_transpose", lambda *a: ops.conv_transpose(*a, 3), [(2, 4, 3), (2, 2, 3)]),
    (
        "conv_transpose with output padding",
        lambda *a: ops.conv_transpose(*a, 2, "same", output_padding=1),
        [(2, 3, 2, 3), (3, 3, 2, 3)],
    ),
    (
        "depthwise convolution, relu",
        lambda *a: ops.depthwise_convolution(*a, (2, 1), "same", activation="relu"),
        [(2, 4, 3, 2), (3, 2, 2, 2), (4,)],
    ),
    (
        "separable_conv",
        lambda *a: ops.separable_conv(*a, padding="same", dilation_rate=2),
        [(2, 6, 2), (3, 2, 2), (1, 4, 3)],
    ),
    ("max_pool", lambda x: ops.max_pool(x, (2, 3), 2, "same"), [(2, 5, 4, 2)]),
    ("max_pool of sequences", lambda x: ops.max_pool(x, 3), [(2, 7, 2)]),
    (
        "max_pool of a convolution, sigmoid",
        lambda *a: ops.max_pool(ops.convolution(*a, activation="sigmoid"), 2, 1),
        [(2, 5, 4, 2), (2, 2, 2, 3), (3,)],
    ),
    (
        "max_pool of a convolution of sequences, relu",
        lambda *a: ops.max_pool(ops.convolution(*a, activation="relu"), 2),
        [(2, 7, 2), (3, 2, 4), (4,)],
    ),
    (
        "global_max_pooling of a convolution, tanh",
        lambda *a: ops.global_max_pooling(ops.convolution(*a, activation="tanh")),
        [(2, 7, 2), (3, 2, 4), (4,)],
    ),
    (
        "global_max_pooling of a convolution without a bias",
        lambda *a: ops.global_max_pooling(ops.conv(*a)),
        [(2, 4, 5, 2), (3, 3, 2, 4)],
    ),
    (
        "max_pool of a convolution that is used once more",
        lambda *a: used_thrice(ops.convolution(*a, activation="relu")),
        [(2, 7, 2), (3, 2, 4), (4,)],
    ),
    (
        "max_pool of what is pooled",
        lambda x: ops.max_pool(ops.max_pool(ops.square(x), 2), 2),
        [(2, 7, 6, 2)],
    ),
    ("average_pool", lambda x: ops.average_pool(x, (2, 3), (2, 1), "same"), [(2, 5, 4, 2)]),
    (
        "average_pool with channels first",
        lambda x: ops.average_pool(x, 2, data_format="channels_first"),
        [(2, 2, 5)],
    ),
    ("global_max_pooling", ops.global_max_pooling, [(2, 3, 2, 5)]),
    ("global_average_pooling", ops.global_average_pooling, [(2, 3, 2, 5)]),
    (
        "global_average_pooling with a mask",
        lambda x: ops.global_average_pooling(x, mask=np.arange(8).reshape(2, 4) > 2),
        [(2, 4, 3)],
    ),
    ("upsample", lambda x: ops.upsample(x, (2, 3)), [(2, 3, 2, 2)]),
    ("upsample, bilinear", lambda x: ops.upsample(x, (3, 2), "bilinear"), [(2, 2, 3, 2)]),
    ("resize", lambda x: ops.resize(x, (2, 5), "bicubic"), [(2, 3, 3, 2)]),
    ("upsample of sequences, bicubic", lambda x: ops.upsample(x, 2, "bicubic"), [(2, 5, 2)]),
    ("simple_rnn", recurrent(ops.simple_rnn), recurrent_shapes(1, 1)),
    (
        "simple_rnn backwards",
        recurrent(ops.simple_rnn, go_backwards=True, zero_output_for_mask=True, activation="relu"),
        recurrent_shapes(1, 1),
    ),
    (
        "simple_rnn to its last output",
        recurrent(ops.simple_rnn, zero_output_for_mask=True, return_sequences=False),
        recurrent_shapes(1, 1),
    ),
    ("gru", recurrent(ops.gru), recurrent_shapes(3, 1, (2, 15))),
    (
        "gru backwards",
        recurrent(ops.gru, go_backwards=True, recurrent_activation="hard_sigmoid"),
        recurrent_shapes(3, 1, (2, 15)),
    ),
    ("gru that resets before", recurrent(ops.gru, reset_after=False), recurrent_shapes(3, 1)),
    (
        "gru to its last output",
        recurrent(ops.gru, reset_after=False, return_sequences=False),
        recurrent_shapes(3, 1),
    ),
    ("lstm", recurrent(ops.lstm), recurrent_shapes(4, 2)),
    (
        "lstm backwards",
        recurrent(ops.lstm, go_backwards=True, zero_output_for_mask=True),
        recurrent_shapes(4, 2),
    ),
    (
        "lstm to its last output",
        recurrent(ops.lstm, return_sequences=False, recurrent_activation="hard_sigmoid"),
        recurrent_shapes(4, 2),
    ),
    (
        "lstm without bias and states",
        lambda x, w, r: ops.lstm(x, w, r, None)[0],
        recurrent_shapes(4, 0)[:3],
    ),
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


def test_the_gradient_by_what_was_pooled_is_that_of_the_whole_tensor():
    x = Tensor(np.arange(12.0).reshape(1, 4, 3) - 6)
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.conv(x, np.eye(3)[None])
        pooled = ops.max_pool(y, 2)
    wanted = np.zeros((1, 4, 3))
    wanted[:, 1::2] = 1
    for gradient in tape.backward(pooled, [y, x]):
        assert type(gradient) is np.ndarray
        np.testing.assert_array_equal(gradient, wanted)


# Operations without a gradient, second names, and those of Keras that call one of the table's.
WITHOUT_A_ROW = {
    *("all", "any", "argmax", "argmin", "cast", "equal", "floor", "floor_divide", "greater"),
    *("greater_equal", "less", "less_equal", "logical_and", "logical_not", "logical_or"),
    *("not_equal", "one_hot", "random_normal", "random_uniform", "sign", "stop_gradient"),
    *("abs", "amax", "amin", "remainder", "true_divide", "get_item", "unstack"),
    *("depthwise_conv", "dot"),
    *("average_pooling", "max_pooling", "depthwise_convolution", "transposed_convolution"),
}


def test_every_operation_has_a_row():
    rows = {name.split()[0] for name, *_ in TABLE}
    public = {
        name for name in dir(ops) if inspect.isfunction(getattr(ops, name)) and name[0] != "_"
    }
    assert public - rows == WITHOUT_A_ROW


def test_lists_of_tensors_and_of_numbers_have_gradients_too():
    x, y = Tensor(2.0), Tensor(3.0)
    with GradientTape() as tape:
        tape.watch([x, y])
        output = ops.sum(ops.square([x, [y][0]]) * 2)
    assert [float(g) for g in tape.backward(output, [x, y])] == [8, 12]
    value, gradient = value_and_grad(lambda w: ops.sum(ops.square(w)))([1.0, 2.0])
    assert value == 5
    assert [float(g) for g in gradient] == [2, 4]
    named = grad(lambda p: ops.sum(p["a"] * p["b"]))({"a": np.ones(2), "b": np.arange(2.0)})
    np.testing.assert_array_equal(named["a"], [0, 1])
    np.testing.assert_array_equal(named["b"], [1, 1])
    both = grad(lambda a, b: ops.sum(a * a * b), (0, 1))(np.ones(2), np.full(2, 3.0))
    np.testing.assert_array_equal(both, [[6, 6], [1, 1]])
