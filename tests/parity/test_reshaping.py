"""Reshaping layers, Identity, Masking and Lambda beside Keras's."""

import json

import numpy as np
import pytest
from keras_beside import assert_close, compare_configs, compare_layers, keras

from lamina import layers, ops
from lamina.autodiff import Tensor

CASES = [
    ("Flatten", {}, (2, 3, 4)),
    ("Flatten", {}, (5,)),
    ("Flatten", {"data_format": "channels_first"}, (2, 3, 4, 5)),
    ("Reshape", {"target_shape": (4, 3)}, (2, 12)),
    ("Reshape", {"target_shape": (-1, 2)}, (2, 3, 4)),
    ("Reshape", {"target_shape": (12,)}, (2, 3, 4)),
    ("Reshape", {"target_shape": ()}, (2, 1)),
    ("Permute", {"dims": (2, 1)}, (2, 3, 4)),
    ("Permute", {"dims": (3, 1, 2)}, (2, 3, 4, 5)),
    ("RepeatVector", {"n": 3}, (2, 5)),
    ("Identity", {}, (2, 3)),
    ("Masking", {"mask_value": 0.5}, (2, 4, 3)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
def test_as_keras(name, arguments, shape):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if name == "Masking":
        x[:, 1:3] = 0.5
    compare_layers(ours, theirs, x)
    compare_configs(ours, theirs)
    known, unknown = (None, *shape[1:]), (None, *[None] * (len(shape) > 1), *shape[2:])
    shapes = [known] if name in {"Identity", "Masking"} else [known, unknown]
    for each in shapes:
        inputs = layers.Input(batch_shape=each)
        assert ours(inputs).shape == theirs(keras.Input(batch_shape=each)).shape
        assert tuple(ours.compute_output_shape(each)) == theirs.compute_output_shape(each)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES[:-1])
def test_whole_numbers_stay_whole(name, arguments, shape):
    layer = getattr(layers, name)(**arguments)
    ids = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    assert layer(ids).dtype == np.int32
    assert layer(layers.Input(batch_shape=shape, dtype="int32")).dtype == "int32"


def test_a_size_of_none_is_what_is_left():
    layer = layers.Reshape((None, 2))
    assert layer(layers.Input((6,))).shape == (None, 3, 2)
    assert layer(layers.Input((None,))).shape == (None, None, 2)
    assert layer(np.ones((4, 6))).shape == (4, 3, 2)


def test_masking_hides_time_steps():
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    x[0, 2:] = 7
    x[2] = 7
    x[1, 0, 0] = 7  # one feature alone does not hide the step
    ours, theirs = layers.Masking(7), keras.layers.Masking(7)
    output, expected = ours(x), theirs(x)
    np.testing.assert_array_equal(output.mask, np.asarray(expected._keras_mask))
    assert_close(output, expected, "output")


def test_identity_passes_lists_and_masks():
    tensor = Tensor(np.ones((2, 3), np.float32))
    tensor.mask = np.array([[True, False, True]] * 2)
    layer = layers.Identity()
    assert layer(tensor).mask is tensor.mask
    first, second = layer([layers.Input((3,)), layers.Input((4,), dtype="int32")])
    assert (first.shape, second.shape, second.dtype) == ((None, 3), (None, 4), "int32")


def doubled(x, factor=2):
    return x * factor


def test_lambda():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    compare_layers(layers.Lambda(lambda t: t**2 + t), keras.layers.Lambda(lambda t: t**2 + t), x)
    layer = layers.Lambda(doubled, arguments={"factor": 3})
    np.testing.assert_allclose(layer(x).data, 3 * x)
    assert layers.Lambda(lambda t: ops.sum(t, axis=1))(layers.Input((4,))).shape == (None,)
    assert layers.Lambda(doubled, output_shape=(7, 1))(layers.Input((4,))).shape == (None, 7, 1)
    whole = layers.Lambda(doubled, output_shape=lambda shape: (shape[0], 9))
    assert whole(layers.Input((4,))).shape == (None, 9)
    pair = layers.Lambda(lambda ts: ts[0] - ts[1])
    np.testing.assert_array_equal(pair([x, x]).data, 0)


def test_lambda_passes_mode_and_mask():
    seen = {}

    def look(x, training=None, mask=None):
        seen.update(training=training, mask=mask)
        return x

    x = Tensor(np.ones((2, 3, 1), np.float32))
    x.mask = np.array([[True, False, True]] * 2)
    assert layers.Lambda(look)(x, training=True).mask is None or seen["mask"] is x.mask
    assert seen["training"] is True
    assert seen["mask"] is x.mask
    masked = layers.Lambda(lambda t: t + 1, mask=lambda inputs, mask: ~mask)(x)
    np.testing.assert_array_equal(masked.mask, ~x.mask)


def test_a_lambda_is_saved_by_its_code_and_a_function_by_its_name():
    factor = 3
    x = np.ones((2, 2), np.float32)
    layer = layers.Lambda(lambda t, shift=4: t * factor + shift, output_shape=(2,))
    np.testing.assert_array_equal(layers.Lambda.from_config(layer.get_config())(x).data, 7)
    config = json.loads(json.dumps(layer.get_config()))  # as a file has it
    for mode in (True, False):  # bytecode is not run, whatever it says
        with pytest.raises(ValueError, match=f"custom_objects={{'{layer.name}': lambda"):
            layers.Lambda.from_config(config, safe_mode=mode)
    given = {layer.name: lambda t: t * 3 + 4}
    again = layers.Lambda.from_config(config, custom_objects=given)
    np.testing.assert_array_equal(again(x).data, 7)
    named = layers.Lambda(doubled, arguments={"factor": 5}).get_config()
    assert named["function"]["class_name"] == "function"
    again = layers.Lambda.from_config(named, custom_objects={"doubled": doubled})
    np.testing.assert_array_equal(again(x).data, 5)
    with pytest.raises(ValueError, match="unknown function 'doubled'"):
        layers.Lambda.from_config(named)
    # Keras reads our form of a lambda, if not the defaults that JSON has made a list of.
    config["function"]["config"]["defaults"] = (4,)
    theirs = keras.layers.Lambda.from_config({**config, "dtype": "float32"}, safe_mode=False)
    np.testing.assert_array_equal(np.asarray(theirs(x)), 7)


@pytest.mark.parametrize(
    ("make", "shape", "error", "text"),
    [
        (lambda: layers.Reshape((5,)), (2, 4), ValueError, "4 elements .* do not fill"),
        (lambda: layers.Reshape((-1, 3)), (2, 4), ValueError, "4 elements .* do not fill"),
        (lambda: layers.Reshape((-1, -1)), (2, 4), ValueError, "one size"),
        (lambda: layers.Reshape((2.0,)), (2, 4), ValueError, "whole number"),
        (lambda: layers.Reshape(4), (2, 4), TypeError, r"\(4,\) is meant"),
        (lambda: layers.Permute((0, 1)), (2, 4), ValueError, "axes 1 to 2"),
        (lambda: layers.Permute((2, 1)), (2, 4), ValueError, "wanted 3 dimensions"),
        (lambda: layers.RepeatVector(0), (2, 4), ValueError, "at least 1"),
        (lambda: layers.RepeatVector(2.5), (2, 4), TypeError, "whole number"),
        (lambda: layers.RepeatVector(2), (2, 4, 3), ValueError, "wanted 2 dimensions"),
        (lambda: layers.Flatten("channels"), (2, 4), ValueError, "channels_last"),
        (lambda: layers.Lambda("x"), (2, 4), TypeError, "wanted a function"),
    ],
)
def test_wrong_arguments(make, shape, error, text):
    with pytest.raises(error, match=text):
        make()(np.ones(shape, np.float32))
