"""Models in files: what is saved comes back, and goes on training as if it had never stopped."""

import numpy as np
import pytest
from small_models import Pair, branched, data

import lamina
from lamina import Model, Sequential, layers, saving
from lamina.models import load_model

X, Y = data(40)
ENDINGS = [".keras", ".h5"]


def compiled(optimizer="adam"):
    model = Sequential([layers.Dense(3, activation="tanh", input_shape=(4,)), layers.Dense(2)])
    model.compile(optimizer, "mean_squared_error", metrics=["mae"])
    return model


def trained(optimizer="adam"):
    model = compiled(optimizer)
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam"])
def test_a_model_goes_on_where_it_was_saved(tmp_path, ending, optimizer):
    model = trained(optimizer)
    model.save(tmp_path / f"model{ending}")
    again = load_model(tmp_path / f"model{ending}")
    assert again.get_config() == model.get_config()
    assert again.get_compile_config() == model.get_compile_config()
    for each in (model, again):
        each.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations) == 8


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_weights_alone(tmp_path, ending):
    model, other = trained(), compiled()
    path = tmp_path / f"model{ending}"
    (model.save if ending == ".keras" else model.save_weights)(path)
    other.load_weights(path)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert int(other.optimizer.iterations) == 0, "an optimizer that is new begins anew"
    assert float(other.optimizer.learning_rate) == pytest.approx(0.001)


def test_the_state_of_an_optimizer_that_is_built(tmp_path):
    model, other = trained(), compiled()
    model.save_weights(tmp_path / "model.weights.h5")
    other.optimizer.build(other.trainable_weights)
    other.load_weights(tmp_path / "model.weights.h5")
    for each in (model, other):
        each.fit(X, Y, shuffle=False, verbose=0)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_model_without_its_optimizer(tmp_path, ending):
    model = trained()
    model.save(tmp_path / f"bare{ending}", include_optimizer=False)
    model.save(tmp_path / f"whole{ending}")
    for again in (
        load_model(tmp_path / f"bare{ending}"),
        load_model(tmp_path / f"whole{ending}", compile=False),
    ):
        assert again.optimizer is None
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize("ending", ENDINGS)
def test_graphs_and_models_within_models(tmp_path, ending):
    model = branched()
    model.save(tmp_path / f"model{ending}")
    again = load_model(tmp_path / f"model{ending}")
    inputs = {"a": X, "b": X[::-1]}
    found = again.predict(inputs)
    for name, value in model.predict(inputs).items():
        np.testing.assert_array_equal(found[name], value)


def test_a_subclass_with_a_call_of_its_own(tmp_path):
    model = Pair(3)
    model.compile("adam", "mse")
    model.fit(X, Y[:, :1], verbose=0)
    model.save(tmp_path / "pair.keras")
    again = load_model(tmp_path / "pair.keras", custom_objects={"Pair": Pair})
    for each in (model, again):
        each.fit(X, Y[:, :1], shuffle=False, verbose=0)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_saving_has_keras_names():
    assert saving.load_model is lamina.models.load_model
    assert lamina.models.save_model is saving.save_model
    assert issubclass(Model, lamina.models.Model)
