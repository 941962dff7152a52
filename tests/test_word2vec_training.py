"""What training reaches: losses, quality whatever the workers, the same bits for the same seed."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from lamina.word2vec import LineSentence, Text8Corpus, Word2Vec
from lamina.word2vec.little_language import LittleLanguage

SMALL = {"vector_size": 8, "min_count": 1, "workers": 1, "sample": 0, "verbose": 0}


@pytest.fixture(scope="module")
def language():
    return LittleLanguage(sentences=40_000, seed=3)


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    path = tmp_path_factory.mktemp("questions") / "questions.txt"
    path.write_text("\n".join(LittleLanguage.questions()), encoding="utf-8")
    return path


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"sg": 1},
        {"sg": 1, "hs": 1},
        {"sg": 0, "alpha": 0.05},
        {"sg": 0, "hs": 1, "alpha": 0.05},
    ],
)
def test_quality_does_not_depend_on_workers(language, questions, options, workers):
    model = Word2Vec(
        language, vector_size=48, window=9, sample=0, workers=workers, verbose=0, **options
    )
    accuracy, _ = model.wv.evaluate_word_analogies(questions)
    assert accuracy >= 0.97


@pytest.mark.parametrize(
    "options",
    [
        {"sg": 1, "negative": 3},
        {"sg": 0, "hs": 1},
        {"sg": 1, "objective": "softmax"},
        {"sg": 0, "objective": "softmax", "cbow_mean": 0},
        {"sg": 1, "hs": 1, "negative": 3},
    ],
)
def test_loss_falls_and_is_the_same_for_two_workers(options):
    corpus = LittleLanguage(sentences=2000)
    losses = []
    for workers in (1, 2):
        model = Word2Vec(
            corpus, **{**SMALL, "workers": workers}, epochs=4, compute_loss=True, **options
        )
        assert len(model.training_losses) == 4
        assert model.get_latest_training_loss() == model.training_losses[-1]
        losses.append(model.training_losses)
    assert losses[0][0] > losses[0][1] > losses[0][3] > 0
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.015)
    assert Word2Vec(corpus, **SMALL, epochs=1, **options).get_latest_training_loss() == 0


@pytest.mark.parametrize(
    ("options", "words", "wanted"),
    [
        # Output vectors start from zero, so every probability is known.
        ({"sg": 1, "objective": "softmax"}, 6, np.log(6)),
        ({"sg": 0, "objective": "softmax"}, 6, np.log(6)),
        ({"sg": 1, "hs": 1}, 8, 3 * np.log(2)),
        ({"sg": 0, "hs": 1}, 8, 3 * np.log(2)),
    ],
)
def test_loss_is_the_mean_per_pair(options, words, wanted):
    corpus = [[f"w{i}" for i in range(words)]] * 20
    model = Word2Vec(corpus, **SMALL, alpha=0, min_alpha=0, compute_loss=True, epochs=2, **options)
    np.testing.assert_allclose(model.training_losses, [wanted] * 2, rtol=1e-6)


def test_loss_of_one_window_is_numpys():
    """Two words, one pair a window: softmax's loss, step by step."""
    model = Word2Vec(**SMALL, objective="softmax", sg=1, compute_loss=True, window=1)
    corpus = [["a", "b"]] * 7
    model.build_vocab(corpus)
    inputs, outputs = model.wv.vectors.astype(float), np.zeros((2, 8))
    a, b = model.wv.key_to_index["a"], model.wv.key_to_index["b"]
    losses = []
    for _ in range(7):
        for word, context in ((a, b), (b, a)):
            scores = outputs @ inputs[context]
            log_p = scores - np.log(np.exp(scores).sum())
            losses.append(-log_p[word])
            gradient = 0.5 * (np.eye(2)[word] - np.exp(log_p))
            old = inputs[context].copy()
            inputs[context] += gradient @ outputs
            outputs += np.outer(gradient, old)
    # One unit of the corpus has one learning rate.
    model.train(corpus, epochs=1, start_alpha=0.5, end_alpha=0.5, verbose=0)
    assert model.training_losses == pytest.approx([np.mean(losses)], rel=1e-5)
    np.testing.assert_allclose(model.wv.vectors, inputs, atol=1e-5)
    np.testing.assert_allclose(model.syn1neg, outputs, atol=1e-5)


def test_hierarchical_and_negative_are_trained_together():
    corpus = LittleLanguage(sentences=500)
    model = Word2Vec(corpus, **SMALL, hs=1, negative=5)
    assert model.syn1.any(axis=1).all()
    assert model.syn1neg.any(axis=1).all()
    alone = Word2Vec(corpus, **SMALL, hs=1)
    assert alone.negative == 0
    assert not hasattr(alone, "syn1neg")


_HASHED = """
import hashlib
from lamina.word2vec import Word2Vec
from lamina.word2vec.little_language import LittleLanguage
model = Word2Vec(LittleLanguage(sentences=3000), vector_size=20, workers=1, sg={sg}, verbose=0)
print(hashlib.sha256(model.wv.vectors.tobytes() + model.syn1neg.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("sg", [0, 1])
def test_the_same_seed_gives_the_same_bits(sg):
    digests = set()
    for hash_seed in ("0", "12345"):
        run = subprocess.run(
            [sys.executable, "-c", _HASHED.format(sg=sg)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


@pytest.mark.parametrize("as_file", [False, True])
def test_long_sentences_are_not_cut(tmp_path, as_file):
    """Words that stand together only beyond the ten-thousandth place find each other."""
    generator = np.random.default_rng(0)
    front = [f"f{i}" for i in generator.integers(50, size=12_000)]
    pairs = [[f"x{i}", f"y{i}"] for i in range(5)]
    back = [word for i in generator.integers(5, size=6000) for word in pairs[i] + [f"f{i + 40}"]]
    sentence = front + back
    corpus = [sentence]
    if as_file:
        path = tmp_path / "corpus.txt"
        path.write_text(" ".join(sentence), encoding="utf-8")
        corpus = LineSentence(path)
    model = Word2Vec(corpus, **{**SMALL, "vector_size": 16}, window=1, alpha=0.1, epochs=5, sg=1)
    assert model.corpus_total_words == 30_000
    assert sum(model.wv.get_vecattr(w, "count") for w in model.wv.index_to_key) == 30_000
    before = {f"f{i}" for i in range(40, 45)}
    for x, y in pairs:
        assert model.wv.get_vecattr(x, "count") == back.count(x)
        assert model.predict_output_word([x])[0][0] in {y} | before
    untrained = Word2Vec(**{**SMALL, "vector_size": 16})
    untrained.build_vocab([sentence])
    for x, _ in pairs:
        moved = np.linalg.norm(model.wv[x] - untrained.wv[x])
        assert moved > 10 * np.linalg.norm(untrained.wv[x])


def test_more_workers_than_cores_and_than_sentences():
    model = Word2Vec([["a", "b", "c"]] * 3, **{**SMALL, "workers": 64})
    assert model.workers == 64
    assert np.isfinite(model.wv.vectors).all()


def test_words_of_real_text(real_data):
    model = Word2Vec(
        Text8Corpus(real_data("text8_1m.gz")), sg=1, alpha=0.05, epochs=5, seed=1, verbose=0
    )
    assert model.corpus_total_words == 1_171_946
    for word, expected in [
        ("two", {"three", "four", "five", "six"}),
        ("king", {"queen", "prince", "duke", "emperor", "throne", "son", "alexander", "vii"}),
        ("war", {"wars", "battle", "army", "military", "civil"}),
        ("german", {"french", "austrian", "italian", "germany", "british"}),
        ("january", {"february", "december", "november", "october"}),
    ]:
        nearest = [other for other, _ in model.wv.most_similar(word, topn=30)]
        assert expected & set(nearest), (word, nearest)
