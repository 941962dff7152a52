"""A step of training: one's own losses, metrics, steps; what it leaves, also when interrupted."""

import gc
import signal
import tracemalloc

import numpy as np
import pytest
from small_models import data, small_model, two_by_two

import lamina
from lamina import Input, Model, Sequential, layers, ops
from lamina.autodiff import is_recording
from lamina.callbacks import Callback, LambdaCallback, TerminateOnNaN
from lamina.layers import Dense
from lamina.layers.layer import context
from lamina.losses import Loss
from lamina.randomness import set_random_seed


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
