"""Every update rule against plain numpy at every SIMD level, dense and by rows."""

from __future__ import annotations

import platform

import numpy as np
import pytest

# One update of (w, g, slots, t) in numpy for each rule. The formulas are Keras 3's.


def sgd(w, g, s, t):
    return w - 0.1 * g, s


def momentum(nesterov):
    def step(w, g, s, t):
        m = 0.9 * s[0] - 0.1 * g
        return (w + 0.9 * m - 0.1 * g if nesterov else w + m), [m]

    return step


def rmsprop(has_momentum, centered):
    def step(w, g, s, t):
        s = list(s)
        s[0] = 0.9 * s[0] + 0.1 * g**2
        denominator = s[0] + 1e-3
        if centered:
            s[-1] = 0.9 * s[-1] + 0.1 * g
            denominator = denominator - s[-1] ** 2
        change = 0.01 * g / np.sqrt(denominator)
        if has_momentum:
            change = s[1] = 0.8 * s[1] + change
        return w - change, s

    return step


def adam(amsgrad):
    def step(w, g, s, t):
        m, v = s[0] + 0.1 * (g - s[0]), s[1] + 0.01 * (g**2 - s[1])
        top = np.maximum(s[2], v) if amsgrad else v
        rate = 0.01 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t)
        return w - m * rate / (np.sqrt(top) + 1e-7), [m, v, top][: 2 + amsgrad]

    return step


def adagrad(w, g, s, t):
    a = s[0] + g**2
    return w - 0.1 * g / np.sqrt(a + 1e-7), [a]


def adadelta(w, g, s, t):
    a = 0.95 * s[0] + 0.05 * g**2
    d = np.sqrt(s[1] + 1e-7) * g / np.sqrt(a + 1e-7)
    return w - 0.5 * d, [a, 0.95 * s[1] + 0.05 * d**2]


def adamax(w, g, s, t):
    m, u = s[0] + 0.1 * (g - s[0]), np.maximum(0.99 * s[1], np.abs(g))
    return w - 0.01 * m / ((1 - 0.9**t) * (u + 1e-7)), [m, u]


def u_product(t):
    return np.prod([0.9 * (1 - 0.5 * 0.96**k) for k in range(1, t + 1)])


def nadam(w, g, s, t):
    m, v = s[0] + 0.1 * (g - s[0]), s[1] + 0.01 * (g**2 - s[1])
    u, u1 = 0.9 * (1 - 0.5 * 0.96**t), 0.9 * (1 - 0.5 * 0.96 ** (t + 1))
    m_hat = u1 * m / (1 - u_product(t) * u1) + (1 - u) * g / (1 - u_product(t))
    return w - 0.01 * m_hat / (np.sqrt(v / (1 - 0.99**t)) + 1e-7), [m, v]


# The kernel, how many slots, their start, its numbers at step t, and one update in numpy.
RULES = {
    "sgd": ("sgd", 0, 0, lambda t: (0.1,), sgd),
    "momentum": ("momentum", 1, 0, lambda t: (0.1, 0.9, False), momentum(False)),
    "nesterov": ("momentum", 1, 0, lambda t: (0.1, 0.9, True), momentum(True)),
    "rmsprop": ("rmsprop", 1, 0, lambda t: (0.01, 0.9, 0, 1e-3, False), rmsprop(False, False)),
    "inertia": ("rmsprop", 2, 0, lambda t: (0.01, 0.9, 0.8, 1e-3, False), rmsprop(True, False)),
    "centered": ("rmsprop", 2, 0, lambda t: (0.01, 0.9, 0, 1e-3, True), rmsprop(False, True)),
    "both": ("rmsprop", 3, 0, lambda t: (0.01, 0.9, 0.8, 1e-3, True), rmsprop(True, True)),
    "adam": ("adam", 2, 0, lambda t: (0.01, 0.9, 0.99, 1e-7, False, t), adam(False)),
    "amsgrad": ("adam", 3, 0, lambda t: (0.01, 0.9, 0.99, 1e-7, True, t), adam(True)),
    "adagrad": ("adagrad", 1, 0.1, lambda t: (0.1, 1e-7), adagrad),
    "adadelta": ("adadelta", 2, 0, lambda t: (0.5, 0.95, 1e-7), adadelta),
    "adamax": ("adamax", 2, 0, lambda t: (0.01, 0.9, 0.99, 1e-7, t), adamax),
    "nadam": ("nadam", 2, 0, lambda t: (0.01, 0.9, 0.99, 1e-7, t, u_product(t)), nadam),
}
# The slots of these alone decay where the gradient is zero; the weights stay.
RHO = {"rmsprop": 0.9, "centered": 0.9, "adadelta": 0.95}
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-13}


def close(got, wanted, dtype):
    scale = max(np.abs(wanted).max(initial=0), 1e-3)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE[dtype] * scale)


def options(kernels, **kwargs):
    return kernels.UpdateOptions(**kwargs)


class Run:
    """One variable with its slots under one rule."""

    def __init__(self, kernels, rule, weights, *, clock=False, **kwargs):
        name, count, start, self.numbers, self.reference = RULES[rule]
        self.kernel = getattr(kernels, "update_" + name)
        self.kernels, self.rule = kernels, rule
        self.weights = weights.copy()
        self.slots = [np.full_like(weights, start) for _ in range(count)]
        self.clock = np.zeros(len(weights) + 1, np.int64) if clock else None
        self.options = options(kernels, **kwargs)

    def step(self, gradient, t):
        numbers = self.numbers(t)
        self.kernel([self.weights], [gradient], [self.slots], [self.clock], self.options, *numbers)

    def flush(self):
        if self.clock is not None:
            self.kernels.catch_up(self.slots, self.clock, RHO[self.rule])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(1,), (3, 5), (2, 31), (16,), (7, 9, 3), (0, 4), (), (300, 200)])
def test_dense(kernels, dtype, rule, shape):
    generator = np.random.default_rng(1)
    weights = generator.normal(size=shape).astype(dtype)
    run = Run(kernels, rule, weights)
    w, slots = weights.astype(float), [s.astype(float) for s in run.slots]
    for t in range(1, 5):
        gradient = generator.normal(size=shape).astype(dtype)
        run.step(gradient, t)
        w, slots = run.reference(w, gradient.astype(float), slots, t)
        close(run.weights, w, dtype)
        for got, wanted in zip(run.slots, slots, strict=True):
            close(got, wanted, dtype)


def random_rows(generator, V, D, dtype):
    rows = np.sort(generator.choice(V, generator.integers(0, min(V, 12) + 1), replace=False))
    return rows.astype(np.int64), generator.normal(size=(len(rows), D)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize(("V", "D"), [(40, 8), (13, 17), (1, 3), (1000, 40)])
def test_rows_give_what_the_dense_update_gives(kernels, dtype, rule, decay, V, D):
    generator = np.random.default_rng(V)
    weights = generator.normal(size=(V, D)).astype(dtype)
    by_rows = Run(kernels, rule, weights, clock=rule in RHO, decay=decay)
    dense = Run(kernels, rule, weights, decay=decay)
    for t in range(1, 40):
        rows, values = random_rows(generator, V, D, dtype)
        table = np.zeros((V, D), dtype)
        table[rows] = values
        # A dense gradient between those by rows finds slots that lag.
        by_rows.step(table if t % 9 == 0 else (rows, values), t)
        dense.step(table, t)
        close(by_rows.weights, dense.weights, dtype)
        if t % 13 == 0 or t == 39:
            by_rows.flush()
            for got, wanted in zip(by_rows.slots, dense.slots, strict=True):
                close(got, wanted, dtype)


@pytest.mark.parametrize("rule", RULES)
def test_lazy_leaves_other_rows_alone(kernels, rule):
    generator = np.random.default_rng(2)
    weights = generator.normal(size=(30, 6))
    run = Run(kernels, rule, weights, lazy=True, decay=0.01)
    alone = Run(kernels, rule, weights[[4, 9]], decay=0.01)
    for t in range(1, 4):
        values = generator.normal(size=(2, 6))
        run.step((np.array([4, 9]), values), t)
        alone.step(values, t)
    np.testing.assert_array_equal(run.weights[[4, 9]], alone.weights)
    np.testing.assert_array_equal(np.delete(run.weights, [4, 9], 0), np.delete(weights, [4, 9], 0))
    for got, wanted in zip(run.slots, alone.slots, strict=True):
        np.testing.assert_array_equal(got[[4, 9]], wanted)


@pytest.mark.parametrize("rule", ["sgd", "adagrad", *RHO])
def test_rows_that_are_not_touched_are_not_read(kernels, rule):
    """A page that may not be read would be a crash; NaN in every other row is the gentler proof."""
    weights = np.full((100, 5), np.nan)
    run = Run(kernels, rule, weights, clock=rule in RHO)
    for array in [run.weights, *run.slots]:
        array[[3, 50]] = 0.5
    run.step((np.array([3, 50]), np.ones((2, 5))), 1)
    assert np.isfinite(run.weights[[3, 50]]).all()
    if run.clock is not None:
        assert run.clock.tolist() == [int(i in {3, 50, 100}) for i in range(101)]


def test_several_variables_of_two_dtypes_in_one_call(kernels):
    generator = np.random.default_rng(5)
    shapes = [(4, 3), (3,), (50, 2)]
    dtypes = [np.float32, np.float64, np.float32]
    weights = [generator.normal(size=s).astype(d) for s, d in zip(shapes, dtypes, strict=True)]
    gradients = [np.ones_like(weights[0]), np.ones_like(weights[1]),
                 (np.array([7]), np.ones((1, 2), np.float32))]  # fmt: skip
    wanted = [w.copy() for w in weights]
    wanted[0] -= 0.5
    wanted[1] -= 0.5
    wanted[2][7] -= 0.5
    kernels.update_sgd(weights, gradients, [[], [], []], None, options(kernels), 0.5)
    for got, value in zip(weights, wanted, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-6)


def stepped(kernels, gradients, **kwargs):
    """What is subtracted from the weights."""
    weights = [np.zeros_like(g[1] if isinstance(g, tuple) else g) for g in gradients]
    kernels.update_sgd(weights, gradients, [[]] * len(weights), None, options(kernels, **kwargs), 1)
    return [-w for w in weights]


def test_limits_of_gradients(kernels):
    a, b = np.array([3.0, 4.0]), np.array([[0.3, -0.4]])
    clip = stepped(kernels, [a, b], clipnorm=1)
    np.testing.assert_allclose(clip[0], a / 5)
    np.testing.assert_array_equal(clip[1], b)
    clip = stepped(kernels, [a, b], clipnorm=1, gradient_scale=0.1)
    np.testing.assert_allclose(clip[0], a / 10)
    clip = stepped(kernels, [a, b], global_clipnorm=1)
    norm = np.sqrt((a**2).sum() + (b**2).sum())
    np.testing.assert_allclose(clip[0], a / norm)
    np.testing.assert_allclose(clip[1], b / norm)
    clip = stepped(kernels, [a, b], global_clipnorm=100)
    np.testing.assert_array_equal(clip[0], a)
    clip = stepped(kernels, [a, b], clipvalue=0.35)
    np.testing.assert_array_equal(clip[0], [0.35, 0.35])
    np.testing.assert_array_equal(clip[1], [[0.3, -0.35]])
    clip = stepped(kernels, [(np.array([0, 1]), np.array([[3.0], [4.0]]))], clipnorm=1)
    np.testing.assert_allclose(clip[0], [[0.6], [0.8]])


@pytest.mark.parametrize("kwargs", [{}, {"clipvalue": 1}, {"clipnorm": 1}, {"global_clipnorm": 1}])
@pytest.mark.parametrize("rule", RULES)
def test_nan_is_never_hidden(kernels, rule, kwargs):
    run = Run(kernels, rule, np.zeros(5, np.float32), **kwargs)
    run.step(np.array([1, np.nan, 1, 1, 1], np.float32), 1)
    assert np.isnan(run.weights[1])


@pytest.mark.skipif("x86" not in platform.machine() and "AMD" not in platform.machine(),
                    reason="there is no such mode")  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("by_rows", [False, True])
def test_nothing_becomes_too_small_to_be_normal(kernels, dtype, by_rows):
    """Such numbers are slow, and moments that decay come to them."""
    tiny = np.finfo(dtype).tiny
    run = Run(kernels, "adam", np.ones((40, 3), dtype))
    for slot in run.slots:
        slot[:] = 1.05 * tiny
    values = np.ones((1, 3), dtype)
    gradient = (np.array([7]), values) if by_rows else np.zeros((40, 3), dtype)
    for t in (1, 2):
        run.step(gradient, t)
    decayed = run.slots[0][:7]
    assert ((decayed == 0) | (decayed >= tiny)).all()
    after = dtype(0.5) * dtype(tiny)
    assert after > 0  # this thread computes as before


def test_decoupled_decay_comes_first(kernels):
    weights = np.full(3, 2.0)
    kernels.update_sgd([weights], [np.ones(3)], [[]], None, options(kernels, decay=0.25), 0.5)
    np.testing.assert_array_equal(weights, np.full(3, 1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 16_384, 100_001])
def test_sum_of_squares(kernels, dtype, size):
    x = np.random.default_rng(size).normal(size=size).astype(dtype)
    wanted = (x.astype(float) ** 2).sum()
    assert kernels.sum_of_squares(x) == pytest.approx(wanted, rel=1e-13)


def test_number_of_threads_changes_no_bit(kernels):
    generator = np.random.default_rng(6)
    x = generator.normal(size=(700, 301)).astype(np.float32)
    before = kernels.num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            kernels.set_num_threads(threads)
            run = Run(kernels, "adam", x, clipnorm=0.5)
            run.step(x, 1)
            run.step((np.arange(0, 700, 3), x[::3].copy()), 2)
            sparse = Run(kernels, "adadelta", x, clock=True)
            for t in (1, 2, 3):
                sparse.step((np.arange(0, 700, t), x[::t].copy()), t)
            sparse.flush()
            total = kernels.sum_of_squares(x)
            results.append((run.weights, *run.slots, sparse.weights, *sparse.slots, total))
    finally:
        kernels.set_num_threads(before)
    for other in results[1:]:
        for got, wanted in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_wrong_arguments_change_nothing(kernels):
    good, plain = np.zeros((4, 3)), options(kernels)
    adagrad = kernels.update_adagrad

    def fails(match, weights, gradients, slots, clocks=None, error=ValueError):
        with pytest.raises(error, match=match):
            adagrad([good, *weights], [np.ones((4, 3)), *gradients], [[np.ones((4, 3))], *slots],
                    clocks, plain, 0.1, 1e-7)  # fmt: skip
        assert not good.any()

    w, s = np.zeros((4, 3)), [np.zeros((4, 3))]
    g = np.ones((4, 3))
    rows, values = np.array([0, 2]), np.ones((2, 3))
    fails("as many gradients", [w], [], [s])
    fails("this rule has 1 slots, got 0", [w], [g], [[]])
    fails(r"a gradient of shape \(3, 4\) for weights of shape \(4, 3\)", [w], [g.T.copy()], [s])
    fails("a slot of shape", [w], [g], [[np.zeros(3)]])
    fails("contiguous and of the weights' dtype", [w], [g.astype(np.float32)], [s])
    fails("contiguous and of the weights' dtype", [w], [g.T], [s])
    fails("float32 or float64", [w.astype(int)], [g], [s])
    fails("slots must be contiguous", [w], [g], [[np.zeros((4, 3), np.float32)]])
    fails("a gradient by rows of shape", [w], [(rows, np.ones((3, 3)))], [s])
    fails("a gradient by rows of shape", [w], [(rows, np.ones((2, 4)))], [s])
    fails("rows of int64", [w], [(rows.astype(np.int32), values)], [s])
    for wrong in ([2, 0], [1, 1], [-1, 0], [0, 4]):
        fails(r"rows must ascend within \[0, 4\)", [w], [(np.array(wrong), values)], [s])
    fails("a clock of shape", [w], [(rows, values)], [s], [None, np.zeros(4, np.int64)])
    frozen = np.zeros((4, 3))
    frozen.flags.writeable = False
    fails("weights are read-only", [frozen], [g], [s])
    with pytest.raises(ValueError, match="another table"):
        kernels.catch_up([np.zeros((4, 3))], np.zeros(4, np.int64), 0.9)
    with pytest.raises(TypeError):
        kernels.sum_of_squares(np.zeros(3, np.int64))
