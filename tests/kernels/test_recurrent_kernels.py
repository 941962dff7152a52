"""The recurrent kernels at every SIMD level: against numpy and against numeric gradients."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.special import expit

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": expit,
    "tanh": np.tanh,
    "hard_sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
}
GATES = {"simple_rnn": 1, "gru": 3, "gru_reset_before": 3, "lstm": 4}


@dataclass
class Case:
    """One layer on one batch: B sequences, T steps, D inputs, U units."""

    kind: str
    B: int = 3
    T: int = 4
    D: int = 2
    U: int = 5
    mask: str | None = None
    bias: bool = True
    state: bool = True
    go_backwards: bool = False
    zero_masked: bool = False
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    dtype: type = np.float64
    arrays: dict = field(init=False)

    def __post_init__(self):
        rng = np.random.default_rng([self.B, self.T, self.D, self.U])
        B, T, D, U, G = self.B, self.T, self.D, self.U, GATES[self.kind]
        bias_shape = (2, G * U) if self.kind == "gru" else (G * U,)
        shapes = {"x": (B, T, D), "kernel": (D, G * U), "recurrent_kernel": (U, G * U)}
        shapes |= {"bias": bias_shape, "h0": (B, U), "c0": (B, U)}
        scales = {"kernel": D**-0.5, "recurrent_kernel": 0.5 * U**-0.5, "bias": 0.5}
        self.arrays = {
            name: (rng.normal(size=shape) * scales.get(name, 1)).astype(self.dtype)
            for name, shape in shapes.items()
        }
        if not self.bias:
            self.arrays["bias"] = None
        if not self.state:
            self.arrays["h0"] = self.arrays["c0"] = None
        if self.kind != "lstm":
            del self.arrays["c0"]
        self.arrays["mask"] = make_mask(rng, B, T, self.mask)

    @property
    def options(self):
        names = ["activation", "go_backwards", "zero_masked"]
        options = {name: getattr(self, name) for name in names}
        if self.kind != "simple_rnn":
            options["recurrent_activation"] = self.recurrent_activation
        if self.kind.startswith("gru"):
            options["reset_after"] = self.kind == "gru"
        return options

    def forward(self, kernels, *, all_outputs=True, keep=False):
        function = getattr(kernels, self.kind.removesuffix("_reset_before"))
        return function(**self.arrays, **self.options, all_outputs=all_outputs, keep=keep)


def make_mask(rng, B, T, pattern):
    if pattern is None:
        return None
    lengths = np.arange(B) * T // max(B - 1, 1)  # the first is masked wholly, the last not at all
    steps = np.arange(T)
    if pattern == "right":
        return steps < lengths[:, None]
    if pattern == "left":
        return steps >= T - lengths[:, None]
    return rng.random((B, T)) < 0.6


def reference(case):
    """Outputs, last h and (for LSTM) last c, in double precision and a step at a time."""
    given = {
        name: None if value is None else value.astype(np.float64)
        for name, value in case.arrays.items()
    }
    x, W, R, b = (given[name] for name in ("x", "kernel", "recurrent_kernel", "bias"))
    act, rec = ACTIVATIONS[case.activation], ACTIVATIONS[case.recurrent_activation]
    U = case.U
    zeros = np.zeros((case.B, U))
    h = zeros if given["h0"] is None else given["h0"]
    c = zeros if given.get("c0") is None else given["c0"]
    if b is None:
        b = np.zeros((2, 3 * U) if case.kind == "gru" else GATES[case.kind] * U)
    outputs = np.zeros((case.B, case.T, U))
    for step in range(case.T):
        place = case.T - 1 - step if case.go_backwards else step
        from_x = x[:, place] @ W
        c_new = c
        if case.kind == "simple_rnn":
            h_new = act(from_x + h @ R + b)
        elif case.kind == "lstm":
            i, f, g, o = np.split(from_x + h @ R + b, 4, axis=1)
            c_new = rec(f) * c + rec(i) * act(g)
            h_new = rec(o) * act(c_new)
        elif case.kind == "gru":
            xz, xr, xh = np.split(from_x + b[0], 3, axis=1)
            hz, hr, hh = np.split(h @ R + b[1], 3, axis=1)
            z = rec(xz + hz)
            h_new = z * h + (1 - z) * act(xh + rec(xr + hr) * hh)
        else:
            xz, xr, xh = np.split(from_x + b, 3, axis=1)
            z, r = rec(xz + h @ R[:, :U]), rec(xr + h @ R[:, U : 2 * U])
            h_new = z * h + (1 - z) * act(xh + (r * h) @ R[:, 2 * U :])
        seen = np.ones((case.B, 1), bool)
        if case.arrays["mask"] is not None:
            seen = case.arrays["mask"][:, place, None]
        h, c = np.where(seen, h_new, h), np.where(seen, c_new, c)
        outputs[:, step] = np.where(seen, h, 0) if case.zero_masked else h
    return (outputs, h, c) if case.kind == "lstm" else (outputs, h)


def gradients(case, kernels, d_results):
    """The gradients of everything, as the ops put them together; d_results may hold None."""
    weights, mask = case.arrays["recurrent_kernel"], case.arrays["mask"]
    saved = case.forward(kernels, keep=True)[-1]
    names = ("d_outputs", "d_h", "d_c")[: len(d_results)]
    upstream = dict(zip(names, d_results, strict=True))
    given = {"recurrent_kernel": weights, "mask": mask, **upstream, **case.options}
    if case.kind == "simple_rnn":
        activated, h_before = saved
        d_sums, d_h0 = kernels.simple_rnn_gradient(activated=activated, **given)
        found = {"h0": d_h0}
    elif case.kind == "lstm":
        gates, h_before, c_before = saved
        d_sums, d_h0, d_c0 = kernels.lstm_gradient(gates=gates, c_before=c_before, **given)
        found = {"h0": d_h0, "c0": d_c0}
    else:
        gates, h_before, inner = saved
        d_sums, d_inner, d_h0 = kernels.gru_gradient(
            gates=gates, h_before=h_before, inner=inner, **given
        )
        found = {"h0": d_h0}
    x = case.arrays["x"]
    if case.kind.startswith("gru"):
        of_parameters = kernels.gru_parameter_gradients(x, h_before, inner, d_sums, d_inner)
    else:
        of_parameters = kernels.sequence_parameter_gradients(x, h_before, d_sums)
    found |= zip(("kernel", "recurrent_kernel", "bias"), of_parameters, strict=True)
    found["x"] = kernels.sequence_input_gradient(d_sums, case.arrays["kernel"])
    return found


SHAPES = [
    {"B": 1, "T": 1, "D": 1, "U": 1},
    {"B": 2, "T": 3, "D": 3, "U": 7},
    {"B": 7, "T": 5, "D": 4, "U": 16},
    {"B": 13, "T": 4, "D": 1, "U": 17},
    {"B": 150, "T": 2, "D": 5, "U": 33},
    {"B": 9, "T": 9, "D": 20, "U": 130},
    {"B": 260, "T": 8, "D": 5, "U": 21},  # two to four threads sum shares of the rows
    {"B": 1, "T": 3, "D": 20, "U": 37},  # a single row at each step
    {"B": 0, "T": 3, "D": 2, "U": 4},
    {"B": 3, "T": 0, "D": 2, "U": 4},
]
VARIANTS = [
    {},
    {"bias": False, "state": False},
    {"go_backwards": True},
    {"mask": "right"},
    {"mask": "left", "zero_masked": True},
    {"mask": "any", "go_backwards": True, "zero_masked": True},
    {"mask": "any", "go_backwards": True, "state": False},
    {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
    {"activation": "linear", "recurrent_activation": "tanh"},
    {"activation": "hard_sigmoid", "recurrent_activation": "sigmoid"},
]


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_equals_numpy(kernels, kind, shape, dtype):
    for variant in VARIANTS:
        case = Case(kind, **shape, **variant, dtype=dtype)
        wanted = reference(case)
        tolerance = 2e-5 if dtype == np.float32 else 1e-12
        for keep in (False, True):
            *results, saved = case.forward(kernels, keep=keep)
            assert (saved is not None) == keep
            for result, want in zip(results, wanted, strict=True):
                assert result.dtype == dtype
                limit = tolerance * max(1, np.abs(want).max(initial=0))
                np.testing.assert_allclose(result, want, atol=limit, rtol=0, err_msg=str(variant))
        assert case.forward(kernels, all_outputs=False)[0] is None


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_gradients_equal_numeric_ones(kernels, kind, variant):
    case = Case(kind, **variant)
    rng = np.random.default_rng(1)
    d_results = [rng.normal(size=result.shape) for result in case.forward(kernels)[:-1]]
    for used in [d_results, [d_results[0]] + [None] * (len(d_results) - 1), [None, *d_results[1:]]]:
        found = gradients(case, kernels, used)

        def objective(used=used):
            results = case.forward(kernels)[:-1]
            return sum((d * y).sum() for d, y in zip(used, results, strict=True) if d is not None)

        for name, array in case.arrays.items():
            if array is None or name == "mask":
                continue
            wanted = np.zeros_like(array)
            for place in np.ndindex(array.shape):
                old, values = array[place], []
                for step in (1e-5, -1e-5):
                    array[place] = old + step
                    values.append(objective())
                array[place] = old
                wanted[place] = (values[0] - values[1]) / 2e-5
            np.testing.assert_allclose(found[name], wanted, atol=1e-7, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("shape", SHAPES[:-2], ids=str)
def test_single_precision_gradients_equal_double(kernels, kind, shape):
    for variant in VARIANTS[:7]:
        single, double = (Case(kind, **shape, **variant, dtype=t) for t in (np.float32, float))
        rng = np.random.default_rng(2)
        upstream = [rng.normal(size=result.shape) for result in double.forward(kernels)[:-1]]
        wanted = gradients(double, kernels, upstream)
        found = gradients(single, kernels, [d.astype(np.float32) for d in upstream])
        for name, want in wanted.items():
            limit = 2e-5 * np.abs(want).max(initial=1e-3)
            np.testing.assert_allclose(found[name], want, atol=limit, rtol=0, err_msg=name)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("B", [70, 150])  # threads share the columns of gradients, or their rows
def test_numbers_of_threads_agree(kernels, kind, B):
    case = Case(kind, B=B, T=12, D=9, U=40, mask="right", dtype=np.float32)
    rng = np.random.default_rng(3)
    d_results = [rng.normal(size=(B, 12, 40)).astype(np.float32)]
    d_results += [None] * (2 if kind == "lstm" else 1)
    before, found = kernels.num_threads(), []
    try:
        for threads in (1, 2, 2, 3):
            kernels.set_num_threads(threads)
            results = [np.copy(result) for result in case.forward(kernels)[:-1]]
            found.append([*results, *gradients(case, kernels, d_results).values()])
    finally:
        kernels.set_num_threads(before)
    for one, two, again, three in zip(*found, strict=True):
        np.testing.assert_array_equal(two, again)
        for other in (two, three):
            np.testing.assert_allclose(other, one, atol=1e-6 * np.abs(one).max(), rtol=0)


def test_masked_steps_hide_what_they_hold(kernels):
    for kind in GATES:
        case = Case(kind, mask="right", dtype=np.float32)
        wanted = [np.copy(result) for result in case.forward(kernels, keep=True)[:-1]]
        case.arrays["x"][~case.arrays["mask"]] = np.nan
        for result, want in zip(case.forward(kernels, keep=True)[:-1], wanted, strict=True):
            np.testing.assert_array_equal(result, want)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("x", lambda x: x[0], "three dimensions"),
        ("kernel", lambda w: w[:, :-1], r"kernel must have the shape \(2, "),
        ("recurrent_kernel", lambda w: w[:, :-1], "recurrent_kernel must have the shape"),
        ("recurrent_kernel", lambda w: w[:0], "row for each unit"),
        ("bias", lambda b: b[..., :-1], "bias must have the shape"),
        ("h0", lambda h: h[:-1], r"h0 must have the shape \(3, 5\), got \(2, 5\)"),
        ("mask", lambda m: m[:, 1:], "mask must have the shape"),
    ],
)
def test_wrong_arguments_raise(kernels, kind, name, change, message):
    case = Case(kind, mask="right")
    case.arrays[name] = np.ascontiguousarray(change(case.arrays[name]))
    with pytest.raises(ValueError, match=message):
        case.forward(kernels)
    case = Case(kind, mask="right", activation="selu")
    with pytest.raises(ValueError, match="selu"):
        case.forward(kernels)
    case = Case(kind, mask="right")
    case.arrays["kernel"] = case.arrays["kernel"].astype(np.float32)
    with pytest.raises(TypeError):
        case.forward(kernels)


def test_gradients_of_other_shapes_raise(kernels):
    d_sums, other = np.zeros((2, 3, 8)), np.zeros((2, 4, 5))
    with pytest.raises(ValueError, match="same sequences"):
        kernels.sequence_parameter_gradients(other, d_sums, d_sums)
    with pytest.raises(ValueError, match="same sequences"):
        kernels.sequence_parameter_gradients(d_sums, other, d_sums)
    with pytest.raises(ValueError, match="same sequences"):
        kernels.sequence_parameter_gradients(d_sums, d_sums, d_sums[0])
    with pytest.raises(ValueError, match="columns of d_sums"):
        kernels.sequence_input_gradient(d_sums, np.zeros((5, 7)))
    same = other[:, :3].copy()
    with pytest.raises(ValueError, match="d_sums must have the shape"):
        kernels.gru_parameter_gradients(same, same, same, d_sums, None)
    with pytest.raises(ValueError, match="inner must have the shape"):
        kernels.gru_parameter_gradients(same, same, other, np.zeros((2, 3, 15)), None)
