"""Operations beyond their gradients: numpy's rules, types, random numbers, errors."""

import random

import numpy as np
import pytest

from lamina import ops
from lamina.autodiff import GradientTape, Tensor
from lamina.randomness import set_random_seed

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 5)),
        ((4,), (4,)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (6, 4, 5)),
        ((3, 4), (2, 4, 5)),
        ((2, 3, 4), (4,)),
        ((0, 4), (4, 5)),
        ((3, 0), (0, 5)),
        ((2, 0, 4), (2, 4, 5)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_matmul_is_that_of_numpy(a, b, dtype):
    a, b = ((GENERATOR.normal(size=shape) * 3).astype(dtype) for shape in (a, b))
    found = ops.matmul(a, b)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.matmul(a, b), rtol=1e-5, atol=1e-5)
    if a.ndim > 1 and b.ndim > 1:  # views whose memory is laid out another way
        found = ops.matmul(a[..., ::-1, :], np.asfortranarray(b))
        np.testing.assert_allclose(found, a[..., ::-1, :] @ b, rtol=1e-5, atol=1e-5)
        turned = np.swapaxes(np.ascontiguousarray(np.swapaxes(a, -1, -2)), -1, -2)
        np.testing.assert_allclose(ops.matmul(turned, b), a @ b, rtol=1e-5, atol=1e-5)


def test_products_by_other_names():
    a, b = GENERATOR.normal(size=(2, 3, 4)), GENERATOR.normal(size=(4, 5))
    np.testing.assert_allclose(ops.dot(a, b), np.dot(a, b))
    np.testing.assert_allclose(ops.dot(a, np.stack([b, b])), np.dot(a, np.stack([b, b])))
    np.testing.assert_allclose(ops.tensordot(a, b, 1), np.tensordot(a, b, 1))
    np.testing.assert_allclose(ops.outer(a, b), np.outer(a, b))
    np.testing.assert_allclose(Tensor(a) @ Tensor(b), a @ b)


def test_shapes_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"matmul: shapes \(3, 4\) and \(3, 4\)"):
        ops.matmul(np.ones((3, 4)), np.ones((3, 4)))
    with pytest.raises(ValueError, match="a number is no matrix"):
        ops.matmul(np.ones((3, 4)), 2.0)
    with pytest.raises(ValueError, match=r"dense: x \(3, 4\) must end in the rows of kernel"):
        ops.dense(np.ones((3, 4)), np.ones((3, 4)), None)


def test_types():
    assert ops.tanh([1, 2]).dtype == np.float32
    assert ops.exp(np.arange(3)).dtype == np.float32
    assert ops.exp(np.arange(3.0)).dtype == np.float64
    assert ops.exp(0.5).shape == ()
    x = np.ones((2, 3), np.float32)
    assert ops.dense(x, np.ones((3, 2)), None).dtype == np.float64
    assert ops.softmax(x, axis=(0, 1)).dtype == np.float32
    assert ops.matmul(x, np.ones((3, 2))).dtype == np.float64


def test_zero_dimensional_gradients():
    x = Tensor(np.array(0.7))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.tanh(x) * ops.exp(x)
    gradient = tape.backward(y, [x])[0]
    assert np.shape(gradient) == ()
    t = np.tanh(0.7)
    np.testing.assert_allclose(gradient, np.exp(0.7) * (1 - t * t + t))


def test_random_numbers_follow_the_seed():
    found = []
    for _ in range(2):
        set_random_seed(5)
        found.append(
            [
                ops.random_normal((3, 4), 2, 0.1).data,
                ops.random_uniform((5,), -1, 1, dtype="float64").data,
                ops.dropout(np.ones(100), 0.5).data,
                np.random.normal(size=3),  # noqa: NPY002 - what programs draw themselves
                random.random(),
            ]
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[0][0].dtype == np.float32
    assert found[0][1].dtype == np.float64
    assert (ops.dropout(np.ones(100), 0.5).data != found[0][2]).any()
    np.testing.assert_array_equal(ops.random_normal((4,), seed=3), ops.random_normal((4,), seed=3))
    for seed in (-1, 1 << 32):
        with pytest.raises(ValueError, match="wanted a seed from 0 to"):
            set_random_seed(seed)


def test_dropout_draws_its_gradient_with_the_same_mask():
    x = Tensor(np.ones((50, 40), np.float32))
    for noise_shape in (None, (None, 1), (1, 40)):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.dropout(x, 0.3, noise_shape=noise_shape)
        gradient = tape.backward(y, [x], np.ones((50, 40), np.float32))[0]
        np.testing.assert_array_equal(gradient, y.data)
        assert 0 < (gradient == 0).mean() < 1


def test_labels_outside_the_classes():
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"label 3 at \(1,\) is outside \[0, 3\)"):
        ops.sparse_categorical_crossentropy([0, 3], x, from_logits=True)
    with pytest.raises(ValueError, match="label 0.5 at .* is no whole number"):
        ops.sparse_categorical_crossentropy([0, 0.5], x)


def test_binary_crossentropy_is_element_by_element():
    t, p = np.array([[1.0, 0.0]]), np.array([[0.9, 0.2]])
    np.testing.assert_allclose(ops.binary_crossentropy(t, p), -np.log([[0.9, 0.8]]))


@pytest.mark.parametrize("interpolation", ["cubic", None, ["nearest"]])
@pytest.mark.parametrize("enlarge", [ops.resize, ops.upsample])
def test_an_interpolation_that_is_none(enlarge, interpolation):
    for _ in range(2):  # what was refused once is not remembered as known
        with pytest.raises(ValueError, match="interpolation must be one of 'nearest', 'bilinear'"):
            enlarge(np.zeros((1, 2, 2, 1), np.float32), (4, 4), interpolation)
