"""The programs that people bring from Keras, on arrays: only the import root is changed.

Real data, files and pictures are other tests'; here each program is built as it is written, trains,
and gets better at what it is trained for.
"""

import numpy as np
import pytest

from lamina import Input, layers
from lamina.models import Model, Sequential
from lamina.utils import set_random_seed, to_categorical


@pytest.fixture(autouse=True)
def _fresh():
    from lamina.utils import clear_session

    clear_session()
    set_random_seed(7)


def reviews(samples, length, words, seed=0):
    """Rows of ids and whether they hold more low ids than high ones."""
    x = np.random.default_rng(seed).integers(1, words, (samples, length))
    return x, (np.median(x, axis=1) < words / 2).astype(np.float32)


def digits(samples, seed=0):
    """Blurred bars in 28 x 28: pictures with few degrees of freedom."""
    generator = np.random.default_rng(seed)
    rows, columns = generator.uniform(6, 22, (2, samples, 1, 1))
    y, x = np.mgrid[:28, :28]
    picture = np.exp(-((y - rows) ** 2) / 18 - (x - columns) ** 2 / 8)
    return picture.astype(np.float32)


def improves(history, name="loss"):
    values = history.history[name]
    assert np.isfinite(values).all()
    assert values[-1] < values[0]


def test_embedding_and_dense_on_reviews(capsys):
    x, y = reviews(600, 20, 10000)
    model = Sequential()
    model.add(layers.Embedding(10000, 8, input_length=20))
    model.add(layers.Flatten())
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    model.summary()
    assert "Total params: 80,161" in capsys.readouterr().out
    history = model.fit(x, y, epochs=10, batch_size=32, validation_split=0.2, verbose=0)
    assert list(history.history) == ["loss", "acc", "val_loss", "val_acc"]
    improves(history)
    assert history.history["acc"][-1] > 0.9


def test_embedding_and_simple_rnn_on_reviews():
    x, y = reviews(600, 20, 50)
    model = Sequential()
    model.add(layers.Embedding(50, 32))
    model.add(layers.SimpleRNN(32))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    history = model.fit(x, y, epochs=8, batch_size=128, validation_split=0.2, verbose=0)
    improves(history)
    assert history.history["acc"][-1] > 0.8


def test_autoencoder_and_the_encoder_cut_out_of_it(capsys):
    x = digits(512).reshape(-1, 784)
    input_img = Input(shape=(784,))
    encoded = layers.Dense(32, activation="relu")(input_img)
    decoded = layers.Dense(784, activation="sigmoid")(encoded)
    autoencoder = Model(input_img, decoded)
    print(autoencoder.summary())  # noqa: T201 - as it is written in the course
    out = capsys.readouterr().out
    for part in ("input_1 (InputLayer)", "dense_1 (Dense)", "dense_2 (Dense)", "50,992", "None"):
        assert part in out
    autoencoder.compile(optimizer="adadelta", loss="binary_crossentropy")
    history = autoencoder.fit(
        x, x, epochs=3, batch_size=256, shuffle=True, validation_data=(x, x), verbose=0
    )
    improves(history)

    ori_input = Input(shape=(784,))
    encoder = Model(ori_input, autoencoder.get_layer("dense_1")(ori_input))
    encoded_input = Input(shape=(32,))
    decoder = Model(encoded_input, autoencoder.get_layer("dense_2")(encoded_input))
    codes = encoder.predict(x)
    assert codes.shape == (512, 32)
    np.testing.assert_allclose(decoder.predict(codes), autoencoder.predict(x), rtol=1e-5, atol=1e-6)


def test_deep_autoencoder():
    x = digits(512).reshape(-1, 784)
    input_img = Input(shape=(784,))
    tensor = input_img
    for units in (128, 64, 32, 64, 128):
        tensor = layers.Dense(units, activation="relu")(tensor)
    autoencoder = Model(input_img, layers.Dense(784, activation="sigmoid")(tensor))
    autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
    history = autoencoder.fit(x, x, epochs=4, batch_size=64, verbose=0)
    improves(history)
    assert history.history["loss"][-1] < 0.35


def test_convolutional_denoising_autoencoder():
    x = digits(64)[..., np.newaxis]
    noisy = np.clip(x + 0.5 * np.random.default_rng(0).normal(size=x.shape), 0, 1)
    input_img = Input(shape=(28, 28, 1))
    t = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(input_img)
    t = layers.MaxPooling2D((2, 2), padding="same")(t)
    t = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(t)
    encoded = layers.MaxPooling2D((2, 2), padding="same")(t)
    assert encoded.shape == (None, 7, 7, 32)
    t = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(encoded)
    t = layers.UpSampling2D((2, 2))(t)
    t = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(t)
    t = layers.UpSampling2D((2, 2))(t)
    decoded = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(t)
    model = Model(input_img, decoded)
    assert model.count_params() == 28353
    model.compile(optimizer="adam", loss="binary_crossentropy")
    history = model.fit(
        noisy, x, epochs=4, batch_size=16, shuffle=True, validation_data=(noisy, x), verbose=0
    )
    improves(history)
    improves(history, "val_loss")


def test_sequential_and_its_functional_twin(capsys):
    seq_model = Sequential()
    seq_model.add(layers.Dense(32, activation="relu", input_shape=(64,)))
    seq_model.add(layers.Dense(32, activation="relu"))
    seq_model.add(layers.Dense(10, activation="softmax"))
    input_tensor = Input(shape=(64,))
    x = layers.Dense(32, activation="relu")(input_tensor)
    x = layers.Dense(32, activation="relu")(x)
    model = Model(input_tensor, layers.Dense(10, activation="softmax")(x))
    model.summary()
    out = capsys.readouterr().out
    for number in ("2,080", "1,056", "330", "Total params: 3,466"):
        assert number in out.replace("2080", "2,080").replace("1056", "1,056")
    model.set_weights(seq_model.get_weights())
    x = np.random.default_rng(0).normal(size=(5, 64))
    np.testing.assert_array_equal(model.predict(x), seq_model.predict(x))


def question_answering(embedding=(10000, 64)):
    text_input = Input(shape=(None,), dtype="int32", name="text")
    embedded_text = layers.Embedding(*embedding)(text_input)
    encoded_text = layers.LSTM(32)(embedded_text)
    question_input = Input(shape=(None,), dtype="int32", name="question")
    embedded_question = layers.Embedding(10000, 32)(question_input)
    encoded_question = layers.LSTM(16)(embedded_question)
    concatenated = layers.concatenate([encoded_text, encoded_question], axis=-1)
    answer = layers.Dense(500, activation="softmax")(concatenated)
    model = Model([text_input, question_input], answer)
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["acc"])
    return model


def test_question_answering_with_a_list_and_with_a_dict():
    model = question_answering()
    generator = np.random.default_rng(0)
    text, question = generator.integers(1, 10000, (2, 128, 30))
    answers = to_categorical(generator.integers(500, size=128), 500)
    assert answers.shape == (128, 500)
    first = model.fit([text, question], answers, epochs=2, batch_size=64, verbose=0)
    second = model.fit(
        {"text": text, "question": question}, answers, epochs=2, batch_size=64, verbose=0
    )
    assert second.history["loss"][-1] < first.history["loss"][0]


def test_swapped_arguments_of_an_embedding_are_an_error_that_says_so():
    model = question_answering(embedding=(64, 10000))
    generator = np.random.default_rng(0)
    text = generator.integers(1, 64, (8, 10))
    text[0, 3] = 8121
    question = generator.integers(1, 10000, (8, 10))
    before = model.get_weights()
    with pytest.raises(IndexError) as caught:
        model.fit([text, question], np.zeros((8, 500)), shuffle=False, verbose=0)
    message = str(caught.value)
    for part in (
        "embedding_1",
        "8121",
        "(0, 3)",
        "64",
        "input_dim=64",
        "output_dim=10000",
        "swapped",
    ):
        assert part in message
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def posts_model():
    posts_input = Input(shape=(None,), dtype="int32", name="posts")
    x = layers.Embedding(5000, 16)(posts_input)
    x = layers.Conv1D(16, 5, activation="relu")(x)
    x = layers.MaxPooling1D(5)(x)
    x = layers.Conv1D(32, 5, activation="relu")(x)
    x = layers.Conv1D(32, 5, activation="relu")(x)
    x = layers.MaxPooling1D(5)(x)
    x = layers.Conv1D(32, 5, activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(16, activation="relu")(x)
    age = layers.Dense(1, name="age")(x)
    income = layers.Dense(10, activation="softmax", name="income")(x)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(x)
    return Model(posts_input, [age, income, gender])


LOSSES = {"age": "mse", "income": "categorical_crossentropy", "gender": "binary_crossentropy"}
WEIGHTS = {"age": 0.25, "income": 1.0, "gender": 10.0}


@pytest.mark.parametrize("by_name", [False, True])
def test_posts_with_three_outputs(by_name):
    model = posts_model()
    generator = np.random.default_rng(0)
    posts = generator.integers(1, 5000, (64, 300))
    targets = {
        "age": generator.normal(size=64),
        "income": to_categorical(generator.integers(10, size=64), 10),
        "gender": generator.integers(0, 2, 64),
    }
    if by_name:
        model.compile(optimizer="rmsprop", loss=LOSSES, loss_weights=WEIGHTS)
        history = model.fit(posts, targets, epochs=4, batch_size=16, verbose=0)
    else:
        model.compile(
            optimizer="rmsprop", loss=list(LOSSES.values()), loss_weights=list(WEIGHTS.values())
        )
        history = model.fit(posts, list(targets.values()), epochs=4, batch_size=16, verbose=0)
    assert list(history.history) == ["loss", "age_loss", "income_loss", "gender_loss"]
    improves(history)
    last = {name: values[-1] for name, values in history.history.items()}
    weighted = sum(WEIGHTS[name] * last[f"{name}_loss"] for name in WEIGHTS)
    assert last["loss"] == pytest.approx(weighted, rel=1e-5)


def test_a_misspelt_output_is_an_error_that_lists_the_right_ones():
    model = posts_model()
    with pytest.raises(ValueError, match=r"'incom'.*'income'.*age, gender, income"):
        model.compile(optimizer="rmsprop", loss={**LOSSES, "incom": "mse"})


def test_headline_with_two_inputs_and_two_outputs():
    main_input = Input(shape=(100,), dtype="int32", name="main_input")
    x = layers.Embedding(output_dim=64, input_dim=10000, input_length=100)(main_input)
    lstm_out = layers.LSTM(16)(x)
    auxiliary_output = layers.Dense(1, activation="sigmoid", name="aux_output")(lstm_out)
    auxiliary_input = Input(shape=(5,), name="aux_input")
    x = layers.concatenate([lstm_out, auxiliary_input])
    for _ in range(3):
        x = layers.Dense(64, activation="relu")(x)
    main_output = layers.Dense(1, activation="sigmoid", name="main_output")(x)
    model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", loss_weights=[1.0, 0.2])
    headlines, labels = reviews(128, 100, 10000)
    extra = np.random.default_rng(0).normal(size=(128, 5))
    history = model.fit([headlines, extra], [labels, labels], epochs=3, batch_size=32, verbose=0)
    improves(history)
    model.compile(
        optimizer="rmsprop",
        loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
        loss_weights={"main_output": 1.0, "aux_output": 0.2},
    )
    history = model.fit(
        {"main_input": headlines, "aux_input": extra},
        {"main_output": labels, "aux_output": labels},
        epochs=2,
        batch_size=32,
        verbose=0,
    )
    improves(history)


def inception(x, padding):
    branch_a = layers.Conv2D(8, 1, activation="relu", strides=2, padding=padding)(x)
    branch_b = layers.Conv2D(8, 1, activation="relu")(x)
    branch_b = layers.Conv2D(8, 3, activation="relu", strides=2, padding=padding)(branch_b)
    branch_c = layers.AveragePooling2D(3, strides=2, padding=padding)(x)
    branch_c = layers.Conv2D(8, 3, activation="relu", padding=padding)(branch_c)
    branch_d = layers.Conv2D(8, 1, activation="relu")(x)
    branch_d = layers.Conv2D(8, 3, activation="relu", padding=padding)(branch_d)
    branch_d = layers.Conv2D(8, 3, activation="relu", strides=2, padding=padding)(branch_d)
    return layers.concatenate([branch_a, branch_b, branch_c, branch_d], axis=-1)


def test_inception_and_residual_blocks():
    x = Input(shape=(28, 28, 3))
    y = inception(x, "same")
    assert y.shape == (None, 14, 14, 32)
    z = layers.Conv2D(32, 3, activation="relu", padding="same")(y)
    z = layers.MaxPooling2D(2, strides=2)(z)
    residual = layers.Conv2D(32, 1, strides=2)(y)
    z = layers.add([z, residual])
    z = layers.GlobalAveragePooling2D()(z)
    model = Model(x, layers.Dense(1)(z))
    model.compile("adam", "mse")
    data = np.random.default_rng(0).normal(size=(16, 28, 28, 3))
    improves(model.fit(data, data.mean(axis=(1, 2, 3)), epochs=4, batch_size=8, verbose=0))


def test_branches_of_different_sizes_are_an_error_that_names_padding():
    with pytest.raises(ValueError, match=r"concatenate.*14.*13.*padding='same'"):
        inception(Input(shape=(28, 28, 3)), "valid")


def test_missing_and_unknown_arguments_are_type_errors():
    with pytest.raises(TypeError, match="kernel_size"):
        layers.Conv2D(1, strides=2)
    with pytest.raises(TypeError, match="activation"):
        layers.AveragePooling2D(3, strides=2, activation="relu")


def test_shared_lstm():
    lstm = layers.LSTM(8)
    left_input, right_input = Input(shape=(None, 12)), Input(shape=(None, 12))
    merged = layers.concatenate([lstm(left_input), lstm(right_input)], axis=-1)
    model = Model([left_input, right_input], layers.Dense(1, activation="sigmoid")(merged))
    assert model.layers.count(lstm) == 1
    assert len(model.weights) == 3 + 2
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    generator = np.random.default_rng(0)
    left, right = generator.normal(size=(2, 64, 6, 12))
    targets = (left.mean(axis=(1, 2)) > right.mean(axis=(1, 2))).astype(float)
    improves(model.fit([left, right], targets, epochs=8, batch_size=16, verbose=0))


def test_regression_with_k_folds():
    generator = np.random.default_rng(0)
    data = generator.normal(5, 3, (400, 13))
    targets = data @ generator.normal(size=13) * 0.1 + 20

    def build_model():
        model = Sequential()
        model.add(layers.Dense(64, activation="relu", input_shape=(data.shape[1],)))
        model.add(layers.Dense(64, activation="relu"))
        model.add(layers.Dense(1))
        model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
        return model

    errors = []
    for fold in range(4):
        held_out = np.arange(400) % 4 == fold
        mean, std = data[~held_out].mean(axis=0), data[~held_out].std(axis=0)
        model = build_model()
        normal = (data - mean) / std
        model.fit(normal[~held_out], targets[~held_out], epochs=60, batch_size=16, verbose=0)
        _, mae = model.evaluate(normal[held_out], targets[held_out], verbose=0)
        errors.append(mae)
    assert np.mean(errors) < targets.std()
