"""Losses beside Keras's: values and gradients, weights, masks and reductions."""

import numpy as np
import pytest
from keras_beside import assert_close, jax, keras

from lamina import losses, ops
from lamina.autodiff import GradientTape, Tensor

GENERATOR = np.random.default_rng(0)


def shares(*shape):
    return GENERATOR.uniform(0.02, 0.98, shape).astype(np.float32)


def distributions(*shape):
    x = shares(*shape)
    return x / x.sum(-1, keepdims=True)


def one_hot(classes, *shape):
    return np.eye(classes, dtype=np.float32)[GENERATOR.integers(0, classes, shape)]


def logits(*shape):
    return GENERATOR.normal(0, 3, shape).astype(np.float32)


SHAPES = [(7, 5), (4, 3, 6), (9, 1)]
NUMBERS = [(logits(*s), logits(*s)) for s in SHAPES]
SHARES = [(shares(*s), shares(*s)) for s in SHAPES]
BINARY = [((shares(*s) > 0.5).astype(np.float32), shares(*s)) for s in SHAPES]
BINARY_LOGITS = [(t, logits(*t.shape)) for t, _ in BINARY]
CLASSES = [(one_hot(s[-1], *s[:-1]), distributions(*s)) for s in SHAPES[:2]]
CLASS_LOGITS = [(t, logits(*t.shape)) for t, _ in CLASSES]
INDICES = [(t.argmax(-1), p) for t, p in CLASSES]
INDEX_LOGITS = [(t.argmax(-1), p) for t, p in CLASS_LOGITS]

# class, arguments, pairs of targets and predictions
TABLE = [
    ("MeanSquaredError", {}, NUMBERS),
    ("MeanAbsoluteError", {}, NUMBERS),
    ("MeanAbsolutePercentageError", {}, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, SHARES + NUMBERS),
    ("Huber", {}, NUMBERS),
    ("Huber", {"delta": 0.3}, NUMBERS),
    ("LogCosh", {}, NUMBERS),
    ("Poisson", {}, SHARES),
    # Not for a single number, whose cosine is 1 or -1 and whose gradient is 0 but for rounding.
    ("CosineSimilarity", {}, NUMBERS[:2]),
    ("CosineSimilarity", {"axis": 0}, NUMBERS),
    ("Hinge", {}, BINARY_LOGITS),
    ("Hinge", {}, [(2 * t - 1, p) for t, p in BINARY_LOGITS]),
    ("SquaredHinge", {}, BINARY_LOGITS),
    ("CategoricalHinge", {}, CLASS_LOGITS),
    ("KLDivergence", {}, [(distributions(*s), distributions(*s)) for s in SHAPES[:2]]),
    ("BinaryCrossentropy", {}, BINARY + SHARES),
    ("BinaryCrossentropy", {"from_logits": True}, BINARY_LOGITS),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, BINARY),
    ("BinaryCrossentropy", {"axis": 1}, BINARY),
    ("BinaryFocalCrossentropy", {}, BINARY),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 1.5}, BINARY),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, BINARY_LOGITS),
    ("CategoricalCrossentropy", {}, CLASSES),
    ("CategoricalCrossentropy", {}, [(t, p * 3) for t, p in CLASSES]),
    ("CategoricalCrossentropy", {"from_logits": True}, CLASS_LOGITS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, CLASSES),
    ("CategoricalCrossentropy", {"from_logits": True, "axis": 1}, CLASS_LOGITS),
    ("CategoricalFocalCrossentropy", {}, CLASSES),
    ("CategoricalFocalCrossentropy", {"alpha": 0.4, "gamma": 3.0}, CLASSES),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, CLASS_LOGITS),
    ("SparseCategoricalCrossentropy", {}, INDICES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, INDEX_LOGITS),
    ("SparseCategoricalCrossentropy", {}, [(t[..., None], p) for t, p in INDICES]),
    ("SparseCategoricalCrossentropy", {}, [(t.astype(np.float32), p) for t, p in INDICES]),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, INDICES),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2, "from_logits": True}, INDEX_LOGITS),
]
IDS = [f"{name} {arguments or ''}" for name, arguments, _ in TABLE]


def keras_loss(loss, target, prediction, weights=None, mask=None):
    def run(p):
        if mask is not None:
            keras.src.backend.set_keras_mask(p, jax.numpy.asarray(mask))
        return loss(target, p, sample_weight=weights)

    if mask is not None:  # jax's tracers take no mask: differentiate the weighted losses
        return run(jax.numpy.asarray(prediction)), None
    value, pull_back = jax.vjp(run, jax.numpy.asarray(prediction))
    dy = np.linspace(1, 2, value.size, dtype=np.float32).reshape(value.shape)
    return value, pull_back(jax.numpy.asarray(dy))[0]


def our_loss(loss, target, prediction, weights=None, mask=None):
    tensor = Tensor(prediction)
    tensor.mask = mask
    with GradientTape() as tape:
        tape.watch(tensor)
        value = loss(target, tensor, weights)
    dy = np.linspace(1, 2, value.size, dtype=np.float32).reshape(value.shape)
    return value.data, tape.backward(value, [tensor], dy)[0]


def compare(ours, theirs, target, prediction, weights=None, mask=None):
    expected, by_prediction = keras_loss(theirs, target, prediction, weights, mask)
    value, gradient = our_loss(ours, target, prediction, weights, mask)
    assert value.dtype == np.float32
    assert_close(value, expected, ours.name)
    if by_prediction is not None:
        assert_close(gradient, by_prediction, f"gradient of {ours.name}")


@pytest.mark.parametrize(("name", "arguments", "pairs"), TABLE, ids=IDS)
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "none", "mean_with_sample_weight"]
)
def test_loss(name, arguments, pairs, reduction):
    ours = getattr(losses, name)(reduction=reduction, **arguments)
    theirs = getattr(keras.losses, name)(reduction=reduction, **arguments)
    assert ours.name == theirs.name
    for target, prediction in pairs:
        compare(ours, theirs, target, prediction)


@pytest.mark.parametrize(("name", "arguments", "pairs"), TABLE, ids=IDS)
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "none", "mean_with_sample_weight"]
)
def test_sample_weights(name, arguments, pairs, reduction):
    if arguments.get("axis", -1) != -1:
        pytest.skip("the first axis is gone: there are no samples to weigh")
    ours = getattr(losses, name)(reduction=reduction, **arguments)
    theirs = getattr(keras.losses, name)(reduction=reduction, **arguments)
    for target, prediction in pairs:
        samples = prediction.shape[0]
        kinds = [(samples,), (samples, 1)] if prediction.ndim == 2 else [prediction.shape[:2]]
        for shape in kinds:
            compare(ours, theirs, target, prediction, shares(*shape))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", "none"])
@pytest.mark.parametrize("weighted", [False, True])
def test_masks(reduction, weighted):
    target, prediction = NUMBERS[1]
    mask = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    weights = shares(4, 3) if weighted else None
    compare(
        losses.MeanSquaredError(reduction=reduction),
        keras.losses.MeanSquaredError(reduction=reduction),
        target,
        prediction,
        weights,
        mask,
    )
    # What the mask leaves out has no gradient.
    _, gradient = our_loss(losses.MeanSquaredError(), target, prediction, weights, mask)
    assert (gradient[~mask] == 0).all()
    assert (gradient[mask] != 0).all()


def test_targets_of_other_ranks_and_types():
    prediction = shares(6, 1)
    for target in (np.array([0, 1, 1, 0, 1, 0]), [0, 1, 1, 0, 1, 0], np.eye(6)[:, :1]):
        compare(
            losses.BinaryCrossentropy(),
            keras.losses.BinaryCrossentropy(),
            np.asarray(target),
            prediction,
        )
        ours = losses.MeanSquaredError()(target, prediction)
        assert_close(ours, keras.losses.MeanSquaredError()(np.asarray(target), prediction), "mse")


def test_clipping_is_that_of_keras():
    target = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    prediction = np.array([[1, 0], [1, 0], [1e-8, 1]], np.float32)
    for name in ("BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence"):
        compare(getattr(losses, name)(), getattr(keras.losses, name)(), target, prediction)


@pytest.mark.parametrize("name", sorted(set(keras.src.losses.ALL_OBJECTS_DICT)))
def test_names_and_configs(name):
    if name in {"CTC", "Dice", "Tversky", "Circle", "CategoricalGeneralizedCrossEntropy"}:
        pytest.skip("not of the standard set")
    if name in {"ctc", "dice", "tversky", "circle", "categorical_generalized_cross_entropy"}:
        pytest.skip("not of the standard set")
    if name in {"LossFunctionWrapper", "loss_function_wrapper"} or name == "Loss":
        pytest.skip("made of something else")
    found, theirs = losses.get(name), keras.losses.get(name)
    if not isinstance(found, losses.Loss):
        assert found.__name__ == theirs.__name__
        assert losses.deserialize(losses.serialize(found)) is found
        return
    # Keras leaves some arguments out of its configs (delta, axis); it takes them all.
    assert found.get_config().items() >= theirs.get_config().items()
    config = losses.serialize(found)
    assert losses.deserialize(config).get_config() == found.get_config()
    assert losses.deserialize(keras.losses.serialize(theirs)).get_config() == found.get_config()
    assert keras.losses.deserialize(config).get_config() == theirs.get_config()


def test_a_function_of_the_user():
    def distance(y_true, y_pred):
        return ops.mean(ops.absolute(y_pred - y_true) ** 1.5, axis=-1)

    loss = losses.LossFunctionWrapper(losses.get(distance))
    target, prediction = NUMBERS[0]
    value, gradient = our_loss(loss, target, prediction)
    np.testing.assert_allclose(value, (np.abs(prediction - target) ** 1.5).mean(), rtol=1e-5)
    assert gradient.shape == prediction.shape
    assert loss.name == "distance"


def test_targets_of_any_type_give_float32():
    class Difference(losses.Loss):
        def call(self, y_true, y_pred):
            assert y_true.dtype == np.float32
            return ops.mean(ops.square(y_true - y_pred), axis=-1)

    prediction = NUMBERS[0][1]
    for target in (np.ones((7, 5)), np.ones((7, 5), int), np.ones((7, 5), bool).tolist()):
        value, gradient = our_loss(Difference(), target, prediction)
        assert value.dtype == gradient.dtype == np.float32
        np.testing.assert_allclose(value, np.square(1 - prediction).mean(), rtol=1e-5)
    labels = [0, 3, 1, 2, 4, 4, 0]
    assert float(losses.get("SparseCategoricalCrossentropy")(labels, prediction.tolist())) > 0


def test_a_loss_of_the_user():
    class Largest(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.max(ops.absolute(y_pred - y_true), axis=-1)

    target, prediction = NUMBERS[0]
    value, _ = our_loss(Largest(), target, prediction, np.arange(7.0))
    expected = (np.abs(prediction - target).max(-1) * np.arange(7)).mean()
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_targets_may_be_differentiated():
    a, b = Tensor(NUMBERS[0][0]), Tensor(NUMBERS[0][1])
    with GradientTape() as tape:
        tape.watch([a, b])
        value = losses.MeanSquaredError()(a, b)
    by_a, by_b = tape.backward(value, [a, b])
    np.testing.assert_allclose(by_a, -by_b)
    assert (by_a != 0).any()


def test_wrong_arguments():
    target, prediction = NUMBERS[0]
    with pytest.raises(ValueError, match=r"targets of shape \(7, 4\) and predictions"):
        losses.mean_squared_error(target[:, :4], prediction)
    with pytest.raises(ValueError, match="sparse_categorical_crossentropy"):
        losses.categorical_crossentropy(np.arange(7), prediction)
    with pytest.raises(ValueError, match=r"label 9 at \(2,\) is outside \[0, 5\)"):
        losses.sparse_categorical_crossentropy(np.array([0, 1, 9, 0, 0, 0, 0]), shares(7, 5))
    with pytest.raises(ValueError, match="no whole number"):
        losses.sparse_categorical_crossentropy(np.full(7, 0.5), shares(7, 5))
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.Huber(reduction="average")
    with pytest.raises(ValueError, match="did you mean 'mse'"):
        losses.get("msee")
    with pytest.raises(ValueError, match="sample weights of shape"):
        losses.MeanSquaredError()(target, prediction, np.ones(6))
    with pytest.raises(TypeError):
        losses.Huber(sharpness=3)
