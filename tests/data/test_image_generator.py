"""Pictures changed at random: what each change does, and the batches of it."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from lamina import utils
from lamina.layers import Conv2D, Dense, GlobalAveragePooling2D
from lamina.models import Sequential
from lamina.preprocessing.affine import transformed
from lamina.preprocessing.image import ImageDataGenerator, save_img

RANDOM = np.random.default_rng(9)


@pytest.mark.parametrize("fill_mode", ["nearest", "constant", "reflect", "wrap"])
@pytest.mark.parametrize(
    "change",
    [
        {"theta": 33},
        {"tx": 2, "ty": -1.5},
        {"shear": 20},
        {"zx": 0.6, "zy": 1.7},
        {"theta": -80, "tx": 0.7, "ty": 5, "shear": 10, "zx": 1.2, "zy": 0.9},
    ],
)
@pytest.mark.parametrize("order", [0, 1])
def test_changes_of_square_pictures_are_keras(fill_mode, change, order):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    pytest.importorskip("scipy")
    from keras.src.legacy.preprocessing.image import apply_affine_transform

    x = RANDOM.normal(size=(8, 8, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy no longer likes where Keras takes it from
        theirs = apply_affine_transform(
            x, row_axis=0, col_axis=1, channel_axis=2,
            fill_mode=fill_mode, cval=7.0, order=order, **change,
        )  # fmt: skip
    ours = transformed(x, fill_mode=fill_mode, cval=7.0, order=order, **change)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_a_picture_that_is_not_square_turns_about_its_middle():
    x = np.zeros((5, 9, 1))
    x[2, 4] = 1
    np.testing.assert_allclose(transformed(x, theta=90), x, atol=1e-12)
    x[2, 6] = 2
    turned = transformed(x, theta=90, fill_mode="constant")
    assert {(r, c) for r, c, _ in np.argwhere(turned > 0.5)} in ({(2, 4), (4, 4)}, {(2, 4), (0, 4)})


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_shifts_go_where_they_are_said_to(data_format):
    x = np.arange(20 * 10, dtype=np.float32).reshape(20, 10, 1)
    for options, axis, size in (
        ({"height_shift_range": [5]}, 0, 20),
        ({"width_shift_range": [0.3]}, 1, 10),
    ):
        changes = ImageDataGenerator(**options, data_format=data_format, fill_mode="constant")
        picture = x.transpose(2, 0, 1) if data_format == "channels_first" else x
        seen = set()
        for seed in range(8):
            found = changes.random_transform(picture, seed)
            found = found.transpose(1, 2, 0) if data_format == "channels_first" else found
            cells = 5 if size == 20 else 3
            for sign in (cells, -cells):
                rolled = np.roll(x, sign, axis)
                np.moveaxis(rolled, axis, 0)[slice(0, sign) if sign > 0 else slice(sign, None)] = 0
                seen |= {sign} if np.array_equal(found, rolled) else set()
        assert seen == {cells, -cells}


def test_ranges_are_kept_to():
    changes = ImageDataGenerator(
        rotation_range=30, width_shift_range=0.5, height_shift_range=3, shear_range=4,
        zoom_range=(0.5, 0.8), channel_shift_range=9, brightness_range=(0.2, 0.4),
        horizontal_flip=True,
    )  # fmt: skip
    drawn = [changes.get_random_transform((10, 40, 3), seed) for seed in range(300)]
    for name, low, high in (
        ("theta", -30, 30), ("tx", -20, 20), ("ty", -2, 2), ("shear", -4, 4), ("zx", 0.5, 0.8),
        ("zy", 0.5, 0.8), ("channel_shift_intensity", -9, 9), ("brightness", 0.2, 0.4),
    ):  # fmt: skip
        values = [each[name] for each in drawn]
        assert low <= min(values) < low + 0.1 * (high - low), name
        assert high - 0.1 * (high - low) < max(values) <= high, name
    assert {each["ty"] for each in drawn} == {-2, -1, 0, 1, 2}
    assert 100 < sum(each["flip_horizontal"] for each in drawn) < 200
    assert not any(each["flip_vertical"] for each in drawn)


def test_flips_brightness_and_channels():
    x = RANDOM.uniform(0, 255, (6, 4, 3)).astype(np.float32)
    changes = ImageDataGenerator()
    np.testing.assert_array_equal(changes.apply_transform(x, {}), x)
    np.testing.assert_array_equal(changes.apply_transform(x, {"flip_horizontal": True}), x[:, ::-1])
    np.testing.assert_array_equal(changes.apply_transform(x, {"flip_vertical": True}), x[::-1])
    bright = changes.apply_transform(x, {"brightness": 1.5})
    np.testing.assert_allclose(bright, np.minimum(x * 1.5, 255), rtol=1e-6)
    shifted = changes.apply_transform(x, {"channel_shift_intensity": 20})
    np.testing.assert_allclose(shifted, np.clip(x + 20, x.min(), x.max()), rtol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_standardizing_is_keras(data_format):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    from keras.src.legacy.preprocessing.image import ImageDataGenerator as Theirs

    x = RANDOM.uniform(0, 255, (20, 6, 5, 3)).astype(np.float32)
    x = x.transpose(0, 3, 1, 2) if data_format == "channels_first" else x
    for options in (
        {"rescale": 1 / 255},
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 0.5},
        {"samplewise_center": True, "samplewise_std_normalization": True},
        {"preprocessing_function": lambda image: image * 2 - 1},
    ):
        ours, theirs = (
            kind(**options, data_format=data_format) for kind in (ImageDataGenerator, Theirs)
        )
        ours.fit(x)
        theirs.fit(x)
        mine = ours.flow(x, np.arange(20), shuffle=False, batch_size=8)
        other = theirs.flow(x, np.arange(20), shuffle=False, batch_size=8)
        assert len(mine) == len(other) == 3
        for number in range(3):
            np.testing.assert_allclose(mine[number][0], other[number][0], rtol=1e-4, atol=1e-4)
            np.testing.assert_array_equal(mine[number][1], other[number][1])


def test_fit_that_was_forgotten():
    changes = ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match=r"call fit\(x\) first"):
        changes.standardize(np.zeros((2, 2, 1)))


def test_flow():
    x = np.arange(10.0)[:, None, None, None] * np.ones((1, 4, 4, 1))
    y, weight = np.arange(10), np.arange(10) / 10
    changes = ImageDataGenerator(validation_split=0.3, horizontal_flip=True)
    flow = changes.flow(x, y, batch_size=4, sample_weight=weight, seed=1)
    epochs = []
    for _ in range(2):
        epoch = []
        for _ in range(len(flow)):
            images, targets, weights = next(flow)
            np.testing.assert_array_equal(images[:, 0, 0, 0], targets)
            np.testing.assert_allclose(weights, targets / 10)
            epoch += targets.tolist()
        assert sorted(epoch) == list(range(10))
        epochs.append(epoch)
    assert epochs[0] != epochs[1]
    again = changes.flow(x, y, batch_size=4, sample_weight=weight, seed=1)
    assert [t for _ in range(3) for t in next(again)[1]] == epochs[0]
    assert [len(batch) for batch, _ in zip(changes.flow(x, shuffle=False), range(3), strict=False)]
    parts = {
        subset: changes.flow(x, y, subset=subset, shuffle=False)[0][1].tolist()
        for subset in ("validation", "training")
    }
    assert parts == {"validation": [0, 1, 2], "training": [3, 4, 5, 6, 7, 8, 9]}


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("PIL")
    for number, name in enumerate(["a", "b"]):
        (tmp_path / name).mkdir()
        for place in range(6):
            value = np.full((10, 10, 3), 100 * number + place, np.uint8)
            save_img(tmp_path / name / f"{place}.png", value, scale=False)
    return tmp_path


def test_flow_from_a_folder(folder, capsys):
    changes = ImageDataGenerator(rescale=1 / 255, validation_split=0.5, rotation_range=10)
    flow = changes.flow_from_directory(
        folder, (8, 8), batch_size=5, class_mode="binary", subset="training"
    )
    assert capsys.readouterr().out == "Found 6 images belonging to 2 classes.\n"
    assert flow.class_indices == {"a": 0, "b": 1}
    assert flow.filenames == [str(Path(c) / f"{n}.png") for c in "ab" for n in (3, 4, 5)]
    images, labels = flow[0]
    assert images.shape == (5, 8, 8, 3)
    assert images.dtype == labels.dtype == np.float32
    np.testing.assert_array_equal(images[:, 0, 0, 0] > 0.3, labels)
    saved = folder.parent / "saved"
    saved.mkdir(exist_ok=True)
    shapes = {}
    for mode in ("categorical", "sparse", "input", None):
        flow = changes.flow_from_directory(
            folder, (8, 8), "grayscale", class_mode=mode, save_to_dir=saved, save_prefix="p",
            classes=["a", "b"],
        )  # fmt: skip
        batch = flow[0]
        shapes[mode] = [part.shape for part in (batch if isinstance(batch, tuple) else (batch,))]
    x = (12, 8, 8, 1)
    assert shapes == {"categorical": [x, (12, 2)], "sparse": [x, (12,)], "input": [x, x], None: [x]}
    assert len(list(saved.glob("p_*.png"))) == 48


def test_a_network_learns_of_changed_pictures(folder):
    utils.set_random_seed(2)
    changes = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, zoom_range=0.1)
    flow = changes.flow_from_directory(folder, (8, 8), class_mode="binary", batch_size=4)
    model = Sequential([Conv2D(4, 3), GlobalAveragePooling2D(), Dense(1, activation="sigmoid")])
    model.compile("rmsprop", "binary_crossentropy", metrics=["acc"])
    history = model.fit(flow, epochs=60, verbose=0).history  # ends, though the iterator does not
    assert history["acc"][-1] == 1
    assert model.evaluate(flow, verbose=0, return_dict=True)["acc"] == 1
    assert model.fit_generator(flow, steps_per_epoch=2, epochs=1, verbose=0)


def flow(x, y=None, **options):
    return ImageDataGenerator().flow(np.zeros(x), y, **options)


@pytest.mark.parametrize(
    ("make", "error", "why"),
    [
        (lambda: ImageDataGenerator(zca_whitening=True), ValueError, "zca_whitening is not"),
        (lambda: ImageDataGenerator(fill_mode="mirror"), ValueError, "got 'mirror'"),
        (lambda: ImageDataGenerator(validation_split=1.5), ValueError, "got 1.5"),
        (lambda: ImageDataGenerator(zoom_range=(1, 2, 3)), ValueError, "zoom_range must be a pair"),
        (lambda: ImageDataGenerator(brightness_range=1), ValueError, "brightness_range must be"),
        (lambda: flow((3, 4, 4)), ValueError, r"got shape \(3, 4, 4\)"),
        (lambda: flow((3, 4, 4, 1), [1]), ValueError, "3 pictures, y 1"),
        (lambda: flow((3, 4, 4, 1), subset="training"), ValueError, "needs validation_split="),
        (lambda: ImageDataGenerator().fit(np.zeros((4, 4))), ValueError, r"got shape \(4, 4\)"),
        (lambda: ImageDataGenerator().flow_from_directory("nowhere"), FileNotFoundError, "nowhere"),
    ],
)
def test_wrong_arguments(make, error, why):
    with pytest.raises(error, match=why):
        make()
