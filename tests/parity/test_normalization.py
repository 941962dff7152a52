"""Normalisation layers beside Keras's: outputs, gradients, moving statistics, masks, configs."""

import numpy as np
import pytest
from keras_beside import assert_close, compare_configs, compare_layers, copy_weights, keras

from lamina import layers, regularizers


def draw(*shape, offset=0.5):
    return (np.random.default_rng(3).normal(size=shape) * 2 + offset).astype(np.float32)


BATCH = [
    ({}, (8, 5)),
    ({}, (4, 6, 3)),
    ({"center": False}, (4, 5, 6, 3)),
    ({"scale": False}, (9, 40)),
    ({"axis": 1}, (6, 3, 4)),
    ({"axis": 1}, (5, 4, 3, 2)),
    ({"epsilon": 1e-5, "momentum": 0.7}, (6, 4)),
    ({"center": False, "scale": False}, (6, 4)),
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("arguments", "shape"), BATCH)
def test_batch_normalization(arguments, shape, training):
    ours = layers.BatchNormalization(**arguments)
    theirs = keras.layers.BatchNormalization(**arguments)
    compare_layers(ours, theirs, draw(*shape), training=training)
    compare_configs(ours, theirs)


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalization_with_a_mask(training):
    mask = np.random.default_rng(0).random((5, 7)) < 0.6
    compare_layers(
        layers.BatchNormalization(),
        keras.layers.BatchNormalization(),
        draw(5, 7, 4),
        training=training,
        mask=mask,
    )


RENORM = [{}, {"rmax": 1.2, "rmin": 0.8, "dmax": 0.1}, {"dmax": 0.3}]


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [({}, False), ({"momentum": 0.8}, True), ({"axis": 1}, False)]
    + [({"renorm": True, "renorm_clipping": clip, "momentum": 0.9}, False) for clip in RENORM],
)
def test_statistics_move_as_keras_moves_them(arguments, masked):
    shape = (6, 4, 3)
    mask = np.random.default_rng(0).random((6, 4)) < 0.7 if masked else None
    ours = layers.BatchNormalization(**arguments)
    theirs = keras.layers.BatchNormalization(**arguments)
    ours.build(shape)
    theirs.build(shape)
    ours.built = True
    copy_weights(ours, theirs)
    for step in range(4):
        x = np.random.default_rng(step).normal(size=shape).astype(np.float32) * 3 + step
        assert_close(
            ours(x, training=True, mask=mask), theirs(x, training=True, mask=mask), "output"
        )
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        assert_close(mine, other, other.name)
    assert_close(ours(x), theirs(x), "output of inference")


def test_a_frozen_layer_is_in_inference_mode():
    ours, theirs = layers.BatchNormalization(), keras.layers.BatchNormalization()
    x = draw(6, 4)
    for layer in (ours, theirs):
        layer(x)
    copy_weights(ours, theirs)
    before = ours.get_weights()
    for layer in (ours, theirs):
        layer.trainable = False
        assert layer.trainable_weights == []
    assert_close(ours(x, training=True), theirs(x, training=True), "output")
    for mine, other in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_an_empty_batch_moves_nothing():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    layer.built = True
    before = layer.get_weights()
    assert layer(np.zeros((0, 3), np.float32), training=True).shape == (0, 3)
    for mine, other in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)


LAYER = [
    ({}, (4, 5)),
    ({}, (3, 4, 70)),
    ({"axis": 1}, (3, 4, 5)),
    ({"axis": [1, 2]}, (3, 4, 5)),
    ({"axis": [2, 1], "epsilon": 1e-5}, (3, 4, 5, 2)),
    ({"axis": [-1, -2]}, (3, 4, 5)),
    ({"axis": [1, 3]}, (2, 3, 4, 5)),
    ({"center": False}, (4, 6)),
    ({"scale": False}, (4, 6)),
]


@pytest.mark.parametrize(("arguments", "shape"), LAYER)
def test_layer_normalization(arguments, shape):
    ours = layers.LayerNormalization(**arguments)
    theirs = keras.layers.LayerNormalization(**arguments)
    compare_layers(ours, theirs, draw(*shape))
    compare_configs(ours, theirs)


@pytest.mark.filterwarnings("ignore:.*rms_scaling=True`, which is deprecated")
@pytest.mark.parametrize(("axis", "shape"), [(-1, (4, 6)), ([1, 2], (3, 4, 5))])
def test_layer_normalization_by_the_deviation_alone(axis, shape):
    with pytest.warns(UserWarning, match="rms_scaling=True divides by the deviation"):
        ours = layers.LayerNormalization(axis=axis, rms_scaling=True)
    with pytest.warns(UserWarning, match="deprecated"):
        theirs = keras.layers.LayerNormalization(axis=axis, rms_scaling=True)
    compare_layers(ours, theirs, draw(*shape))


GROUP = [
    # Of two numbers a group makes -1 and 1, whose gradient is rounding alone: a group has more.
    ({"groups": 2}, (3, 10)),
    ({"groups": 3}, (2, 5, 6)),
    ({"groups": 1}, (2, 5, 4, 6)),
    ({"groups": -1}, (2, 7, 6)),
    ({"groups": 2, "axis": 1}, (3, 4, 5, 3)),
    ({"groups": 2, "center": False, "epsilon": 1e-5}, (2, 5, 4)),
    ({"groups": 4, "scale": False}, (2, 5, 8)),
    ({}, (2, 5, 64)),
]


@pytest.mark.parametrize(("arguments", "shape"), GROUP)
def test_group_normalization(arguments, shape):
    ours = layers.GroupNormalization(**arguments)
    theirs = keras.layers.GroupNormalization(**arguments)
    compare_layers(ours, theirs, draw(*shape))
    compare_configs(ours, theirs)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (4, 5)), (1, (3, 4, 2)), ([1, 2], (3, 4, 5))])
def test_unit_normalization(axis, shape):
    ours, theirs = layers.UnitNormalization(axis=axis), keras.layers.UnitNormalization(axis=axis)
    compare_layers(ours, theirs, draw(*shape))
    compare_configs(ours, theirs)


def test_a_sample_of_zeros_has_no_length():
    x = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(layers.UnitNormalization()(x).data, 0)


@pytest.mark.parametrize(
    "kind", [layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization]
)
def test_shapes_of_a_graph(kind):
    inputs = layers.Input((None, 4))
    layer = kind()
    assert layer(inputs).shape == (None, None, 4)
    assert layer.compute_output_shape((None, 7, 4)) == (None, 7, 4)


def test_masks_pass_through():
    x = layers.Masking()(np.array([[[1.0, 2.0], [0.0, 0.0]]], np.float32))
    for kind in (layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization):
        np.testing.assert_array_equal(kind()(x).mask, [[True, False]])


def test_weights_have_their_regularizers():
    layer = layers.BatchNormalization(beta_constraint=np.abs, gamma_regularizer=lambda w: w.sum())
    layer.build((None, 3))
    assert layer.gamma.regularizer is not None
    assert layer.beta.constraint is np.abs
    assert regularizers.get(None) is None


@pytest.mark.parametrize(
    ("make", "shape", "error", "text"),
    [
        (lambda: layers.BatchNormalization(axis=3), (2, 4), ValueError, "has no axis 3"),
        (lambda: layers.LayerNormalization(axis=[1, 2]), (2, 4), ValueError, "has no axis 2"),
        (lambda: layers.UnitNormalization(axis=2), (2, 4), ValueError, "has no axis 2"),
        (lambda: layers.GroupNormalization(3), (2, 4), ValueError, "4 channels.*groups=3"),
        (lambda: layers.GroupNormalization(0), (2, 4), ValueError, "positive whole number"),
        (lambda: layers.LayerNormalization(axis="x"), (2, 4), TypeError, "axis must be"),
        (lambda: layers.BatchNormalization(synchronized=True), (2, 4), ValueError, "one CPU"),
        (
            lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1}),
            (2, 4),
            ValueError,
            "got .'max'",
        ),
        (lambda: layers.BatchNormalization(gamma="ones"), (2, 4), TypeError, "'gamma'"),
    ],
)
def test_wrong_arguments(make, shape, error, text):
    with pytest.raises(error, match=text):
        make()(np.ones(shape, np.float32))


def test_wrong_inputs_are_named():
    layer = layers.BatchNormalization(name="norm")
    layer(np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match="'norm': got an input of shape .*wanted size 4"):
        layer(np.ones((2, 5), np.float32))
    with pytest.raises(ValueError, match="'norm': got a mask of shape"):
        layer(np.ones((2, 4), np.float32), mask=np.ones((2, 4), bool))
