"""A graph that runs again on inputs of the same kind skips checks, and nothing else."""

import numpy as np
import pytest

from lamina import layers, ops
from lamina.autodiff import Tensor
from lamina.models import Model, Sequential


def numbers(*shape):
    return np.random.default_rng(sum(shape)).random(shape, np.float32)


def test_other_sizes_and_types_are_checked_again():
    inputs = layers.Input((None,))
    model = Model(inputs, layers.Dense(3, name="narrow")(layers.Dense(4)(inputs[:, :5])))
    first = model.predict(numbers(2, 6))
    model.predict(numbers(2, 6))
    with pytest.raises(ValueError, match="wanted size 5"):
        model.predict(numbers(2, 4))
    np.testing.assert_array_equal(model.predict(numbers(2, 6)), first)
    wider = model.predict(numbers(2, 6).astype(np.float64))
    assert wider.dtype == np.float32
    np.testing.assert_allclose(wider, first, rtol=1e-6)


def test_a_mask_that_comes_later_is_heeded():
    model = Sequential([layers.Input((None, 2)), layers.Activation("linear"), layers.LSTM(3)])
    x = numbers(2, 4, 2)
    plain = model(x).data
    np.testing.assert_array_equal(model(x).data, plain)
    masked = Tensor(x)
    masked.mask = np.array([[True, True, False, False]] * 2)
    np.testing.assert_allclose(model(masked).data, model(x[:, :2]).data, rtol=1e-6)
    np.testing.assert_array_equal(model(x).data, plain)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_embeddings_with_and_without_masks(mask_zero):
    inputs = layers.Input((5,), dtype="int32")
    embedded = layers.Embedding(7, 3, mask_zero=mask_zero)(inputs)
    model = Model(inputs, layers.GlobalAveragePooling1D()(embedded))
    ids = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2]], np.int32)
    vectors = model.layers[1].embeddings.data[ids]
    counted = (ids != 0) if mask_zero else np.ones_like(ids, bool)
    wanted = (vectors * counted[..., None]).sum(1) / counted.sum(1, keepdims=True)
    for _ in range(3):
        np.testing.assert_allclose(model.predict(ids), wanted, rtol=1e-6)


def test_a_layer_that_makes_masks_of_its_own_is_never_cut_short():
    class Even(layers.Layer):
        """Masks what its first number says."""

        def call(self, inputs):
            return inputs

        def compute_mask(self, inputs, mask=None):
            return np.asarray(inputs)[..., 0] > 0.5 if np.asarray(inputs).max() > 0.5 else None

    model = Sequential([layers.Input((3, 1)), Even(), layers.GlobalAveragePooling1D()])
    low = np.full((1, 3, 1), 0.25, np.float32)
    np.testing.assert_allclose(model.predict(low), [[0.25]])
    np.testing.assert_allclose(model.predict(low), [[0.25]])
    low[0, 1] = 0.75
    np.testing.assert_allclose(model.predict(low), [[0.75]])


def test_training_and_inference_stay_apart():
    model = Sequential([layers.Input((50,)), layers.Dropout(0.5)])
    x = np.ones((4, 50), np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(model(x).data, x)
        assert (model(x, training=True).data == 0).any()
        np.testing.assert_array_equal(model.predict(x), x)


def test_a_regularizer_that_is_set_later_is_heeded():
    model = Sequential([layers.Input((3,)), layers.Activation("linear"), layers.Activation("tanh")])
    x = numbers(2, 3)
    model(x)
    model(x)
    assert model.losses == []
    model.layers[0].activity_regularizer = ops.sum
    model(x)
    assert len(model.losses) == 1


def test_an_error_of_a_later_run_names_its_layer():
    model = Sequential([layers.Input((2,), dtype="int32"), layers.Embedding(5, 3, name="words")])
    model.predict(np.array([[1, 2]], np.int32))
    with pytest.raises(IndexError, match=r"words.*index 9 at \(0, 1\)"):
        model.predict(np.array([[1, 9]], np.int32))


def test_a_layer_that_is_put_in_later_is_run():
    model = Sequential([layers.Input((3,)), layers.Dense(2)])
    x = numbers(2, 3)
    before = model.predict(x)
    model.predict(x)
    model.add(layers.Activation("relu"))
    np.testing.assert_array_equal(model.predict(x), np.maximum(before, 0))
    model.pop()
    np.testing.assert_array_equal(model.predict(x), before)
