"""Slips made again and again in programs for Keras: each gets an error that says what to do.

What is mended runs.
"""

import numpy as np
import pytest

from lamina import Input, layers
from lamina.models import Model
from lamina.running import run_program
from lamina.utils import clear_session

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _fresh():
    clear_session()


def parts_of(error):
    return " ".join(str(error.value).split())


# ---- Embedding(64, 10000): the size of the vectors first


def posts_model(embedding):
    posts = Input(shape=(None,), dtype="int32", name="posts")
    x = embedding(posts)
    x = layers.Conv1D(8, 5, activation="relu")(x)
    x = layers.MaxPooling1D(5)(x)
    x = layers.Conv1D(8, 5, activation="relu")(x)
    x = layers.Conv1D(8, 5, activation="relu")(x)
    x = layers.MaxPooling1D(5)(x)
    x = layers.Conv1D(8, 5, activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    age = layers.Dense(1, name="age")(x)
    income = layers.Dense(10, activation="softmax", name="income")(x)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(x)
    return Model(posts, [age, income, gender])


def posts_data(length=200, words=5000):
    posts = RANDOM.integers(300, words, (8, length))
    income = np.eye(10)[RANDOM.integers(10, size=8)]
    return posts, {"age": RANDOM.normal(size=8), "income": income, "gender": np.arange(8) % 2}


LOSSES = {"age": "mse", "income": "categorical_crossentropy", "gender": "binary_crossentropy"}


def test_swapped_sizes_of_an_embedding_of_posts():
    posts, targets = posts_data()
    swapped = posts_model(layers.Embedding(256, 5000))
    swapped.compile(optimizer="rmsprop", loss=LOSSES)
    posts[2, 7] = 4999
    for call in (lambda: swapped.fit(posts[2:3], verbose=0), lambda: swapped.predict(posts[2:3])):
        with pytest.raises((IndexError, ValueError)) as caught:
            call()
    message = parts_of(caught)
    assert message == (
        f"Embedding 'embedding_1': index {posts[2, 0]} at (0, 0) is outside [0, 256). "
        "input_dim=256, output_dim=5000: were the two swapped?"
    )
    mended = posts_model(layers.Embedding(5000, 16))
    mended.compile(optimizer="rmsprop", loss=LOSSES)
    mended.fit(posts, targets, verbose=0)


def test_posts_that_are_too_short_for_the_convolutions():
    model = posts_model(layers.Embedding(5000, 16))
    posts, _ = posts_data(length=60)
    with pytest.raises(ValueError, match="MaxPooling1D 'max_pooling1d_2'.*window of 5.*3 cells"):
        model.predict(posts)


# ---- names of outputs and arguments

OUTPUTS = "Known: age, gender, income"
ARGUMENTS = "Known: loss, loss_weights, metrics, optimizer, weighted_metrics"
UNEXPECTED = "got an unexpected keyword argument"


@pytest.fixture
def heads():
    model = posts_model(layers.Embedding(5000, 16))
    model.compile("rmsprop", LOSSES)
    return model


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"loss_weights": {"age": 0.25, "imcome": 1.0, "gender": 10.0}},
            f"loss_weights: no output is named 'imcome': did you mean 'income'? {OUTPUTS}",
        ),
        (
            {"loss": {**LOSSES, "gendre": "mse"}},
            f"loss: no output is named 'gendre': did you mean 'gender'? {OUTPUTS}",
        ),
        (
            {"losss": LOSSES},
            f"compile() {UNEXPECTED} 'losss': did you mean 'loss'? {ARGUMENTS}",
        ),
        (
            {"loss_weight": [1.0, 0.2]},
            f"compile() {UNEXPECTED} 'loss_weight': did you mean 'loss_weights'? {ARGUMENTS}",
        ),
    ],
)
def test_misspelt_names_in_compile(heads, options, told):
    before = heads.get_compile_config()
    with pytest.raises((ValueError, TypeError)) as caught:
        heads.compile(**{"optimizer": "sgd", **options})
    assert parts_of(caught) == told
    assert heads.get_compile_config() == before


def test_a_misspelt_output_among_the_targets(heads):
    posts, targets = posts_data()
    targets["imcome"] = targets.pop("income")
    with pytest.raises(ValueError, match=r"'imcome': did you mean 'income'\? Known: age, gender"):
        heads.fit(posts, targets, verbose=0)


# ---- arguments of layers


def test_an_activation_of_a_pooling_layer():
    with pytest.raises(TypeError) as caught:
        layers.AveragePooling2D(3, strides=2, activation="relu")
    assert parts_of(caught) == (
        f"AveragePooling2D.__init__() {UNEXPECTED} 'activation': it has none; "
        "Activation('relu') may be the layer after it"
    )
    x = layers.AveragePooling2D(3, strides=2)(Input((28, 28, 3)))
    assert layers.Activation("relu")(x).shape == (None, 13, 13, 3)


def test_arguments_that_are_misspelt_name_the_nearest():
    for make, told in [
        (lambda: layers.Conv1D(4, 3, stride=2), "'stride': did you mean 'strides'"),
        (lambda: layers.Dense(4, activaton="relu"), "'activaton': did you mean 'activation'"),
        (lambda: layers.LSTM(4, return_sequence=True), "did you mean 'return_sequences'"),
        (lambda: layers.Flatten(nmae="flat"), "'nmae': did you mean 'name'"),
    ]:
        with pytest.raises(TypeError, match=told):
            make()


def test_a_convolution_without_the_size_of_its_window():
    with pytest.raises(TypeError) as caught:
        layers.Conv2D(1, strides=2)
    assert str(caught.value) == (
        "Conv2D.__init__() missing 1 required positional argument: 'kernel_size'"
    )
    assert layers.Conv2D(1, 1, strides=2)(Input((28, 28, 3))).shape == (None, 14, 14, 1)


@pytest.mark.parametrize(
    "name",
    ["AveragePooling1D", "Conv1D", "Conv2DTranspose", "DepthwiseConv2D", "LSTM", "SeparableConv1D"],
)
def test_a_missing_argument_names_the_layer_that_wants_it(name):
    with pytest.raises(TypeError, match=rf"^{name}\.__init__\(\) missing "):
        getattr(layers, name)()


# ---- branches that do not meet


def inception(x, **options):
    a = layers.Conv2D(8, 1, strides=2, **options)(x)
    b = layers.Conv2D(8, 3, strides=2, **options)(layers.Conv2D(8, 1)(x))
    c = layers.Conv2D(8, 3, **options)(layers.AveragePooling2D(3, strides=2, **options)(x))
    return layers.concatenate([a, b, c], axis=-1)


def test_branches_of_different_sizes():
    with pytest.raises(ValueError) as caught:
        inception(Input((28, 28, 3)))
    assert parts_of(caught) == (
        "Concatenate 'concatenate_1': cannot concatenate shapes (None, 14, 14, 8) from 'conv2d_1' "
        "and (None, 13, 13, 8) from 'conv2d_2' and (None, 11, 11, 8) from 'conv2d_4' along axis "
        "-1: height and width (or time steps) differ, as after convolutions or pooling without "
        "padding; padding='same', or equal strides, would keep them alike"
    )
    assert inception(Input((28, 28, 3)), padding="same").shape == (None, 14, 14, 24)


def residual(x, filters, **options):
    y = layers.Conv2D(16, 3, activation="relu", **options)(x)
    y = layers.Conv2D(16, 3, activation="relu", **options)(y)
    y = layers.MaxPooling2D(2, strides=2)(y)
    return layers.add([y, layers.Conv2D(filters, 1, strides=2)(x)])


def test_a_residual_of_another_size():
    sizes = "height and width .* differ, .*padding='same'"
    channels = "different numbers of features or channels"
    with pytest.raises(ValueError) as caught:
        residual(Input((28, 28, 3)), 16)
    message = parts_of(caught)
    assert message.startswith(
        "Add 'add_1': cannot merge shapes (None, 12, 12, 16) from 'max_pooling2d_1' and "
        "(None, 14, 14, 16) from 'conv2d_3': height and width (or time steps) differ"
    )
    assert "padding='same'" in message
    with pytest.raises(ValueError, match=rf"\(None, 14, 14, 8\).*: {sizes}.*; and .*{channels}"):
        residual(Input((28, 28, 3)), 8)
    with pytest.raises(ValueError, match=rf"\(None, 14, 14, 8\) .*: the branches .*{channels}"):
        residual(Input((28, 28, 3)), 8, padding="same")
    assert residual(Input((28, 28, 3)), 16, padding="same").shape == (None, 14, 14, 16)


# ---- modules that are not there


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "from keras.model import Model",
            "the program wants keras.model, which Lamina has not: did you mean keras.models?",
        ),
        (
            "from tensorflow.keras.layer import Dense",
            "tensorflow.keras.layer, which Lamina has not: did you mean tensorflow.keras.layers?",
        ),
    ],
)
def test_modules_that_are_misspelt(tmp_path, capsys, line, told):
    program = tmp_path / "program.py"
    program.write_text(line)
    assert run_program(program) == 1
    assert told in capsys.readouterr().err
