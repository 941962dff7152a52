"""Optimizers as their users meet them: names, settings, errors, own rules, and the cost of rows.

That the updates are right is shown in kernels/test_optimizer_kernels.py and parity.
"""

from __future__ import annotations

import copy
import pickle
import time
import tracemalloc

import numpy as np
import pytest

import lamina.models
from lamina import layers, ops, optimizers
from lamina.autodiff import GradientTape, RowGrad, Tensor, Variable
from lamina.optimizers import schedules

NAMES = ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam"]


def variable(*shape, value=1.0):
    return Variable(np.full(shape, value, np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_by_name_class_object_and_config(name):
    kind = getattr(optimizers, name)
    for given in (name, name.lower(), kind, kind(), {"class_name": name, "config": {}}):
        assert type(optimizers.get(given)) is kind
    chosen = kind(learning_rate=0.5)
    assert optimizers.get(chosen) is chosen
    assert optimizers.get(None) is None


def test_unknown_names_and_arguments():
    with pytest.raises(ValueError, match="unknown optimizer 'rmspop': did you mean 'rmsprop'"):
        optimizers.get("rmspop")
    with pytest.raises(TypeError, match="unexpected keyword argument 'learn_rate'"):
        optimizers.Adam(learn_rate=1)
    with pytest.raises(TypeError, match="wanted a name or an object"):
        optimizers.get(len)
    with pytest.raises(TypeError, match="learning_rate must be a number"):
        optimizers.SGD("fast")
    with pytest.raises(ValueError, match="only one limit of gradients"):
        optimizers.SGD(clipnorm=1, clipvalue=1)
    with pytest.raises(ValueError, match="momentum must be in"):
        optimizers.SGD(momentum=2)
    with pytest.raises(ValueError, match="weight_decay must be a number"):
        optimizers.AdamW(weight_decay=None)
    with pytest.raises(ValueError, match="at least 2"):
        optimizers.SGD(gradient_accumulation_steps=1)
    with pytest.raises(ValueError, match="ema_momentum"):
        optimizers.SGD(use_ema=True, ema_momentum=2)
    with pytest.raises(ValueError, match="ema_overwrite_frequency"):
        optimizers.SGD(use_ema=True, ema_overwrite_frequency=0)
    with pytest.raises(ValueError, match="one value more than boundaries, got 2 boundaries and 2"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="decay_steps must be above 0"):
        schedules.ExponentialDecay(0.1, 0, 0.9)


def test_the_learning_rate_is_a_float_that_can_be_set():
    optimizer = optimizers.Adam(0.25)
    assert isinstance(optimizer.learning_rate, float)
    assert optimizer.learning_rate == optimizer.lr == optimizer.learning_rate.numpy() == 0.25
    optimizer.learning_rate = 0.5
    assert optimizer.lr == 0.5
    optimizer.lr = 0.125
    optimizer.learning_rate.assign(optimizer.learning_rate / 2)
    assert optimizer.learning_rate.value == 0.0625
    assert optimizer.get_config()["learning_rate"] == 0.0625
    weights = variable(2)
    optimizers_in_use = optimizers.SGD(1.0)
    optimizers_in_use.learning_rate = 0.25
    optimizers_in_use.apply([np.ones(2, np.float32)], [weights])
    np.testing.assert_array_equal(weights.numpy(), [0.75, 0.75])
    optimizer.learning_rate = schedules.ExponentialDecay(0.1, 1, 0.5)
    assert optimizer.learning_rate == 0.1
    assert [v.name for v in optimizer.variables] == ["iteration"]
    with pytest.raises(TypeError, match="is the schedule ExponentialDecay"):
        optimizer.learning_rate = 0.1
    following = iter([0.5, 0.25])
    assert optimizers.SGD(lambda: next(following)).learning_rate == 0.5


def test_the_spellings_of_keras_2():
    assert optimizers.SGD(lr=0.5).learning_rate == 0.5
    assert optimizers.RMSprop(lr=1e-4).learning_rate == 1e-4
    weights, optimizer = variable(1, value=0.0), optimizers.SGD(lr=1.0, decay=0.5)
    for _ in range(3):
        optimizer.apply([np.ones(1, np.float32)], [weights])
    assert weights.numpy() == pytest.approx([-(1 + 1 / 1.5 + 1 / 2)])
    assert optimizers.SGD(lr=0.5, decay=0).learning_rate == 0.5


def test_a_users_schedule():
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return ops.divide(1.0, step + 1)

    weights, optimizer = variable(1, value=0.0), optimizers.SGD(Halving())
    for _ in range(3):
        optimizer.apply_gradients([(np.ones(1, np.float32), weights)])
    assert weights.numpy() == pytest.approx([-(1 + 1 / 2 + 1 / 3)])


def test_wrong_gradients_change_nothing():
    a, b = variable(2, 3), variable(4)
    optimizer = optimizers.SGD(1.0)
    good, bad = np.ones((2, 3), np.float32), np.ones(5, np.float32)
    with pytest.raises(ValueError, match=r"variable has the shape \(4,\), its gradient \(5,\)"):
        optimizer.apply([good, bad], [a, b])
    with pytest.raises(ValueError, match="got 1 gradients for 2 variables"):
        optimizer.apply([good], [a, b])
    with pytest.raises(ValueError, match="no variable has a gradient"):
        optimizer.apply([None, None], [a, b])
    with pytest.raises(ValueError, match="is not among the variables"):
        optimizer.apply([good, good], [a, variable(2, 3)])
    assert (a.numpy() == 1).all()
    assert int(optimizer.iterations) == 0
    with pytest.warns(UserWarning, match="no gradient for variable"):
        optimizer.apply([good, None], [a, b])
    assert (a.numpy() == 0).all()
    assert (b.numpy() == 1).all()
    optimizer.apply([Tensor(good), [1.0, 1, 1, 1]])
    assert (b.numpy() == 0).all()


def test_gradients_of_any_layout_and_type():
    weights = variable(3, 2, value=0.0)
    gradient = np.arange(6.0).reshape(2, 3).T
    optimizers.SGD(1.0).apply([gradient], [weights])
    np.testing.assert_array_equal(weights.numpy(), -gradient)


class PlainMomentum(optimizers.Optimizer):
    """An optimizer as a user writes it: from Keras's documentation, with ops of lamina."""

    def __init__(self, learning_rate=0.01, momentum=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        self.momentums = [
            self.add_variable_from_reference(reference_variable=v, name="momentum")
            for v in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, ops.subtract(m * self.momentum, gradient * learning_rate))
        self.assign_add(variable, m)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


@pytest.mark.parametrize(
    "settings",
    [{}, {"clipnorm": 0.5}, {"clipvalue": 0.2}, {"global_clipnorm": 0.5}, {"weight_decay": 0.1},
     {"loss_scale_factor": 4.0}, {"use_ema": True}, {"gradient_accumulation_steps": 2}],
)  # fmt: skip
def test_a_users_optimizer_has_every_setting(settings):
    generator = np.random.default_rng(0)
    mine, native = PlainMomentum(0.1, **settings), optimizers.SGD(0.1, momentum=0.9, **settings)
    ours = [variable(3, 2), variable(4), variable()]
    theirs = [variable(3, 2), variable(4), variable()]
    for _ in range(4):
        dense = generator.normal(size=4).astype(np.float32)
        scalar = np.asarray(generator.normal(), np.float32)
        rows = RowGrad(np.array([1]), generator.normal(size=(1, 2)).astype(np.float32), (3, 2))
        mine.apply([rows, dense, scalar], ours)
        native.apply([rows, dense, scalar], theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)
    again = PlainMomentum.from_config(mine.get_config())
    assert again.get_config() == mine.get_config()
    assert [v.shape for v in mine.variables] == [v.shape for v in native.variables]


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_on_top_of_a_kernel(name):
    class Signs(getattr(optimizers, name)):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(ops.sign(gradient), variable, learning_rate)

    weights, plain = variable(3), variable(3)
    Signs(0.1).apply([np.array([5, -3, 2], np.float32)], [weights])
    getattr(optimizers, name)(0.1).apply([np.array([1, -1, 1], np.float32)], [plain])
    assert np.isfinite(plain.numpy()).all()
    np.testing.assert_array_equal(weights.numpy(), plain.numpy())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("name", ["RMSprop", "Nadam"])
def test_a_copy_goes_on_by_itself(name, copied):
    weights, optimizer = [variable(3, 2), variable(4)], getattr(optimizers, name)(0.1)
    gradients = [RowGrad(np.array([1]), np.ones((1, 2), np.float32), (3, 2)), np.ones(4)]
    optimizer.apply(gradients, weights)
    others, other = copied((weights, optimizer))
    before = weights[1].numpy().copy()
    other.apply(gradients, others)
    np.testing.assert_array_equal(weights[1].numpy(), before)
    optimizer.apply(gradients, weights)
    for mine, wanted in zip(
        [*others, *other.variables], [*weights, *optimizer.variables], strict=True
    ):
        np.testing.assert_array_equal(mine.numpy(), wanted.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_trains_a_table_of_vectors(name):
    """From the operation to the optimizer: after training, each row is near its target."""
    generator = np.random.default_rng(1)
    table = Variable(np.zeros((20, 4), np.float32))
    target = generator.normal(size=(20, 4)).astype(np.float32)
    rate = {"Adadelta": 50.0, "SGD": 3.0}.get(name, 0.3)
    optimizer = optimizers.get({"class_name": name, "config": {"learning_rate": rate}})

    def step():
        ids = generator.integers(0, 20, 8)
        with GradientTape() as tape:
            error = ops.embedding(ids, table) - target[ids]
            loss = ops.mean(error * error)
        gradients = tape.backward(loss, [table])
        assert isinstance(gradients[0], RowGrad)
        optimizer.apply(gradients, [table])
        return loss.item()

    first = step()
    for _ in range(300):
        last = step()
    assert last < first / 10


@pytest.mark.parametrize("name", ["RMSprop", "Adadelta"])
def test_state_is_up_to_date_whenever_it_is_read(name):
    lagging, dense = (getattr(optimizers, name)(0.1) for _ in range(2))
    a, b = variable(6, 2), variable(6, 2)
    for t in range(5):
        rows = RowGrad(np.array([t % 2, 3]), np.ones((2, 2), np.float32), (6, 2))
        lagging.apply([rows], [a])
        dense.apply([rows.to_dense()], [b])
        for mine, wanted in zip(lagging.get_weights(), dense.get_weights(), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-6)
    state = lagging.get_weights()
    again = getattr(optimizers, name)(0.1)
    again.build([a])
    again.set_weights(state)
    rows = RowGrad(np.array([5]), np.ones((1, 2), np.float32), (6, 2))
    for optimizer, weights in ((again, a), (dense, b)):
        optimizer.apply([rows if optimizer is again else rows.to_dense()], [weights])
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


def test_fit_ends_with_the_averages_in_place_of_the_weights():
    model = lamina.models.Sequential([layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75), "mse")
    x = np.ones((8, 1), np.float32)
    weight = average = 0.0
    for step in range(4):
        weight += 0.1 * 2 * (1 - weight)
        momentum = 0.75 if step else 0.0
        average = momentum * average + (1 - momentum) * weight
    model.fit(x, x, batch_size=4, epochs=2, verbose=0, shuffle=False)
    assert model.get_weights()[0].item() == pytest.approx(average)


def test_lazy_says_so_in_its_config():
    optimizer = optimizers.Adam(0.1, lazy=True)
    table = variable(5, 2)
    optimizer.apply([RowGrad(np.array([1]), np.ones((1, 2), np.float32), (5, 2))], [table])
    optimizer.apply([RowGrad(np.array([2]), np.ones((1, 2), np.float32), (5, 2))], [table])
    assert table.numpy()[1] == pytest.approx([0.9, 0.9])
    assert optimizers.get(optimizers.serialize(optimizer)).lazy
    with pytest.raises(ValueError, match="wanted 2"):
        optimizers.SGD(1.0).set_weights([1])


def step_by_rows(optimizer, table):
    generator = np.random.default_rng(0)
    rows = np.sort(generator.choice(len(table), 64, replace=False)).astype(np.int64)
    gradient = RowGrad(rows, np.ones((64, 16), np.float32), table.shape)
    return lambda: optimizer.apply([gradient], [table])


@pytest.mark.parametrize("settings", [("SGD", {}), ("Adagrad", {}), ("RMSprop", {}),
                                      ("RMSprop", {"centered": True}), ("Adadelta", {}),
                                      ("Adam", {"lazy": True})])  # fmt: skip
def test_cost_of_rows_does_not_grow_with_the_table(settings):
    """A table 300 times as large: no more memory in a step, and not 30 times as much time."""
    times, bytes_of_a_step = [], []
    for V in (1000, 300_000):
        step = step_by_rows(getattr(optimizers, settings[0])(**settings[1]), variable(V, 16))
        step()
        tracemalloc.start()
        step()
        bytes_of_a_step.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        best = np.inf
        for _ in range(20):
            begin = time.perf_counter()
            step()
            best = min(best, time.perf_counter() - begin)
        times.append(best)
    assert bytes_of_a_step[1] < bytes_of_a_step[0] + 10_000
    assert times[1] < 30 * times[0]
