"""What runs on several threads. Made small, because ThreadSanitizer runs it too: sanitize.py."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lamina._native import core
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.keyedvectors import KeyedVectors
from lamina.word2vec.model import Word2Vec
from lamina.word2vec.phrases import Phrases
from lamina.word2vec.readers import LineSentence

WORDS = [f"word{i}" for i in range(300)]

OBJECTIVES = {
    "negative sampling": {"hs": 0, "negative": 5},
    "hierarchical softmax": {"hs": 1, "negative": 0},
    "both": {"hs": 1, "negative": 3},
    "softmax": {"objective": "softmax"},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A file of sentences in which neighbours are related."""
    rng = random.Random(1)
    path = tmp_path_factory.mktemp("threads") / "corpus"
    lines = []
    for _ in range(2000):
        first = rng.randrange(280)
        lines.append(" ".join(WORDS[min(first + int(rng.expovariate(0.3)), 299)] for _ in range(9)))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def train(corpus, workers, epochs=2, **options):
    return Word2Vec(
        corpus_file=corpus,
        vector_size=20,
        min_count=1,
        sample=0,
        epochs=epochs,
        workers=workers,
        compute_loss=True,
        verbose=0,
        **options,
    )


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_threads_learn_what_one_learns(corpus, sg, objective):
    """Threads train on the same windows and arrive at nearly the same loss."""
    options = OBJECTIVES[objective] | {"sg": sg, "alpha": 0.05, "epochs": 5}
    alone = train(corpus, 1, **options)
    for workers in (2, 4):
        together = train(corpus, workers, **options)
        assert together.progress.words == alone.progress.words
        assert np.isfinite(together.wv.vectors).all()
        assert together.training_losses[-1] == pytest.approx(alone.training_losses[-1], rel=0.1)
        assert together.training_losses == sorted(together.training_losses, reverse=True)


def test_models_train_side_by_side(corpus):
    """Two trainings in threads of Python give what each gives alone: the same bits."""
    alone = train(corpus, 1, sg=1).wv.vectors
    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(lambda _: train(corpus, 1, sg=1), range(2)))
    for model in models:
        np.testing.assert_array_equal(model.wv.vectors, alone)
    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(lambda sg: train(corpus, 2, sg=sg), range(2)))
    assert all(np.isfinite(model.wv.vectors).all() for model in models)


@pytest.mark.parametrize("threads", [2, 4])
def test_readers_agree_on_any_number_of_threads(corpus, threads):
    alone = open_corpus(corpus_file=corpus)
    together = open_corpus(corpus_file=corpus)
    counted, expected = together.count(threads=threads), alone.count(threads=1)
    assert counted.as_dict() == expected.as_dict()
    words = list(expected.as_dict())
    ids = together.encode(words, threads=threads, block=1000).ids
    np.testing.assert_array_equal(ids, alone.encode(words, threads=1).ids)


def test_readers_side_by_side(corpus, tmp_path):
    """Counting, encoding and phrases in threads of Python, each with threads of its own."""

    def work(number):
        opened = open_corpus(corpus_file=corpus)
        words = list(opened.count(threads=2).as_dict())
        encoded = opened.encode(words, threads=2, block=1000)
        phrases = Phrases(LineSentence(corpus), min_count=1, threshold=1)
        phrases.transform_file(corpus, tmp_path / f"phrases{number}")
        return (tmp_path / f"phrases{number}").read_bytes(), encoded.ids.tobytes()

    with ThreadPoolExecutor(3) as pool:
        first, *others = pool.map(work, range(3))
    assert all(other == first for other in others)


def test_queries_side_by_side(tmp_path):
    """One table answers several threads of Python at once as it answers one."""
    rng = np.random.default_rng(2)
    vectors = KeyedVectors(48)
    vectors.add_vectors(
        [f"w{i}" for i in range(3000)], rng.standard_normal((3000, 48)).astype(np.float32)
    )
    questions = tmp_path / "questions"
    lines = (" ".join(f"w{i}" for i in rng.integers(0, 3000, 4)) for _ in range(300))
    questions.write_text(": section\n" + "\n".join(lines), encoding="utf-8")

    def work(_):
        single = vectors.most_similar("w1", topn=5)
        batch = vectors.most_similar([f"w{i}" for i in range(2, 40)], topn=5)
        return single, batch, vectors.evaluate_word_analogies(questions)

    alone = work(0)
    vectors.norms = None  # the threads find nothing ready
    with ThreadPoolExecutor(3) as pool:
        assert all(result == alone for result in pool.map(work, range(6)))


def _run_network_kernels():
    """Run kernels of networks on arrays that are worth two threads, some of them in many pieces."""
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(2, 5000, 24)).astype(np.float32)
    kernel = rng.normal(size=(24, 20)).astype(np.float32)
    labels = rng.integers(0, 20, len(x))
    y = core.dense(x, kernel, kernel[0].copy(), "tanh")
    loss, scales = core.softmax_cross_entropy(labels, y)
    images = rng.normal(size=(9, 40, 40, 24)).astype(np.float32)
    windows = [rng.normal(size=(side, side, 24, 24)).astype(np.float32) for side in (3, 5)]
    places = [
        core.Windows((40, 40), (side, side), (42 - side + 1,) * 2, (1, 1), (1, 1), (1, 1))
        for side in (3, 5)
    ]
    return [
        core.gelu(np.resize(x, 2_000_003)),
        core.matmul(images.reshape(-1, 24), windows[0][0, 0], False, False),
        *(
            core.conv2d(images, window, None, where, 1, "linear")
            for window, where in zip(windows, places, strict=True)
        ),
        y,
        *core.activation_gradient(x, dy, "sigmoid", True),
        core.matmul(x, dy, True, False),
        core.gelu(x),
        core.softmax(y),
        loss,
        core.softmax_cross_entropy_gradient(labels, y, scales, loss),
        core.squared_error(x, dy),
        core.dropout(x, 0.5, 1),
        core.random_normal([70_000], 0, 1, 2, "f"),
    ]


def test_network_kernels_on_python_threads():
    """Each kernel runs on threads of its own while another caller's does."""
    expected = _run_network_kernels()
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: _run_network_kernels(), range(4)):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)
