"""Configs of every layer: Keras reads ours, we read Keras's, and both say the same."""

import json

import numpy as np
import pytest
from parity.keras_beside import keras

from lamina import layers
from lamina.layers import Layer
from lamina.models import Sequential, model_from_json

# Keras itself asks its variables for arrays in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# What a layer cannot be made without, and something that is not the default.
ARGUMENTS = {
    "Activation": {"activation": "tanh"},
    "ActivityRegularization": {"l1": 0.1},
    "Add": {},
    "AdditiveAttention": {"use_scale": False},
    "AlphaDropout": {"rate": 0.2},
    "Attention": {"use_scale": True, "score_mode": "concat"},
    "Average": {},
    "AveragePooling1D": {"pool_size": 3, "padding": "same"},
    "AveragePooling2D": {"pool_size": (3, 2), "strides": 2},
    "BatchNormalization": {"momentum": 0.9, "epsilon": 0.01, "scale": False},
    "CategoryEncoding": {"num_tokens": 4, "output_mode": "count"},
    "Concatenate": {"axis": 1},
    "Conv1D": {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
    "Conv1DTranspose": {"filters": 3, "kernel_size": 3, "strides": 2},
    "Conv2D": {
        "filters": 3,
        "kernel_size": (3, 2),
        "activation": "relu",
        "kernel_regularizer": "l2",
    },
    "Conv2DTranspose": {"filters": 3, "kernel_size": 3, "output_padding": None, "use_bias": False},
    "Cropping1D": {"cropping": (1, 2)},
    "Cropping2D": {"cropping": ((1, 2), (0, 1))},
    "Dense": {"units": 3, "activation": "relu", "kernel_constraint": "max_norm"},
    "DepthwiseConv1D": {"kernel_size": 3, "strides": 2},
    "DepthwiseConv2D": {"kernel_size": 3, "depth_multiplier": 2},
    "Discretization": {"bin_boundaries": [0.5, 1.5], "output_mode": "count"},
    "Dot": {"axes": (1, 2), "normalize": True},
    "Dropout": {"rate": 0.3, "seed": 5},
    "ELU": {"alpha": 0.5},
    "Embedding": {"input_dim": 9, "output_dim": 4, "mask_zero": True},
    "Flatten": {},
    "GRU": {"units": 3, "reset_after": False, "return_sequences": True},
    "GRUCell": {"units": 3},
    "GaussianDropout": {"rate": 0.2},
    "GaussianNoise": {"stddev": 0.2},
    "GlobalAveragePooling1D": {"keepdims": True},
    "GlobalAveragePooling2D": {},
    "GlobalMaxPooling1D": {},
    "GlobalMaxPooling2D": {"keepdims": True},
    "GroupNormalization": {"groups": 2},
    "Identity": {},
    "InputLayer": {"shape": (3,)},
    "LSTM": {"units": 3, "dropout": 0.2, "go_backwards": True, "recurrent_initializer": "zeros"},
    "LSTMCell": {"units": 3, "unit_forget_bias": False},
    "LayerNormalization": {"axis": -1, "epsilon": 0.01},
    "LeakyReLU": {"negative_slope": 0.2},
    "Masking": {"mask_value": 3.0},
    "MaxPooling1D": {"pool_size": 3},
    "MaxPooling2D": {"pool_size": 3, "padding": "same"},
    "Maximum": {},
    "Minimum": {},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 3, "value_dim": 4},
    "Multiply": {},
    "Normalization": {"axis": 1, "mean": [1.0, 2.0], "variance": [3.0, 4.0]},
    "PReLU": {"shared_axes": [1]},
    "Permute": {"dims": (2, 1)},
    "ReLU": {"max_value": 6.0},
    "RepeatVector": {"n": 3},
    "Rescaling": {"scale": 0.5, "offset": -1.0},
    "Reshape": {"target_shape": (3, -1)},
    "SeparableConv1D": {"filters": 3, "kernel_size": 3},
    "SeparableConv2D": {"filters": 3, "kernel_size": 3, "depth_multiplier": 2},
    "SimpleRNN": {"units": 3, "activation": "relu"},
    "SimpleRNNCell": {"units": 3},
    "Softmax": {"axis": 1},
    "SpatialDropout1D": {"rate": 0.2},
    "SpatialDropout2D": {"rate": 0.2},
    "Subtract": {},
    "UnitNormalization": {"axis": 1},
    "UpSampling1D": {"size": 3},
    "UpSampling2D": {"size": (2, 3), "interpolation": "bilinear"},
    "ZeroPadding1D": {"padding": (1, 2)},
    "ZeroPadding2D": {"padding": ((1, 2), (0, 1))},
}

# Made of other layers: these have a test of their own. A Lambda holds Python code.
WRAPPERS = {"Bidirectional", "RNN", "StackedRNNCells", "TimeDistributed", "Wrapper", "Lambda"}


# Keras makes these with TensorFlow alone: test_lookup_layers.py and test_text_layers.py have what
# it documents.
NEED_TENSORFLOW = {"Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}


def _ours():
    found = {name: thing for name, thing in vars(layers).items() if isinstance(thing, type)}
    # A layer under another of Keras's names (MaxPool2D) is the same layer.
    return {k: kind for k, kind in found.items() if issubclass(kind, Layer) and kind.__name__ == k}


def _plain(value):
    """Return a config in which equal things look alike: lists, types and names of classes."""
    if isinstance(value, dict) and value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each not in (None, False)}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _same(ours, theirs):
    ours, theirs = _plain(ours), _plain(theirs)
    for name in theirs:
        assert name in ours, f"Keras saves {name}={theirs[name]!r}"
        if isinstance(theirs[name], dict) and "class_name" in theirs[name]:
            kinds = [ours[name]["class_name"], theirs[name]["class_name"]]
            assert kinds[0] == kinds[1], name
            _same(ours[name]["config"], theirs[name]["config"])
        elif isinstance(theirs[name], float):
            assert ours[name] == pytest.approx(theirs[name]), name
        else:
            assert ours[name] == theirs[name], name


def test_every_layer_is_tried():
    kinds = {kind.__name__ for kind in _ours().values()}  # some have a second name
    untried = kinds - set(ARGUMENTS) - WRAPPERS - NEED_TENSORFLOW - {"Layer"}
    assert not {name for name in untried if hasattr(keras.layers, name)}


@pytest.mark.parametrize("name", [name for name in ARGUMENTS if hasattr(layers, name)])
def test_configs_go_both_ways(name):
    ours = getattr(layers, name)(**ARGUMENTS[name], name="it")
    theirs = getattr(keras.layers, name)(**ARGUMENTS[name], name="it")
    saved = json.loads(json.dumps(layers.serialize(ours)))
    _same(saved["config"], theirs.get_config())
    assert (saved["module"], saved["class_name"]) == ("keras.layers", name)
    keras_read = keras.layers.deserialize(saved)
    _same(theirs.get_config(), keras_read.get_config())
    keras_saved = json.loads(json.dumps(keras.saving.serialize_keras_object(theirs)))
    _same(layers.deserialize(keras_saved).get_config(), theirs.get_config())


def _wrapped(library):
    return library.Sequential(
        [
            library.layers.Input((5, 4)),
            library.layers.TimeDistributed(library.layers.Dense(3)),
            library.layers.Bidirectional(library.layers.LSTM(2, return_sequences=True)),
            library.layers.RNN(library.layers.GRUCell(3)),
        ]
    )


def test_layers_within_layers():
    import lamina

    ours, theirs = _wrapped(lamina), _wrapped(keras)
    shapes = [variable.shape for variable in theirs.weights]
    for model in (ours, model_from_json(theirs.to_json())):
        assert isinstance(model, Sequential)
        assert [tuple(variable.shape) for variable in model.weights] == shapes
        read = keras.models.model_from_json(model.to_json())
        assert [variable.shape for variable in read.weights] == shapes


@pytest.mark.parametrize(
    "name",
    ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam"],
)
def test_optimizers_go_both_ways(name):
    import lamina

    theirs = getattr(keras.optimizers, name)(learning_rate=0.25, clipnorm=2.0, name="it")
    ours = getattr(lamina.optimizers, name)(learning_rate=0.25, clipnorm=2.0, name="it")
    _same(json.loads(json.dumps(lamina.optimizers.serialize(ours)))["config"], theirs.get_config())
    read = keras.optimizers.deserialize(lamina.optimizers.serialize(ours))
    _same(read.get_config(), theirs.get_config())
    again = lamina.optimizers.deserialize(keras.optimizers.serialize(theirs))
    _same(again.get_config(), theirs.get_config())


def test_compiled_models_go_both_ways():
    import lamina

    def compiled(library):
        inputs = library.layers.Input((4,), name="x")
        one = library.layers.Dense(2, name="one")(inputs)
        two = library.layers.Dense(3, activation="softmax", name="two")(inputs)
        model = library.models.Model(inputs, [one, two])
        schedule = library.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
        model.compile(
            library.optimizers.Adam(schedule),
            {"one": "mse", "two": library.losses.CategoricalCrossentropy(label_smoothing=0.1)},
            loss_weights={"one": 1.0, "two": 0.5},
            metrics={"one": ["mae"], "two": [library.metrics.TopKCategoricalAccuracy(k=2), "acc"]},
        )
        return model

    ours, theirs = compiled(lamina), compiled(keras)
    theirs.set_weights(ours.get_weights())
    x = np.random.default_rng(0).random((20, 4)).astype(np.float32)
    data = x, [x[:, :2], np.eye(3, dtype=np.float32)[np.arange(20) % 3]]
    wanted = sorted(theirs.evaluate(*data, verbose=0))
    for way, model in {
        "ours": ours,
        "again": model_from_json(ours.to_json()),
        "from Keras": model_from_json(theirs.to_json()),
        "to Keras": keras.models.model_from_json(ours.to_json()),
    }.items():
        model.set_weights(ours.get_weights())
        assert sorted(model.evaluate(*data, verbose=0)) == pytest.approx(wanted, rel=1e-4), way
        assert type(model.optimizer).__name__ == "Adam"
    again = model_from_json(theirs.to_json())
    assert float(again.optimizer.learning_rate) == pytest.approx(0.5)


# Functions of ``ops`` on x (samples, 3, 4) and y (samples, 4), as a user calls them in a graph.
CALLS = {
    "arithmetic": lambda o, x, y: (
        (x + 1) * x / (2 + x**2) - (3 - x) @ o.transpose(x, (0, 2, 1))[:, :, :1]
    ),
    "absolute": lambda o, x, y: o.absolute(-x) + abs(y[:, None]),
    "argmax": lambda o, x, y: o.cast(o.argmax(x, axis=-1), "float32"),
    "broadcast": lambda o, x, y: o.broadcast_to(o.mean(y, axis=0), (3, 4)) * x,
    "clip": lambda o, x, y: o.clip(x, 0.2, 0.8),
    "comparison": lambda o, x, y: o.where(x > 0.5, x, o.minimum(x, 0.1)),
    "concatenate": lambda o, x, y: o.concatenate([x, x * 2], axis=1),
    "cumsum": lambda o, x, y: o.cumsum(x, axis=1),
    "elementwise": lambda o, x, y: o.exp(x) + o.log(x + 1) + o.sqrt(x) + o.square(x) + o.tanh(x),
    "expand_dims": lambda o, x, y: o.squeeze(o.expand_dims(x, 1), 1),
    "flip": lambda o, x, y: o.flip(x, axis=1),
    "floor": lambda o, x, y: o.floor(x * 10) + o.sign(x - 0.5),
    "get_item": lambda o, x, y: x[:, 1:, ::2] + x[:, -1:, :2] + x[..., :2][:, :2],
    "logical": lambda o, x, y: o.cast(o.logical_not(x > 0.5), "float32"),
    "logsumexp": lambda o, x, y: o.logsumexp(x, axis=-1),
    "matmul": lambda o, x, y: o.matmul(x, o.swapaxes(x, 1, 2)),
    "maximum": lambda o, x, y: o.maximum(x, 0.5) + o.max(x, axis=1, keepdims=True),
    "mean": lambda o, x, y: o.mean(x, axis=(1, 2)) + o.var(y, axis=1) + o.std(y, axis=1),
    "min": lambda o, x, y: o.min(x, axis=-1) + o.prod(x, axis=2),
    "nn": lambda o, x, y: o.relu(x - 0.5) + o.sigmoid(x) + o.softmax(x) + o.gelu(x) + o.elu(x),
    "nn_more": lambda o, x, y: (
        o.softplus(x) + o.silu(x) + o.log_softmax(x) + o.selu(x) + o.softsign(x)
    ),
    "one_hot": lambda o, x, y: o.one_hot(o.cast(y * 4, "int32"), 4),
    "pad": lambda o, x, y: o.pad(x, ((0, 0), (1, 2), (0, 1))),
    "power": lambda o, x, y: o.power(x, 3) + o.mod(x, 0.3) + o.floor_divide(x, 0.3),
    "repeat": lambda o, x, y: o.repeat(x, 2, axis=1),
    "reshape": lambda o, x, y: o.reshape(x, (-1, 12)),
    "roll": lambda o, x, y: o.roll(x, 1, axis=2),
    "split": lambda o, x, y: o.split(x, 2, axis=2)[1] + o.split(x, [1, 3], axis=2)[1],
    "stack": lambda o, x, y: o.stack([y, y + 1], axis=1),
    "stop_gradient": lambda o, x, y: o.stop_gradient(x) + x,
    "sum": lambda o, x, y: o.sum(x) + o.sum(x, axis=1, keepdims=True),
    "take": lambda o, x, y: o.take(x, [2, 0], axis=1),
    "tile": lambda o, x, y: o.tile(x, (1, 2, 1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_functions_in_graphs_go_both_ways(name):
    import lamina

    generator = np.random.default_rng(0)
    data = [generator.random((5, 3, 4), np.float32), generator.random((5, 4), np.float32)]
    models = []
    for library in (lamina, keras):
        inputs = [library.layers.Input((3, 4), name="x"), library.layers.Input((4,), name="y")]
        models.append(library.models.Model(inputs, CALLS[name](library.ops, *inputs)))
    ours, theirs = models
    wanted = np.asarray(theirs.predict(data, verbose=0))
    for way, model in {
        "ours": ours,
        "again": model_from_json(ours.to_json()),
        "from Keras": model_from_json(theirs.to_json()),
        "to Keras": keras.models.model_from_json(ours.to_json()),
    }.items():
        found = np.asarray(model.predict(data, verbose=0))
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6, err_msg=way)
