"""Callbacks that stop, change the rate, write tables and save; what they say of mistakes."""

import csv

import numpy as np
import pytest
from small_models import data, small_model, two_by_two

from lamina import Sequential, ops, optimizers
from lamina.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from lamina.layers import Dense
from lamina.models import load_model


class Prescribed(Callback):
    """Puts a number in the logs, one for each epoch, and notes the weights."""

    def __init__(self, name, values):
        super().__init__()
        self.name, self.values, self.weights = name, values, []

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.weights.append(self.model.get_weights())


def test_early_stopping_brings_the_best_weights_back(capsys):
    x, y = data()
    model = small_model()
    score = Prescribed("score", [0.5, 0.7, 0.6, 0.7, 0.9])
    stop = EarlyStopping("score", mode="max", patience=2, restore_best_weights=True, verbose=1)
    history = model.fit(x, y, epochs=5, callbacks=[score, stop], verbose=0)
    assert history.epoch == [0, 1, 2, 3]
    assert (stop.stopped_epoch, stop.best_epoch, stop.best) == (3, 1, 0.7)
    np.testing.assert_array_equal(model.get_weights()[0], score.weights[1][0])
    assert "Epoch 4: no improvement of score" in (shown := capsys.readouterr().out)
    assert "weights of epoch 2" in shown
    stop.on_train_begin()
    assert stop.best is None
    assert stop.wait == 0


def test_nan_is_no_improvement():
    stop = EarlyStopping("loss", patience=1)
    stop.set_model(small_model())
    stop.on_train_begin()
    for epoch, loss in enumerate([float("nan"), 0.5]):
        stop.on_epoch_end(epoch, {"loss": loss})
    assert stop.best == 0.5


def test_auto_asks_the_metric_which_way_is_better():
    x, y = data()
    model = small_model(metrics=["mae", "acc", lambda t, p: ops.mean(t - p, axis=-1)])
    options = {"validation_split": 0.5, "verbose": 0, "epochs": 2}
    for name, worse in (("val_acc", [0.7, 0.6]), ("val_mae", [0.6, 0.7]), ("loss", [0.6, 0.7])):
        stop = EarlyStopping(name)
        history = model.fit(x, y, callbacks=[Prescribed(name, worse), stop], **options)
        assert stop.best == worse[0], name
        assert len(history.epoch) == 2
    pair = two_by_two()
    pair.compile("sgd", "mse", metrics={"right": ["acc"]})
    stop = EarlyStopping("right_acc")
    targets = [y, np.eye(3, dtype=np.float32)[np.arange(100) % 3]]
    pair.fit([x, x], targets, callbacks=[Prescribed("right_acc", [0.7, 0.6]), stop], **options)
    assert stop.best == 0.7
    with pytest.raises(ValueError, match="'val_<lambda>' should rise or fall.*mode='max'"):
        model.fit(x, y, callbacks=EarlyStopping("val_<lambda>"), **options)


def test_a_name_that_is_not_there():
    x, y = data()
    model = small_model(metrics=["acc"])
    with pytest.raises(ValueError, match="no 'accuracy' to monitor: Known: acc, loss"):
        model.fit(x, y, callbacks=EarlyStopping("accuracy"), verbose=0)
    with pytest.warns(UserWarning, match="no validation in this epoch.*validation_data=") as record:
        model.fit(x, y, callbacks=EarlyStopping(), verbose=0, epochs=3)
    assert len(record) == 1
    with pytest.warns(UserWarning, match="ReduceLROnPlateau: 'ac' is not.*did you mean 'acc'"):
        model.fit(x, y, callbacks=ReduceLROnPlateau("ac", mode="max"), verbose=0)
    with pytest.raises(ValueError, match="'several' is an array of shape .2,."):
        EarlyStopping("several", mode="min").on_epoch_end(0, {"several": np.ones(2)})


def test_learning_rates(capsys):
    x, y = data()
    model = small_model()
    plan = LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1), verbose=1)
    history = model.fit(x, y, epochs=3, callbacks=plan, verbose=0)
    np.testing.assert_allclose(history.history["learning_rate"], [0.1, 0.05, 0.1 / 3])
    assert "Epoch 2: the learning rate is 0.05\n" in capsys.readouterr().out
    loss = Prescribed("val_loss", [1, 1, 1, 1])
    plateau = ReduceLROnPlateau(patience=2, factor=0.5, verbose=1)
    model.fit(x, y, epochs=4, callbacks=[loss, plateau], verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 / 6)
    assert "falls from 0.0333333 to 0.0166667" in capsys.readouterr().out
    decaying = small_model()
    decaying.compile(optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "mse")
    for callback in (plan, plateau):
        with pytest.raises(TypeError, match="schedule"):
            decaying.fit(x, y, callbacks=callback, verbose=0)
    with pytest.raises(TypeError, match="gave None for epoch 0, wanted a number: is its return"):
        model.fit(x, y, callbacks=LearningRateScheduler(lambda *_: None), verbose=0)


def test_wrong_arguments():
    for make, error, message in (
        (lambda: EarlyStopping(mode="maximum"), ValueError, "'auto', 'min' or 'max', got 'maximum"),
        (lambda: ReduceLROnPlateau(factor=2), ValueError, "less than 1, got 2"),
        (lambda: ReduceLROnPlateau(patients=2), TypeError, "argument 'patients'"),
        (lambda: LearningRateScheduler(0.1), TypeError, "must be a function of .epoch"),
        (lambda: CSVLogger("a.csv", separator=", "), TypeError, "one character"),
        (lambda: ModelCheckpoint("model"), ValueError, "end in '.keras' or '.h5'.*got 'model'"),
        (
            lambda: ModelCheckpoint("m.keras", save_weights_only=True),
            ValueError,
            r"end in '\.weights\.h5'",
        ),
        (lambda: ModelCheckpoint("{epoch.keras"), ValueError, "names stand in braces"),
        (lambda: ModelCheckpoint("m.keras", save_freq=0), ValueError, "number of steps, got 0"),
        (lambda: LambdaCallback(on_epoch_finish=id), TypeError, "no event 'on_epoch_finish'"),
    ):
        with pytest.raises(error, match=message):
            make()
    assert ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5  # as Keras 2 spelt it


def test_a_table_is_whole_and_appended_to_under_its_header(tmp_path):
    x, y = data()
    path = tmp_path / "new folder" / "log.csv"
    seen = []
    look = LambdaCallback(on_epoch_end=lambda *_: seen.append(path.read_bytes()))
    model = small_model()
    model.fit(x, y, epochs=2, callbacks=[CSVLogger(path), look], verbose=0)
    assert all(text.endswith(b"\r\n") for text in seen)
    model.fit(x, y, validation_split=0.2, callbacks=CSVLogger(path, append=True), verbose=0)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "0"]
    assert [row["val_mae"] == "NA" for row in rows] == [True, True, False]
    assert list(path.parent.iterdir()) == [path]
    other = small_model(metrics=["mse"])
    with pytest.raises(ValueError, match="no column 'mse'.*Known: epoch, loss, mae.*append=False"):
        other.fit(x, y, callbacks=CSVLogger(path, append=True), verbose=0)
    with pytest.raises(ValueError, match="first column.*separated by something else than ';'"):
        other.fit(x, y, callbacks=CSVLogger(path, separator=";", append=True), verbose=0)
    model.fit(x, y, callbacks=CSVLogger(path), verbose=0)
    assert len(path.read_text().splitlines()) == 2


def test_checkpoints_are_models_to_load(tmp_path, capsys):
    x, y = data()
    model = small_model()
    score = Prescribed("val_score", [0.5, 0.25, 0.375, 0.125])
    every = ModelCheckpoint(tmp_path / "all" / "{epoch:02d}-{val_score:.2f}.keras")
    best = ModelCheckpoint(
        tmp_path / "best.keras", "val_score", mode="min", save_best_only=True, verbose=1
    )
    weights = ModelCheckpoint(
        str(tmp_path / "{epoch}-{batch}.weights.h5"), save_weights_only=True, save_freq=6
    )
    model.fit(x, y, epochs=3, callbacks=[score, every, best, weights], verbose=0)
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == ["01-0.50.keras", "02-0.25.keras", "03-0.38.keras"]
    for name, kept in zip(names, score.weights, strict=True):
        loaded = load_model(tmp_path / "all" / name)
        np.testing.assert_array_equal(loaded.get_weights()[0], kept[0])
    np.testing.assert_array_equal(
        load_model(tmp_path / "best.keras").get_weights()[0], score.weights[1][0]
    )
    shown = capsys.readouterr().out.splitlines()
    assert shown[1] == f"Epoch 2: val_score improved from 0.5 to 0.25, saved to {best.filepath}"
    assert shown[2] == "Epoch 3: val_score did not improve from 0.25"
    files = [path.name for path in tmp_path.iterdir() if path.name.endswith(".weights.h5")]
    assert sorted(files) == ["2-2.weights.h5", "3-4.weights.h5"]
    other = small_model()
    other.load_weights(tmp_path / "3-4.weights.h5")
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    with pytest.raises(KeyError, match="wants 'val_los', which is not.*Known: epoch, loss, mae"):
        model.fit(x, y, callbacks=ModelCheckpoint("{val_los}.keras"), verbose=0)
    with pytest.raises(ValueError, match="end in '.keras' or '.h5' for a whole model, got"):
        ModelCheckpoint("m.weights.h5")


def test_nan_ends_training_or_raises(capsys):
    x, y = data()
    x[40] = np.nan
    model = small_model()
    with pytest.warns(RuntimeWarning, match="step 2"):
        model.fit(x, y, shuffle=False, verbose=0, epochs=9, callbacks=TerminateOnNaN())
    assert model.history.epoch == [0]
    assert "Batch 2: the loss is nan" in capsys.readouterr().out
    stop = TerminateOnNaN(raise_error=True)
    with pytest.warns(RuntimeWarning), pytest.raises(RuntimeError, match="nan at batch 1"):
        model.fit(x, y, verbose=0, callbacks=stop)


def test_a_loop_of_ones_own(capsys):
    """A `CallbackList` is called as ``fit`` calls it."""
    x, y = data(64)
    model = small_model()
    seen = []
    watch = LambdaCallback(
        lambda epoch, logs: seen.append(("begin", epoch, logs)),  # Keras's first by position
        on_batch_end=lambda batch, logs: seen.append((batch, *logs)),
    )
    followers = CallbackList(
        [[watch], None, EarlyStopping("loss", patience=0)],
        add_history=True,
        add_progbar=True,
        model=model,
        epochs=3,
        steps=2,
        verbose=2,
    )
    followers.on_train_begin()
    for epoch in range(3):
        followers.on_epoch_begin(epoch)
        for step in range(2):
            followers.on_train_batch_begin(step)
            found = model.train_on_batch(x, y, return_dict=True)
            followers.on_train_batch_end(step, found)
        followers.on_epoch_end(epoch, {"loss": epoch})
        if model.stop_training:
            break
    followers.on_train_end()
    batches = [(0, "loss", "mae"), (1, "loss", "mae")]
    assert seen == [("begin", 0, {}), *batches, ("begin", 1, {}), *batches]
    assert model.history.history == {"loss": [0, 1]}
    assert [type(each) for each in followers][-2:] == [ProgbarLogger, History]
    assert capsys.readouterr().out.count("2/2 - 0s") == 2
    assert [*CallbackList(followers)] == followers.callbacks


def test_a_history_of_ones_own_and_one_that_comes_last():
    x, y = data()
    order = []

    class Last(Callback):
        comes_last = True

        def on_epoch_end(self, epoch, logs=None):
            order.append(len(self.model.history.epoch))

    history = History()
    model = Sequential([Dense(2)])
    model.compile("sgd", "mse")
    assert model.fit(x, y, epochs=2, callbacks=[Last(), history], verbose=0) is history
    assert order == [1, 2]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 4}
