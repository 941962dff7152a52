"""The kernels behind the queries, at every SIMD level, against plain numpy."""

import numpy as np
import pytest

from lamina.word2vec.sketch import Sketch


def strided(rng, rows, columns):
    """Rows further apart than they are long, as the trainer keeps them."""
    return rng.standard_normal((rows, columns + 5), dtype=np.float32)[:, :columns]


def unit_rows(matrix):
    return np.ascontiguousarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("rows", [1, 3, 255, 256, 257, 1501])
@pytest.mark.parametrize(("columns", "queries"), [(1, 1), (7, 2), (37, 65), (300, 3)])
def test_nearest_and_cosines_equal_numpy(kernels, rows, columns, queries):
    rng = np.random.default_rng(rows * columns)
    matrix, asked = strided(rng, rows, columns), unit_rows(rng.standard_normal((queries, columns)))
    norms = kernels.row_norms(matrix)
    np.testing.assert_allclose(norms, np.linalg.norm(matrix, axis=1), rtol=1e-5)
    begin, end = rows // 5, rows - rows // 7
    wanted = (asked.astype(np.float64) @ matrix.T / np.linalg.norm(matrix, axis=1))[:, begin:end]
    cosines = kernels.cosines(matrix, norms, asked, begin, end)
    np.testing.assert_allclose(cosines, wanted, atol=2e-6)
    for top in (1, 10, rows):
        found, scores = kernels.nearest(matrix, norms, asked, begin, end, top)
        k = min(top, end - begin)
        assert found.shape == scores.shape == (queries, k)
        best = -np.sort(-wanted, axis=1)[:, :k]
        np.testing.assert_allclose(scores, best, atol=2e-6)
        np.testing.assert_allclose(
            np.take_along_axis(wanted, found - begin, axis=1), best, atol=4e-6
        )
        assert all(len(set(row)) == k for row in found.tolist())


def test_nearest_leaves_nan_out_and_gives_zeros_the_cosine_zero(kernels):
    matrix = np.array([[1, 0], [np.nan, 1], [0, 0], [-1, 0], [np.inf, 0]] * 40, np.float32)
    norms = kernels.row_norms(matrix)
    query = np.array([[1, 0]], np.float32)
    found, scores = kernels.nearest(matrix, norms, query, 0, 200, 200)
    assert found[0, :40].tolist() == list(range(0, 200, 5))
    assert found[0, 40:80].tolist() == list(range(2, 200, 5))
    assert found[0, 80:120].tolist() == list(range(3, 200, 5))
    assert set(found[0, 120:].tolist()) == {-1}
    assert scores[0, [0, 40, 80]].tolist() == [1, 0, -1]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (15, 16), (33, 17), (500, 100), (2000, 300)])
def test_sketch_never_loses_a_neighbour(kernels, rows, columns, monkeypatch):
    monkeypatch.setattr("lamina.word2vec.sketch.core", kernels)
    rng = np.random.default_rng(columns)
    matrix = strided(rng, rows, columns)
    matrix[rng.random(matrix.shape) < 0.1] *= 30
    matrix[:: 1 + rows // 3] = 0
    matrix[1::97] = 1e-40
    matrix[2::91] = matrix[rows - 1]
    norms = kernels.row_norms(matrix)
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
            found, scores = kernels.nearest(matrix, norms, query[np.newaxis], begin, end, top)
            assert set(found[0].tolist()) <= kept
            assert len(scores[0]) == min(top, end - begin)
    if (rows, columns) == (2000, 300):
        assert len(sketch.candidates(query, 0, rows, 10)) < 200  # and it does leave most out


@pytest.mark.parametrize("multiply", [False, True])
@pytest.mark.parametrize("rows", [3, 256, 700])
def test_analogy_kernel_equals_numpy(kernels, multiply, rows):
    rng = np.random.default_rng(rows)
    matrix, words = strided(rng, rows, 33), unit_rows(rng.standard_normal((50, 33)))
    norms = kernels.row_norms(matrix)
    groups = rng.integers(0, max(2, rows // 3), rows).astype(np.int32)
    questions = rng.integers(0, 50, (400, 6)).astype(np.int32)
    questions[:, 3:] = groups[rng.integers(0, rows, (400, 3))]
    scores, found = np.full(400, -np.inf, np.float32), np.full(400, -1)
    for first, last in ((0, rows // 2), (rows // 2, rows)):  # two blocks of one table
        kernels.answer_analogies(
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
