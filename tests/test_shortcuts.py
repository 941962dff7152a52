"""A graph that runs again on inputs of the same kind skips checks, and nothing else."""

import copy
import pickle

import numpy as np
import pytest

from lamina import layers, ops
from lamina.autodiff import GradientTape, Tensor, Variable
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
    for _ in range(3):  # sums of numbers up to 0.05, which may cancel
        np.testing.assert_allclose(model.predict(ids), wanted, rtol=1e-6, atol=1e-8)


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


ALONE = {  # what is one operation, is more than one, has another activation or order of axes
    "convolution": lambda: layers.Conv2D(3, 2, activation="relu", padding="same"),
    "convolution in groups": lambda: layers.Conv2D(4, 2, groups=2, use_bias=False),
    "softmax": lambda: layers.Conv2D(3, 2, activation="softmax"),
    "channels first": lambda: layers.Conv2D(3, 2, data_format="channels_first"),
    "transposed": lambda: layers.Conv2DTranspose(3, 2, strides=2, activation="tanh"),
    "depthwise": lambda: layers.DepthwiseConv2D(2, depth_multiplier=2),
    "separable": lambda: layers.SeparableConv2D(3, 2),
    "largest": layers.MaxPooling2D,
    "mean": lambda: layers.AveragePooling2D(3, padding="same"),
    "larger": lambda: layers.UpSampling2D(2, interpolation="bilinear"),
    "padded": lambda: layers.ZeroPadding2D(1),
    "cropped": lambda: layers.Cropping2D(1),
    "of all": layers.GlobalMaxPooling2D,
    "dense": lambda: layers.Dense(3, activation="tanh"),
    "dense, softmax": lambda: layers.Dense(3, use_bias=False, activation="softmax"),
    "flat": layers.Flatten,
    "flat, channels first": lambda: layers.Flatten("channels_first"),
}


@pytest.mark.parametrize("make", ALONE.values(), ids=ALONE)
def test_layers_compute_the_same_again(make):
    inputs = layers.Input((6, 8, 4))
    layer = make()
    model = Model(inputs, layer(inputs))
    x = numbers(2, 6, 8, 4)
    first = layer(x).data
    for _ in range(3):
        np.testing.assert_array_equal(model(x).data, first)
    np.testing.assert_array_equal(model(x[1:]).data, layer(x[1:]).data)
    turned = np.asfortranarray(x)
    np.testing.assert_array_equal(model(turned).data, first)
    assert model(x[:0]).shape == (0, *first.shape[1:])
    if layer.weights:  # their own values, not a copy of them
        layer.set_weights([2 * w + 0.5 for w in layer.get_weights()])
        np.testing.assert_array_equal(model(x).data, layer(x).data)
        assert abs(model(x).data - first).max() > 0.01


def convolutional():
    inputs = layers.Input((5, 5, 1))
    model = Model(inputs, layers.Conv2D(2, 3, name="filters")(inputs))
    x = numbers(2, 5, 5, 1)
    for _ in range(2):
        model(x)
    return model, x


def test_a_tape_listens_to_what_runs_again():
    model, x = convolutional()
    layer, tensor = model.layers[1], Tensor(x)
    for _ in range(2):
        with GradientTape() as tape:
            tape.watch(tensor)
            loss = ops.sum(model(tensor))
        by_kernel, by_x = tape.gradient(loss, [layer.kernel, tensor])
        np.testing.assert_allclose(
            by_kernel.data[..., 0, 0],
            [[x[:, i : i + 3, j : j + 3].sum() for j in range(3)] for i in range(3)],
            rtol=1e-5,
        )
        np.testing.assert_allclose(by_x.data[0, 0, 0, 0], layer.kernel.data[0, 0].sum(), rtol=1e-5)


def test_a_mask_and_a_regularizer_that_come_later_stop_at_a_convolution():
    model, x = convolutional()
    masked = Tensor(x)
    masked.mask = np.ones((2, 5), bool)
    with pytest.warns(UserWarning, match="'filters' got an input with a mask"):
        model(masked)
    for _ in range(3):
        model(x)
    model.layers[1].__dict__["activity_regularizer"] = ops.sum  # unseen by the structure's count
    for _ in range(3):
        y = model(x)
        (loss,) = model.losses
        np.testing.assert_allclose(loss.data, y.data.sum() / 2, rtol=1e-5)
        x = x + 1


def test_sequences_compute_the_same_again():
    inputs = layers.Input((9,), dtype="int32")
    x = layers.Embedding(20, 4)(inputs)
    x = layers.MaxPooling1D(2)(layers.Conv1D(5, 3, padding="causal", activation="relu")(x))
    model = Model(inputs, layers.UpSampling1D(3)(x))
    ids = np.arange(18, dtype=np.int32).reshape(2, 9)
    with GradientTape():  # runs every layer's call
        wanted = model(ids).data
    for some in (ids, ids[1:], ids[:0], np.ascontiguousarray(ids.T).T):
        np.testing.assert_array_equal(model(some).data, wanted[2 - len(some) :])
    np.testing.assert_array_equal(model(ids.astype(np.int64)).data, wanted)
    with pytest.raises(IndexError, match="'embedding.*index 20 at"):
        model(ids + 3)


def test_an_activation_and_a_call_that_are_set_later_are_used():
    model = Sequential([layers.Input((3,)), layers.Dense(4)])
    layer, x = model.layers[-1], numbers(2, 3) - 0.5
    layer.set_weights([np.arange(12).reshape(3, 4) - 5, np.zeros(4)])
    plain = model(x).data
    np.testing.assert_array_equal(model(x).data, plain)
    assert plain.min() < 0
    layer.activation = ops.relu
    for _ in range(3):
        np.testing.assert_array_equal(model(x).data, np.maximum(plain, 0))
    layer.activation = None
    with pytest.raises(TypeError, match="not callable"):
        model(x)
    layer.activation = ops.relu
    layer.call = lambda inputs: 3 * inputs
    for _ in range(3):
        np.testing.assert_array_equal(model(x).data, 3 * x)
    del layer.call
    for _ in range(3):
        np.testing.assert_array_equal(model(x).data, np.maximum(plain, 0))


def test_options_that_are_set_later_are_used():
    inputs = layers.Input((2, 2, 1))
    larger, flat = layers.UpSampling2D(2), layers.Flatten()
    filters = layers.Conv2D(2, 1)
    model = Model(inputs, flat(filters(larger(inputs))))
    filters.set_weights([np.reshape([1.0, -2.0], (1, 1, 1, 2)), np.zeros(2)])
    x = np.reshape([0.5, -1.0, 2.0, 0.0], (1, 2, 2, 1)).astype(np.float32)
    for layer, option, value in (
        (larger, "interpolation", "bilinear"),
        (filters, "activation", ops.relu),
        (filters, "activation", ops.softmax),
        (flat, "data_format", "channels_first"),
    ):
        before = model(x).data
        np.testing.assert_array_equal(model(x).data, before)
        setattr(layer, option, value)
        with GradientTape():  # runs every layer's call
            wanted = model(x).data
        assert abs(wanted - before).max() > 0.01
        for _ in range(3):
            np.testing.assert_array_equal(model(x).data, wanted)


def test_weights_that_are_replaced_are_used():
    zeros = Variable(np.zeros((3, 3, 1, 2), np.float32))
    model, x = convolutional()
    model.layers[1].kernel = zeros
    for _ in range(2):
        assert not model(x).data.any()


@pytest.mark.parametrize("make", [lambda: layers.Dense(2), lambda: layers.Conv1D(2, 1)])
def test_weights_that_are_given_another_array_are_used(make):
    inputs = layers.Input((4, 3))
    layer = make()
    model = Model(inputs, layer(inputs))
    x = numbers(2, 4, 3)
    for factor in (1, 2):
        layer.kernel.data = np.full_like(layer.kernel.data, factor)
        layer.bias.data = np.full_like(layer.bias.data, factor)
        wanted = factor * (x.sum(-1, keepdims=True) + 1).repeat(2, -1)
        for _ in range(3):
            np.testing.assert_allclose(model(x).data, wanted, rtol=1e-6)


def test_weights_that_are_computed_anew_are_used():
    class Halved(layers.Dense):
        """A kernel that is half of another variable."""

        @property
        def kernel(self):
            return 0.5 * self.whole

        @kernel.setter
        def kernel(self, value):
            self.whole = value

    tied = layers.Dense(3, use_bias=False)
    model = Sequential([layers.Input((3,)), Halved(3, use_bias=False), tied])
    x = numbers(2, 3)
    tied.kernel = ops.transpose(model.layers[0].whole)  # no variable, and not contiguous
    for scale in (1, 1, 3, 3):
        whole = scale * np.arange(9, dtype=np.float32).reshape(3, 3)
        model.layers[0].whole.assign(whole)
        tied.kernel = Tensor(np.ascontiguousarray(whole.T).T if scale == 1 else whole)
        for _ in range(2):
            np.testing.assert_allclose(model(x).data, x @ (0.5 * whole) @ whole, rtol=1e-5)


def test_sizes_within_that_change_with_the_data():
    texts = layers.TextVectorization(vocabulary=["a", "b"])
    model = Sequential([layers.Input((), dtype="string"), texts, layers.Flatten()])
    for _ in range(2):
        for lines, shape in ((["a b", "b"], (2, 2)), (["a b a", "b"], (2, 3)), (["a"], (1, 1))):
            assert model(np.array(lines)).shape == shape

    def turned(make):
        inputs = layers.Input((2, 4, 3))
        layer = make()
        model = Model(inputs, layer(ops.reshape(inputs, (1, -1, 4, 3))))
        for samples in (2, 2, 1, 3):
            x = numbers(samples, 2, 4, 3)
            wanted = layer(x.reshape(1, -1, 4, 3)).data
            np.testing.assert_array_equal(model(x).data, wanted)

    turned(layers.MaxPooling2D)
    turned(lambda: layers.Conv2D(2, 2, activation="relu"))
    turned(layers.UpSampling2D)
    turned(lambda: layers.AveragePooling2D(2))
    turned(lambda: layers.Dense(2))
    turned(layers.Flatten)


def test_dense_layers_of_whole_numbers():
    inputs = layers.Input((3,), dtype="int32")
    model = Model(inputs, layers.Dense(2, dtype="int32", kernel_initializer="ones")(inputs))
    for _ in range(3):
        np.testing.assert_array_equal(model(np.ones((1, 3), np.int32)).data, [[3, 3]])


def test_a_layer_of_ones_own_may_call_a_part_its_shortcut():
    class Residual(layers.Layer):
        """What a layer gives, and a shortcut around it."""

        def build(self, input_shape):
            self.inner, self.shortcut = layers.Dense(2), layers.Dense(2)

        def call(self, inputs):
            return self.inner(inputs) + self.shortcut(inputs)

    inputs = layers.Input((3,))
    layer = Residual()
    model = Model(inputs, layer(inputs))
    x = numbers(2, 3)
    for _ in range(3):
        np.testing.assert_array_equal(model(x).data, layer(x).data)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_computes_with_weights_of_its_own(again):
    model, x = convolutional()
    expected = model(x).data
    other = again(model)
    np.testing.assert_array_equal(other(x).data, expected)
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    for _ in range(2):
        assert not other(x).data.any()
        np.testing.assert_array_equal(model(x).data, expected)


def test_a_call_of_ones_own_is_not_cut_short():
    class Doubled(layers.Conv2D):
        """Twice what a convolution gives."""

        def call(self, inputs):
            return super().call(inputs) * 2

    inputs = layers.Input((5, 5, 1))
    layer = Doubled(2, 3)
    model = Model(inputs, layer(inputs))
    x = numbers(2, 5, 5, 1)
    wanted = 2 * ops.conv(x, layer.kernel).data
    for _ in range(3):
        np.testing.assert_allclose(model(x).data, wanted, rtol=1e-6)


def test_a_way_of_ones_own_to_be_called_is_taken():
    class Counted(layers.Dense):
        """A dense layer that counts its calls."""

        calls = 0

        def __call__(self, *args, **kwargs):
            self.calls += 1
            return super().__call__(*args, **kwargs)

    layer = Counted(2)
    inputs = layers.Input((3,))
    model = Model(inputs, layer(inputs))
    for calls in (2, 3, 4):
        model(numbers(2, 3))
        assert layer.calls == calls


def test_an_error_of_what_runs_again_names_its_layer():
    inputs = layers.Input((1, 1, 1))
    model = Model(inputs, layers.UpSampling2D(2**12, name="larger")(inputs))
    model(numbers(1, 1, 1, 1))
    with pytest.raises(ValueError, match="'larger': the result would have more elements"):
        model(np.zeros((2**24, 1, 1, 1), np.float32))
