"""Training, evaluating and predicting: data in every form, averages, callbacks and the screen."""

import numpy as np
import pytest
from small_models import data, small_model, two_by_two

import lamina
from lamina import Sequential, layers, ops
from lamina.callbacks import Callback, LambdaCallback
from lamina.layers import Dense


def test_a_step_is_what_numpy_says():
    x, y = data(8)
    model = Sequential([Dense(2, input_shape=(4,))])
    kernel = np.full((4, 2), 0.1, np.float32)
    model.set_weights([kernel, np.zeros(2)])
    model.compile(lamina.optimizers.SGD(learning_rate=0.5), "mse")
    error = x @ kernel - y
    assert model.train_on_batch(x, y) == pytest.approx((error**2).mean(), rel=1e-5)
    gradient = 2 * x.T @ error / error.size
    np.testing.assert_allclose(model.get_weights()[0], kernel - 0.5 * gradient, rtol=1e-5)
    np.testing.assert_allclose(
        model.get_weights()[1], -0.5 * 2 * error.sum(axis=0) / error.size, rtol=1e-5
    )


def test_averages_are_weighted_by_samples():
    x, y = data(70)  # 32, 32 and 6
    y[64:] += 10
    model = small_model()
    error = model.predict(x) - y
    loss, mae = model.evaluate(x, y, verbose=0)
    assert loss == pytest.approx((error**2).mean(), rel=1e-5)
    assert mae == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert model.evaluate(x, y, batch_size=70, verbose=0) == pytest.approx([loss, mae], rel=1e-5)


def test_history_has_keras_keys_and_one_number_an_epoch():
    x, y = data()
    model = small_model()
    history = model.fit(x, y, epochs=3, verbose=0, validation_split=0.2)
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert history.epoch == [0, 1, 2]
    assert all(len(values) == 3 for values in history.history.values())
    assert history is model.history
    assert history.params["epochs"] == 3
    assert history.params["steps"] == 3
    assert history.model is model


def test_keys_of_several_outputs_are_those_of_real_keras():
    from parity.keras_beside import keras

    x, (y, z) = data()[0], (data(targets=2)[1], data(targets=3)[1])
    kinds = [
        {"loss": "mse"},
        {"loss": ["mse", "mae"], "metrics": [["mae"], ["mse"]], "loss_weights": [1.0, 0.5]},
        {"loss": {"left": "mse", "right": "mae"}, "metrics": {"right": ["mae", "mse"]}},
    ]
    for options in kinds:
        a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
        left = keras.layers.Dense(2, name="left")(a)
        right = keras.layers.Dense(3, name="right")(keras.layers.Add()([a, b]))
        theirs = keras.Model([a, b], [left, right])
        ours = two_by_two()
        weights = ours.get_weights()
        found = []
        for model in (ours, theirs):
            model.set_weights(weights)
            model.compile("sgd", **options)
            kept = model.fit(
                [x, x], [y, z], epochs=2, verbose=0, validation_split=0.2, shuffle=False
            )
            found.append(kept.history)
        assert sorted(found[0]) == sorted(found[1])
        for name in found[0]:
            np.testing.assert_allclose(found[0][name], found[1][name], rtol=2e-4, err_msg=name)


def test_an_output_without_a_loss():
    x, y = data(40)
    model = two_by_two()
    model.compile("sgd", {"left": "mse"})
    before = model.get_layer("right").get_weights()
    with pytest.warns(UserWarning, match="right/kernel"):  # there is no gradient for it
        history = model.fit([x, x], {"left": y}, verbose=0)
    assert list(history.history) == ["loss", "left_loss"]
    np.testing.assert_array_equal(before[0], model.get_layer("right").get_weights()[0])


def test_initial_epoch_and_stopping():
    x, y = data()
    model = small_model()
    assert model.fit(x, y, initial_epoch=3, epochs=5, verbose=0).epoch == [3, 4]

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert set(logs) == {"loss", "mae"}
            self.model.stop_training = batch == 1

    history = model.fit(x, y, epochs=5, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0]
    assert model.fit(x, y, epochs=2, verbose=0).epoch == [0, 1]


def test_events_come_in_keras_order():
    x, y = data(64)
    names = [name for name in vars(Callback) if name.startswith("on_")]
    seen = []
    watching = LambdaCallback(
        **{name: (lambda *_, name=name: seen.append(name.removeprefix("on_"))) for name in names}
    )
    small_model().fit(x, y, validation_data=(x[:32], y[:32]), callbacks=[watching], verbose=0)
    batch = ["train_batch_begin", "batch_begin", "train_batch_end", "batch_end"]
    test = ["test_begin", "test_batch_begin", "test_batch_end", "test_end"]
    assert seen == ["train_begin", "epoch_begin", *batch, *batch, *test, "epoch_end", "train_end"]
    seen.clear()
    small_model().predict(x, callbacks=watching)
    one = ["predict_batch_begin", "predict_batch_end"]
    assert seen == ["predict_begin", *one, *one, "predict_end"]


def test_on_batch_functions():
    x, y = data(10)
    model = small_model()
    before = model.get_weights()[0]
    loss, mae = model.test_on_batch(x, y)
    np.testing.assert_array_equal(before, model.get_weights()[0])
    assert model.train_on_batch(x, y) == pytest.approx([loss, mae])
    assert model.train_on_batch(x, y)[0] < loss
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss", "mae"}
    np.testing.assert_array_equal(model.predict_on_batch(x), model.predict(x))
    assert model.metrics_names == ["loss", "mae"]
    lonely = small_model(metrics=None)
    assert isinstance(lonely.train_on_batch(x, y), float)
    assert isinstance(lonely.evaluate(x, y, verbose=0), float)


def test_the_mode_of_training():
    modes = []

    class Mode(layers.Layer):
        def call(self, inputs, training=None):
            modes.append(training)
            return inputs

    x, y = data(10)
    model = Sequential([Mode(input_shape=(4,)), Dense(2)])
    model.compile("sgd", "mse")
    modes.clear()
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x)
    model(x)
    model(x, training=True)
    assert modes == [True, False, False, False, True]


def test_frozen_layers_stay():
    x, y = data()
    model = Sequential([Dense(4, input_shape=(4,)), Dense(2)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match="dense.*/kernel is not among .* compile again"):
        model.fit(x, y, verbose=0)
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_losses_that_layers_and_weights_add():
    x, y = data(20)

    class Penalty(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(inputs) * 10)
            return inputs

    model = Sequential([Penalty(input_shape=(4,)), Dense(2)])
    plain = Sequential([model.layers[1]])
    for each in (model, plain):
        each.compile("sgd", "mse")
    extra = 10 * x.mean()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        plain.evaluate(x, y, verbose=0) + extra, rel=1e-5
    )
    kernel = Dense(2, kernel_regularizer=lambda w: ops.sum(w * w) * 0.1, input_shape=(4,))
    model = Sequential([kernel])
    model.compile("sgd", "mse")
    penalty = 0.1 * (model.get_weights()[0] ** 2).sum()
    error = ((model.predict(x) - y) ** 2).mean()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(error + penalty, rel=1e-5)
