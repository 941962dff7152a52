"""Files with layers and functions of one's own, and files as Keras 2 wrote them."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_models import Linear, data

from lamina import Input, Model, Sequential, layers, saving
from lamina.layers import Layer
from lamina.models import load_model
from lamina.registry import get_custom_objects

X, Y = data(20)


def halved(x):
    return x / 2


@pytest.fixture
def registered():
    """Leave nothing registered behind."""
    before = dict(get_custom_objects())
    yield
    get_custom_objects().clear()
    get_custom_objects().update(before)


class Lookup(Layer):
    """Keeps its words in a file, and a number that is no weight."""

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.words = scale, []

    def call(self, inputs):
        return inputs * self.scale

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}

    def save_own_variables(self, store):
        store["seen"] = np.array([len(self.words)])

    def load_own_variables(self, store):
        self.seen = int(store["seen"][0])

    def save_assets(self, folder):
        Path(folder, "words.txt").write_text("\n".join(self.words), encoding="utf-8")

    def load_assets(self, folder):
        self.words = Path(folder, "words.txt").read_text(encoding="utf-8").split("\n")


def with_lambda(function):
    return Sequential([layers.Dense(2, input_shape=(4,)), layers.Lambda(function, name="half")])


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_function_is_known_by_its_name_and_a_lambda_by_the_layers(tmp_path, ending):
    named, unnamed = with_lambda(halved), with_lambda(lambda x: x / 2)
    path = tmp_path / f"named{ending}"
    named.save(path)
    with pytest.raises(ValueError, match="unknown function 'halved'") as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    again = load_model(path, custom_objects={"halved": halved})
    np.testing.assert_array_equal(again.predict(X), named.predict(X))
    path = tmp_path / f"unnamed{ending}"
    unnamed.save(path)
    for mode in (True, False):
        with pytest.raises(ValueError, match="is not run. Give the function: custom_objects={'h"):
            load_model(path, safe_mode=mode)
    again = load_model(path, custom_objects={"half": halved})
    np.testing.assert_array_equal(again.predict(X), unnamed.predict(X))


@pytest.mark.usefixtures("registered")
def test_registered_classes_and_functions_need_no_custom_objects(tmp_path):
    register = saving.register_keras_serializable
    kind = register("mine", "Line")(type("Own", (Linear,), {}))
    register("mine")(halved)
    assert saving.get_registered_name(kind) == "mine>Line"
    assert saving.get_registered_object("mine>Line") is kind
    assert saving.get_registered_name(Linear) == "Linear"
    assert saving.get_registered_object("mine>Nothing") is None
    assert saving.get_registered_object("a", custom_objects={"a": 1}) == 1
    model = Sequential([Input((4,)), kind(3), layers.Lambda(halved), layers.Activation(halved)])
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    assert type(again.layers[0]) is kind
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="has no get_config"):
        register()(type("Bare", (), {}))


def test_a_scope_knows_what_it_is_given(tmp_path):
    model = Sequential([Input((4,)), Linear(3)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="unknown layer 'Linear'"):
        load_model(tmp_path / "model.keras")
    for scope in (saving.custom_object_scope, saving.CustomObjectScope):
        with scope({"Linear": Linear}):
            again = load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_layers_may_keep_files_and_state_of_their_own(tmp_path):
    model = Sequential([Input((4,)), Lookup(2.0), Lookup(3.0)])
    model.layers[0].words, model.layers[1].words = ["a", "é"], ["c"]
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras", custom_objects={"Lookup": Lookup})
    assert [layer.words for layer in again.layers] == [["a", "é"], ["c"]]
    assert [layer.seen for layer in again.layers] == [2, 1]


def layer_of_keras_2(kind, name, calls, **options):
    options = {"name": name, "dtype": "float32", **options}
    if kind != "InputLayer":
        options["trainable"] = True
    return {"class_name": kind, "name": name, "config": options, "inbound_nodes": calls}


def graph_of_keras_2(name, layers_of_it, inputs, outputs):
    return {
        "class_name": "Functional",
        "config": {
            "name": name,
            "layers": layers_of_it,
            "input_layers": [[each, 0, 0] for each in inputs],
            "output_layers": outputs,
        },
    }


RECURRENT = {
    "units": 3,
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "implementation": 2,
    "time_major": False,
    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
}


def file_of_keras_2(path, config, weights, training=None):
    """Write a file as Keras 2 did: names with ":0", and no learning rate among the state."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config).encode()
        if training:
            file.attrs["training_config"] = json.dumps(training).encode()
            state = file.create_group("optimizer_weights")
            state.attrs["weight_names"] = [b"Adam/iter:0"]
            state.create_dataset("Adam/iter:0", data=np.int64(7))
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            names = [f"{name}/weight_{place}:0" for place in range(len(arrays))]
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [each.encode() for each in names]
            for each, array in zip(names, arrays, strict=True):
                inner.create_dataset(each, data=array)


def test_a_graph_of_keras_2(tmp_path):
    random = np.random.default_rng(0)
    series, first = layers.Input((5, 4), name="series"), layers.Input((4,), name="first")
    state = layers.Dense(3, activation="relu", name="state")(first)
    last = layers.LSTM(3, name="lstm")(series, initial_state=[state, state])
    inner = Sequential([Input((3,)), layers.Dense(2, name="within")], name="inner")
    wanted = Model([series, first], inner(last))
    weights = {
        name: [random.normal(size=w.shape).astype("f4") for w in wanted.get_layer(name).weights]
        for name in ("state", "lstm", "inner")
    }
    config = graph_of_keras_2(
        "old",
        [
            layer_of_keras_2("InputLayer", "series", [], batch_input_shape=[None, 5, 4]),
            layer_of_keras_2("InputLayer", "first", [], batch_input_shape=[None, 4], ragged=False),
            layer_of_keras_2("Dense", "state", [[["first", 0, 0, {}]]], units=3, activation="relu"),
            layer_of_keras_2(
                "LSTM",
                "lstm",
                [[["series", 0, 0, {}], ["state", 0, 0, {}], ["state", 0, 0, {}]]],
                **RECURRENT,
            ),
            {
                "class_name": "Sequential",
                "name": "inner",
                "inbound_nodes": [[["lstm", 0, 0, {}]]],
                "config": {
                    "name": "inner",
                    "layers": [
                        {
                            "class_name": "InputLayer",
                            "config": {"batch_input_shape": [None, 3], "name": "x"},
                        },
                        {"class_name": "Dense", "config": {"name": "within", "units": 2}},
                    ],
                },
            },
        ],
        ["series", "first"],
        [["inner", 1, 0]],
    )
    training = {
        "loss": "mse",
        "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "fn": "mae"}}]],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {
            "class_name": "Adam",
            "config": {"name": "Adam", "learning_rate": 0.25, "decay": 0.0, "jit_compile": True},
        },
    }
    file_of_keras_2(tmp_path / "old.h5", config, weights, training)
    with pytest.warns(UserWarning, match="begins anew"):
        model = load_model(tmp_path / "old.h5")
    for name, arrays in weights.items():
        wanted.get_layer(name).set_weights(arrays)
    inputs = [random.random((6, 5, 4)).astype("f4"), X[:6]]
    np.testing.assert_array_equal(model.predict(inputs), wanted.predict(inputs))
    assert float(model.optimizer.learning_rate) == 0.25
    assert list(model.fit(inputs, Y[:6], verbose=0).history) == ["loss", "mae"]


def test_a_stack_of_keras_2(tmp_path):
    random = np.random.default_rng(0)
    weights = {
        "bn": [np.ones(4), np.zeros(4), np.full(4, 0.5), np.full(4, 2.0)],
        "dense": [random.normal(size=(4, 2))],
    }
    options = {"axis": [1], "momentum": 0.9, "batch_input_shape": [None, 4], "renorm": False}
    stack = [
        {"class_name": "BatchNormalization", "config": {"name": "bn", **options}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 2, "use_bias": False}},
    ]
    config = {"class_name": "Sequential", "config": stack}
    file_of_keras_2(tmp_path / "old.h5", config, weights)
    model = load_model(tmp_path / "old.h5")
    wanted = (X - 0.5) / np.sqrt(2.0 + 1e-3) @ weights["dense"][0]
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-5, atol=1e-6)
    assert model.optimizer is None
