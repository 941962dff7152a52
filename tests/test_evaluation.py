"""Analogies and word pairs give gensim's results; coefficients and p-values are scipy's."""

import copy
import gzip
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
import scipy.stats
from gensim.models import KeyedVectors as GensimVectors
from hypothesis import example, given
from hypothesis import strategies as st

from lamina.word2vec import KeyedVectors
from lamina.word2vec.correlation import incomplete_beta, pearson, ranks, spearman

# gensim calls its own deprecated method.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")

COUNTRIES = 40


@pytest.fixture(scope="module")
def both():
    """Words with planted relations, some in several cases, and others."""
    rng = np.random.default_rng(8)
    offset, rows = rng.standard_normal(30), {}
    for i in range(COUNTRIES):
        rows[f"Land{i}"] = rng.standard_normal(30)
        rows[f"Town{i}"] = rows[f"Land{i}"] + offset + 0.5 * rng.standard_normal(30)
        if i % 4 == 0:
            rows[f"town{i}"] = rows[f"Town{i}"] + 0.1 * rng.standard_normal(30)
    for i in range(300):
        rows[f"other{i}"] = 1.2 * rng.standard_normal(30)
    theirs = GensimVectors(30)
    theirs.add_vectors(list(rows), np.array(list(rows.values()), np.float32))
    return KeyedVectors.from_gensim(copy.deepcopy(theirs)), theirs


@pytest.fixture
def questions(tmp_path):
    rng = np.random.default_rng(9)
    lines = [": capitals"]
    for _ in range(300):
        a, b = rng.choice(COUNTRIES + 1, 2, replace=False)
        lines.append(f"Land{a} Town{a} Land{b} Town{b}")
    lines += [": empty", ": lower", "land0 town0 land1 town1", "only three words", "", ": other"]
    lines += [f"other{i} other{i + 1} other{i + 2} other{i + 3}" for i in range(20)]
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("case_insensitive", [False, True])
@pytest.mark.parametrize("dummy4unknown", [False, True])
@pytest.mark.parametrize("restrict_vocab", [300000, 80, None])
def test_analogies_equal_gensims(both, questions, case_insensitive, dummy4unknown, restrict_vocab):
    arguments = (str(questions), restrict_vocab, case_insensitive, dummy4unknown)
    (score, sections), (wanted, theirs) = (s.evaluate_word_analogies(*arguments) for s in both)
    assert score == wanted
    assert sections == theirs
    assert score > 0.1
    if restrict_vocab != 80:
        assert score < 0.99  # some are right and some are wrong


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_analogies_of_other_types_are_nearly_the_same(both, questions, dtype, monkeypatch):
    monkeypatch.setattr("lamina.word2vec.table.BLOCK_ROWS", 50)
    ours = copy.deepcopy(both[0])
    ours.vectors = ours.vectors.astype(dtype)
    score = ours.evaluate_word_analogies(questions)[0]
    assert score == pytest.approx(both[0].evaluate_word_analogies(questions)[0], abs=0.01)


def test_cosmul_analogies_equal_one_by_one(both, questions):
    ours, _ = both
    _, sections = ours.evaluate_word_analogies(
        questions, case_insensitive=False, similarity_function="most_similar_cosmul"
    )
    right = set(sections[-1]["correct"])
    assert right
    for question in sections[-1]["correct"] + sections[-1]["incorrect"]:
        a, b, c, d = question
        answer = ours.most_similar_cosmul([b, c], [a], topn=1)[0][0]
        assert (answer == d) == (question in right)


def test_a_packed_file_is_read(both, questions):
    packed = questions.with_suffix(".gz")
    packed.write_bytes(gzip.compress(questions.read_bytes()))
    ours = both[0]
    assert ours.evaluate_word_analogies(packed) == ours.evaluate_word_analogies(questions)


@pytest.mark.parametrize(
    ("content", "options", "error", "says"),
    [
        ("a b c d\n", {}, ValueError, "line 1: wanted a section"),
        (": one\n", {}, ValueError, "holds no question"),
        (": one\nLand1 Town1 Land2 \udcff\n", {}, ValueError, "line 2: not utf-8"),
        (": one\na b c d", {"similarity_function": "mine"}, ValueError, "got 'mine'"),
    ],
)
def test_bad_questions_are_named(both, tmp_path, content, options, error, says):
    path = tmp_path / "q"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(error, match=says):
        both[0].evaluate_word_analogies(path, **options)


def test_missing_files_are_named(both, tmp_path):
    for call in (both[0].evaluate_word_analogies, both[0].evaluate_word_pairs):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            call(tmp_path / "nothing")


def test_all_unknown_scores_zero(both, tmp_path):
    path = tmp_path / "q"
    path.write_text(": one\na b c d\n")
    for side in both:
        assert side.evaluate_word_analogies(str(path))[0] == 0
        sections = side.evaluate_word_analogies(str(path), dummy4unknown=True)[1]
        assert sections[0]["incorrect"] == [("A", "B", "C", "D")]


@pytest.fixture
def pairs(tmp_path):
    rng = np.random.default_rng(10)
    lines = ["# a comment", "not a pair"]
    for i in range(60):
        a, b = rng.choice(COUNTRIES + 3, 2, replace=False)
        lines.append(f"Land{a}\tTown{b}\t{i % 7 + rng.integers(2)}")
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("case_insensitive", [False, True])
@pytest.mark.parametrize("dummy4unknown", [False, True])
def test_word_pairs_equal_gensims(both, pairs, case_insensitive, dummy4unknown):
    options = {"case_insensitive": case_insensitive, "dummy4unknown": dummy4unknown}
    (p, s, ratio), (their_p, their_s, their_ratio) = (
        side.evaluate_word_pairs(str(pairs), **options) for side in both
    )
    assert ratio == their_ratio > 0
    np.testing.assert_allclose(p, tuple(their_p), rtol=1e-5)
    np.testing.assert_allclose(s, tuple(their_s), rtol=1e-5)
    assert (p[0], p[1]) == (p.statistic, p.pvalue)


def test_pairs_without_known_words_say_so(both, tmp_path):
    path = tmp_path / "p"
    path.write_text("a\tb\t1\nLand1 Land2 3\n")
    with pytest.raises(ValueError, match=r"1 lines are not two words.*1 have words"):
        both[0].evaluate_word_pairs(path)


# ---- statistics against scipy


@pytest.mark.parametrize("count", [2, 3, 4, 10, 353, 5000])
@pytest.mark.parametrize("noise", [0, 0.1, 1, 100])
def test_coefficients_equal_scipys(count, noise):
    rng = np.random.default_rng(count)
    x = rng.standard_normal(count).round(1)
    y = x + noise * rng.standard_normal(count)
    np.testing.assert_array_equal(ranks(x), scipy.stats.rankdata(x))
    for ours, theirs in ((pearson, scipy.stats.pearsonr), (spearman, scipy.stats.spearmanr)):
        if ours is spearman and count < 3:
            continue  # scipy answers NaN there
        mine, other = ours(x, y), theirs(x, y)
        assert mine.statistic == pytest.approx(other.statistic, rel=1e-12)
        if abs(other.statistic) < 1 - 1e-12:
            assert mine.pvalue == pytest.approx(other.pvalue, rel=1e-8, abs=1e-300)
        else:
            assert mine.pvalue == pytest.approx(other.pvalue, abs=1e-6)


def test_undefined_coefficients_are_nan():
    for sample in ([], [1], [2, 2, 2]):
        assert all(math.isnan(value) for value in pearson(sample, sample))


@given(st.floats(0, 1, allow_subnormal=False), st.floats(0.5, 3000), st.floats(0.5, 50))
def test_incomplete_beta_equals_scipys(x, a, b):
    # scipy's has seven right digits only where it is as small as 1e-267, and no two of 5e-324.
    wanted = scipy.special.betainc(a, b, x)
    assert incomplete_beta(x, a, b) == pytest.approx(wanted, rel=1e-7, abs=1e-200)


@given(st.floats(0, 1e-300), st.floats(0.5, 1), st.floats(0.5, 50))
@example(5e-324, 0.5, 0.75)
def test_incomplete_beta_of_almost_nothing_is_its_first_term(x, a, b):
    beta = math.gamma(a) * math.gamma(b) / math.gamma(a + b)
    assert incomplete_beta(x, a, b) == pytest.approx(x**a / (a * beta), rel=1e-10, abs=1e-310)


@given(st.integers(1, 63), st.integers(1, 2000), st.integers(1, 50))
@example(43, 1775, 23)
def test_incomplete_beta_of_whole_numbers_is_the_exact_sum(x, a, b):
    x, n = Fraction(x, 64), a + b - 1
    wanted = sum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1))
    if wanted > Fraction(1, 10**290):
        assert incomplete_beta(float(x), a, b) == pytest.approx(float(wanted), rel=1e-10)
