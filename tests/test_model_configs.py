"""Configs of models: round trips, to Keras and back, clones, and configs that lie."""

import json

import numpy as np
import pytest
from small_models import Doubled, Pair, branched, ones

from lamina import Input, Model, Sequential, layers
from lamina.layers import Dense, Layer
from lamina.models import clone_model, model_from_config, model_from_json
from lamina.utils import custom_object_scope, register_keras_serializable


def _same(one, other):
    data = {name: np.random.default_rng(3).random((6, 4)).astype(np.float32) for name in "ab"}
    other.set_weights(one.get_weights())
    ours, theirs = one.predict(data, verbose=0), other.predict(data, verbose=0)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6)


def test_config_of_a_graph_round_trip():
    model = branched()
    again = model_from_json(model.to_json())
    assert [each.name for each in again.layers] == [each.name for each in model.layers]
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    _same(model, again)
    _same(model, Model.from_config(model.get_config()))


def test_configs_go_to_keras_and_back():
    from parity.keras_beside import keras

    model = branched()
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
    model = branched()
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


def _config(change):
    config = json.loads(branched().to_json())
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
    text = branched().to_json()
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
