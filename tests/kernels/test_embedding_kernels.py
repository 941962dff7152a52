"""Looking rows up and summing their gradients, against plain numpy at every SIMD level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DTYPES = [np.float32, np.float64]


def summed(ids, gradient):
    """The reference: one sum for each id that occurs, in the ids' order."""
    rows = np.unique(ids)
    flat = gradient.reshape(ids.size, gradient.shape[-1])
    values = np.zeros((len(rows), gradient.shape[-1]), gradient.dtype)
    np.add.at(values, np.searchsorted(rows, ids.ravel()), flat)
    return rows, values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("id_type", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("shape", "V", "D"),
    [((32, 20), 10_000, 8), ((7,), 3, 1), ((), 5, 3), ((2, 3, 5), 300, 17), ((0, 4), 9, 5),
     ((500,), 70_000, 65), ((3, 2), 4, 0), ((200,), 2, 256)],
)  # fmt: skip
def test_gathers_and_sums(kernels, dtype, id_type, shape, V, D):
    generator = np.random.default_rng(3)
    table = generator.normal(size=(V, D)).astype(dtype)
    ids = generator.integers(0, V, shape).astype(id_type)
    found = kernels.gather_rows(table, ids)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, table[ids])
    gradient = generator.normal(size=(*shape, D)).astype(dtype)
    rows, values = kernels.sum_by_row(ids, gradient, V)
    wanted_rows, wanted = summed(ids, gradient)
    assert rows.dtype == np.int64
    np.testing.assert_array_equal(rows, wanted_rows)
    np.testing.assert_array_equal(values, wanted)  # the same order of summation: the same bits


@pytest.mark.parametrize("D", [32, 33])  # of 33, rows begin anywhere in a register
@pytest.mark.parametrize("dtype", DTYPES)
def test_results_longer_than_the_caches(kernels, dtype, D):
    generator = np.random.default_rng(5)
    size = (48 << 20) // (D * np.dtype(dtype).itemsize)
    ids = generator.permutation(np.arange(size, dtype=np.int32))
    ids[::1000] = ids[1::1000]  # some twice
    table = np.resize(generator.normal(size=100_003).astype(dtype), (size, D))
    found = kernels.gather_rows(table, ids)
    np.testing.assert_array_equal(found, table[ids])
    rows, values = kernels.sum_by_row(ids, found, size)
    wanted_rows, counts = np.unique(ids, return_counts=True)
    np.testing.assert_array_equal(rows, wanted_rows)
    np.testing.assert_array_equal(values, table[rows] * counts[:, None].astype(dtype))


@pytest.mark.parametrize("D", [8, 300])
@pytest.mark.parametrize("spread", ["as words are", "evenly"])
def test_number_of_threads_changes_no_bit(kernels, D, spread):
    generator = np.random.default_rng(4)
    words = np.minimum(generator.zipf(1.3, 30_000) - 1, 999)
    ids = (words if spread == "as words are" else np.arange(30_000) % 997).astype(np.int32)
    gradient = generator.normal(size=(30_000, D)).astype(np.float32)
    before = kernels.num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 5):
            kernels.set_num_threads(threads)
            results.append(kernels.sum_by_row(ids, gradient, 1000))
            np.testing.assert_array_equal(kernels.gather_rows(gradient, ids), gradient[ids])
    finally:
        kernels.set_num_threads(before)
    wanted_rows, wanted = summed(ids, gradient)
    for rows, values in results:
        np.testing.assert_array_equal(rows, wanted_rows)
        np.testing.assert_array_equal(values, results[0][1])
        np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-4)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), V=st.integers(1, 2**32), D=st.integers(1, 20))
def test_any_ids(kernels, data, V, D):
    ids = np.array(data.draw(st.lists(st.integers(0, V - 1), max_size=60)), np.int64)
    gradient = np.random.default_rng(len(ids)).normal(size=(len(ids), D))
    rows, values = kernels.sum_by_row(ids, gradient, V)
    wanted_rows, wanted = summed(ids, gradient)
    np.testing.assert_array_equal(rows, wanted_rows)
    np.testing.assert_array_equal(values, wanted)


@pytest.mark.parametrize("bad", [64, 8121, -1, -(2**31)])
@pytest.mark.parametrize("id_type", [np.int32, np.int64])
@pytest.mark.parametrize("size", [5, 3000])
def test_the_first_id_outside_is_named(kernels, bad, id_type, size):
    ids = np.zeros((2, size), id_type)
    ids[0, 3] = bad
    ids[1, 1] = 99
    table = np.zeros((64, 10_000 if size == 5 else 2), np.float32)
    with pytest.raises(IndexError, match=rf"index {bad} at \(0, 3\) is outside \[0, 64\)") as found:
        kernels.gather_rows(table, ids)
    assert ("were the two swapped?" in str(found.value)) == (size == 5 and bad >= 0)
    with pytest.raises(IndexError, match=rf"index {bad} at \(0, 3\)"):
        kernels.sum_by_row(ids, np.zeros((2, size, 1), np.float32), 64)


def test_ids_beyond_32_bits_are_not_cut_short(kernels):
    table = np.zeros((8, 2), np.float32)
    with pytest.raises(IndexError, match=r"index 4294967297 at \(0,\)"):
        kernels.gather_rows(table, np.array([2**32 + 1]))
    with pytest.raises(IndexError, match="index 3 is outside"):
        kernels.gather_rows(np.zeros((0, 2)), np.array(3))


def test_wrong_arguments(kernels):
    table, ids = np.zeros((5, 3), np.float32), np.zeros((2, 2), np.int32)
    with pytest.raises(TypeError):
        kernels.gather_rows(table, ids.astype(np.float32))
    with pytest.raises(TypeError):
        kernels.gather_rows(table[:, ::2], ids)
    with pytest.raises(ValueError, match="must be a matrix"):
        kernels.gather_rows(table.ravel(), ids)
    with pytest.raises(ValueError, match="shape of ids and one axis more"):
        kernels.sum_by_row(ids, np.zeros((2, 3, 3), np.float32), 5)
    with pytest.raises(ValueError, match="shape of ids and one axis more"):
        kernels.sum_by_row(ids, np.zeros((2, 2), np.float32), 5)
    with pytest.raises(ValueError, match="more than 2"):
        kernels.sum_by_row(ids, np.zeros((2, 2, 3), np.float32), 2**33)
