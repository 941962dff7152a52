"""Mistakes with models: found where they are made, named, explained, and nothing has changed."""

import numpy as np
import pytest

from lamina import Input, Model, Sequential, ops
from lamina.callbacks import LambdaCallback
from lamina.layers import Dense, Embedding


def ones(*shape):
    return np.ones(shape, np.float32)


@pytest.fixture
def model():
    """A network of two layers on 4 features, trained for a step; every test must leave it so."""
    model = Sequential([Dense(3, input_shape=(4,), name="first"), Dense(2, name="second")])
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(ones(5, 4), ones(5, 2))
    before, steps = model.get_weights(), int(model.optimizer.iterations)
    yield model
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert int(model.optimizer.iterations) == steps


@pytest.fixture
def forked():
    """Two inputs, a and b; two outputs, left and right."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    model = Model([a, b], [Dense(2, name="left")(a), Dense(3, name="right")(b)])
    model.compile("sgd", "mse")
    return model


def every_way(model, x, y):
    """Return each way by which data reach a model."""
    return [
        lambda: model.fit(x, y, verbose=0),
        lambda: model.fit(x, y, batch_size=2, epochs=2, verbose=0),
        lambda: model.evaluate(x, y, verbose=0),
        lambda: model.train_on_batch(x, y),
        lambda: model.test_on_batch(x, y),
        lambda: model.predict(x),
        lambda: model.predict(x, batch_size=2),
        lambda: model.predict_on_batch(x),
        lambda: model(x),
        lambda: model.fit(iter([(x, y)]), verbose=0),
    ]


@pytest.mark.parametrize("way", range(10))
def test_inputs_of_the_wrong_size(model, way):
    with pytest.raises(ValueError, match=r"'sequential_\d+'.*\(None, 4\), got \(\d, 5\)"):
        every_way(model, ones(6, 5), ones(6, 2))[way]()
    with pytest.raises(
        ValueError, match=r"\(None, 4\), got \(\d, 2, 2\): x.reshape.*-1, 4.* has it"
    ):
        every_way(model, ones(6, 2, 2), ones(6, 2))[way]()


def test_a_single_sample_without_its_axis(model):
    with pytest.raises(ValueError, match=r"got \(4,\): is this a single sample\? x\[np.newaxis\]"):
        model(ones(4))
    with pytest.raises(ValueError, match="single sample"):
        model.predict(ones(4))


def test_targets_of_the_wrong_shape(model):
    wrong = [
        lambda: model.fit(ones(6, 4), ones(6, 3), verbose=0),
        lambda: model.evaluate(ones(6, 4), ones(6, 3), verbose=0),
        lambda: model.train_on_batch(ones(6, 4), ones(6, 3)),
    ]
    for each in wrong:
        with pytest.raises(
            ValueError, match=r"output 'second'.* \(6, 3\) do not fit predictions of shape \(6, 2\)"
        ):
            each()


def test_layers_that_do_not_follow_each_other():
    shared = Dense(2, name="narrow")
    shared(Input((3,)))
    with pytest.raises(ValueError, match="'narrow'.*wanted size 3 in axis -1"):
        shared(Input((5,)))
    with pytest.raises(ValueError, match="'narrow'.*wanted size 3 in axis -1"):
        Sequential([Input((4,)), shared])
    stack = Sequential([Input((4,)), Dense(3)])
    wide = Dense(2, name="wide")
    wide(Input((9,)))
    with pytest.raises(ValueError, match="'wide'.*wanted size 9 in axis -1"):
        stack.add(wide)
    assert len(stack.layers) == 1
    assert stack.predict(ones(2, 4)).shape == (2, 3), "the model is as it was"


def test_branches_that_do_not_match():
    a, b = Input((4,)), Input((5,))
    with pytest.raises(
        ValueError, match=r"add: shapes \(\d+, 4\) and \(\d+, 5\) do not go together"
    ):
        a + b
    with pytest.raises(
        ValueError, match=r"concatenate: shapes .* differ elsewhere than along axis 0"
    ):
        ops.concatenate([a, b], axis=0)


@pytest.mark.parametrize("way", range(10))
def test_an_index_outside_an_embeddings_table_on_every_path(way):
    model = Sequential([Embedding(64, 8, input_length=3, name="words"), Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(np.zeros((2, 3), np.int32), ones(2, 3, 1))
    before = model.get_weights()
    ids = np.array([[1, 2, 3], [4, 5, 63], [1, 8121, 0]], np.int32)
    with pytest.raises((ValueError, IndexError), match=r"Embedding 'words': index 8121.*\[0, 64\)"):
        every_way(model, ids, ones(3, 3, 1))[way]()
    ids[2, 1] = -1
    with pytest.raises((ValueError, IndexError), match="Embedding 'words': index -1"):
        every_way(model, ids, ones(3, 3, 1))[way]()
    if way != 1:  # there a good batch came first
        for one, two in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_before_compile():
    model = Sequential([Dense(1, input_shape=(4,))])
    x, y = ones(3, 4), ones(3, 1)
    for what, call in {
        "fit": lambda: model.fit(x, y),
        "evaluate": lambda: model.evaluate(x, y),
        "train_on_batch": lambda: model.train_on_batch(x, y),
        "test_on_batch": lambda: model.test_on_batch(x, y),
    }.items():
        with pytest.raises(RuntimeError, match=rf"'sequential_\d+'.{what}: compile it first"):
            call()
    assert model.predict(x).shape == (3, 1), "predict needs no optimizer"


def test_compile_with_unknown_names(model):
    optimizer = model.optimizer
    for options, message in [
        ({"optimizer": "adm"}, "unknown optimizer 'adm': did you mean 'adam'"),
        ({"loss": "binary_crosentropy"}, "did you mean 'binary_crossentropy'"),
        ({"loss": {"secnd": "mse"}}, "loss: no output is named 'secnd': did you mean 'second'"),
        ({"loss_weights": {"secnd": 1}}, "loss_weights: no output is named 'secnd'"),
        ({"metrics": {"secnd": ["mae"]}}, "metrics: no output is named 'secnd'"),
        ({"loss": ["mse", "mse"]}, "loss: got 2, wanted one for each of the 1 outputs: 'second'"),
        ({"metrics": ["acurracy"]}, "unknown metric 'acurracy': did you mean '(?i:accuracy)'"),
        ({"metrics": "acc", "weighted_metrics": ["mea"]}, "unknown metric 'mea'"),
        ({"loss": 7}, "loss: wanted a name, an object or a function, got 7"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            model.compile(**{"optimizer": "sgd", "loss": "mse", **options})
        assert model.optimizer is optimizer, f"{options} must change nothing"
    with pytest.raises(TypeError, match=r"compile.. got an unexpected keyword argument 'los'"):
        model.compile("sgd", los="mse")


def test_counts_of_losses_and_targets(forked):
    x, y, z = ones(6, 4), ones(6, 2), ones(6, 3)
    with pytest.raises(
        ValueError, match="loss: got 3, wanted one for each of the 2 outputs: 'left'"
    ):
        forked.compile("sgd", ["mse", "mse", "mse"])
    with pytest.raises(ValueError, match="metrics: got a list of 3, but there are 2 outputs"):
        forked.compile("sgd", "mse", metrics=["mae", "mse", "mae"])
    with pytest.raises(ValueError, match="y: got one array, wanted one for each of the 2 outputs"):
        forked.fit([x, x], y, verbose=0)
    with pytest.raises(ValueError, match="y: got 1, wanted one for each of the 2"):
        forked.fit([x, x], [y], verbose=0)
    with pytest.raises(ValueError, match="y: no output is named 'rigth': did you mean 'right'"):
        forked.fit([x, x], {"left": y, "rigth": z}, verbose=0)
    with pytest.raises(ValueError, match="y: the target of the output 'right' is missing"):
        forked.fit([x, x], {"left": y}, verbose=0)
    with pytest.raises(ValueError, match="y: the target of the output 'left' is missing"):
        forked.fit([x, x], verbose=0)


def test_counts_and_names_of_inputs(forked):
    x, y, z = ones(6, 4), ones(6, 2), ones(6, 3)
    with pytest.raises(ValueError, match="got 1 input, wanted 2: 'a', 'b'"):
        forked.fit(x, [y, z], verbose=0)
    with pytest.raises(ValueError, match="got 3 inputs, wanted 2: 'a', 'b'"):
        forked.predict([x, x, x])
    with pytest.raises(ValueError, match="the input 'b' is missing among 'a', 'c'"):
        forked.predict({"a": x, "c": x})


def test_numbers_of_samples_that_differ(model, forked):
    with pytest.raises(ValueError, match="numbers of samples differ: x has 6, y has 5"):
        model.fit(ones(6, 4), ones(5, 2), verbose=0)
    with pytest.raises(ValueError, match=r"x\[0\] has 6, x\[1\] has 7, y\[0\] has 6"):
        forked.fit([ones(6, 4), ones(7, 4)], [ones(6, 2), ones(6, 3)], verbose=0)
    with pytest.raises(ValueError, match="sample_weight has 3"):
        model.evaluate(ones(6, 4), ones(6, 2), sample_weight=ones(3), verbose=0)
    with pytest.raises(ValueError, match="x has 6, y has 5"):
        model.train_on_batch(ones(6, 4), ones(5, 2))
    with pytest.raises(ValueError, match="x has 6, y has 5"):
        model.fit(ones(6, 4), ones(6, 2), validation_data=(ones(6, 4), ones(5, 2)), verbose=0)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="there are no samples: x is empty"):
            call(ones(0, 4), ones(0, 2), verbose=0)


@pytest.mark.parametrize(
    "x",
    [
        np.array([["a"] * 4] * 3),
        np.array([[1, 2, 3, 4], [1, 2]], dtype=object),
        np.array([[None] * 4]),
        np.zeros((3, 4), "datetime64[s]"),
        "text",
        [["a", "b", "c", "d"]],
    ],
)
def test_types_that_cannot_be_meant(model, x):
    for call in (
        lambda: model.fit(x, ones(3, 2), verbose=0),
        lambda: model.predict(x),
        lambda: model(x),
        lambda: model.fit(ones(3, 4), x, verbose=0),
    ):
        with pytest.raises(TypeError, match="wanted (arrays of )?numbers"):
            call()


def test_rows_of_different_lengths(model):
    with pytest.raises((TypeError, ValueError), match="rows of different lengths"):
        model.fit([[1.0, 2.0, 3.0, 4.0], [1.0]], ones(2, 2), verbose=0)


def test_unknown_keywords_are_pythons_type_error(model):
    x, y = ones(3, 4), ones(3, 2)
    for what, call in {
        "epoch": lambda: model.fit(x, y, epoch=3),
        "step": lambda: model.evaluate(x, y, step=3),
        "batchsize": lambda: model.predict(x, batchsize=3),
        "weight": lambda: model.train_on_batch(x, y, weight=3),
        "input": lambda: Model(input=Input((4,)), output=None),
        "layer": lambda: Sequential(layer=[]),
    }.items():
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{what}'"):
            call()
    model.fit(ones(0 + 3, 4), y, epochs=0, workers=4, use_multiprocessing=True, verbose=0)


def test_callbacks_that_are_none(model):
    x, y = ones(3, 4), ones(3, 2)
    with pytest.raises(TypeError, match="is no Callback: are the brackets missing"):
        model.fit(x, y, callbacks=[LambdaCallback], verbose=0)
    with pytest.raises(TypeError, match="'print' is no Callback"):
        model.fit(x, y, callbacks=["print"], verbose=0)
    with pytest.raises(TypeError, match="there is no event 'on_epoch_finish'"):
        LambdaCallback(on_epoch_finish=id)


def test_numbers_that_make_no_sense(model):
    x, y = ones(3, 4), ones(3, 2)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        model.fit(x, y, batch_size=0, verbose=0)
    with pytest.raises(ValueError, match="x is None"):
        model.fit(verbose=0)
    with pytest.raises(ValueError, match="validation_split needs arrays"):
        model.fit(iter([(x, y)]), validation_split=0.5, verbose=0)


def test_weights_of_samples_and_classes_that_do_not_fit(model):
    x, y = ones(6, 4), ones(6, 2)
    with pytest.raises(ValueError, match=r"'second': sample weights of shape \(6, 3\) do not fit"):
        model.fit(x, y, sample_weight=ones(6, 3), verbose=0)
    with pytest.raises(
        TypeError, match=r"class_weight: wanted a dict from class to factor, got \[1"
    ):
        model.fit(x, y, class_weight=[1.0, 2.0], verbose=0)
    with pytest.raises(ValueError, match="class_weight is for a model with one output"):
        model.fit(x, [y, y], class_weight={0: 1.0, 1: 2.0}, verbose=0)


def test_types_of_layers_that_cannot_be():
    for dtype in ("mixed_float16", "float16", "flaot32", "complex64", object):
        with pytest.raises(ValueError, match="Dense 'odd': dtype must be 'float32' or 'float64'"):
            Dense(3, dtype=dtype, name="odd")


def test_layers_by_name_that_are_not_there(model):
    with pytest.raises(ValueError, match="no layer is named 'frist': did you mean 'first'"):
        model.get_layer("frist")


def test_shapes_of_inputs_that_make_no_sense():
    with pytest.raises(TypeError, match=r"shape must be a tuple, got 64: \(64,\) is meant"):
        Input(64)
    with pytest.raises(ValueError, match="a size is a whole number or None, got 2.5"):
        Input((2.5,))
    with pytest.raises(ValueError, match=r"say shape="):
        Input()
    with pytest.raises(
        ValueError, match=r"got an input of shape \(None, None\), wanted a known size"
    ):
        Dense(3)(Input((None,)))


def test_nothing_to_minimise():
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd")
    with pytest.raises(ValueError, match="nothing to minimise: compile.loss=.* names no loss"):
        model.fit(ones(3, 4), ones(3, 1), verbose=0)
