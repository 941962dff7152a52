"""Activations beside Keras's: values and gradients, by name."""

import numpy as np
import pytest
from keras_beside import assert_close, jax, keras

from lamina import activations
from lamina.autodiff import GradientTape, Tensor

POINTS = np.concatenate(
    [np.linspace(-9, 9, 123), [0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 20.0, -20.0, 40.0, -40.0, 1e-4]]
).astype(np.float32)

NAMES = """
    celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign
    sparse_plus sparse_sigmoid squareplus swish tanh tanh_shrink
"""
CALLS = {name: {} for name in NAMES.split()}
CALLS["threshold"] = {"threshold": 0.5, "default_value": -2.0}
VARIANTS = [
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 4.0}),
    ("relu", {"max_value": 6}),
    ("relu", {"threshold": 1.5}),
    ("relu", {"negative_slope": 0.1, "max_value": 4.0, "threshold": 1.5}),
    ("elu", {"alpha": 0.3}),
    ("celu", {"alpha": 0.3}),
    ("gelu", {"approximate": True}),
    ("leaky_relu", {"negative_slope": 0.4}),
    ("squareplus", {"b": 1.0}),
    ("soft_shrink", {"threshold": 2.0}),
    ("hard_shrink", {"threshold": 2.0}),
]
# Where the slope is 0.5 in jax's tables and 0 or 1 in its formulas, nobody is right.
KINKS = (-3.0, 3.0, -1.0, 1.0, 0.0, 6.0, 4.0, 1.5)


def compare(name, arguments, x):
    ours = activations.get(name)
    theirs = keras.activations.get(name)

    def run(value):
        return theirs(value, **arguments)

    expected, pull_back = jax.vjp(run, jax.numpy.asarray(x))
    dy = np.random.default_rng(1).normal(size=expected.shape).astype(np.float32)
    tensor = Tensor(x)
    with GradientTape() as tape:
        tape.watch(tensor)
        y = ours(tensor, **arguments)
    gradient = tape.backward(y, [tensor], dy)[0] if y is not tensor else dy
    # Where exp is near the end of float32, one unit in the last place of the exponent is e^x.
    assert_close(y.data, expected, name)
    smooth = ~np.isin(x, KINKS) if x.ndim == 1 else np.ones(x.shape, bool)
    assert_close(gradient[smooth], np.asarray(pull_back(dy)[0])[smooth], f"gradient of {name}")


@pytest.mark.parametrize("name", CALLS)
def test_activation(name):
    compare(name, CALLS[name], POINTS)
    compare(name, CALLS[name], POINTS[:60].reshape(3, 4, 5))


@pytest.mark.parametrize(("name", "arguments"), VARIANTS)
def test_arguments(name, arguments):
    compare(name, arguments, POINTS)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "glu"])
@pytest.mark.parametrize("axis", [-1, 1])
def test_activations_along_an_axis(name, axis):
    x = np.random.default_rng(0).normal(0, 2, (3, 4, 6)).astype(np.float32)
    compare(name, {"axis": axis}, x)


@pytest.mark.parametrize("axis", [-1, 1])
def test_sparsemax_is_the_nearest_distribution(axis):
    """Keras's own sums the wrong cumulative sums where more than one share is not zero."""
    x = np.random.default_rng(0).normal(0, 0.4, (3, 4, 6))
    y = activations.sparsemax(x, axis=axis).data
    np.testing.assert_allclose(y.sum(axis), 1)
    assert ((y > 0).sum(axis) > 1).any()
    assert (y == 0).any()
    # What is above zero has been moved by the same amount, and nothing else lies above it.
    moved = np.where(y > 0, x - y, np.nan)
    limit = np.nanmean(moved, axis=axis, keepdims=True)
    np.testing.assert_allclose(np.where(y > 0, moved - limit, 0), 0, atol=1e-12)
    assert (x[(y == 0)] <= np.broadcast_to(limit, x.shape)[y == 0]).all()


def test_every_activation_of_keras_is_here():
    names = set(keras.src.activations.ALL_OBJECTS_DICT)
    known = set(activations._registry.names())
    assert names <= known, names - known
    for name in names:
        function = activations.get(name)
        again = activations.deserialize(activations.serialize(function))
        assert again is function


def test_names_and_functions():
    assert activations.get(None) is activations.linear
    assert activations.get(np.tanh) is np.tanh
    assert activations.serialize(activations.relu) == keras.activations.serialize(
        keras.activations.relu
    )
    with pytest.raises(ValueError, match="did you mean 'sigmoid'"):
        activations.get("sigmoyd")
    with pytest.raises(TypeError, match="wanted a name"):
        activations.get(3)
