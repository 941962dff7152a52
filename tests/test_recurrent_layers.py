"""What recurrent layers do beyond Keras's numbers: errors, dropout, symbolic shapes, both paths."""

import numpy as np
import pytest

from lamina import Model, activations, layers, ops, randomness
from lamina.autodiff import GradientTape, Tensor

KINDS = ["SimpleRNN", "GRU", "LSTM"]
B, T, D, U = 4, 5, 3, 6


def data(*shape):
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def slow(name):
    """An activation that the kernels do not know, and that computes the same."""
    function = activations.get(name)
    return lambda x: function(x)  # noqa: PLW0108 - another object is the point


@pytest.mark.parametrize("mask", [None, "any"])
@pytest.mark.parametrize("kind", KINDS)
def test_kernel_and_loop_agree(kind, mask):
    call = {} if mask is None else {"mask": np.random.default_rng(1).random((B, T)) < 0.6}
    gated = {} if kind == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    options = {"return_sequences": True, "return_state": True, "go_backwards": True}
    quick = getattr(layers, kind)(U, **options, **gated)
    loop = getattr(layers, kind)(U, activation=slow("tanh"), **options, **gated)
    x = Tensor(data(B, T, D))
    results = []
    for layer in (quick, loop):
        layer(x)
        layer.set_weights(quick.get_weights())
        with GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, **call)
            total = sum((ops.sum(y * y) for y in outputs), start=Tensor(np.float32(0)))
        gradients = tape.gradient(total, [x, *layer.weights])
        results.append([*outputs, *gradients])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.5},
        {"recurrent_dropout": 0.5},
        {"dropout": 0.5, "recurrent_dropout": 0.3},
        {"dropout": 0.5, "implementation": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_drawn_once_a_sequence(kind, options):
    layer = getattr(layers, kind)(U, return_sequences=True, seed=3, **options)
    again = getattr(layers, kind)(U, return_sequences=True, seed=3, **options)
    x = data(B, T, D)
    still = layer(x).data
    np.testing.assert_array_equal(layer(x, training=False).data, still)
    again(x)
    again.set_weights(layer.get_weights())
    first, second = layer(x, training=True).data, layer(x, training=True).data
    assert np.abs(first - still).max() > 1e-3
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(again(x, training=True).data, first)
    # Time steps share the mask: equal inputs and no recurrence give equal outputs.
    layer.set_weights([w * (i != 1) for i, w in enumerate(layer.get_weights())])
    if kind == "SimpleRNN" and "dropout" in options:
        same = layer(np.repeat(x[:, :1], T, axis=1), training=True).data
        np.testing.assert_array_equal(same, np.repeat(same[:, :1], T, axis=1))


def test_dropout_keeps_the_mean():
    randomness.set_random_seed(1)
    cell = layers.LSTMCell(U, dropout=0.25)
    (mask,) = cell.get_dropout_mask(np.zeros((200, 100)))
    assert set(np.unique(mask)) == {0, np.float32(1 / 0.75)}
    assert abs(mask.mean() - 1) < 0.02
    assert cell.get_dropout_mask(np.zeros((200, 100)))[0] is mask
    cell.reset_dropout_masks()
    assert cell.get_dropout_mask(np.zeros((200, 100)))[0] is not mask


@pytest.mark.parametrize("kind", KINDS)
def test_symbolic_shapes(kind):
    make = getattr(layers, kind)
    sequences = layers.Input((None, D))
    states = 2 if kind == "LSTM" else 1
    assert make(U)(sequences).shape == (None, U)
    assert make(U, return_sequences=True)(sequences).shape == (None, None, U)
    output, *last = make(U, return_state=True)(sequences)
    assert [output.shape, *(s.shape for s in last)] == [(None, U)] * (1 + states)
    decoded = make(U, return_sequences=True)(sequences, initial_state=last)
    assert decoded.shape == (None, None, U)
    both = layers.Bidirectional(make(U, return_sequences=True))
    assert both(sequences).shape == (None, None, 2 * U)
    two = layers.Bidirectional(make(U, return_state=True), merge_mode=None)(sequences)
    assert [t.shape for t in two] == [(None, U)] * (2 + 2 * states)
    with pytest.raises(ValueError, match=rf"{kind}.*initial_state\[0\].*\(None, 6\).*\(None, 7\)"):
        make(7)(sequences, initial_state=last)
    with pytest.raises(ValueError, match=r"forward_.*initial_state\[0\].*6.*7"):
        layers.Bidirectional(make(7))(sequences, initial_state=last + last)


def test_time_distributed_shapes():
    images = layers.Input((None, 4, D))
    assert layers.TimeDistributed(layers.LSTM(U))(images).shape == (None, None, U)
    with pytest.raises(ValueError, match=r"TimeDistributed.*\(4, 5\).*return_sequences=True"):
        layers.TimeDistributed(layers.LSTM(U))(data(4, 5))


@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_are_taken(kind):
    layer = getattr(layers, kind)(U)
    x = np.arange(B * T * D).reshape(B, T, D) % 3
    np.testing.assert_array_equal(layer(x).data, layer(x.astype(np.float32)).data)


def test_double_precision():
    layer = layers.Bidirectional(layers.LSTM(U, dtype="float64"), dtype="float64")
    assert layer(data(B, T, D)).dtype == np.float64


def test_weights_of_bidirectional_can_be_given():
    first = layers.Bidirectional(layers.GRU(U))
    first(data(B, T, D))
    again = layers.Bidirectional(layers.GRU(U), weights=first.get_weights())
    np.testing.assert_array_equal(again(data(B, T, D)).data, first(data(B, T, D)).data)
    assert [w.path.split("/")[-2] for w in first.weights] == ["gru_cell"] * 6
    assert first.forward_layer.name.startswith("forward_gru")


def test_states_can_be_set():
    layer = layers.LSTM(U, stateful=True)
    x = data(B, T, D)
    start = layer(x).data
    states = [data(B, U), data(B, U)]
    layer.reset_states(states)
    np.testing.assert_array_equal(layer.states[1].data, states[1])
    set_ones = layer(x).data
    layer.reset_state()
    np.testing.assert_array_equal(layer(x).data, start)
    np.testing.assert_array_equal(layer(x, initial_state=states).data, set_ones)
    with pytest.raises(ValueError, match=r"LSTM.*initial_state.*got 1 tensors, wanted \[h, c\]"):
        layer(x, initial_state=states[:1])
    with pytest.raises(ValueError, match="stateful is False"):
        layers.GRU(U).reset_states()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units", [0, -3, 2.5, (5, 3), None, True])
def test_wrong_units(kind, units):
    for name in (kind, f"{kind}Cell"):
        with pytest.raises(ValueError, match=f"{name}: units must be a whole number above 0"):
            getattr(layers, name)(units)


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_calls(kind):
    make = getattr(layers, kind)
    layer = make(U)
    with pytest.raises(
        ValueError, match=rf"{kind} '.*' *: got an input of shape \(4, 5\).*wanted 3"
    ):
        layer(data(B, T))
    layer(data(B, T, D))
    with pytest.raises(ValueError, match=rf"{kind}.*shape \(4, 5, 2\), wanted size 3 in axis 2"):
        layer(data(B, T, 2))
    with pytest.raises(ValueError, match=rf"{kind}.*mask has the shape \(4, 4\), wanted \(4, 5\)"):
        layer(data(B, T, D), mask=np.ones((B, T - 1), bool))
    with pytest.raises(ValueError, match=rf"{kind}.*no time steps"):
        layer(data(B, 0, D))
    states = [data(B, U + 1)] * (2 if kind == "LSTM" else 1)
    with pytest.raises(ValueError, match=rf"{kind}.*initial_state\[0\].*\(4, 7\), wanted \(4, 6\)"):
        layer(data(B, T, D), initial_state=states)
    with pytest.raises(ValueError, match=rf"{kind}.*stateful=True needs a fixed number of samples"):
        make(U, stateful=True)(layers.Input((T, D)))
    with pytest.raises(ValueError, match=r"dropout is the share.*got 1\.5"):
        make(U, dropout=1.5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'dropuot'"):
        make(U, dropuot=0.5)
    with pytest.raises(ValueError, match="tanhh"):
        make(U, activation="tanhh")


def test_wrong_wrappers():
    with pytest.raises(ValueError, match=r"layer must be a layer, got <class.*with its arguments"):
        layers.Bidirectional(layers.LSTM)
    with pytest.raises(ValueError, match="merge_mode 'add' is none of 'concat', 'sum'"):
        layers.Bidirectional(layers.LSTM(U), merge_mode="add")
    with pytest.raises(ValueError, match="go_backwards is True in both"):
        layers.Bidirectional(layers.LSTM(U, go_backwards=True))
    with pytest.raises(ValueError, match="return_sequences is False in the layer and True in back"):
        layers.Bidirectional(
            layers.LSTM(U),
            backward_layer=layers.LSTM(U, return_sequences=True, go_backwards=True),
        )
    with pytest.raises(ValueError, match="a cell needs `call`.*got 5"):
        layers.RNN(5)
    with pytest.raises(ValueError, match=r"a cell needs `state_size`.*Masking"):
        layers.RNN([layers.LSTMCell(3), layers.Masking()])


def test_a_step_that_any_word_fills_counts():
    mask = np.random.default_rng(1).random((B, T, 3)) < 0.3
    layer = layers.GRU(U)
    wanted = layer(data(B, T, D), mask=mask.any(axis=2)).data
    np.testing.assert_array_equal(layer(data(B, T, D), mask=mask).data, wanted)


def test_masks_of_outputs():
    mask = np.random.default_rng(1).random((B, T)) < 0.6
    x = data(B, T, D)
    assert layers.LSTM(U)(x, mask=mask).mask is None
    np.testing.assert_array_equal(layers.LSTM(U, return_sequences=True)(x, mask=mask).mask, mask)
    output, h, c = layers.LSTM(U, return_sequences=True, return_state=True)(x, mask=mask)
    np.testing.assert_array_equal(output.mask, mask)
    assert h.mask is None
    assert c.mask is None
    both = layers.Bidirectional(layers.GRU(U, return_sequences=True, return_state=True))
    output, *states = both(x, mask=mask)
    np.testing.assert_array_equal(output.mask, mask)
    assert all(state.mask is None for state in states)


def test_a_model_lets_its_stateful_layers_begin_anew():
    inputs = layers.Input(batch_shape=(B, T, D))
    inner = layers.Bidirectional(layers.GRU(U, stateful=True, return_sequences=True))(inputs)
    model = Model(inputs, layers.LSTM(U, stateful=True)(layers.Dense(D)(inner)))
    x = data(B, T, D)
    first = model.predict(x, batch_size=B)
    second = model.predict(x, batch_size=B)
    assert not np.allclose(first, second)
    model.reset_states()
    np.testing.assert_array_equal(model.predict(x, batch_size=B), first)
