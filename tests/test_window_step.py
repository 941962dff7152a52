"""The step of word2vec against plain numpy, and against numeric gradients."""

import numpy as np
import pytest
from scipy.special import expit as sigmoid
from scipy.special import log_softmax, softmax

RATE = 0.05


def make_rows(generator, count, size):
    padded = np.zeros((count, -(-size // 16) * 16), np.float32)
    padded[:, :size] = generator.normal(size=(count, size)) / np.sqrt(size)
    return padded


def reference(inputs, input_rows, outputs, output_rows, labels, softmax_scores):
    """One step in double precision: new inputs, new outputs, loss."""
    x, y = inputs.astype(np.float64), outputs.astype(np.float64)
    labels = np.asarray(labels)
    scores = x[input_rows] @ y[output_rows].T
    if softmax_scores:
        gradients = RATE * (labels - softmax(scores, axis=1))
        loss = -(labels * log_softmax(scores, axis=1)).sum()
    else:
        gradients = RATE * (labels - sigmoid(scores)) * (np.abs(scores) < 6)
        loss = np.logaddexp(0, np.where(labels == 1, -scores, scores)).sum()
    new_x, new_y = x.copy(), y.copy()
    np.add.at(new_x, input_rows, gradients @ y[output_rows])
    np.add.at(new_y, output_rows, gradients.T @ x[input_rows])
    return new_x, new_y, loss


@pytest.mark.parametrize("size", [1, 15, 16, 17, 100, 200, 300])
@pytest.mark.parametrize("objective", ["sigmoid", "softmax"])
def test_step_equals_the_formula(kernels, size, objective):
    generator = np.random.default_rng(size)
    for count in range(1, 12):
        for width in [1, 2, 5, 6, 7, 11, 12, 13, 16, 17, 25, 40]:
            inputs, outputs = make_rows(generator, 30, size), make_rows(generator, 50, size)
            inputs *= 3
            input_rows = generator.choice(30, count, replace=False)
            output_rows = generator.choice(50, width, replace=False)
            labels = (generator.random(width) < 0.4).astype(np.float32)
            if objective == "softmax":
                labels = np.eye(width, dtype=np.float32)[generator.integers(width)]
            want_x, want_y, want_loss = reference(
                inputs, input_rows, outputs, output_rows, labels, objective == "softmax"
            )
            loss = kernels.window_step(
                inputs,
                list(input_rows),
                outputs,
                list(output_rows),
                list(labels),
                RATE,
                objective == "softmax",
            )
            where = f"N={count} M={width}"
            np.testing.assert_allclose(inputs, want_x, rtol=1e-6, atol=1e-6, err_msg=where)
            np.testing.assert_allclose(outputs, want_y, rtol=1e-6, atol=1e-6, err_msg=where)
            assert loss == pytest.approx(want_loss, rel=2e-6, abs=1e-6), where
            assert not inputs[:, size:].any(), "the padding stays zero"
            assert not outputs[:, size:].any(), "the padding stays zero"


def test_certain_pairs_are_left_alone_and_nothing_overflows(kernels):
    inputs = np.full((2, 16), 10, np.float32)
    outputs = np.full((3, 16), [[10], [-10], [1]], np.float32)
    want_x, want_y, want_loss = reference(inputs, [0, 1], outputs, [0, 1, 2], [0, 1, 1], False)
    loss = kernels.window_step(inputs, [0, 1], outputs, [0, 1, 2], [0.0, 1.0, 1.0], RATE, False)
    np.testing.assert_allclose(inputs, want_x, rtol=1e-6)
    np.testing.assert_allclose(outputs, want_y, rtol=1e-6)
    assert want_loss == pytest.approx(2 * (1600 + 1600))
    assert loss == pytest.approx(want_loss, rel=1e-6)


def test_a_word_that_stands_twice_among_the_inputs_gets_both_updates(kernels):
    generator = np.random.default_rng(0)
    for width in [6, 13]:
        inputs, outputs = make_rows(generator, 4, 48), make_rows(generator, 20, 48)
        labels = np.eye(width, dtype=np.float32)[0]
        rows, output_rows = [1, 2, 1], list(range(width))
        want_x, want_y, _ = reference(inputs, rows, outputs, output_rows, labels, False)
        before = inputs[1].astype(np.float64)
        kernels.window_step(inputs, rows, outputs, output_rows, list(labels), RATE, False)
        # The second update may start from the first one's result, which differs by rate squared.
        np.testing.assert_allclose(inputs, want_x, rtol=0, atol=1e-6)
        np.testing.assert_allclose(outputs, want_y, rtol=0, atol=RATE**2)
        assert np.abs(inputs[1] - before).max() > 1e-3


@pytest.mark.parametrize("objective", ["sigmoid", "softmax"])
def test_the_update_is_the_negative_gradient_of_the_loss(kernels, objective):
    """The change of one number is -rate times a central difference of the reported loss."""
    generator = np.random.default_rng(7)
    inputs, outputs = make_rows(generator, 3, 16), make_rows(generator, 5, 16)
    labels = [0.0, 1.0, 0.0, 0.0, 0.0]
    rows, columns = [0, 1, 2], [0, 1, 2, 3, 4]

    def loss(x, y):
        return reference(x, rows, y, columns, labels, objective == "softmax")[2]

    old_x, old_y = inputs.astype(np.float64), outputs.astype(np.float64)
    kernels.window_step(inputs, rows, outputs, columns, labels, RATE, objective == "softmax")
    step = 1e-6
    for _ in range(40):
        matrix, changed = ((old_x, inputs), (old_y, outputs))[generator.integers(2)]
        i, j = generator.integers(len(matrix)), generator.integers(16)
        value = matrix[i, j]
        matrix[i, j] = value + step
        up = loss(old_x, old_y)
        matrix[i, j] = value - step
        down = loss(old_x, old_y)
        matrix[i, j] = value
        assert changed[i, j] - value == pytest.approx(-RATE * (up - down) / (2 * step), abs=1e-6)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"input_rows": [9]}, IndexError),
        ({"output_rows": [0, -1]}, IndexError),
        ({"labels": [1.0]}, ValueError),
        ({"inputs": np.zeros((3, 16))}, TypeError),
        ({"inputs": np.zeros((3, 20), np.float32)}, ValueError),
        ({"outputs": np.zeros((3, 16), np.float32).T}, TypeError),
    ],
)
def test_wrong_arguments_are_refused(kernels, change, error):
    arguments = {
        "inputs": np.zeros((3, 16), np.float32),
        "input_rows": [0],
        "outputs": np.zeros((3, 16), np.float32),
        "output_rows": [0, 1],
        "labels": [1.0, 0.0],
        "learning_rate": 0.1,
        "softmax": False,
    }
    with pytest.raises(error):
        kernels.window_step(**{**arguments, **change})
