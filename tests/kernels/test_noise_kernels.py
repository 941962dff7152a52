"""Dropout and random arrays, at every SIMD level."""

import numpy as np
import pytest
from scipy import stats


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_right_share_and_the_mean(kernels, dtype, rate):
    x = np.ones((100, 1000), dtype)
    y = kernels.dropout(x, rate, 12)
    assert y.dtype == dtype
    kept = y != 0
    # Five standard deviations of a binomial share.
    margin = 5 * np.sqrt(rate * (1 - rate) / x.size) + 1e-12
    assert abs(kept.mean() - (1 - rate)) <= margin
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-6)
    # No row, column or neighbour tells of another.
    if rate:
        centred = kept - kept.mean()
        for other in (np.roll(centred, 1, 0), np.roll(centred, 1, 1), np.roll(centred, 2, 1)):
            assert abs((centred * other).mean()) < 5 * rate * (1 - rate) / np.sqrt(x.size)


def test_dropout_depends_on_seed_and_place_alone(kernels):
    x = np.random.default_rng(0).normal(size=50_021).astype(np.float32)
    before = kernels.num_threads()
    try:
        kernels.set_num_threads(1)
        one = kernels.dropout(x, 0.3, 99)
        kernels.set_num_threads(2)
        np.testing.assert_array_equal(kernels.dropout(x, 0.3, 99), one)
    finally:
        kernels.set_num_threads(before)
    np.testing.assert_array_equal(kernels.dropout(x[:5001].copy(), 0.3, 99), one[:5001])
    other = kernels.dropout(x, 0.3, 100)
    assert abs(((other != 0) & (one != 0)).mean() - 0.49) < 0.02
    # Drawn again for the gradient, the mask is the same.
    np.testing.assert_array_equal(kernels.dropout(np.ones_like(x), 0.3, 99) != 0, one != 0)


@pytest.mark.parametrize("kind", ["f", "d"])
def test_uniform_numbers_are_uniform(kernels, kind):
    y = kernels.random_uniform((300, 333), -2.0, 3.0, 5, kind)
    assert y.dtype.char == kind
    assert y.shape == (300, 333)
    assert y.min() >= -2
    assert y.max() < 3
    assert stats.kstest(y.ravel(), stats.uniform(-2, 5).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(y.ravel()[1:], y.ravel()[:-1])[0, 1]) < 0.02


@pytest.mark.parametrize("kind", ["f", "d"])
def test_normal_numbers_are_normal(kernels, kind):
    y = kernels.random_normal((300, 333), 1.0, 2.0, 6, kind)
    assert y.dtype.char == kind
    assert np.isfinite(y).all()
    assert stats.kstest(y.ravel(), stats.norm(1, 2).cdf).pvalue > 1e-3
    assert abs(stats.kurtosis(y.ravel())) < 0.08
    assert np.abs(y - 1).max() > 7
    assert abs(np.corrcoef(y.ravel()[1:], y.ravel()[:-1])[0, 1]) < 0.02


def test_seeds_and_sizes(kernels):
    for draw in (kernels.random_uniform, kernels.random_normal):
        whole = draw((10_007,), 0.0, 1.0, 3, "f")
        np.testing.assert_array_equal(draw((5003,), 0.0, 1.0, 3, "f"), whole[:5003])
        assert (draw((10_007,), 0.0, 1.0, 4, "f") != whole).mean() > 0.99
        assert draw((0, 3), 0.0, 1.0, 3, "f").shape == (0, 3)
        assert draw((), 0.0, 1.0, (1 << 63) - 1, "d").shape == ()


def test_wrong_arguments(kernels):
    x = np.ones(3, np.float32)
    for rate in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="rate must be in"):
            kernels.dropout(x, rate, 1)
    with pytest.raises(ValueError, match="kind must be"):
        kernels.random_uniform((3,), 0.0, 1.0, 1, "i")
    with pytest.raises(ValueError, match="a size is negative"):
        kernels.random_normal((-3,), 0.0, 1.0, 1, "f")
    with pytest.raises(ValueError, match="low must not exceed"):
        kernels.random_uniform((3,), 2.0, 1.0, 1, "f")
    with pytest.raises(ValueError, match="deviation must not"):
        kernels.random_normal((3,), 2.0, -1.0, 1, "f")
