"""Models: graphs, `Sequential` and subclasses; what they are made of, their configs and clones."""

import copy
import json
import pickle
import threading

import numpy as np
import pytest

import lamina
from lamina import Input, Model, Sequential, layers, ops
from lamina.layers import Dense, Layer
from lamina.models import clone_model, model_from_config, model_from_json
from lamina.utils import custom_object_scope, register_keras_serializable


def ones(*shape):
    return np.ones(shape, np.float32)


class Doubled(Layer):
    """x times two."""

    def call(self, inputs):
        return inputs * 2


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


class Pair(Model):
    """A subclass with a call of its own."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first, self.second = Dense(units), Dense(1)

    def call(self, inputs, training=None):
        self.seen = training
        return self.second(self.first(inputs))


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


def _branched():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = Dense(3, name="shared")
    inner_inputs = Input((3,))
    inner = Model(inner_inputs, [Dense(2)(inner_inputs), inner_inputs * 2], name="inner")
    stack = Sequential([Dense(5, name="stacked")], name="stack")
    first, second = inner(shared(a)), inner(shared(b))
    total = stack(first[0]) + ops.sum(stack(second[0]), axis=-1, keepdims=True)
    joined = ops.concatenate([first[1], second[1], ops.reshape(shared(a - b), (-1, 3))], axis=-1)
    outputs = {"total": total, "joined": (1 - joined)[:, 1:7], "shared": shared(a)}
    return Model({"a": a, "b": b}, outputs, name="branched")


def _same(one, other):
    data = {name: np.random.default_rng(3).random((6, 4)).astype(np.float32) for name in "ab"}
    other.set_weights(one.get_weights())
    ours, theirs = one.predict(data, verbose=0), other.predict(data, verbose=0)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6)


def test_config_of_a_graph_round_trip():
    model = _branched()
    again = model_from_json(model.to_json())
    assert [each.name for each in again.layers] == [each.name for each in model.layers]
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    _same(model, again)
    _same(model, Model.from_config(model.get_config()))


def test_configs_go_to_keras_and_back():
    from parity.keras_beside import keras

    model = _branched()
    text = model.to_json()
    theirs = keras.models.model_from_json(text)
    assert [each.name for each in theirs.layers] == [each.name for each in model.layers]
    _same(model, theirs)
    back = model_from_json(theirs.to_json())
    _same(back, theirs)
    stack = Sequential([Dense(3, input_shape=(4,)), Dense(2)])
    theirs = keras.models.model_from_json(stack.to_json())
    theirs.set_weights(stack.get_weights())
    back = model_from_json(theirs.to_json())
    back.set_weights(stack.get_weights())
    x = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    np.testing.assert_allclose(back.predict(x), stack.predict(x), rtol=1e-6)


def test_a_compiled_model_comes_back_compiled():
    model = Sequential([Dense(3, input_shape=(4,))])
    model.compile("sgd", "mse", metrics=["mae"], loss_weights=[2.0])
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    x, y = ones(5, 4), ones(5, 3)
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert clone_model(model).optimizer is not model.optimizer


def test_clones():
    model = _branched()
    clone = clone_model(model)
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
    assert not {id(each) for each in clone.layers} & {id(each) for each in model.layers}
    assert len(clone.weights) == len(model.weights), "what was shared is shared"
    assert [each.name for each in clone.layers] == [each.name for each in model.layers]
    _same(model, clone)
    stack = clone_model(Sequential([Dense(3, input_shape=(4,)), Doubled()]))
    assert stack.predict(ones(1, 4)).shape == (1, 3)
    assert clone_model(Pair(3, name="pair")).units == 3
    other = Input((4,))
    on_other = clone_model(Sequential([Dense(3)]), input_tensors=[other])
    assert on_other.built

    def frozen(layer):
        made = type(layer).from_config(layer.get_config())
        made.trainable = False
        return made

    stack = clone_model(Sequential([Dense(3, input_shape=(4,))]), clone_function=frozen)
    assert stack.trainable_weights == []
    with pytest.raises(ValueError, match="got 1 input tensors, .* has 2 inputs"):
        clone_model(model, input_tensors=[other])


def test_masks_flow_through_models_within_and_any_length_is_taken():
    inner_inputs = Input((None, 4))
    inner = Model(inner_inputs, layers.LSTM(3, return_sequences=True)(inner_inputs))
    stack = Sequential(
        [layers.Embedding(9, 4, mask_zero=True), inner, Sequential([layers.LSTM(2)])]
    )
    long, short = np.array([[1, 2, 0, 0], [3, 4, 5, 6]]), np.array([[1, 2]])
    np.testing.assert_allclose(stack.predict(long)[:1], stack.predict(short), rtol=1e-5)


def test_registered_things_need_no_naming():
    @register_keras_serializable("mine")
    class Tripled(Layer):
        def call(self, inputs):
            return inputs * 3

    @register_keras_serializable("mine", "sharp")
    def cubed(x):
        return x * x * x

    model = Sequential([Input((2,)), Tripled(), layers.Activation(cubed)])
    text = model.to_json()
    assert "mine>Tripled" in text
    assert "mine>sharp" in text
    assert model_from_json(text).predict(ones(1, 2)).tolist() == [[27, 27]]


def test_names_known_inside_a_block():
    def fourth(x):
        return x**4

    text = Sequential([Input((2,)), Doubled(), layers.Activation(fourth)]).to_json()
    with pytest.raises(ValueError, match="unknown layer 'Doubled'"):
        model_from_json(text)
    with pytest.raises(ValueError, match="unknown activation 'fourth'"):
        model_from_json(text, {"Doubled": Doubled})
    with custom_object_scope({"Doubled": Doubled}), custom_object_scope({"fourth": fourth}):
        model = model_from_json(text)
    assert model.predict(ones(1, 2)).tolist() == [[16, 16]]


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


def _config(change):
    config = json.loads(_branched().to_json())
    change({each["name"]: each for each in config["config"]["layers"]}, config["config"])
    return config


def _history(layers_by_name, name, call=0):
    return layers_by_name[name]["inbound_nodes"][call]["args"][0]["config"]["keras_history"]


def _lies():
    def absent(by_name, _):
        _history(by_name, "shared")[0] = "inner_"

    def call_number(by_name, _):
        _history(by_name, "shared")[1] = 7

    def output_number(by_name, _):
        _history(by_name, "shared")[2] = 3

    def loop(by_name, _):
        _history(by_name, "shared")[:] = ["stack", 0, 0]

    def strange(by_name, _):
        by_name["shared"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = "shared"

    def class_name(by_name, _):
        by_name["shared"]["class_name"] = "Dens"

    def operation(by_name, _):
        by_name["subtract"]["class_name"] = "Substract"

    def option(by_name, _):
        by_name["sum"]["config"]["power"] = 3

    def twin(_, config):
        config["layers"].append(config["layers"][0])

    def end(_, config):
        config["output_layers"]["total"] = ["nowhere", 0, 0]

    def end_shape(_, config):
        config["output_layers"] = 7

    def keyless(_, config):
        del config["layers"][2]["inbound_nodes"]

    def no_list(_, config):
        config["layers"] = {"a": 1}

    def function(by_name, _):
        by_name["shared"]["inbound_nodes"][0]["args"][0] = {
            "class_name": "__lambda__",
            "config": {"value": "print"},
        }

    def nothing(by_name, _):
        by_name["shared"]["inbound_nodes"][0]["args"] = [[[1.0, 2.0, 3.0, 4.0]]]

    return [
        (
            absent,
            "'shared' uses the output of 'inner_', .* not among its layers: did you mean 'inner'",
        ),
        (call_number, "'shared' uses call 7 .* of 'a', which is called 1 times"),
        (output_number, "output 3 .from 0. of 'a' is wanted, which has 1"),
        (loop, "the calls of .*'shared'.* wait for each other: the graph has a loop"),
        (strange, "keras_history is .name, call, output., got 'shared'"),
        (class_name, "unknown layer 'Dens': did you mean 'Dense'"),
        (operation, "unknown operation 'Substract': did you mean 'subtract'"),
        (option, "'sum' has no option power=3"),
        (twin, "two layers are named 'a'|two layers are named 'b'"),
        (end, "an end is the output of 'nowhere', which is not among"),
        (end_shape, "wanted .name, call, output., got 7"),
        (keyless, "a layer is a dict with 'class_name'.*'inbound_nodes'"),
        (no_list, "'layers' must be a list"),
        (function, "an argument of unknown kind '__lambda__'"),
        (nothing, "'shared' is called on no tensor of the graph"),
    ]


@pytest.mark.parametrize(
    ("change", "message"), _lies(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_config_that_lies_is_refused(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        model_from_config(_config(change))


def _places(value, path=()):
    yield path
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(each, (*path, key))


def test_configs_with_anything_anywhere_are_read_or_refused():
    """Each of 300 configs has one value replaced or taken away: a clear error, or a model."""
    text = _branched().to_json()
    places = [place for place in _places(json.loads(text)) if place]
    junk = [None, 0, -1, 3.5, True, "x", [], {}, [1, 2, 3], {"a": 1}, ["a", 0, 0], "Dense"]
    choose = np.random.default_rng(4)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(300):
        config = json.loads(text)
        *path, last = places[choose.integers(len(places))]
        parent = config
        for key in path:
            parent = parent[key]
        if choose.random() < 0.3:
            del parent[last]
        else:
            parent[last] = junk[choose.integers(len(junk))]
        try:
            model_from_config(config)
            outcomes["read"] += 1
        except (ValueError, TypeError):
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 30


def test_what_is_no_config_is_refused():
    for text in ("", "[1]", "7", '{"class_name": "Sequential"}', '{"a": {}}'):
        with pytest.raises((ValueError, TypeError)):
            model_from_json(text)


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
    model = _branched()
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
