"""Every layer as ONNX: onnxruntime gives the numbers that Lamina gives."""

import pytest
from onnx_beside import assert_same, data

from lamina import Input, layers
from lamina.autodiff import flatten
from lamina.export.table import CANNOT, EXPORTERS
from lamina.models import Model

# A layer, and the shapes of its inputs without the samples; odd sizes all.
STEPS, IMAGE = (11, 5), (9, 7, 4)
LAYERS = [
    (layers.Dense(7, activation="gelu"), [(5,)]),
    (layers.Dense(4, use_bias=False), [(3, 5)]),
    (layers.Conv1D(6, 3, activation="relu"), [STEPS]),
    (layers.Conv1D(6, 4, padding="causal", dilation_rate=2), [STEPS]),
    (layers.Conv1D(6, 4, strides=3, padding="same"), [STEPS]),
    (layers.Conv1D(6, 4, data_format="channels_first"), [STEPS]),
    (layers.Conv2D(6, 3, activation="softmax"), [IMAGE]),
    (layers.Conv2D(6, (4, 3), padding="same", activation="tanh"), [IMAGE]),
    (layers.Conv2D(6, (2, 5), strides=(2, 3), padding="same", groups=2), [IMAGE]),
    (layers.Conv2D(6, 3, dilation_rate=(2, 1), padding="same"), [IMAGE]),
    (layers.Conv2D(6, 3, strides=2, padding="same", data_format="channels_first"), [IMAGE]),
    (layers.Conv1DTranspose(6, 4, strides=3), [STEPS]),
    (layers.Conv1DTranspose(6, 2, strides=3, activation="relu"), [STEPS]),
    (layers.Conv2DTranspose(6, (4, 3), strides=(2, 3), padding="same"), [IMAGE]),
    (layers.Conv2DTranspose(6, 3, strides=2, padding="same", output_padding=1), [IMAGE]),
    (layers.Conv2DTranspose(6, 3, dilation_rate=2, use_bias=False), [IMAGE]),
    (layers.Conv2DTranspose(6, 3, strides=2, output_padding=(0, 1)), [IMAGE]),
    (layers.DepthwiseConv1D(4, strides=2, depth_multiplier=2, padding="same"), [STEPS]),
    (layers.DepthwiseConv2D(3, depth_multiplier=3, activation="relu"), [IMAGE]),
    (layers.DepthwiseConv2D((2, 3), data_format="channels_first"), [IMAGE]),
    (layers.SeparableConv1D(6, 3, padding="same", activation="elu"), [STEPS]),
    (layers.SeparableConv2D(6, 3, strides=2, depth_multiplier=2), [IMAGE]),
    (layers.MaxPooling1D(3), [STEPS]),
    (layers.MaxPooling2D((2, 3), strides=2, padding="same"), [IMAGE]),
    (layers.MaxPooling2D(2, data_format="channels_first"), [IMAGE]),
    (layers.AveragePooling1D(4, strides=2, padding="same"), [STEPS]),
    (layers.AveragePooling2D(2, padding="same"), [IMAGE]),
    (layers.AveragePooling2D(3, strides=1), [IMAGE]),
    (layers.GlobalMaxPooling1D(), [STEPS]),
    (layers.GlobalMaxPooling2D(keepdims=True, data_format="channels_first"), [IMAGE]),
    (layers.GlobalAveragePooling1D(keepdims=True), [STEPS]),
    (layers.GlobalAveragePooling2D(), [IMAGE]),
    (layers.UpSampling1D(3), [STEPS]),
    (layers.UpSampling2D((2, 3)), [IMAGE]),
    (layers.UpSampling2D(3, interpolation="bilinear"), [IMAGE]),
    (layers.UpSampling2D((2, 3), interpolation="bicubic", data_format="channels_first"), [IMAGE]),
    (layers.ZeroPadding1D((2, 0)), [STEPS]),
    (layers.ZeroPadding2D(((1, 2), (0, 3))), [IMAGE]),
    (layers.Cropping1D((0, 2)), [STEPS]),
    (layers.Cropping2D(((1, 0), (2, 1)), data_format="channels_first"), [IMAGE]),
    (layers.Flatten(), [IMAGE]),
    (layers.Flatten(data_format="channels_first"), [IMAGE]),
    (layers.Reshape((-1, 6)), [IMAGE]),
    (layers.Permute((3, 1, 2)), [IMAGE]),
    (layers.RepeatVector(4), [(5,)]),
    (layers.Identity(), [STEPS]),
    (layers.Dropout(0.5), [STEPS]),
    (layers.AlphaDropout(0.5), [STEPS]),
    (layers.GaussianDropout(0.5), [STEPS]),
    (layers.GaussianNoise(0.5), [STEPS]),
    (layers.SpatialDropout1D(0.5), [STEPS]),
    (layers.SpatialDropout2D(0.5), [IMAGE]),
    (layers.ActivityRegularization(0.1), [STEPS]),
    (layers.BatchNormalization(), [IMAGE]),
    (layers.BatchNormalization(axis=1, scale=False), [STEPS]),
    (layers.LayerNormalization(), [STEPS]),
    (layers.LayerNormalization(axis=[1, 3], center=False), [IMAGE]),
    (layers.GroupNormalization(2), [IMAGE]),
    (layers.GroupNormalization(3, axis=1), [IMAGE]),
    (layers.UnitNormalization(axis=[1, 2]), [IMAGE]),
    (layers.Activation("silu"), [STEPS]),
    (layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), [STEPS]),
    (layers.ReLU(negative_slope=0.2), [STEPS]),
    (layers.LeakyReLU(), [STEPS]),
    (layers.PReLU(shared_axes=[1]), [STEPS]),
    (layers.ELU(0.7), [STEPS]),
    (layers.Softmax(axis=1), [STEPS]),
    (layers.Softmax(axis=(1, 2)), [IMAGE]),
    (layers.Add(), [STEPS, STEPS, (5,)]),
    (layers.Subtract(), [STEPS, (11, 1)]),
    (layers.Multiply(), [STEPS, STEPS]),
    (layers.Average(), [STEPS, STEPS, STEPS]),
    (layers.Maximum(), [STEPS, STEPS]),
    (layers.Minimum(), [STEPS, STEPS, STEPS]),
    (layers.Concatenate(axis=1), [STEPS, (3, 5)]),
    (layers.Dot(axes=(2, 1)), [(3, 5), (5, 2)]),
    (layers.Dot(axes=1, normalize=True), [(5,), (5,)]),
    (layers.Dot(axes=(1, 3)), [(5, 3), (2, 4, 5)]),
    (layers.Attention(use_scale=True), [(4, 5), (7, 5)]),
    (layers.Attention(score_mode="concat"), [(4, 5), (7, 6), (7, 5)]),
    (layers.AdditiveAttention(), [(4, 5), (7, 5)]),
    (layers.SimpleRNN(6), [STEPS]),
    (layers.SimpleRNN(6, activation="gelu", return_sequences=True), [STEPS]),
    (layers.GRU(6, return_sequences=True, return_state=True), [STEPS]),
    (layers.GRU(6, reset_after=False, go_backwards=True, use_bias=False), [STEPS]),
    (layers.GRU(6, activation="elu", reset_after=False, return_sequences=True), [STEPS]),
    (layers.GRU(6, recurrent_activation="hard_sigmoid", return_state=True), [STEPS]),
    (layers.LSTM(6, return_state=True), [STEPS]),
    (layers.LSTM(6, go_backwards=True, return_sequences=True, activation="relu"), [STEPS]),
    (layers.LSTM(6, recurrent_activation="hard_sigmoid", go_backwards=True), [STEPS]),
    (layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_state=True), [STEPS]),
    (layers.Bidirectional(layers.LSTM(4, return_sequences=True)), [STEPS]),
    (layers.Bidirectional(layers.GRU(4, return_state=True), merge_mode="sum"), [STEPS]),
    (layers.Bidirectional(layers.SimpleRNN(4), merge_mode=None), [STEPS]),
    (
        layers.Bidirectional(
            layers.LSTM(4, go_backwards=True, return_sequences=True),
            backward_layer=layers.LSTM(4, return_sequences=True),
        ),
        [STEPS],
    ),
    (layers.TimeDistributed(layers.Conv2D(3, 2)), [(2, 6, 5, 4)]),
    (layers.Discretization([-1, -0.5, 0.1, 2]), [STEPS]),
    (layers.Discretization([-0.5, 0.1, 2], output_mode="count"), [STEPS]),
    (layers.Discretization([0.3], output_mode="one_hot"), [STEPS]),
    (layers.Rescaling(1 / 3, offset=[1, 2, 3, 4, 5]), [STEPS]),
    (layers.Normalization(mean=[1, 2, 3, 4, 5], variance=[1, 2, 3, 0, 2]), [STEPS]),
    (layers.Normalization(axis=(1, 3), invert=True), [IMAGE]),
    (layers.TimeDistributed(layers.BatchNormalization()), [STEPS]),
]


def name_of(value):
    return value.name if isinstance(value, layers.Layer) else None


def applied(layer, inputs):
    one = len(inputs) == 1
    return flatten(layer(inputs[0] if one else inputs))[0]


@pytest.mark.parametrize(("layer", "shapes"), LAYERS, ids=name_of)
def test_a_layer_gives_the_same_numbers(layer, shapes, tmp_path):
    inputs = [Input(shape) for shape in shapes]
    assert_same(Model(inputs, applied(layer, inputs)), tmp_path / "m.onnx", data(*shapes))


# With sizes that are not known when the file is written.
@pytest.mark.parametrize(
    ("layer", "open_shape", "shape"),
    [
        (layers.Conv2D(6, 3, strides=2, padding="same"), (None, None, 4), IMAGE),
        (layers.Conv1D(6, 4, padding="same"), (None, 5), STEPS),
        (layers.Conv1DTranspose(6, 4, strides=3, padding="same"), (None, 5), STEPS),
        (layers.AveragePooling1D(4, padding="same"), (None, 5), STEPS),
        (layers.GlobalAveragePooling1D(), (None, 5), STEPS),
        (layers.UpSampling1D(2), (None, 5), STEPS),
        (layers.GroupNormalization(2), (None, 7, 4), IMAGE),
        (layers.Cropping1D(2), (None, 5), STEPS),
        (layers.Flatten(), (None, 5), STEPS),
        (layers.LSTM(3, return_sequences=True), (None, 5), STEPS),
        (layers.TimeDistributed(layers.Dense(3)), (None, 5), STEPS),
    ],
    ids=name_of,
)
def test_sizes_may_be_open(layer, open_shape, shape, tmp_path):
    inputs = Input(open_shape)
    assert_same(Model(inputs, layer(inputs)), tmp_path / "m.onnx", data(shape))


def test_every_layer_is_written_or_said_not_to_be():
    every = {
        thing
        for thing in vars(layers).values()
        if isinstance(thing, type) and issubclass(thing, layers.Layer)
    }
    assert every == set(EXPORTERS) | set(CANNOT)
    assert not set(EXPORTERS) & set(CANNOT)
    assert all(len(reason) > 20 for reason in CANNOT.values())
    tested = {type(layer) for layer, _ in LAYERS}
    elsewhere = {
        layers.CategoryEncoding,
        layers.Embedding,
        layers.InputLayer,
        layers.Masking,
        layers.MultiHeadAttention,
    }
    assert tested | elsewhere == set(EXPORTERS)
