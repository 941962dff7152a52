"""Stacked autoencoders: each step trains what it says, on what it says, and can be replaced."""

import numpy as np
import pytest

from lamina import Input, layers, optimizers, regularizers
from lamina.callbacks import LambdaCallback
from lamina.models import Model, Sequential, clone_model
from lamina.pretraining import StackedAutoencoder
from lamina.utils import set_random_seed


@pytest.fixture(autouse=True)
def _seeded():
    set_random_seed(3)


def blobs(samples, features=12, seed=0):
    """Four classes: the corners of a square, seen through a matrix, with noise."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(4, size=samples)
    corners = np.stack([classes % 2, classes // 2], axis=1) + generator.normal(0, 0.1, (samples, 2))
    x = np.tanh(corners @ np.random.default_rng(1).normal(size=(2, features)))
    return x.astype(np.float32), classes


X, Y = blobs(300)


def trained(sizes=(8, 4), epochs=3, activation="tanh", **options):
    stack = StackedAutoencoder(sizes, activation, **options)
    return stack, stack.pretrain(X, epochs=epochs, batch_size=32, verbose=0)


def test_each_autoencoder_learns_to_rebuild_the_codes_below():
    stack, histories = trained(epochs=80)
    assert [list(h.history) for h in histories] == [["loss"], ["loss"]]
    assert all(h.history["loss"][-1] < 0.6 * h.history["loss"][0] for h in histories)
    _, second = stack.autoencoders
    assert [(m.input_shape[1], m.output_shape[1]) for m in stack.autoencoders] == [(12, 12), (8, 8)]
    codes = stack.encoding_layers[0](X).numpy()
    # The second was trained on the codes of the first: it rebuilds them, and not others.
    error = float(np.mean((second.predict(codes) - codes) ** 2))
    shuffled = codes[:, ::-1]
    assert error < 0.3 * float(np.mean((second.predict(shuffled) - shuffled) ** 2))
    assert error == pytest.approx(histories[1].history["loss"][-1], rel=0.5)


def test_the_encoder_and_the_classifier_have_the_trained_weights():
    stack, _ = trained()
    weights = [layer.get_weights() for layer in stack.encoding_layers]
    assert [w[0].shape for w in weights] == [(12, 8), (8, 4)]
    for model, k in zip(stack.autoencoders, weights, strict=True):
        np.testing.assert_array_equal(model.get_weights()[0], k[0])
    codes = X
    for kernel, bias in weights:
        codes = np.tanh(codes @ kernel + bias)
    np.testing.assert_allclose(stack.encoder.predict(X), codes, rtol=1e-4, atol=1e-5)
    model = stack.classifier(4)
    assert isinstance(model, Model)
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", *["Dense"] * 3]
    assert tuple(model.layers[1:3]) == stack.encoding_layers
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], weights[0][0])
    random = clone_model(model)
    assert not np.array_equal(random.layers[1].get_weights()[0], weights[0][0])


def test_an_autoencoder_learns_alone_while_those_below_stay():
    stack = StackedAutoencoder((8, 4))
    stack.build(12)
    seen = []
    before = [layer.get_weights()[0] for layer in stack.encoding_layers]
    follow = LambdaCallback(
        on_train_begin=lambda logs=None: seen.append(
            [layer.get_weights()[0].copy() for layer in stack.encoding_layers]
        )
    )
    stack.pretrain(X, epochs=2, verbose=0, callbacks=[follow])
    after = [layer.get_weights()[0] for layer in stack.encoding_layers]
    np.testing.assert_array_equal(seen[0][0], before[0])
    np.testing.assert_array_equal(seen[1][1], before[1])
    np.testing.assert_array_equal(seen[1][0], after[0])  # while the second was trained
    assert not np.array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])


def test_the_top_is_trained_alone_and_fine_tuning_trains_all():
    stack, _ = trained(epochs=5)
    model = stack.classifier(4)
    start = [layer.get_weights() for layer in model.layers[1:]]
    history = stack.train_top(model, X, Y, epochs=15, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    top = [layer.get_weights() for layer in model.layers[1:]]
    for old, new in zip(start[:2], top[:2], strict=True):
        np.testing.assert_array_equal(old[0], new[0])
    assert not np.array_equal(start[2][0], top[2][0])
    assert all(layer.trainable for layer in model.layers)
    history = stack.fine_tune(model, X, Y, epochs=20, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    for old, layer in zip(top, model.layers[1:], strict=True):
        assert not np.array_equal(old[0], layer.get_weights()[0])
    # The encoder shares the layers, so it is fine-tuned as well.
    np.testing.assert_array_equal(stack.encoder.get_weights()[0], model.get_weights()[0])


def test_a_layer_that_was_frozen_by_hand_stays_so():
    stack, _ = trained(epochs=1)
    stack.encoding_layers[0].trainable = False
    model = stack.classifier(4)
    with pytest.raises(ValueError, match="numbers of samples"):
        stack.train_top(model, X[:2], Y[:3], epochs=1, verbose=0)
    assert [layer.trainable for layer in stack.encoding_layers] == [False, True]


def test_pre_training_helps_where_labels_are_few():
    generator = np.random.default_rng(0)
    y = generator.integers(4, size=2000)
    corners = np.stack([y % 2, y // 2], axis=1) * 2 - 1
    x = (corners @ generator.normal(size=(2, 50)) + generator.normal(0, 2, (2000, 50))) / 3
    few = x[:16], y[:16]
    found = []
    for pretrained in (True, False):
        stack = StackedAutoencoder((8, 2), activation="tanh")
        stack.build(50)
        if pretrained:
            stack.pretrain(x, epochs=15, batch_size=32, verbose=0)
        model = stack.classifier(4)
        stack.train_top(model, *few, epochs=60, optimizer=optimizers.Adam(0.02), verbose=0)
        stack.fine_tune(model, *few, epochs=30, optimizer=optimizers.Adam(0.004), verbose=0)
        found.append(float((model.predict(x).argmax(axis=1) == y).mean()))
    assert found[0] > found[1] + 0.1
    assert found[0] > 0.95


def test_denoising_sees_spoilt_inputs_and_is_asked_for_clean_ones():
    stack, _ = trained(sizes=(8,), corruption=0.5)
    model = stack.autoencoders[0]
    assert [type(layer).__name__ for layer in model.layers] == [
        "InputLayer", "Dropout", "Dense", "Dense",
    ]  # fmt: skip
    assert model.layers[1].rate == 0.5
    assert not np.array_equal(model(X, training=True), model(X, training=True))
    noise = layers.GaussianNoise(0.2)
    given, _ = trained(sizes=(8,), corruption=noise)
    assert noise in given.autoencoders[0].layers
    assert noise not in given.classifier(3).layers


def test_sparsity_makes_codes_sparse_and_leaves_the_classifier_without_a_penalty():
    dense, _ = trained(sizes=(8,), epochs=30)
    sparse, _ = trained(sizes=(8,), epochs=30, sparsity=0.05)
    sizes = [float(np.abs(stack.encoder.predict(X)).mean()) for stack in (dense, sparse)]
    assert sizes[1] < 0.7 * sizes[0]
    model = sparse.classifier(4)
    model(X)
    assert model.losses == []
    sparse.autoencoders[0](X)
    (loss,) = sparse.autoencoders[0].losses
    codes = sparse.encoder.predict(X)
    assert float(loss) == pytest.approx(0.05 * np.abs(codes).sum(axis=1).mean(), rel=1e-4)
    own = StackedAutoencoder((8,), sparsity=regularizers.L2(0.1))
    assert own.sparsity[0].l2 == pytest.approx(0.1)


def test_one_setting_for_all_or_one_for_each():
    stack = StackedAutoencoder(
        (8, 4), activation=["sigmoid", "tanh"], decoder_activation=("linear", "sigmoid"),
        corruption=[0.3, 0], sparsity=[0, 1e-3],
    )  # fmt: skip
    stack.build((12,))
    kinds = [[type(layer).__name__ for layer in m.layers[1:]] for m in stack.autoencoders]
    assert kinds == [["Dropout", "Dense", "Dense"], ["Dense", "Identity", "Dense"]]
    names = [layer.activation.__name__ for m in stack.autoencoders for layer in m.layers
             if isinstance(layer, layers.Dense)]  # fmt: skip
    assert names == ["sigmoid", "linear", "tanh", "sigmoid"]
    stack.pretrain(X, epochs=1, loss=["mse", "binary_crossentropy"], verbose=0)
    with pytest.raises(ValueError, match="loss is one for all, or a list .* of the 2 .*got 1"):
        stack.pretrain(X, loss=["mse"], verbose=0)


def test_every_step_can_be_done_by_hand():
    set_random_seed(3)
    stack = StackedAutoencoder((8, 4))
    histories = stack.pretrain(X, epochs=2, batch_size=64, verbose=0)
    set_random_seed(3)
    own = StackedAutoencoder((8, 4))
    own.build(12)
    features, losses = X, []
    for encode, autoencoder in zip(own.encoding_layers, own.autoencoders, strict=True):
        autoencoder.compile("adam", "mse")
        history = autoencoder.fit(features, features, epochs=2, batch_size=64, verbose=0)
        features = encode(features).numpy()
        losses.append(history.history["loss"])
    assert losses == [pytest.approx(h.history["loss"]) for h in histories]
    np.testing.assert_allclose(own.encoder.predict(X), stack.encoder.predict(X), rtol=1e-5)


def test_autoencoders_of_another_kind():
    class Convolutional(StackedAutoencoder):
        """Halves rows and columns each time; the codes have ``hidden_sizes`` channels."""

        def autoencoder(self, place, input_shape):
            encode = Sequential(
                [
                    layers.Conv2D(self.hidden_sizes[place], 3, padding="same", activation="relu"),
                    layers.MaxPooling2D(2),
                ]
            )
            decode = layers.Conv2DTranspose(input_shape[-1], 2, strides=2)
            images = Input(input_shape)
            return encode, Model(images, decode(encode(images)))

    images = np.random.default_rng(0).random((64, 8, 8, 1)).astype(np.float32)
    stack = Convolutional((4, 2))
    histories = stack.pretrain(images, epochs=2, verbose=0)
    assert len(histories) == 2
    assert stack.encoder.output_shape == (None, 2, 2, 2)
    model = stack.classifier(3)
    assert model.output_shape == (None, 3)
    before = stack.encoder.get_weights()
    stack.encoding_layers[1].layers[0].trainable = False
    labels = np.arange(64) % 3
    stack.train_top(model, images, labels, epochs=1, verbose=0)
    for old, new in zip(before, stack.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    frozen = [not layer.layers[0].trainable for layer in stack.encoding_layers]
    assert frozen == [False, True]
    one_hot = np.eye(3)[labels]
    history = stack.fine_tune(model, images, one_hot, epochs=2, validation_split=0.25, verbose=0)
    assert "val_accuracy" in history.history


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (((),), ValueError, "at least one, got"),
        ((500,), TypeError, r"hidden_sizes are several.*got 500: \(500,\) is one"),
        (((8, 0),), ValueError, r"whole numbers above 0.*\(8, 0\)"),
        (((8,), "rleu"), ValueError, "rleu.*'relu'"),
        (((8, 4), ["relu"]), ValueError, "activation is one for all, or a list.*got 1"),
        (((8,), "relu", "linear", 1.0), ValueError, "corruption is the share.*got 1.0"),
        (((8,), "relu", "linear", "noise"), ValueError, "GaussianNoise.*got 'noise'"),
        (((8,), "relu", "linear", 0.0, -1), ValueError, "negative"),
    ],
)
def test_wrong_arguments(arguments, kind, words):
    with pytest.raises(kind, match=words):
        StackedAutoencoder(*arguments).build(12)


def test_wrong_calls():
    stack = StackedAutoencoder((8,))
    for what in (lambda: stack.encoder, lambda: stack.classifier(3)):
        with pytest.raises(ValueError, match=r"call pretrain\(x\) first"):
            what()
    with pytest.raises(ValueError, match=r"samples of shape \(4, 3\): x.reshape"):
        stack.pretrain(np.zeros((5, 4, 3)), verbose=0)
    assert stack.autoencoders == ()
    with pytest.raises(TypeError, match=r"its own optimizer.*serialize\(Adam"):
        stack.pretrain(X, optimizer=optimizers.Adam(), verbose=0)
    with pytest.raises(ValueError, match="validation_split"):
        stack.pretrain(X, validation_data=(X, X), verbose=0)
    stack.pretrain(X, epochs=1, optimizer=optimizers.serialize(optimizers.Adam(0.01)), verbose=0)
    with pytest.raises(ValueError, match=r"it is built, for samples of shape \(12,\)"):
        stack.build(12)
    with pytest.raises(ValueError, match="classes must be a whole number of at least 2.*got 1"):
        stack.classifier(1)
    with pytest.raises(ValueError, match=r"shape \(None, 12\), got \(256, 11\)"):
        stack.pretrain(X[:, :11], verbose=0)
