"""Training, evaluating and predicting: data in every form, averages, callbacks and the screen."""

import fcntl
import gc
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import tracemalloc

import numpy as np
import pytest

import lamina
from lamina import Input, Model, Sequential, layers, ops
from lamina.autodiff import is_recording
from lamina.callbacks import Callback, LambdaCallback, ProgbarLogger, TerminateOnNaN
from lamina.layers import Dense
from lamina.layers.layer import context
from lamina.losses import Loss
from lamina.randomness import set_random_seed


def data(samples=100, features=4, targets=2):
    generator = np.random.default_rng(5)
    x = generator.random((samples, features)).astype(np.float32)
    return x, x[:, :targets] * 2 + 0.5


def small_model(**options):
    model = Sequential([Dense(2, input_shape=(4,))])
    model.set_weights([np.full((4, 2), 0.1), np.zeros(2)])
    model.compile("sgd", "mse", **{"metrics": ["mae"], **options})
    return model


def two_by_two():
    """Two inputs a and b, two outputs named left and right."""
    a, b = Input((4,), name="a"), Input((4,), name="b")
    left, right = Dense(2, name="left")(a), Dense(3, name="right")(a + b)
    return Model([a, b], [left, right])


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


@pytest.mark.parametrize("form", ["list", "tuple", "dict", "names"])
def test_several_inputs_and_outputs_in_every_form(form):
    x, y = data(40)
    z = np.ones((40, 3), np.float32)
    model = two_by_two()
    model.set_weights([np.full(v.shape, 0.1) for v in model.weights])
    model.compile("sgd", {"left": "mse", "right": "mse"}, loss_weights={"right": 0.5})
    inputs, targets = {
        "list": ([x, 2 * x], [y, z]),
        "tuple": ((x, 2 * x), (y, z)),
        "dict": ({"b": 2 * x, "a": x}, {"right": z, "left": y}),
        "names": ({"a": x, "b": 2 * x}, [y, z]),
    }[form]
    loss = model.train_on_batch(inputs, targets, return_dict=True)
    total = x.sum(axis=1, keepdims=True)
    left = ((0.1 * total + 0.1 - y) ** 2).mean()
    right = ((0.3 * total + 0.1 - z) ** 2).mean()
    assert loss["left_loss"] == pytest.approx(left, rel=1e-4)
    assert loss["right_loss"] == pytest.approx(right, rel=1e-4)
    assert loss["loss"] == pytest.approx(left + 0.5 * right, rel=1e-4)
    history = model.fit(inputs, targets, verbose=0, batch_size=16)
    assert list(history.history) == ["loss", "left_loss", "right_loss"]
    assert [each.shape for each in model.predict(inputs)] == [(40, 2), (40, 3)]


def test_an_output_without_a_loss():
    x, y = data(40)
    model = two_by_two()
    model.compile("sgd", {"left": "mse"})
    before = model.get_layer("right").get_weights()
    with pytest.warns(UserWarning, match="right/kernel"):  # there is no gradient for it
        history = model.fit([x, x], {"left": y}, verbose=0)
    assert list(history.history) == ["loss", "left_loss"]
    np.testing.assert_array_equal(before[0], model.get_layer("right").get_weights()[0])


def test_lists_of_numbers_are_arrays():
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    model.fit([[1.0], [2.0], [3.0]], [[2.0], [4.0], [6.0]], verbose=0)
    model.fit([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], verbose=0)
    assert model.predict([[1.0], [2.0]]).shape == (2, 1)
    assert model.predict(np.array([1.0, 2.0])).shape == (2, 1)


class Batches:
    """A Sequence, as Keras's users write it."""

    def __init__(self, x, y, size=10):
        self.x, self.y, self.size, self.ended = x, y, size, 0

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, number):
        part = slice(number * self.size, (number + 1) * self.size)
        return self.x[part], self.y[part]

    def on_epoch_end(self):
        self.ended += 1


def test_arrays_generators_sequences_and_iterables_train_alike():
    x, y = data(60)

    def generator():
        for i in range(0, 60, 10):
            yield x[i : i + 10], y[i : i + 10]

    class Iterable:
        def __iter__(self):
            return generator()

    def forever():
        while True:
            yield from generator()

    losses = {}
    for name, given in {
        "arrays": {"x": x, "y": y, "batch_size": 10},
        "sequence": {"x": Batches(x, y)},
        "iterable": {"x": Iterable()},
        "generator": {"x": forever(), "steps_per_epoch": 6},
    }.items():
        history = small_model().fit(**given, epochs=3, shuffle=False, verbose=0)
        losses[name] = history.history["loss"]
        assert len(losses[name]) == 3
    old = small_model().fit_generator(forever(), 6, 3, verbose=0)  # as Keras 2 had it
    losses["fit_generator"] = old.history["loss"]
    for name, values in losses.items():
        assert values == pytest.approx(losses["arrays"], rel=1e-5), name
    sequence = Batches(x, y)
    small_model().fit(sequence, epochs=2, verbose=0)
    assert sequence.ended == 2
    model = small_model()
    assert model.evaluate(Batches(x, y), verbose=0) == pytest.approx(
        model.evaluate(x, y, verbose=0)
    )
    np.testing.assert_allclose(model.predict(Batches(x, y)), model.predict(x), rtol=1e-6)
    np.testing.assert_allclose(model.predict(generator()), model.predict(x), rtol=1e-6)


def test_a_generator_that_ends_too_soon():
    x, y = data(20)
    model = small_model()
    with pytest.raises(ValueError, match="epoch 2 has no batches: is the generator used up"):
        model.fit(iter([(x, y)]), epochs=2, verbose=0)
    with pytest.raises(
        ValueError, match="y and sample_weight come with the batches of a generator"
    ):
        model.fit(iter([(x, y)]), y, verbose=0)
    with pytest.raises(ValueError, match="a batch is .x, y. or .x, y, sample_weight., got 4 parts"):
        model.fit(iter([(x, y, x, y)]), verbose=0)


def test_steps_per_epoch_of_arrays_goes_on_where_it_was():
    x, y = data(60)
    seen = []

    class Watching(layers.Layer):
        def call(self, inputs):
            seen.append(float(inputs.numpy()[0, 0]))
            return inputs

    model = Sequential([Watching(input_shape=(4,)), Dense(2)])
    model.compile("sgd", "mse")
    seen.clear()
    model.fit(x, y, batch_size=10, steps_per_epoch=4, epochs=3, shuffle=False, verbose=0)
    wanted = [x[i * 10 % 60, 0] for i in range(12)]
    assert seen == pytest.approx(wanted)


def test_steps_are_the_first_batches():
    x, y = data(50)
    model = small_model()
    assert model.predict(x, batch_size=10, steps=2).shape == (20, 2)
    first = model.evaluate(x[:20], y[:20], verbose=0)
    assert model.evaluate(x, y, batch_size=10, steps=2, verbose=0) == pytest.approx(first)
    before = model.get_weights()
    history = model.fit(
        x, y, validation_data=(x, y), validation_steps=2, validation_batch_size=10, verbose=0
    ).history
    assert not np.array_equal(before[0], model.get_weights()[0])
    after = model.evaluate(x[:20], y[:20], verbose=0)
    assert [history["val_loss"][0], history["val_mae"][0]] == pytest.approx(after)
    batches = iter([(x, y)] * 5)
    history = model.fit(
        x, y, validation_data=batches, validation_steps=2, epochs=2, verbose=0
    ).history
    assert all(value > 0 for value in history["val_loss"])
    with pytest.raises(ValueError, match="no batches to evaluate: is the generator used up"):
        model.fit(x, y, validation_data=iter([(x, y)] * 5), epochs=2, verbose=0)
    with pytest.raises(ValueError, match="validation_freq must be at least 1, got 0"):
        model.fit(x, y, validation_data=(x, y), validation_freq=0, verbose=0)


def test_validation_split_takes_the_end_and_validation_data_wins():
    x, y = data(50)
    y[40:] += 100
    model = small_model()
    before = model.get_weights()
    history = model.fit(x, y, validation_split=0.2, verbose=0)
    assert history.history["val_loss"][0] > 1000
    assert history.history["loss"][0] < 10
    expected = model.evaluate(x[40:], y[40:], return_dict=True, verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(expected["loss"], rel=1e-5)
    model.set_weights(before)
    other = (x[:5], y[:5], np.zeros(5))
    history = model.fit(x[:40], y[:40], validation_data=other, verbose=0)
    assert history.history["val_loss"] == [0]
    history = model.fit(x, y, validation_data=Batches(x, y), validation_freq=2, epochs=4, verbose=0)
    assert len(history.history["val_loss"]) == 2
    history = model.fit(x, y, validation_data=(x, y), validation_freq=[1, 3], epochs=4, verbose=0)
    assert len(history.history["val_loss"]) == 2
    for share in (-0.1, 1.0, 1.5, 0.999):
        with pytest.raises(ValueError, match="validation_split"):
            model.fit(x, y, validation_split=share, verbose=0)


def test_sample_weights_and_class_weights():
    x, y = data(40)
    weights = np.linspace(0, 2, 40).astype(np.float32)
    model = small_model()
    error = ((model.predict(x) - y) ** 2).mean(axis=1)
    found = model.test_on_batch(x, y, sample_weight=weights, return_dict=True)["loss"]
    assert found == pytest.approx((error * weights).sum() / 40, rel=1e-5)
    one = Sequential([Dense(1, input_shape=(4,))])
    one.compile("sgd", "mse")
    classes = (np.arange(40) % 2).astype(np.float32)
    by_class = {0: 1.0, 1: 3.0}
    weights = np.where(classes == 1, 3.0, 1.0)
    error = (one.predict(x)[:, 0] - classes) ** 2
    wanted = (error * weights).mean()
    before = one.get_weights()
    loss = one.train_on_batch(x, classes[:, None], class_weight=by_class)
    assert loss == pytest.approx(wanted, rel=1e-5)
    after = one.get_weights()
    one.set_weights(before)
    one.fit(x, classes[:, None], class_weight=by_class, batch_size=40, shuffle=False, verbose=0)
    np.testing.assert_allclose(one.get_weights()[0], after[0], rtol=1e-5)
    one.set_weights(before)
    one.fit(x, classes[:, None], sample_weight=weights, batch_size=40, shuffle=False, verbose=0)
    np.testing.assert_allclose(one.get_weights()[0], after[0], rtol=1e-5)
    with pytest.raises(ValueError, match=r"no weight for the classes \[1\]"):
        one.fit(x, classes[:, None], class_weight={0: 1.0}, verbose=0)


def test_shuffling():
    x, y = data(64)
    orders = []

    class Order(layers.Layer):
        def call(self, inputs):
            orders.append(inputs.numpy()[:, 0].copy())
            return inputs

    def run(shuffle):
        model = Sequential([Order(input_shape=(4,)), Dense(2)])
        model.compile("sgd", "mse")
        orders.clear()
        set_random_seed(3)
        model.fit(x, y, batch_size=16, epochs=2, shuffle=shuffle, verbose=0)
        return np.concatenate(orders[:4]), np.concatenate(orders[4:])

    plain = run(shuffle=False)
    np.testing.assert_array_equal(plain[0], x[:, 0])
    np.testing.assert_array_equal(plain[1], x[:, 0])
    mixed = run(shuffle=True)
    assert not np.array_equal(mixed[0], mixed[1])
    np.testing.assert_array_equal(np.sort(mixed[0]), np.sort(x[:, 0]))
    np.testing.assert_array_equal(mixed, run(shuffle=True))  # the seed decides
    blocks = run(shuffle="batch")[0].reshape(4, 16)
    assert {tuple(block) for block in blocks} == {tuple(b) for b in x[:, 0].reshape(4, 16)}


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


def test_own_losses_and_metrics():
    x, y = data(20)

    def worst(y_true, y_pred):
        return ops.max(ops.absolute(y_true - y_pred), axis=-1)

    class Cubic(Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.absolute(y_true - y_pred) ** 3, axis=-1)

    model = small_model(metrics=[worst])
    model.compile("sgd", Cubic(), metrics=[worst])
    error = np.abs(model.predict(x) - y)
    found = model.evaluate(x, y, return_dict=True, verbose=0)
    assert found["loss"] == pytest.approx((error**3).mean(), rel=1e-5)
    assert found["worst"] == pytest.approx(error.max(axis=1).mean(), rel=1e-5)
    model.compile("sgd", worst)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(error.max(axis=1).mean(), rel=1e-5)


def test_one_metric_twice_has_two_names():
    x, y = data(20)
    model = small_model(metrics=["mae"], weighted_metrics=["mae"])
    found = model.evaluate(x, y, sample_weight=np.full(20, 3.0), return_dict=True, verbose=0)
    assert list(found) == ["loss", "mae", "mae_1"]


def test_a_step_of_ones_own():
    x, y = data(40)

    class Counting(Model):
        steps = 0

        def train_step(self, data):
            self.steps += 1
            logs = super().train_step(data)
            return {**logs, "steps": self.steps}

    inputs = Input((4,))
    model = Counting(inputs, Dense(2)(inputs))
    model.compile("sgd", "mse")
    history = model.fit(x, y, batch_size=10, epochs=2, verbose=0).history
    assert model.steps == 8
    assert history["steps"] == [4, 8]
    assert history["loss"][1] < history["loss"][0]
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss", "steps"}


def test_steps_and_metrics_of_ones_own_as_written_for_keras():
    x, y = data(40)

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.layer = Dense(2)
            self.mean_loss = lamina.metrics.Mean(name="loss")
            self.error = lamina.metrics.MeanAbsoluteError(name="mae")

        def call(self, inputs):
            return self.layer(inputs)

        def _take(self, y, y_pred, loss):
            self.mean_loss.update_state(loss)
            self.error.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

        def train_step(self, data):
            x, y = data
            with lamina.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = ops.mean((y - y_pred) ** 2)
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            return self._take(y, y_pred, loss)

        def test_step(self, data):
            x, y = data
            y_pred = self(x)
            return self._take(y, y_pred, ops.mean((y - y_pred) ** 2))

        @property
        def metrics(self):
            return [self.mean_loss, self.error]

    model = Own()
    model.compile("sgd")
    history = model.fit(x, y, epochs=3, validation_data=(x, y), verbose=0).history
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]
    error = model.predict(x) - y
    of_batches = [(error[:32] ** 2).mean(), (error[32:] ** 2).mean()]
    assert history["val_loss"][-1] == pytest.approx(np.mean(of_batches), rel=1e-4)
    assert history["val_mae"][-1] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert model.evaluate(x, y, verbose=0) == [history["val_loss"][-1], history["val_mae"][-1]]


def test_one_seed_gives_the_same_bits():
    x, y = data()

    def run():
        set_random_seed(11)
        model = Sequential([Dense(8, input_shape=(4,)), Dense(2)])
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=2, verbose=0)
        return model.get_weights()

    for one, two in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_predict_in_a_loop_leaks_nothing_and_shares_nothing():
    model = small_model()
    x = np.ones((200, 4), np.float32)
    kept = model.predict(x)
    copy = kept.copy()
    for _ in range(30):
        model.predict(x * 3)
    tracemalloc.start()
    sizes = []
    for calls in (30, 300):
        for _ in range(calls):
            model.predict(x)
            model(x)
            model.predict_on_batch(x)
        gc.collect()  # which also empties Python's own lists of free tuples
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[1] - sizes[0] < 300 * 16, "one object a call, the smallest there is, is more"
    np.testing.assert_array_equal(kept, copy)
    inputs = Input((4,))
    for same in (Model(inputs, inputs), Model(inputs, inputs[:, ::-1])):
        for out in (same.predict(x), same.predict(x[:3]), same.predict_on_batch(x)):
            out[:] = 7
    assert (x == 1).all(), "a result must not be the input itself"


def test_a_step_leaves_no_cycles():
    """What a step allocated is free when it ends, not when the collector comes by."""
    x, y = data(40)
    model = small_model()
    model.fit(x, y, verbose=0)
    gc.collect()
    gc.disable()
    try:
        model.fit(x, y, validation_split=0.5, epochs=2, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_results_of_a_batch_survive_the_next_in_training():
    """Batches are gathered into buffers that are used again: nothing may keep a view of one."""
    x, y = data(64)
    kept = []

    class Keep(layers.Layer):
        def call(self, inputs):
            kept.append(inputs)
            return inputs

    model = Sequential([Keep(input_shape=(4,)), Dense(2)])
    model.compile("sgd", "mse")
    kept.clear()
    expected = []
    model.fit(
        x,
        y,
        batch_size=16,
        verbose=0,
        callbacks=LambdaCallback(
            on_train_batch_end=lambda *_: expected.append(kept[-1].numpy().copy())
        ),
    )
    assert sorted(np.concatenate(expected)[:, 0]) == sorted(x[:, 0])


def test_ctrl_c_leaves_the_model_usable():
    x, y = data()
    model = small_model()

    class Interrupt(Callback):
        ended = False

        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

        def on_train_end(self, logs=None):
            self.ended = True

    interrupt = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, epochs=3, verbose=0, callbacks=[interrupt])
    assert interrupt.ended, "files and bars must be closed"
    assert model.history.epoch == []
    assert len(model.fit(x, y, epochs=2, verbose=0).epoch) == 2
    assert model.predict(x).shape == (100, 2)


def test_ctrl_c_anywhere_leaves_nothing_switched_on():
    """At sixty random moments of a step: no tape goes on recording, no mode stays."""
    x, y = data(200)
    model = small_model()
    model.fit(x, y, verbose=0)
    moments = np.random.default_rng(0).uniform(1e-4, 5e-3, 60)
    before = signal.signal(signal.SIGVTALRM, signal.default_int_handler)
    try:
        for place, moment in enumerate(moments):
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012
                signal.setitimer(signal.ITIMER_VIRTUAL, moment)
                for _ in range(20_000):
                    if place % 2:
                        model.train_on_batch(x, y)
                    else:
                        model.fit(x, y, validation_split=0.2, verbose=0)
            assert not is_recording()
            assert context.training is None
            assert context.forward_pass is None
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"][0])


def test_not_a_number_is_told_with_its_step():
    x, y = data(100)
    x[70] = np.nan
    model = small_model()
    with pytest.warns(RuntimeWarning, match="is nan at epoch 1, step 3.*TerminateOnNaN"):
        model.fit(x, y, shuffle=False, verbose=0, epochs=1, callbacks=[TerminateOnNaN()])
    model = two_by_two()
    model.compile("sgd", "mse")
    z = np.full((100, 3), np.inf, np.float32)
    with pytest.warns(RuntimeWarning, match="the loss of the output 'right' is inf"):
        model.train_on_batch([data()[0]] * 2, [y, z])


_PROGRAM = """
import numpy as np, time
from lamina import Sequential, layers
from lamina.layers import Dense
class Slow(layers.Layer):
    def call(self, inputs):
        time.sleep({pause})
        return inputs
model = Sequential([Slow(input_shape=(4,)), Dense(2)])
model.compile("sgd", "mse", metrics=["mae"])
x = np.ones((320, 4), np.float32)
y = x[:, :2]
model.fit(x, y, epochs=2, validation_split=0.5, batch_size=4, verbose={verbose})
model.evaluate(x, y, verbose={verbose})
"""

_FINISHED = r"40/40 \[={30}\] - 0s \d+[mu]s/step - loss: [\d.e-]+ - mae: [\d.e-]+"
_VALIDATED = _FINISHED + r" - val_loss: [\d.e-]+ - val_mae: [\d.e-]+"


def _printed(verbose, pause=0.0):
    program = _PROGRAM.format(verbose=verbose, pause=pause)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout


def test_the_screen_of_a_pipe_is_whole_lines():
    lines = _printed(1).splitlines()
    assert len(lines) == 5
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    assert re.fullmatch(_VALIDATED, lines[1])
    assert re.fullmatch(_FINISHED.replace("40", "10"), lines[4])
    lines = _printed(2).splitlines()
    assert re.fullmatch(r"40/40 - 0s - \d+[mu]s/step - loss: .* - val_mae: .*", lines[1])
    assert _printed(0) == ""


def test_the_screen_of_a_terminal_is_a_bar_that_grows():
    terminal, inner = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    program = [sys.executable, "-c", _PROGRAM.format(verbose=1, pause=0.01)]
    text = ""
    with subprocess.Popen(program, stdout=inner, stderr=inner) as running:
        os.close(inner)
        while True:
            try:
                part = os.read(terminal, 1 << 16)
            except OSError:  # the program has ended
                break
            text += part.decode()
    os.close(terminal)
    assert running.returncode == 0, text
    lines = text.split("\r\n")
    assert lines[0] == "Epoch 1/2", text
    states = [part.replace("\x1b[K", "") for part in lines[1].split("\r")]
    states = [state for state in states if state]
    assert re.fullmatch(_VALIDATED, states[-1]), states[-1]
    growing = states[:-1]
    assert len(growing) >= 2
    bar = r" ?(\d+)/40 \[(=*)>?\.*\] - ETA: 0s - loss: [\d.]+ - mae: [\d.]+"
    found = [re.fullmatch(bar, state) for state in growing]
    assert all(found), growing
    assert all(len(state) < 80 for state in growing)
    counts = [int(each[1]) for each in found]
    assert counts == sorted(set(counts))
    assert [len(each[2]) for each in found] == [count * 30 // 40 for count in counts]


class _Screen(io.StringIO):
    def isatty(self):
        return True


def test_averages_are_computed_for_a_drawing_alone(monkeypatch):
    x, y = data(3200)
    model = small_model()
    computed = []
    original = type(model).current_logs
    monkeypatch.setattr(
        type(model), "current_logs", lambda self: computed.append(1) or original(self)
    )
    monkeypatch.setattr(sys, "stdout", _Screen())
    model.fit(x, y, batch_size=1, epochs=1)
    assert len(computed) < 200


def test_a_bar_of_unknown_length_and_a_broken_one(monkeypatch):
    screen = _Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr("lamina.callbacks.progress._SECONDS_BETWEEN_DRAWINGS", 0)
    x, y = data(40)

    class Iterable:
        def __iter__(self):
            return ((x[i : i + 10], y[i : i + 10]) for i in range(0, 40, 10))

    model = small_model()
    model.fit(Iterable(), epochs=2)
    first, second = screen.getvalue().split("Epoch 2/2")
    assert "3/Unknown - 0s" in first
    assert "3/4 [======================>.......] - ETA: 0s" in second

    class Break(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=4, callbacks=[ProgbarLogger(1), Break()])
    assert screen.getvalue().endswith("\n")


def test_a_notebook_has_tqdms_bar(monkeypatch, capsys):
    import tqdm.auto

    states = []

    class Bar:
        def __init__(self, total, leave, bar_format):
            states.append(("made", total))

        def set_postfix_str(self, text):
            states.append((self.n, text))

        def close(self):
            states.append("closed")

    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    monkeypatch.setattr("lamina.callbacks.progress._SECONDS_BETWEEN_DRAWINGS", 0)
    x, y = data(40)
    small_model().fit(x, y, batch_size=10)
    assert states[0] == ("made", 4)
    assert [state[0] for state in states[1:-1]] == [1, 2, 3, 4]
    assert re.fullmatch(r"ETA: 0s - loss: .* - mae: .*", states[1][1])
    assert states[-1] == "closed"
    assert "4/4 [====" in capsys.readouterr().out


def test_numbers_on_the_screen():
    from lamina.callbacks.progress import duration, numbers

    assert numbers({"loss": 0.5, "tiny": 1e-5, "zero": 0.0}) == (
        " - loss: 0.5000 - tiny: 1.0000e-05 - zero: 0.0000"
    )
    assert numbers({"several": np.array([1.0, 2.0])}) == " - several: [1. 2.]"
    assert [duration(seconds) for seconds in (3.9, 65, 7200)] == ["3s", "1:05", "2:00:00"]
