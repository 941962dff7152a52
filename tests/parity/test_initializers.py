"""Initializers, regularizers and constraints beside Keras's: distributions, and equal values."""

import numpy as np
import pytest
from keras_beside import assert_close, jax, keras

from lamina import constraints, initializers, ops, regularizers
from lamina.autodiff import GradientTape, Tensor, Variable

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPE = (3, 5, 40, 100)  # a kernel of a convolution: 60,000 values
RANDOM = [
    ("RandomNormal", {}),
    ("RandomNormal", {"mean": 1.0, "stddev": 2.0}),
    ("TruncatedNormal", {}),
    ("TruncatedNormal", {"mean": -1.0, "stddev": 0.5}),
    ("RandomUniform", {}),
    ("RandomUniform", {"minval": 1.0, "maxval": 4.0}),
    ("VarianceScaling", {}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"}),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "untruncated_normal"}),
    ("VarianceScaling", {"input_axes": (1,), "output_axes": (0, 2)}),
    ("GlorotUniform", {}),
    ("GlorotNormal", {}),
    ("HeUniform", {}),
    ("HeNormal", {}),
    ("LecunUniform", {}),
    ("LecunNormal", {}),
]


def both(module, name, arguments):
    return getattr(module, name)(**arguments), getattr(getattr(keras, module.__name__[7:]), name)(
        **arguments
    )


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_distribution(name, arguments):
    mine, other = both(initializers, name, {**arguments, "seed": 3})
    ours = mine(SHAPE, "float32").astype(float).ravel()
    theirs = np.asarray(other(SHAPE, "float32")).astype(float).ravel()
    deviation = theirs.std()
    # Of 60,000 draws: the errors of a mean, of a deviation, and of any point of the distribution.
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.03 * deviation)
    assert ours.std() == pytest.approx(deviation, rel=0.02)
    quantiles = np.linspace(0.01, 0.99, 33)
    gap = np.quantile(ours, quantiles) - np.quantile(theirs, quantiles)
    assert np.abs(gap).max() < 0.06 * deviation
    if name != "RandomNormal" and "untruncated_normal" not in arguments.values():  # has an end
        assert ours.max() == pytest.approx(theirs.max(), abs=0.02 * deviation)
        assert ours.min() == pytest.approx(theirs.min(), abs=0.02 * deviation)


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_seeds_and_configs(name, arguments, dtype):
    kind = getattr(initializers, name)
    seeded = kind(**arguments, seed=5)
    first = seeded(SHAPE[1:], dtype)
    assert first.dtype == dtype
    assert first.shape == SHAPE[1:]
    np.testing.assert_array_equal(seeded(SHAPE[1:], dtype), first)
    free = kind(**arguments)
    assert (free(SHAPE[1:], dtype) != free(SHAPE[1:], dtype)).any()
    again = initializers.deserialize(initializers.serialize(seeded))
    np.testing.assert_array_equal(again(SHAPE[1:], dtype), first)
    other = getattr(keras.initializers, name)(**arguments, seed=5)
    assert set(seeded.get_config()) == set(other.get_config())
    mine = initializers.deserialize(keras.initializers.serialize(other))
    assert type(mine) is kind
    assert mine.get_config() == seeded.get_config()
    snake = keras.src.utils.naming.to_snake_case(name)
    assert type(initializers.get(snake)) is kind
    assert getattr(initializers, snake) is kind


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [("Zeros", {}, (3, 4)), ("Ones", {}, (2,)), ("Constant", {"value": 0.3}, (2, 3)),
     ("Constant", {"value": [1.0, 2.0, 3.0]}, (2, 3)), ("Identity", {"gain": 2.0}, (3, 5))],
)  # fmt: skip
def test_fixed_values(name, arguments, shape):
    mine, other = both(initializers, name, arguments)
    found = mine(shape, "float32")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.asarray(other(shape, "float32")))
    assert initializers.deserialize(initializers.serialize(mine)).get_config() == mine.get_config()


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (3, 3, 4, 6), (6, 6)])
def test_orthogonal(shape):
    found = initializers.Orthogonal(gain=2.0, seed=1)(shape, "float64")
    matrix = found.reshape(-1, shape[-1])
    small = matrix.T @ matrix if len(matrix) >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)
    # No quadrant of directions is preferred, as it is when the signs of R are left in.
    corners = [initializers.Orthogonal(seed=i)((2, 2), "float64")[0, 0] for i in range(200)]
    assert abs(np.mean(np.sign(corners))) < 0.25


def test_wrong_initializers():
    with pytest.raises(ValueError, match="scale must be above 0"):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(ValueError, match="mode must be one of fan_in, fan_out, fan_avg"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ValueError, match="distribution must be one of"):
        initializers.VarianceScaling(distribution="gauss")
    with pytest.raises(TypeError, match="seed must be a whole number"):
        initializers.HeNormal(seed="x")
    with pytest.raises(ValueError, match="two axes or more"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ValueError, match="shape of a matrix"):
        initializers.Identity()((3, 3, 3))
    with pytest.raises(ValueError, match="unknown initializer 'glorot_unifrom': did you mean"):
        initializers.get("glorot_unifrom")


REGULARIZERS = [
    ("L1", {}, "l1"),
    ("L1", {"l1": 0.3}, "l1"),
    ("L2", {}, "l2"),
    ("L2", {"l2": 0.5}, "l2"),
    ("L1L2", {"l1": 0.1, "l2": 0.2}, "l1_l2"),
    ("L1L2", {"l2": 0.2}, "l1_l2"),
    ("L1L2", {"l1": 0.2}, "l1_l2"),
    ("L1L2", {}, "l1_l2"),
]
if hasattr(ops, "matmul"):
    REGULARIZERS += [
        ("OrthogonalRegularizer", {"factor": 0.1}, "orthogonal_regularizer"),
        ("OrthogonalRegularizer", {"mode": "columns"}, "orthogonal_regularizer"),
    ]


@pytest.mark.parametrize(("name", "arguments", "alias"), REGULARIZERS)
def test_regularizers(name, arguments, alias):
    mine, other = both(regularizers, name, arguments)
    weights = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    variable = Variable(weights)
    with GradientTape() as tape:
        penalty = mine(variable)
    (gradient,) = tape.backward(penalty, [variable])
    expected, expected_gradient = jax.value_and_grad(other.__call__)(weights)
    assert penalty.shape == ()
    assert penalty.dtype == np.float32
    assert_close(penalty.numpy(), expected, "penalty", 1e-6)
    gradient = np.zeros_like(weights) if gradient is None else gradient
    assert_close(gradient, expected_gradient, "gradient", 2e-6)
    assert_close(mine(Tensor(weights)).numpy(), expected, "penalty of a tensor", 1e-6)
    again = regularizers.deserialize(regularizers.serialize(mine))
    assert again.get_config() == mine.get_config() == pytest.approx(other.get_config())
    assert type(regularizers.deserialize(keras.regularizers.serialize(other))) is type(mine)
    assert type(regularizers.get(alias)) is getattr(regularizers, alias) is type(mine)


def test_wrong_regularizers():
    with pytest.raises(ValueError, match="l1 must not be negative"):
        regularizers.L1(-1)
    with pytest.raises(TypeError, match="l2 must be a number, got 'x'"):
        regularizers.l2("x")
    with pytest.raises(ValueError, match="mode must be 'rows' or 'columns'"):
        regularizers.OrthogonalRegularizer(mode="both")
    with pytest.raises(ValueError, match="wanted a matrix"):
        regularizers.OrthogonalRegularizer()(np.zeros(3))


CONSTRAINTS = [
    ("MaxNorm", {}, "max_norm"),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}, "max_norm"),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}, "max_norm"),
    ("NonNeg", {}, "non_neg"),
    ("UnitNorm", {}, "unit_norm"),
    ("UnitNorm", {"axis": [0, 1]}, "unit_norm"),
    ("MinMaxNorm", {}, "min_max_norm"),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0, "rate": 0.3, "axis": 1}, "min_max_norm"),
]


@pytest.mark.parametrize(("name", "arguments", "alias"), CONSTRAINTS)
def test_constraints(name, arguments, alias):
    mine, other = both(constraints, name, arguments)
    weights = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    weights[:, 2] = 0
    found = mine(Variable(weights))
    assert found.dtype == np.float32
    assert_close(found, other(weights), name, 1e-6)
    again = constraints.deserialize(constraints.serialize(mine))
    assert again.get_config() == mine.get_config() == other.get_config()
    assert type(constraints.deserialize(keras.constraints.serialize(other))) is type(mine)
    assert type(constraints.get(alias)) is getattr(constraints, alias) is type(mine)
