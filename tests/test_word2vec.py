"""The Word2Vec model: gensim's interface, its vocabulary and first vectors, and its arithmetic."""

import copy
import inspect
import pickle

import gensim.models
import numpy as np
import pytest
from scipy.special import softmax

from lamina.word2vec import RULE_DISCARD, RULE_KEEP, Word2Vec
from lamina.word2vec.callbacks import CallbackAny2Vec

CORPUS = [["the", "cat", "sat"], ["the", "dog", "sat", "down"], [], ["a", "cat", "down"]] * 5
SMALL = {"vector_size": 8, "min_count": 1, "workers": 1, "sample": 0, "verbose": 0}


def untrained(corpus=CORPUS, **options):
    model = Word2Vec(**{**SMALL, **options})
    model.build_vocab(corpus)
    return model


def gensims(corpus=CORPUS, **options):
    settings = {k: v for k, v in {**SMALL, **options}.items() if k != "verbose"}
    model = gensim.models.Word2Vec(**settings)
    model.build_vocab(corpus)
    return model


@pytest.mark.parametrize("method", ["__init__", "build_vocab", "train"])
def test_arguments_are_those_of_gensim(method):
    theirs = inspect.signature(getattr(gensim.models.Word2Vec, method)).parameters
    ours = inspect.signature(getattr(Word2Vec, method)).parameters
    positional = [name for name, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == [name for name in theirs if name != "kwargs"]
    # Where the default differs, on purpose: all cores; hs=1 alone is hierarchical alone; nothing
    # is printed or hashed; compute_loss=None is the model's.
    meant = {"workers", "negative", "hashfxn", "batch_words", "compute_loss"}
    for name in set(positional) - meant:
        assert ours[name].default == theirs[name].default, name


def test_attributes_are_those_of_gensim():
    options = {"sg": 1, "hs": 1, "negative": 3, "window": 2, "sample": 0.01, "epochs": 7}
    corpus = [sentence for sentence in CORPUS if sentence]  # gensim counts empty ones too
    ours, theirs = untrained(corpus, **options), gensims(corpus, **options)
    for name in (
        *("vector_size", "layer1_size", "alpha", "min_alpha", "window", "min_count", "sample"),
        *("max_vocab_size", "max_final_vocab", "seed", "workers", "sg", "hs", "negative"),
        *("ns_exponent", "cbow_mean", "epochs", "sorted_vocab", "corpus_count"),
        *("corpus_total_words", "train_count"),
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("syn1", "syn1neg"):
        assert not getattr(ours, name).any()
    assert ours.syn1neg.shape == theirs.syn1neg.shape
    assert str(ours) == str(theirs)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 42, "vector_size": 1},
        {"vector_size": 5, "min_count": 6},
        {"vector_size": 1000},
        {"sorted_vocab": 0},
        {"max_final_vocab": 4},
    ],
)
def test_vocabulary_and_first_vectors_are_gensims(options):
    ours, theirs = untrained(**options), gensims(**options)
    assert ours.wv.index_to_key == theirs.wv.index_to_key
    np.testing.assert_array_equal(ours.wv.vectors, theirs.wv.vectors)
    for word in theirs.wv.index_to_key:
        assert ours.wv.get_vecattr(word, "count") == theirs.wv.get_vecattr(word, "count")


def test_update_keeps_old_vectors_and_appends_new_words():
    more = [["the", "cat", "bird"], ["bird", "fish"]] * 3
    ours, theirs = untrained(), gensims()
    table = ours.wv
    ours.train(CORPUS, verbose=0)
    theirs.train(CORPUS, total_examples=theirs.corpus_count, epochs=1)
    old = ours.wv.vectors.copy(), ours.syn1neg.copy()
    for model in (ours, theirs):
        model.build_vocab(more, update=True)
    assert ours.wv is table
    assert ours.wv.index_to_key[:6] == theirs.wv.index_to_key[:6]
    assert set(ours.wv.index_to_key) == set(theirs.wv.index_to_key) >= {"bird", "fish"}
    for word in theirs.wv.index_to_key:
        assert ours.wv.get_vecattr(word, "count") == theirs.wv.get_vecattr(word, "count")
    np.testing.assert_array_equal(ours.wv.vectors[:6], old[0])
    np.testing.assert_array_equal(ours.syn1neg[:6], old[1])
    np.testing.assert_array_equal(ours.wv.vectors[6:], theirs.wv.vectors[6:])
    assert (ours.corpus_count, ours.corpus_total_words) == (6, 15)
    ours.train(more, verbose=0)
    assert (ours.wv["bird"] != theirs.wv["bird"]).any()
    with pytest.raises(RuntimeError, match="update=True needs a vocabulary"):
        Word2Vec(**SMALL).build_vocab(more, update=True)


def test_vocabulary_from_frequencies_and_trained_separately():
    model = Word2Vec(**SMALL)
    model.build_vocab_from_freq({"cat": 10, "sat": 7, "dog": 9}, corpus_count=20)
    assert model.wv.index_to_key == ["cat", "dog", "sat"]
    assert model.corpus_count == 20
    before = model.wv.vectors.copy()
    # As gensim's users write it.
    trained, seen = model.train(
        CORPUS, total_examples=model.corpus_count, epochs=model.epochs, verbose=0
    )
    assert trained == 25 * 5
    assert seen == 50 * 5
    assert (model.wv.vectors != before).any()


def test_a_size_set_before_the_vocabulary_is_the_size():
    model = Word2Vec(vector_size=20, min_count=1)
    model.vector_size = 50
    model.build_vocab([["a", "b"]])
    model.train([["a", "b"]], verbose=0)
    assert model.wv.vectors.shape == (2, 50) == model.syn1neg.shape
    model.vector_size = 20
    with pytest.raises(ValueError, match="keeps vectors of 50 numbers, but vector_size was set to"):
        model.build_vocab([["c"]], update=True)


def test_reset_from_takes_the_vocabulary_alone():
    first = Word2Vec(CORPUS, **SMALL)
    second = Word2Vec(**{**SMALL, "vector_size": 4})
    second.reset_from(first)
    assert second.wv.index_to_key == first.wv.index_to_key
    np.testing.assert_array_equal(
        second.wv.vectors, untrained(**{**SMALL, "vector_size": 4}).wv.vectors
    )
    second.train(CORPUS, verbose=0)


def test_rules_for_the_vocabulary():
    rule = {"the": RULE_DISCARD, "a": RULE_KEEP}
    model = Word2Vec(**{**SMALL, "min_count": 6})
    model.build_vocab(CORPUS, trim_rule=lambda word, count, least: rule.get(word, 0))
    assert set(model.wv.index_to_key) == {"cat", "sat", "down", "a"}
    corpus = [[f"w{i}", "often"] for i in range(100)]
    assert len(untrained(corpus, max_vocab_size=10).wv) < 20


def test_memory_is_estimated():
    report = untrained(vector_size=16, hs=1, negative=2).estimate_memory(vocab_size=1000)
    assert report["vectors"] == report["syn1"] == report["syn1neg"] == 64_000
    assert report["total"] == sum(v for k, v in report.items() if k != "total")


@pytest.mark.parametrize("cbow_mean", [0, 1])
def test_predicted_words_are_gensims_on_the_same_weights(cbow_mean):
    model = Word2Vec(CORPUS, cbow_mean=cbow_mean, epochs=50, alpha=0.1, **SMALL)
    theirs = gensims(cbow_mean=cbow_mean)
    theirs.wv.vectors[:], theirs.syn1neg[:] = model.wv.vectors, model.syn1neg
    context = ["cat", "unknown", "the"]
    got = model.predict_output_word(context, topn=6)
    hidden = model.wv["cat"] + model.wv["the"]
    wanted = softmax(model.syn1neg @ (hidden / 2 if cbow_mean else hidden))
    for (word, p), (their_word, their_p) in zip(
        got, theirs.predict_output_word(context, topn=6), strict=True
    ):
        assert word == their_word
        assert p == pytest.approx(their_p, rel=1e-4)
        assert p == pytest.approx(wanted[model.wv.key_to_index[word]], rel=1e-4)
    with pytest.warns(UserWarning, match="none of the context words"):
        assert model.predict_output_word(["unknown"]) is None
    with pytest.raises(RuntimeError, match="hs=1"):
        untrained(hs=1).predict_output_word(["cat"])


@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("cbow_mean", [0, 1])
def test_scores_are_gensims_on_the_same_weights(sg, cbow_mean):
    from lamina._native import core

    options = {"sg": sg, "cbow_mean": cbow_mean, "hs": 1, "negative": 0, "window": 2}
    model = Word2Vec(CORPUS, epochs=20, alpha=0.1, **options, **SMALL)
    theirs = gensims(**options)
    theirs.wv.vectors[:], theirs.syn1[: len(model.syn1)] = model.wv.vectors, model.syn1
    offsets, nodes, codes = core.huffman_tree(np.ascontiguousarray(model.wv.expandos["count"]))
    for word in range(len(model.wv)):
        path = slice(offsets[word], offsets[word + 1])
        theirs.wv.expandos["code"][word] = codes[path].astype(np.uint8)
        theirs.wv.expandos["point"][word] = nodes[path].astype(np.uint32)
    sentences = [["the", "cat", "sat", "nowhere", "down"], ["dog", "a"], ["cat"]]
    got = model.score(sentences)
    # gensim reads log sigmoid from a table of a thousand places.
    np.testing.assert_allclose(got, theirs.score(sentences, 3)[:3], rtol=0.04, atol=0.02)
    assert (got[2] == 0) == bool(sg)
    with pytest.raises(RuntimeError, match="hs=1"):
        untrained().score(sentences)


def test_spellings_of_gensim_3():
    model = Word2Vec(CORPUS, size=12, iter=2, **{k: SMALL[k] for k in SMALL if k != "vector_size"})
    assert (model.vector_size, model.epochs, model.size, model.iter) == (12, 2, 12, 2)
    np.testing.assert_array_equal(model["cat"], model.wv["cat"])
    assert "cat" in model
    assert "bird" not in model
    assert model.most_similar("cat") == model.wv.most_similar("cat")
    assert model.similarity("cat", "dog") == model.wv.similarity("cat", "dog")
    assert model.doesnt_match(["cat", "dog", "a"]) == model.wv.doesnt_match(["cat", "dog", "a"])
    assert model.wv.vocab["cat"].count == 10
    assert model.wv.index2word[model.wv.vocab["cat"].index] == "cat"
    assert model.syn0 is model.wv.vectors
    with pytest.raises(KeyError) as caught:
        model["cappuccino"]
    assert str(caught.value) == "\"word 'cappuccino' not in vocabulary\""
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = model.colour
    with pytest.raises(TypeError, match="got both size=3 and vector_size=8"):
        Word2Vec(size=3, **SMALL)
    with pytest.raises(TypeError, match="unexpected keyword argument 'vectorsize'"):
        Word2Vec(vectorsize=3)


def test_copies_train_on_their_own():
    model = Word2Vec(CORPUS, hs=1, negative=2, **SMALL)
    before = model.wv.vectors.copy()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        twin.train(CORPUS, verbose=0)
        assert (twin.wv.vectors != before).any()
        np.testing.assert_array_equal(model.wv.vectors, before)
    again = copy.deepcopy(model)
    again.train(CORPUS, verbose=0)
    np.testing.assert_array_equal(again.wv.vectors, twin.wv.vectors)
    assert not hasattr(Word2Vec.__new__(Word2Vec), "most_similar")


def test_classes_may_derive(tmp_path):
    class Mine(Word2Vec):
        def twice(self, word):
            return 2 * self.wv[word]

    model = Mine(CORPUS, **SMALL)
    model.save(tmp_path / "m")
    loaded = Mine.load(tmp_path / "m")
    assert type(loaded) is Mine
    np.testing.assert_array_equal(loaded.twice("cat"), model.twice("cat"))


class Recorder(CallbackAny2Vec):
    def __init__(self):
        self.calls, self.nearest = [], []

    def on_train_begin(self, model):
        self.calls.append("train begin")

    def on_train_end(self, model):
        self.calls.append("train end")

    def on_epoch_begin(self, model):
        self.calls.append("begin")

    def on_epoch_end(self, model):
        self.calls.append("end")
        rows = model.wv.vectors / np.linalg.norm(model.wv.vectors, axis=1, keepdims=True)
        similarities = rows @ rows[model.wv.key_to_index["cat"]]
        word, similarity = model.wv.most_similar("cat", topn=1)[0]
        assert similarity == pytest.approx(np.sort(similarities)[-2], abs=1e-5)
        assert similarity == pytest.approx(similarities[model.wv.key_to_index[word]], abs=1e-5)
        self.nearest.append(similarity)


def test_callbacks_come_in_order_and_may_ask_for_neighbours():
    recorder = Recorder()
    Word2Vec(CORPUS, epochs=3, alpha=0.5, callbacks=[recorder], **SMALL)
    assert recorder.calls == ["train begin", *["begin", "end"] * 3, "train end"]
    assert len(set(recorder.nearest)) == 3, "the norms of an earlier epoch were used"
    with pytest.warns(UserWarning, match="pass them to train"):
        Word2Vec(callbacks=[recorder])
