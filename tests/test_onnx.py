"""Models as ONNX files: masks, operations, programs, and what cannot be written."""

import sys

import numpy as np
import pytest
import random_graphs
import small_models
from onnx_beside import assert_same, data, randomize, written
from test_onnx_layers import IMAGE, STEPS
from test_programs import inception, posts_model, question_answering

import lamina
from lamina import Input, activations, layers, ops
from lamina.export import onnx
from lamina.export.table import EXPORTERS, exporter_of
from lamina.models import Model, Sequential
from lamina.utils import set_random_seed

package = pytest.importorskip("onnx")


def test_every_activation_is_written_or_refused_with_its_name(tmp_path):
    inputs = Input((6,))
    for name in activations._registry.names():
        if name == "threshold":  # has no defaults
            continue
        model = Model(inputs, layers.Activation(name)(inputs))
        if name in {"sparsemax", "glu"}:
            with pytest.raises(NotImplementedError, match=rf"Activation 'activation.*'{name}'"):
                onnx(model, tmp_path / "m.onnx")
            continue
        x = [2 * each for each in data((6,))]
        x = [np.abs(x[0])] if name == "sqrt" else x
        assert_same(model, tmp_path / "m.onnx", x)


def ids(*shapes, below=20):
    generator = np.random.default_rng(0)
    return [generator.integers(1, below, (3, *shape)).astype(np.int32) for shape in shapes]


@pytest.mark.parametrize(("mode", "size"), [("one_hot", 4), ("one_hot", 1), ("multi_hot", 4)])
def test_categories(mode, size, tmp_path):
    inputs = Input((size,), dtype="int32")
    outputs = layers.CategoryEncoding(20, output_mode=mode)(inputs)
    assert_same(Model(inputs, outputs), tmp_path / "m.onnx", ids((size,)))


def test_counts_of_categories(tmp_path):
    inputs, weights = Input((6,), dtype="int32"), Input((6,))
    counted = layers.CategoryEncoding(5, output_mode="count")
    outputs = [counted(inputs), counted(inputs, count_weights=weights)]
    x = [*ids((6,), below=5), *data((6,))]
    assert_same(Model([inputs, weights], outputs), tmp_path / "m.onnx", x)


def test_bins_of_numbers_at_their_boundaries(tmp_path):
    inputs = Input((5,))
    x = np.tile(np.float32([0.1, 0.3, 0.2, 0.5, 0.7]), (3, 1))
    model = Model(inputs, layers.Discretization([0.1, 0.2, 0.3, 0.5])(inputs))
    assert_same(model, tmp_path / "m.onnx", [x])
    with pytest.raises(NotImplementedError, match="adapt it to data first"):
        onnx(Model(inputs, layers.Discretization(num_bins=3)(inputs)), tmp_path / "m.onnx")


def masked_model(after):
    inputs = Input((None,), dtype="int32")
    embedded = layers.Embedding(20, 5, mask_zero=True)(inputs)
    return Model(inputs, after(embedded))


@pytest.mark.parametrize(
    "after",
    [
        layers.LSTM(4),
        layers.GRU(4, return_sequences=True, go_backwards=True),
        layers.GRU(4, reset_after=False, return_state=True),
        layers.SimpleRNN(4, return_sequences=True),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(4)),
        layers.LSTM(4, zero_output_for_mask=True),
        layers.GlobalAveragePooling1D(),
        lambda x: layers.LSTM(3)(layers.Dropout(0.5)(layers.Dense(4)(x))),
        lambda x: layers.LSTM(3)(layers.GRU(4, return_sequences=True)(x)),
        lambda x: layers.LSTM(3)(layers.concatenate([x, layers.Dense(2)(x)])),
        lambda x: layers.LSTM(3)(layers.concatenate([x, x], axis=1)),
        lambda x: layers.LSTM(3)(layers.add([x, layers.Dense(5)(x)])),
        lambda x: layers.Attention()([x, x]),
    ],
)
def test_masks_leave_steps_out(after, tmp_path):
    (x,) = ids((7,))
    x[0, :3], x[1, 5:], x[2, 2:4] = 0, 0, 0
    assert_same(masked_model(after), tmp_path / "m.onnx", [x])


def test_masking_of_features(tmp_path):
    (x,) = data(STEPS)
    x[0, :4], x[1, -2:], x[2, 3, :2] = -1, -1, -1
    inputs = Input((None, 5))
    outputs = layers.LSTM(4)(layers.Masking(-1.0)(inputs))
    assert_same(Model(inputs, [outputs, layers.Masking(-1.0)(inputs)]), tmp_path / "m.onnx", [x])


def test_first_states_and_calls_with_options(tmp_path):
    x, h, c = Input(STEPS), Input((4,)), Input((4,))
    outputs = [
        layers.LSTM(4)(x, initial_state=[h, c]),
        layers.GRU(4, activation="elu")(x, initial_state=h),
        *layers.Bidirectional(layers.SimpleRNN(4, return_state=True))(x, initial_state=[h, c]),
    ]
    assert_same(Model([x, h, c], outputs), tmp_path / "m.onnx", data(STEPS, (4,), (4,)))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"value_dim": 4, "use_gate": True, "use_bias": False},
        {"output_shape": (2, 3)},
    ],
)
def test_multi_head_attention(options, tmp_path):
    x, y = Input((4, 5)), Input((7, 6))
    layer = layers.MultiHeadAttention(2, 3, **options)
    outputs = [layer(x, y), *layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)]
    outputs += layers.Attention()([x, x], return_attention_scores=True, use_causal_mask=True)
    outputs.append(layers.MultiHeadAttention(3, 2)(x, x, use_causal_mask=True))
    assert_same(Model([x, y], outputs), tmp_path / "m.onnx", data((4, 5), (7, 6)))


def test_models_within_shared_layers_and_operations(tmp_path):
    set_random_seed(1)
    model = small_models.branched()
    inputs = data((4,), (4,))
    randomize(model)
    ours = model({"a": inputs[0], "b": inputs[1]})
    theirs = written(model, tmp_path / "m.onnx")(inputs)
    assert list(theirs) == list(ours) == ["total", "joined", "shared"]
    for name, our in ours.items():
        np.testing.assert_allclose(theirs[name], our.data, rtol=1e-5, atol=1e-5)


def test_operations_of_a_graph(tmp_path):
    x, y = Input((4, 5)), Input((5,))
    outputs = [
        (x - 2) / (abs(x) + 1) ** 2,
        ops.swapaxes(x, 1, 2) @ x,
        ops.expand_dims(y, 1) * x + np.arange(5, dtype=np.float32),
        ops.maximum(x[:, 1:3, -1], 0.1),
        ops.mean(x, axis=(1, 2)),
        ops.max(x, axis=-1, keepdims=True),
        ops.softmax(x, axis=1),
        ops.squeeze(ops.reshape(y, (-1, 5, 1)), -1),
        x[..., None, ::2],
        ops.clip(ops.exp(x), 0.5, 2.0),
        1 - y,
    ]
    assert_same(Model([x, y], outputs), tmp_path / "m.onnx", data((4, 5), (5,)))


def test_a_shared_layer_is_written_once(tmp_path):
    shared, a, b = layers.Dense(100), Input((100,)), Input((100,))
    onnx(Model([a, b], layers.add([shared(a), shared(b)])), tmp_path / "m.onnx")
    assert 40_000 < (tmp_path / "m.onnx").stat().st_size < 60_000
    proto = package.load(tmp_path / "m.onnx")
    assert {each.name for each in proto.graph.initializer} == {
        f"{shared.name}/kernel", f"{shared.name}/bias"
    }  # fmt: skip


def test_an_input_may_be_an_output_and_one_layer_give_two(tmp_path):
    shared, a, b = layers.Dense(3, name="twice"), Input((4,), name="a"), Input((4,))
    model = Model([a, b], [shared(a), shared(b), a])
    assert_same(model, tmp_path / "m.onnx", data((4,), (4,)))
    run = written(model, tmp_path / "m.onnx")
    assert list(run(data((4,), (4,)))) == ["twice", "twice_1", "a_1"]


# ---- The programs that people bring from Keras; what they train is tested elsewhere.


def programs():
    def reviews(layer):
        return Sequential([layers.Embedding(50, 8, input_length=20), layer, layers.Dense(1)])

    yield "reviews", reviews(layers.Flatten()), ids((20,))
    yield "reviews by a SimpleRNN", reviews(layers.SimpleRNN(32)), ids((20,))
    pixels = [np.random.default_rng(0).random((3, 784)).astype(np.float32)]
    sizes = (128, 64, 32, 64, 128)
    deep = [Input((784,)), *(layers.Dense(size, activation="relu") for size in sizes)]
    yield "deep autoencoder", Sequential([*deep, layers.Dense(784, activation="sigmoid")]), pixels
    image = Input((28, 28, 1))
    t = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(image)
    t = layers.MaxPooling2D((2, 2), padding="same")(t)
    t = layers.Conv2D(8, (3, 3), activation="relu", padding="same")(t)
    t = layers.UpSampling2D((2, 2))(t)
    t = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(t)
    yield "denoising autoencoder", Model(image, t), [pixels[0].reshape(3, 28, 28, 1)]
    yield "question answering", question_answering((60, 64)), ids((30,), (12,))
    yield "posts", posts_model(), ids((300,))
    main, extra = Input((100,), dtype="int32", name="main_input"), Input((5,), name="aux_input")
    lstm = layers.LSTM(16)(layers.Embedding(output_dim=64, input_dim=50)(main))
    x = layers.Dense(64, activation="relu")(layers.concatenate([lstm, extra]))
    sides = [layers.Dense(1, activation="sigmoid", name=n) for n in ("main_output", "aux_output")]
    yield (
        "headline",
        Model([main, extra], [sides[0](x), sides[1](lstm)]),
        [*ids((100,)), *data((5,))],
    )
    picture = Input((28, 28, 3))
    y = inception(picture, "same")
    z = layers.Conv2D(32, 3, activation="relu", padding="same")(y)
    z = layers.add([layers.MaxPooling2D(2, strides=2)(z), layers.Conv2D(32, 1, strides=2)(y)])
    z = layers.GlobalAveragePooling2D()(z)
    yield "inception and residual", Model(picture, layers.Dense(1)(z)), data((28, 28, 3))
    left, right, both = Input((None, 12)), Input((None, 12)), layers.LSTM(8)
    merged = layers.concatenate([both(left), both(right)], axis=-1)
    model = Model([left, right], layers.Dense(1, activation="sigmoid")(merged))
    yield "shared LSTM", model, data((6, 12), (9, 12))


@pytest.mark.parametrize(("model", "inputs"), [pytest.param(*r, id=n) for n, *r in programs()])
def test_a_program_gives_the_same_numbers(model, inputs, tmp_path):
    assert_same(model, tmp_path / "m.onnx", inputs)


@pytest.mark.parametrize("seed", random_graphs.seeds(50))
def test_random_graphs(seed, tmp_path):
    model, inputs = random_graphs.build(layers, Model, seed)
    inputs = inputs if isinstance(inputs, list) else [inputs]
    assert_same(model, tmp_path / "m.onnx", inputs, tolerance=1e-4)


@pytest.mark.parametrize("pool", [layers.MaxPooling2D, layers.AveragePooling2D])
def test_zeros_around_an_image_take_part_in_pooling(pool, tmp_path):
    # onnxruntime's optimizer would join the two, and pad the maximum with what is below all.
    inputs = Input((6, 7, 2))
    t = layers.ZeroPadding2D((1, 2))(layers.Conv2D(2, 1, activation=layers.ELU(9.0))(inputs))
    model = Model(inputs, pool(2, strides=1, padding="same")(t))
    assert_same(model, tmp_path / "m.onnx", data((6, 7, 2)))


# ---- The file


def small():
    inputs = Input((4,), name="a")
    return Model(inputs, layers.Dense(2, name="y")(inputs), name="small")


@pytest.mark.parametrize("opset", [18, 21])
def test_the_opset_is_the_one_that_was_asked_for(opset, tmp_path):
    assert_same(small(), tmp_path / "m.onnx", data((4,)), opset=opset)
    proto = package.load(tmp_path / "m.onnx")
    assert [(each.domain, each.version) for each in proto.opset_import] == [("", opset)]
    assert (proto.producer_name, proto.producer_version) == ("lamina", lamina.__version__)
    assert [each.name for each in proto.graph.input] == ["a"]
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_doubles_stay_doubles(tmp_path):
    inputs = Input((4, 3), dtype="float64")
    t = layers.LayerNormalization(dtype="float64")(layers.Dense(5, "silu", dtype="float64")(inputs))
    t = layers.GRU(3, return_sequences=True, dtype="float64")(t)
    model = Model(inputs, layers.Flatten(dtype="float64")(t))
    x = [each.astype(np.float64) for each in data((4, 3))]
    assert_same(model, tmp_path / "m.onnx", x, tolerance=1e-13)


def test_an_encoder_cut_out_of_a_trained_model(tmp_path):
    x = data((6,))[0]
    model = Sequential([layers.Dense(3, input_shape=(6,), name="code"), layers.Dense(6)])
    model.compile("adam", "mse")
    model.fit(x, x, verbose=0)
    inputs = Input((6,))
    encoder = Model(inputs, model.get_layer("code")(inputs))
    theirs = written(encoder, tmp_path / "m.onnx")([x])["code"]
    np.testing.assert_allclose(theirs, encoder.predict(x), rtol=1e-5, atol=1e-6)


class Mine(layers.Layer):
    def call(self, inputs):
        return inputs * 2


class OwnModel(Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (Mine(name="mine"), r"Mine 'mine' cannot be written: it computes something of your own"),
        (layers.Lambda(lambda x: x, name="fun"), r"Lambda 'fun' cannot be written: .*Python"),
        (layers.TimeDistributed(Mine(name="inner")), r"Mine 'inner' cannot be written"),
        (layers.Dense(3, activation=lambda x: x, name="d"), r"Dense 'd' .*'<lambda>'"),
    ],
)
def test_what_cannot_be_written_is_named(layer, why, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"the old one")
    inputs = Input(STEPS)
    with pytest.raises(NotImplementedError, match=why):
        onnx(Model(inputs, layers.Flatten()(layer(inputs))), path)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_more_that_cannot_be_written(tmp_path):
    path = tmp_path / "m.onnx"
    images, steps = Input(IMAGE), Input(STEPS)
    fixed, words = Input(STEPS, batch_size=3), Input((2,), dtype="string")
    enlarged = layers.UpSampling2D(2, interpolation="lanczos3")(images)
    for model, why in (
        (Model(images, enlarged), "UpSampling2D .*'lanczos3'; 'bicubic' is the nearest"),
        (Model(fixed, layers.LSTM(2, stateful=True)(fixed)), "LSTM .*stateful=True"),
        (Model(steps, layers.Dropout(0.5)(steps, training=True)), "Dropout .*training=True"),
        (masked_model(lambda x: layers.multiply([x, x])), "Multiply .*masks"),
        (Model(words, layers.StringLookup(vocabulary=["a"])(words)), "StringLookup .*no tokens"),
        (Model(steps, ops.cumsum(steps, axis=1)), "operation 'cumsum'"),
        (Model(steps, OwnModel()(steps)), "OwnModel .*call of its own"),
        (
            Model(images, layers.TimeDistributed(layers.LSTM(2, return_state=True))(images)[0]),
            "TimeDistributed .*several outputs",
        ),
    ):
        with pytest.raises(NotImplementedError, match=why):
            onnx(model, path)
    assert not path.exists()


def test_wrong_arguments(tmp_path):
    path = tmp_path / "m.onnx"
    with pytest.raises(TypeError, match="wanted a model, got <Dense"):
        onnx(layers.Dense(2), path)
    with pytest.raises(ValueError, match="the shape of its input is not known"):
        onnx(Sequential([layers.Dense(2)]), path)
    inputs = Input((4,))
    for model in (OwnModel(), OwnModel(inputs, layers.Dense(2)(inputs))):
        with pytest.raises(ValueError, match="OwnModel .*a call of its own"):
            onnx(model, path)
    with pytest.raises(ValueError, match="opset must be from 18 to .*got 9"):
        onnx(small(), path, opset=9)
    with pytest.raises(FileNotFoundError, match="folder"):
        onnx(small(), tmp_path / "absent" / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_subclass_is_written_as_its_base_unless_it_computes_otherwise(tmp_path):
    class Wide(layers.Dense):
        """Has another default."""

        def __init__(self, units=7, **kwargs):
            super().__init__(units, **kwargs)

    class Difference(layers.Add):
        def merge(self, inputs, masks):
            return inputs[0] - inputs[1]

    inputs = Input((4,))
    assert_same(Model(inputs, Wide()(inputs)), tmp_path / "m.onnx", data((4,)))
    assert exporter_of(Difference()) not in EXPORTERS.values()
    with pytest.raises(NotImplementedError, match="Difference .*something of your own"):
        onnx(Model(inputs, Difference()([inputs, inputs])), tmp_path / "m.onnx")


def test_an_activation_may_be_a_layer(tmp_path):
    inputs = Input((4, 3))
    t = layers.Conv1D(3, 2, activation=layers.LeakyReLU(0.1))(inputs)
    t = layers.Dense(3, activation=layers.ELU(0.5))(t)
    t = layers.Dense(3, activation=layers.ReLU(max_value=1.0, threshold=0.1))(t)
    assert_same(Model(inputs, t), tmp_path / "m.onnx", data((4, 3)))


def test_without_onnx_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'lamina\[onnx\]'"):
        onnx(small(), tmp_path / "m.onnx")
