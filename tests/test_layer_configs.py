"""Configs of layers: what they save, what is known by name, what is refused."""

import importlib
from pathlib import Path

import pytest
from small_models import Linear, ones

from lamina import layers
from lamina.layers import Layer


def test_config_of_a_layer_that_says_it_itself():
    class Says(Linear):
        def get_config(self):
            return {**super().get_config(), "units": self.units}

    layer = Says(3, name="says", trainable=False, dtype="float64")
    config = layer.get_config()
    assert config["units"] == 3
    again = Says.from_config(config)
    assert (again.name, again.trainable, again.dtype) == ("says", False, "float64")


def test_config_of_a_layer_that_does_not():
    class Simple(Layer):
        def __init__(self, size, factors=(1, 2), **options):
            super().__init__(**options)
            self.size, self.factors = size, factors

        def call(self, inputs):
            return inputs

    again = Simple.from_config(Simple(3, name="simple", trainable=False).get_config())
    assert (again.size, again.factors, again.name, again.trainable) == (3, (1, 2), "simple", False)
    with pytest.raises(NotImplementedError, match="size=<object.*override get_config"):
        Simple(object()).get_config()

    class Nameless(Layer):
        def __init__(self, size):
            super().__init__()
            self.size = size

    assert Nameless.from_config(Nameless(4).get_config()).size == 4


def test_layers_by_name_and_by_config():
    made = layers.deserialize(
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 3], "name": "x"}}
    )
    assert made.batch_shape == (None, 3)
    saved = layers.serialize(made)
    assert (saved["module"], saved["class_name"]) == ("keras.layers", "InputLayer")
    for name in dir(layers):
        thing = getattr(layers, name)
        if not name.startswith("_") and isinstance(thing, type) and issubclass(thing, Layer):
            assert layers.serialization.registry.find(name) is thing
    with pytest.raises(ValueError, match="unknown layer 'InputLaier': did you mean 'InputLayer'"):
        layers.deserialize({"class_name": "InputLaier", "config": {}})


def test_every_file_of_layers_is_offered():
    for file in Path(layers.__file__).parent.glob("*.py"):
        module = importlib.import_module(f"lamina.layers.{file.stem}")
        for name in {*getattr(module, "__all__", ())} - {"Spatial"}:  # the base of some
            assert getattr(layers, name, None) is getattr(module, name), f"{file.name}: {name}"


def test_custom_layers_in_configs():
    class Doubled(Linear):
        def get_config(self):
            return {**super().get_config(), "units": self.units}

    layer = Doubled(3, name="mine")
    layer(ones(1, 4))
    saved = layers.serialize(layer)
    assert saved["registered_name"] == "Doubled"
    assert saved["build_config"] == {"input_shape": (1, 4)}
    with pytest.raises(ValueError, match=r"unknown layer 'Doubled'.*custom_objects=\{'Doubled'"):
        layers.deserialize(saved)
    again = layers.deserialize(saved, custom_objects={"Doubled": Doubled})
    assert again.built
    assert [v.shape for v in again.weights] == [v.shape for v in layer.weights]


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"class_name": "Layer"}, "dict with 'class_name' and 'config'"),
        ({"class_name": ["Layer"], "config": {}}, "a name is a text"),
        ({"class_name": "Layer", "config": []}, "its config must be a dict"),
        ({"class_name": "__lambda__", "config": {"value": "x"}}, "unknown layer '__lambda__'"),
        ({"class_name": "system", "module": "os", "config": {}}, "unknown layer 'system'"),
        (7, "wanted a name, an object or a function|dict with"),
    ],
)
def test_wrong_configs(config, error):
    with pytest.raises((ValueError, TypeError), match=error):
        layers.deserialize(config)
