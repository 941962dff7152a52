"""Convolution kernels against plain loops, at every SIMD level, in float and double."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_references import (
    ACTIVATIONS,
    Windows,
    conv2d,
    conv2d_gradient_input,
    conv2d_gradient_kernel,
    depthwise,
    depthwise_gradient_input,
    depthwise_gradient_kernel,
)

TOLERANCE = {"float32": 5e-6, "float64": 1e-13}

# cells, channels, filters, groups, window, strides, dilation, before, after
CASES = {
    "one cell": ((1, 1), 1, 1, 1, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    "plain product": ((5, 7), 19, 33, 1, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    "plain product, many places": ((20, 30), 5, 7, 1, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    "plain product in groups": ((5, 7), 6, 9, 3, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    "a cell of each step": ((7, 9), 5, 3, 1, (1, 1), (2, 3), (1, 1), (0, 0), (0, 0)),
    "one channel": ((9, 8), 1, 17, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "many channels": ((6, 5), 37, 21, 1, (3, 3), (1, 1), (1, 1), (0, 0), (0, 0)),
    "uneven": ((8, 11), 3, 5, 1, (2, 5), (3, 2), (1, 1), (1, 0), (0, 2)),
    "dilated": ((10, 11), 4, 6, 1, (3, 2), (1, 1), (2, 3), (2, 1), (2, 2)),
    "dilated with strides": ((10, 11), 4, 6, 2, (3, 2), (2, 2), (2, 3), (2, 1), (2, 2)),
    "groups": ((7, 6), 8, 12, 4, (3, 3), (1, 2), (1, 1), (1, 1), (1, 1)),
    "a group for each channel": ((7, 6), 5, 10, 5, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "steps beyond the window": ((11, 13), 3, 4, 1, (2, 2), (4, 5), (1, 1), (0, 0), (0, 0)),
    "a sequence": ((1, 29), 6, 8, 1, (1, 5), (1, 2), (1, 1), (0, 4), (0, 0)),
    "wider than the image": ((2, 3), 2, 3, 1, (5, 7), (1, 1), (1, 1), (3, 4), (2, 3)),
    "windows beyond the image": ((2, 2), 2, 3, 1, (2, 2), (1, 1), (1, 1), (3, 3), (3, 3)),
    "few filters": ((9, 20), 24, 2, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "one filter, dilated": ((10, 11), 6, 1, 1, (3, 2), (1, 1), (2, 3), (2, 1), (2, 2)),
    "few filters beyond the image": ((2, 3), 5, 2, 1, (2, 2), (1, 1), (1, 1), (3, 3), (3, 3)),
    "wide windows beyond the image": ((2, 14), 16, 20, 1, (2, 2), (1, 1), (1, 1), (3, 3), (3, 3)),
    "few channels back": ((9, 20), 2, 24, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "few filters, no tap": ((5, 1), 1, 19, 1, (1, 1), (4, 1), (1, 1), (0, 0), (0, 0)),
    "square windows": ((12, 14), 24, 32, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "square windows, odd": ((9, 11), 37, 29, 1, (3, 3), (1, 1), (1, 1), (0, 2), (2, 0)),
    "square windows inside": ((23, 17), 48, 33, 1, (3, 3), (1, 1), (1, 1), (0, 0), (0, 0)),
    "square windows, many channels": ((14, 13), 40, 26, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "square windows, large kernel": ((9, 8), 96, 88, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "large kernel": ((6, 5), 96, 60, 1, (5, 5), (1, 1), (1, 1), (2, 2), (2, 2)),
    "square windows with strides": ((9, 9), 24, 32, 1, (6, 6), (2, 2), (1, 1), (2, 2), (2, 2)),
    "square windows, many filters": ((8, 9), 16, 70, 1, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    "long windows, many filters": ((6, 9), 9, 70, 1, (5, 3), (1, 1), (1, 1), (2, 1), (2, 1)),
    "one window": ((3, 4), 9, 40, 1, (5, 6), (1, 1), (1, 1), (1, 1), (1, 1)),
    "several tiles": ((40, 40), 7, 5, 1, (5, 5), (1, 1), (1, 1), (2, 2), (2, 2)),
}


def arrays(seed, dtype, *shapes):
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


def assert_close(got, wanted, dtype):
    assert got.dtype == dtype
    assert got.shape == wanted.shape
    size = max(float(np.abs(wanted).max(initial=0)), 1.0)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE[dtype] * size)


def check_conv2d(kernels, batch, case, dtype, activation="linear"):
    cells, channels, filters, groups, window, strides, dilation, before, after = case
    w = Windows(cells, window, strides, dilation, before, after)
    x, kernel, bias, dy, bias_in = arrays(
        1,
        dtype,
        (batch, *cells, channels),
        (*window, channels // groups, filters),
        filters,
        (batch, *w.places, filters),
        channels,
    )
    act = ACTIVATIONS[activation]
    where = w.of(kernels)
    got = kernels.conv2d(x, kernel, bias, where, groups, activation)
    assert_close(got, act(conv2d(x, kernel, w, groups) + bias), dtype)
    got = kernels.conv2d_gradient_input(dy, kernel, None, where, groups, "linear")
    wanted = conv2d_gradient_input(dy, kernel, w, groups)
    assert_close(got, wanted, dtype)
    got = kernels.conv2d_gradient_input(dy, kernel, bias_in, where, groups, activation)
    assert_close(got, act(wanted + bias_in), dtype)
    got = kernels.conv2d_gradient_kernel(x, dy, where, groups)
    assert_close(got, conv2d_gradient_kernel(x, dy, w, groups), dtype)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_conv2d(kernels, case, dtype, threads):
    before = kernels.num_threads()
    kernels.set_num_threads(threads)
    try:
        check_conv2d(kernels, 3, CASES[case], dtype)
    finally:
        kernels.set_num_threads(before)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_and_activation_are_applied_to_every_tile(kernels, activation):
    check_conv2d(kernels, 2, CASES["several tiles"], "float64", activation)
    check_conv2d(kernels, 2, CASES["plain product in groups"], "float64", activation)


def test_a_tall_image_is_cut_in_bands(kernels):
    # One image for several threads: bands, whose borders two of them compute.
    case = ((97, 9), 4, 5, 1, (3, 3), (1, 2), (2, 1), (2, 1), (1, 0))
    kernels.set_num_threads(3)
    try:
        check_conv2d(kernels, 1, case, "float64", "relu")
        check_conv2d(kernels, 1, (case[0], 4, 5, 1, (3, 3), (5, 2), *case[6:]), "float64")
    finally:
        kernels.set_num_threads(0)


def test_an_empty_batch(kernels):
    x, kernel, dy = arrays(0, "float32", (0, 5, 5, 2), (3, 3, 2, 4), (0, 3, 3, 4))
    where = Windows((5, 5), (3, 3)).of(kernels)
    assert kernels.conv2d(x, kernel, None, where, 1, "linear").shape == (0, 3, 3, 4)
    dx = kernels.conv2d_gradient_input(dy, kernel, None, where, 1, "linear")
    assert dx.shape == (0, 5, 5, 2)
    assert not kernels.conv2d_gradient_kernel(x, dy, where, 1).any()
    cells = np.zeros((0, 5, 5, 4), np.float32)  # a convolution of one cell is a product
    assert not kernels.conv2d_gradient_kernel(
        x, cells, Windows((5, 5), (1, 1)).of(kernels), 1
    ).any()
    kernel = kernel[:, :, :, :1].copy()
    dy = dy[..., :2].copy()
    assert kernels.depthwise_conv2d(x, kernel, None, where, "linear").size == 0
    assert kernels.depthwise_conv2d_gradient_input(dy, kernel, where).size == 0
    assert not kernels.depthwise_conv2d_gradient_kernel(x, dy, where).any()


GRADIENTS = {  # samples, cells, channels and filters
    "plain": (5, (40, 30), 8, 8),
    "of tiles": (5, (40, 30), 32, 24),
    "of few tiles": (2, (14, 12), 64, 40),
    "of few tiles and uneven registers": (2, (14, 12), 72, 40),
}


@pytest.mark.parametrize("case", GRADIENTS)
def test_the_same_bits_each_time(kernels, case):
    batch, (height, width), channels, filters = GRADIENTS[case]
    x, dy = arrays(
        3, "float32", (batch, height, width, channels), (batch, height - 2, width - 2, filters)
    )

    def gradient(threads):
        kernels.set_num_threads(threads)
        where = Windows((height, width), (3, 3)).of(kernels)
        return kernels.conv2d_gradient_kernel(x, dy, where, 1)

    try:
        alone = gradient(1)
        for threads in (2, 3):
            first = gradient(threads)
            np.testing.assert_array_equal(gradient(threads), first)
            size = float(np.abs(alone).max())
            np.testing.assert_allclose(first, alone, rtol=0, atol=1e-6 * size)
    finally:
        kernels.set_num_threads(0)


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cells=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    group_channels=st.integers(1, 5),
    group_filters=st.integers(1, 5),
    groups=st.integers(1, 3),
    window=pairs,
    strides=pairs,
    dilation=pairs,
    before=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    after=st.tuples(st.integers(6, 9), st.integers(6, 9)),
)
def test_any_geometry(
    kernels, cells, group_channels, group_filters, groups, window, strides, dilation, before, after
):
    channels, filters = group_channels * groups, group_filters * groups
    case = (cells, channels, filters, groups, window, strides, dilation, before, after)
    check_conv2d(kernels, 2, case, "float64")
    check_depthwise(kernels, 2, case, "float64", group_filters)


def check_depthwise(kernels, batch, case, dtype, multiplier, activation="linear"):
    cells, channels, _, _, window, strides, dilation, before, after = case
    w = Windows(cells, window, strides, dilation, before, after)
    x, kernel, bias, dy = arrays(
        2,
        dtype,
        (batch, *cells, channels),
        (*window, channels, multiplier),
        channels * multiplier,
        (batch, *w.places, channels * multiplier),
    )
    where = w.of(kernels)
    got = kernels.depthwise_conv2d(x, kernel, bias, where, activation)
    assert_close(got, ACTIVATIONS[activation](depthwise(x, kernel, w) + bias), dtype)
    got = kernels.depthwise_conv2d_gradient_input(dy, kernel, where)
    assert_close(got, depthwise_gradient_input(dy, kernel, w), dtype)
    got = kernels.depthwise_conv2d_gradient_kernel(x, dy, where)
    assert_close(got, depthwise_gradient_kernel(x, dy, w), dtype)


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_depthwise(kernels, case, dtype, multiplier):
    for threads in (1, 2):
        kernels.set_num_threads(threads)
        try:
            check_depthwise(kernels, 3, CASES[case], dtype, multiplier, "relu")
        finally:
            kernels.set_num_threads(0)


def test_wrong_arguments(kernels):
    x, kernel, bias = arrays(0, "float32", (2, 5, 5, 4), (3, 3, 4, 6), 6)
    where = Windows((5, 5), (3, 3)).of(kernels)
    good = [x, kernel, bias, where, 1, "linear"]
    assert kernels.conv2d(*good).shape == (2, 3, 3, 6)

    def refused(place, value, match):
        arguments = list(good)
        arguments[place] = value
        with pytest.raises(ValueError, match=match):
            kernels.conv2d(*arguments)

    refused(0, x[0], r"got \(5, 5, 4\)")
    refused(0, x[:, 1:].copy(), r"on 5 x 5 cells do not fit x \(2, 4, 5, 4\)")
    refused(0, x[:, :, 1:].copy(), r"on 5 x 5 cells do not fit x \(2, 5, 4, 4\)")
    refused(1, kernel[:, :, :3].copy(), "does not fit 4 channels")
    refused(1, kernel[:0], "rows, columns, channels, filters")
    refused(1, kernel[:2], r"of 3 x 3 cells do not fit kernel \(2, 3, 4, 6\)")
    refused(1, kernel[:, :2].copy(), r"of 3 x 3 cells do not fit kernel \(3, 2, 4, 6\)")
    refused(2, bias[:3].copy(), r"bias must be \(6,\), got \(3,\)")
    huge = kernels.Windows((5, 5), (3, 3), (2**30, 2**30), (1, 1), (1, 1), (0, 0))
    refused(3, huge, "more elements than memory")
    refused(4, 0, "groups")
    refused(4, 3, "groups")
    refused(5, "gelu", "gelu")
    strided = x.transpose(0, 2, 1, 3)
    wrong = ((0, x.astype(np.float64)), (0, strided), (0, x.tolist()), (1, None), (3, None))
    for place, value in wrong:
        arguments = list(good)
        arguments[place] = value
        with pytest.raises(TypeError):
            kernels.conv2d(*arguments)


def test_windows_that_cannot_be(kernels):
    good = [(5, 5), (3, 3), (3, 3), (1, 1), (1, 1), (0, 0)]
    for place, value, match in (
        (0, (5, 0), "positive"),
        (1, (0, 3), "positive"),
        (2, (0, 3), "positive"),
        (3, (1, 0), "positive"),
        (4, (2**40, 1), "below 2\\^30"),
        (5, (-1, 0), "before"),
    ):
        arguments = list(good)
        arguments[place] = value
        with pytest.raises(ValueError, match=match):
            kernels.Windows(*arguments)


def test_wrong_gradient_arguments(kernels):
    x, kernel, dy = arrays(0, "float32", (2, 5, 5, 4), (3, 3, 4, 6), (2, 3, 3, 6))
    where = Windows((5, 5), (3, 3)).of(kernels)
    same = Windows((5, 5), (3, 3), before=(1, 1), after=(1, 1)).of(kernels)
    with pytest.raises(ValueError, match="filters"):
        kernels.conv2d_gradient_input(x, kernel, None, same, 1, "linear")
    with pytest.raises(ValueError, match=r"at 5 x 5 places do not fit dy \(2, 3, 3, 6\)"):
        kernels.conv2d_gradient_input(dy, kernel, None, same, 1, "linear")
    with pytest.raises(ValueError, match="groups"):
        kernels.conv2d_gradient_input(dy, kernel, None, where, 0, "linear")
    with pytest.raises(ValueError, match="as many images"):
        kernels.conv2d_gradient_kernel(x[:1].copy(), dy, where, 1)
    for kernel_of in (
        lambda *a: kernels.conv2d_gradient_kernel(*a, 1),
        kernels.depthwise_conv2d_gradient_kernel,
    ):
        with pytest.raises(ValueError, match="at 5 x 5 places do not fit dy"):
            kernel_of(x, dy[..., :4].copy(), same)
        with pytest.raises(ValueError, match="on 5 x 5 cells do not fit x"):
            kernel_of(x[:, 1:].copy(), dy[..., :4].copy(), where)
    with pytest.raises(ValueError, match="groups"):
        kernels.conv2d_gradient_kernel(x, dy, where, 4)
    with pytest.raises(ValueError, match="does not fit x"):
        kernels.depthwise_conv2d(x[..., :3].copy(), kernel, None, where, "linear")
    with pytest.raises(ValueError, match="do not fit kernel"):
        kernels.depthwise_conv2d(x, kernel[:2], None, where, "linear")
    with pytest.raises(ValueError, match="does not fit dy"):
        kernels.depthwise_conv2d_gradient_input(dy, kernel, where)
    with pytest.raises(ValueError, match="multiple"):
        kernels.depthwise_conv2d_gradient_kernel(x, dy, where)
