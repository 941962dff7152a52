"""Layers that look up and hash texts and numbers.

What Keras gives is written down here: it needs TensorFlow.
"""

import numpy as np
import pytest
from small_models import remade

from lamina import layers
from lamina.layers.hashes import farmhash64, siphash64
from lamina.models import Sequential

VOCABULARY = ["a", "b", "c", "d"]
TEXTS = [["a", "c", "d", "d"], ["d", "z", "b", "z"]]


# From the documentation of Keras's StringLookup.
@pytest.mark.parametrize(
    ("options", "texts", "wanted"),
    [
        ({}, [["a", "c", "d"], ["d", "z", "b"]], [[1, 3, 4], [4, 0, 2]]),
        ({"num_oov_indices": 2}, [["a", "c", "d"], ["m", "z", "b"]], [[2, 4, 5], [0, 1, 3]]),
        ({"mask_token": ""}, ["a", "", "z"], [2, 0, 1]),
        ({"output_mode": "one_hot"}, ["b", "z"], [[0, 0, 1, 0, 0], [1, 0, 0, 0, 0]]),
        ({"output_mode": "one_hot"}, [["b"], ["z"]], [[0, 0, 1, 0, 0], [1, 0, 0, 0, 0]]),
        ({"output_mode": "multi_hot"}, TEXTS, [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]),
        ({"output_mode": "count"}, TEXTS, [[0, 1, 0, 1, 2], [2, 0, 1, 0, 1]]),
        ({"output_mode": "count", "mask_token": "d"}, TEXTS, [[0, 1, 0, 1], [2, 0, 1, 0]]),
        (
            {"output_mode": "tf_idf", "idf_weights": [0.25, 0.75, 0.6, 0.4]},
            TEXTS,
            [[0, 0.25, 0, 0.6, 0.8], [1.0, 0, 0.75, 0, 0.4]],
        ),
        (
            {"output_mode": "binary", "max_tokens": 7, "pad_to_max_tokens": True},
            TEXTS,
            [[0, 1, 0, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0, 0]],
        ),
        ({}, "c", 3),
    ],
)
def test_string_lookup(options, texts, wanted):
    vocabulary = [word for word in VOCABULARY if word != options.get("mask_token")]
    layer = layers.StringLookup(vocabulary=vocabulary, **options)
    for given in (texts, np.array(texts), np.array(texts, dtype=object), np.array(texts, "S")):
        for each in (layer, remade(layer)):
            np.testing.assert_allclose(each(given), wanted, rtol=1e-6)


def test_weights_of_unknown_texts():
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.set_vocabulary(["[UNK]", *VOCABULARY], idf_weights=[0.9, 0.25, 0.75, 0.6, 0.4])
    wanted = [[0, 0.25, 0, 0.6, 0.8], [1.8, 0, 0.75, 0, 0.4]]
    np.testing.assert_allclose(layer(TEXTS), wanted, rtol=1e-6)
    np.testing.assert_allclose(remade(layer)(TEXTS), wanted, rtol=1e-6)


def test_lookup_back():
    layer = layers.StringLookup(vocabulary=VOCABULARY, invert=True)
    wanted = [["a", "c", "d"], ["d", "[UNK]", "b"]]
    assert layer([[1, 3, 4], [4, 0, 2]]).tolist() == wanted
    assert layer([[1, 3, 4], [4, 99, 2]]).tolist() == wanted
    masked = layers.StringLookup(vocabulary=VOCABULARY, invert=True, mask_token="")
    assert masked([0, 1, 2]).tolist() == ["", "[UNK]", "a"]
    numbers = layers.IntegerLookup(vocabulary=[12, 36], invert=True)
    found = numbers([[1, 0, 2]])
    assert (found.dtype, found.tolist()) == (np.int64, [[12, -1, 36]])


def test_adapted_lookups():
    layer = layers.StringLookup()
    layer.adapt([["a", "c", "d"], ["d", "z", "b"]])
    assert layer.get_vocabulary() == ["[UNK]", "d", "z", "c", "b", "a"]
    assert layer([["a", "c", "d"], ["d", "z", "b"]]).tolist() == [[5, 3, 1], [1, 2, 4]]
    again = remade(layer)
    assert again.get_vocabulary() == layer.get_vocabulary()
    again.adapt(iter([np.array(["x", "x", "[UNK]"]), np.array([["y"], ["x"]])]))
    assert again.get_vocabulary() == ["[UNK]", "x", "y"]
    again.adapt(iter([["x"], ["y"], ["w"]]), steps=2)
    assert again.get_vocabulary(include_special_tokens=False) == ["y", "x"]
    assert again.vocabulary_size() == 3
    small = layers.StringLookup(max_tokens=3, mask_token="", num_oov_indices=1)
    small.adapt(["a", "b", "b", ""])
    assert small.get_vocabulary() == ["", "[UNK]", "b"]
    fixed = layers.StringLookup(vocabulary=VOCABULARY)
    with pytest.raises(ValueError, match="made with a vocabulary, which stays"):
        fixed.adapt(["x"])
    with pytest.raises(ValueError, match="made with a vocabulary, which stays"):
        remade(fixed).adapt(["x"])


def test_learnt_weights():
    """The weight of a token is log(1 + documents / (1 + documents with it))."""
    layer = layers.StringLookup(output_mode="tf_idf", max_tokens=5, pad_to_max_tokens=True)
    layer.adapt([["a", "b", "b"], ["b", "b", "c"], ["b", "a", "a"]])
    assert layer.get_vocabulary() == ["[UNK]", "b", "a", "c"]
    idf = np.log(1 + 3 / (1 + np.array([3, 2, 1])))
    wanted = [[idf.mean() * 2, idf[0], 0, 3 * idf[2], 0]]
    for each in (layer, remade(layer)):
        found = each([["q", "b", "c", "c", "r", "c"]])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "numbers", "wanted"),
    [
        ({}, [[12, 1138, 42], [42, 1000, 36]], [[1, 3, 4], [4, 0, 2]]),
        ({"num_oov_indices": 2}, [[12, 1138, 42], [37, 1000, 36]], [[2, 4, 5], [1, 0, 3]]),
        ({"mask_token": 0}, [12, 0, 5], [2, 0, 1]),
        ({"output_mode": "count"}, [[12, 42, 42, 7]], [[1, 1, 0, 0, 2]]),
        ({}, np.array([12.0, 7.0], np.float32), [1, 0]),
    ],
)
def test_integer_lookup(options, numbers, wanted):
    layer = layers.IntegerLookup(vocabulary=[12, 36, 1138, 42], **options)
    for each in (layer, remade(layer)):
        assert each(numbers).tolist() == wanted


def test_integers_are_learnt_and_hashed():
    layer = layers.IntegerLookup()
    layer.adapt(np.array([[12, 1138, 42], [42, 1000, 36]]))
    assert layer.get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]
    hashed = layers.IntegerLookup(vocabulary=[5], num_oov_indices=3, oov_method="farmhash")
    wanted = [farmhash64(str(n).encode()) % 3 for n in (-7, 10, 12)]
    assert hashed([-7, 10, 12, 5]).tolist() == [*wanted, 3]
    salted = layers.IntegerLookup(
        vocabulary=[5], num_oov_indices=3, oov_method="farmhash", salt=[133, 137]
    )
    assert salted([7]).tolist() == [siphash64(b"7", [133, 137]) % 3]


def test_hashes_are_those_of_others():
    """By BigQuery's documentation, google's own library, and the paper on SipHash."""
    known = {b"1footrue": -1541654101129638711, b"2applefalse": 2794438866806483259}
    for text, value in {**known, b"3true": -4880158226897771312}.items():
        assert farmhash64(text) == value % 2**64
    ten = b"abcdefghij" * 20
    assert [hex(farmhash64(ten[:n])) for n in (20, 40, 64, 65, 128, 200)] == [
        "0xde400cf25cc31105",
        "0x5a45f6e19b6fb33d",
        "0x709ee62e81877c19",
        "0xa7ca9a64cec63fb0",
        "0x9a6e471bfad6aa07",
        "0x8cc69484a528a67f",
    ]
    key = [0x0706050403020100, 0x0F0E0D0C0B0A0908]
    assert siphash64(bytes(range(15)), key) == 0xA129CA6149BE45E5
    assert farmhash64(b"") == 0x9AE16A3B2F90404F


# From the documentation of Keras's Hashing.
@pytest.mark.parametrize(
    ("options", "values", "wanted"),
    [
        ({}, [["A"], ["B"], ["C"], ["D"], ["E"]], [[1], [0], [1], [1], [2]]),
        ({"mask_value": ""}, [["A"], ["B"], [""], ["C"], ["D"]], [[1], [1], [0], [2], [2]]),
        ({"salt": [133, 137]}, [["A"], ["B"], ["C"], ["D"], ["E"]], [[1], [2], [1], [0], [2]]),
        ({"salt": 133}, [["A"], ["B"], ["C"], ["D"], ["E"]], [[0], [0], [2], [1], [0]]),
        ({"output_mode": "one_hot"}, ["A", "B"], [[0, 1, 0], [1, 0, 0]]),
        ({"output_mode": "count"}, [["A", "C", "B"]], [[1, 2, 0]]),
        ({}, [12, -7], [farmhash64(b"12") % 3, farmhash64(b"-7") % 3]),
        ({"mask_value": 0}, [12, 0], [farmhash64(b"12") % 2 + 1, 0]),
    ],
)
def test_hashing(options, values, wanted):
    layer = layers.Hashing(3, **options)
    for each in (layer, remade(layer)):
        found = each(values)
        assert found.tolist() == wanted
        assert found.dtype == (np.float32 if "output_mode" in options else np.int64)
    given = np.array(values)
    dtype = "string" if given.dtype.kind == "U" else "int64"
    model = Sequential([layers.Input(given.shape[1:], dtype=dtype), layer])
    assert model.predict(given).tolist() == wanted


def test_files_of_vocabularies(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("wörd\nb\n", encoding="utf-8")
    layer = layers.StringLookup(vocabulary=str(path))
    assert layer(["b", "wörd"]).tolist() == [2, 1]
    assert layers.TextVectorization(vocabulary=str(path))(["b wörd"]).tolist() == [[3, 2]]
    path.write_text("7\n-3\n", encoding="utf-8")
    assert layers.IntegerLookup(vocabulary=path)([-3, 7]).tolist() == [2, 1]
    for name in ("StringLookup", "IntegerLookup", "TextVectorization"):
        saved = layers.serialize(getattr(layers, name)(name="it"))
        saved["config"]["vocabulary"] = str(path)
        with pytest.raises(ValueError, match="it: the config wants to read .* the file"):
            layers.deserialize(saved)
    with pytest.raises(FileNotFoundError):
        layers.StringLookup(vocabulary="not there")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: layers.StringLookup(max_tokens=1), "max_tokens must be above 1"),
        (lambda: layers.StringLookup(pad_to_max_tokens=True), "needs max_tokens"),
        (lambda: layers.StringLookup(num_oov_indices=-1), "must not be negative"),
        (lambda: layers.StringLookup(output_mode="hot"), "output_mode must be one of int, one_hot"),
        (lambda: layers.StringLookup(invert=True, output_mode="count"), "is for output_mode='int'"),
        (lambda: layers.StringLookup(sparse=True), "no sparse arrays"),
        (lambda: layers.StringLookup(vocabulary=[]), "the vocabulary is empty"),
        (lambda: layers.StringLookup(vocabulary=["a", "b", "a"]), "'a' stands twice"),
        (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), "'' stands at 1"),
        (
            lambda: layers.StringLookup(vocabulary=["a", "[UNK]"], invert=True),
            r"'\[UNK\]' stands at 1 of the vocabulary: leave special tokens out",
        ),
        (lambda: layers.StringLookup(vocabulary=VOCABULARY, max_tokens=4), "vocabulary of 5"),
        (
            lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"),
            "needs idf_weights with the vocabulary",
        ),
        (
            lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]),
            "idf_weights belong to output_mode='tf_idf'",
        ),
        (
            lambda: layers.StringLookup(
                vocabulary=["a"], idf_weights=[1.0, 2], output_mode="tf_idf"
            ),
            r"1 tokens and idf_weights of shape \(2,\)",
        ),
        (lambda: layers.StringLookup(output_mode="tf_idf", idf_weights=[1.0]), "they belong to"),
        (lambda: layers.StringLookup(output_mode="tf_idf")(["a"]), "no idf weights yet"),
        (lambda: layers.StringLookup(salt=[1, 2, 3]), "salt must be a whole number or two"),
        (
            lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["a", "q"]),
            "'q' is not in the vocabulary, and num_oov_indices=0",
        ),
        (lambda: layers.IntegerLookup(salt=3), "salt belongs to oov_method='farmhash'"),
        (lambda: layers.IntegerLookup(oov_method="md5"), "must be 'floormod' or 'farmhash'"),
        (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "must be 'int64'"),
        (lambda: layers.IntegerLookup(vocabulary=[5])([0.5]), "wanted whole numbers, got 0.5"),
        (lambda: layers.Hashing(0), "num_bins must be a whole number above 0"),
        (lambda: layers.Hashing(3, dtype="float32"), "bins are whole numbers"),
        (lambda: layers.Hashing(3, salt="x"), "salt must be a whole number or two"),
        (lambda: layers.Hashing(3)([0.5]), "wanted whole numbers, got 0.5"),
    ],
)
def test_wrong_arguments(make, error):
    with pytest.raises(ValueError, match=error):
        make()
