"""Attention layers beside Keras's: outputs, weights, gradients, masks, shapes, configs."""

import numpy as np
import pytest
from keras_beside import (
    assert_close,
    compare_configs,
    compare_layers,
    copy_weights,
    keras,
    keras_gradients,
    our_gradients,
    random_upstream,
)

from lamina import layers, ops
from lamina.autodiff import GradientTape, Tensor


def draw(*shapes):
    generator = np.random.default_rng(5)
    return [generator.normal(size=shape).astype(np.float32) for shape in shapes]


def random_mask(shape, seed):
    mask = np.random.default_rng(seed).random(shape) < 0.7
    mask[:, 0] = True  # every sequence has something to attend to
    return mask


ATTENTION = [
    ("Attention", {}),
    ("Attention", {"use_scale": True}),
    ("Attention", {"score_mode": "concat"}),
    ("Attention", {"score_mode": "concat", "use_scale": True}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False}),
]
THREE = [(2, 4, 6), (2, 5, 6), (2, 5, 6)]


@pytest.mark.parametrize("shapes", [THREE, THREE[:2], [(2, 4, 6)] * 2])
@pytest.mark.parametrize(("name", "arguments"), ATTENTION)
def test_attention(name, arguments, shapes):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    compare_layers(ours, theirs, draw(*shapes))
    compare_configs(ours, theirs)
    compare_layers(ours, theirs, draw(*shapes), return_attention_scores=True)
    compare_layers(ours, theirs, draw(*shapes), use_causal_mask=True)
    known = [(None, *shape[1:]) for shape in shapes]
    assert ours.compute_output_shape(known) == theirs.compute_output_shape(known)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("name", "arguments"), ATTENTION)
def test_masks_of_attention(name, arguments, causal):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    masks = [random_mask((2, 4), 1), random_mask((2, 5), 2), None]
    options = {"use_causal_mask": causal, "return_attention_scores": True}
    compare_layers(ours, theirs, draw(*THREE), mask=masks, **options)
    compare_layers(ours, theirs, draw(*THREE), mask=[None, masks[1], None], **options)


def test_masks_that_tensors_carry():
    query, value = (Tensor(array) for array in draw((2, 4, 6), (2, 5, 6)))
    query.mask, value.mask = random_mask((2, 4), 1), random_mask((2, 5), 2)
    layer = layers.Attention()
    output, weights = layer([query, value], return_attention_scores=True)
    np.testing.assert_array_equal(output.mask, query.mask)
    assert weights.mask is None
    expected = layer([query.data, value.data], mask=[query.mask, value.mask])
    np.testing.assert_array_equal(output.data, expected.data)
    assert (weights.data[:, :, ~value.mask[0]][0] < 1e-6).all()


def test_shapes_of_attention_in_a_graph():
    query, value = layers.Input((4, 6)), layers.Input((None, 6))
    output, weights = layers.Attention()([query, value], return_attention_scores=True)
    assert (output.shape, weights.shape) == ((None, 4, 6), (None, 4, None))


class Both(keras.layers.Layer):
    """Keras's layer of several tensors as one of a list of them."""

    def __init__(self, inner, **options):
        super().__init__()
        self.inner, self.options = inner, options

    def build(self, input_shape):
        self.inner.build(*map(tuple, input_shape))

    def call(self, inputs):
        return self.inner(*inputs, **self.options)


class OurBoth(layers.Layer):
    """The same of ours."""

    def __init__(self, inner, **options):
        super().__init__()
        self.inner, self.options = inner, options

    def call(self, inputs):
        return self.inner(*inputs, **self.options)


def compare_heads(ours, theirs, inputs, **options):
    """Compare outputs and gradients, that by the bias of the keys apart.

    It adds the same to all scores of a query, which the softmax takes off again: its gradient is 0,
    and what either side has there is rounding.
    """
    mine, other = OurBoth(ours, **options), Both(theirs, **options)
    mine(inputs)
    other(inputs)
    copy_weights(mine, other)
    expected = keras_gradients(other, inputs, random_upstream, {})()
    got = our_gradients(mine, inputs, random_upstream, {})
    names = [f"gradient by {v.path}" for v in ours.trainable_weights]
    largest = max(float(np.abs(gradient).max()) for gradient in got[2])
    for place, name in enumerate(names):
        if name.endswith("key/bias"):
            for side in (got, expected):
                assert np.abs(np.asarray(side[2][place])).max() < 1e-5 * largest
                side[2][place] = np.zeros(1)
    for what, mine_all, other_all in zip(("output", "by input", names), got, expected, strict=True):
        for place, (a, b) in enumerate(zip(mine_all, other_all, strict=True)):
            assert_close(a, b, what[place] if what is names else f"{what} {place}")


HEADS = [
    ({"num_heads": 2, "key_dim": 3}, [(2, 4, 6), (2, 5, 6)]),
    ({"num_heads": 3, "key_dim": 2, "value_dim": 5}, [(2, 4, 6), (2, 5, 7), (2, 5, 8)]),
    ({"num_heads": 1, "key_dim": 4, "use_bias": False}, [(2, 4, 6), (2, 4, 6)]),
    ({"num_heads": 2, "key_dim": 3, "output_shape": 5}, [(2, 4, 6), (2, 5, 6)]),
    ({"num_heads": 2, "key_dim": 3, "output_shape": (5, 2)}, [(2, 4, 6), (2, 5, 6)]),
    ({"num_heads": 2, "key_dim": 3, "use_gate": True}, [(2, 4, 6), (2, 5, 6)]),
    ({"num_heads": 2, "key_dim": 3, "sliding_window": 2}, [(2, 6, 4), (2, 6, 4)]),
    ({"num_heads": 2, "key_dim": 3, "attention_axes": 2}, [(2, 3, 4, 6), (2, 3, 5, 6)]),
    ({"num_heads": 2, "key_dim": 3, "attention_axes": (1, 2)}, [(2, 3, 4, 6), (2, 2, 5, 6)]),
    ({"num_heads": 2, "key_dim": 3}, [(2, 3, 4, 6), (2, 2, 5, 6)]),
]


def pair(arguments):
    return layers.MultiHeadAttention(**arguments), keras.layers.MultiHeadAttention(**arguments)


@pytest.mark.parametrize("with_scores", [False, True])
@pytest.mark.parametrize(("arguments", "shapes"), HEADS)
def test_multi_head_attention(arguments, shapes, with_scores):
    if "value_dim" in arguments and not with_scores:
        pytest.skip("Keras on JAX wants keys and values of one size unless it returns the scores")
    ours, theirs = pair(arguments)
    compare_heads(ours, theirs, draw(*shapes), return_attention_scores=with_scores)
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    paths = ["/".join([ours.name, *v.path.split("/")[-2:]]) for v in theirs.weights]
    assert [v.path for v in ours.weights] == paths


def test_configs_of_multi_head_attention():
    for arguments, shapes in HEADS:
        ours, theirs = pair({**arguments, "kernel_regularizer": "l2", "seed": 3})
        compare_configs(ours, theirs)
        ours(*draw(*shapes))
        again = layers.MultiHeadAttention.from_config(ours.get_config())
        again.build_from_config(ours.get_build_config())
        assert [v.shape for v in again.weights] == [v.shape for v in ours.weights]
        assert all(v.regularizer for v in ours.weights if v.name == "kernel")


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("number", range(4))
def test_masks_of_multi_head_attention(number, causal):
    ours, theirs = pair({"num_heads": 2, "key_dim": 3})
    allowed = np.random.default_rng(0).random((2, 4, 5)) < 0.6
    allowed[:, 2] = False  # a query that may attend to nothing
    options = [
        {},
        {"attention_mask": allowed},
        {"attention_mask": allowed[:1]},
        {"value_mask": random_mask((2, 5), 1)},
    ][number]
    compare_heads(
        ours,
        theirs,
        draw((2, 4, 6), (2, 5, 6)),
        use_causal_mask=causal,
        return_attention_scores=True,
        **options,
    )


def test_multi_head_attention_takes_the_tensors_masks():
    arrays = draw((2, 4, 6), (2, 5, 6), (2, 5, 6))
    masks = [random_mask(array.shape[:2], seed) for seed, array in enumerate(arrays)]
    ours, theirs = pair({"num_heads": 2, "key_dim": 3})
    mine = [Tensor(array) for array in arrays]
    other = [keras.ops.convert_to_tensor(array) for array in arrays]
    for tensor, each, mask in zip(mine, other, masks, strict=True):
        tensor.mask = mask
        each._keras_mask = keras.ops.convert_to_tensor(mask)
    for layer, inputs in ((ours, mine), (theirs, other)):
        layer(*inputs[:2], key=inputs[2])
        for inner, mask in zip(inputs, masks, strict=True):
            if layer is theirs:
                inner._keras_mask = keras.ops.convert_to_tensor(mask)
    copy_weights(ours, theirs)
    output = ours(mine[0], mine[1], key=mine[2])
    expected = np.asarray(theirs(other[0], other[1], key=other[2]))
    # A hidden query attends to nothing: zeros in ours, what the backend makes of it in Keras.
    assert_close(output.data[masks[0]], expected[masks[0]], "output")
    np.testing.assert_array_equal(output.mask, masks[0])


def test_a_mask_given_by_name_builds_nothing():
    query, value = draw((2, 4, 6), (2, 5, 6))
    layer = layers.MultiHeadAttention(2, 3)
    assert layer(query, value, attention_mask=np.ones((2, 4, 5), bool)).shape == (2, 4, 6)
    assert layer._key_dense.kernel.shape == (6, 2, 3)


def test_dropout_draws_in_training_alone():
    query, value = draw((2, 4, 6), (2, 5, 6))
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    still = layer(query, value).data
    np.testing.assert_array_equal(layer(query, value).data, still)
    assert not np.array_equal(layer(query, value, training=True).data, still)
    layer = layers.Attention(dropout=0.5, seed=1)
    assert not np.array_equal(layer([query, value], training=True), layer([query, value]))
    again = layers.Attention(dropout=0.5, seed=1)
    layer = layers.Attention(dropout=0.5, seed=1)
    np.testing.assert_array_equal(
        layer([query, value], training=True).data, again([query, value], training=True).data
    )


def test_multi_head_attention_in_a_graph():
    query, value = layers.Input((4, 6)), layers.Input((None, 6))
    layer = layers.MultiHeadAttention(2, 3)
    output, weights = layer(query, value, return_attention_scores=True)
    assert (output.shape, weights.shape) == ((None, 4, 6), (None, 2, 4, None))
    assert layer(query, query).shape == (None, 4, 6)
    assert layer(query, value, key=value).shape == (None, 4, 6)


def test_gradients_reach_every_weight_and_none_is_wanted_of_masks():
    query, value = draw((2, 4, 6), (2, 5, 6))
    layer = layers.MultiHeadAttention(2, 3)
    with GradientTape() as tape:
        loss = ops.sum(layer(query, value, attention_mask=np.ones((2, 4, 5), bool)) ** 2)
    gradients = tape.gradient(loss, layer.trainable_weights)
    assert all(g is not None for g in gradients)


@pytest.mark.parametrize(
    ("make", "inputs", "text"),
    [
        (layers.Attention, [np.ones((2, 3, 4))], "list of two or three"),
        (lambda: layers.Attention(score_mode="sum"), [[np.ones((2, 3, 4))] * 2], "score_mode"),
        (lambda: layers.MultiHeadAttention(0, 3), [np.ones((2, 3, 4))] * 2, "num_heads"),
        (lambda: layers.MultiHeadAttention(2, 1.5), [np.ones((2, 3, 4))] * 2, "key_dim"),
        (
            lambda: layers.MultiHeadAttention(2, 3),
            [np.ones((2, 3, 4)), np.ones((2, 3, 4)), np.ones((2, 5, 4))],
            "equally long",
        ),
        (lambda: layers.MultiHeadAttention(2, 3), [np.ones((2, 4))] * 2, "must be sequences"),
    ],
)
def test_wrong_arguments(make, inputs, text):
    with pytest.raises(ValueError, match=text):
        make()(*inputs)


def test_wrong_masks():
    with pytest.raises(ValueError, match="mask must be a list of two"):
        layers.Attention()(draw((2, 3, 4), (2, 3, 4)), mask=np.ones((2, 3), bool))
