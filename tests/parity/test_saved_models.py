"""Files beside Keras's: each reads what the other writes, predicts the same and trains on."""

import numpy as np
import pytest
from parity.keras_beside import assert_close, keras
from parity.test_architectures import IDS, IMAGES, NETWORKS, SERIES
from parity.test_configs import ARGUMENTS, NEED_TENSORFLOW

import lamina
from lamina import layers
from lamina.autodiff import flatten

# Keras itself asks its variables for arrays in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WITH_TWO = {
    *("Add", "AdditiveAttention", "Attention", "Average", "Concatenate", "Dot", "Maximum"),
    *("Minimum", "Multiply", "Subtract"),
}


def every_layer(library):
    """Return a model with every layer of the table, each with an output of its own."""
    inputs = {
        "series": library.layers.Input((6, 4), name="series"),
        "images": library.layers.Input((8, 8, 3), name="images"),
        "ids": library.layers.Input((7,), dtype="int32", name="ids"),
    }
    outputs = []
    for name, arguments in ARGUMENTS.items():
        if name == "InputLayer":
            continue
        layer = getattr(library.layers, name)(**{**arguments, **CHANGED.get(name, {})})
        if name.endswith("Cell"):
            layer = library.layers.RNN([layer, getattr(library.layers, name)(units=2)])
        if name in {"CategoryEncoding", "Embedding"}:
            tensor = layer(inputs["ids"])
        elif "2D" in name:
            tensor = layer(inputs["images"])
        elif name in WITH_TWO:
            tensor = layer([inputs["series"], inputs["series"] * 2])
        elif name == "MultiHeadAttention":
            tensor = layer(inputs["series"], inputs["series"])
        elif name == "RepeatVector":
            tensor = layer(inputs["series"][:, 0])
        else:
            tensor = layer(inputs["series"])
        outputs.append(tensor)
    model = library.models.Model(inputs, outputs)
    return model, {"series": SERIES, "images": IMAGES[[0, 1, 2, 3, 0]], "ids": IDS[:5] % 9}


CHANGED = {
    "CategoryEncoding": {"num_tokens": 9},
    "Discretization": {"output_mode": "one_hot"},
    "Dot": {"axes": (2, 2)},
    "MultiHeadAttention": {"value_dim": 3},  # Keras on JAX cannot run it with another one
    "Normalization": {"axis": -1, "mean": None, "variance": None},
}


def reviews(library):
    model = library.models.Sequential()
    model.add(library.layers.Embedding(20, 8))
    model.add(library.layers.Flatten())
    model.add(library.layers.Dense(1, activation="sigmoid"))
    model.build((None, 7))
    return model, IDS


def recurrent_reviews(library):
    stack = [library.layers.Embedding(20, 8), library.layers.SimpleRNN(4), library.layers.Dense(1)]
    model = library.models.Sequential(stack)
    model.build((None, 7))
    return model, IDS


def autoencoder(library):
    inputs = library.Input(shape=(24,))
    tensor = inputs
    for units in (8, 4, 8):
        tensor = library.layers.Dense(
            units, activation="relu", activity_regularizer=library.regularizers.L1(1e-5)
        )(tensor)
    outputs = library.layers.Dense(24, activation="sigmoid")(tensor)
    return library.Model(inputs, outputs), SERIES.reshape(5, 24)


def denoising(library):
    convolution = {"activation": "relu", "padding": "same"}
    stack = [
        library.Input((8, 8, 3)),
        library.layers.Conv2D(4, (3, 3), **convolution),
        library.layers.MaxPooling2D((2, 2), padding="same"),
        library.layers.Conv2D(4, (3, 3), **convolution),
        library.layers.UpSampling2D((2, 2)),
        library.layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same"),
    ]
    return library.models.Sequential(stack), IMAGES


def posts(library):
    inputs = library.Input((None,), dtype="int32")
    tensor = library.layers.Embedding(20, 6)(inputs)
    tensor = library.layers.MaxPooling1D(2)(library.layers.Conv1D(5, 3, activation="relu")(tensor))
    tensor = library.layers.GlobalMaxPooling1D()(library.layers.Conv1D(5, 2)(tensor))
    outputs = [
        library.layers.Dense(1, name="age")(tensor),
        library.layers.Dense(3, activation="softmax", name="income")(tensor),
        library.layers.Dense(1, activation="sigmoid", name="gender")(tensor),
    ]
    return library.Model(inputs, outputs), IDS


PROGRAMS = [reviews, recurrent_reviews, autoencoder, denoising, posts]


def random_weights(model):
    generator = np.random.default_rng(3)
    values = [generator.normal(0, 0.3, variable.shape) for variable in model.weights]
    for variable, value in zip(model.weights, values, strict=True):
        if "variance" in variable.name:
            value[...] = np.abs(value) + 0.5
    model.set_weights(values)


def predictions(model, data):
    return [np.asarray(each) for each in flatten(model(data))[0]]


def same(ours, theirs, data, wanted):
    """Check that two models have the same weights, and that ours predicts what is wanted."""
    for one, two in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(two, one)
    for place, value in enumerate(predictions(ours, data)):
        assert_close(value, wanted[place], f"output {place}")


@pytest.mark.parametrize(
    "network", [every_layer, *PROGRAMS, *NETWORKS], ids=lambda network: network.__name__
)
def test_files_go_both_ways(network, tmp_path):
    """Keras is made once, of our file: to build it and to compile its operations takes long."""
    model, data = network(lamina)
    random_weights(model)
    wanted = predictions(model, data)
    model.save(tmp_path / "ours.keras")
    theirs = keras.models.load_model(tmp_path / "ours.keras")
    for place, value in enumerate(predictions(theirs, data)):
        assert_close(value, wanted[place], f"output {place} in Keras")
    for name in ("model.keras", "model.h5"):
        theirs.save(tmp_path / name)
        same(lamina.models.load_model(tmp_path / name), theirs, data, wanted)
    for name in ("alone.weights.h5", "alone.h5"):
        model.save_weights(tmp_path / name)
        theirs.set_weights([np.zeros_like(each) for each in theirs.get_weights()])
        theirs.load_weights(tmp_path / name)
        same(model, theirs, data, wanted)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    model.set_weights([np.zeros_like(each) for each in model.get_weights()])
    model.load_weights(tmp_path / "theirs.weights.h5")
    same(model, theirs, data, wanted)


@pytest.mark.parametrize("network", [autoencoder, posts, *NETWORKS[-2:]])
def test_older_files_of_ours_in_keras(network, tmp_path):
    model, data = network(lamina)
    random_weights(model)
    model.save(tmp_path / "ours.h5")
    same(model, keras.models.load_model(tmp_path / "ours.h5"), data, predictions(model, data))


def test_every_layer_is_in_a_file():
    kinds = {type(layer).__name__ for layer in every_layer(lamina)[0]._all_layers()}
    known = {kind.__name__ for kind in vars(layers).values() if isinstance(kind, type)}
    missing = {name for name in known & set(vars(keras.layers)) if name not in kinds}
    # Those that are within models of the networks, or no layers to save.
    elsewhere = {"Bidirectional", "TimeDistributed", "Lambda", "Layer", "InputSpec"}
    assert missing <= elsewhere | NEED_TENSORFLOW


OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adam": {"amsgrad": True, "use_ema": True},
    "AdamW": {"weight_decay": 0.01},
    "Adagrad": {"gradient_accumulation_steps": 3},
    "Adadelta": {},
    "Adamax": {},
    "Nadam": {},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("first", [lamina, keras], ids=["from_ours", "from_theirs"])
def test_training_goes_on_in_the_other(name, first, tmp_path):
    """Two steps, a file, and two steps by both; Keras loses an optimizer's state in an .h5."""
    second = keras if first is lamina else lamina
    x, y = SERIES.reshape(5, 24), SERIES[:, 0, :2]
    stack = [first.Input((24,)), first.layers.Dense(3, activation="tanh"), first.layers.Dense(2)]
    model = first.models.Sequential(stack)
    random_weights(model)
    optimizer = getattr(first.optimizers, name)(learning_rate=0.01, **OPTIMIZERS[name])
    model.compile(optimizer, "mse", metrics=["mae"])
    for _ in range(2):
        model.train_on_batch(x, y)
    others = []
    for file in ("model.keras", "model.h5") if second is lamina else ("model.keras",):
        model.save(tmp_path / file)
        others.append(second.models.load_model(tmp_path / file))
    for _ in range(2):
        for each in (model, *others):
            each.train_on_batch(x, y)
    for other in others:
        assert float(other.optimizer.learning_rate) == pytest.approx(0.01)
        for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
            assert_close(two, one, f"weights after {second.__name__} went on")
        for one, two in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
            assert_close(np.asarray(two), np.asarray(one), f"the optimizer's {one.name}")
