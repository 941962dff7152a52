"""Recurrent layers and wrappers beside Keras's, with every kind of mask, state and option."""

import numpy as np
import pytest
from keras_beside import (
    assert_close,
    compare_configs,
    compare_layers,
    copy_weights,
    jax,
    keras,
)

from lamina import layers, ops
from lamina.autodiff import GradientTape, Tensor
from lamina.models import Sequential

KINDS = ["SimpleRNN", "GRU", "LSTM"]
B, T, D, U = 4, 5, 3, 6
OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "return_state": True},
    {"return_state": True},
    {"go_backwards": True, "return_sequences": True},
    {"go_backwards": True, "return_state": True},
    {"use_bias": False, "return_sequences": True},
    {"activation": "relu"},
    {"activation": None, "return_sequences": True},
    {"zero_output_for_mask": True, "return_sequences": True},
    {"zero_output_for_mask": True},
    {"zero_output_for_mask": True, "go_backwards": True, "return_state": True},
    {"activation": "softsign", "return_sequences": True, "return_state": True},
    {"activation": "softsign", "go_backwards": True, "zero_output_for_mask": True},
]
GATED_OPTIONS = [
    {"recurrent_activation": "hard_sigmoid", "return_sequences": True},
    {"recurrent_activation": "softplus", "return_sequences": True, "go_backwards": True},
    {"recurrent_activation": "tanh", "activation": "sigmoid"},
]


def data(*shape):
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def mask_of(pattern):
    steps, lengths = np.arange(T), np.array([[2], [5], [0], [4]])  # the third: all masked
    if pattern == "right":
        return steps < lengths
    if pattern == "left":
        return steps >= T - lengths
    mask = np.random.default_rng(5).random((B, T)) < 0.5
    mask[2] = False
    return mask


def pair(name, *args, **options):
    ours = getattr(layers, name)(*args, **options)
    return ours, getattr(keras.layers, name)(*args, **options)


MASKS = [(options, mask) for options in OPTIONS for mask in (None, "any")]
MASKS += [(options, mask) for options in OPTIONS[1:5:3] for mask in ("left", "right")]


@pytest.mark.parametrize(("options", "mask"), MASKS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_layer(kind, options, mask):
    call = {} if mask is None else {"mask": mask_of(mask)}
    compare_layers(*pair(kind, U, **options), data(B, T, D), **call)


@pytest.mark.parametrize("mask", [None, "any"])
@pytest.mark.parametrize("options", GATED_OPTIONS, ids=str)
@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_recurrent_activation(kind, options, mask):
    call = {} if mask is None else {"mask": mask_of(mask)}
    compare_layers(*pair(kind, U, **options), data(B, T, D), **call)


@pytest.mark.parametrize("mask", [None, "any"])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"activation": "elu"}], ids=str)
def test_gru_that_resets_before(options, mask):
    call = {} if mask is None else {"mask": mask_of(mask)}
    ours, theirs = pair("GRU", U, reset_after=False, return_sequences=True, **options)
    compare_layers(ours, theirs, data(B, T, D), **call)


@pytest.mark.parametrize("unit_forget_bias", [True, False])
def test_first_weights(unit_forget_bias):
    for kind in KINDS:
        options = {"unit_forget_bias": unit_forget_bias} if kind == "LSTM" else {}
        ours, theirs = pair(kind, U, bias_initializer="zeros", **options)
        x = data(B, T, D)
        ours(x), theirs(x)
        assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
        np.testing.assert_array_equal(ours.get_weights()[2], np.asarray(theirs.weights[2].value))
        R = ours.get_weights()[1]
        np.testing.assert_allclose(R @ R.T, np.eye(U), atol=1e-5)


def gradients_by_states(ours, theirs, x, states, **call):
    """Compare outputs and the gradients by x and the first states."""
    ours(x), theirs(x)
    copy_weights(ours, theirs)
    tensors = [Tensor(each) for each in (x, *states)]
    with GradientTape() as tape:
        tape.watch(tensors)
        found = ours(tensors[0], initial_state=tensors[1:], **call)
        total = sum(
            (ops.sum(y * data(*y.shape)) for y in (found if type(found) is list else [found])),
            start=Tensor(np.float32(0)),
        )
    mine = tape.gradient(total, tensors)
    weights = [v.value for v in theirs.trainable_variables]
    fixed = [v.value for v in theirs.non_trainable_variables]

    def run(arrays):
        out, _ = theirs.stateless_call(weights, fixed, arrays[0], initial_state=arrays[1:], **call)
        out = out if isinstance(out, (list, tuple)) else [out]
        return sum((y * data(*y.shape)).sum() for y in out), out

    (_, wanted), other = jax.value_and_grad(run, has_aux=True)(
        [jax.numpy.asarray(t) for t in tensors]
    )
    for place, (a, b) in enumerate(
        zip(found if type(found) is list else [found], wanted, strict=True)
    ):
        assert_close(a.data, b, f"output {place}")
    for place, (a, b) in enumerate(zip(mine, other, strict=True)):
        assert_close(a.data, b, f"gradient {place}")


@pytest.mark.parametrize("mask", [None, "left", "any"])
@pytest.mark.parametrize("activation", ["tanh", "softsign"])
@pytest.mark.parametrize("kind", KINDS)
def test_initial_state(kind, activation, mask):
    options = {"return_sequences": True, "return_state": True, "activation": activation}
    ours, theirs = pair(kind, U, **options)
    states = [data(B, U) * (i + 1) for i in range(2 if kind == "LSTM" else 1)]
    call = {} if mask is None else {"mask": mask_of(mask)}
    gradients_by_states(ours, theirs, data(B, T, D), states, **call)


@pytest.mark.parametrize("kind", KINDS)
def test_states_go_on_from_batch_to_batch(kind):
    ours, theirs = pair(kind, U, stateful=True, return_sequences=True)
    x = data(B, T, D)
    ours(x), theirs(x)
    copy_weights(ours, theirs)
    ours.reset_state(), theirs.reset_state()
    for number in range(3):
        assert_close(ours(x).data, theirs(x), f"batch {number}")
    for mine, other in zip(ours.states, theirs.states, strict=True):
        assert_close(mine.data, other, "state")
    ours.reset_states(), theirs.reset_states()
    assert_close(ours(x).data, theirs(x), "after the reset")
    with pytest.raises(ValueError, match=f"{kind}.*got 3 samples.*stateful=True.*{B}"):
        ours(x[:3])


WRAPPED = [(kind, options) for kind in KINDS for options in ({}, {"return_sequences": True})]


MERGES = [(merge_mode, "any") for merge_mode in ("concat", "sum", "ave", "mul", None)]
MERGES += [("concat", None), ("concat", "left"), ("concat", "right")]


@pytest.mark.parametrize(("merge_mode", "mask"), MERGES)
@pytest.mark.parametrize(("kind", "options"), WRAPPED, ids=str)
def test_bidirectional(kind, options, merge_mode, mask):
    call = {} if mask is None else {"mask": mask_of(mask)}
    ours, theirs = (
        m.Bidirectional(getattr(m, kind)(U, **options), merge_mode=merge_mode)
        for m in (layers, keras.layers)
    )
    compare_layers(ours, theirs, data(B, T, D), **call)


@pytest.mark.parametrize("merge_mode", ["concat", None])
@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional_states(kind, merge_mode):
    ours, theirs = (
        m.Bidirectional(getattr(m, kind)(U, return_state=True), merge_mode=merge_mode)
        for m in (layers, keras.layers)
    )
    states = [data(B, U) * (i + 1) for i in range(4 if kind == "LSTM" else 2)]
    gradients_by_states(ours, theirs, data(B, T, D), states, mask=mask_of("any"))


def test_bidirectional_with_a_backward_layer():
    ours, theirs = (
        m.Bidirectional(
            m.LSTM(U, return_sequences=True),
            backward_layer=m.GRU(U, return_sequences=True, go_backwards=True, activation="relu"),
        )
        for m in (layers, keras.layers)
    )
    compare_layers(ours, theirs, data(B, T, D), mask=mask_of("any"))


@pytest.mark.parametrize("mask", [None, "right", "any"])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_rnn_of_a_cell(kind, options, mask):
    call = {} if mask is None else {"mask": mask_of(mask)}
    ours, theirs = (m.RNN(getattr(m, f"{kind}Cell")(U), **options) for m in (layers, keras.layers))
    compare_layers(ours, theirs, data(B, T, D), **call)


@pytest.mark.parametrize("mask", [None, "left", "any"])
@pytest.mark.parametrize("zero", [False, True])
def test_stacked_cells(mask, zero):
    call = {} if mask is None else {"mask": mask_of(mask)}
    ours, theirs = (
        m.RNN(
            [m.LSTMCell(U), m.GRUCell(7), m.LSTMCell(4, use_bias=False)],
            return_sequences=True,
            return_state=True,
            zero_output_for_mask=zero,
        )
        for m in (layers, keras.layers)
    )
    compare_layers(ours, theirs, data(B, T, D), **call)


def minimal_cell(module, operations):
    class MinimalCell(module.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.recurrent_kernel = self.add_weight(
                shape=(self.units, self.units), name="recurrent_kernel"
            )
            self.built = True

        def call(self, inputs, states):
            from_state = operations.matmul(states[0], self.recurrent_kernel)
            output = operations.tanh(operations.matmul(inputs, self.kernel) + from_state)
            return output, [output]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return MinimalCell


@pytest.mark.parametrize("options", OPTIONS[:6], ids=str)
def test_a_users_cell(options):
    ours = layers.RNN(minimal_cell(layers, ops)(U), **options)
    theirs = keras.layers.RNN(minimal_cell(keras.layers, keras.ops)(U), **options)
    compare_layers(ours, theirs, data(B, T, D), mask=mask_of("any"))
    cell = minimal_cell(layers, ops)(U)
    ours = layers.Bidirectional(layers.RNN(cell, return_sequences=True), merge_mode="sum")
    assert ours(data(B, T, D)).shape == (B, T, U)
    assert len(ours.weights) == 4


def test_time_distributed():
    for make, shape in [
        (lambda m: m.Dense(4, activation="relu"), (B, T, D)),
        (lambda m: m.Dense(4), (B, T, 2, D)),
        (lambda m: m.LSTM(U), (B, 2, T, D)),
        (lambda m: m.Bidirectional(m.GRU(U, return_sequences=True)), (B, 2, T, D)),
        (lambda m: m.PReLU(), (B, T, 2, D)),
        (lambda m: m.Flatten(), (B, T, 2, D)),
        (lambda m: m.Conv2D(2, 3), (B, T, 6, 5, D)),
        (lambda m: m.LayerNormalization(), (B, T, D)),
    ]:
        ours, theirs = (m.TimeDistributed(make(m)) for m in (layers, keras.layers))
        compare_layers(ours, theirs, data(*shape))
        assert ours.compute_output_shape((None, None, *shape[2:])) == tuple(
            theirs.compute_output_shape((None, None, *shape[2:]))
        )


@pytest.mark.parametrize("training", [True, False])
def test_time_distributed_statistics_are_of_each_step(training):
    ours, theirs = (m.TimeDistributed(m.BatchNormalization()) for m in (layers, keras.layers))
    x = data(16, T, D) * np.arange(1, T + 1)[:, None].astype(np.float32)
    compare_layers(ours, theirs, x, training=training)


def test_time_distributed_masks():
    ours, theirs = (m.TimeDistributed(m.LSTM(U)) for m in (layers, keras.layers))
    mask = np.random.default_rng(1).random((B, 2, T)) < 0.6
    compare_layers(ours, theirs, data(B, 2, T, D), mask=mask)
    x = data(B, T, D)
    x[mask_of("right") == 0] = 0
    words = layers.Masking()(x)
    np.testing.assert_array_equal(words.mask, mask_of("right"))
    np.testing.assert_array_equal(layers.TimeDistributed(layers.Dense(2))(words).mask, words.mask)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_masking(value):
    x = data(B, T, D)
    x[~mask_of("any")] = value
    x[:, :, 0] = value
    ours, theirs = pair("Masking", value)
    compare_layers(ours, theirs, x)
    np.testing.assert_array_equal(ours(x).mask, np.asarray(theirs.compute_mask(x)))


@pytest.mark.parametrize("kind", KINDS)
def test_masks_flow_through(kind):
    """Masking, two recurrent layers and a bidirectional one, as a functional model in Keras."""
    x = data(B, T, D)
    x[~mask_of("right")] = 0

    def stack(m):
        return [
            m.Masking(),
            getattr(m, kind)(U, return_sequences=True),
            m.Bidirectional(getattr(m, kind)(4, return_sequences=True)),
            getattr(m, kind)(3),
        ]

    mine, theirs = stack(layers), stack(keras.layers)
    y, z = x, x
    for ours, other in zip(mine, theirs, strict=True):
        ours(y)
        other(z)
        copy_weights(ours, other)
        y, z = ours(y), other(z)
        assert_close(y.data, z, ours.name)


CONFIGS = [
    ("SimpleRNN", {"units": 3, "dropout": 0.2, "return_sequences": True}),
    ("GRU", {"units": 3, "reset_after": False, "recurrent_activation": "hard_sigmoid"}),
    ("LSTM", {"units": 3, "unit_forget_bias": False, "stateful": True, "unroll": True}),
    ("LSTM", {"units": 3, "kernel_regularizer": "l2", "bias_constraint": "non_neg"}),
    ("LSTMCell", {"units": 4, "recurrent_dropout": 0.1, "seed": 4}),
    ("GRUCell", {"units": 4, "use_bias": False}),
    ("SimpleRNNCell", {"units": 4, "activation": "relu"}),
    ("Masking", {"mask_value": -1.0}),
]


@pytest.mark.parametrize(("name", "options"), CONFIGS, ids=str)
def test_configs(name, options):
    compare_configs(*pair(name, **options))


def test_configs_of_wrappers():
    for make in (
        lambda m: m.RNN(m.LSTMCell(3), return_sequences=True),
        lambda m: m.RNN([m.LSTMCell(3), m.GRUCell(2)]),
        lambda m: m.Bidirectional(m.GRU(3), merge_mode="ave"),
        lambda m: m.TimeDistributed(m.LSTM(3)),
    ):
        compare_configs(make(layers), make(keras.layers))


WITHIN = {
    "LSTM": lambda library: library.LSTM(2, name="it"),
    "Bidirectional": lambda library: library.Bidirectional(library.GRU(2, name="g"), name="it"),
    "stacked": lambda library: library.RNN(
        library.StackedRNNCells(
            [library.LSTMCell(2, name="one"), library.GRUCell(3, name="two")], name="cells"
        ),
        name="it",
    ),
    "TimeDistributed": lambda library: library.TimeDistributed(
        library.Dense(2, name="dense"), name="it"
    ),
}


@pytest.mark.parametrize("name", WITHIN)
def test_weights_within_are_named_after_every_layer_around(name):
    """As in Keras, but for models around: here they are never in the names."""
    ours, theirs = WITHIN[name](layers), WITHIN[name](keras.layers)
    theirs.build((None, T, D))
    wanted = [variable.path for variable in theirs.weights]
    assert all(path.startswith("it/") for path in wanted)
    model = Sequential([ours], name="model")
    model(np.zeros((B, T, D), np.float32))
    assert [variable.path for variable in model.weights] == wanted
