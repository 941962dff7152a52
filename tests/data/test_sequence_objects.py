"""Data by number: sequences of the user's, windows over series, texts in folders, splits."""

import json
import os
from itertools import chain

import numpy as np
import pytest

from lamina import utils
from lamina.layers import Dense
from lamina.models import Sequential
from lamina.preprocessing.timeseries import TimeseriesGenerator
from lamina.utils import np_utils, split_dataset, timeseries_dataset_from_array

RANDOM = np.random.default_rng(3)


def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


def small_model(inputs=2):
    model = Sequential([Dense(1, input_shape=(inputs,))])
    model.compile("sgd", "mse")
    return model


class Mine(utils.Sequence):
    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count, self.heard, self.asked = count, [], []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return np.full((3, 2), index, np.float32), np.ones((3, 1), np.float32)

    def on_epoch_begin(self):
        self.heard.append("begin")

    def on_epoch_end(self):
        self.heard.append("end")


def test_a_sequence_of_ones_own():
    data = Mine(4, workers=2, use_multiprocessing=False, max_queue_size=5)
    assert data.num_batches == 4
    assert [x[0, 0] for x, _ in data] == [0, 1, 2, 3]
    model = small_model()
    data.asked.clear()
    assert len(model.fit(data, validation_data=Mine(1), epochs=2, verbose=0).history["loss"]) == 2
    assert data.heard == ["begin", "end"] * 2
    assert sorted(data.asked) == sorted([0, 1, 2, 3] * 2)
    assert np.isfinite(model.evaluate(data, verbose=0))
    data.asked.clear()
    assert model.predict(data).shape == (12, 1)
    assert data.asked == [0, 1, 2, 3]


def test_a_sequence_that_says_num_batches():
    class Numbered(utils.PyDataset):
        @property
        def num_batches(self):
            return 2

        def __getitem__(self, index):
            return np.ones((3, 2), np.float32), np.ones((3, 1), np.float32)

    assert len(Numbered()) == 2
    small_model().fit(Numbered(), verbose=0)

    class Empty(utils.Sequence):
        pass

    with pytest.raises(NotImplementedError, match="Empty must override __len__"):
        len(Empty())
    with pytest.raises(NotImplementedError, match="Empty must override __getitem__"):
        Empty()[0]


def test_np_utils():
    assert np_utils.to_categorical([1]).tolist() == utils.to_categorical([1]).tolist() == [[0, 1]]


WINDOWS = [
    {"sequence_length": 4},
    {"sequence_length": 4, "sequence_stride": 3, "sampling_rate": 2, "batch_size": 3},
    {"sequence_length": 5, "start_index": 4, "end_index": 25, "batch_size": 4},
    {"sequence_length": 1, "start_index": 2, "end_index": 30},
    {"sequence_length": 3, "batch_size": None},
]


@pytest.mark.parametrize("options", WINDOWS)
@pytest.mark.parametrize("targets", [None, "same", "fewer"])
def test_windows_are_keras(options, targets):
    theirs = keras().utils.timeseries_dataset_from_array
    pytest.importorskip("grain")
    data = RANDOM.normal(size=(40, 2)).astype(np.float32)
    y = None if targets is None else np.arange(40 if targets == "same" else 35, dtype=np.float32)
    ours = list(timeseries_dataset_from_array(data, y, **options))
    other = list(theirs(data, y, format="grain", **options))
    assert len(ours) == len(other) > 0
    for batches in zip(ours, other, strict=True):
        mine, their = (each if isinstance(each, tuple) else (each,) for each in batches)
        for part, wanted in zip(mine, their, strict=True):
            np.testing.assert_array_equal(part, np.asarray(wanted))


def test_windows_in_another_order_each_epoch():
    data = np.arange(30)
    windows = timeseries_dataset_from_array(data, data, 3, shuffle=True, seed=1, batch_size=8)
    epochs = []
    for _ in range(2):
        starts = []
        for x, y in windows:
            np.testing.assert_array_equal(x, y[:, None] + np.arange(3))
            starts += y.tolist()
        assert sorted(starts) == list(range(28))
        assert starts != sorted(starts)
        epochs.append(starts)
    assert epochs[0] != epochs[1]
    again = timeseries_dataset_from_array(data, data, 3, shuffle=True, seed=1, batch_size=8)
    assert [start for _, y in again for start in y] == epochs[0]


def test_fit_keeps_the_order_of_what_is_not_shuffled():
    seen = []

    def remember(x, y):
        seen.append(y[0])
        return x, y

    data = np.arange(40, dtype=np.float32)
    windows = timeseries_dataset_from_array(data / 40, data, 2, batch_size=5).map(remember)
    small_model().fit(windows, epochs=2, verbose=0)
    assert seen == list(range(0, 39, 5)) * 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"start_index": -1}, "start_index=-1"),
        ({"start_index": 10}, "10 steps of the data, got start_index=10"),
        ({"start_index": 5, "end_index": 5}, "end_index=5"),
        ({"end_index": 11}, "end_index=11"),
        ({"sampling_rate": 0}, "sampling_rate must be at least 1, got 0"),
        ({"sequence_stride": 0}, "sequence_stride must be at least 1"),
        ({"sequence_length": 11}, "no window fits: 11 steps, 1 apart, reach over 11; there are 10"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_windows_that_are_none(options, why):
    with pytest.raises(ValueError, match=why):
        timeseries_dataset_from_array(np.zeros(10), None, **{"sequence_length": 3, **options})


GENERATORS = [
    {"length": 4},
    {"length": 4, "sampling_rate": 2, "stride": 3, "batch_size": 2},
    {"length": 5, "start_index": 3, "end_index": 17, "batch_size": 4, "reverse": True},
    {"length": 5, "sampling_rate": 2},
    {"length": 39},
]


@pytest.mark.parametrize("options", GENERATORS)
def test_timeseries_generator_is_keras(options):
    keras()
    from keras.src.legacy.preprocessing.sequence import TimeseriesGenerator as Theirs

    for data in (RANDOM.normal(size=(40, 2)), list(range(40))):
        ours, theirs = (
            kind(data, np.arange(40), **options) for kind in (TimeseriesGenerator, Theirs)
        )
        assert len(ours) == len(theirs)
        for number in range(len(ours)):
            for mine, their in zip(ours[number], theirs[number], strict=True):
                np.testing.assert_array_equal(mine, their)
        saved = json.loads(ours.to_json())
        assert saved["class_name"] == "TimeseriesGenerator"
        assert json.loads(saved["config"]["data"]) == np.asarray(data).tolist()
        assert saved["config"]["length"] == options["length"]


def test_timeseries_generator_at_random():
    data = np.arange(50.0)
    windows = TimeseriesGenerator(data, data, 3, shuffle=True, batch_size=20)
    utils.set_random_seed(1)
    x, y = windows[0]
    np.testing.assert_array_equal(x, y[:, None] + np.arange(-3, 0))
    assert len(set(y)) > 10
    assert y.min() >= 3
    model = small_model(3)
    assert len(model.fit(windows, epochs=1, verbose=0).history["loss"]) == 1
    for options, why in (
        ({"length": 50}, "no window of 50 steps"),
        ({"length": 0}, "length must be at least 1"),
        ({"length": 2, "end_index": 50}, "end_index=50 of 50"),
        ({"length": 2, "start_index": -1}, "start_index=-1"),
        ({"length": 2, "batch_size": 0}, "batch_size must be"),
    ):
        with pytest.raises(ValueError, match=why):
            TimeseriesGenerator(data, data, **options)
    with pytest.raises(ValueError, match="data has 50 steps, targets 49"):
        TimeseriesGenerator(data, data[1:], 3)
    with pytest.raises(IndexError, match="no number 9"):
        windows[9]


@pytest.fixture
def texts(tmp_path):
    for name in ("neg", "pos"):
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.txt").write_text(f"{name} {number} é", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"shuffle": False, "label_mode": "binary", "max_length": 4, "batch_size": 3},
        {"shuffle": False, "labels": None},
        {"seed": 4, "validation_split": 0.25, "subset": "validation"},
    ],
)
def test_text_dataset_is_keras(texts, options, capsys):
    theirs = keras().utils.text_dataset_from_directory
    pytest.importorskip("grain")
    other = theirs(texts, format="grain", **options)
    printed = capsys.readouterr().out
    ours = utils.text_dataset_from_directory(texts, **options)
    assert capsys.readouterr().out == printed
    assert ours.class_names == other.class_names

    def told(data):
        found = []
        for batch in data:
            x, y = (batch, [None] * len(batch)) if data.class_names is None else batch
            found.append(list(zip(map(str, x), np.asarray(y).tolist(), strict=True)))
        return found

    mine, wanted = told(ours), told(other)
    if not options.get("shuffle", True):  # else Keras shuffles once more
        assert mine == wanted
    assert sorted(map(str, chain(*mine))) == sorted(map(str, chain(*wanted)))


def test_texts_of_another_encoding(texts):
    (texts / "neg" / "0.txt").write_bytes(b"caf\xe9")
    data = utils.text_dataset_from_directory(texts, shuffle=False, verbose=False)
    with pytest.raises(ValueError, match=r"neg.0\.txt is not UTF-8 text"):
        list(data)
    with pytest.raises(FileNotFoundError, match=r"no file \*\.txt in .*neg in a folder for each"):
        utils.text_dataset_from_directory(texts / "neg")


def test_split_dataset_of_arrays():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    left, right = split_dataset((x, y), left_size=0.7)
    assert [int(b) for _, b in left] == list(range(7))
    assert [int(b) for _, b in right] == [7, 8, 9]
    assert left[0][0].tolist() == [0, 1]
    assert [len(b) for _, b in left.batch(4)] == [4, 3]
    model = small_model()
    model.fit(left, validation_data=right, verbose=0)
    assert model.predict(right.map(lambda a, b: a[None])).shape == (3, 1)
    left, right = split_dataset(x, right_size=2, shuffle=True, seed=1)
    assert (len(left), len(right)) == (8, 2)
    rows = [row[0] for row in [*left, *right]]
    assert sorted(rows) == x[:, 0].tolist() != rows
    left, right = split_dataset({"a": x, "b": y}, left_size=2, right_size=3)
    assert [each["b"] for each in right] == [2, 3, 4]


def test_split_dataset_of_batches():
    windows = timeseries_dataset_from_array(np.arange(12), None, 3, batch_size=4)
    left, right = split_dataset(windows, left_size=7)
    assert [len(batch) for batch in left] == [4, 3]
    assert [row[0] for batch in right for row in batch] == [7, 8, 9]
    left, right = split_dataset(Mine(5), right_size=0.4)
    assert [x[0, 0] for x, _ in left] == [0, 1, 2]
    assert [x[0, 0] for x, _ in right] == [3, 4]
    small_model().fit(left, validation_data=right, verbose=0)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "give left_size, right_size or both"),
        ({"left_size": 1.0}, "left_size must be a share"),
        ({"left_size": 10}, "10 samples, got 10"),
        ({"right_size": -1}, "right_size must be"),
        ({"left_size": 0.01}, "make 0 and 10 of 10"),
        ({"left_size": 6, "right_size": 5}, "make 6 and 5 of 10"),
    ],
)
def test_splits_that_are_none(options, why):
    with pytest.raises(ValueError, match=why):
        split_dataset(np.zeros(10), **options)
    with pytest.raises(TypeError, match="left_size must be a number"):
        split_dataset(np.zeros(10), left_size="a")
    with pytest.raises(ValueError, match=r"arrays of one length, got \[3, 2\]"):
        split_dataset((np.zeros(3), np.zeros(2)), left_size=1)
