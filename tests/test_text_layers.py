"""Layers that look up and cut texts. What Keras gives is written down here: it needs TensorFlow."""

import json
import zipfile

import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.layers.hashes import farmhash64, siphash64
from lamina.models import Model, Sequential, clone_model, load_model, model_from_json

VOCABULARY = ["a", "b", "c", "d"]
TEXTS = [["a", "c", "d", "d"], ["d", "z", "b", "z"]]


def remade(layer):
    """Return the layer that its config makes, by way of JSON."""
    saved = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(saved)
    assert json.loads(json.dumps(layers.serialize(again))) == saved
    return again


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


# Texts with and without the kernel: what it cannot cut is cut by Python.
LONG = "x" * 70_000


@pytest.mark.parametrize(
    ("options", "texts", "wanted"),
    [
        ({"output_sequence_length": 4}, ["foo qux bar", "QUX, baz!"], [[2, 1, 3, 0], [1, 4, 0, 0]]),
        ({"output_sequence_length": 2}, [["foo qux bar"], ["foo"]], [[2, 1], [2, 0]]),
        ({}, ["foo qux bar", "", "\tfoo\x0bbar\n"], [[2, 1, 3], [0, 0, 0], [2, 3, 0]]),
        ({}, ["foo " + LONG + " bar", "bar"], [[2, 1, 3], [3, 0, 0]]),
        ({}, ["f'oo bar\u3000baz Ébaz"], [[2, 1, 1]]),
        ({"standardize": "lower"}, ["FOO! Foo"], [[1, 2]]),
        ({"standardize": "strip_punctuation"}, ["fo-o FOO"], [[2, 1]]),
        ({"standardize": None}, ["foo FOO foo!"], [[2, 1, 1]]),
        ({"split": None}, [["foo", "b.ar"], ["qux", "Baz"]], [[2, 3], [1, 4]]),
        ({"split": None}, ["foo", "bar"], [[2], [3]]),
        ({"ngrams": 2}, ["foo bar baz"], [[2, 3, 4, 5, 1]]),
        ({"ngrams": (2,)}, ["foo bar baz", "foo"], [[5, 1], [0, 0]]),
        ({"split": lambda texts: [t.split("-") for t in texts], "standardize": None},
         ["foo-bar"], [[2, 3]]),
        ({"standardize": lambda texts: np.char.replace(texts, "_", " ")}, ["foo_bar"], [[2, 3]]),
        ({"output_mode": "multi_hot"}, ["foo qux foo", "baz"], [[1, 1, 0, 0, 0], [0, 0, 0, 1, 0]]),
        ({"output_mode": "count"}, ["foo qux foo", "baz"], [[1, 2, 0, 0, 0], [0, 0, 0, 1, 0]]),
        ({"output_mode": "tf_idf", "idf_weights": [1, 2, 3, 6]},
         ["foo qux foo"], [[3, 2, 0, 0, 0]]),
        ({"output_mode": "count", "max_tokens": 6, "pad_to_max_tokens": True},
         ["foo qux foo"], [[1, 2, 0, 0, 0, 0]]),
    ],
)  # fmt: skip
def test_text_vectorization(options, texts, wanted):
    layer = layers.TextVectorization(vocabulary=["foo", "bar", "baz", "foo bar"], **options)
    for given in (texts, np.array(texts), np.array(texts, dtype=object)):
        np.testing.assert_allclose(layer(given), wanted, rtol=1e-6)
    if not any(callable(value) for value in options.values()):
        np.testing.assert_allclose(remade(layer)(texts), wanted, rtol=1e-6)


def test_characters():
    layer = layers.TextVectorization(split="character", vocabulary=["a", "é"])
    assert layer(["aéb", "É"]).tolist() == [[2, 3, 1], [1, 0, 0]]


# From the documentation of Keras's TextVectorization.
def test_adapted_text_vectorization():
    layer = layers.TextVectorization(max_tokens=5000, output_sequence_length=4)
    layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    assert layer.get_vocabulary() == ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]
    assert layer([["foo qux bar"], ["qux baz"]]).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]
    again = remade(layer)
    assert again.get_vocabulary() == layer.get_vocabulary()
    again.adapt(iter([np.array([["x y"], ["y"]]), ["z"]]), steps=1)
    assert again.get_vocabulary() == ["", "[UNK]", "y", "x"]
    assert again(["z y"]).tolist() == [[1, 2, 0, 0]]
    again.set_vocabulary(["z"])
    assert again(["z y"]).tolist() == [[2, 1, 0, 0]]


@pytest.mark.parametrize("options", [{}, {"ngrams": 1}])
def test_vocabularies_by_the_kernel_and_without(options):
    texts = ["The cat, the\xa0DOG the", LONG + " cat", "Cat a b a", "É é"]
    layer = layers.TextVectorization(output_mode="tf_idf", max_tokens=5, **options)
    layer.adapt(texts)
    assert layer.get_vocabulary() == ["[UNK]", "cat", "the", "a", "é"]
    idf = np.log(1 + 4 / (1 + np.array([3, 1, 1, 1])))
    np.testing.assert_allclose(layer(["cat q é"]), [[idf.mean(), idf[0], 0, 0, idf[3]]], rtol=1e-6)


@pytest.mark.parametrize("ngrams", [None, 1])
def test_many_texts(ngrams):
    generator = np.random.default_rng(1)
    rows = [generator.integers(0, 5, generator.integers(0, 9)) for _ in range(2100)]
    texts = [" ".join("abcde"[i] for i in row) for row in rows]
    layer = layers.TextVectorization(vocabulary=list("abcd"), ngrams=ngrams)
    for given in (texts, texts[:1024], texts[:1]):
        places = [[i + 2 if i < 4 else 1 for i in row] for row in rows[: len(given)]]
        longest = max(map(len, places))
        assert layer(given).tolist() == [row + [0] * (longest - len(row)) for row in places]
    counts = layers.TextVectorization(vocabulary=list("abcd"), ngrams=ngrams, output_mode="count")
    wanted = [[(row == 4).sum(), *((row == i).sum() for i in range(4))] for row in rows]
    np.testing.assert_array_equal(counts(texts), wanted)
    assert layer(np.empty(0, object)).shape == (0, 0)
    assert counts(np.empty(0, object)).shape == (0, 5)


@lamina.utils.register_keras_serializable("tests")
def shout(texts):
    return np.char.upper(texts)


def test_functions_of_users_are_saved_by_name():
    layer = layers.TextVectorization(standardize=shout, vocabulary=["FOO"])
    assert remade(layer)(["foo"]).tolist() == [[2]]


def reviews():
    texts = ["a good film", "a bad film", "Good, good!", "bad bad bad"] * 10
    return texts, np.array([1, 0, 1, 0] * 10)


def test_a_model_of_texts():
    texts, y = reviews()
    vectorize = layers.TextVectorization(output_sequence_length=5)
    vectorize.adapt(texts)
    model = Sequential(
        [
            vectorize,
            layers.Embedding(vectorize.vocabulary_size(), 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["acc"])
    history = model.fit(np.array(texts), y, epochs=40, validation_split=0.2, verbose=0)
    assert history.history["val_acc"][-1] == 1
    assert model.evaluate(texts, y, verbose=0)[1] == 1
    good, bad = model.predict(["good film", "bad film"])[:, 0]
    assert good > bad
    ids = model.layers[0](texts).numpy()
    inner = Sequential(model.layers[1:])
    for given in (texts, np.array(texts, dtype=object), np.array(texts)[:, np.newaxis]):
        np.testing.assert_array_equal(model.predict(given), inner.predict(ids))
    for again in (clone_model(model), model_from_json(model.to_json())):
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again.predict(texts), model.predict(texts))
    with pytest.raises(TypeError, match="takes texts, got an array of float32"):
        model.predict(np.ones((3, 1)))


def as_keras_has_it(path, places, idf=None):
    """Move vocabularies from a model's config to files of their own, as Keras does."""
    import io

    import h5py

    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    for layer in config["config"]["layers"]:
        own = layer["config"]
        if layer["class_name"] in places:
            place = places[layer["class_name"]]
            special = own.pop("vocabulary")
            for key in ("idf_weights", "has_input_vocabulary"):
                own.pop(key, None)
            members[f"assets/layers/{place}/vocabulary.txt"] = "\n".join(special).encode()
            if idf is not None:
                file = io.BytesIO(members["model.weights.h5"])
                with h5py.File(file, "a") as weights:
                    weights.require_group(f"layers/{place}/vars")["idf_weights"] = idf
                members["model.weights.h5"] = file.getvalue()
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_models_of_texts_in_files(tmp_path, mode):
    texts, _ = reviews()
    vectorize = layers.TextVectorization(output_mode=mode)
    vectorize.adapt([*texts, "wörd"])
    model = Sequential([layers.Input((1,), dtype="string"), vectorize])
    wanted = model.predict(texts)
    path = tmp_path / "model.keras"
    model.save(path)
    np.testing.assert_array_equal(load_model(path).predict(texts), wanted)
    idf = vectorize.get_config()["idf_weights"]
    as_keras_has_it(path, {"TextVectorization": "text_vectorization"}, idf)
    assert "wörd" not in zipfile.ZipFile(path).read("config.json").decode("unicode-escape")
    again = load_model(path)
    assert again.layers[0].get_vocabulary() == vectorize.get_vocabulary()
    np.testing.assert_allclose(again.predict(texts), wanted, rtol=1e-6)
    again.layers[0].adapt(["new"])
    assert again.layers[0].get_vocabulary()[-1] == "new"


def test_texts_beside_numbers():
    words = lamina.Input((1,), dtype="string", name="words")
    numbers = lamina.Input((2,), name="numbers")
    ids = layers.StringLookup(vocabulary=["x", "y"], output_mode="one_hot")(words)
    assert (words.dtype, ids.shape, ids.dtype) == ("string", (None, 3), "float32")
    model = Model([words, numbers], layers.Concatenate()([ids, numbers]))
    found = model.predict({"words": np.array(["y", "?"]), "numbers": np.ones((2, 2))})
    assert found.tolist() == [[0, 0, 1, 1, 1], [1, 0, 0, 1, 1]]
    again = model_from_json(model.to_json())
    np.testing.assert_array_equal(again.predict([np.array(["y", "?"]), np.ones((2, 2))]), found)
    with pytest.raises(TypeError, match="'numbers' takes numbers, got an array of <U1"):
        model.predict([np.array(["y"]), np.array([["1", "2"]])])
    back = Sequential([layers.StringLookup(vocabulary=["x", "y"], invert=True)])
    assert back.predict(np.array([[1], [2]])).tolist() == [["x"], ["y"]]


@pytest.mark.parametrize("name", ["StringLookup", "TextVectorization"])
@pytest.mark.parametrize(
    ("given", "error"),
    [
        (np.ones((2, 1)), r"got 1\.0 \(float\) as element 0, wanted texts$"),
        (["a", None], r"got None \(NoneType\) as element 1.*missing values\?"),
        (np.array(["a", np.nan], dtype=object), ".* as element 1, wanted texts: are there missing"),
        ([1, 2], r"got 1 \(int\) as element 0"),
    ],
)
def test_what_is_no_text(name, given, error):
    layer = getattr(layers, name)(vocabulary=["a"], name="it")
    with pytest.raises(TypeError, match=f"{name} 'it': {error}"):
        layer(given)


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
        (lambda: layers.TextVectorization(standardize="upper"), "standardize must be a function"),
        (lambda: layers.TextVectorization(split="comma"), "split must be a function or one of"),
        (lambda: layers.TextVectorization(output_mode="one_hot"), "output_mode must be one of int"),
        (lambda: layers.TextVectorization(ragged=True), "no ragged arrays"),
        (lambda: layers.TextVectorization(ngrams=0), "ngrams must be"),
        (lambda: layers.TextVectorization(ngrams=[1, "2"]), "ngrams must be"),
        (
            lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
            "output_sequence_length is a whole number above 0 in the mode 'int'",
        ),
        (
            lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]),
            r"wanted texts of the shape \(samples,\) or \(samples, 1\), got \(1, 2\)",
        ),
    ],
)
def test_wrong_arguments(make, error):
    with pytest.raises(ValueError, match=error):
        make()
