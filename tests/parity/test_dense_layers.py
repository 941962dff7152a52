"""Dense, activations and regularization layers beside Keras's."""

import numpy as np
import pytest
from keras_beside import compare_configs, compare_layers, keras

from lamina import layers


def inputs(*shape):
    return np.random.default_rng(3).normal(0, 2, shape).astype(np.float32)


# class, arguments, shape of the input
TABLE = [
    ("Dense", {"units": 5}, (7, 4)),
    ("Dense", {"units": 1, "activation": "sigmoid"}, (7, 4)),
    ("Dense", {"units": 6, "activation": "relu"}, (3, 5, 4)),
    ("Dense", {"units": 6, "activation": "tanh", "use_bias": False}, (7, 4)),
    ("Dense", {"units": 6, "activation": "softmax"}, (7, 4)),
    ("Dense", {"units": 6, "activation": "gelu"}, (2, 3, 4, 5)),
    ("Dense", {"units": 33, "activation": "elu"}, (130, 17)),
    ("Activation", {"activation": "relu"}, (7, 4)),
    ("Activation", {"activation": "softmax"}, (3, 5, 4)),
    ("Activation", {"activation": "swish"}, (3, 5, 4)),
    ("ReLU", {}, (3, 4)),
    ("ReLU", {"max_value": 1.5, "negative_slope": 0.1, "threshold": 0.4}, (3, 4)),
    ("LeakyReLU", {}, (3, 4)),
    ("LeakyReLU", {"negative_slope": 0.05}, (3, 4)),
    ("PReLU", {}, (3, 4, 5)),
    ("PReLU", {"shared_axes": [1, 2]}, (3, 4, 5, 2)),
    ("ELU", {"alpha": 0.7}, (3, 4)),
    ("Softmax", {}, (3, 4)),
    ("Softmax", {"axis": 1}, (3, 4, 5)),
    ("Softmax", {"axis": [1, 2]}, (3, 4, 5)),
    ("Dropout", {"rate": 0.4}, (3, 4)),
    ("SpatialDropout1D", {"rate": 0.4}, (3, 4, 5)),
    ("SpatialDropout2D", {"rate": 0.4}, (3, 4, 5, 2)),
    ("GaussianNoise", {"stddev": 0.4}, (3, 4)),
    ("GaussianDropout", {"rate": 0.4}, (3, 4)),
    ("AlphaDropout", {"rate": 0.4}, (3, 4)),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, (3, 4)),
]
IDS = [f"{name} {arguments or ''}" for name, arguments, _ in TABLE]


@pytest.mark.parametrize(("name", "arguments", "shape"), TABLE, ids=IDS)
def test_layer(name, arguments, shape):
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    if name == "Activation" or not theirs.get_config().get("units", 1):
        ours.build(shape)
    compare_layers(ours, theirs, inputs(*shape))
    compare_configs(ours, theirs)
    given = (None, *shape[1:])
    assert tuple(ours.compute_output_shape(given)) == tuple(theirs.compute_output_shape(given))


def test_softmax_with_a_mask():
    x, mask = inputs(3, 4), np.arange(12).reshape(3, 4) % 3 > 0
    ours, theirs = layers.Softmax(), keras.layers.Softmax()
    found = ours(x, mask=mask)
    np.testing.assert_allclose(found, theirs(x, mask=mask), rtol=1e-5)
    assert (found.data[~mask] == 0).all()


@pytest.mark.parametrize(
    ("name", "argument"), [("Dropout", 0.3), ("GaussianDropout", 0.3), ("AlphaDropout", 0.3)]
)
def test_noise_keeps_the_mean(name, argument):
    x = np.random.default_rng(1).normal(0, 1, (400, 500)).astype(np.float32)
    offset = 0 if name == "AlphaDropout" else 2
    layer = getattr(layers, name)(argument, seed=1)
    y = layer(x + offset, training=True).data
    assert y.mean() == pytest.approx(offset, abs=0.02)
    if name == "AlphaDropout":  # and the variance
        assert y.std() == pytest.approx(1, abs=0.02)
    assert (y != x + offset).any()
    np.testing.assert_array_equal(layer(x, training=False), x)
    np.testing.assert_array_equal(layer(x), x)


def test_gaussian_noise_has_its_deviation():
    x = np.zeros((400, 500), np.float32)
    y = layers.GaussianNoise(0.3, seed=2)(x, training=True).data
    assert y.std() == pytest.approx(0.3, rel=0.02)
    assert abs(y.mean()) < 0.005


def test_a_seed_repeats_and_calls_differ():
    x = np.ones((20, 30), np.float32)
    for make in (layers.Dropout, layers.GaussianNoise, layers.AlphaDropout):
        first, second = make(0.5, seed=4), make(0.5, seed=4)
        one = first(x, training=True).data
        np.testing.assert_array_equal(one, second(x, training=True))
        assert (first(x, training=True).data != one).any()


def test_spatial_dropout_drops_channels():
    x = np.ones((30, 7, 20), np.float32)
    y = layers.SpatialDropout1D(0.5, seed=1)(x, training=True).data
    assert set(np.unique(y)) == {0, 2}
    assert (y == y[:, :1]).all()
    images = np.ones((30, 20, 4, 5), np.float32)
    layer = layers.SpatialDropout2D(0.5, data_format="channels_first", seed=1)
    y = layer(images, training=True).data
    assert (y == y[:, :, :1, :1]).all()
    assert 0.4 < (y == 0).mean() < 0.6


def test_dropout_of_everything():
    y = layers.Dropout(1.0)(np.ones((3, 4), np.float32), training=True)
    assert (y.data == 0).all()


def test_wrong_arguments():
    with pytest.raises(ValueError, match="units must be a whole number above 0, got 0"):
        layers.Dense(0)
    with pytest.raises(ValueError, match="units must be"):
        layers.Dense(2.5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'unit'"):
        layers.Dense(3, unit=4)
    with pytest.raises(ValueError, match=r"Dense 'd': got an input of shape \(5,\)"):
        layers.Dense(3, name="d")(np.ones(5, np.float32))
    dense = layers.Dense(3, name="d")
    dense(np.ones((2, 5), np.float32))
    with pytest.raises(ValueError, match="wanted size 5 in axis -1"):
        dense(np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        layers.Dense(3, activation="rely")
    with pytest.raises(ValueError, match="rate must be between 0 and 1, got 1.5"):
        layers.Dropout(1.5)
    with pytest.raises(ValueError, match="noise_shape"):
        layers.Dropout(0.5, noise_shape=(0, 1))
    with pytest.raises(ValueError, match="noise_shape"):
        layers.Dropout(0.5, noise_shape=(2, 3))(np.ones((4, 5), np.float32), training=True)
    with pytest.raises(ValueError, match="max_value must not be negative"):
        layers.ReLU(max_value=-1)
    with pytest.raises(ValueError, match="data_format must be"):
        layers.SpatialDropout2D(0.5, data_format="first")
