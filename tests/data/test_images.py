"""Pictures: files, arrays, resizing and datasets of them, beside real Keras."""

import io
import os
import struct
import sys
import warnings
import zlib

import numpy as np
import pytest

from lamina import utils
from lamina.layers import Dense, Flatten
from lamina.models import Sequential
from lamina.optimizers import Adam
from lamina.preprocessing import image

pytest.importorskip("PIL")
RANDOM = np.random.default_rng(5)


def keras_images():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    from keras.src.utils import image_utils

    return image_utils


def random_picture(height, width, channels=3):
    return RANDOM.integers(0, 256, (height, width, channels)).astype(np.uint8)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_and_pictures(data_format, channels):
    theirs = keras_images()
    x = random_picture(5, 8, channels).astype(np.float32)
    x = x.transpose(2, 0, 1) if data_format == "channels_first" else x
    for array in (x, x / 255 - 0.5):
        for scale in (True, False):
            if not scale and array is not x:
                continue
            ours = image.array_to_img(array, data_format, scale)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow no longer likes how Keras names the mode
                their = theirs.array_to_img(array, data_format, scale)
            assert ours.mode == their.mode
            assert ours.size == (8, 5)
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(their))
    back = image.img_to_array(image.array_to_img(x, data_format, scale=False), data_format)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.jpg"])
def test_saved_and_loaded(tmp_path, name):
    theirs = keras_images()
    x = random_picture(40, 60)
    image.save_img(tmp_path / name, x, scale=False)
    whole = image.img_to_array(image.load_img(tmp_path / name))
    if name != "x.jpg":
        np.testing.assert_array_equal(whole, x)
    for options in (
        {},
        {"color_mode": "grayscale"},
        {"color_mode": "rgba", "target_size": (20, 20)},
        {"target_size": (30, 17), "interpolation": "bilinear"},
        {"target_size": (30, 17), "interpolation": "lanczos", "keep_aspect_ratio": True},
    ):
        ours = image.load_img(tmp_path / name, **options)
        np.testing.assert_array_equal(ours, theirs.load_img(tmp_path / name, **options))
    raw = io.BytesIO((tmp_path / name).read_bytes())
    np.testing.assert_array_equal(image.img_to_array(utils.load_img(raw)), whole)


def test_pictures_that_are_none(tmp_path):
    path = tmp_path / "x.png"
    with pytest.raises(FileNotFoundError, match=r"x\.png"):
        image.load_img(path)
    image.save_img(path, random_picture(30, 30))
    whole = path.read_bytes()
    huge = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    huge = struct.pack(">I", 13) + huge + struct.pack(">I", zlib.crc32(huge))
    for content in (b"", b"hello", whole[:200], whole[:8] + huge + whole[33:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x\.png is no picture"):
            image.load_img(path)
    with pytest.raises(ValueError, match="color_mode must be .* got 'bgr'"):
        image.load_img(path, color_mode="bgr")
    with pytest.raises(ValueError, match="got 'cubic'"):
        image.load_img(path, interpolation="cubic")
    with pytest.raises(ValueError, match=r"got shape \(5, 5\)"):
        image.array_to_img(np.zeros((5, 5)))
    with pytest.raises(ValueError, match="got an array of shape"):
        image.img_to_array(np.zeros((1, 5, 5, 3)))
    with pytest.raises(ValueError, match=r"'\.xyz'|\.xyz is the name of no format"):
        image.save_img(tmp_path / "y.xyz", np.zeros((5, 5, 1)))
    with pytest.warns(UserWarning, match="JPEG has no transparency"):
        image.save_img(tmp_path / "y.jpg", np.zeros((5, 5, 4)))
    assert sorted(os.listdir(tmp_path)) == ["x.png", "y.jpg"]


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'lamina\[image\]'"):
        image.load_img("x.png")


@pytest.mark.parametrize(
    "interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
)
@pytest.mark.parametrize(("shape", "size"), [((17, 30, 3), (9, 9)), ((2, 11, 7, 1), (23, 31))])
def test_smart_resize_is_keras(interpolation, shape, size):
    x = RANDOM.normal(size=shape).astype(np.float32)
    theirs = np.asarray(keras_images().smart_resize(x, size, interpolation))
    ours = image.smart_resize(x, size, interpolation)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    first = image.smart_resize(np.moveaxis(x, -1, -3), size, interpolation, "channels_first")
    np.testing.assert_array_equal(np.moveaxis(first, -3, -1), ours)


def test_smart_resize_refuses():
    with pytest.raises(ValueError, match=r"got shape \(3, 4\)"):
        image.smart_resize(np.zeros((3, 4)), (2, 2))
    with pytest.raises(ValueError, match="interpolation must be one of .* got 'area'"):
        image.smart_resize(np.zeros((3, 4, 1)), (2, 2), "area")


@pytest.fixture
def folder(tmp_path):
    """Pictures whose value says which class and number they are."""
    root = tmp_path / "pictures"
    for number, name in enumerate(["cats", "dogs", "eels"]):
        (root / name / "more").mkdir(parents=True)
        for place in range(5):
            sub = "more/" if place == 3 else ""
            value = np.full((12, 9 + place, 3), 40 * number + place, np.uint8)
            image.save_img(root / name / f"{sub}{name[0]}{9 - place}.PNG", value, scale=False)
        (root / name / "notes.txt").write_text("no picture")
    (root / ".hidden").mkdir()
    return root


OPTIONS = [
    {"shuffle": False},
    {"seed": 3},
    {"seed": 3, "validation_split": 0.3, "subset": "training"},
    {"seed": 3, "validation_split": 0.3, "subset": "validation"},
    {"shuffle": False, "label_mode": "categorical", "color_mode": "grayscale"},
    {"shuffle": False, "label_mode": None, "color_mode": "rgba"},
    {"shuffle": False, "class_names": ["eels", "cats"], "label_mode": "binary"},
    {"shuffle": False, "labels": list(range(15))},
    {"shuffle": False, "crop_to_aspect_ratio": True, "interpolation": "bicubic"},
    {"shuffle": False, "pad_to_aspect_ratio": True, "data_format": "channels_first"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_image_dataset_is_keras(folder, options, capsys):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    pytest.importorskip("grain")
    options = {"batch_size": 4, "image_size": (8, 8), **options}
    theirs = keras.utils.image_dataset_from_directory(folder, format="grain", **options)
    printed = capsys.readouterr().out
    ours = utils.image_dataset_from_directory(folder, **options)
    assert capsys.readouterr().out == printed
    assert [str(p) for p in ours.file_paths] == [str(p) for p in theirs.file_paths]
    assert ours.class_names == theirs.class_names
    if options.get("shuffle", True):
        return  # whose batches Keras shuffles once more
    for batches in zip(list(ours), list(theirs), strict=True):
        mine, their = (each if isinstance(each, tuple) else (each,) for each in batches)
        for part, other in zip(mine, map(np.asarray, their), strict=True):
            assert part.dtype == other.dtype
            np.testing.assert_allclose(part, other, atol=1e-3)


def test_epochs_of_an_image_dataset(folder):
    data = utils.image_dataset_from_directory(
        folder, batch_size=4, image_size=(6, 5), seed=1, verbose=False
    )
    assert len(data) == 4
    epochs = []
    for _ in range(3):
        seen = []
        for x, y in data:
            assert x.shape[1:] == (6, 5, 3)
            np.testing.assert_array_equal((x[:, 0, 0, 0] // 40).astype(int), y)  # its own label
            seen += x[:, 0, 0, 0].tolist()
        assert len(set(seen)) == 15
        epochs.append(seen)
    assert epochs[0] != epochs[1] != epochs[2]
    single = utils.image_dataset_from_directory(folder, batch_size=None, verbose=False)
    x, y = single[0]
    assert x.shape == (256, 256, 3)
    assert y.shape == ()


def test_a_network_learns_a_folder(folder, capsys):
    training, validation = utils.image_dataset_from_directory(
        folder, image_size=(6, 5), seed=1, validation_split=0.2, subset="both", batch_size=3
    )
    assert capsys.readouterr().out.splitlines() == [
        "Found 15 files belonging to 3 classes.",
        "Using 12 files for training.",
        "Using 3 files for validation.",
    ]
    assert not set(training.file_paths) & set(validation.file_paths)
    utils.set_random_seed(1)
    model = Sequential([Flatten(), Dense(3, activation="softmax")])
    model.compile(Adam(0.05), "sparse_categorical_crossentropy", metrics=["acc"])
    scaled = training.map(lambda x, y: (x / 255, y)).cache().prefetch(2)
    history = model.fit(scaled, validation_data=validation, epochs=150, verbose=0).history
    assert history["acc"][-1] > 0.9
    assert model.predict(validation.map(lambda x, y: x)).shape == (3, 3)
    assert [len(x) for x, _ in training.take(1)] == [3]


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"directory": "nowhere"}, FileNotFoundError, "there is no folder nowhere"),
        ({"labels": "none"}, ValueError, "got 'none'"),
        ({"labels": [1, 2]}, ValueError, "2 labels .* 15 files"),
        ({"label_mode": "one-hot"}, ValueError, "got 'one-hot'"),
        ({"label_mode": "binary"}, ValueError, "for two classes, got"),
        ({"class_names": ["cats", "cows"]}, ValueError, r"\['cows'\] are no folders"),
        ({"labels": None, "class_names": ["cats"]}, ValueError, "class_names= is for"),
        ({"validation_split": 0.2}, ValueError, "need each other"),
        ({"validation_split": 0.2, "subset": "training"}, ValueError, "needs seed="),
        ({"validation_split": 2, "subset": "both", "seed": 1}, ValueError, "got 2"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, ValueError, "leaves none"),
        ({"subset": "test"}, ValueError, "got 'test'"),
        ({"color_mode": "bgr"}, ValueError, "got 'bgr'"),
        ({"image_size": (3,)}, ValueError, r"got \(3,\)"),
        ({"batch_size": 0}, ValueError, "got 0"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ValueError, "exclude"),
    ],
)
def test_wrong_arguments(folder, options, error, why):
    with pytest.raises(error, match=why):
        utils.image_dataset_from_directory(**{"directory": folder, "verbose": False, **options})


def test_a_damaged_picture_in_a_folder(folder):
    (folder / "cats" / "c1.png").write_bytes(b"hello")
    data = utils.image_dataset_from_directory(folder, shuffle=False, verbose=False)
    with pytest.raises(ValueError, match=r"c1\.png is no picture"):
        list(data)
