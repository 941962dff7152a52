"""The base of every layer: building, weights, modes, masks, configs and messages."""

import warnings

import numpy as np
import pytest
from small_models import Linear, ones

import lamina
from lamina import ops
from lamina.autodiff import Tensor, Variable
from lamina.layers import Input, InputSpec, Layer
from lamina.layers.naming import reset_names, unique_name


class Block(Layer):
    """Layers in an attribute, a list and a dict."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Linear(3, name="first")
        self.many = [Linear(3, name="second")]
        self.named = {"last": Linear(2, name="third")}

    def call(self, inputs):
        return self.named["last"](self.many[0](self.first(inputs)))


def test_a_layer_is_built_by_its_first_call_alone():
    layer = Linear(2)
    assert not layer.built
    assert layer.weights == []
    assert layer(ones(3, 4)).shape == (3, 2)
    kernel = layer.kernel
    layer(ones(5, 4))
    assert layer.kernel is kernel
    assert [v.shape for v in layer.weights] == [(4, 2), (2,), (4,)]


def test_weights_are_in_keras_order_those_that_are_trained_first():
    layer = Linear(2, name="linear")
    layer(ones(1, 4))
    assert [v.path for v in layer.weights] == ["linear/kernel", "linear/bias", "linear/mean"]
    assert [v.name for v in layer.trainable_weights] == ["kernel", "bias"]
    assert [v.name for v in layer.non_trainable_weights] == ["mean"]
    assert layer.count_params() == 8 + 2 + 4


def test_order_of_nested_weights_is_that_of_real_keras():
    from parity.keras_beside import keras

    class KerasLinear(keras.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        build = Linear.build

        def call(self, inputs):
            return inputs @ self.kernel + self.bias

    class KerasBlock(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = KerasLinear(3, name="first")
            self.many = [KerasLinear(3, name="second")]
            self.named = {"last": KerasLinear(2, name="third")}

        call = Block.call

    ours, theirs = Block(), KerasBlock()
    ours(ones(1, 4))
    theirs(ones(1, 4))
    for which in ("weights", "trainable_weights", "non_trainable_weights"):
        assert [tuple(v.shape) for v in getattr(ours, which)] == [
            tuple(v.shape) for v in getattr(theirs, which)
        ], which
    found = [[v.path.split("/")[-2:] for v in each.weights] for each in (ours, theirs)]
    assert found[0] == found[1]


def test_freezing_reaches_all_within_and_thaws_what_was_trained():
    block = Block()
    block(ones(1, 4))
    block.trainable = False
    assert block.trainable_weights == []
    assert len(block.non_trainable_weights) == 9
    assert not block.first.trainable
    block.trainable = True
    assert len(block.trainable_weights) == 6
    assert [v.name for v in block.non_trainable_weights] == ["mean"] * 3
    block.first.trainable = False
    assert len(block.trainable_weights) == 4
    frozen = Linear(2, trainable=False)
    frozen(ones(1, 4))
    assert frozen.trainable_weights == []
    frozen.trainable = True
    assert len(frozen.trainable_weights) == 2


def test_parts_are_found_however_they_come_and_go():
    """What was found is remembered from step to step: nothing may go unnoticed."""

    class Growing(Layer):
        def __init__(self):
            super().__init__()
            self.blocks, self.named, self.deep = [], {}, [[], {"a": []}]

    built = [Linear(3) for _ in range(5)]
    for each in built:
        each(ones(1, 2))
    layer = Growing()
    changes = [
        lambda: layer.blocks.append(built[0]),
        lambda: layer.named.update(last=built[1]),
        lambda: layer.deep[0].append(built[2]),
        lambda: layer.deep[1]["a"].append(built[3]),
        lambda: setattr(layer, "head", built[4]),
    ]
    assert layer.weights == []
    for number, change in enumerate(changes):
        change()
        assert len(layer.weights) == 3 * number + 3
    layer.blocks[0] = built[1]  # which it has already
    assert len(layer.weights) == 12
    layer.named.clear()
    layer.blocks.clear()
    assert len(layer.weights) == 9
    layer.head = None
    assert len(layer.weights) == 6
    del layer.deep
    assert layer.weights == []


def test_get_and_set_weights():
    layer = Linear(2, name="linear")
    with pytest.raises(ValueError, match="'linear'.*got 1 arrays, wanted 0.*not built yet"):
        layer.set_weights([ones(1)])
    layer(ones(1, 4))
    before = layer.get_weights()
    before[0][:] = 7  # a copy
    assert not (layer.kernel.data == 7).any()
    with pytest.raises(ValueError, match=r"got 2 arrays, wanted 3 \(kernel, bias, mean\)"):
        layer.set_weights(before[:2])
    with pytest.raises(ValueError, match=r"linear/bias has the shape \(2,\), got .* shape \(3,\)"):
        layer.set_weights([before[0], ones(3), before[2]])
    assert not (layer.kernel.data == 7).any(), "the wrong third array must not leave the first"
    layer.set_weights(before)
    assert (layer.kernel.data == 7).all()


def test_a_variable_as_an_attribute_is_a_weight():
    class Own(Layer):
        def __init__(self):
            super().__init__()
            self.gain = Variable(2.0, name="gain")

        def call(self, inputs):
            return inputs * self.gain

    layer = Own()
    assert layer(ones(1, 2)).tolist() == [[2, 2]]
    assert [v.name for v in layer.trainable_weights] == ["gain"]


def test_add_weight_says_what_it_wants():
    layer = Linear(2, name="linear")
    with pytest.raises(ValueError, match=r"'linear'.*'kernel' cannot have the shape \(None, 2\)"):
        layer.add_weight((None, 2), name="kernel")
    with pytest.raises(TypeError, match="shape must be a tuple, got 'early': name= is meant"):
        layer.add_weight("early", (2, 2))
    weight = layer.add_weight((2, 2), "ones", name="late")
    assert weight.path == "linear/late"
    assert weight.data.tolist() == [[1, 1], [1, 1]]
    assert layer.add_weight(3, "zeros").shape == (3,)
    assert layer.add_weight((2,), "zeros", dtype="int32").dtype == "int32"


def test_a_build_that_fails_leaves_nothing_behind():
    class Picky(Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight((input_shape[-1],))
            if input_shape[-1] != 4:
                raise ValueError("wanted 4 features")

        def call(self, inputs):
            return inputs * self.kernel

    layer = Picky(name="picky")
    with pytest.raises(ValueError, match="Picky 'picky': wanted 4 features"):
        layer(ones(1, 3))
    assert not layer.built
    layer(ones(1, 4))
    assert [v.shape for v in layer.weights] == [(4,)]


def test_what_a_layer_raises_names_it_once():
    class Wrong(Layer):
        def call(self, inputs):
            return inputs + ones(7)

    with pytest.raises(ValueError, match=r"^Wrong 'wrong': add: shapes \(2, 3\) and \(7,\)"):
        Wrong(name="wrong")(ones(2, 3))
    with pytest.raises(ValueError, match=r"^Wrong 'wrong': add: shapes"):
        Wrong(name="wrong")(Input((3,)))

    class Outer(Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = Wrong(name="inner")

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(ValueError, match="^Wrong 'inner': add"):
        Outer()(ones(2, 3))


def test_unknown_arguments_are_pythons_type_error():
    with pytest.raises(
        TypeError, match=r"Linear.__init__.. got an unexpected keyword .* 'strides'"
    ):
        Linear(2, strides=2)
    with pytest.raises(TypeError, match="'colour'"):
        Linear(2)(ones(1, 3), colour="red")
    with pytest.raises(TypeError, match=r"input_shape must be a tuple, got 64: \(64,\) is meant"):
        Linear(2, input_shape=64)


def test_input_specs():
    layer = Linear(2, name="linear")
    layer.input_spec = InputSpec(ndim=3, axes={-1: 4})
    with pytest.raises(
        ValueError, match=r"'linear'.*shape \(2, 4\) \(2 dimensions\), wanted 3 dim"
    ):
        layer(ones(2, 4))
    with pytest.raises(ValueError, match=r"shape \(2, 5, 3\), wanted size 4 in axis -1"):
        layer(ones(2, 5, 3))
    with pytest.raises(ValueError, match="is a Flatten.* missing"):
        layer(Input((5, 5, 4)))
    assert not layer.built
    layer(ones(2, 5, 4))
    layer.input_spec = [InputSpec(min_ndim=2), InputSpec(max_ndim=2)]
    with pytest.raises(ValueError, match="got 1 inputs, wanted 2"):
        layer(ones(2, 4))


def test_floats_become_the_layers_type_and_ids_stay_whole():
    seen = []

    class See(Layer):
        def call(self, inputs):
            seen.append(inputs.dtype.name)
            return inputs

    See()(np.ones((1, 2)))
    See()([1.0, 2.0])
    See()(np.ones((1, 2), np.int64))
    See(dtype="float64")(ones(1, 2))
    assert seen == ["float32", "float32", "int64", "float64"]
    lamina.set_floatx("float64")
    try:
        See()(ones(1, 2))
    finally:
        lamina.set_floatx("float32")
    assert seen[-1] == "float64"


@pytest.mark.parametrize(
    "data", [np.array(["a", "b"]), np.array([[1], [1, 2]], dtype=object), [["x"]], "x"]
)
def test_what_cannot_be_numbers_is_refused(data):
    with pytest.raises(TypeError, match="Linear 'linear'.*wanted numbers"):
        Linear(2, name="linear")(data)


class Mode(Layer):
    """Says in which mode it is called."""

    def call(self, inputs, training=None):
        self.seen = training
        return inputs


def test_the_mode_reaches_layers_within_and_ends_with_the_call():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.inner, self.fixed = Mode(), Mode()

        def call(self, inputs):
            return self.fixed(self.inner(inputs), training=False)

    outer = Outer()
    outer(ones(1, 1), training=True)
    assert outer.inner.seen is True
    assert outer.fixed.seen is False
    outer(ones(1, 1))
    assert outer.inner.seen is False
    outer.fixed = None
    with pytest.raises(TypeError, match="not callable"):
        outer(ones(1, 1), training=True)
    outer.fixed = Mode()
    outer(ones(1, 1))
    assert outer.inner.seen is False, "the mode must end where a call fails"


class MaskMaker(Layer):
    """Masks zeros."""

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0)

    def call(self, inputs):
        return ops.cast(inputs, "float32")[..., None]


class MaskUser(Layer):
    """Keeps the mask that it was given."""

    def call(self, inputs, mask=None):
        self.seen = mask
        return inputs


class Passing(Layer):
    """Lets masks through."""

    supports_masking = True

    def call(self, inputs):
        return inputs * 2


def test_masks_flow():
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    user = MaskUser()
    user(Passing()(MaskMaker()(ids)))
    np.testing.assert_array_equal(user.seen, ids != 0)
    user(ones(2, 3, 1))
    assert user.seen is None
    user(ones(2, 3, 1), mask=ids != 0)
    np.testing.assert_array_equal(user.seen, ids != 0)
    user(Passing()(ones(2, 3, 1)), mask=[[1, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(user.seen, ids != 0)


def test_masks_flow_through_graphs():
    from lamina.graph import Graph

    ids = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    user, inputs = MaskUser(), Input((None,), dtype="int32")
    graph = Graph(inputs, user(Passing()(MaskMaker()(inputs))))
    graph.run([Tensor(ids)])
    np.testing.assert_array_equal(user.seen, ids != 0)


def test_a_layer_that_cannot_carry_a_mask_says_so_once():
    class Breaks(Layer):
        def call(self, inputs):
            return ops.sum(inputs, axis=1)

    layer, masked = Breaks(name="breaks"), MaskMaker()(np.array([[1, 0]]))
    with pytest.warns(UserWarning, match="Breaks 'breaks' got an input with a mask"):
        assert layer(masked).mask is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(masked)


def test_losses_of_a_layer():
    class Penalty(Layer):
        def call(self, inputs):
            self.add_loss(ops.sum(inputs))
            return inputs

    layer = Penalty()
    layer(ones(2, 2))
    layer(ones(3, 2))
    assert [float(each) for each in layer.losses] == [6], "only the last pass counts"


def test_activity_regularizer_is_per_sample():
    layer = Linear(2, activity_regularizer=lambda y: ops.sum(ops.absolute(y)))
    out = layer(ones(5, 4))
    assert float(layer.losses[0]) == pytest.approx(np.abs(out.numpy()).sum() / 5, rel=1e-6)


def test_shapes_of_outputs():
    layer = Linear(2)
    assert layer(Input((None, 4))).shape == (None, None, 2)
    assert layer.input_shape == (None, None, 4)
    assert layer.output_shape == (None, None, 2)
    assert layer.compute_output_shape((None, 7, 4)) == (None, 7, 2)
    with pytest.raises(AttributeError, match="has no output: it was not called"):
        Linear(2).output  # noqa: B018


def test_names_count_from_one_for_each_class():
    reset_names()
    assert [Linear(1).name, Linear(1).name, Mode().name] == ["linear_1", "linear_2", "mode_1"]
    names = ["Dense", "Conv2D", "MaxPooling2D", "LSTM", "SimpleRNN", "GlobalMaxPooling1D", "ReLU"]
    assert [unique_name(name) for name in names] == [
        "dense_1",
        "conv2d_1",
        "max_pooling2d_1",
        "lstm_1",
        "simple_rnn_1",
        "global_max_pooling1d_1",
        "re_lu_1",
    ]
    assert Input((2,)).name == "input_1"
