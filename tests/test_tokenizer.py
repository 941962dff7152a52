"""The Tokenizer of Keras 2: Keras's own beside ours, odd texts, files, and wrong input."""

import json
import os
import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamina
from lamina.preprocessing import text as text_module
from lamina.preprocessing.text import (
    FILTERS,
    Tokenizer,
    hashing_trick,
    one_hot,
    text_to_word_sequence,
    tokenizer_from_json,
)

TABLES = ("word_counts", "word_docs", "word_index", "index_word", "index_docs", "document_count")
TEXTS = [
    "The cat sat on the mat.",
    "The DOG sat on the log; the dog!",
    "",
    "Dogs & cats\tliving\ntogether -- the end",
    "Ünïcode: ΑΣ ΑΣΑ İstanbul ẞ, naïve café\u3000中文 \ud800 K",
    "a" * 70_000 + " the cat " + "É" * 40_000,
    "nul\0byte  the  the",
]
SETTINGS = [
    {},
    {"num_words": 5},
    {"num_words": 5, "oov_token": "<oov>"},
    {"oov_token": "the"},
    {"lower": False, "filters": "中\u3000.,"},
    {"split": ",", "filters": ".!"},
    {"split": "sat"},
    {"split": "中", "filters": ""},
    {"char_level": True},
    {"char_level": True, "num_words": 9, "lower": False, "oov_token": "?"},
    {"analyzer": lambda text: text.split("a")},
]


@pytest.fixture(scope="module")
def keras_text():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("keras")
    import keras.src.legacy.preprocessing.text as module

    return module


@pytest.fixture(params=["kernel", "python"])
def way(request, monkeypatch):
    """Encode by the kernel however few the texts, or without it."""
    monkeypatch.setattr(text_module, "_WORTH", 0 if request.param == "kernel" else 10**9)
    return request.param


def assert_same(ours, theirs):
    for name in TABLES:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("word_counts", "word_index", "index_word"):
        assert list(getattr(ours, name)) == list(getattr(theirs, name)), f"the order of {name}"


def parsed(saved):
    """Return what a tokenizer saved, with the tables that stand in it as texts."""
    saved = json.loads(saved)
    for name in TABLES[:-1]:
        saved["config"][name] = json.loads(saved["config"][name])
    return saved


@pytest.mark.parametrize("options", SETTINGS)
def test_beside_keras(keras_text, way, options):
    ours, theirs = Tokenizer(**options), keras_text.Tokenizer(**options)
    for part in (TEXTS[:3], iter(TEXTS), [["Already", "CUT", "the"], *TEXTS[:1]]):
        texts = list(part)
        ours.fit_on_texts(iter(texts))
        theirs.fit_on_texts(texts)
        assert_same(ours, theirs)
    asked = [*TEXTS, "unknown words of the cat", ["Already", "new"], ""]
    sequences = theirs.texts_to_sequences(asked)
    assert ours.texts_to_sequences(asked) == sequences
    assert list(ours.texts_to_sequences_generator(iter(asked))) == sequences
    numbers = [[*sequence, 10_000] for sequence in sequences]
    assert ours.sequences_to_texts(numbers) == theirs.sequences_to_texts(numbers)
    ours.fit_on_sequences([[1, 2, 2], [2]])
    theirs.fit_on_sequences([[1, 2, 2], [2]])
    assert_same(ours, theirs)
    for mode in ("binary", "count", "freq", "tfidf"):
        found, wanted = ours.texts_to_matrix(asked, mode), theirs.texts_to_matrix(asked, mode)
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    if "analyzer" not in options:
        assert parsed(ours.to_json()) == parsed(theirs.to_json())
        back = tokenizer_from_json(theirs.to_json())
        assert_same(back, theirs)
        assert back.texts_to_sequences(asked) == sequences
        assert_same(keras_text.tokenizer_from_json(ours.to_json()), ours)
        back.fit_on_texts(TEXTS)  # goes on where it was
        ours.fit_on_texts(TEXTS)
        assert_same(back, ours)


@settings(max_examples=80, deadline=None)
@given(
    texts=st.lists(
        st.text(st.sampled_from("aAbB .,\t\0\u03a3\u03c3İK中\ud800"), max_size=40), max_size=5
    ),
    lower=st.booleans(),
    filters=st.text(st.sampled_from(".,\t中b"), max_size=3),
)
def test_what_the_kernel_cuts_is_what_python_cuts(texts, lower, filters):
    tokenizer = Tokenizer(lower=lower, filters=filters)
    tokenizer.fit_on_texts(texts)
    rows = [text_to_word_sequence(text, filters, lower) for text in texts]
    words = [word for row in rows for word in row]
    assert tokenizer.word_counts == {word: words.count(word) for word in words}
    assert list(tokenizer.word_counts) == list(dict.fromkeys(words))
    assert tokenizer.word_docs == {word: sum(word in row for row in rows) for word in words}


def test_real_reviews_beside_keras(keras_text, real_data):
    import tarfile

    texts = []
    with tarfile.open(real_data("aclImdb.tar.xz")) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(".txt") and len(texts) < 600:
                texts.append(archive.extractfile(member).read().decode())
            if len(texts) == 600:
                break
    ours, theirs = Tokenizer(2000), keras_text.Tokenizer(2000)
    for each in (ours, theirs):
        each.fit_on_texts(texts)
    assert_same(ours, theirs)
    assert ours.texts_to_sequences(texts) == theirs.texts_to_sequences(texts)


def test_many_texts_meet_the_edges_of_chunks(way):
    generator = random.Random(1)
    texts = [" ".join(generator.choices("abcdefg", k=9)) for _ in range(2500)]
    texts[1024] = "x" * 70_000
    texts[1500] = ["a", "A"]
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(iter(texts))
    assert tokenizer.document_count == 2500
    rows = [[w.lower() for w in text] if isinstance(text, list) else text.split() for text in texts]
    wanted = [[tokenizer.word_index[word] for word in row] for row in rows]
    assert tokenizer.texts_to_sequences(texts) == wanted
    assert sum(tokenizer.word_counts.values()) == sum(map(len, rows))


def test_changes_to_word_index_are_seen(way):
    tokenizer = Tokenizer(oov_token="?")
    tokenizer.fit_on_texts(["a a b"])
    assert tokenizer.texts_to_sequences(["a b c"]) == [[2, 3, 1]]
    tokenizer.word_index["b"] = 77
    tokenizer.word_index[5] = 6
    assert tokenizer.texts_to_sequences(["a b c"]) == [[2, 77, 1]]
    tokenizer.num_words = 50
    assert tokenizer.texts_to_sequences(["a b c"]) == [[2, 1, 1]]
    del tokenizer.word_index["?"]
    with pytest.raises(ValueError, match="the oov_token '\\?' is not in word_index"):
        tokenizer.texts_to_sequences(["a"])


def test_arrays_and_columns_of_texts(monkeypatch):
    monkeypatch.setattr(Tokenizer, "_words", None)  # all of them go to the kernel
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(np.array(["one two", "two"]))
    tokenizer.fit_on_texts(np.array(["three", "two"], dtype=object))
    assert tokenizer.word_counts == {"one": 1, "two": 3, "three": 1}
    with pytest.raises(ValueError, match=r"one axis, got the shape \(1, 1\)"):
        tokenizer.fit_on_texts(np.array([["one"]]))


def test_one_text_by_characters():
    """As users of character models do it: each character is a document."""
    tokenizer = Tokenizer(char_level=True)
    tokenizer.fit_on_texts("First")
    assert tokenizer.document_count == 5
    assert tokenizer.texts_to_sequences(["First"]) == [[1, 2, 3, 4, 5]]
    with pytest.raises(TypeError, match=r"fit_on_texts: wanted a list of texts, got one text"):
        Tokenizer().fit_on_texts("First")


@pytest.mark.parametrize("wrong", [None, float("nan"), 7, b"bytes"])
def test_wrong_texts_change_nothing(wrong):
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(["a b"])
    before = tokenizer.get_config()
    with pytest.raises(TypeError, match="text 2 is .*wanted a str or a list of words") as raised:
        tokenizer.fit_on_texts(["a", "c", wrong])
    missing = wrong is None or isinstance(wrong, float)
    assert str(raised.value).endswith("are there missing values?") == missing
    assert tokenizer.get_config() == before
    with pytest.raises(TypeError, match="text 2 is"):
        tokenizer.texts_to_sequences(["a", "c", wrong])


def test_wrong_arguments():
    with pytest.raises(TypeError, match="unexpected keyword argument 'num_word'"):
        Tokenizer(num_word=3)
    with pytest.raises(TypeError, match="num_words must be a whole number, got 'ten'"):
        Tokenizer("ten")
    with pytest.raises(ValueError, match="split must not be empty"):
        Tokenizer(split="")
    assert Tokenizer(nb_words=7).num_words == 7
    for call in ("texts_to_sequences", "sequences_to_texts"):
        with pytest.raises(ValueError, match=f"{call}: it knows no words yet"):
            getattr(Tokenizer(), call)([])
    with pytest.raises(ValueError, match="how many columns"):
        Tokenizer().sequences_to_matrix([[1]])
    with pytest.raises(ValueError, match="fit it before using the mode 'tfidf'"):
        Tokenizer(5).sequences_to_matrix([[1]], "tfidf")
    with pytest.raises(ValueError, match="unknown mode 'tf-idf': wanted one of binary"):
        Tokenizer(5).sequences_to_matrix([[1]], "tf-idf")
    for sequences in ([[1], [2, -3]], [[1], [1.5]], [["a"]]):
        with pytest.raises(ValueError, match=r"wanted numbers of words, got .* in sequence \d"):
            Tokenizer(5).sequences_to_matrix(sequences)
    assert Tokenizer(3).sequences_to_matrix([[], [1, 7]]).tolist() == [[0, 0, 0], [0, 1, 0]]
    assert Tokenizer(3).sequences_to_matrix(np.array([[1, 0]]), "count").tolist() == [[1, 1, 0]]


GOOD = json.loads(Tokenizer().to_json())


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"config": 7}',
        json.dumps({"config": {**GOOD["config"], "word_index": "[1]"}}),
        json.dumps({"config": {**GOOD["config"], "index_word": '{"a": 1}'}}),
        json.dumps({"config": {**GOOD["config"], "word_docs": None}}),
        json.dumps({"config": {**GOOD["config"], "surprise": 1}}),
        '{"config":' * 100_000,
    ],
)
def test_files_of_tokenizers_that_are_none(wrong):
    with pytest.raises(ValueError, match="this is not what Tokenizer.to_json writes"):
        tokenizer_from_json(wrong)


def test_hashes(keras_text):
    assert hashing_trick("The cat, the", 100, "md5") == keras_text.hashing_trick(
        "The cat, the", 100, "md5"
    )
    assert hashing_trick("a cat", 9) == one_hot("a cat", 9) == keras_text.one_hot("a cat", 9)
    assert hashing_trick("a-b", 5, len, analyzer=lambda text: text.split("-")) == [2, 2]
    with pytest.raises(ValueError, match="n must be at least 2"):
        hashing_trick("a", 1)
    with pytest.raises(ValueError, match="hash_function must be 'md5'"):
        hashing_trick("a", 5, "sha1")


def test_words_of_one_text():
    assert text_to_word_sequence("Hello, World! A-b") == ["hello", "world", "a", "b"]
    assert text_to_word_sequence("A, b,, C", filters="", lower=False, split=",") == [
        "A",
        " b",
        " C",
    ]
    assert "'" not in FILTERS
    with pytest.raises(TypeError, match="wanted a str, got 7"):
        text_to_word_sequence(7)
    with pytest.raises(ValueError, match="split must not be empty"):
        text_to_word_sequence("a", split="")


def test_import_paths():
    assert lamina.preprocessing.text.Tokenizer is Tokenizer
    assert sys.modules["lamina.preprocessing.text"] is text_module
    assert "text" in dir(lamina.preprocessing)
    with pytest.raises(AttributeError, match="no attribute 'texts'"):
        lamina.preprocessing.texts  # noqa: B018
