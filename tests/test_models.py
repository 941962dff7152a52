"""Models: graphs, `Sequential` and subclasses; what they are made of, their configs and clones."""

import copy
import json
import pickle
import threading

import numpy as np
import pytest
from small_models import Doubled, Pair, branched, ones

import lamina
from lamina import Input, Model, Sequential, layers, ops
from lamina.layers import Dense
from lamina.models import clone_model, model_from_config, model_from_json


def test_names_that_the_package_offers():
    for name in lamina.__all__:
        assert getattr(lamina, name) is not None
    assert lamina.Model is lamina.models.Model
    assert lamina.Sequential is lamina.models.Sequential


def test_a_graph_by_position_and_by_name():
    inputs = Input((4,))
    outputs = Dense(3)(inputs)
    x = np.random.default_rng(0).random((5, 4)).astype(np.float32)
    by_position, by_name = Model(inputs, outputs), Model(inputs=inputs, outputs=outputs)
    np.testing.assert_array_equal(by_position.predict(x), by_name(x).numpy())
    assert by_position.weights == by_name.weights
    with pytest.raises(TypeError, match="give both inputs and outputs"):
        Model(inputs)


def test_inputs_as_one_a_list_a_tuple_and_a_dict():
    a, b = Input((2,), name="a"), Input((3,), name="b")
    outputs = ops.concatenate([a, b * 2], axis=-1)
    x, y = ones(4, 2), ones(4, 3)
    wanted = [[1, 1, 2, 2, 2]] * 4
    assert Model([a, b], outputs).predict([x, y]).tolist() == wanted
    assert Model((a, b), outputs).predict((x, y)).tolist() == wanted
    assert Model([a, b], outputs).predict({"b": y, "a": x}).tolist() == wanted
    assert Model({"one": a, "two": b}, outputs).predict({"two": y, "one": x}).tolist() == wanted
    assert Model([a], a * 2).predict(x).tolist() == [[2, 2]] * 4
    assert Model([a], a * 2).predict([x]).tolist() == [[2, 2]] * 4


def test_outputs_keep_their_structure():
    inputs = Input((2,))
    out = {"double": inputs * 2, "more": [inputs, (inputs + 1,)]}
    for samples in (3, 70):  # one batch, several batches
        found = Model(inputs, out).predict(ones(samples, 2))
        assert found["double"].tolist() == [[2, 2]] * samples
        assert isinstance(found["more"][1], tuple)
        assert found["more"][1][0].tolist() == [[2, 2]] * samples


def test_layers_and_weights_in_keras_order():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    out = Dense(2, name="last")(shared(a) + Dense(3, name="own")(shared(b)[:, :3]))
    model = Model([a, b], out)
    assert [each.name for each in model.layers] == ["a", "b", "shared", "own", "last"]
    assert len(model.weights) == 6, "a shared layer's weights are listed once"
    assert model.get_layer("own") is model.get_layer(
        index=[x.name for x in model.layers].index("own")
    )
    with pytest.raises(ValueError, match="no layer is named 'shard': did you mean 'shared'"):
        model.get_layer("shard")
    with pytest.raises(ValueError, match="index 9, but it has 5 layers"):
        model.get_layer(index=9)


def test_nested_models_share_and_train_their_weights():
    inner_inputs = Input((4,))
    inner = Model(inner_inputs, Dense(3)(inner_inputs), name="inner")
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], inner(a) + inner(b))
    assert model.weights == inner.weights
    x = ones(2, 4)
    np.testing.assert_allclose(model.predict([x, x]), 2 * inner.predict(x), rtol=1e-6)
    inner.trainable = False
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == 2


def test_encoder_and_decoder_cut_from_a_trained_model():
    inputs = Input((8,))
    code = Dense(3, name="code")(inputs)
    whole = Model(inputs, Dense(8, name="back")(code))
    encoder = Model(inputs, code)
    code_inputs = Input((3,))
    decoder = Model(code_inputs, whole.get_layer("back")(code_inputs))
    within = Model(whole.get_layer("code").output, whole.output)  # from a tensor in the middle
    whole.compile("sgd", "mse")
    x = np.random.default_rng(1).random((40, 8)).astype(np.float32)
    before = encoder.predict(x)
    whole.fit(x, x, epochs=2, verbose=0)
    assert not np.allclose(before, encoder.predict(x)), "it shares the weights that were trained"
    for last in (decoder, within):
        np.testing.assert_allclose(last.predict(encoder.predict(x)), whole.predict(x), rtol=1e-5)
    assert [type(each).__name__ for each in within.layers] == ["InputLayer", "Dense"]
    assert whole.get_layer("back").output.shape == (None, 8)


def test_sequential_is_built_by_what_tells_the_shape():
    for model in (
        Sequential([Input((4,)), Dense(3), Dense(2)]),
        Sequential([Dense(3, input_shape=(4,)), Dense(2)]),
        Sequential([Dense(3, input_dim=4), Dense(2)]),
        Sequential([layers.InputLayer(shape=(4,)), Dense(3), Dense(2)]),
    ):
        assert model.built
        assert [v.shape for v in model.weights] == [(4, 3), (3,), (3, 2), (2,)]
        assert [type(each).__name__ for each in model.layers] == ["Dense", "Dense"]
        assert model.output_shape == (None, 2)
    later = Sequential([Dense(3), Dense(2)])
    assert not later.built
    with pytest.raises(ValueError, match="no weights yet: call it on data, or tell the shape"):
        later.get_weights()
    later.build((None, 4))
    assert len(later.get_weights()) == 4
    by_data = Sequential()
    by_data.add(Dense(3))
    assert by_data(ones(7, 4)).shape == (7, 3)
    assert by_data.predict(ones(2, 4)).shape == (2, 3), "any number of samples after the first"


def test_sequential_add_and_pop():
    model = Sequential([Input((4,))])
    model.add(Dense(3, name="one"))
    model.add(Dense(2, name="two"))
    assert model.predict(ones(1, 4)).shape == (1, 2)
    assert model.pop().name == "two"
    assert model.output_shape == (None, 3)
    model.add(Doubled())
    assert model.predict(ones(1, 4)).shape == (1, 3)
    assert len(model.layers) == 2
    with pytest.raises(ValueError, match="already"):
        model.add(Dense(2, name="one"))
    with pytest.raises(TypeError, match="are the brackets missing"):
        model.add(Dense)
    with pytest.raises(TypeError, match="wanted a layer, got 'relu'"):
        model.add("relu")
    assert len(model.layers) == 2


def test_models_in_a_sequential():
    inner = Sequential([Dense(3, input_shape=(4,)), Doubled()])
    model = Sequential([inner, Dense(2)])
    assert model.built
    assert model.predict(ones(3, 4)).shape == (3, 2)
    assert len(model.weights) == 4


def test_a_thousand_layers():
    model = Sequential([Input((2,)), *[Doubled() for _ in range(1000)]])
    model.compile("sgd", "mse")
    assert len(model.layers) == 1000
    again = model_from_config(json.loads(model.to_json()), custom_objects={"Doubled": Doubled})
    assert len(again.layers) == 1000
    inputs = tensor = Input((2,))
    scales = [Dense(2, use_bias=False) for _ in range(1000)]
    for each in scales:
        tensor = each(tensor)
        each.set_weights([np.eye(2)])
    deep = Model(inputs, tensor)
    deep.compile("sgd", "mse")
    assert deep.train_on_batch(ones(1, 2), ones(1, 2)) == pytest.approx(0, abs=1e-9)
    assert len(clone_model(deep).layers) == 1001
    assert len(model_from_json(deep.to_json()).weights) == 1000


def test_a_subclass_with_a_call():
    model = Pair(3)
    assert model.predict(ones(2, 4)).shape == (2, 1)
    assert model.layers == [model.first, model.second]
    assert len(model.weights) == 4
    model.compile("sgd", "mse")
    history = model.fit(ones(20, 4), ones(20, 1), epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.seen is True
    with pytest.raises(AttributeError, match="has no outputs: it is a subclass"):
        model.outputs  # noqa: B018
    again = Pair.from_config(model.get_config())
    assert again.units == 3
    inputs = Input((4,))
    within = Model(inputs, model(inputs))
    np.testing.assert_allclose(within.predict(ones(2, 4)), model.predict(ones(2, 4)))
    with pytest.raises(NotImplementedError, match="a subclass of Model needs a call"):
        Model()(ones(1, 2))


def test_masks_flow_through_models_within_and_any_length_is_taken():
    inner_inputs = Input((None, 4))
    inner = Model(inner_inputs, layers.LSTM(3, return_sequences=True)(inner_inputs))
    stack = Sequential(
        [layers.Embedding(9, 4, mask_zero=True), inner, Sequential([layers.LSTM(2)])]
    )
    long, short = np.array([[1, 2, 0, 0], [3, 4, 5, 6]]), np.array([[1, 2]])
    np.testing.assert_allclose(stack.predict(long)[:1], stack.predict(short), rtol=1e-5)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_go_on_where_the_model_was(copied):
    inputs = Input((4,))
    shared = Dense(4)
    model = Model(inputs, Doubled()(shared(inputs) + shared(inputs * 2)))
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(0).random((40, 4)).astype(np.float32)
    model.fit(x, x, verbose=0)
    other = copied(model)
    assert not {id(v) for v in model.weights} & {id(v) for v in other.weights}
    found = [each.fit(x, x, epochs=2, shuffle=False, verbose=0).history for each in (model, other)]
    assert found[0] == found[1], "the optimizer remembers as much"
    np.testing.assert_array_equal(model.predict(x), other.predict(x))
    stack = copied(Sequential([Dense(3)]))
    assert not stack.built
    pair = Pair(3)
    pair.predict(x)
    other = copied(pair)
    np.testing.assert_array_equal(pair.predict(x), other.predict(x))
    other.set_weights([0 * array for array in other.get_weights()])
    assert pair.predict(x).any(), "the copy has weights of its own"


def test_a_subclass_that_is_a_graph():
    class Own(Model):
        def __init__(self, units=2):
            inputs = Input((4,))
            super().__init__(inputs, Dense(units)(inputs))
            self.units = units

    model = Own(3)
    assert model.predict(ones(2, 4)).shape == (2, 3)
    assert model.get_config() == {"units": 3}
    assert Own.from_config(model.get_config()).units == 3
    assert copy.deepcopy(model).units == 3


def test_build_of_a_subclass():
    pair = Pair(3)
    pair.build((None, 4))
    assert [v.shape for v in pair.weights] == [(4, 3), (3,), (3, 1), (1,)]


def test_summary_of_the_slides(capsys):
    inputs = Input((64,), name="input_1")
    tensor = Dense(32, activation="relu", name="dense_1")(inputs)
    tensor = Dense(32, activation="relu", name="dense_2")(tensor)
    model = Model(inputs, Dense(10, activation="softmax", name="dense_3")(tensor))
    print(model.summary())  # noqa: T201
    line = "_" * 65
    assert capsys.readouterr().out.splitlines() == [
        line,
        "Layer (type)                 Output Shape              Param #",
        "=" * 65,
        "input_1 (InputLayer)         (None, 64)                0",
        line,
        "dense_1 (Dense)              (None, 32)                2080",
        line,
        "dense_2 (Dense)              (None, 32)                1056",
        line,
        "dense_3 (Dense)              (None, 10)                330",
        "=" * 65,
        "Total params: 3,466",
        "Trainable params: 3,466",
        "Non-trainable params: 0",
        line,
        "None",
    ]


def test_summary_of_a_graph():
    lines = []
    model = branched()
    model.get_layer("inner").trainable = False
    model.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
    text = "\n".join(lines)
    assert "Connected to" in lines[1]
    assert "Trainable" in lines[1]
    rows = {line.split()[0]: line.split() for line in lines if "(" in line}
    assert rows["shared"][-2:] == ["a[0][0]", "Y"]
    assert rows["inner"][-1] == "N"
    assert "stack[1][0]" in text
    assert "|  " in text
    assert "Non-trainable params: 8" in text
    narrow = []
    model.summary(line_length=40, print_fn=narrow.append)
    assert max(map(len, narrow)) <= 40


def test_summary_says_what_is_not_built(capsys):
    Sequential([Dense(3)]).summary()
    text = capsys.readouterr().out
    assert "?" in text
    assert text.count("not built") == 1
    assert "Not built yet" in text
    Pair(3).summary()
    assert capsys.readouterr().out.count("not built") == 2


def test_two_threads_predict_at_once():
    model = Sequential([Dense(16, input_shape=(8,)), Dense(4)])
    x = np.random.default_rng(0).random((64, 8)).astype(np.float32)
    wanted = model.predict(x)
    wrong = []

    def work():
        wrong.extend(1 for _ in range(50) if not np.array_equal(model.predict(x), wanted))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
