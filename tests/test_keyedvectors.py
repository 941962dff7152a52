"""KeyedVectors gives gensim's answers, on every SIMD level, and clear errors."""

import copy
import pickle

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors

from lamina import _native
from lamina.word2vec import KeyedVectors
from lamina.word2vec.sketch import Sketch

# gensim calls its own deprecated method.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")

D = 37


def built_levels():
    levels = []
    for level in _native.supported_levels():
        try:
            _native.load_level(level)
        except ImportError:
            continue
        levels.append(level)
    return levels


@pytest.fixture(params=built_levels())
def core(request):
    return _native.load_level(request.param)


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


# ---- kernels against numpy


def strided(rng, rows, columns):
    """Rows further apart than they are long, as the trainer keeps them."""
    return rng.standard_normal((rows, columns + 5), dtype=np.float32)[:, :columns]


def unit_rows(matrix):
    return np.ascontiguousarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("rows", [1, 3, 255, 256, 257, 1501])
@pytest.mark.parametrize(("columns", "queries"), [(1, 1), (7, 2), (37, 65), (300, 3)])
def test_nearest_and_cosines_equal_numpy(core, rows, columns, queries):
    rng = np.random.default_rng(rows * columns)
    matrix, asked = strided(rng, rows, columns), unit_rows(rng.standard_normal((queries, columns)))
    norms = core.row_norms(matrix)
    np.testing.assert_allclose(norms, np.linalg.norm(matrix, axis=1), rtol=1e-5)
    begin, end = rows // 5, rows - rows // 7
    wanted = (asked.astype(np.float64) @ matrix.T / np.linalg.norm(matrix, axis=1))[:, begin:end]
    cosines = core.cosines(matrix, norms, asked, begin, end)
    np.testing.assert_allclose(cosines, wanted, atol=2e-6)
    for top in (1, 10, rows):
        found, scores = core.nearest(matrix, norms, asked, begin, end, top)
        k = min(top, end - begin)
        assert found.shape == scores.shape == (queries, k)
        best = -np.sort(-wanted, axis=1)[:, :k]
        np.testing.assert_allclose(scores, best, atol=2e-6)
        np.testing.assert_allclose(
            np.take_along_axis(wanted, found - begin, axis=1), best, atol=4e-6
        )
        assert all(len(set(row)) == k for row in found.tolist())


def test_nearest_leaves_nan_out_and_gives_zeros_the_cosine_zero(core):
    matrix = np.array([[1, 0], [np.nan, 1], [0, 0], [-1, 0], [np.inf, 0]] * 40, np.float32)
    norms = core.row_norms(matrix)
    query = np.array([[1, 0]], np.float32)
    found, scores = core.nearest(matrix, norms, query, 0, 200, 200)
    assert found[0, :40].tolist() == list(range(0, 200, 5))
    assert found[0, 40:80].tolist() == list(range(2, 200, 5))
    assert found[0, 80:120].tolist() == list(range(3, 200, 5))
    assert set(found[0, 120:].tolist()) == {-1}
    assert scores[0, [0, 40, 80]].tolist() == [1, 0, -1]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (15, 16), (33, 17), (500, 100), (2000, 300)])
def test_sketch_never_loses_a_neighbour(core, rows, columns, monkeypatch):
    monkeypatch.setattr("lamina.word2vec.sketch.core", core)
    rng = np.random.default_rng(columns)
    matrix = strided(rng, rows, columns)
    matrix[rng.random(matrix.shape) < 0.1] *= 30
    matrix[:: 1 + rows // 3] = 0
    matrix[1::97] = 1e-40
    matrix[2::91] = matrix[rows - 1]
    norms = core.row_norms(matrix)
    sketch = Sketch.of(matrix.shape, norms, norms, [(0, matrix)])
    approximate = sketch.codes[:rows, :columns] * sketch.scales[:rows, np.newaxis]
    usable = norms > 1e-30
    exact = (
        matrix[usable] / np.linalg.norm(matrix[usable].astype(np.float64), axis=1)[:, np.newaxis]
    )
    left_out = np.linalg.norm(exact - approximate[usable], axis=1)
    assert (left_out <= sketch.errors[:rows][usable]).all()
    for query in unit_rows(np.vstack([matrix[-1:] + 1e-3, rng.standard_normal((20, columns))])):
        for begin, end, top in ((0, rows, 10), (rows // 3, rows - rows // 4, 3)):
            kept = set(sketch.candidates(query, begin, end, top).tolist())
            found, scores = core.nearest(matrix, norms, query[np.newaxis], begin, end, top)
            assert set(found[0].tolist()) <= kept
            assert len(scores[0]) == min(top, end - begin)
    if (rows, columns) == (2000, 300):
        assert len(sketch.candidates(query, 0, rows, 10)) < 200  # and it does leave most out


def test_sketch_serves_large_tables(monkeypatch, both):
    ours, theirs = both
    monkeypatch.setattr("lamina.word2vec.sketch._LEAST_NUMBERS", 1)
    for word in ("w1", "w2", "w3"):
        close(ours.most_similar(word, "w9"), theirs.most_similar(word, "w9"))
    assert ours._sketch is not None
    ours.vectors[0] = ours.vectors[3] * 2
    ours.fill_norms(force=True)
    assert ours.most_similar("w3", topn=1)[0][0] == "w0"
    assert ours.most_similar("w3", topn=1)[0][0] == "w0"


@pytest.mark.parametrize("multiply", [False, True])
@pytest.mark.parametrize("rows", [3, 256, 700])
def test_analogy_kernel_equals_numpy(core, multiply, rows):
    rng = np.random.default_rng(rows)
    matrix, words = strided(rng, rows, 33), unit_rows(rng.standard_normal((50, 33)))
    norms = core.row_norms(matrix)
    groups = rng.integers(0, max(2, rows // 3), rows).astype(np.int32)
    questions = rng.integers(0, 50, (400, 6)).astype(np.int32)
    questions[:, 3:] = groups[rng.integers(0, rows, (400, 3))]
    scores, found = np.full(400, -np.inf, np.float32), np.full(400, -1)
    for first, last in ((0, rows // 2), (rows // 2, rows)):  # two blocks of one table
        core.answer_analogies(
            matrix[first:last],
            norms[first:last],
            groups[first:last],
            first,
            words,
            questions,
            multiply,
            scores,
            found,
        )
    cosines = words.astype(np.float64) @ (matrix / norms[:, np.newaxis]).T
    a, b, c = (cosines[questions[:, i]] for i in range(3))
    wanted = b + c - a
    if multiply:
        wanted = (1 + b) * (1 + c) / 4 / ((1 + a) / 2 + 1e-6)
    barred = (groups[np.newaxis, np.newaxis] == questions[:, 3:, np.newaxis]).any(axis=1)
    wanted[barred] = -np.inf
    none = barred.all(axis=1)
    assert (found[none] == -1).all()
    kept = np.flatnonzero(~none)
    np.testing.assert_allclose(scores[kept], wanted.max(axis=1)[kept], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        wanted[kept, found[kept]], wanted.max(axis=1)[kept], rtol=1e-4, atol=1e-5
    )


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
