"""Softmax and the losses, at every SIMD level, against plain numpy."""

import numpy as np
import pytest
from scipy import special

MARGIN = 1e-7
SHAPES = [(0, 3), (1, 1), (5, 2), (3, 10), (7, 16), (4, 17), (2, 3, 33), (1500, 37), (2100, 1)]
TOLERANCES = {np.float32: 3e-6, np.float64: 1e-12}


@pytest.fixture(params=[1, 2])
def threads(kernels, request):
    before = kernels.num_threads()
    kernels.set_num_threads(request.param)
    yield request.param
    kernels.set_num_threads(before)


def softmax_gradient(y, dy):
    return y * (dy - (y * dy).sum(-1, keepdims=True))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_equals_numpy(kernels, dtype, shape):
    rng = np.random.default_rng(shape[-1])
    x, dy = rng.normal(size=shape) * 5, rng.normal(size=shape)
    y, log_y = special.softmax(x, -1), special.log_softmax(x, -1)
    atol = TOLERANCES[dtype]
    np.testing.assert_allclose(kernels.softmax(x.astype(dtype)), y, atol=atol)
    np.testing.assert_allclose(kernels.log_softmax(x.astype(dtype)), log_y, atol=10 * atol)
    found = kernels.softmax_gradient(y.astype(dtype), dy.astype(dtype))
    np.testing.assert_allclose(found, softmax_gradient(y, dy), atol=atol)
    found = kernels.log_softmax_gradient(log_y.astype(dtype), dy.astype(dtype))
    wanted = dy - y * dy.sum(-1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=20 * atol)


@pytest.mark.parametrize("size", [4, 40])
def test_softmax_of_extremes(kernels, size):
    x = np.zeros((3, size), np.float32)
    x[0, 0], x[1, 1:], x[2, 0] = 1e4, -np.inf, np.nan
    wanted = np.zeros((2, size))
    wanted[:, 0] = 1
    np.testing.assert_array_equal(kernels.softmax(x)[:2], wanted)
    assert np.isnan(kernels.softmax(x)[2]).all()
    assert kernels.log_softmax(x)[0, 1] == -1e4


def inside(x, low, high):
    return (x > low) & (x < high)


def row_mean(f):
    return lambda t, p, *number: f(t, p, *number).mean(-1)


# name: (reference, its number)
LOSSES = {
    "squared_error": (row_mean(lambda t, p: (t - p) ** 2), ()),
    "absolute_error": (row_mean(lambda t, p: np.abs(t - p)), ()),
    "absolute_percentage_error": (
        row_mean(lambda t, p, a: 100 * np.abs((t - p) / np.maximum(np.abs(t), a))),
        (MARGIN,),
    ),
    "squared_logarithmic_error": (
        row_mean(lambda t, p, a: (np.log1p(np.maximum(p, a)) - np.log1p(np.maximum(t, a))) ** 2),
        (MARGIN,),
    ),
    "huber": (
        row_mean(
            lambda t, p, a: np.where(
                np.abs(t - p) <= a, (t - p) ** 2 / 2, a * np.abs(t - p) - a * a / 2
            )
        ),
        (0.3,),
    ),
    "log_cosh": (row_mean(lambda t, p: np.log(np.cosh(p - t))), ()),
    "hinge": (row_mean(lambda t, p: np.maximum(1 - t * p, 0)), ()),
    "squared_hinge": (row_mean(lambda t, p: np.maximum(1 - t * p, 0) ** 2), ()),
    "poisson": (row_mean(lambda t, p, a: p - t * np.log(p + a)), (MARGIN,)),
    "kl_divergence": (
        lambda t, p, a: (np.clip(t, a, 1) * np.log(np.clip(t, a, 1) / np.clip(p, a, 1))).sum(-1),
        (MARGIN,),
    ),
    "binary_cross_entropy": (
        row_mean(
            lambda t, p, a: (
                -(t * np.log(np.clip(p, a, 1 - a)) + (1 - t) * np.log(1 - np.clip(p, a, 1 - a)))
            )
        ),
        (MARGIN,),
    ),
    "sigmoid_cross_entropy": (row_mean(lambda t, x: np.logaddexp(0, x) - t * x), ()),
}


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LOSSES)
def test_row_losses_equal_numpy(kernels, name, dtype, shape):
    reference, number = LOSSES[name]
    rng = np.random.default_rng(shape[-1])
    target, prediction = rng.uniform(0.05, 0.95, (2, *shape)).astype(dtype)
    wanted = reference(target.astype(np.float64), prediction.astype(np.float64), *number)
    loss = getattr(kernels, name)(target, prediction, *number)
    assert loss.shape == shape[:-1]
    assert loss.dtype == dtype
    tolerance = TOLERANCES[dtype]
    np.testing.assert_allclose(loss, wanted, rtol=10 * tolerance, atol=tolerance)


def numeric(function, x, step=1e-6):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient


@pytest.mark.parametrize("shape", [(3, 5), (4, 1), (2, 17)])
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_row_losses(kernels, name, shape):
    _, number = LOSSES[name]
    loss, gradient = getattr(kernels, name), getattr(kernels, f"{name}_gradient")
    rng = np.random.default_rng(shape[-1])
    target, prediction = rng.uniform(0.05, 0.95, (2, *shape))
    if "hinge" in name:
        prediction *= 2
    d_loss = rng.normal(size=shape[:-1])
    for by_target in (False, True):
        varied = target if by_target else prediction

        def total(x, by_target=by_target):
            pair = (x, prediction) if by_target else (target, x)
            return (loss(*pair, *number) * d_loss).sum()

        found = gradient(target, prediction, d_loss, by_target, *number)
        # The percentages are up to 100 / 0.05 times steeper than the rest.
        np.testing.assert_allclose(found, numeric(total, varied), rtol=2e-6, atol=1e-7)
        single = gradient(
            *(each.astype(np.float32) for each in (target, prediction, d_loss)), by_target, *number
        )
        np.testing.assert_allclose(single, found, rtol=1e-4, atol=1e-5)


def test_clipped_predictions_have_no_gradient(kernels):
    p = np.array([[0.0, 1.0, 0.5, 1.2]])
    t = np.array([[1.0, 0.0, 1.0, 0.0]])
    one = np.ones(1)
    found = kernels.binary_cross_entropy_gradient(t, p, one, False, MARGIN)
    np.testing.assert_array_equal(found, [[0, 0, -0.5, 0]])
    loss = kernels.binary_cross_entropy(t[:, :1].astype("f"), p[:, :1].astype("f"), MARGIN)
    np.testing.assert_allclose(loss, -np.log(np.float32(MARGIN)), rtol=1e-6)
    assert kernels.kl_divergence_gradient(t, p, one, False, MARGIN)[0, 0] == 0


def cross_entropy(weights, probabilities):
    q = probabilities / probabilities.sum(-1, keepdims=True)
    return -(weights * np.log(np.clip(q, MARGIN, 1 - MARGIN))).sum(-1)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropies_equal_numpy(kernels, dtype, shape):
    rng = np.random.default_rng(shape[-1])
    logits = (rng.normal(size=shape) * 3).astype(dtype)
    weights = rng.uniform(size=shape).astype(dtype)
    labels = rng.integers(0, shape[-1], shape[:-1])
    one_hot = np.eye(shape[-1])[labels]
    probabilities = rng.uniform(0.1, 1, shape).astype(dtype)
    log_p = special.log_softmax(logits.astype(np.float64), -1)
    tolerance = {"rtol": 10 * TOLERANCES[dtype], "atol": 10 * TOLERANCES[dtype]}
    for targets, dense in [
        (weights, weights),
        (labels, one_hot),
        (labels.astype(np.int32), one_hot),
    ]:
        loss, scales = kernels.softmax_cross_entropy(targets, logits)
        np.testing.assert_allclose(loss, -(dense * log_p).sum(-1), **tolerance)
        assert scales.shape == (labels.size, 2)
        loss = kernels.cross_entropy(targets, probabilities, MARGIN)
        np.testing.assert_allclose(loss, cross_entropy(dense, probabilities), **tolerance)


@pytest.mark.parametrize("shape", [(3, 5), (2, 2, 17), (2, 1)])
@pytest.mark.parametrize("kind", ["weights", "labels"])
def test_gradients_of_cross_entropies(kernels, shape, kind):
    rng = np.random.default_rng(shape[-1])
    logits, probabilities = rng.normal(size=shape), rng.uniform(0.1, 1, shape)
    targets = rng.uniform(size=shape)
    if kind == "labels":
        targets = rng.integers(0, shape[-1], shape[:-1])
    d_loss = rng.normal(size=shape[:-1])
    wanted = numeric(
        lambda x: (kernels.softmax_cross_entropy(targets, x)[0] * d_loss).sum(), logits
    )
    scales = kernels.softmax_cross_entropy(targets, logits)[1]
    found = kernels.softmax_cross_entropy_gradient(targets, logits, scales, d_loss)
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    found = kernels.cross_entropy_gradient(targets, probabilities, d_loss, MARGIN)
    if shape[-1] > 1:  # the only class has the probability 1, which is clipped
        wanted = numeric(
            lambda x: (kernels.cross_entropy(targets, x, MARGIN) * d_loss).sum(), probabilities
        )
        np.testing.assert_allclose(found, wanted, atol=1e-7)
    else:
        np.testing.assert_array_equal(found, 0)


def test_ignored_labels_have_no_loss_and_no_gradient(kernels):
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    labels = np.array([1, 255, 3])
    loss, scales = kernels.softmax_cross_entropy(labels, logits, 255)
    gradient = kernels.softmax_cross_entropy_gradient(
        labels, logits, scales, np.ones(3, np.float32), 255
    )
    assert loss[1] == 0
    assert loss[0] > 0
    np.testing.assert_array_equal(gradient[1], 0)
    probabilities = kernels.softmax(logits)
    np.testing.assert_allclose(
        kernels.cross_entropy(labels, probabilities, MARGIN, 255), loss, 1e-5
    )
    gradient = kernels.cross_entropy_gradient(
        labels, probabilities, np.ones(3, np.float32), MARGIN, 255
    )
    np.testing.assert_array_equal(gradient[1], 0)
    with pytest.raises(ValueError, match="label 255"):
        kernels.softmax_cross_entropy(labels, logits, -1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (33, 1), (5, 7, 11), (3000,)])
def test_scaled_sum_equals_numpy(kernels, dtype, shape):
    values = np.random.default_rng(len(shape)).normal(size=shape).astype(dtype)
    found = kernels.scaled_sum(values, 0.25)
    assert found.dtype == dtype
    assert found.shape == ()
    wanted = 0.25 * values.sum(dtype=np.float64)
    np.testing.assert_allclose(found, wanted, atol=1e-4 if dtype is np.float32 else 1e-12)


def test_long_sums_keep_their_digits(kernels):
    found = kernels.scaled_sum(np.full(1_000_000, 0.1, np.float32), 1.0)
    assert found == pytest.approx(100_000, rel=1e-6)


def test_wrong_arguments(kernels):
    logits = np.zeros((2, 3, 4), np.float32)
    labels = np.array([[0, 1, 2], [3, 4, 0]])
    with pytest.raises(ValueError, match=r"label 4 at \(1, 1\) is outside \[0, 4\)"):
        kernels.softmax_cross_entropy(labels, logits)
    with pytest.raises(ValueError, match=r"label -1 at \(0, 0\)"):
        kernels.cross_entropy(labels - 1, logits, MARGIN)
    with pytest.raises(ValueError, match="one number a row"):
        kernels.softmax_cross_entropy(labels[0], logits)
    with pytest.raises(TypeError, match="got float64"):
        kernels.softmax_cross_entropy(np.zeros((2, 3, 4)), logits)
    with pytest.raises(ValueError, match="must be alike"):
        kernels.softmax_cross_entropy(logits[:1], logits)
    with pytest.raises(ValueError, match="must be alike"):
        kernels.squared_error(logits[:1], logits)
    with pytest.raises(ValueError, match="last axis"):
        kernels.softmax(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="one number a row"):
        kernels.squared_error_gradient(logits, logits, np.zeros(2, np.float32), False)
    with pytest.raises(TypeError):
        kernels.huber(logits, logits)
