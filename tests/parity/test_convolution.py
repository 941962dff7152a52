"""Convolutional layers beside Keras's, over a grid of arguments."""

import numpy as np
import pytest
from keras_beside import assert_close, compare_configs, compare_layers, copy_weights, keras

from lamina import layers
from lamina.models import Sequential


def inputs(*shape):
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


def compare(name, shape, *args, **kwargs):
    ours = getattr(layers, name)(*args, **kwargs)
    theirs = getattr(keras.layers, name)(*args, **kwargs)
    compare_layers(ours, theirs, inputs(*shape))
    compare_configs(ours, theirs)
    for sizes in (shape, (None, *shape[1:])):
        expected = tuple(theirs.compute_output_shape(sizes))
        assert tuple(ours.compute_output_shape(sizes)) == expected
    unknown = (None, *(None for _ in shape[2:]), shape[-1])
    if kwargs.get("data_format") != "channels_first":
        expected = tuple(theirs.compute_output_shape(unknown))
        assert tuple(ours.compute_output_shape(unknown)) == expected


CONV2D = [
    ((2, 7, 9, 3), (4, 3), {}),
    ((2, 7, 9, 1), (8, 3), {"padding": "same", "activation": "relu"}),
    ((1, 28, 28, 1), (32, (3, 3)), {"activation": "relu"}),
    ((3, 8, 7, 5), (6, (2, 4)), {"strides": (2, 3)}),
    ((3, 8, 7, 5), (6, (2, 4)), {"strides": (2, 3), "padding": "same"}),
    ((2, 9, 9, 4), (6, 3), {"strides": 2, "padding": "same", "activation": "tanh"}),
    ((2, 9, 11, 4), (6, 3), {"dilation_rate": (2, 3), "padding": "same"}),
    ((2, 9, 11, 4), (6, (3, 2)), {"dilation_rate": 2}),
    ((2, 6, 5, 8), (12, 3), {"groups": 4, "padding": "same", "activation": "sigmoid"}),
    ((2, 6, 5, 4), (8, 3), {"groups": 4}),
    ((2, 5, 6, 33), (17, 1), {"activation": "elu"}),
    ((2, 5, 6, 70), (40, 3), {"use_bias": False, "padding": "SAME"}),
    ((1, 3, 2, 2), (3, (5, 4)), {"padding": "same"}),
    ((2, 5, 6, 7), (3, 1), {"strides": 2}),
    ((2, 64, 48, 3), (16, 5), {"strides": 2, "padding": "same"}),
    ((2, 3, 7, 9), (4, 3), {"data_format": "channels_first", "padding": "same", "strides": 2}),
]


@pytest.mark.parametrize(("shape", "args", "kwargs"), CONV2D)
def test_conv2d(shape, args, kwargs):
    compare("Conv2D", shape, *args, **kwargs)


CONV1D = [
    ((2, 11, 3), (4, 3), {}),
    ((2, 11, 3), (4, 3), {"padding": "causal", "dilation_rate": 2, "activation": "relu"}),
    ((2, 11, 3), (4, 4), {"padding": "causal", "strides": 3}),
    ((2, 11, 3), (4, 4), {"padding": "same", "strides": 2}),
    ((2, 10, 1), (4, 5), {"strides": 3}),
    ((2, 10, 6), (9, 5), {"groups": 3, "dilation_rate": 2}),
    ((3, 50, 100), (64, 5), {"activation": "relu"}),
    ((2, 3, 11), (4, 4), {"data_format": "channels_first", "strides": 2}),
]


@pytest.mark.parametrize(("shape", "args", "kwargs"), CONV1D)
def test_conv1d(shape, args, kwargs):
    compare("Conv1D", shape, *args, **kwargs)


TRANSPOSED = [
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 3), {}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 3), {"strides": 2, "padding": "same"}),
    ("Conv2DTranspose", (2, 7, 7, 8), (16, 3), {"strides": 2, "activation": "relu"}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, (2, 5)), {"strides": (3, 1), "padding": "same"}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 2), {"strides": 4, "use_bias": False}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 2), {"strides": 4, "padding": "same"}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 3), {"dilation_rate": 2, "padding": "same"}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 3), {"dilation_rate": (2, 3)}),
    ("Conv2DTranspose", (2, 5, 4, 3), (6, 3), {"strides": 2, "output_padding": 1}),
    (
        "Conv2DTranspose",
        (2, 5, 4, 3),
        (6, 4),
        {"strides": (2, 3), "output_padding": (0, 2), "padding": "same"},
    ),
    ("Conv2DTranspose", (2, 3, 5, 4), (6, 3), {"strides": 2, "data_format": "channels_first"}),
    ("Conv1DTranspose", (2, 5, 3), (6, 3), {}),
    ("Conv1DTranspose", (2, 5, 3), (6, 4), {"strides": 3, "padding": "same"}),
    ("Conv1DTranspose", (2, 5, 3), (6, 2), {"strides": 3, "activation": "tanh"}),
    ("Conv1DTranspose", (2, 5, 3), (6, 3), {"strides": 2, "padding": "same", "output_padding": 0}),
    ("Conv1DTranspose", (2, 5, 3), (6, 3), {"dilation_rate": 2}),
]


@pytest.mark.parametrize(("name", "shape", "args", "kwargs"), TRANSPOSED)
def test_transposed(name, shape, args, kwargs):
    compare(name, shape, *args, **kwargs)


DEPTHWISE = [
    ("DepthwiseConv2D", (2, 7, 9, 3), (3,), {}),
    ("DepthwiseConv2D", (2, 7, 9, 3), ((2, 3),), {"depth_multiplier": 4, "padding": "same"}),
    ("DepthwiseConv2D", (2, 9, 9, 21), (3,), {"strides": 2, "padding": "same"}),
    ("DepthwiseConv2D", (2, 7, 9, 3), (3,), {"dilation_rate": 2, "activation": "relu"}),
    ("DepthwiseConv2D", (2, 8, 8, 1), (5,), {"use_bias": False, "depth_multiplier": 2}),
    ("DepthwiseConv2D", (2, 3, 7, 9), (3,), {"data_format": "channels_first"}),
    ("DepthwiseConv1D", (2, 9, 3), (3,), {"strides": 2, "depth_multiplier": 2}),
    ("DepthwiseConv1D", (2, 9, 20), (4,), {"padding": "same", "dilation_rate": 2}),
    ("SeparableConv2D", (2, 7, 9, 3), (5, 3), {}),
    (
        "SeparableConv2D",
        (2, 7, 9, 3),
        (5, (3, 2)),
        {"strides": 2, "padding": "same", "depth_multiplier": 2, "activation": "relu"},
    ),
    ("SeparableConv2D", (2, 9, 9, 17), (8, 3), {"dilation_rate": 2, "use_bias": False}),
    ("SeparableConv2D", (2, 3, 7, 9), (5, 3), {"data_format": "channels_first"}),
    ("SeparableConv1D", (2, 9, 3), (5, 4), {"padding": "same", "activation": "gelu"}),
    ("SeparableConv1D", (2, 9, 3), (5, 4), {"strides": 2, "depth_multiplier": 3}),
]


@pytest.mark.parametrize(("name", "shape", "args", "kwargs"), DEPTHWISE)
def test_depthwise_and_separable(name, shape, args, kwargs):
    compare(name, shape, *args, **kwargs)


def test_random_geometries():
    generator = np.random.default_rng(0)
    for _ in range(12):
        groups = int(generator.integers(1, 4))
        dilated = generator.random() < 0.4
        kwargs = {
            "kernel_size": tuple(map(int, generator.integers(1, 5, 2))),
            "strides": 1 if dilated else tuple(map(int, generator.integers(1, 4, 2))),
            "dilation_rate": tuple(map(int, generator.integers(1, 4, 2))) if dilated else 1,
            "padding": str(generator.choice(["same", "valid"])),
            "groups": groups,
            "filters": groups * int(generator.integers(1, 5)),
        }
        cells = generator.integers(10, 14, 2)
        compare("Conv2D", (2, *map(int, cells), groups * int(generator.integers(1, 5))), **kwargs)


def stack(kind, of):
    """Return the same network of ours or of Keras's layers."""
    return kind(
        [
            of.Input((12, 10, 2)),
            of.Conv2D(6, 3, activation="relu", padding="same"),
            of.MaxPooling2D(),
            of.SeparableConv2D(8, 3, activation="tanh"),
            of.UpSampling2D(),
            of.Conv2DTranspose(4, 3, strides=2, padding="same", activation="sigmoid"),
            of.DepthwiseConv2D(3, strides=2),
            of.AveragePooling2D(2, padding="same"),
            of.ZeroPadding2D(1),
            of.Conv2D(3, 2, strides=2),
            of.GlobalAveragePooling2D(),
        ]
    )


# Keras itself asks its variables for arrays in the old way.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_weights_after_three_steps():
    ours, theirs = stack(Sequential, layers), stack(keras.Sequential, keras.layers)
    copy_weights(ours, theirs)
    x, y = inputs(24, 12, 10, 2), inputs(24, 3)
    for model in (ours, theirs):
        model.compile(optimizer="adam", loss="mse")
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, other, "weight")
