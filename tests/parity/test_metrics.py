"""Metrics beside Keras's: several batches, weights, configs."""

import numpy as np
import pytest
from keras_beside import assert_close, keras

from lamina import metrics, ops
from lamina.autodiff import Tensor

GENERATOR = np.random.default_rng(0)


def shares(*shape):
    return GENERATOR.uniform(0.02, 0.98, shape).astype(np.float32)


def numbers(n=9):
    return [(shares(n, 4) * 3, shares(n, 4) * 3) for _ in range(3)]


def binary(*shape):
    return [((shares(*shape) > 0.5).astype(np.float32), shares(*shape)) for _ in range(3)]


def classes(*shape):
    found = []
    for _ in range(3):
        scores = shares(*shape)
        hot = np.eye(shape[-1], dtype=np.float32)[GENERATOR.integers(0, shape[-1], shape[:-1])]
        found.append((hot, scores / scores.sum(-1, keepdims=True)))
    return found


def indices(*shape):
    return [(t.argmax(-1), p) for t, p in classes(*shape)]


EDGES = [
    (
        np.array([0, 1, 1, 0, 1, 0], np.float32),
        np.array([0, 1, 0.5, 0.5, 0.25, 1.0], np.float32),
    )
]

# class, arguments, batches
TABLE = [
    ("Accuracy", {}, [(np.array([1, 2, 3]), np.array([1, 0, 3]))]),
    ("BinaryAccuracy", {}, binary(9, 1) + binary(9) + binary(5, 3)),
    ("BinaryAccuracy", {"threshold": 0.7}, binary(9, 1)),
    ("BinaryAccuracy", {}, [(t, p[:, None]) for t, p in binary(9)]),
    ("CategoricalAccuracy", {}, classes(9, 5) + classes(3, 4, 5)),
    ("SparseCategoricalAccuracy", {}, indices(9, 5) + indices(3, 4, 5)),
    ("SparseCategoricalAccuracy", {}, [(t[:, None], p) for t, p in indices(9, 5)]),
    ("TopKCategoricalAccuracy", {"k": 2}, classes(9, 6)),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, indices(9, 6)),
    ("MeanSquaredError", {}, numbers()),
    ("RootMeanSquaredError", {}, numbers()),
    ("MeanAbsoluteError", {}, numbers()),
    ("MeanAbsolutePercentageError", {}, numbers()),
    ("MeanSquaredLogarithmicError", {}, numbers()),
    ("LogCoshError", {}, numbers()),
    ("CosineSimilarity", {}, numbers()),
    ("Poisson", {}, numbers()),
    ("Hinge", {}, binary(9, 4)),
    ("SquaredHinge", {}, binary(9, 4)),
    ("CategoricalHinge", {}, classes(9, 4)),
    ("KLDivergence", {}, classes(9, 4)),
    ("BinaryCrossentropy", {}, binary(9, 1) + binary(4, 3)),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, binary(9, 2)),
    ("CategoricalCrossentropy", {}, classes(9, 4)),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, classes(9, 4)),
    ("SparseCategoricalCrossentropy", {}, indices(9, 4)),
    ("TruePositives", {}, binary(9, 1)),
    ("TrueNegatives", {"thresholds": [0.7, 0.2]}, binary(9, 3)),
    ("FalsePositives", {"thresholds": [0.0, 0.5, 1.0]}, binary(9) + EDGES),
    ("FalseNegatives", {"thresholds": 0.25}, binary(9) + EDGES),
    ("Precision", {}, binary(9, 1) + EDGES),
    ("Precision", {"thresholds": [0.1, 0.6, 0.5]}, binary(9, 4)),
    ("Precision", {"top_k": 2}, classes(9, 5)),
    ("Precision", {"class_id": 1}, classes(9, 5)),
    ("Precision", {"top_k": 2, "class_id": 1}, classes(9, 5)),
    ("Recall", {}, binary(9, 1) + EDGES),
    ("Recall", {"top_k": 2}, classes(9, 5)),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, binary(40)),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 20}, binary(40, 1)),
    ("PrecisionAtRecall", {"recall": 0.4}, binary(40) + EDGES),
    ("RecallAtPrecision", {"precision": 0.4, "num_thresholds": 1}, binary(40)),
    ("AUC", {}, binary(40) + EDGES),
    ("AUC", {"curve": "PR"}, binary(40, 1) + EDGES),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, binary(40)),
    ("AUC", {"summation_method": "majoring", "num_thresholds": 7}, binary(40)),
    ("AUC", {"thresholds": [0.1, 0.3, 0.35, 0.8]}, binary(40)),
    ("AUC", {"multi_label": True, "num_labels": 3}, binary(40, 3)),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.5]}, binary(40, 3)),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR"}, binary(40, 3)),
    ("F1Score", {}, classes(20, 4)),
    ("F1Score", {"average": "micro", "threshold": 0.3}, classes(20, 4)),
    ("F1Score", {"average": "macro"}, classes(20, 4)),
    ("F1Score", {"average": "weighted"}, classes(20, 4)),
    ("FBetaScore", {"beta": 2.0, "average": "macro"}, classes(20, 4)),
    ("R2Score", {}, numbers()),
    ("R2Score", {"class_aggregation": None}, numbers()),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, numbers()),
    ("R2Score", {"num_regressors": 2}, numbers()),
]
IDS = [f"{name} {arguments or ''}" for name, arguments, _ in TABLE]


def both(name, arguments):
    return getattr(metrics, name)(**arguments), getattr(keras.metrics, name)(**arguments)


@pytest.mark.parametrize(("name", "arguments", "batches"), TABLE, ids=IDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_metric(name, arguments, batches, weighted):
    ours, theirs = both(name, arguments)
    for round_number in range(2):
        for target, prediction in batches:
            weights = shares(len(prediction)) if weighted else None
            ours.update_state(target, Tensor(prediction), weights)
            theirs.update_state(target, prediction, sample_weight=weights)
            assert_close(np.asarray(ours.result()), theirs.result(), name)
        if round_number == 0:
            ours.reset_state()
            theirs.reset_state()


@pytest.mark.parametrize(("name", "arguments", "batches"), TABLE, ids=IDS)
def test_configs(name, arguments, batches):
    ours, theirs = both(name, arguments)
    mine, other = ours.get_config(), theirs.get_config()
    for key, value in other.items():
        if key in {"name", "label_weights"} or key == "dtype":
            continue
        if key == "thresholds" and name == "AUC":
            np.testing.assert_allclose(mine[key], value)
            continue
        assert mine[key] == value, key
    again = metrics.deserialize(metrics.serialize(ours))
    assert again.get_config() == mine
    for target, prediction in batches:
        ours.update_state(target, prediction)
        again.update_state(target, prediction)
    np.testing.assert_array_equal(ours.result(), again.result())


def test_means_and_sums():
    for name in ("Mean", "Sum"):
        ours, theirs = both(name, {})
        for values, weights in [
            (shares(5), None),
            (shares(5), shares(5)),
            (shares(5, 3), shares(5)),
            (shares(5, 3, 2), shares(5, 3)),
            (np.float32(3), None),
            (shares(4, 1), shares(4)),
        ]:
            ours.update_state(values, weights)
            theirs.update_state(values, sample_weight=weights)
            assert_close(ours.result(), theirs.result(), name)


def test_masked_steps_do_not_count():
    target, prediction = shares(4, 3, 2), Tensor(shares(4, 3, 2))
    prediction.mask = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    ours, theirs = both("MeanSquaredError", {})
    array = keras.ops.convert_to_tensor(prediction.data)
    keras.src.backend.set_keras_mask(array, keras.ops.convert_to_tensor(prediction.mask))
    ours.update_state(target, prediction)
    theirs.update_state(target, array)
    assert_close(ours.result(), theirs.result(), "masked mse")


def test_names():
    for name in ("auc", "precision", "binary_accuracy", "mse", "MAE", "f1_score", "AUC", "kld"):
        assert isinstance(metrics.get(name), metrics.Metric)
    known = set(metrics.registry.names())
    names = {
        name
        for name in keras.src.metrics.ALL_OBJECTS_DICT
        if "io_u" not in name
        and "IoU" not in name
        and "orrelation" not in name
        and name != "Metric"
    }
    missing = names - known - {"metric"}
    assert not missing, missing
    with pytest.raises(ValueError, match="did you mean 'precision'"):
        metrics.get("precison")
    assert metrics.Precision(name="p").name == "p"


def test_a_metric_of_the_user():
    class Spread(metrics.Metric):
        def __init__(self, name="spread", **kwargs):
            super().__init__(name=name, **kwargs)
            self.total = self.add_weight(name="total", initializer="zeros")
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(ops.sum(ops.absolute(y_true - y_pred)))
            self.count.assign_add(len(y_pred))

        def result(self):
            return self.total / self.count

    metric = Spread()
    for target, prediction in numbers():
        metric.update_state(target, Tensor(prediction))
    assert float(metric.result()) > 0
    metric.reset_state()
    target, prediction = numbers()[0]
    metric(target, Tensor(prediction))
    expected = np.abs(target - prediction).sum() / len(target)
    np.testing.assert_allclose(float(metric.result()), expected, rtol=1e-6)


def test_a_function_of_the_user():
    def worst(y_true, y_pred):
        return ops.max(ops.absolute(y_true - y_pred), axis=-1)

    metric = metrics.MeanMetricWrapper(metrics.get(worst))
    target, prediction = numbers()[0]
    metric.update_state(target, Tensor(prediction))
    np.testing.assert_allclose(
        metric.result(), np.abs(target - prediction).max(-1).mean(), rtol=1e-6
    )
    assert metric.name == "worst"


def test_a_million_updates_keep_their_digits():
    metric = metrics.Mean()
    for _ in range(1000):
        metric.update_state(np.full(1000, 0.1, np.float32))
    assert metric.result() == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"targets of shape \(3, 2\) do not fit"):
        metrics.Precision().update_state(np.ones((3, 2)), np.ones((3, 4)))
    with pytest.raises(ValueError, match="class_id=1 wants predictions"):
        metrics.Recall(class_id=1).update_state(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.Precision(thresholds=[0.3, 2])
    with pytest.raises(ValueError, match="curve must be one of"):
        metrics.AUC(curve="DET")
    with pytest.raises(ValueError, match="must be above 1"):
        metrics.AUC(num_thresholds=1)
    with pytest.raises(ValueError, match="num_labels is for"):
        metrics.AUC(num_labels=3)
    with pytest.raises(ValueError, match="average must be"):
        metrics.F1Score(average="median")
    with pytest.raises(ValueError, match="one shape"):
        metrics.F1Score().update_state(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="specificity must be in"):
        metrics.SensitivityAtSpecificity(1.5)
    with pytest.raises(ValueError, match="sample weights of shape"):
        metrics.Mean().update_state(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="sparse_categorical_accuracy: targets"):
        metrics.SparseCategoricalAccuracy().update_state(np.ones((3, 4)), np.ones((3, 4)))
