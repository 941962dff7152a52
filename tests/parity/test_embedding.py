"""The Embedding layer: beside Keras's, its mistakes, and a table that is trained by rows."""

import numpy as np
import pytest
from keras_beside import compare_configs, compare_layers, keras

from lamina import layers, ops
from lamina.autodiff import GradientTape, RowGrad, Tensor

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("shape", [(2, 3), (5,), (4, 2, 3), (0, 3), (40, 30)])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_layer(shape, dtype):
    ids = np.random.default_rng(0).integers(0, 12, shape).astype(dtype)
    ours, theirs = layers.Embedding(12, 7), keras.layers.Embedding(12, 7)
    if ids.dtype.kind == "f":  # a gradient by the ids themselves is asked of both otherwise
        theirs.build(shape)
        ours(ids)
        ours.set_weights([np.asarray(theirs.embeddings.value)])
        np.testing.assert_array_equal(ours(ids).numpy(), np.asarray(theirs(ids)))
    else:
        compare_layers(ours, theirs, ids)
    assert ours.compute_output_shape((None, 3)) == theirs.compute_output_shape((None, 3))


@pytest.mark.parametrize("arguments", [
    {}, {"mask_zero": True}, {"embeddings_initializer": "he_normal", "name": "words"},
    {"embeddings_regularizer": "l2", "embeddings_constraint": "unit_norm", "trainable": False},
])  # fmt: skip
def test_config(arguments):
    compare_configs(
        layers.Embedding(12, 7, **arguments), keras.layers.Embedding(12, 7, **arguments)
    )


def test_a_config_of_keras_makes_the_same_layer():
    theirs = keras.layers.Embedding(12, 7, mask_zero=True, embeddings_initializer="he_normal")
    ours = layers.Embedding.from_config(theirs.get_config())
    assert (ours.input_dim, ours.output_dim, ours.mask_zero) == (12, 7, True)
    assert type(ours.embeddings_initializer).__name__ == "HeNormal"


def test_mask():
    ids = np.array([[3, 0, 1], [0, 0, 2]])
    np.testing.assert_array_equal(layers.Embedding(4, 2, mask_zero=True)(ids).mask, ids != 0)
    assert layers.Embedding(4, 2)(ids).mask is None


def test_weights_and_length():
    table = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    for given in (table, [table]):
        layer = layers.Embedding(4, 3, weights=given, trainable=False)
        np.testing.assert_array_equal(layer(np.array([2, 0])).numpy(), table[[2, 0]])
        assert layer.trainable_weights == []
    with pytest.raises(ValueError, match=r"embeddings has the shape \(4, 5\), got an array"):
        layers.Embedding(4, 5, weights=table)
    assert layers.Embedding(4, 3, input_length=6).get_config()["input_length"] == 6


@pytest.mark.parametrize("training", [False, True])
def test_an_id_outside_is_named_with_its_likely_cause(training):
    layer = layers.Embedding(64, 10_000)
    ids = np.zeros((2, 5), np.int32)
    layer(ids)
    before = layer.get_weights()[0].copy()
    ids[0, 3] = 8121
    with pytest.raises(IndexError) as caught, GradientTape():
        layer(ids, training=training)
    assert str(caught.value) == (
        f"Embedding '{layer.name}': index 8121 at (0, 3) is outside [0, 64). input_dim=64, "
        f"output_dim=10000: were the two swapped?"
    )
    np.testing.assert_array_equal(layer.get_weights()[0], before)
    with pytest.raises(IndexError, match=r"index -1 at \(1, 0\) is outside \[0, 64\)"):
        layer(np.array([[0], [-1]]))


def test_wrong_arguments_and_ids():
    with pytest.raises(ValueError, match="input_dim must be a whole number above 0, got 0"):
        layers.Embedding(0, 3)
    with pytest.raises(ValueError, match="output_dim must be a whole number above 0, got 2.5"):
        layers.Embedding(3, 2.5)
    with pytest.raises(ValueError, match=r"Embedding 'e': index 0.5 at \(0, 1\) is not a whole"):
        layers.Embedding(3, 2, name="e")(np.array([[0, 0.5]]))
    with pytest.raises(ValueError, match="is not a whole number"):
        layers.Embedding(3, 2)(np.array([np.nan]))


def test_the_gradient_is_of_the_rows_that_occur():
    layer = layers.Embedding(1000, 4)
    ids = np.array([[7, 3, 7], [999, 3, 7]])
    with GradientTape() as tape:
        loss = ops.sum(layer(ids) * np.arange(6.0, dtype=np.float32).reshape(2, 3, 1))
    (gradient,) = tape.backward(loss, layer.trainable_weights)
    assert isinstance(gradient, RowGrad)
    np.testing.assert_array_equal(gradient.rows, [3, 7, 999])
    np.testing.assert_array_equal(gradient.values, np.repeat([[5], [7], [3]], 4, 1))


def test_one_table_looked_up_twice():
    layer = layers.Embedding(10, 2)
    with GradientTape() as tape:
        loss = ops.sum(layer(np.array([1, 2]))) + ops.sum(layer(np.array([2, 5])))
    (gradient,) = tape.backward(loss, layer.trainable_weights)
    np.testing.assert_array_equal(gradient.rows, [1, 2, 5])
    np.testing.assert_array_equal(gradient.values, [[1, 1], [2, 2], [1, 1]])


def test_in_double_precision():
    layer = layers.Embedding(5, 3, dtype="float64")
    assert layer(np.array([1])).dtype == np.float64
    assert ops.embedding(np.array([1]), Tensor(np.eye(3)[::-1])).numpy().tolist() == [[0, 1, 0]]
