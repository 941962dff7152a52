"""Pooling and interpolation kernels against plain loops, at every SIMD level."""

from __future__ import annotations

import numpy as np
import pytest
from image_references import (
    Windows,
    average_pool,
    average_pool_gradient,
    max_pool,
    max_pool_gradient,
)

TOLERANCE = {"float32": 3e-6, "float64": 1e-14}

# cells, channels, window, strides, before, after
CASES = {
    "one cell": ((1, 1), 1, (1, 1), (1, 1), (0, 0), (0, 0)),
    "side by side": ((8, 6), 3, (2, 2), (2, 2), (0, 0), (0, 0)),
    "with a rest": ((9, 7), 37, (2, 2), (2, 2), (0, 0), (0, 0)),
    "padded": ((9, 7), 16, (2, 2), (2, 2), (0, 0), (1, 1)),
    "overlapping": ((9, 8), 5, (3, 3), (2, 1), (1, 1), (1, 1)),
    "apart": ((11, 9), 20, (2, 1), (3, 4), (0, 0), (0, 0)),
    "all": ((5, 6), 19, (5, 6), (1, 1), (0, 0), (0, 0)),
    "many channels": ((5, 6), 117, (3, 3), (2, 2), (0, 1), (1, 1)),  # 64 + 32 + 16 + 5
    "a sequence": ((1, 31), 33, (1, 4), (1, 3), (0, 1), (0, 2)),
}


@pytest.fixture(params=[1, 2])
def threads(kernels, request):
    kernels.set_num_threads(request.param)
    yield request.param
    kernels.set_num_threads(0)


def close(got, wanted, dtype):
    assert got.dtype == dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("case", CASES)
def test_pooling(kernels, case, batch, dtype):
    cells, channels, window, strides, before, after = CASES[case]
    w = Windows(cells, window, strides, (1, 1), before, after)
    random = np.random.default_rng(0)
    # Few values, so that there are ties.
    x = random.integers(-3, 4, (batch, *cells, channels)).astype(dtype)
    dy = random.standard_normal((batch, *w.places, channels)).astype(dtype)
    where = w.of(kernels)

    wanted, wanted_chosen = max_pool(x, w)
    y, chosen = kernels.max_pool2d(x, where, want_chosen=True)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(chosen, wanted_chosen)
    np.testing.assert_array_equal(kernels.max_pool2d(x, where, want_chosen=False), wanted)
    dx = kernels.max_pool2d_gradient(chosen, dy, where)
    close(dx, max_pool_gradient(wanted_chosen, dy, w), dtype)

    close(kernels.average_pool2d(x, where), average_pool(x, w), dtype)
    close(kernels.average_pool2d_gradient(dy, where), average_pool_gradient(dy, w), dtype)


def test_max_of_nan_and_of_minus_infinity(kernels):
    x = np.full((1, 2, 4, 20), -np.inf, np.float32)
    x[0, 1, 2:, 3] = np.nan, 5
    where = Windows((2, 4), (2, 2), (2, 2)).of(kernels)
    y, chosen = kernels.max_pool2d(x, where, want_chosen=True)
    wanted = np.full((1, 1, 2, 20), -np.inf)
    wanted[0, 0, 1, 3] = np.nan
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_array_equal(kernels.max_pool2d(x, where, want_chosen=False), wanted)
    wanted_chosen = np.zeros((1, 1, 2, 20))
    wanted_chosen[0, 0, 1, 3] = 2
    np.testing.assert_array_equal(chosen, wanted_chosen)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "channels"), [(0, 3), (1, 67), (1, 300), (5, 7), (3, 32)])
def test_weighted_sum(kernels, batch, channels, dtype):
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, 11, channels)).astype(dtype)
    weights = random.random((batch, 11)).astype(dtype)
    dy = random.standard_normal((batch, channels)).astype(dtype)
    close(kernels.weighted_sum(x, weights), np.einsum("bnc,bn->bc", x, weights), dtype)
    wanted = np.einsum("bc,bn->bnc", dy, weights)
    close(kernels.weighted_sum_gradient(dy, weights), wanted, dtype)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "channels"), [(0, 3), (1, 67), (1, 300), (5, 7), (3, 32)])
def test_equals_share_the_gradient_of_a_maximum(kernels, batch, channels, dtype):
    random = np.random.default_rng(0)
    x = random.integers(-3, 4, (batch, 11, channels)).astype(dtype)
    y = x.max(axis=1)
    dy = random.standard_normal((batch, channels)).astype(dtype)
    equal = x == y[:, None]
    wanted = equal * (dy / equal.sum(axis=1))[:, None]
    close(kernels.max_over_all_gradient(x, y, dy), wanted, dtype)


def test_a_weight_of_zero_silences_nan(kernels):
    x = np.full((3, 2, 70), np.nan, np.float32)
    x[:, 1] = 3
    weights = np.array([[0, 1]] * 3, np.float32)
    np.testing.assert_array_equal(kernels.weighted_sum(x, weights), np.full((3, 70), 3))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "channels"), [(0, 3), (1, 50), (5, 3), (3, 16)])
@pytest.mark.parametrize("taps", [1, 2])
def test_interpolate(kernels, taps, batch, channels, dtype):
    random = np.random.default_rng(0)

    def taps_of(size, places):
        cells = random.integers(0, size, (places, taps)).astype(np.int32)
        weights = random.standard_normal((places, taps)).astype(dtype)
        weights[0] = 1
        matrix = np.zeros((places, size))
        for m, k in np.ndindex(places, taps):
            matrix[m, cells[m, k]] += weights[m, k]
        return (cells, weights), matrix

    (down, by_rows), (across, by_columns) = taps_of(6, 13), taps_of(5, 7)
    x = random.standard_normal((batch, 6, 5, channels)).astype(dtype)
    dy = random.standard_normal((batch, 13, 7, channels)).astype(dtype)
    wanted = np.einsum("ir,jc,brcn->bijn", by_rows, by_columns, x)
    close(kernels.interpolate(x, *down, *across), wanted, dtype)
    wanted = np.einsum("ir,jc,bijn->brcn", by_rows, by_columns, dy)
    close(kernels.interpolate_gradient(dy, *down, *across, (6, 5)), wanted, dtype)


def test_wrong_arguments(kernels):
    x = np.zeros((2, 4, 4, 3), np.float32)
    good = [(4, 4), (2, 2), (2, 2), (2, 2), (1, 1), (0, 0)]

    def refused(match, x, windows):
        with pytest.raises(ValueError, match=match):
            kernels.max_pool2d(x, windows, want_chosen=True)
        with pytest.raises(ValueError, match=match):
            kernels.average_pool2d(x, windows)

    fitting = kernels.Windows(*good)
    refused("images, rows, columns, channels", x[0], fitting)
    refused(r"on 4 x 4 cells do not fit x \(2, 3, 4, 3\)", x[:, 1:].copy(), fitting)
    for place, value, match in (
        (1, (2**13, 2**13), "2\\^24"),
        (2, (3, 2), "outside of its image"),
        (2, (2, 3), "outside of its image"),
        (4, (1, 2), "dilated"),
        (5, (2, 0), "outside of its image"),
    ):
        refused(match, x, kernels.Windows(*good[:place], value, *good[place + 1 :]))

    dy = np.zeros((2, 2, 2, 3), np.float32)
    with pytest.raises(ValueError, match="shape of dy"):
        kernels.max_pool2d_gradient(np.zeros((2, 2, 2, 2), np.float32), dy, fitting)
    with pytest.raises(ValueError, match="at 2 x 2 places do not fit dy"):
        kernels.average_pool2d_gradient(dy[:, 1:].copy(), fitting)
    beyond = kernels.Windows((2, 2), *good[1:])
    with pytest.raises(ValueError, match="outside of its image"):
        kernels.average_pool2d_gradient(dy, beyond)
    with pytest.raises(ValueError, match="one for each row"):
        kernels.weighted_sum(x[0], np.zeros((4, 3), np.float32))
    with pytest.raises(ValueError, match="as many rows"):
        kernels.weighted_sum_gradient(x[0, 0], np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="largest of the rows"):
        kernels.max_over_all_gradient(x[0], x[0, 0, :1].copy(), x[0, 0, :1].copy())
    one = (np.zeros((1, 1), np.int32), np.ones((1, 1), np.float32))
    for cell in (-1, 4):
        outside = (np.full((1, 1), cell, np.int32), one[1])
        for taps in ((*outside, *one), (*one, *outside)):
            with pytest.raises(ValueError, match="outside of the axis"):
                kernels.interpolate(x, *taps)
            with pytest.raises(ValueError, match="outside of the axis"):
                kernels.interpolate_gradient(x[:, :1, :1].copy(), *taps, (4, 4))
    nothing = (np.zeros((1, 0), np.int32), np.ones((1, 0), np.float32))
    with pytest.raises(ValueError, match="matrices of one shape"):
        kernels.interpolate(x, *one, *nothing)
    with pytest.raises(ValueError, match="one row for each of dy"):
        kernels.interpolate_gradient(x, *one, *one, (4, 4))
