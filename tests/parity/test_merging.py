"""Merging layers beside Keras's: outputs, gradients, masks, shapes; errors that name sources."""

import numpy as np
import pytest
from keras_beside import assert_close, compare_configs, compare_layers, keras

from lamina import layers
from lamina.autodiff import Tensor

KINDS = ["Add", "Multiply", "Average", "Maximum", "Minimum"]


def draw(*shapes):
    generator = np.random.default_rng(5)
    return [generator.normal(size=shape).astype(np.float32) for shape in shapes]


SHAPES = [
    [(3, 4), (3, 4)],
    [(3, 4), (3, 4), (3, 4)],
    [(3, 4, 5), (3, 1, 5), (3, 4, 1)],
    [(3, 4, 5), (3, 5)],
    [(3, 2), (3, 4, 5, 2), (3, 5, 2)],
    [(3, 4)],
]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_merged_as_keras_merges(kind, shapes):
    ours, theirs = getattr(layers, kind)(), getattr(keras.layers, kind)()
    inputs = draw(*shapes)
    compare_layers(ours, theirs, inputs)
    compare_configs(ours, theirs)
    known = [(None, *shape[1:]) for shape in shapes]
    assert ours.compute_output_shape(known) == theirs.compute_output_shape(known)
    function = getattr(layers, kind.lower())
    np.testing.assert_array_equal(function(inputs).data, ours(inputs).data)


def test_subtract():
    inputs = draw((3, 4), (3, 4))
    compare_layers(layers.Subtract(), keras.layers.Subtract(), inputs)
    np.testing.assert_array_equal(layers.subtract(inputs).data, inputs[0] - inputs[1])


@pytest.mark.parametrize("axis", [-1, 1, 2, -2])
def test_concatenate(axis):
    shapes = [(2, 3, 4), (2, 3, 4), (2, 3, 4)]
    shapes[1] = tuple(5 if i == axis % 3 else n for i, n in enumerate(shapes[1]))
    ours, theirs = layers.Concatenate(axis=axis), keras.layers.Concatenate(axis=axis)
    inputs = draw(*shapes)
    compare_layers(ours, theirs, inputs)
    compare_configs(ours, theirs)
    known = [(None, *shape[1:]) for shape in shapes]
    assert ours.compute_output_shape(known) == theirs.compute_output_shape(known)
    np.testing.assert_array_equal(
        layers.concatenate(inputs, axis=axis).data, np.concatenate(inputs, axis=axis)
    )


DOTS = [
    (1, [(3, 4), (3, 4)]),
    (-1, [(3, 4), (3, 4)]),
    ((1, 2), [(2, 3, 5), (2, 4, 3)]),
    ((2, 1), [(2, 3, 5), (2, 5, 4)]),
    ((2, 2), [(2, 3, 5), (2, 4, 5)]),
    (-1, [(2, 3, 5), (2, 4, 5)]),
    ((1, 2), [(3, 4), (3, 5, 4)]),
    ((2, 1), [(3, 5, 4), (3, 4)]),
    ((3, 1), [(2, 3, 2, 5), (2, 5, 2, 3)]),
    ((2, 2), [(2, 3, 5, 2), (2, 2, 5, 3)]),
]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(("axes", "shapes"), DOTS)
def test_dot(axes, shapes, normalize):
    ours = layers.Dot(axes, normalize=normalize)
    theirs = keras.layers.Dot(axes, normalize=normalize)
    inputs = draw(*shapes)
    compare_layers(ours, theirs, inputs)
    compare_configs(ours, theirs)
    known = [(None, *shape[1:]) for shape in shapes]
    assert ours.compute_output_shape(known) == theirs.compute_output_shape(known)
    np.testing.assert_array_equal(
        layers.dot(inputs, axes=axes, normalize=normalize).data, ours(inputs).data
    )


def masked(arrays, masks):
    """Both sides' tensors with masks; None is no mask."""
    mine, theirs = [], []
    for array, mask in zip(arrays, masks, strict=True):
        tensor, other = Tensor(array), keras.ops.convert_to_tensor(array)
        if mask is not None:
            tensor.mask = mask
            other._keras_mask = keras.ops.convert_to_tensor(mask)
        mine.append(tensor)
        theirs.append(other)
    return mine, theirs


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("kind", [*KINDS, "Subtract", "Concatenate"])
def test_masks_are_merged_as_keras_merges_them(kind, number):
    generator = np.random.default_rng(number)
    arrays = draw((4, 5, 3), (4, 5, 3))
    masks = [generator.random((4, 5)) < 0.5 for _ in arrays]
    if number:
        masks[number - 1] = None
    mine, theirs = masked(arrays, masks)
    ours, other = getattr(layers, kind)(), getattr(keras.layers, kind)()
    output, expected = ours(mine), other(theirs)
    assert_close(output, expected, "output")
    mask = getattr(expected, "_keras_mask", None)
    assert (output.mask is None) == (mask is None)
    if mask is not None:
        np.testing.assert_array_equal(output.mask, np.asarray(mask))


def test_sources_are_named():
    image = layers.Input((8, 8, 3), name="image")
    one = layers.Identity(name="left")(image)
    two = layers.Reshape((4, 16, 3), name="right")(image)
    with pytest.raises(ValueError, match="padding='same'") as caught:
        layers.Add(name="sum")([one, two])
    message = str(caught.value)
    assert message.startswith("Add 'sum': cannot merge shapes (None, 8, 8, 3) from 'left' and ")
    assert "(None, 4, 16, 3) from 'right'" in message
    assert message.count("Add 'sum'") == 1
    with pytest.raises(ValueError, match="'left' and .*'right' along axis -1: height and width"):
        layers.Concatenate()([one, two])
    with pytest.raises(ValueError, match="different numbers of features"):
        layers.Add()([layers.Input((3,)), layers.Input((4,))])
    with pytest.raises(ValueError, match=r"\(2, 3\) as input 0 and \(2, 4\) as input 1"):
        layers.add(draw((2, 3), (2, 4)))
    with pytest.raises(ValueError, match=r"\(2, 3\) as input 0 and \(5, 3\) as input 1"):
        layers.add(draw((2, 3), (5, 3)))
    with pytest.raises(ValueError, match="Flatten"):
        layers.Concatenate()([layers.Input((3,)), layers.Input((4, 3))])


@pytest.mark.parametrize(
    ("make", "inputs", "error", "text"),
    [
        (layers.Add, np.ones((2, 3)), ValueError, "square brackets"),
        (layers.Subtract, [np.ones((2, 3))] * 3, ValueError, "wanted 2 inputs, got 3"),
        (lambda: layers.Dot("x"), [np.ones((2, 3))] * 2, TypeError, "axes must be"),
        (lambda: layers.Dot((1, 2, 3)), [np.ones((2, 3))] * 2, ValueError, "a pair"),
        (lambda: layers.Dot(0), [np.ones((2, 3))] * 2, ValueError, "axis 0"),
        (lambda: layers.Dot(2), [np.ones((2, 3))] * 2, ValueError, "axes 1 to 1"),
        (lambda: layers.Dot(1), [np.ones((2, 3)), np.ones((2, 4))], ValueError, "sizes 3 .* and 4"),
        (lambda: layers.Concatenate(3), [np.ones((2, 3))] * 2, ValueError, "no axis 3"),
    ],
)
def test_wrong_inputs(make, inputs, error, text):
    with pytest.raises(error, match=text):
        make()(inputs)


def test_a_later_call_with_shapes_that_do_not_match():
    layer = layers.Add()
    layer(draw((2, 3), (2, 3)))
    with pytest.raises(ValueError, match=r"\(2, 3\) as input 0 and \(2, 5\) as input 1"):
        layer(draw((2, 3), (2, 5)))
