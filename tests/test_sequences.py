"""Padding, skip-grams and sampling tables: Keras's own beside ours where nothing is random."""

import os

import numpy as np
import pytest

import lamina
from lamina.preprocessing.sequence import make_sampling_table, pad_sequences, skipgrams
from lamina.randomness import set_random_seed


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


LISTS = [[1, 2, 3], [], [4], (5, 6), list(range(9)), np.array([7, 8]), np.arange(12, dtype=np.int8)]
OPTIONS = [
    {},
    {"maxlen": 4},
    {"maxlen": 4, "padding": "post"},
    {"maxlen": 4, "truncating": "post", "value": -1},
    {"maxlen": 20, "padding": "post", "truncating": "post", "value": 5.0},
    {"dtype": "int64", "maxlen": 3},
    {"dtype": "float32", "value": 0.5, "maxlen": 3},
    {"dtype": np.float64},
    {"dtype": "uint8", "maxlen": 4},
    {"dtype": "int16", "maxlen": np.int64(5)},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_padding_beside_keras(keras, options):
    as_objects = np.empty(len(LISTS), object)  # as the datasets have them
    as_objects[:] = LISTS
    for sequences in (LISTS, as_objects, LISTS[::-1], [[]], np.arange(12).reshape(3, 4)):
        found = pad_sequences(sequences, **options)
        wanted = keras.utils.pad_sequences(sequences, **options)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


def test_padding_of_floats_vectors_and_texts(keras):
    for sequences, options in (
        ([[0.5, 1], [2.25]], {"dtype": "float32"}),
        ([[1.0, 2.0], [3]], {}),
        ([[True, False], [1]], {}),
        ([[[1, 2]], [[3, 4], [5, 6]], []], {"maxlen": 3}),
        ([np.ones((2, 2, 2)), np.zeros((1, 2, 2))], {"dtype": "float32", "padding": "post"}),
        ([["a"], ["b", "c"]], {"dtype": object, "value": "-"}),
        ([["ab"], ["b", "c"]], {"dtype": "<U3", "value": "pad"}),
    ):
        found = pad_sequences(sequences, **options)
        wanted = keras.utils.pad_sequences(sequences, **options)
        assert (found.dtype, found.tolist()) == (wanted.dtype, wanted.tolist())
    assert pad_sequences([], maxlen=3).shape == (0, 3)
    assert pad_sequences([]).shape == (0, 0)
    assert lamina.utils.pad_sequences is pad_sequences


@pytest.mark.parametrize(
    ("sequences", "options", "error"),
    [
        ([[1], 7], {}, r"sample 1 is 7 \(int\), wanted a sequence"),
        ([[1], None], {}, r"sample 1 is None \(NoneType\)"),
        ("text", {}, "wanted a list of sequences, got 'text'"),
        (iter([[1]]), {}, "wanted a list of sequences"),
        ([[1], [1, 2**31]], {}, "sample 1 is not of dtype int32"),
        ([[1], ["a"]], {}, "sample 1 is not of dtype int32: .*'a'"),
        ([[1], [1, None]], {}, "sample 1 is not of dtype int32"),
        ([[1], [0.5]], {}, "sample 1 is not of dtype int32: dtype int32 cannot hold 0.5"),
        ([[1], [[1, 2]]], {}, r"elements of sample 1 have the shape \(2,\), those before it \(\)"),
        ([[[1]], [[1, 2]]], {}, r"elements of sample 1 have the shape \(2,\), .* \(1,\)"),
        ([[1]], {"padding": "left"}, "padding must be 'pre' or 'post', got 'left'"),
        ([[1]], {"truncating": 3}, "truncating must be 'pre' or 'post', got 3"),
        ([[1]], {"maxlen": 0}, "maxlen must be a whole number above 0, got 0"),
        ([[1]], {"maxlen": "9"}, "maxlen must be a whole number above 0, got '9'"),
        ([[1]], {"value": 0.5}, "dtype int32 cannot hold value=0.5"),
        ([[1]], {"value": "x"}, "dtype int32 cannot hold value='x': dtype=object"),
    ],
)
def test_wrong_sequences(sequences, options, error):
    with pytest.raises(ValueError, match=error):
        pad_sequences(sequences, **options)


def test_sampling_table_beside_keras(keras):
    from keras.src.legacy.preprocessing import sequence as theirs

    for size, factor in ((1, 1e-5), (50, 1e-5), (1000, 1e-3)):
        found = make_sampling_table(size, factor)
        np.testing.assert_allclose(found, theirs.make_sampling_table(size, factor), rtol=1e-14)
    with pytest.raises(ValueError, match="size must be at least 1"):
        make_sampling_table(0)


def test_skipgrams_beside_keras(keras):
    from keras.src.legacy.preprocessing import sequence as theirs

    for sequence in ([3, 0, 5, 5, 2, 9, 0, 1], [4], [], [0, 0], np.arange(20)):
        for window in (0, 1, 3, 50):
            for categorical in (False, True):
                options = {
                    "window_size": window,
                    "negative_samples": 0,
                    "shuffle": False,
                    "categorical": categorical,
                }
                assert skipgrams(sequence, 30, **options) == theirs.skipgrams(
                    list(sequence), 30, **options
                )


def test_skipgrams_draw_words():
    sequence = list(range(1, 200))
    couples, labels = skipgrams(sequence, 500, window_size=2, negative_samples=1.5, seed=4)
    near = [tuple(c) for c, label in zip(couples, labels, strict=True) if label]
    drawn = [c for c, label in zip(couples, labels, strict=True) if not label]
    assert set(near) == {(a, b) for a in sequence for b in sequence if 0 < abs(a - b) <= 2}
    assert len(drawn) == int(1.5 * len(near))
    assert {word for word, _ in drawn} <= set(sequence)
    others = [other for _, other in drawn]
    assert min(others) >= 1
    assert max(others) < 500
    assert len(set(others)) > 250  # of the 450 that so many draws meet
    assert 0 in labels[:20]  # shuffled
    assert 1 in labels[:20]
    assert (couples, labels) == skipgrams(
        sequence, 500, window_size=2, negative_samples=1.5, seed=4
    )
    assert couples != skipgrams(sequence, 500, window_size=2, negative_samples=1.5, seed=5)[0]
    set_random_seed(3)
    first = skipgrams(sequence, 500)
    assert first != skipgrams(sequence, 500)
    set_random_seed(3)
    assert first == skipgrams(sequence, 500)


def test_skipgrams_leave_frequent_words_out():
    table = np.array([1.0, 0.0, 1.0, 0.3])
    sequence = [1, 2, 3] * 2000
    couples, _ = skipgrams(sequence, 4, window_size=1, negative_samples=0, sampling_table=table)
    targets = [word for word, _ in couples]
    assert set(targets) == {2, 3}
    assert 1 in {other for _, other in couples}
    assert targets.count(2) == 4000
    assert 1000 < targets.count(3) < 1400


def test_wrong_skipgrams():
    with pytest.raises(ValueError, match=r"wanted one sequence of numbers, got the shape \(1, 2\)"):
        skipgrams([[1, 2]], 5)
    with pytest.raises(ValueError, match="must not be negative, got -1 and 1.0"):
        skipgrams([1, 2], 5, window_size=-1)
    with pytest.raises(ValueError, match="vocabulary_size must be at least 2"):
        skipgrams([1, 2], 1)
    with pytest.raises(ValueError, match="sampling_table has 3 elements, .* from 1 to 3"):
        skipgrams([1, 3], 5, sampling_table=np.ones(3))
