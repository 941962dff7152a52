"""Batch, group and layer normalisation against plain numpy, and their gradients."""

import numpy as np
import pytest

KINDS = [np.float32, np.float64]
# Few and many columns, tails, columns that are folded, more rows than a block has, and none at all.
SHAPES = [(1, 1), (5, 3), (300, 3), (1000, 20), (700, 64), (257, 83), (40, 515), (0, 4), (9000, 6)]
EPSILON = 1e-3


def close(got, wanted, kind, terms=1.0):
    """Equal but for rounding, of the values or of the larger terms whose difference they are."""
    tolerance = 2e-6 if kind == np.float32 else 1e-13
    assert got.dtype == kind
    assert got.shape == wanted.shape
    scale = max(terms, np.abs(wanted).max(initial=0))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * scale)


def draw(shape, kind, seed=0, offset=3.0):
    generator = np.random.default_rng(seed)
    return (generator.normal(size=shape) + offset).astype(kind)


@pytest.fixture(params=[1, 2])
def threads(request, kernels):
    before = kernels.num_threads()
    kernels.set_num_threads(request.param)
    yield request.param
    kernels.set_num_threads(before)


def normalized(x, mean, variance, gamma, beta):
    y = (x - mean) / np.sqrt(variance + EPSILON)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_moments(kernels, threads, shape, kind, masked):
    x = draw(shape, kind, offset=1000.0)
    mask = np.random.default_rng(1).random(shape[0]) < 0.6 if masked else None
    kept = x if mask is None else x[mask]
    mean, variance, count = kernels.batch_moments(x, mask)
    assert count == len(kept)
    if count == 0:
        np.testing.assert_array_equal(mean, 0)
        np.testing.assert_array_equal(variance, 0)
        return
    exact = kept.astype(np.float64)
    close(mean, exact.mean(axis=0), kind)
    close(variance, exact.var(axis=0), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_lose_nothing_to_a_large_mean(kernels, kind):
    """The variance is not the difference of two large numbers."""
    x = draw((50_000, 7), kind, offset=1e4 if kind == np.float32 else 1e8)
    mean, variance, _ = kernels.batch_moments(x, None)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-5)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 4, 5), (6,)])
def test_batch_normalization(kernels, threads, shape, kind, affine):
    x = draw(shape, kind)
    mean, variance = draw(shape[-1], kind, 1), draw(shape[-1], kind, 2) ** 2
    gamma, beta = (draw(shape[-1], kind, s) if affine else None for s in (3, 4))
    y = kernels.batch_normalization(x, mean, variance, gamma, beta, EPSILON)
    close(y, normalized(x, mean, variance, gamma, beta), kind)


def batch_gradient(x, dy, keep, mean, variance, gamma, training):
    """The textbook's, in double precision, with the mask's part in the moments."""
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    dy = dy.reshape(rows.shape).astype(np.float64)
    inverse = 1 / np.sqrt(variance.astype(np.float64) + EPSILON)
    hat = (rows - mean) * inverse
    factor = inverse if gamma is None else inverse * gamma
    dx = dy * factor
    kept = keep.sum()
    if training and kept:
        moments = (dy.sum(axis=0) + hat * (dy * hat).sum(axis=0)) / kept
        dx -= keep[:, None] * factor * moments
    return dx.reshape(x.shape), (dy * hat).sum(axis=0), dy.sum(axis=0)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 4, 5)])
def test_batch_normalization_gradient(kernels, threads, shape, kind, training, masked):
    x, dy = draw(shape, kind), draw(shape, kind, 1, offset=0.1)
    keep = np.random.default_rng(1).random(x.size // shape[-1]) < (0.6 if masked else 2)
    mask = keep if masked else None
    mean, variance, count = kernels.batch_moments(x, mask)
    gamma = draw(shape[-1], kind, 3) if training else None
    got = kernels.batch_normalization_gradient(
        x, dy, mask, count if training else 0, mean, variance, gamma, EPSILON
    )
    wanted = batch_gradient(x, dy, keep, mean, variance, gamma, training)
    for a, b in zip(got, wanted, strict=True):
        close(a, b, kind)


def test_batch_normalization_gradient_is_numeric(kernels):
    x, dy, gamma, beta = draw((7, 3), float), draw((7, 3), float, 1), draw(3, float, 2), np.ones(3)

    def loss(values, factors):
        mean, variance, _ = kernels.batch_moments(values, None)
        y = kernels.batch_normalization(values, mean, variance, factors, beta, EPSILON)
        return (y * dy).sum()

    mean, variance, count = kernels.batch_moments(x, None)
    dx, d_gamma, _ = kernels.batch_normalization_gradient(
        x, dy, None, count, mean, variance, gamma, EPSILON
    )
    np.testing.assert_allclose(dx, numeric(lambda v: loss(v, gamma), x), atol=1e-7)
    np.testing.assert_allclose(d_gamma, numeric(lambda v: loss(x, v), gamma), atol=1e-7)


def numeric(function, x, step=1e-6):
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(function(moved))
        gradient[place] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def group_reference(x, gamma, beta, groups):
    samples, channels = len(x), x.shape[-1]
    parts = x.astype(np.float64).reshape(samples, -1, groups, channels // groups)
    mean = parts.mean(axis=(1, 3), keepdims=True)
    inverse = 1 / np.sqrt(parts.var(axis=(1, 3), keepdims=True) + EPSILON)
    y = ((parts - mean) * inverse).reshape(x.shape)
    y = y if gamma is None else y * gamma
    y = y if beta is None else y + beta
    return y, mean.reshape(samples, groups), inverse.reshape(samples, groups)


def group_gradient(x, dy, gamma, groups):
    samples, channels = len(x), x.shape[-1]
    shape = (samples, -1, groups, channels // groups)
    _, mean, inverse = group_reference(x, None, None, groups)
    mean, inverse = mean[:, None, :, None], inverse[:, None, :, None]
    hat = (x.astype(np.float64).reshape(shape) - mean) * inverse
    dy = dy.astype(np.float64)
    g = (dy if gamma is None else dy * gamma).reshape(shape)
    dx = inverse * (
        g - g.mean(axis=(1, 3), keepdims=True) - hat * (g * hat).mean(axis=(1, 3), keepdims=True)
    )
    others = tuple(range(x.ndim - 1))
    return dx.reshape(x.shape), (dy * hat.reshape(x.shape)).sum(others), dy.sum(others)


GROUPED = [((2, 6), 3), ((3, 5, 4), 2), ((4, 9, 7, 12), 4), ((2, 600, 3), 3), ((9, 40, 64), 1)]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("shape", "groups"), [*GROUPED, ((0, 5, 4), 2)])
def test_group_normalization(kernels, threads, shape, groups, kind, affine):
    x, dy = draw(shape, kind), draw(shape, kind, 1, offset=0.2)
    gamma, beta = (draw(shape[-1], kind, s) if affine else None for s in (3, 4))
    got = kernels.group_normalization(x, gamma, beta, groups, EPSILON)
    if len(x):
        for a, b in zip(got, group_reference(x, gamma, beta, groups), strict=True):
            close(a, b, kind)
    gradients = kernels.group_normalization_gradient(x, dy, got[1], got[2], gamma)
    if len(x):
        terms = got[2].max() * np.abs(dy).max()
        for a, b in zip(gradients, group_gradient(x, dy, gamma, groups), strict=True):
            close(a, b, kind, terms)
    else:
        np.testing.assert_array_equal(gradients[1], 0)


def layer_reference(x, gamma, beta, centered):
    exact = x.astype(np.float64)
    mean = exact.mean(axis=-1)
    inverse = 1 / np.sqrt(exact.var(axis=-1) + EPSILON)
    y = (exact - mean[..., None] if centered else exact) * inverse[..., None]
    y = y if gamma is None else y * gamma
    return (y if beta is None else y + beta), mean.ravel(), inverse.ravel()


def layer_gradient(x, dy, gamma, centered):
    exact, dy = x.astype(np.float64), dy.astype(np.float64)
    mean = exact.mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(exact.var(axis=-1, keepdims=True) + EPSILON)
    numerator = exact - mean if centered else exact
    g = dy if gamma is None else dy * gamma
    # y = numerator * inverse: by the numerator, and by the variance.
    dx = g * inverse
    if centered:
        dx -= dx.mean(axis=-1, keepdims=True)
    dx -= (exact - mean) * inverse**3 * (g * numerator).mean(axis=-1, keepdims=True)
    others = tuple(range(x.ndim - 1))
    return dx, (dy * numerator * inverse).sum(others), dy.sum(others)


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [*SHAPES, (2, 3, 4), (5,)])
def test_layer_normalization(kernels, threads, shape, kind, affine, centered):
    x, dy = draw(shape, kind, offset=1.0), draw(shape, kind, 1, offset=0.2)
    gamma, beta = (draw(shape[-1], kind, s) if affine else None for s in (3, 4))
    got = kernels.layer_normalization(x, gamma, beta, EPSILON, centered)
    for a, b in zip(got, layer_reference(x, gamma, beta, centered), strict=True):
        close(a, b, kind)
    gradients = kernels.layer_normalization_gradient(x, dy, got[1], got[2], gamma, centered)
    for a, b in zip(gradients, layer_gradient(x, dy, gamma, centered), strict=True):
        close(a, b, kind)


@pytest.mark.parametrize("centered", [True, False])
def test_layer_normalization_gradient_is_numeric(kernels, centered):
    x, dy, gamma = draw((3, 5), float), draw((3, 5), float, 1), draw(5, float, 2)

    def loss(values):
        return (kernels.layer_normalization(values, gamma, None, EPSILON, centered)[0] * dy).sum()

    _, mean, inverse = kernels.layer_normalization(x, gamma, None, EPSILON, centered)
    dx, _, _ = kernels.layer_normalization_gradient(x, dy, mean, inverse, gamma, centered)
    np.testing.assert_allclose(dx, numeric(loss, x), atol=1e-7)


def test_the_same_bits_every_time(kernels, threads):
    x, dy = draw((20_000, 24), np.float32), draw((20_000, 24), np.float32, 1)
    runs = []
    for _ in range(3):
        mean, variance, count = kernels.batch_moments(x, None)
        runs.append(
            [
                mean,
                variance,
                *kernels.batch_normalization_gradient(
                    x, dy, None, count, mean, variance, None, EPSILON
                ),
            ]
        )
    for run in runs[1:]:
        for a, b in zip(runs[0], run, strict=True):
            np.testing.assert_array_equal(a, b)


def test_wrong_arguments_are_refused(kernels):
    x = np.ones((4, 3), np.float32)
    ok, short = np.ones(3, np.float32), np.ones(2, np.float32)
    with pytest.raises(ValueError, match=r"gamma must have shape \(3,\), got \(2,\)"):
        kernels.batch_normalization(x, ok, ok, short, None, EPSILON)
    with pytest.raises(ValueError, match="variance must have shape"):
        kernels.batch_normalization(x, ok, short, None, None, EPSILON)
    with pytest.raises(ValueError, match="mask must have an element for each row"):
        kernels.batch_moments(x, np.ones(3, bool))
    with pytest.raises(ValueError, match="dy must have the shape of x"):
        kernels.batch_normalization_gradient(x, x[:3], None, 4, ok, ok, None, EPSILON)
    with pytest.raises(ValueError, match="at least one axis"):
        kernels.batch_moments(np.array(1.0), None)
    with pytest.raises(ValueError, match="got 2 groups of 3 channels"):
        kernels.group_normalization(x, None, None, 2, EPSILON)
    with pytest.raises(ValueError, match="a column for each group"):
        kernels.group_normalization_gradient(x, x, np.ones((3, 1), "f"), np.ones((3, 1), "f"), None)
    with pytest.raises(ValueError, match="beta must have shape"):
        kernels.layer_normalization(x, ok, short, EPSILON, True)
    with pytest.raises(ValueError, match="inverse must have shape"):
        kernels.layer_normalization_gradient(x, x, np.ones(4, "f"), ok, None, True)
    for wrong in (x.astype(np.int32), x[:, ::2], x.astype(np.float16)):
        with pytest.raises(TypeError):
            kernels.batch_moments(wrong, None)
    with pytest.raises(TypeError):
        kernels.layer_normalization(x, ok.astype(float), None, EPSILON, True)
