"""KeyedVectors gives gensim's answers, on every SIMD level, and clear errors."""

import copy
import pickle

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors

from lamina.word2vec import KeyedVectors

# gensim calls its own deprecated method.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")

D = 37


@pytest.fixture(scope="module")
def gensim_vectors():
    """Words in clusters, so that neighbours are near, with counts."""
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((20, D))
    rows = centres[rng.integers(0, 20, 700)] + 0.7 * rng.standard_normal((700, D))
    rows *= rng.uniform(0.1, 5, (700, 1))
    theirs = GensimVectors(D)
    theirs.add_vectors([f"w{i}" for i in range(700)], rows.astype(np.float32))
    for i in range(700):
        theirs.set_vecattr(f"w{i}", "count", int(rng.integers(1, 50)))
    return theirs


@pytest.fixture
def both(gensim_vectors):
    theirs = copy.deepcopy(gensim_vectors)
    return KeyedVectors.from_gensim(copy.deepcopy(theirs)), theirs


def close(ours, theirs):
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], rtol=1e-5, atol=1e-6)


def test_sketch_serves_large_tables(monkeypatch, both):
    ours, theirs = both
    monkeypatch.setattr("lamina.word2vec.sketch._LEAST_NUMBERS", 1)
    monkeypatch.setattr("lamina.word2vec.sketch._WIDE_REGISTERS", True)
    for word in ("w1", "w2", "w3"):
        close(ours.most_similar(word, "w9"), theirs.most_similar(word, "w9"))
    assert ours._sketch is not None
    ours.vectors[0] = ours.vectors[3] * 2
    ours.fill_norms(force=True)
    assert ours.most_similar("w3", topn=1)[0][0] == "w0"
    assert ours.most_similar("w3", topn=1)[0][0] == "w0"


# ---- queries against gensim


@pytest.mark.parametrize(
    "query",
    [
        {"positive": "w1"},
        {"positive": ["w1", "w2"], "negative": ["w3"], "topn": 25},
        {"positive": [5, ("w7", 0.3)], "negative": [("w8", -2.0)]},
        {"positive": ["w1"], "restrict_vocab": 50},
        {"positive": ["w1"], "clip_start": 100, "clip_end": 300, "topn": 500},
        {"positive": ["w1"], "clip_start": 600, "clip_end": 5000},
        {"negative": "w4", "topn": 3},
        {"positive": ["w1"], "topn": 0},
        {"positive": [np.arange(D, dtype=np.float32), "w3"]},
        {"positive": np.arange(D, dtype=np.float32)},
        {"positive": np.eye(D, dtype=np.float32)[:2]},
    ],
)
def test_most_similar_equals_gensim(both, query):
    ours, theirs = both
    close(ours.most_similar(**query), theirs.most_similar(**query))


def test_topn_none_gives_all_similarities(both):
    ours, theirs = both
    for query in ({}, {"clip_start": 10, "clip_end": 20}, {"restrict_vocab": 33}):
        np.testing.assert_allclose(
            ours.most_similar("w1", topn=None, **query),
            theirs.most_similar("w1", topn=None, **query),
            atol=1e-6,
        )
    np.testing.assert_allclose(
        ours.most_similar_cosmul(["w1"], ["w2"], topn=None),
        theirs.most_similar_cosmul(["w1"], ["w2"], topn=None),
        rtol=1e-4,
    )


def test_a_batch_is_its_queries(both):
    ours, theirs = both
    batch = ours.most_similar([["w1"], ["w2", 3], ["w4"]], [["w5"], [], ["w6", "w7"]], topn=4)
    for our, (positive, negative) in zip(
        batch, ((["w1"], ["w5"]), (["w2", 3], []), (["w4"], ["w6", "w7"])), strict=True
    ):
        close(our, theirs.most_similar(positive, negative, topn=4))
    assert len(ours.most_similar([["w1"], ["w2"]], topn=None)) == 2
    assert ours.most_similar([["w1"], ["w2"]], topn=0) == [[], []]
    close(ours.most_similar([["w1", 0.5]]), theirs.most_similar([["w1", 0.5]]))
    with pytest.raises(ValueError, match="batch of 2 positive lists wants as many negative"):
        ours.most_similar([["w1"], ["w2"]], [["w3"]])


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_types_answer_alike(both, dtype, monkeypatch):
    ours, theirs = both
    monkeypatch.setattr("lamina.word2vec.table.BLOCK_ROWS", 64)
    ours.vectors = ours.vectors.astype(dtype)
    theirs.vectors = theirs.vectors.astype(dtype).astype(np.float32)
    theirs.norms = None
    close(ours.most_similar("w1", "w2", topn=30), theirs.most_similar("w1", "w2", topn=30))
    np.testing.assert_allclose(ours.distances("w1"), theirs.distances("w1"), atol=1e-5)
    assert ours.vectors.dtype == dtype


def test_rows_that_are_apart_answer_alike(both):
    ours, theirs = both
    padded = np.full((700, 48), np.nan, np.float32)
    padded[:, :D] = ours.vectors
    ours.vectors = padded[:, :D]
    close(ours.most_similar("w1", "w2"), theirs.most_similar("w1", "w2"))
    close(ours.most_similar_cosmul("w1", "w2"), theirs.most_similar_cosmul("w1", "w2"))


def test_cosmul_equals_gensim(both):
    ours, theirs = both
    for query in (
        (["w1"],),
        (["w1", "w2"], ["w3"]),
        ("w4", "w5", 3),
        ("w1", None, 5000),
    ):
        close(ours.most_similar_cosmul(*query), theirs.most_similar_cosmul(*query))
    # gensim takes restrict_vocab and forgets it.
    few = [pair for pair in theirs.most_similar_cosmul("w1", topn=700) if int(pair[0][1:]) < 100]
    close(ours.most_similar_cosmul("w1", topn=5, restrict_vocab=100), few[:5])


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("similarity", ("w1", "w2")),
        ("distance", ("w1", "w2")),
        ("distances", ("w1",)),
        ("distances", ("w1", ["w2", "w3"])),
        ("distances", (np.arange(D, dtype=np.float32),)),
        ("n_similarity", (["w1", "w2"], ["w3", "w4", "w5"])),
        ("doesnt_match", (["w1", "w2", "w3", "w4"],)),
        ("most_similar_to_given", ("w1", ["w2", "w3", "w4"])),
        ("closer_than", ("w1", "w2")),
        ("rank", ("w1", "w2")),
        ("relative_cosine_similarity", ("w1", "w2", 7)),
        ("wmdistance", (["w1", "w2", "w2", "zzz"], ["w3", "w2"])),
        ("wmdistance", (["w1", "w5"], ["w3"], False)),
        ("wmdistance", (["w1"], ["w1"])),
        ("wmdistance", (["zzz"], ["w3"])),
        ("get_mean_vector", (["w1", "w2", "zzz"],)),
        ("get_mean_vector", (["w1", 2], [0.3, -4.0], False, True)),
        ("get_normed_vectors", ()),
        ("get_vector", ("w1", True)),
        ("get_index", ("w77",)),
        ("has_index_for", ("zzz",)),
        ("get_vecattr", ("w77", "count")),
        ("cosine_similarities", (np.arange(3.0), np.eye(3))),
    ],
)
def test_other_queries_equal_gensim(both, method, arguments):
    ours, theirs = (getattr(side, method)(*arguments) for side in both)
    if isinstance(theirs, (str, list, bool)):
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-6)


@pytest.mark.filterwarnings("ignore:.*is not present.*")
def test_rank_by_centrality_equals_gensim(both):
    ours, theirs = both
    words = ["w1", "w2", "zzz", "w3"]
    mine, other = ours.rank_by_centrality(words), theirs.rank_by_centrality(words)
    assert [word for _, word in mine] == [word for _, word in other]
    np.testing.assert_allclose([s for s, _ in mine], [s for s, _ in other], atol=1e-6)


# ---- errors


def test_an_unknown_word_says_so(both):
    ours, _ = both
    asks = (
        lambda: ours["cappuccino"],
        lambda: ours.most_similar("cappuccino"),
        lambda: ours.similarity("w1", "cappuccino"),
        lambda: ours[["w1", "cappuccino"]],
        lambda: ours.most_similar_cosmul("cappuccino"),
        lambda: ours.distances("w1", ["cappuccino"]),
    )
    for ask in asks:
        with pytest.raises(KeyError) as caught:
            ask()
        assert repr(caught.value) == "KeyError(\"word 'cappuccino' not in vocabulary\")"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda kv: kv.most_similar([]), ValueError, "at least one key"),
        (lambda kv: kv.most_similar("w1", topn=2.5), TypeError, "topn must be a whole number"),
        (lambda kv: kv.most_similar(np.ones(3)), ValueError, r"shape \(37,\) here, got \(3,\)"),
        (lambda kv: kv.most_similar([{"w1"}]), TypeError, "pairs, got set"),
        (lambda kv: kv.most_similar_cosmul([], ["w1"]), ValueError, "at least one positive"),
        (lambda kv: kv.n_similarity([], ["w1"]), ZeroDivisionError, "an empty one"),
        (lambda kv: kv.get_mean_vector([]), ValueError, "no keys"),
        (lambda kv: kv.get_mean_vector(["w1"], [1, 2]), ValueError, "as many weights"),
        (lambda kv: kv.doesnt_match(["zzz"]), ValueError, "in the vocabulary"),
        (lambda kv: kv.wmdistance("w1 w2", ["w1"]), TypeError, "split it"),
        (lambda kv: kv.get_vecattr("w1", "colour"), KeyError, "'colour' was never set"),
        (lambda kv: kv.set_vecattr("w1", "count", 2.5), TypeError, "int64, got float64"),
        (lambda kv: kv.add_vectors(["a", "b"], np.ones((1, D))), ValueError, r"\(2, 37\), got"),
        (lambda kv: kv.add_vectors(["a", "a"], np.ones((2, D))), ValueError, "more than once"),
        (lambda kv: kv.get_index({}), TypeError, "got dict"),
        (lambda _: KeyedVectors(0), ValueError, "from 1 on, got 0"),
        (lambda _: KeyedVectors(3, dtype=np.int32), ValueError, "float64, got int32"),
        (lambda _: KeyedVectors.from_gensim([1]), TypeError, "got list"),
    ],
)
def test_mistakes_are_named(both, call, error, says):
    with pytest.raises(error, match=says):
        call(both[0])


# ---- changing the table


def test_adding_equals_gensim(both):
    ours, theirs = both
    rows = np.random.default_rng(1).standard_normal((3, D)).astype(np.float32)
    for side in both:
        side.fill_norms()
        side.add_vectors(["new", "w2", "newer"], rows)
        side["w3"] = rows[0]
        side[["w4", "newest"]] = rows[:2]
        side.norms = None  # gensim forgets to
    assert ours.index_to_key == theirs.index_to_key
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    close(ours.most_similar("new"), theirs.most_similar("new"))
    assert len(ours.expandos["count"]) == len(ours) == 703


def test_extras_and_replacement_reach_their_rows(both):
    ours, _ = both
    rows = np.ones((2, D), np.float32)
    ours.add_vectors(["w5", "new"], rows, extras={"count": np.array([7, 8])}, replace=True)
    assert ours.get_vecattr("w5", "count") == 7
    assert ours.get_vecattr("new", "count") == 8
    assert (ours["w5"] == 1).all()
    assert ours.similarity("w5", "new") == pytest.approx(1)


def test_replacing_leaves_the_matrix_where_it_is(both):
    ours, _ = both
    matrix, norms = ours.vectors, ours.get_normed_vectors()
    ours[ours.index_to_key[3]] = np.full(ours.vector_size, 2.0)
    assert ours.vectors is matrix
    assert (matrix[3] == 2).all()
    assert ours.most_similar([np.ones(ours.vector_size)], topn=1)[0][0] == ours.index_to_key[3]
    np.testing.assert_array_equal(
        np.delete(ours.get_normed_vectors(), 3, 0), np.delete(norms, 3, 0)
    )


def test_adding_one_at_a_time_keeps_the_rows():
    ours = KeyedVectors(4, count=2)
    for i in range(100):
        assert ours.add_vector(f"k{i}", np.full(4, i)) == i
    assert ours.vectors.shape == (100, 4)
    assert ours["k37"].tolist() == [37] * 4
    assert ours.index_to_key == [f"k{i}" for i in range(100)]
    assert ours.most_similar("k99", topn=200)[0][1] == pytest.approx(1)


def test_vectors_are_read_only_by_key(both):
    with pytest.raises(ValueError, match="read-only"):
        both[0]["w1"][0] = 1


def test_sorting_attributes_and_resizing_equal_gensim(both):
    for side in both:
        side.sort_by_descending_frequency()
        side.index_to_key = [*side.index_to_key, "a", "b"]
        side.key_to_index = {key: i for i, key in enumerate(side.index_to_key)}
        side.resize_vectors(seed=3)
    ours, theirs = both
    assert ours.index_to_key == theirs.index_to_key
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    np.testing.assert_array_equal(ours.expandos["count"], theirs.expandos["count"])


def test_unit_normalize_all_equals_gensim(both):
    for side in both:
        side.unit_normalize_all()
    np.testing.assert_allclose(both[0].vectors, both[1].vectors, atol=1e-6)
    np.testing.assert_allclose(both[0].norms, both[1].norms)


@pytest.mark.filterwarnings("ignore:Adding single vectors")
def test_vectors_for_all_equals_gensim(both):
    ours, theirs = (
        side.vectors_for_all(["w3", "zzz", "w1", "w3"], copy_vecattrs=True) for side in both
    )
    assert ours.index_to_key == theirs.index_to_key == ["w3", "w1"]
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    np.testing.assert_array_equal(ours.expandos["count"], theirs.expandos["count"])


def test_to_gensim_and_back(both):
    ours, theirs = both
    there = ours.to_gensim()
    assert there.most_similar("w1") == theirs.most_similar("w1")
    again = KeyedVectors.from_gensim(there)
    assert again.key_to_index == ours.key_to_index
    np.testing.assert_array_equal(again.vectors, ours.vectors)
    close(pickle.loads(pickle.dumps(again)).most_similar("w1"), theirs.most_similar("w1"))


def test_gensim_3_names(both, tmp_path):
    ours, theirs = both
    assert ours.wv is ours
    assert ours.index2word == ours.index2entity == theirs.index_to_key
    assert ours.vocab["w9"].index == 9
    assert ours.vocab["w9"].count == theirs.get_vecattr("w9", "count")
    assert "zzz" not in ours.vocab
    assert len(ours.vocab) == len(list(ours.vocab)) == 700
    assert ours.syn0 is ours.vectors
    np.testing.assert_allclose(ours.vectors_norm, theirs.get_normed_vectors(), atol=1e-6)
    np.testing.assert_allclose(ours.word_vec("w3", use_norm=True), ours.syn0norm[3], atol=1e-6)
    assert ours.words_closer_than("w1", "w2") == theirs.closer_than("w1", "w2")
    questions = tmp_path / "q"
    questions.write_text(": one\nw1 w2 w3 w4\n")
    assert ours.accuracy(questions)[0]["section"] == "one"
    ours.init_sims(replace=True)
    np.testing.assert_allclose(np.linalg.norm(ours.vectors, axis=1), 1, rtol=1e-5)
