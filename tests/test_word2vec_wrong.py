"""What Word2Vec refuses, what it says, and that nothing has changed after it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from lamina.saving import read_tensors, write_tensors
from lamina.word2vec import KeyedVectors, LineSentence, Word2Vec

CORPUS = [["the", "cat", "sat"], ["the", "dog", "sat", "down"]] * 5
SMALL = {"vector_size": 8, "min_count": 1, "workers": 1, "sample": 0, "verbose": 0}


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"vector_size": 0}, ValueError, "vector_size must be between 1 and"),
        ({"vector_size": 10**12}, ValueError, "vector_size must be between 1 and"),
        ({"vector_size": 10.5}, TypeError, "vector_size must be a whole number, got 10.5"),
        ({"vector_size": "100"}, TypeError, "vector_size must be a whole number, got '100'"),
        ({"alpha": -1}, ValueError, "alpha must be at least 0"),
        ({"alpha": float("nan")}, ValueError, "alpha"),
        ({"alpha": float("inf")}, ValueError, "alpha must be finite"),
        ({"min_alpha": float("inf")}, ValueError, "min_alpha must be finite"),
        ({"window": 0}, ValueError, "window must be between 1 and 65535"),
        ({"min_count": -1}, ValueError, "min_count"),
        ({"sample": -1e-3}, ValueError, "sample"),
        ({"seed": -1}, ValueError, "seed"),
        ({"workers": 0}, ValueError, "workers"),
        ({"workers": 10**9}, ValueError, "workers must be between 1 and 1024"),
        ({"workers": True}, TypeError, "workers"),
        ({"negative": -5}, ValueError, "negative"),
        ({"negative": 2.5}, TypeError, "negative"),
        ({"ns_exponent": float("nan")}, ValueError, "ns_exponent"),
        ({"epochs": 0}, ValueError, "epochs must be between 1 and"),
        ({"max_vocab_size": 0}, ValueError, "max_vocab_size"),
        ({"max_final_vocab": 0}, ValueError, "max_final_vocab"),
        ({"sg": "cbow"}, TypeError, "sg must be 0 or 1, got 'cbow'"),
        ({"hs": 2}, ValueError, "hs must be 0 or 1, got 2"),
        ({"cbow_mean": None}, TypeError, "cbow_mean"),
        ({"hs": 0, "negative": 0}, ValueError, "would train nothing. Use negative=5"),
        ({"objective": "hinge"}, ValueError, "objective must be None or 'softmax'"),
        ({"objective": "softmax", "negative": 5}, ValueError, "takes neither hs nor negative"),
        ({"checkpoint": "/nowhere/at/all"}, FileNotFoundError, "checkpoint: the folder of"),
        ({"checkpoint": "/"}, IsADirectoryError, "checkpoint"),
        ({"checkpoint_every": -1}, ValueError, "checkpoint_every"),
        ({"callbacks": 3}, TypeError, "iterable"),
    ],
)
def test_wrong_options(options, error, text):
    with pytest.raises(error, match=text):
        Word2Vec(CORPUS, **{**SMALL, **options})


def test_wrong_attributes_change_nothing():
    model = Word2Vec(CORPUS, **SMALL)
    for name, value in [("alpha", -1), ("sg", "yes"), ("window", 0), ("workers", "two")]:
        old = getattr(model, name)
        with pytest.raises((TypeError, ValueError), match=name):
            setattr(model, name, value)
        assert getattr(model, name) == old
    model.alpha, model.sg, model.workers = np.float32(0.01), True, np.int64(2)
    assert model.sg == 1
    model.train(CORPUS, verbose=0)


@pytest.mark.parametrize(
    ("corpus", "error", "text"),
    [
        ((s for s in CORPUS), TypeError, "only once"),
        (["the cat sat", "the dog"], TypeError, "str"),
        ("the cat sat", TypeError, "did you mean corpus_file"),
        ([], ValueError, "the corpus is empty"),
        ([[], []], ValueError, "all of them empty"),
        ([["a", 3]], TypeError, "int"),
        (7, TypeError, "iterable of lists of words"),
    ],
)
def test_wrong_corpora(corpus, error, text):
    with pytest.raises(error, match=text):
        Word2Vec(corpus, **SMALL)


def test_no_word_above_min_count():
    with pytest.raises(ValueError, match="no word is left in the vocabulary.*occurs 10 times"):
        Word2Vec(CORPUS, **{**SMALL, "min_count": 11})


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        Word2Vec(corpus_file=tmp_path / "absent", **SMALL)
    with pytest.raises(IsADirectoryError):
        Word2Vec(LineSentence(tmp_path), **SMALL)
    with pytest.raises(TypeError, match="both are"):
        Word2Vec(CORPUS, 100)  # a size, in the place of corpus_file


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"epochs": "3"}, TypeError, "epochs must be a whole number"),
        ({"start_alpha": float("nan")}, ValueError, "start_alpha must be finite"),
        ({"end_alpha": -1.0}, ValueError, "end_alpha"),
        ({"compute_loss": "yes"}, TypeError, "compute_loss"),
        ({"resume": True}, RuntimeError, "nothing to resume"),
        ({"corpus_iterable": [["quite", "other"]]}, ValueError, "none of the corpus's 2 words"),
        ({"checkpoint": "/nowhere/at/all"}, FileNotFoundError, "checkpoint"),
    ],
)
def test_train_refuses_before_it_changes_anything(arguments, error, text):
    model = Word2Vec(**SMALL)
    model.build_vocab(CORPUS)
    before = model.wv.vectors.copy()
    with pytest.raises(error, match=text):
        model.train(**{"corpus_iterable": CORPUS, "verbose": 0, **arguments})
    np.testing.assert_array_equal(model.wv.vectors, before)
    assert model.progress is None
    assert not model.compute_loss
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        Word2Vec(**SMALL).train(CORPUS)


def test_numbers_of_numpy_are_numbers(tmp_path):
    model = Word2Vec(
        CORPUS,
        vector_size=np.int32(5),
        alpha=np.float32(0.05),
        window=np.int64(2),
        min_count=np.uint8(1),
        sg=np.int64(1),
        hs=np.bool_(False),
        epochs=np.int16(2),
        workers=1,
        verbose=0,
    )
    model.train(CORPUS, epochs=np.int64(1), start_alpha=np.float32(0.01), verbose=0)
    model.save(tmp_path / "m")
    assert Word2Vec.load(tmp_path / "m").vector_size == 5


@pytest.mark.parametrize("options", [{}, {"hs": 1}, {"objective": "softmax"}])
@pytest.mark.parametrize("words", [["one"], ["one", "two"]])
@pytest.mark.parametrize("size", [1, 17])
def test_tiny_vocabularies(tmp_path, options, words, size):
    model = Word2Vec(
        [words * 30] * 10, **{**SMALL, "vector_size": size, "workers": 2}, **options, sg=1
    )
    assert np.isfinite(model.wv.vectors).all()
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(Word2Vec.load(tmp_path / "m").wv.vectors, model.wv.vectors)


def test_vectors_that_run_away_are_not_kept_quiet():
    # The sampled objectives leave large scores alone and so cannot run away; the exact one can.
    with pytest.warns(RuntimeWarning, match="not finite after training: is alpha=1e\\+30"):
        Word2Vec(CORPUS * 50, alpha=1e30, epochs=20, objective="softmax", **SMALL)


def test_a_large_softmax_is_warned_of():
    words = [f"w{i}" for i in range(20_001)]
    model = Word2Vec(**SMALL, objective="softmax")
    with pytest.warns(UserWarning, match="small vocabularies"):
        model.build_vocab([words])


# Files.


def test_a_loaded_model_is_the_saved_one_and_trains_on(tmp_path):
    options = {**SMALL, "hs": 1, "negative": 3, "comment": "mine", "compute_loss": True}
    model = Word2Vec(CORPUS, **options)
    path = tmp_path / "model"
    model.save(path)
    loaded = Word2Vec.load(path)
    for name in ("syn1", "syn1neg", "syn0"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))
    assert loaded.options == model.options
    assert loaded.training_losses == model.training_losses
    assert loaded.comment == "mine"
    assert loaded.wv.index_to_key == model.wv.index_to_key
    np.testing.assert_array_equal(KeyedVectors.load(path).vectors, model.wv.vectors)
    for m in (model, loaded):
        m.train(CORPUS, verbose=0)
    np.testing.assert_array_equal(loaded.wv.vectors, model.wv.vectors)
    loaded.build_vocab([["bird", "cat"]], update=True)
    loaded.train(CORPUS, verbose=0)


def test_files_of_another_kind(tmp_path):
    import gensim.models

    model = Word2Vec(CORPUS, **SMALL)
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError):
        Word2Vec.load(path)
    model.wv.save(path)
    with pytest.raises(ValueError, match="KeyedVectors.load reads files of vectors alone"):
        Word2Vec.load(path)
    gensim.models.Word2Vec(CORPUS, vector_size=8, min_count=1, workers=1).save(str(path))
    with pytest.raises(ValueError, match=str(path)):
        Word2Vec.load(path)
    model.save(path)
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=str(path)):
            Word2Vec.load(path)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("options", {"vector_size": 9}),
        ("options", {"vector_size": 1e300}),
        ("options", {"skip_gram": "yes"}),
        ("options", {"workers": 10**9}),
        ("options", {"colour": 1}),
        ("options", {"learning_rate": 10**400}),
        ("options", {"hierarchical": True}),
        ("options", None),
        ("attributes", {"train_count": "x"}),
        ("attributes", {"comment": [1]}),
        ("attributes", None),
        ("progress", {"epochs": 0}),
        ("progress", {"epochs": 2.5}),
        ("progress", {"epoch": -1}),
        ("progress", {"epoch": 99}),
        ("progress", {"unit": 10**9, "epoch": 0, "epoch_losses": []}),
        ("progress", {"unit": "3"}),
        ("progress", {"unit_size": 0}),
        ("progress", {"words": 1 << 80}),
        ("progress", {"first_learning_rate": float("nan")}),
        ("progress", {"last_learning_rate": 10**400}),
        ("progress", {"loss_sum": None}),
        ("progress", {"epoch_losses": "none"}),
        ("progress", {"epoch_losses": [1.0]}),
        ("progress", {"epoch_losses": ["a"] * 5}),
        ("progress", None),
    ],
)
def test_hostile_settings_in_a_file(tmp_path, part, change):
    path = tmp_path / "m"
    Word2Vec(CORPUS, **SMALL).save(path)
    tensors, metadata = read_tensors(path)
    values = [] if change is None else {**json.loads(metadata[part]), **change}
    changed = {name: np.array(values_) for name, values_ in tensors.items()}
    write_tensors(path, changed, {**metadata, part: json.dumps(values)})
    with pytest.raises(ValueError, match=str(path)):
        Word2Vec.load(path)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000])
def test_settings_that_no_parser_takes_are_named(tmp_path, text):
    path = tmp_path / "m"
    model = Word2Vec(CORPUS, **SMALL)
    model.save(path)
    tensors, metadata = read_tensors(path)
    write_tensors(tmp_path / "n", tensors, {**metadata, "options": text})
    with pytest.raises(ValueError, match=f"{tmp_path}/n: its options are not JSON"):
        Word2Vec.load(tmp_path / "n")
    tensors["attribute.count"] = np.full(len(model.wv), 1 << 62)
    write_tensors(tmp_path / "n", tensors, metadata)
    with pytest.raises(ValueError, match=f"{tmp_path}/n: no corpus has as many words"):
        Word2Vec.load(tmp_path / "n")


def test_a_thread_without_memory_is_an_error_and_no_crash():
    """What fails within a team of threads is raised where the team was called."""
    program = """
import resource
import numpy as np
from lamina.word2vec import Word2Vec

rng = np.random.default_rng(1)
sentences = [[f"w{i}" for i in rng.integers(0, 65, 50)] for _ in range(20)]
model = Word2Vec(
    sentences, vector_size=1 << 16, hs=1, negative=0, min_count=1, workers=2, epochs=1, verbose=0
)
# Each thread wants copies of 64 rows of 256 KB: too much for what is left.
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), resource.RLIM_INFINITY))
trainer = model._trainer(np.zeros(100, np.int32))
try:
    trainer.run(epoch=0, first_unit=0, first_learning_rate=0.1, last_learning_rate=0.1,
                seconds=0, threads=2)
except MemoryError:
    print("MemoryError")
"""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout == "MemoryError\n", finished.stderr
