"""The film reviews as they were published: what Keras's imdb is made of, and their texts."""

import re
import shutil
import tarfile
import time

import numpy as np
import pytest
from dataset_pairs import same
from pickles import ragged

from lamina.datasets import imdb, raw_reviews

pytestmark = pytest.mark.usefixtures("folders")

REVIEWS = {
    "train/neg/0_1.txt": "A bad, BAD film.<br />Bad!",
    "train/neg/1_2.txt": "É bad",
    "train/pos/0_9.txt": "Don't miss a film\tlike é",
    "train/pos/2_9.txt": "a-like",
    "test/neg/0_1.txt": "bad unseen",
    "test/pos/0_8.txt": "",
    "train/unsup/0_0.txt": "bad bad bad bad",
    "train/pos/notes": "film",
}
# By frequency (bad 4; a 3; film, like, é 2), then by the alphabet.
RANKS = {"bad": 1, "a": 2, "film": 3, "like": 4, "é": 5, "br": 6, "don't": 7, "miss": 8}


@pytest.fixture
def raw(folders):
    root = folders / "data" / "aclImdb"
    for name, text in REVIEWS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_imdb_from_the_published_reviews(raw):
    (x, y), (test_x, test_y) = imdb.from_directory(raw)
    found = {tuple(row): label for row, label in zip(x, y, strict=True)}
    words = {
        "a bad bad film br bad": 0,
        "é bad": 0,
        "don't miss a film like é": 1,
        "a like": 1,
    }
    # As in Keras, the largest id of all is out of vocabulary if num_words is not given.
    ids = {word: 2 if word == "miss" else rank + 3 for word, rank in RANKS.items()}
    expected = {(1, *(ids[w] for w in text.split())): label for text, label in words.items()}
    assert found == expected
    assert y.dtype == np.int64
    assert {tuple(row): label for row, label in zip(test_x, test_y, strict=True)} == {
        (1, 4): 0,
        (1,): 1,
    }
    same(imdb.from_directory(raw.parent), imdb.from_directory(raw))
    few = imdb.from_directory(raw, 6, 5, start_char=None, oov_char=None, maxlen=4)
    assert sorted(few[0][0]) == [[], [5]]  # "a like" and "é bad": of these only "a" is in [5, 6)


@pytest.mark.parametrize("packed", [False, True])
def test_load_data_takes_the_published_reviews(raw, folders, monkeypatch, packed):
    expected = imdb.from_directory(raw, num_words=8)
    if packed:
        with tarfile.open(folders / "data" / "aclImdb_v1.tar.gz", "w:gz") as tar:
            tar.add(raw, "aclImdb")
        shutil.rmtree(raw)
    same(imdb.load_data(num_words=8), expected)
    assert imdb.get_word_index() == RANKS
    (kept,) = (folders / "cache" / "lamina").iterdir()
    # The second time, they are not read.
    with monkeypatch.context() as without:
        without.setattr(raw_reviews, "read_reviews", None)
        same(imdb.load_data(num_words=8), expected)
    # What is kept is not trusted, and made anew if it is damaged.
    kept.write_bytes(kept.read_bytes()[:-100])
    same(imdb.load_data(num_words=8), expected)
    same(imdb.load_data(num_words=8), expected)
    # Keras's file goes first.
    np.savez(
        folders / "home" / "datasets" / "imdb.npz",
        x_train=ragged([[1]]), y_train=[1], x_test=ragged([[2]]), y_test=[0],
    )  # fmt: skip
    assert [list(x) for x, _ in imdb.load_data(num_words=9)] == [[[1, 4]], [[1, 5]]]


@pytest.mark.parametrize("packed", [False, True])
def test_texts_of_the_published_reviews(raw, folders, packed):
    # Each review of its own length, so that the order shows in the arrays.
    for number in range(40):
        (raw / "train" / "pos" / f"{number + 3}_10.txt").write_text("bad " * (number + 6))
    (x, y), (test_x, test_y) = imdb.load_texts(raw)
    ours = REVIEWS | {f"train/pos/{n + 3}_10.txt": "bad " * (n + 6) for n in range(40)}
    assert {(text, label) for text, label in zip(x, y, strict=True)} == {
        (text, int("pos" in name))
        for name, text in ours.items()
        if re.match(r"train/(pos|neg)/\d", name)
    }
    assert dict(zip(test_x, test_y, strict=True)) == {"bad unseen": 0, "": 1}
    assert x.dtype == object
    assert y.dtype == np.int64
    lengths = [len(row) for row in imdb.from_directory(raw)[0][0]]
    assert [len(re.findall(r"[^\W_]+'?[^\W_]*", text)) + 1 for text in x] == lengths
    other, _ = imdb.load_texts(raw, seed=1)
    assert sorted(other[0]) == sorted(x) != list(other[0])
    assert list(other[0]) != list(x)
    if packed:
        with tarfile.open(folders / "data" / "aclImdb.tar.xz", "w:xz") as tar:
            tar.add(raw, "aclImdb")
        shutil.rmtree(raw)
    (same_x, stars), _ = imdb.load_texts(labels="stars")
    assert list(same_x) == list(x)
    expected = {
        text: int(name.rpartition("_")[2][:-4]) for name, text in ours.items() if "_" in name
    }
    assert [expected[text] for text in x] == list(stars)
    assert stars.dtype == np.int64


def test_texts_that_are_not_there(raw, folders):
    with pytest.raises(ValueError, match="'sentiment' or 'stars', got 'star'"):
        imdb.load_texts(labels="star")
    (raw / "train" / "pos" / "5_11.txt").write_text("film")
    assert len(imdb.load_texts()[0][0]) == 5
    with pytest.raises(ValueError, match=r"pos/5_11\.txt does not say its stars"):
        imdb.load_texts(labels="stars")
    shutil.rmtree(raw / "test" / "neg")
    with pytest.raises(FileNotFoundError, match=r"no folder .*test.neg: wanted"):
        imdb.load_texts()
    shutil.rmtree(raw)
    with pytest.raises(
        FileNotFoundError, match=r"aclImdb_v1\.tar\.gz is not on .*ai\.stanford\.edu"
    ):
        imdb.load_texts()
    with pytest.raises(FileNotFoundError, match="there is no file"):
        imdb.load_texts(folders / "nowhere")


def test_new_reviews_are_noticed(raw):
    before = imdb.load_data()
    (raw / "test" / "pos" / "9_9.txt").write_text("bad film")
    assert len(imdb.load_data()[1][0]) == len(before[1][0]) + 1


def test_wrong_reviews(raw, folders):
    with pytest.raises(ValueError, match=r"maxlen=1: no text .*the shortest has 3 ids"):
        imdb.from_directory(raw, maxlen=1)
    (raw / "test" / "pos" / "9_9.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"test/pos/9_9\.txt is not UTF-8"):
        imdb.from_directory(raw)
    shutil.rmtree(raw / "test" / "pos")
    with pytest.raises(FileNotFoundError, match=r"no folder .*test.pos: wanted"):
        imdb.from_directory(raw)
    with tarfile.open(folders / "x.tar.gz", "w:gz") as tar:
        tar.add(raw / "train", "aclImdb/train")
    with pytest.raises(FileNotFoundError, match="no reviews in test/neg"):
        imdb.from_directory(folders / "x.tar.gz")
    (folders / "x.tar.gz").write_bytes((folders / "x.tar.gz").read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"x\.tar\.gz is damaged"):
        imdb.from_directory(folders / "x.tar.gz")
    with pytest.raises(FileNotFoundError, match="no folder or .tar file"):
        imdb.from_directory(folders / "nowhere")


def test_the_real_reviews(real_data, monkeypatch):
    monkeypatch.setenv("LAMINA_DATA", str(real_data("aclImdb.tar.xz").parent))
    began = time.perf_counter()
    (x, y), (test_x, test_y) = imdb.load_data(num_words=10000)
    first = time.perf_counter() - began
    assert len(x) == len(test_x) == 25000
    assert y.mean() == test_y.mean() == 0.5
    assert max(map(max, x)) == 9999
    index = imdb.get_word_index()
    assert len(index) == 88582  # what Keras's Tokenizer counts in them
    assert list(index)[:3] == ["the", "and", "a"]
    began = time.perf_counter()
    again = imdb.load_data(num_words=10000)
    assert time.perf_counter() - began < first / 2
    same(again, ((x, y), (test_x, test_y)))
