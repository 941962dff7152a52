"""Word vectors in networks: into the weights of an Embedding, and back out of them."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from lamina import Sequential, layers
from lamina.models import KeyedVectors, Word2Vec

WORDS = ["the", "king", "queen", "apple"]
INDEX = {"king": 1, "queen": 2, "unheard": 3, "apple": 4}


@pytest.fixture
def vectors():
    kv = KeyedVectors(3)
    kv.add_vectors(WORDS, np.arange(12, dtype=np.float32).reshape(4, 3) + 1)
    return kv


@pytest.mark.parametrize(
    "words",
    [
        INDEX,
        SimpleNamespace(word_index=INDEX, num_words=None),
        ["", "king", "queen", "unheard", "apple"],
        SimpleNamespace(get_vocabulary=lambda: ["", "king", "queen", "unheard", "apple"]),
    ],
    ids=["word_index", "tokenizer", "list", "layer"],
)
def test_rows_are_those_of_the_words(vectors, words):
    layer = vectors.to_embedding(words, mask_zero=True)
    assert isinstance(layer, layers.Embedding)
    assert (layer.input_dim, layer.output_dim, layer.mask_zero) == (5, 3, True)
    assert not layer.trainable
    assert not layer.trainable_weights
    table = layer.get_weights()[0]
    for word, row in INDEX.items():
        wanted = vectors[word] if word in vectors else np.zeros(3)
        np.testing.assert_array_equal(table[row], wanted)
    np.testing.assert_array_equal(table[0], 0)  # padding
    assert (layer.missing_words, layer.coverage) == (1, 0.75)


def test_the_rows_themselves(vectors):
    layer = vectors.to_embedding(trainable=True, name="words")
    np.testing.assert_array_equal(layer.get_weights()[0], vectors.vectors)
    assert (layer.coverage, layer.missing_words, layer.name) == (1.0, 0, "words")
    assert len(layer.trainable_weights) == 1
    layer.set_weights([np.zeros((4, 3))])
    assert vectors["king"].any(), "the layer has a copy"
    with pytest.raises(ValueError, match="mask_zero takes the id 0 for padding, .* of 'the'"):
        vectors.to_embedding(mask_zero=True)


def test_fewer_words(vectors):
    tokenizer = SimpleNamespace(word_index=INDEX, num_words=3)
    assert vectors.to_embedding(tokenizer).input_dim == 3
    assert vectors.to_embedding(tokenizer, num_words=2).input_dim == 2
    assert vectors.to_embedding(num_words=2).input_dim == 2


def test_random_rows_are_as_large_as_the_others(vectors):
    vectors.vectors = np.random.default_rng(0).normal(0, 0.1, (4, 3)).astype(np.float32)
    index = {**INDEX, **{f"strange{i}": 5 + i for i in range(2)}}
    tables = [
        vectors.to_embedding(index, unknown="random", seed=seed).get_weights()[0]
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(tables[0], tables[1])
    assert (tables[0] != tables[2]).any(axis=1).tolist() == [i in (3, 5, 6) for i in range(7)]
    assert 0.02 < tables[0][5:].std() < 0.5
    np.testing.assert_array_equal(tables[0][0], 0)
    with pytest.raises(ValueError, match="'zeros' or 'random', got 'ones'"):
        vectors.to_embedding(index, unknown="ones")


def test_low_coverage_is_told_with_its_likely_cause(vectors):
    with pytest.warns(UserWarning, match="2 of 2 words .*'King', 'Queen'.*lower-case the texts"):
        layer = vectors.to_embedding({"King": 1, "Queen": 2})
    assert (layer.coverage, layer.missing_words) == (0.0, 2)
    with pytest.warns(UserWarning, match="another language"):
        vectors.to_embedding({"roi": 1, "reine": 2})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors.to_embedding(INDEX)


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        ({}, ValueError, "no word: was fit_on_texts called"),
        ({"a": "1"}, ValueError, "'a' has '1', wanted a whole number"),
        ({"a": -1}, ValueError, "'a' has -1"),
        ("king", TypeError, "wanted a Tokenizer"),
        ({"king": 7}, None, None),
    ],
)
def test_wrong_ids(vectors, words, error, text):
    if error is None:
        assert vectors.to_embedding(words).input_dim == 8
        return
    with pytest.raises(error, match=text):
        vectors.to_embedding(words)
    with pytest.raises(error, match=text):
        KeyedVectors.from_embedding(vectors.to_embedding(), words)


def test_back_out_of_a_trained_network(vectors):
    layer = vectors.to_embedding(INDEX, trainable=True)
    model = Sequential([layer, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.array([[1, 2, 4]] * 8), np.ones(8), verbose=0)
    again = KeyedVectors.from_embedding(layer, INDEX)
    assert again.index_to_key == ["king", "queen", "unheard", "apple"]
    np.testing.assert_array_equal(again["queen"], layer.get_weights()[0][2])
    assert (again["queen"] != vectors["queen"]).any()
    np.testing.assert_array_equal(again["unheard"], 0)
    fewer = KeyedVectors.from_embedding(layer, {**INDEX, "beyond": 5})
    assert "beyond" not in fewer
    with pytest.raises(TypeError, match="wanted an Embedding, got <Dense"):
        KeyedVectors.from_embedding(model.layers[-1], INDEX)
    with pytest.raises(ValueError, match="has no weights yet"):
        KeyedVectors.from_embedding(layers.Embedding(5, 3), INDEX)


def test_gensims_old_spelling():
    model = Word2Vec([["a", "b", "c"]] * 20, vector_size=4, min_count=1, verbose=0)
    layer = model.wv.get_keras_embedding(train_embeddings=False)
    np.testing.assert_array_equal(layer.get_weights()[0], model.wv.vectors)
    assert model.wv.get_keras_embedding(True, word_index={"a": 1}).input_dim == 2
