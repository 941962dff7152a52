"""Layers that cut texts, and models of texts.

What Keras gives is written down here: it needs TensorFlow.
"""

import json
import zipfile

import numpy as np
import pytest
from small_models import remade

import lamina
from lamina import layers
from lamina.models import Model, Sequential, clone_model, load_model, model_from_json

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
