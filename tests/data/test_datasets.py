"""Datasets: what is found where, and the same arrays as Keras's from the same files."""

import gzip
import io
import json
import os
import shutil
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from dataset_pairs import same
from pickles import cifar_batch, ragged

from lamina.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    finder,
    imdb,
    mnist,
    reuters,
    text8,
)

pytestmark = pytest.mark.usefixtures("folders")

RANDOM = np.random.default_rng(11)


@pytest.fixture
def keras_file(monkeypatch):
    """Return a function that gives a module of Keras's datasets a file instead of its own."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    import importlib

    def of(name, path):
        module = importlib.import_module(f"keras.src.datasets.{name}")
        monkeypatch.setattr(module, "get_file", lambda *_, **__: str(path))
        return module

    return of


def texts(count, longest=40):
    lengths = RANDOM.integers(1, longest, count)
    return ragged([np.minimum(RANDOM.zipf(1.3, n), 90000).tolist() for n in lengths])


OPTIONS = [
    {},
    {"num_words": 50},
    {"num_words": 50, "skip_top": 6, "maxlen": 20, "seed": 3},
    {"num_words": 30, "oov_char": None},
    {"skip_top": 5, "start_char": None, "index_from": 0},
    {"start_char": None, "index_from": 2, "oov_char": 1},
    {"start_char": 9, "index_from": 10, "num_words": 400, "oov_char": None, "maxlen": 30},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_imdb_is_keras(folders, keras_file, options):
    path = folders / "data" / "imdb.npz"
    np.savez(
        path,
        x_train=texts(60),
        y_train=RANDOM.integers(0, 2, 60),
        x_test=texts(50),
        y_test=RANDOM.integers(0, 2, 50),
    )
    theirs = keras_file("imdb", path).load_data(**options)
    same(imdb.load_data(**options), theirs)
    same(imdb.load_data(path, **options), theirs)


@pytest.mark.parametrize("options", [*OPTIONS, {"test_split": 0.5}, {"test_split": 0}])
def test_reuters_is_keras(folders, keras_file, options):
    path = folders / "home" / "datasets" / "reuters.npz"
    np.savez(path, x=texts(90), y=RANDOM.integers(0, 46, 90))
    same(reuters.load_data(**options), keras_file("reuters", path).load_data(**options))


def test_label_names(keras_file):
    names = reuters.get_label_names()
    assert names == keras_file("reuters", "").get_label_names()
    assert len(names) == 46


def test_word_indexes(folders):
    index = {"the": 1, "naïve": 2}
    (folders / "data" / "imdb_word_index.json").write_text(json.dumps(index), encoding="utf-8")
    (folders / "home" / "datasets" / "reuters_word_index.json").write_text(json.dumps(index))
    assert imdb.get_word_index() == reuters.get_word_index() == index
    own = folders / "own.json"
    for content in ('{"the": 1', '{"the": "1"}', "[1]", "[" * 100000, "\xff"):
        own.write_text(content, encoding="latin-1")
        with pytest.raises(ValueError, match=r"own\.json is no"):
            imdb.get_word_index(own)


@pytest.mark.parametrize("module", [boston_housing, california_housing])
def test_houses_are_keras(folders, keras_file, module):
    name = module.__name__.rpartition(".")[2]
    path = folders / "data" / f"{name}.npz"
    np.savez(path, x=RANDOM.normal(size=(700, 8)), y=RANDOM.normal(size=700))
    theirs = keras_file(name, path)
    same(module.load_data(), theirs.load_data())
    same(module.load_data(test_split=0.35, seed=4), theirs.load_data(test_split=0.35, seed=4))
    with pytest.raises(ValueError, match="got 1"):
        module.load_data(test_split=1)
    if module is california_housing:
        same(module.load_data("small"), theirs.load_data("small"))
        with pytest.raises(ValueError, match="got 'tiny'"):
            module.load_data("tiny")


def test_mnist_is_keras(folders, keras_file):
    path = folders / "data" / "mnist.npz"
    images = RANDOM.integers(0, 256, (90, 28, 28)).astype(np.uint8)
    labels = np.arange(90, dtype=np.uint8) % 10
    np.savez_compressed(
        path,
        x_train=images[:60],
        y_train=labels[:60],
        x_test=np.asfortranarray(images[60:]),
        y_test=labels[60:],
    )
    ours = mnist.load_data()
    same(ours, keras_file("mnist", path).load_data())
    ours[0][0][0] = 0  # may be written to


def idx(array):
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.tobytes())


def test_fashion_mnist(folders, monkeypatch):
    folder = folders / "home" / "datasets" / "fashion-mnist"
    folder.mkdir()
    arrays = {}
    for part, count in (("train", 30), ("t10k", 20)):
        arrays[f"{part}-images-idx3"] = RANDOM.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        arrays[f"{part}-labels-idx1"] = RANDOM.integers(0, 10, count).astype(np.uint8)
    for name, array in arrays.items():
        (folder / f"{name}-ubyte.gz").write_bytes(idx(array))
    parts = list(arrays.values())
    same(fashion_mnist.load_data(), ((parts[0], parts[1]), (parts[2], parts[3])))
    # The files of MNIST have the same names, and are none of these.
    shutil.copytree(folder, folders / "data", dirs_exist_ok=True)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match="fashion-mnist/train-images-idx3-ubyte.gz"):
        fashion_mnist.load_data()
    folder.mkdir()
    for content in (
        b"",
        b"\x1f\x8b123",
        gzip.compress(b"\0\0\x08\x01\0\0\xff\xff12"),
        gzip.compress(b""),
    ):
        (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
        with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz is"):
            fashion_mnist.load_data()


def cifar_tar(path, folder, batches):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in batches.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def image_batch(count, **tops):
    images = RANDOM.integers(0, 256, (count, 3072)).astype(np.uint8)
    return cifar_batch(
        images, **{name: RANDOM.integers(0, top, count).tolist() for name, top in tops.items()}
    )


@pytest.mark.parametrize("mode", ["fine", "coarse"])
def test_cifar100_is_keras(folders, keras_file, mode):
    batches = {n: image_batch(300, fine_labels=100, coarse_labels=20) for n in ("train", "test")}
    cifar_tar(folders / "data" / "cifar-100-python.tar.gz", "cifar-100-python", batches)
    ours = cifar100.load_data(mode)
    with tarfile.open(folders / "data" / "cifar-100-python.tar.gz") as tar:
        tar.extractall(folders / "unpacked", filter="data")
    (_, y), (_, test_y) = ours
    theirs = keras_file("cifar100", folders / "unpacked").load_data(mode)
    same(
        ((ours[0][0], y), (ours[1][0], test_y)),
        tuple((x, np.asarray(labels, np.uint8)) for x, labels in theirs),
    )
    same(cifar100.load_data(mode), ours)
    with pytest.raises(ValueError, match="got 'both'"):
        cifar100.load_data("both")


def test_cifar10(folders):
    batches = {f"data_batch_{n}": image_batch(256 + n, labels=10) for n in range(1, 6)}
    batches["test_batch"] = image_batch(260, labels=10)
    kept = folders / "home" / "datasets" / "cifar-10-batches-py-target_archive"  # as Keras names it
    cifar_tar(kept, "cifar-10-batches-py", batches)
    (x, y), (test_x, test_y) = cifar10.load_data()
    assert x.shape == (5 * 256 + 15, 32, 32, 3)
    assert y.shape == (5 * 256 + 15, 1)
    assert test_x.shape == (260, 32, 32, 3)
    assert {a.dtype for a in (x, y, test_x, test_y)} == {np.dtype(np.uint8)}
    del batches["data_batch_3"]
    cifar_tar(kept, "cifar-10-batches-py", batches)
    with pytest.raises(ValueError, match="has no file data_batch_3"):
        cifar10.load_data()
    batches["data_batch_3"] = b"\x80\x02cos\nsystem\n."
    cifar_tar(kept, "cifar-10-batches-py", batches)
    with pytest.raises(ValueError, match="data_batch_3: the name 'os system' is refused"):
        cifar10.load_data()
    kept.write_bytes(kept.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="target_archive is damaged"):
        cifar10.load_data()


def test_text8(folders):
    from lamina.models.word2vec import Text8Corpus

    with pytest.raises(FileNotFoundError, match=r"text8\.zip is not .*mattmahoney"):
        text8.load_data()
    with zipfile.ZipFile(folders / "home" / "datasets" / "text8.zip", "w") as archive:
        archive.writestr("text8", " the king and the queen")
    assert list(Text8Corpus(text8.path())) == [["the", "king", "and", "the", "queen"]]
    (folders / "data" / "text8").write_text(" the king")
    assert text8.path() == str(folders / "data" / "text8")
    (folders / "data" / "own.gz").write_bytes(gzip.compress(b"a b"))
    assert list(Text8Corpus(text8.path("own.gz"))) == [["a", "b"]]
    with pytest.raises(FileNotFoundError, match="there is no text other in"):
        text8.path("other")


def test_where_files_are_looked_for(folders, monkeypatch):
    def save(folder, value):
        np.savez(folder / "boston_housing.npz", x=np.full((4, 13), value), y=np.zeros(4))

    with pytest.raises(FileNotFoundError) as caught:
        boston_housing.load_data()
    message = str(caught.value)
    assert str(folders / "data") in message
    assert str(folders / "home" / "datasets") in message
    assert "boston_housing.npz is not on this machine" in message
    assert f"Get it from {finder.KERAS_FILES}boston_housing.npz" in message
    save(folders / "home" / "datasets", 1)
    assert boston_housing.load_data()[0][0][0, 0] == 1
    save(folders / "data", 2)
    assert boston_housing.load_data()[0][0][0, 0] == 2
    monkeypatch.delenv("LAMINA_DATA")
    assert boston_housing.load_data()[0][0][0, 0] == 1
    (folders / "home" / "datasets" / "boston_housing.npz").unlink()
    with pytest.raises(FileNotFoundError, match="or name its folder in LAMINA_DATA"):
        boston_housing.load_data()
    with pytest.raises(FileNotFoundError, match=r"there is no file .*own\.npz"):
        boston_housing.load_data(folders / "own.npz")


def test_what_is_fetched_is_kept_and_checked(folders, monkeypatch):
    from lamina.utils import files

    np.savez(folders / "served.npz", x=np.ones((4, 13)), y=np.zeros(4))
    monkeypatch.setattr(finder, "fetch", files.fetch)
    origin = (folders / "served.npz").as_uri()
    wrong = finder.Source("boston_housing.npz", origin, "0" * 64)
    monkeypatch.setattr(boston_housing, "_NPZ", wrong)
    with pytest.raises(ValueError, match=f"wanted {'0' * 64}"):
        boston_housing.load_data()
    right = files.checksum(folders / "served.npz", "md5")
    monkeypatch.setattr(boston_housing, "_NPZ", wrong._replace(file_hash=right))
    for _ in range(2):
        assert boston_housing.load_data()[0][0].shape == (3, 13)
        (folders / "served.npz").unlink(missing_ok=True)
    assert os.listdir(folders / "home" / "datasets") == ["boston_housing.npz"]


def npy(descr, shape, content):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}"
    text = header.encode() + b" " * 10 + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"x": npy("<f8", (99999999999, 13), b"1")}, "has 1 bytes"),
        ({"x": npy("|O", (1,), b"cos\nsystem\n.")}, "'os system' is refused"),
        ({"x": npy("|O", (3,), b"](K\1K\2e.")}, "is not of that shape"),
        ({"x": npy("V0", (3,), b"")}, "is damaged"),
        ({"x": npy("<f8", "__import__('os').abort()", b"")}, "is damaged"),
        ({"x": b"hello"}, "is damaged"),
        ({"y": npy("<f8", (1,), b"12345678")}, "has no array x; it has y"),
        ({}, "has no array x"),
    ],
)
def test_hostile_npz(folders, members, why):
    path = folders / "data" / "boston_housing.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"y": npy("<f8", (0,), b""), **members}.items():
            archive.writestr(f"{name}.npy", data)
    with pytest.raises(ValueError, match=why) as caught:
        boston_housing.load_data()
    assert str(path) in str(caught.value)


def test_damaged_npz(folders):
    path = folders / "data" / "boston_housing.npz"
    np.savez_compressed(path, x=RANDOM.normal(size=(40, 13)), y=RANDOM.normal(size=40))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[300] ^= 0xFF
    for damaged in (b"", whole[:100], whole[:-40], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"boston_housing\.npz is damaged"):
            boston_housing.load_data()


def test_an_npz_that_is_a_bomb(folders):
    path = folders / "data" / "boston_housing.npz"
    header = npy("|u1", (314572800,), b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w") as member:
            member.write(header)
            for _ in range(300):
                member.write(b"\0" * (1 << 20))
        archive.writestr("y.npy", header)
    with pytest.raises(ValueError, match=r"boston_housing\.npz unpacks to more than"):
        boston_housing.load_data()


def test_the_real_digits(real_data, monkeypatch):
    monkeypatch.setenv("LAMINA_DATA", str(real_data("mnist.npz").parent))
    (x, y), (test_x, test_y) = mnist.load_data()
    assert x.shape == (60000, 28, 28)
    assert np.bincount(test_y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert test_x.shape == (10000, 28, 28)
    assert y.dtype == x.dtype == np.uint8
