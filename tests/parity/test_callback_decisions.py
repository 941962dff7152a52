"""Callbacks beside Keras's: the same logs, epoch by epoch, and what each decides."""

import csv

import numpy as np
import pytest
from keras_beside import keras

import lamina
from lamina import callbacks

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EPOCHS = 14


@pytest.fixture(scope="module")
def models():
    """One model here and in Keras, compiled, and built."""
    ours = lamina.Sequential([lamina.layers.Dense(1, input_shape=(1,))])
    theirs = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    for model in (ours, theirs):
        model.compile("sgd", "mse", metrics=["mae"])
    return ours, theirs


def losses(seed):
    """Numbers that fall, and stand still, and rise: in steps of 1/16, which floats hold exactly."""
    steps = np.random.default_rng(seed).choice([-2, -1, -1, 0, 1, 1], EPOCHS)
    return [1 + float(step) / 16 for step in steps.cumsum()]


def follow(callback, model, history):
    """Call a callback as ``fit`` does; return the decisions and rates of each epoch."""
    model.stop_training = False
    model.optimizer.learning_rate = 0.5
    callback.set_model(model)
    callback.set_params({"epochs": EPOCHS, "steps": 1, "verbose": 0})
    callback.on_train_begin()
    seen = []
    for epoch, logs in enumerate(history):
        callback.on_epoch_begin(epoch)
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        callback.on_epoch_end(epoch, dict(logs))
        rate = float(np.asarray(model.optimizer.learning_rate))
        seen.append((epoch, model.stop_training, pytest.approx(rate, rel=1e-6)))
        if model.stop_training:
            break
    callback.on_train_end()
    return seen, float(model.get_weights()[0].item())


def compare(name, models, history, **options):
    decisions = []
    for package, model in zip((callbacks, keras.callbacks), models, strict=True):
        callback = getattr(package, name)(**options)
        decisions.append(follow(callback, model, history))
    assert decisions[0] == decisions[1], options
    return decisions[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2},
        {"patience": 3, "restore_best_weights": True},
        {"patience": 2, "min_delta": 0.1, "restore_best_weights": True},
        {"patience": 1, "start_from_epoch": 4, "restore_best_weights": True},
        {"patience": 3, "baseline": 0.8, "restore_best_weights": True},
        {"patience": 2, "mode": "max", "min_delta": -0.07},
    ],
)
def test_early_stopping(models, options):
    ended = set()
    for seed in range(4):
        history = [{"loss": 0.5, "val_loss": loss} for loss in losses(seed)]
        seen, _ = compare("EarlyStopping", models, history, **options)
        ended.add(len(seen))
    assert min(ended) < EPOCHS


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 2, "factor": 0.5, "cooldown": 2, "min_delta": 0.01},
        {"patience": 1, "factor": 0.25, "min_lr": 0.1},
        {"patience": 0, "factor": 0.5, "mode": "max", "cooldown": 1},
    ],
)
def test_reduce_lr_on_plateau(models, options):
    for seed in range(3):
        history = [{"val_loss": loss} for loss in losses(seed)]
        seen, _ = compare("ReduceLROnPlateau", models, history, **options)
        assert seen[-1][2] != 0.5


@pytest.mark.parametrize(
    "schedule", [lambda epoch, rate: rate * 0.9, lambda epoch: 1 / (epoch + 1)]
)
def test_learning_rate_scheduler(models, schedule):
    compare("LearningRateScheduler", models, [{"loss": 1.0}] * 4, schedule=schedule)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"save_best_only": True},
        {"save_best_only": True, "initial_value_threshold": 0.95},
        {"save_best_only": True, "mode": "max", "save_weights_only": True},
    ],
)
def test_model_checkpoint(models, options, monkeypatch):
    """Which epochs are saved, and under which names."""
    saved = {}
    ending = ".weights.h5" if options.get("save_weights_only") else ".keras"
    for package, model in zip((callbacks, keras.callbacks), models, strict=True):
        names = saved.setdefault(package, [])
        for what in ("save", "save_weights"):
            keep = lambda filepath, overwrite=True, *, names=names, what=what: names.append(  # noqa: E731
                (what, filepath)
            )
            monkeypatch.setattr(type(model), what, staticmethod(keep), raising=False)
        callback = package.ModelCheckpoint("{epoch:02d}-{val_loss:.3f}" + ending, **options)
        follow(callback, model, [{"val_loss": loss} for loss in losses(1)])
    assert saved[callbacks] == saved[keras.callbacks]
    assert 1 < len(saved[callbacks]) <= EPOCHS


def test_model_checkpoint_every_so_many_steps(models, monkeypatch):
    saved = {}
    for package, model in zip((callbacks, keras.callbacks), models, strict=True):
        names = saved.setdefault(package, [])
        keep = lambda filepath, overwrite=True, *, names=names: names.append(filepath)  # noqa: E731
        monkeypatch.setattr(type(model), "save", staticmethod(keep), raising=False)
        callback = package.ModelCheckpoint("{epoch}-{batch}-{loss:.1f}.keras", save_freq=3)
        callback.set_model(model)
        for epoch in range(3):
            callback.on_epoch_begin(epoch)
            for batch in range(4):
                callback.on_train_batch_end(batch, {"loss": batch / 2})
            callback.on_epoch_end(epoch, {"loss": 1.0})
    assert saved[callbacks] == saved[keras.callbacks]
    assert saved[callbacks] == ["1-3-1.0.keras", "2-2-0.5.keras", "3-1-0.0.keras", "3-4-1.5.keras"]


@pytest.mark.parametrize("later", [{}, {"val_loss": 0.25, "val_acc": 0.5}])
def test_csv_logger(models, tmp_path, later):
    """The same bytes, written and appended to."""
    history = [
        {"loss": 0.1, "acc": np.float32(0.3), "several": np.array([1, 2]), **later},
        {"loss": 1e-9, "acc": 1, "several": np.array(7.5), "val_loss": 0.5},
    ]
    for package, model, name in zip((callbacks, keras.callbacks), models, "ab", strict=True):
        for append in (False, True):
            logger = package.CSVLogger(tmp_path / name, separator=";", append=append)
            follow(logger, model, history)
    ours, theirs = ((tmp_path / name).read_bytes() for name in "ab")
    assert ours == theirs
    with (tmp_path / "a").open(newline="") as file:
        assert len(list(csv.DictReader(file, delimiter=";"))) == 4


def test_directions_of_metrics():
    """Which way each metric should go: as Keras has it."""
    known = {name for name in dir(keras.metrics) if name[0].isupper()} & set(dir(lamina.metrics))
    assert len(known) > 25
    for name in known - {"Metric", "MeanMetricWrapper"}:
        needed = {
            "SensitivityAtSpecificity": (0.5,),
            "SpecificityAtSensitivity": (0.5,),
            "PrecisionAtRecall": (0.5,),
            "RecallAtPrecision": (0.5,),
        }.get(name, ())
        ours, theirs = getattr(lamina.metrics, name)(*needed), getattr(keras.metrics, name)(*needed)
        assert ours.direction == getattr(theirs, "_direction", None), name
