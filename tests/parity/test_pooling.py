"""Pooling, upsampling, cropping and padding layers beside Keras's."""

import numpy as np
import pytest
from keras_beside import compare_configs, compare_layers, keras

from lamina import layers


def inputs(*shape):
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


LAYERS = [
    ("MaxPooling2D", (2, 8, 6, 3), {}),
    ("MaxPooling2D", (2, 9, 7, 33), {"pool_size": 2, "padding": "same"}),
    ("MaxPooling2D", (2, 9, 7, 3), {"pool_size": 3, "strides": 2}),
    ("MaxPooling2D", (2, 9, 7, 3), {"pool_size": (3, 2), "strides": 1, "padding": "same"}),
    ("MaxPooling2D", (2, 9, 7, 3), {"pool_size": (1, 2), "strides": (3, 2)}),
    ("MaxPooling2D", (2, 3, 9, 7), {"pool_size": 3, "data_format": "channels_first"}),
    ("MaxPooling1D", (2, 9, 3), {}),
    ("MaxPooling1D", (2, 10, 20), {"pool_size": 3, "strides": 2, "padding": "same"}),
    ("MaxPooling1D", (2, 3, 10), {"pool_size": 3, "data_format": "channels_first"}),
    ("AveragePooling2D", (2, 8, 6, 3), {"pool_size": 2}),
    ("AveragePooling2D", (2, 9, 7, 33), {"pool_size": 3, "strides": 2, "padding": "same"}),
    ("AveragePooling2D", (2, 9, 7, 3), {"pool_size": (4, 2), "strides": 1, "padding": "same"}),
    ("AveragePooling1D", (2, 9, 3), {"pool_size": 2}),
    ("AveragePooling1D", (2, 10, 20), {"pool_size": 4, "strides": 3, "padding": "same"}),
    ("GlobalMaxPooling1D", (3, 9, 20), {}),
    ("GlobalMaxPooling1D", (3, 9, 4), {"keepdims": True, "data_format": "channels_first"}),
    ("GlobalMaxPooling2D", (3, 5, 6, 7), {}),
    ("GlobalMaxPooling2D", (3, 5, 6, 7), {"keepdims": True}),
    ("GlobalAveragePooling1D", (3, 9, 20), {}),
    ("GlobalAveragePooling1D", (3, 9, 20), {"keepdims": True}),
    ("GlobalAveragePooling2D", (3, 5, 6, 7), {}),
    ("GlobalAveragePooling2D", (3, 5, 6, 7), {"data_format": "channels_first"}),
    ("GlobalAveragePooling2D", (3, 5, 6, 7), {"data_format": "channels_first", "keepdims": True}),
    ("UpSampling1D", (2, 5, 3), {"size": 3}),
    ("UpSampling2D", (2, 5, 4, 3), {}),
    ("UpSampling2D", (2, 5, 4, 3), {"size": (1, 3)}),
    ("UpSampling2D", (2, 5, 4, 3), {"size": (2, 3), "interpolation": "bilinear"}),
    ("UpSampling2D", (2, 1, 4, 20), {"size": 2, "interpolation": "bicubic"}),
    ("UpSampling2D", (2, 5, 4, 3), {"size": 3, "interpolation": "lanczos3"}),
    ("UpSampling2D", (2, 5, 4, 3), {"size": 2, "interpolation": "lanczos5"}),
    ("UpSampling2D", (2, 3, 5, 4), {"size": 2, "data_format": "channels_first"}),
    ("Cropping1D", (2, 7, 3), {}),
    ("Cropping1D", (2, 7, 3), {"cropping": (0, 4)}),
    ("Cropping1D", (2, 7, 3), {"cropping": 2}),
    ("Cropping2D", (2, 7, 6, 3), {}),
    ("Cropping2D", (2, 7, 6, 3), {"cropping": 2}),
    ("Cropping2D", (2, 7, 6, 3), {"cropping": (1, 2)}),
    ("Cropping2D", (2, 7, 6, 3), {"cropping": ((1, 0), (0, 3))}),
    ("Cropping2D", (2, 3, 7, 6), {"cropping": ((1, 0), (0, 3)), "data_format": "channels_first"}),
    ("ZeroPadding1D", (2, 7, 3), {}),
    ("ZeroPadding1D", (2, 7, 3), {"padding": (0, 2)}),
    ("ZeroPadding1D", (2, 3, 7), {"padding": 2, "data_format": "channels_first"}),
    ("ZeroPadding2D", (2, 7, 6, 3), {}),
    ("ZeroPadding2D", (2, 7, 6, 3), {"padding": (2, 1)}),
    ("ZeroPadding2D", (2, 7, 6, 3), {"padding": ((2, 0), (1, 3))}),
    ("ZeroPadding2D", (2, 3, 7, 6), {"padding": 3, "data_format": "channels_first"}),
]


def make(name, kwargs):
    return getattr(layers, name)(**kwargs), getattr(keras.layers, name)(**kwargs)


@pytest.mark.parametrize(("name", "shape", "kwargs"), LAYERS)
def test_layer(name, shape, kwargs):
    ours, theirs = make(name, kwargs)
    compare_layers(ours, theirs, inputs(*shape))
    compare_configs(ours, theirs)
    shapes = [shape, (None, *shape[1:])]
    if kwargs.get("data_format") != "channels_first":
        shapes.append((None, *(None for _ in shape[2:]), shape[-1]))
    for each in shapes:
        expected = tuple(theirs.compute_output_shape(each))
        assert tuple(ours.compute_output_shape(each)) == expected


@pytest.mark.parametrize("name", ["MaxPooling2D", "GlobalMaxPooling2D"])
def test_ties(name):
    ours, theirs = make(name, {})
    x = np.random.default_rng(0).integers(0, 3, (3, 6, 8, 5)).astype(np.float32)
    compare_layers(ours, theirs, x)


@pytest.mark.parametrize("keepdims", [False, True])
def test_mean_of_the_steps_that_a_mask_leaves(keepdims):
    mask = np.arange(9) < np.array([[9], [1], [4]])
    ours, theirs = make("GlobalAveragePooling1D", {"keepdims": keepdims})
    compare_layers(ours, theirs, inputs(3, 9, 20), mask=mask)
