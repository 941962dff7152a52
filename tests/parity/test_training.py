"""Training beside real Keras: the same weights, data and settings give the same numbers.

Losses and metrics of every epoch, of validation and of ``evaluate`` agree to 1e-4: float32 sums of
several steps, taken in another order. ``evaluate`` returns them in the same order, too.
"""

import numpy as np
import pytest
from parity.keras_beside import keras

import lamina

_random = np.random.default_rng(0)
X = _random.random((50, 4)).astype(np.float32)
PAIR = X[:, :2]
CLASSES = X[:, :3].argmax(axis=1).astype(np.int32)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
SERIES = _random.random((20, 5, 4)).astype(np.float32)
SERIES_CLASSES = SERIES[:, :, :3].argmax(axis=-1).astype(np.int32)


def forked(library):
    layers = library.layers
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    left = layers.Dense(2, name="left")(a)
    right = layers.Dense(3, activation="softmax", name="right")(layers.Add()([a, b]))
    return library.models.Model([a, b], [left, right])


def named(library):
    inputs = library.layers.Input((4,))
    outputs = {"p": library.layers.Dense(2)(inputs), "q": library.layers.Dense(3)(inputs)}
    return library.models.Model(inputs, outputs)


def stack(shape=(4,), units=3, activation="softmax"):
    def make(library):
        layers = [library.layers.Input(shape), library.layers.Dense(units, activation=activation)]
        return library.models.Sequential(layers)

    return make


FORKED = {"x": [X, 2 * X], "y": [PAIR, ONE_HOT]}
SPREAD = np.linspace(0, 2, 50).astype(np.float32)
BY_CLASS = {0: 1.0, 1: 2.0, 2: 0.5}
CROSS = "sparse_categorical_crossentropy"

CASES = {
    "one loss for all": (forked, {"loss": "mse"}, FORKED),
    "lists": (
        forked,
        {
            "loss": ["mse", "categorical_crossentropy"],
            "metrics": [["mae"], ["acc"]],
            "loss_weights": [0.3, 2.0],
        },
        FORKED,
    ),
    "dicts": (
        forked,
        {
            "loss": {"left": "mse", "right": "categorical_crossentropy"},
            "metrics": {"right": ["acc", "mse"], "left": ["mae"]},
            "loss_weights": {"right": 2.0, "left": 0.5},
        },
        {"x": {"a": X, "b": 2 * X}, "y": {"left": PAIR, "right": ONE_HOT}},
    ),
    "weights for each output": (
        forked,
        {"loss": "mse", "weighted_metrics": [["mae"], ["mse"]]},
        {**FORKED, "sample_weight": [SPREAD, 2 - SPREAD]},
    ),
    "validation data": (
        forked,
        {"loss": "mse", "metrics": [["mae"], ["mse"]]},
        {**FORKED, "validation_data": ([X, X], [PAIR, ONE_HOT])},
    ),
    "outputs by name": (
        named,
        {"loss": {"p": "mse", "q": "mae"}, "metrics": {"q": ["mse"]}},
        {"x": X, "y": {"p": PAIR, "q": ONE_HOT}},
    ),
    "accuracy of classes": (
        stack(),
        {"loss": CROSS, "metrics": ["accuracy"]},
        {"x": X, "y": CLASSES},
    ),
    "accuracy of a column": (
        stack(),
        {"loss": CROSS, "metrics": ["acc"]},
        {"x": X, "y": CLASSES[:, None]},
    ),
    "accuracy of one-hot rows": (
        stack(),
        {"loss": "categorical_crossentropy", "metrics": ["acc", "categorical_crossentropy"]},
        {"x": X, "y": ONE_HOT},
    ),
    "accuracy of two classes": (
        stack(units=1, activation="sigmoid"),
        {"loss": "binary_crossentropy", "metrics": ["acc", "AUC"]},
        {"x": X, "y": (CLASSES > 0).astype(np.int32)},
    ),
    "batches of seven": (
        stack(),
        {"loss": "mse", "metrics": ["mae"]},
        {"x": X, "y": ONE_HOT, "batch_size": 7, "validation_split": 0.3},
    ),
    "sample weights": (
        stack(),
        {"loss": "mse", "metrics": ["mae"], "weighted_metrics": ["mse"]},
        {"x": X, "y": ONE_HOT, "sample_weight": SPREAD, "validation_split": 0.3},
    ),
    "class weights": (
        stack(),
        {"loss": CROSS, "metrics": ["acc"]},
        {"x": X, "y": CLASSES, "class_weight": BY_CLASS},
    ),
    "class weights of one-hot rows": (
        stack(),
        {"loss": "categorical_crossentropy"},
        {"x": X, "y": ONE_HOT, "class_weight": BY_CLASS, "validation_split": 0.3},
    ),
    "a function": (
        stack(),
        {"loss": lambda y_true, y_pred: (y_true - y_pred) ** 2},
        {"x": X, "y": ONE_HOT},
    ),
    "numbers without an axis": (
        stack(units=1, activation=None),
        {"loss": "mse", "metrics": ["mae"]},
        {"x": X, "y": X[:, 0]},
    ),
    "time steps": (
        stack((5, 4)),
        {"loss": CROSS, "metrics": ["acc"], "weighted_metrics": [f"{CROSS}"]},
        {
            "x": SERIES,
            "y": SERIES_CLASSES,
            "sample_weight": _random.random((20, 5)).astype(np.float32),
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_training(name):
    make, settings, data = CASES[name]
    histories, evaluated, weights = [], [], None
    for library in (lamina, keras):
        model = make(library)
        weights = model.get_weights() if weights is None else weights
        model.set_weights(weights)
        model.compile(library.optimizers.SGD(0.1), **settings)
        kept = model.fit(**data, epochs=3, shuffle=False, verbose=0)
        histories.append(kept.history)
        known = {key: data[key] for key in ("x", "y", "sample_weight") if key in data}
        evaluated.append(np.atleast_1d(model.evaluate(**known, verbose=0)))
    ours, theirs = histories
    assert sorted(ours) == sorted(theirs)
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-4, err_msg=key)
    np.testing.assert_allclose(evaluated[0], evaluated[1], rtol=1e-4)
