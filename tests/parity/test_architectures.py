"""Whole networks: ours, Keras's, and those made of each other's configs give the same outputs."""

import copy

import numpy as np
import pytest
from parity.keras_beside import assert_close, keras

import lamina
from lamina.autodiff import flatten
from lamina.models import clone_model, model_from_json

_random = np.random.default_rng(0)
IDS = _random.integers(0, 20, (6, 7)).astype(np.int32)
IMAGES = _random.random((4, 8, 8, 3)).astype(np.float32)
SERIES = _random.random((5, 6, 4)).astype(np.float32)


def question_answering(library):
    layers = library.layers
    text = layers.Input((None,), dtype="int32", name="text")
    question = layers.Input((None,), dtype="int32", name="question")
    first = layers.LSTM(4)(layers.Embedding(20, 5, mask_zero=True)(text))
    second = layers.LSTM(3)(layers.Embedding(20, 5, mask_zero=True)(question))
    both = layers.concatenate([first, second], axis=-1)
    answer = layers.Dense(6, activation="softmax")(both)
    return library.models.Model([text, question], answer), [IDS, IDS[:, :4]]


def encoder_and_decoder(library):
    layers = library.layers
    a, b = layers.Input((6, 4)), layers.Input((None, 4))
    _, h, c = layers.LSTM(3, return_state=True)(a)
    decoded = layers.LSTM(3, return_sequences=True)(b, initial_state=[h, c])
    again, state = layers.GRU(3, return_sequences=True, return_state=True)(decoded, initial_state=h)
    outputs = [again, state, layers.TimeDistributed(layers.Dense(2))(decoded)]
    return library.models.Model([a, b], outputs), [SERIES, SERIES[:, :3]]


def attention(library):
    layers = library.layers
    inputs = layers.Input((6, 4))
    tensor = layers.Add()([inputs, layers.MultiHeadAttention(2, 3)(inputs, inputs)])
    tensor = layers.Attention()([layers.LayerNormalization()(tensor), inputs])
    tensor = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(tensor))
    return library.models.Model(inputs, layers.Dense(2)(tensor)), SERIES


def inception(library):
    layers = library.layers
    inputs = layers.Input((8, 8, 3))
    a = layers.Conv2D(4, 1, strides=2, activation="relu", padding="same")(inputs)
    b = layers.Conv2D(4, 3, strides=2, padding="same")(layers.Conv2D(4, 1)(inputs))
    b = layers.ReLU()(layers.BatchNormalization()(b))
    c = layers.AveragePooling2D(3, strides=2, padding="same")(inputs)
    joined = layers.concatenate([a, b, c], axis=-1)
    tensor = layers.add([joined, layers.Conv2D(11, 3, padding="same")(joined)])
    tensor = layers.ZeroPadding2D(1)(layers.UpSampling2D(2)(tensor))
    tensor = layers.SeparableConv2D(3, 3)(tensor)
    return library.models.Model(inputs, layers.Flatten()(tensor)), IMAGES


def shared_recurrence(library):
    layers = library.layers
    both_ways = layers.Bidirectional(layers.LSTM(3))
    a, b = layers.Input((6, 4)), layers.Input((6, 4))
    joined = layers.concatenate([both_ways(a), both_ways(b)])
    model = library.models.Model([a, b], layers.Dense(1, activation="sigmoid")(joined))
    return model, [SERIES, SERIES[:, ::-1].copy()]


def masked(library):
    layers = library.layers
    inputs = layers.Input((6, 4))
    tensor = layers.GRU(3, return_sequences=True)(layers.Masking()(inputs))
    model = library.models.Model(inputs, layers.SimpleRNN(2)(tensor))
    return model, SERIES * (np.arange(30).reshape(5, 6, 1) % 7 > 2)


def one_after_the_other(library):
    layers = library.layers
    stack = [
        layers.Input((8, 8, 3)),
        layers.Conv2D(4, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(2, padding="same"),
        layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        layers.Reshape((64, 3)),
        layers.Permute((2, 1)),
        layers.Conv1D(2, 3),
        layers.LeakyReLU(0.2),
        layers.PReLU(),
        layers.GlobalMaxPooling1D(),
        layers.RepeatVector(3),
        layers.Flatten(),
        layers.Dense(2, kernel_regularizer="l2"),
    ]
    return library.models.Sequential(stack), IMAGES


def models_within(library):
    layers = library.layers
    inner = layers.Input((4,))
    encoder = library.models.Model(inner, layers.Dense(2, activation="tanh")(inner), name="enc")
    decoder = library.models.Sequential([layers.Input((2,)), layers.Dense(4)], name="dec")
    inputs = layers.Input((6, 4))
    code = layers.TimeDistributed(encoder)(inputs)
    outputs = [layers.TimeDistributed(decoder)(code), code]
    return library.models.Model(inputs, outputs), SERIES


NETWORKS = [
    question_answering,
    encoder_and_decoder,
    attention,
    inception,
    shared_recurrence,
    masked,
    one_after_the_other,
    models_within,
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_networks_and_their_configs(network):
    (ours, data), (theirs, _) = network(lamina), network(keras)
    weights = [np.asarray(variable.value) for variable in theirs.weights]
    wanted = flatten(theirs.predict(data, verbose=0))[0]
    read = model_from_json(theirs.to_json())
    for way, model in {
        "ours": ours,
        "of our config": model_from_json(ours.to_json()),
        "of Keras's config": read,
        "Keras of our config": keras.models.model_from_json(ours.to_json()),
        "Keras of its own, through ours": keras.models.model_from_json(read.to_json()),
        "a clone": clone_model(ours),
        "a copy": copy.deepcopy(ours),
    }.items():
        model.set_weights(weights)
        found = flatten(model.predict(data, verbose=0))[0]
        for place, (mine, other) in enumerate(zip(found, wanted, strict=True)):
            assert_close(mine, other, f"{way}: output {place}")
