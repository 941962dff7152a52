"""Dense layers and matrix products, at every SIMD level, against plain numpy."""

import numpy as np
import pytest

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}
TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}


@pytest.fixture(params=[1, 2])
def threads(kernels, request):
    before = kernels.num_threads()
    kernels.set_num_threads(request.param)
    yield request.param
    kernels.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("rows", "inputs", "outputs"),
    [
        (0, 3, 4),
        (1, 7, 5),
        (3, 0, 4),
        (33, 20, 17),
        (5, 300, 700),
        (1500, 40, 90),
        (70, 1, 1),
        (33, 160, 1),
        (1, 41, 1),
        (1, 0, 5),
        (1, 1003, 905),  # threads share the columns of one row
        (2000, 300, 1),
        (300, 5, 3),
    ],
)
def test_dense_equals_numpy(kernels, dtype, activation, rows, inputs, outputs):
    rng = np.random.default_rng(rows + inputs)
    x, kernel = rng.normal(size=(rows, inputs)), rng.normal(size=(inputs, outputs)) / 10
    bias = rng.normal(size=outputs)
    for b in (bias, None):
        wanted = ACTIVATIONS[activation](x @ kernel + (0 if b is None else b))
        given = None if b is None else b.astype(dtype)
        y = kernels.dense(x.astype(dtype), kernel.astype(dtype), given, activation)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, wanted, rtol=0, atol=TOLERANCES[dtype])


def test_dense_keeps_leading_axes(kernels):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5))
    np.testing.assert_allclose(kernels.dense(x, kernel, None, "linear"), x @ kernel, atol=1e-12)
    np.testing.assert_allclose(
        kernels.dense(x[0, 0].copy(), kernel, None, "linear"), x[0, 0] @ kernel, atol=1e-12
    )


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "shape", [(0, 3), (1, 1), (9, 1), (1300, 37), (4, 6, 16), (2000, 3), (40_003, 5)]
)
def test_activation_gradient_equals_numpy(kernels, dtype, activation, shape):
    rng = np.random.default_rng(len(shape))
    z, dy = rng.normal(size=shape), rng.normal(size=shape)
    y = ACTIVATIONS[activation](z)
    slope = {"linear": 1, "relu": z > 0, "sigmoid": y * (1 - y), "tanh": 1 - y**2}[activation]
    wanted = dy * slope
    dz, d_bias = kernels.activation_gradient(y.astype(dtype), dy.astype(dtype), activation, True)
    np.testing.assert_allclose(dz, wanted, atol=1e-6)
    totals = wanted.reshape(-1, shape[-1]).sum(axis=0)
    np.testing.assert_allclose(d_bias, totals, atol=1e-4 if dtype is np.float32 else 1e-10)
    dz, d_bias = kernels.activation_gradient(y.astype(dtype), dy.astype(dtype), activation, False)
    np.testing.assert_allclose(dz, wanted, atol=1e-6)
    assert d_bias is None


def test_long_sums_of_a_bias_keep_their_digits(kernels):
    dy = np.full((1_000_000, 1), 0.1, np.float32)
    _, d_bias = kernels.activation_gradient(dy, dy, "linear", True)
    assert d_bias[0] == pytest.approx(100_000, rel=1e-5)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposes", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize(
    ("batch", "m", "n", "k"),
    [
        (None, 5, 7, 3),
        (None, 100, 33, 65),
        (None, 33, 100, 65),
        (None, 20, 12, 9001),
        (None, 200, 150, 800),
        (None, 40, 70, 1500),
        (None, 1, 1, 1),
        (None, 35, 1, 161),
        (None, 1, 35, 161),
        (None, 900, 1, 700),
        (None, 1, 905, 1003),
        (None, 1, 7, 100_000),  # threads share the sums
        (None, 256, 250, 4096),
        (3, 1, 70, 45),
        (None, 35, 50, 1),
        (None, 0, 3, 2),
        (None, 3, 2, 0),
        (None, 40, 0, 3),
        (None, 40, 0, 3000),
        (1, 4, 5, 6),
        (7, 16, 17, 18),
        (0, 2, 2, 2),
        (3, 50, 70, 90),
    ],
)
def test_matmul_equals_numpy(kernels, dtype, transposes, batch, m, n, k):
    rng = np.random.default_rng(m * n + k)
    leading = () if batch is None else (batch,)
    a, b = rng.normal(size=(*leading, m, k)), rng.normal(size=(*leading, k, n))
    wanted = a @ b
    a, b = (
        np.ascontiguousarray(np.swapaxes(each, -1, -2) if transpose else each, dtype)
        for each, transpose in zip((a, b), transposes, strict=True)
    )
    c = kernels.matmul(a, b, *map(bool, transposes))
    assert c.dtype == dtype
    scale = np.sqrt(k + 1)
    np.testing.assert_allclose(c, wanted, rtol=0, atol=TOLERANCES[dtype] * scale)


@pytest.mark.parametrize(
    ("batch", "m", "n"), [(1, 64, 1), (1, 16, 1), (1, 1, 5), (2, 1, 3), (1, 64, 64), (1, 2, 300)]
)
def test_long_sums_keep_their_digits(kernels, batch, m, n):
    k, found, before = 25_088, [], kernels.num_threads()
    rng = np.random.default_rng(6)
    a, b = (np.abs(rng.normal(size=(batch, k, s))).astype(np.float32) for s in (m, n))
    wanted = np.swapaxes(a, 1, 2).astype(float) @ b
    try:
        for threads in (1, 2, 3):
            kernels.set_num_threads(threads)
            found.append(kernels.matmul(a, b, True, False))
    finally:
        kernels.set_num_threads(before)
    limit = 1e-6 * np.abs(wanted).max()
    for each in found:
        np.testing.assert_allclose(each, wanted, rtol=0, atol=limit)
        np.testing.assert_allclose(each, found[0], rtol=0, atol=limit)


@pytest.mark.usefixtures("threads")
def test_the_same_bits_every_time(kernels):
    rng = np.random.default_rng(5)
    a = rng.normal(size=(20_000, 48)).astype(np.float32)
    b = rng.normal(size=(20_000, 32)).astype(np.float32)
    first = kernels.matmul(a, b, True, False)
    for _ in range(5):
        np.testing.assert_array_equal(kernels.matmul(a, b, True, False), first)


def test_wrong_arguments(kernels):
    x, kernel = np.ones((3, 4), np.float32), np.ones((4, 5), np.float32)
    with pytest.raises(ValueError, match=r"x \(3, 4\) must end in the rows of kernel \(5, 4\)"):
        kernels.dense(x, np.ones((5, 4), np.float32), None, "relu")
    with pytest.raises(ValueError, match="bias must be one for each column"):
        kernels.dense(x, kernel, np.ones(4, np.float32), "relu")
    with pytest.raises(ValueError, match="'gelu' built in"):
        kernels.dense(x, kernel, None, "gelu")
    with pytest.raises(TypeError):
        kernels.dense(x, kernel.astype(np.float64), None, "relu")
    with pytest.raises(ValueError, match="must be alike"):
        kernels.activation_gradient(x, kernel, "relu", True)
    with pytest.raises(ValueError, match="inner sizes differ"):
        kernels.matmul(x, x)
    with pytest.raises(ValueError, match="batches of different sizes"):
        kernels.matmul(np.ones((2, 3, 4)), np.ones((3, 4, 3)))
    with pytest.raises(ValueError, match="two matrices"):
        kernels.matmul(np.ones((2, 3, 4)), np.ones((4, 3)))
