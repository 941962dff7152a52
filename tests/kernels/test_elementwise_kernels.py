"""The element-by-element functions and their gradients, at every SIMD level."""

import math

import numpy as np
import pytest
from scipy import special

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(x, 0)


def clipped_relu(x, slope, largest, threshold):
    return np.where(x > threshold, np.minimum(x, largest), slope * (x - threshold))


# name: (reference, its numbers, smallest and largest x that is tried)
FUNCTIONS = {
    "exp": (np.exp, (), -90, 88),
    "expm1": (np.expm1, (), -20, 20),
    "log": (np.log, (), 1e-30, 100),
    "log1p": (np.log1p, (), -0.99, 100),
    "sqrt": (np.sqrt, (), 1e-3, 100),
    "rsqrt": (lambda x: 1 / np.sqrt(x), (), 1e-2, 100),
    "square": (np.square, (), -9, 9),
    "erf": (special.erf, (), -5, 5),
    "tanh": (np.tanh, (), -12, 12),
    "sigmoid": (sigmoid, (), -20, 20),
    "relu": (lambda x: np.maximum(x, 0), (), -3, 3),
    "relu6": (lambda x: np.clip(x, 0, 6), (), -9, 9),
    "clipped_relu": (clipped_relu, (0.1, 5.0, 1.0), -9, 9),
    "leaky_relu": (lambda x, a: np.where(x > 0, x, a * x), (0.2,), -3, 3),
    "elu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x)), (1.5,), -9, 3),
    "celu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x / a)), (1.5,), -9, 3),
    "selu": (
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
        (),
        -9,
        3,
    ),
    "gelu": (lambda x: x * special.ndtr(x), (), -9, 9),
    "gelu_tanh": (
        lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        (),
        -9,
        9,
    ),
    "softplus": (softplus, (), -30, 30),
    "softsign": (lambda x: x / (1 + np.abs(x)), (), -9, 9),
    "silu": (lambda x: x * sigmoid(x), (), -20, 20),
    "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), (), -5, 5),
    "hard_silu": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1), (), -5, 5),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), (), -3, 3),
    "tanh_shrink": (lambda x: x - np.tanh(x), (), -5, 5),
    "soft_shrink": (lambda x, a: np.sign(x) * np.maximum(np.abs(x) - a, 0), (0.5,), -3, 3),
    "hard_shrink": (lambda x, a: np.where(np.abs(x) > a, x, 0), (0.5,), -3, 3),
    "threshold": (lambda x, a, b: np.where(x > a, x, b), (0.5, -2.0), -3, 3),
    "mish": (lambda x: x * np.tanh(softplus(x)), (), -30, 30),
    "log_sigmoid": (lambda x: -softplus(-x), (), -30, 30),
    "squareplus": (lambda x, b: (x + np.sqrt(x * x + b)) / 2, (4.0,), -9, 9),
    "sparse_plus": (
        lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
        (),
        -3,
        3,
    ),
    "sparse_sigmoid": (lambda x: np.clip((x + 1) / 2, 0, 1), (), -3, 3),
}


def test_every_function_is_tested(kernels):
    assert set(kernels.elementwise_keeps_output) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_equals_numpy(kernels, name, dtype):
    reference, numbers, low, high = FUNCTIONS[name]
    function = getattr(kernels, name)
    x = np.linspace(low, high, 2003).astype(dtype)
    wanted = reference(x.astype(np.float64), *numbers)
    tolerance = 2e-6 if dtype is np.float32 else 1e-13
    y = function(x, *numbers)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance / 4)
    for size in (0, 1, 3, 15, 16, 17, 31):
        np.testing.assert_array_equal(function(x[:size].copy(), *numbers), y[:size])
    shaped = function(x[:60].reshape(3, 4, 5).copy(), *numbers)
    np.testing.assert_array_equal(shaped, y[:60].reshape(3, 4, 5))
    assert function(np.array(x[7]), *numbers).shape == ()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_equals_the_numeric_one(kernels, name):
    _, numbers, low, high = FUNCTIONS[name]
    function, gradient = getattr(kernels, name), getattr(kernels, f"{name}_gradient")
    generator = np.random.default_rng(3)
    # Away from the kinks, which lie at multiples of a half.
    x = generator.uniform(max(low, -8), min(high, 8), 400)
    x = x[np.abs(x * 2 - np.round(x * 2)) > 1e-3]
    if name in {"log", "log1p", "sqrt", "rsqrt"}:
        x = np.abs(x) + 0.1
    step = 1e-6
    dy = generator.normal(size=x.shape)
    wanted = dy * (function(x + step, *numbers) - function(x - step, *numbers)) / (2 * step)
    kept = function(x, *numbers) if kernels.elementwise_keeps_output[name] else x
    found = gradient(kept, dy, *numbers)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=2e-9 * np.abs(kept).max() + 1e-8)
    single = gradient(kept.astype(np.float32), dy.astype(np.float32), *numbers)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, found, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(gradient(kept[:5].copy(), dy[:5].copy(), *numbers), found[:5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_of_the_line(kernels, dtype):
    inf, nan = np.inf, np.nan
    x = np.array([0, -0.0, inf, -inf, nan, 100, -200, 1e-40], dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(kernels.log(x), np.log(x), rtol=1e-5)
        np.testing.assert_allclose(kernels.log1p(x), np.log1p(x), rtol=1e-5)
        np.testing.assert_allclose(kernels.sqrt(x), np.sqrt(x), rtol=1e-5)
        np.testing.assert_allclose(kernels.exp(x), np.exp(x), rtol=1e-5)
    np.testing.assert_array_equal(kernels.tanh(x)[[0, 2, 3, 4]], [0, 1, -1, nan])
    np.testing.assert_allclose(kernels.sigmoid(x)[2:5], [1, 0, nan], atol=1e-37)
    np.testing.assert_allclose(kernels.softplus(x)[[2, 4, 5]], [inf, nan, 100])
    np.testing.assert_array_equal(kernels.relu(x)[2:5], [inf, 0, nan])
    np.testing.assert_array_equal(kernels.erf(x)[2:5], [1, -1, nan])
    np.testing.assert_array_equal(kernels.clipped_relu(x, 0, 6, 0)[2:5], [6, 0, nan])


@pytest.mark.parametrize("name", ["tanh", "expm1", "log1p"])
def test_digits_are_kept_near_zero(kernels, name):
    x = np.geomspace(1e-30, 0.7, 4001).astype(np.float32)
    x = np.concatenate([x, -x])
    wanted = getattr(np, name)(x.astype(np.float64))
    np.testing.assert_allclose(getattr(kernels, name)(x), wanted, rtol=5e-7, atol=0)


def test_tanh_keeps_its_digits_as_it_bends(kernels):
    x = np.linspace(-12, 12, 100_001).astype(np.float32)
    y = kernels.tanh(x)
    np.testing.assert_allclose(y, np.tanh(x.astype(np.float64)), rtol=5e-7, atol=0)
    assert np.abs(y).max() == 1


def test_nan_stays_nan_whatever_its_bits(kernels):
    patterns = [0x7FC00000, 0x7FFFFFFF, 0x7F800001, 0x7FFF2456, 0xFFC00000, 0xFFFFFFFF, 0xFF812345]
    x = np.array(patterns * 3, np.uint32).view(np.float32)
    for name in ("exp", "expm1", "log", "log1p", "sigmoid", "softplus", "tanh", "erf", "gelu"):
        assert np.isnan(getattr(kernels, name)(x)).all(), name


def test_threads_do_not_change_a_bit(kernels):
    x = np.random.default_rng(1).normal(size=2_000_003).astype(np.float32)  # pieces to claim
    before = kernels.num_threads()
    try:
        kernels.set_num_threads(1)
        one = kernels.gelu(x)
        for threads in (2, 3):
            kernels.set_num_threads(threads)
            np.testing.assert_array_equal(kernels.gelu(x), one)
    finally:
        kernels.set_num_threads(before)


def test_wrong_arguments(kernels):
    x = np.ones((3, 4), np.float32)
    with pytest.raises(TypeError):
        kernels.tanh(x.astype(np.int64))
    with pytest.raises(TypeError):
        kernels.tanh(x[:, ::2])
    with pytest.raises(TypeError):
        kernels.elu(x)
    with pytest.raises(ValueError, match=r"tanh_gradient: y has shape \(3, 4\), dy \(4, 3\)"):
        kernels.tanh_gradient(x, np.ones((4, 3), np.float32))
    with pytest.raises(TypeError):
        kernels.tanh_gradient(x, np.ones((3, 4)))
