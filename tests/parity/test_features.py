"""Layers that prepare numbers beside Keras's: outputs, gradients, what they learn, configs."""

import json

import numpy as np
import pytest
from keras_beside import assert_close, compare_configs, compare_layers, keras

from lamina import layers
from lamina.models import Sequential, model_from_json

# Keras itself asks its variables for arrays in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def draw(*shape):
    return (np.random.default_rng(5).normal(size=shape) * 3 + 2).astype(np.float32)


# Options of Normalization, and the shape of what it learns from and is called on.
NORMALIZATIONS = [
    ({}, (7, 4)),
    ({"axis": None}, (7, 4)),
    ({"axis": (1, 2)}, (5, 3, 4)),
    ({"axis": 1, "invert": True}, (5, 3, 4)),
    ({"axis": (-1, 1)}, (5, 3, 2, 4)),
    ({"axis": 0}, (5,)),
]


@pytest.mark.parametrize(("options", "shape"), NORMALIZATIONS)
def test_normalization_learns(options, shape):
    ours, theirs = layers.Normalization(**options), keras.layers.Normalization(**options)
    x = draw(*shape)
    if shape[-1] > 3:
        x[..., 1] = 7  # of no variance
    ours.adapt(x)
    theirs.adapt(x)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        assert_close(mine, other, other.name)
    assert ours.trainable_weights == []
    other_x = draw(*shape) + 1
    # Where the variance is zero, both divide rounding errors by 1e-7.
    keep = np.s_[..., [0, 2, 3]] if shape[-1] > 3 and not options.get("invert") else np.s_[...]
    assert_close(np.asarray(ours(other_x))[keep], np.asarray(theirs(other_x))[keep], "outputs")
    compare_configs(ours, theirs)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"mean": 3.0, "variance": 2.0}, (7, 4)),
        ({"mean": [1.0, 2, 3, 4], "variance": [4.0, 1, 2, 0.25]}, (7, 4)),
        ({"mean": [1.0, 2, 3, 4], "variance": [4.0, 1, 2, 0.25], "invert": True}, (7, 3, 4)),
        ({"axis": (1, 2), "mean": [1.0, 2], "variance": [4.0, 1]}, (5, 3, 2)),
        ({"axis": None, "mean": 1.5, "variance": 9.0}, (5, 3, 2)),
    ],
)
def test_normalization_by_given_numbers(options, shape):
    ours, theirs = layers.Normalization(**options), keras.layers.Normalization(**options)
    compare_layers(ours, theirs, draw(*shape))
    compare_configs(ours, theirs)


def test_normalization_learns_from_batches():
    x = draw(20, 3)
    batches = [x[:7], x[7:8], x[8:]]
    for given in (iter(batches), batches, ((batch, batch[:, 0]) for batch in batches)):
        ours = layers.Normalization()
        ours.adapt(given)
        assert_close(ours.adapt_mean, x.mean(axis=0), "mean")
        assert_close(ours.adapt_variance, x.var(axis=0), "variance")
    with pytest.raises(ValueError, match=r"adapt: data of shape \(2, 4\), but it was built for"):
        ours.adapt(draw(2, 4))
    assert_close(ours.adapt_mean, x.mean(axis=0), "mean")
    offset = 1e6 + np.arange(1000) % 2
    ours = layers.Normalization(axis=None)
    ours.adapt(offset[:, np.newaxis])
    assert float(ours.adapt_variance) == pytest.approx(0.25)


def test_normalization_in_a_model():
    x = draw(40, 3)
    ours, theirs = (
        library.Sequential([library.layers.Normalization(), library.layers.Dense(2)])
        for library in (__import__("lamina"), keras)
    )
    for model in (ours, theirs):
        model.layers[0].adapt(x)
        model.build((None, 3))
    ours.set_weights(theirs.get_weights())
    wanted = np.asarray(theirs.predict(x, verbose=0))
    assert_close(ours.predict(x), wanted, "predictions")
    read = keras.models.model_from_json(ours.to_json())
    read.set_weights(ours.get_weights())
    again = model_from_json(theirs.to_json())
    again.set_weights(theirs.get_weights())
    assert isinstance(again, Sequential)
    assert_close(again.predict(x), wanted, "predictions of what Keras wrote")


@pytest.mark.parametrize(
    "options",
    [
        {"scale": 1 / 255},
        {"scale": 1 / 127.5, "offset": -1},
        {"scale": [1.0, 2.0, 0.5], "offset": [0.0, -1.0, 3.0]},
        {"scale": np.array([1.0, 2.0, 0.5], np.float32), "offset": 0.5},
    ],
)
def test_rescaling(options):
    ours, theirs = layers.Rescaling(**options), keras.layers.Rescaling(**options)
    compare_layers(ours, theirs, draw(4, 2, 3))
    pixels = np.arange(12, dtype=np.uint8).reshape(4, 3)
    assert_close(ours(pixels), theirs(pixels), "bytes")
    assert ours(pixels).dtype == np.float32
    saved = json.loads(json.dumps(layers.serialize(ours)))
    read = keras.layers.deserialize(saved)
    keras_saved = json.loads(json.dumps(keras.saving.serialize_keras_object(theirs)))
    for each in (read, layers.deserialize(keras_saved), layers.deserialize(saved)):
        assert_close(each(pixels), theirs(pixels), "read again")


@pytest.mark.parametrize(
    ("mode", "ids"),
    [
        ("one_hot", [3, 2, 0, 1]),
        ("one_hot", [[3], [2]]),
        ("one_hot", [[3, 1], [2, 0]]),
        ("multi_hot", [[0, 1], [0, 0], [1, 2], [3, 1]]),
        ("multi_hot", [3, 1]),
        ("count", [[0, 1], [0, 0], [1, 2], [3, 1]]),
        ("count", [3, 1, 3]),
    ],
)
def test_category_encoding(mode, ids):
    ours = layers.CategoryEncoding(4, output_mode=mode)
    theirs = keras.layers.CategoryEncoding(4, output_mode=mode)
    wanted = np.asarray(theirs(np.array(ids)))
    for given in (ids, np.array(ids), np.array(ids, np.uint8), np.array(ids, np.float32)):
        found = ours(given)
        assert found.dtype == wanted.dtype
        assert found.tolist() == wanted.tolist()
    assert ours.compute_output_shape((None, 7)) == theirs.compute_output_shape((None, 7))
    compare_configs(ours, theirs)
    if mode == "count":
        weights = np.random.default_rng(2).random(np.shape(ids), np.float32)
        found = ours(np.array(ids), count_weights=weights)
        assert_close(found, theirs(np.array(ids), count_weights=weights), "weighted counts")


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (7, 4)),
        ({"output_mode": "one_hot"}, (7, 1)),
        ({"output_mode": "one_hot"}, (3, 4)),
        ({"output_mode": "multi_hot"}, (7, 4)),
        ({"output_mode": "count"}, (7, 4)),
    ],
)
def test_discretization(options, shape):
    boundaries = [-1.0, 0.5, 2.0, 4.0]
    ours = layers.Discretization(boundaries, **options)
    theirs = keras.layers.Discretization(boundaries, **options)
    x = draw(*shape)
    x[0, 0] = 0.5  # on a boundary
    found, wanted = ours(x), np.asarray(theirs(x))
    assert found.dtype == wanted.dtype
    assert found.tolist() == wanted.tolist()
    compare_configs(ours, theirs)


@pytest.mark.parametrize("size", [5, 99, 1000, 5003])
@pytest.mark.parametrize(("bins", "epsilon"), [(3, 0.01), (10, 0.1)])
def test_discretization_learns(size, bins, epsilon):
    ours = layers.Discretization(num_bins=bins, epsilon=epsilon)
    theirs = keras.layers.Discretization(num_bins=bins, epsilon=epsilon)
    x = draw(size)
    for batches in ([x], [x[: size // 3], x[size // 3 :]]):
        ours.adapt(x if len(batches) == 1 else batches)
        theirs.reset_state()  # what its adapt does, but for looking for TensorFlow
        for batch in batches:
            theirs.update_state(batch)
        theirs.finalize_state()
        assert_close(ours.bin_boundaries, theirs.bin_boundaries, "boundaries")
    again = layers.Discretization.from_config(ours.get_config())
    assert again.bin_boundaries == ours.bin_boundaries
    if size > 1000:
        assert np.bincount(ours(x).numpy()).min() > 0.7 * size / bins


def test_samples_lie_along_the_last_axis():
    """As Keras's documentation has it; on JAX, it adds up along axis 1."""
    ids = [[[0, 1], [0, 0]], [[1, 2], [3, 1]]]
    rows = [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]]
    assert layers.CategoryEncoding(4)(ids).tolist() == [rows[:2], rows[2:]]
    counts = layers.CategoryEncoding(4, output_mode="count")(ids).tolist()
    assert counts[0] == [[1, 1, 0, 0], [2, 0, 0, 0]]


def test_categories_in_a_model():
    model = Sequential([layers.CategoryEncoding(5, input_shape=(3,)), layers.Dense(2)])
    assert model.output_shape == (None, 2)
    assert model.inputs[0].dtype == "int32"
    assert model.predict([[0, 1, 4]]).shape == (1, 2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (layers.CategoryEncoding, ValueError, "num_tokens must be a whole number"),
        (lambda: layers.CategoryEncoding(0), ValueError, "above 0, got 0"),
        (lambda: layers.CategoryEncoding(3, "int"), ValueError, "must be one of one_hot, multi"),
        (lambda: layers.CategoryEncoding(3, sparse=True), ValueError, "no sparse arrays"),
        (
            lambda: layers.CategoryEncoding(3)([[0, 1], [2, 3]]),
            IndexError,
            r"3 at \(1, 1\) is outside \[0, 3\)",
        ),
        (lambda: layers.CategoryEncoding(3)([-1]), IndexError, r"-1 at \(0,\) is outside"),
        (lambda: layers.CategoryEncoding(3)([0.5]), ValueError, "whole numbers, got 0.5"),
        (
            lambda: layers.CategoryEncoding(3)([0], count_weights=[1.0]),
            ValueError,
            "count_weights are for output_mode='count'",
        ),
        (layers.Discretization, ValueError, "give bin_boundaries, or num_bins"),
        (lambda: layers.Discretization([1.0], 2), ValueError, "give bin_boundaries, or num_bins"),
        (lambda: layers.Discretization([2.0, 1.0]), ValueError, "must ascend"),
        (lambda: layers.Discretization(num_bins=0), ValueError, "num_bins must be above 0"),
        (lambda: layers.Discretization([1.0], epsilon=0), ValueError, "between 0 and 1"),
        (lambda: layers.Discretization([1.0]).adapt(draw(3)), ValueError, "which stay"),
        (lambda: layers.Discretization(num_bins=2).adapt([]), ValueError, "there are no data"),
        (lambda: layers.Discretization(num_bins=2)(draw(3)), ValueError, "there are no bins yet"),
        (lambda: layers.Normalization(mean=1.0), ValueError, "give both mean and variance"),
        (
            lambda: layers.Normalization(mean=[1.0], variance=[1.0, 2.0]),
            ValueError,
            r"shapes \(1,\) and \(2,\)",
        ),
        (lambda: layers.Normalization(axis=2)(draw(3, 2)), ValueError, "axis=.2,. is outside"),
        (lambda: layers.Normalization().build((3, None)), ValueError, "must have known sizes"),
        (lambda: layers.Normalization().adapt(iter([])), ValueError, "there are no data"),
        (
            lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(draw(3, 2)),
            ValueError,
            "made with mean and variance",
        ),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
