"""Layers of sequences and images: errors, precision, unknown sizes, activations, weights."""

import numpy as np
import pytest

from lamina import layers, ops
from lamina._native import core
from lamina.autodiff import GradientTape, Tensor


def zeros(*shape):
    return np.zeros(shape, np.float32)


def random(*shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


EMPTY = [
    (layers.Conv2D(4, 5, name="it"), (1, 3, 9, 1), "5 x 5 does not fit into 3 x 9"),
    (layers.Conv1D(4, 5, name="it"), (1, 3, 1), "a window of 5 does not fit into 3 cells"),
    (
        layers.Conv2D(4, 3, dilation_rate=2, name="it"),
        (1, 4, 9, 1),
        r"3 x 3 \(dilated by 2 x 2\) does not fit",
    ),
    (layers.DepthwiseConv2D(5, name="it"), (1, 9, 3, 1), "does not fit into 9 x 3"),
    (layers.SeparableConv1D(2, 5, name="it"), (1, 3, 1), "does not fit into 3 cells"),
    (layers.MaxPooling2D(4, name="it"), (1, 3, 9, 1), "4 x 4 does not fit into 3 x 9"),
    (layers.AveragePooling1D(4, name="it"), (1, 3, 1), "does not fit"),
]


@pytest.mark.parametrize(("layer", "shape", "message"), EMPTY)
def test_an_empty_output_is_refused(layer, shape, message):
    with pytest.raises(ValueError, match=f"'it'.*{message}.*padding='same'"):
        layer(zeros(*shape))
    assert not layer.weights
    with pytest.raises(ValueError, match=f"'it'.*{message}"):
        layer(layers.Input(shape[1:]))
    # The size that is too small is known, another is not.
    sizes = [None if size == 9 else size for size in shape]
    with pytest.raises(ValueError, match="does not fit"):
        layer.compute_output_shape((None, *sizes[1:]))


RANKS = [
    (layers.Conv2D(4, 3, name="it"), (2, 9, 9), "got an input of shape .2, 9, 9."),
    (layers.Conv1D(4, 3, name="it"), (2, 9, 9, 1), "wanted 3 dimensions"),
    (layers.MaxPooling1D(name="it"), (2, 9), "wanted 3 dimensions"),
    (layers.GlobalAveragePooling2D(name="it"), (2, 9, 9), "wanted 4 dimensions"),
    (layers.ZeroPadding2D(name="it"), (2, 9, 9), "wanted 4 dimensions"),
]


@pytest.mark.parametrize(("layer", "shape", "message"), RANKS)
def test_a_wrong_rank_is_refused(layer, shape, message):
    with pytest.raises(ValueError, match=f"'it'.*{message}"):
        layer(zeros(*shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(1, strides=2), "Conv.*missing .*'kernel_size'"),
        (
            lambda: layers.AveragePooling2D(3, activation="relu"),
            "AveragePooling2D.*unexpected keyword argument 'activation'",
        ),
        (layers.AveragePooling1D, "Pooling.*missing .*'pool_size'"),
        (lambda: layers.Conv1D(4, 3, filter=2), "Conv1D.*unexpected keyword argument 'filter'"),
        (lambda: layers.UpSampling1D(1.5), "size must be a whole number, got 1.5"),
    ],
)
def test_arguments_that_python_refuses(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv2D(0, 3), "filters must be a whole number above 0, got 0"),
        (lambda: layers.Conv2D(2.5, 3), "filters"),
        (lambda: layers.Conv2D(4, 0), "kernel_size must be .*, at least 1, got 0"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "kernel_size must be a whole number or a tuple of 2"),
        (lambda: layers.Conv2D(4, 3, strides=(1, 0)), "strides"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "cannot both be above 1"),
        (lambda: layers.Conv2D(4, 3, groups=3), "groups=3 does not divide filters=4"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), "padding must be one of 'valid', 'same'"),
        (lambda: layers.Conv1D(4, 3, padding="full"), "'causal', got 'full'"),
        (lambda: layers.Conv2D(4, 3, data_format="NHWC"), "data_format"),
        (lambda: layers.Conv2D(4, 3, activation="rleu"), "did you mean 'relu'"),
        (lambda: layers.Conv2DTranspose(4, 3, 2, output_padding=2), "output_padding"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier"),
        (lambda: layers.MaxPooling2D(0), "pool_size"),
        (lambda: layers.MaxPooling2D(2, padding="causal"), "padding"),
        (lambda: layers.UpSampling2D(0), "size"),
        (lambda: layers.UpSampling2D(interpolation="bilinaer"), "did you mean 'bilinear'"),
        (lambda: layers.ZeroPadding2D((1, -1)), "padding"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "padding"),
        (lambda: layers.Cropping2D("1"), "cropping"),
    ],
)
def test_arguments_that_cannot_be_meant(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_channels_that_do_not_fit():
    with pytest.raises(ValueError, match="groups=2 does not divide the input's 3 channels"):
        layers.Conv2D(4, 3, groups=2)(zeros(1, 5, 5, 3))
    with pytest.raises(ValueError, match="'it'.*channels must be known"):
        layers.Conv1D(4, 3, name="it")(layers.Input((9, None)))
    layer = layers.Conv2D(4, 3, name="it")
    layer(zeros(1, 5, 5, 3))
    with pytest.raises(ValueError, match="'it'.*wanted size 3 in axis 3"):
        layer(zeros(1, 5, 5, 2))
    with pytest.raises(ValueError, match="do not fit a kernel"):
        ops.conv(zeros(1, 5, 5, 3), zeros(3, 3, 2, 4))
    with pytest.raises(ValueError, match="wants images of 4 dimensions"):
        ops.conv(zeros(1, 5, 3), zeros(3, 3, 2, 4))


def test_padding_in_capitals():
    x, kernel = random(2, 7, 6, 3), random(3, 3, 3, 4)
    expected = ops.convolution(x, kernel, None, padding="same").data
    np.testing.assert_array_equal(ops.convolution(x, kernel, None, padding="SAME").data, expected)
    np.testing.assert_array_equal(ops.conv(x, kernel, padding="Same").data, expected)
    x = random(2, 3, 3, 3)
    expected = ops.transposed_convolution(x, kernel[..., :3], None, padding="same").data
    got = ops.transposed_convolution(x, kernel[..., :3], None, padding="SAME").data
    np.testing.assert_array_equal(got, expected)


def test_cropping_that_leaves_nothing():
    for layer, shape in ((layers.Cropping1D(2), (1, 4, 1)), (layers.Cropping2D(2), (1, 9, 4, 1))):
        with pytest.raises(ValueError, match="leaves nothing of"):
            layer(zeros(*shape))


def test_unknown_sizes_in_a_graph():
    x = layers.Input((None, None, 3))
    y = layers.Conv2D(4, 3, strides=2)(x)
    y = layers.MaxPooling2D()(y)
    y = layers.UpSampling2D(3)(layers.ZeroPadding2D()(y))
    assert y.shape == (None, None, None, 4)
    assert layers.GlobalMaxPooling2D()(y).shape == (None, 4)
    assert layers.Conv1D(4, 3, padding="causal")(layers.Input((9, 2))).shape == (None, 9, 4)


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
def test_a_built_in_activation_is_what_it_would_be_after(activation):
    x = random(2, 6, 5, 3)
    for layer in (
        layers.Conv2D(7, 3, activation=activation),
        layers.Conv2DTranspose(7, 3, strides=2, activation=activation),
        layers.DepthwiseConv2D(3, depth_multiplier=2, activation=activation),
        layers.SeparableConv2D(7, 3, activation=activation),
    ):
        fused = layer(x)
        plain = type(layer).from_config({**layer.get_config(), "activation": None})
        plain(x)
        plain.set_weights(layer.get_weights())
        expected = ops.relu(plain(x)) if activation == "relu" else layer.activation(plain(x))
        np.testing.assert_allclose(fused.data, expected.data, atol=1e-6)


def test_an_activation_that_is_a_function():
    layer = layers.Conv1D(3, 2, activation=lambda z: z * 2)
    x = random(2, 5, 3)
    y = layer(x)
    expected = 2 * ops.conv(x, layer.kernel.data).data
    np.testing.assert_allclose(y.data, expected, atol=1e-6)


def test_double_precision():
    x = np.random.default_rng(0).standard_normal((2, 6, 5, 3))
    for layer in (
        layers.Conv2D(4, 3, dtype="float64"),
        layers.MaxPooling2D(dtype="float64"),
        layers.GlobalAveragePooling2D(dtype="float64"),
        layers.UpSampling2D(dtype="float64"),
    ):
        assert layer(x).dtype == np.float64


def test_inputs_that_are_views():
    x = random(5, 6, 3, 2)
    view = x.transpose(3, 1, 0, 2)[:, ::-1]
    assert not view.flags.c_contiguous
    for layer in (
        layers.Conv2D(4, 3),
        layers.Conv2DTranspose(4, 3),
        layers.DepthwiseConv2D(3),
        layers.MaxPooling2D(),
        layers.AveragePooling2D(2),
        layers.GlobalMaxPooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.UpSampling2D(),
    ):
        expected = layer(np.ascontiguousarray(view))
        np.testing.assert_array_equal(layer(view).data, expected.data)


def test_an_empty_batch():
    for layer in (layers.Conv2D(4, 3), layers.MaxPooling2D(), layers.GlobalAveragePooling2D()):
        layer(zeros(1, 6, 6, 2))
        x = Tensor(zeros(0, 6, 6, 2))
        with GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        (dx,) = tape.backward(y, [x])
        assert y.shape[0] == 0
        assert dx.shape == x.shape


def test_a_frozen_kernel_costs_no_gradient():
    layer = layers.Conv2D(4, 3)
    layer(zeros(1, 5, 5, 2))
    layer.trainable = False
    x = Tensor(random(1, 5, 5, 2))
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    dx, d_kernel = tape.backward(y, [x, layer.kernel])
    assert dx is not None
    assert d_kernel is None


def test_a_sample_whose_steps_are_all_masked_has_mean_zero():
    x = random(2, 3, 4)
    mask = np.array([[True, False, True], [False, False, False]])
    y = layers.GlobalAveragePooling1D()(x, mask=mask)
    np.testing.assert_allclose(y.data[0], x[0, [0, 2]].mean(axis=0), rtol=1e-6)
    assert not y.data[1].any()
    with pytest.raises(ValueError, match="a mask of shape"):
        layers.GlobalAveragePooling1D()(x, mask=mask[:, :2])


def test_options_of_weights_are_passed_on():
    def penalty(weights):
        return ops.sum(weights)

    def limit(weights):
        return weights

    layer = layers.SeparableConv1D(
        3,
        2,
        depthwise_initializer="ones",
        pointwise_initializer="zeros",
        bias_initializer="ones",
        depthwise_regularizer=penalty,
        pointwise_constraint=limit,
    )
    layer(zeros(1, 5, 2))
    depthwise, pointwise, bias = layer.weights
    assert depthwise.data.all()
    assert bias.data.all()
    assert not pointwise.data.any()
    assert depthwise.regularizer is penalty
    assert pointwise.constraint is limit
    assert [float(loss.data) for loss in layer.losses] == [4.0]


def test_gradients_of_a_stack_reach_every_weight():
    stack = [
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.SeparableConv2D(5, 3, padding="same", activation="tanh"),
        layers.UpSampling2D(),
        layers.Conv2DTranspose(2, 3, strides=2),
        layers.GlobalAveragePooling2D(),
    ]
    with GradientTape() as tape:
        y = random(2, 10, 9, 3)
        for layer in stack:
            y = layer(y)
        loss = ops.sum(y * y)
    weights = [weight for layer in stack for weight in layer.weights]
    gradients = tape.backward(loss, weights)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_give_the_same(threads):
    before = core.num_threads()
    x = random(4, 20, 21, 8)
    layer = layers.Conv2D(16, 3, activation="relu")
    expected = layer(x).data.copy()
    core.set_num_threads(threads)
    try:
        np.testing.assert_allclose(layer(x).data, expected, atol=1e-6)
    finally:
        core.set_num_threads(before)
