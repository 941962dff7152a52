"""A killed fit goes on where it was, with the bits that it would have had."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from small_models import data, small_model

from lamina import Sequential, layers, metrics, utils
from lamina.callbacks import (
    BackupAndRestore,
    Callback,
    LambdaCallback,
)
from lamina.models import Model
from lamina.saving import write_tensors

_PROGRAM = """
import json, os, signal, sys
import numpy as np
import lamina
from lamina import Sequential, layers, utils
from lamina.callbacks import *

folder, frequency, kill_at = sys.argv[1], sys.argv[2], int(sys.argv[3])
utils.set_random_seed(4)
generator = np.random.default_rng(0)
x = generator.integers(0, 30, (90, 6))
y = (x.sum(axis=1) > 90).astype(np.float32)
model = Sequential([
    layers.Embedding(30, 8, input_length=6),
    layers.LSTM(5, recurrent_dropout=0.2, seed=3),
    layers.BatchNormalization(),
    layers.Dropout(0.3),
    layers.Dense(4, activation="relu"),
    layers.GaussianNoise(0.1, seed=9),
    layers.Dense(1, activation="sigmoid"),
])
model.compile("rmsprop", "binary_crossentropy", metrics=["acc", "AUC"])
steps = 0
def step(batch, logs):
    global steps
    steps += 1
    if steps == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
history = model.fit(x, y, 16, epochs=4, verbose=0, validation_split=0.1, callbacks=[
    BackupAndRestore(folder, save_freq=frequency if frequency == "epoch" else int(frequency)),
    EarlyStopping("loss", patience=9, restore_best_weights=True),
    ReduceLROnPlateau("val_loss", patience=1, factor=0.5),
    LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    LambdaCallback(on_batch_end=step),
])
found = {
    "history": history.history,
    "epoch": history.epoch,
    "weights": [each.tobytes().hex() for each in model.get_weights()],
    "optimizer": [each.tobytes().hex() for each in model.optimizer.get_weights()],
    "steps": steps,
    "folder": os.path.exists(folder),
}
print(json.dumps(found))
"""


def trained(folder, frequency, kill_at=0):
    """Run the program in a process of its own on one thread; return what it found."""
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder), str(frequency), str(kill_at)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if kill_at:
        assert finished.returncode == -signal.SIGKILL, finished.stderr
        assert folder.exists()
        return None
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize(("frequency", "kills", "left"), [("epoch", [13, 9], 6), (4, [15, 8], 8)])
def test_a_killed_process_goes_on_with_the_same_bits(tmp_path, frequency, kills, left):
    """Twice: killed, begun again, killed, begun again. An epoch has six steps."""
    whole = trained(tmp_path / "whole", frequency)
    assert whole["steps"] == 24
    for kill_at in kills:
        trained(tmp_path / "broken", frequency, kill_at)
    resumed = trained(tmp_path / "broken", frequency)
    assert resumed.pop("steps") == left
    del whole["steps"]
    assert resumed == whole
    assert whole["epoch"] == [0, 1, 2, 3]
    assert not whole["folder"]


class Break(Callback):
    """Ends training by an error after so many steps."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


class Batches:
    """A sequence of batches by number."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return 5

    def __getitem__(self, place):
        rows = slice(place * 20, place * 20 + 20)
        return self.x[rows], self.y[rows]


def again(x, y):
    """Batches without end."""
    while True:
        for place in range(7):
            yield x[place * 14 : place * 14 + 14], y[place * 14 : place * 14 + 14]


class Own(Model):
    """A subclass with a step, a loss and a metric of its own."""

    def __init__(self):
        super().__init__()
        self.noise, self.dense = layers.GaussianNoise(0.1), layers.Dense(2)
        self.mean = metrics.Mean(name="mean")

    def call(self, inputs, training=None):
        return self.dense(self.noise(inputs, training=training))

    def train_step(self, data):
        found = super().train_step(data)
        self.mean.update_state(found["loss"])
        return {**found, "mean": self.mean.result()}

    @property
    def metrics(self):
        return [self.mean]


def stateful_model():
    model = Sequential(
        [layers.Reshape((4, 1), batch_input_shape=(20, 4)), layers.GRU(3, stateful=True)]
    )
    model.add(layers.Dense(2))
    return model


def own_model():
    model = Own()
    model.build((None, 4))
    return model


def plain_model():
    return Sequential([layers.Dropout(0.2, input_shape=(4,)), layers.Dense(2)])


X, Y = data(100)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (plain_model, lambda: {"x": X, "y": Y, "batch_size": 20}),
        (plain_model, lambda: {"x": X, "y": Y, "batch_size": 20, "shuffle": "batch"}),
        (plain_model, lambda: {"x": X, "y": Y, "batch_size": 16, "steps_per_epoch": 5}),
        (plain_model, lambda: {"x": Batches(X, Y)}),
        (plain_model, lambda: {"x": again(X, Y), "steps_per_epoch": 5}),
        (stateful_model, lambda: {"x": X, "y": Y, "batch_size": 20}),
        (own_model, lambda: {"x": X, "y": Y, "batch_size": 20}),
    ],
    ids=["arrays", "whole batches", "steps_per_epoch", "sequence", "generator", "stateful", "own"],
)
@pytest.mark.parametrize("broken_at", [8, 10])
def test_every_kind_of_data_goes_on_where_it_was(tmp_path, make, arguments, broken_at):
    """Another model, as in another process, with a backup every two steps of five."""

    def fit(seed, folder, *others):
        utils.set_random_seed(seed)
        model = make()
        model.compile("adam", "mse", metrics=["mae"])
        backup = BackupAndRestore(tmp_path / folder, save_freq=2)
        model.fit(**arguments(), epochs=4, verbose=0, callbacks=[*others, backup])
        return model

    whole = fit(1, "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(1, "broken", Break(broken_at))
    resumed = fit(77, "broken")  # another seed: the backup knows the random state
    assert resumed.history.history == whole.history.history
    assert resumed.history.epoch == [0, 1, 2, 3]
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert list(tmp_path.iterdir()) == []


def test_a_fit_that_ends_takes_its_backup_away_unless_told(tmp_path, capsys):
    model = small_model()
    keep = BackupAndRestore(tmp_path / "kept", delete_checkpoint=False, double_checkpoint=True)
    stop = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
    model.fit(X, Y, epochs=3, verbose=0, callbacks=keep)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    before = model.get_weights()
    history = model.fit(X, Y, epochs=3, callbacks=keep)  # nothing is left to do
    assert history.epoch == [0, 1, 2]
    assert "Going on with epoch 4, from" in capsys.readouterr().out
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert model.fit(X, Y, epochs=5, verbose=0, callbacks=keep).epoch == [0, 1, 2, 3, 4]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop, BackupAndRestore(tmp_path / "other")])
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["notes.txt"]


def test_a_backup_that_does_not_fit_or_cannot_be_read(tmp_path):
    keep = BackupAndRestore(tmp_path, delete_checkpoint=False, double_checkpoint=True)
    small_model().fit(X, Y, epochs=2, verbose=0, callbacks=keep)
    other = Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(2)])
    other.compile("sgd", "mse")
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"weight dense.*/kernel has the shape \(4, 2\), here"):
        other.fit(X, Y, verbose=0, callbacks=keep)
    np.testing.assert_array_equal(other.get_weights()[0], before[0])
    changed = small_model()
    changed.compile("adam", "mse")
    with pytest.raises(ValueError, match="of another optimizer than <Adam"):
        changed.fit(X, Y, verbose=0, callbacks=keep)
    with pytest.raises(ValueError, match="epochs of 4 steps, here are 10.*batch_size"):
        small_model().fit(X, Y, 10, verbose=0, callbacks=keep)
    last, previous = tmp_path / "fit.safetensors", tmp_path / "fit.previous.safetensors"
    last.write_bytes(last.read_bytes()[:-9])
    with pytest.warns(UserWarning, match="fit.safetensors.*the backup before it is taken"):
        assert small_model().fit(X, Y, epochs=3, verbose=0, callbacks=keep).epoch == [0, 1, 2]
    previous.unlink()
    for text in ("[]", '{"__array__": "7"}', "{"):
        write_tensors(last, {}, {"fit": text})
        with pytest.raises(ValueError, match="no backup of a training.*Delete .* to begin anew"):
            small_model().fit(X, Y, verbose=0, callbacks=keep)


def test_wrong_uses(tmp_path):
    with pytest.raises(ValueError, match="backup_dir is empty"):
        BackupAndRestore("")
    with pytest.raises(ValueError, match="'epoch' or a number of steps, got False"):
        BackupAndRestore("a", save_freq=False)
    unbuilt = Sequential([layers.Dense(2)])
    unbuilt.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no weights yet.*Input.shape"):
        unbuilt.fit(X, Y, verbose=0, callbacks=BackupAndRestore(tmp_path))

    class Odd(Callback):
        remembers = ("thing",)
        thing = object()

    with pytest.raises(TypeError, match="a callback remembers <object.*wanted numbers"):
        small_model().fit(X, Y, verbose=0, callbacks=[Odd(), BackupAndRestore(tmp_path)])
    assert not list(tmp_path.iterdir()), "nothing half-written"
