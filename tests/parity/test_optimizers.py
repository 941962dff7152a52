"""Every optimizer beside Keras's: the same weights and gradients, the weights after several steps.

The corrections of bias and the schedules are computed in double precision here, in float32 there:
with Keras's default learning rates that is below 1e-6 of the weights.
"""

import numpy as np
import pytest
from keras_beside import assert_close, keras

from lamina import constraints, optimizers
from lamina.autodiff import RowGrad, Variable
from lamina.optimizers import schedules

# Keras's own numpy() of a variable.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPES = [(5, 4), (4,), (3, 3, 2, 5), ()]
STEPS = 4

# What both are made with: the class, and its arguments beyond the defaults.
TABLE = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "learning_rate": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.5, "epsilon": 1e-3}),
    ("RMSprop", {"centered": True, "epsilon": 1e-2}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "epsilon": 1e-2}),
    ("Adam", {}),
    ("Adam", {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.8, "epsilon": 1e-4}),
]
COMMON = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"weight_decay": 0.05},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"loss_scale_factor": 8.0, "clipnorm": 0.5},
    {"gradient_accumulation_steps": 2, "use_ema": True, "global_clipnorm": 0.7},
]


def variables_of_both(shapes=SHAPES, constraint=None):
    generator = np.random.default_rng(1)
    values = [generator.normal(size=shape).astype(np.float32) for shape in shapes]
    values = [
        v + np.float32(2) if v.size == 1 else v for v in values
    ]  # not near 0, where nothing is relative
    ours = [Variable(v, name=f"v{i}") for i, v in enumerate(values)]
    theirs = [keras.Variable(v, name=f"v{i}") for i, v in enumerate(values)]
    if constraint:
        ours[0].constraint = constraints.get(constraint)
        theirs[0].constraint = keras.constraints.get(constraint)
    return ours, theirs


def step_both(mine, other, ours, theirs, generator, scale=1.0):
    gradients = [np.asarray(generator.normal(size=v.shape) * scale, np.float32) for v in ours]
    mine.apply_gradients(zip(gradients, ours, strict=True))
    other.apply_gradients(zip(gradients, theirs, strict=True))


def state_tolerance(name):
    """Keras's Nadam takes 1 - beta_2 in float32, which is off by 1.3e-5 of itself."""
    return 2e-5 if name == "Nadam" else 3e-6


def compare(mine, other, ours, theirs, tolerance=1e-6):
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert_close(a.numpy(), b.numpy(), f"variable {i}", tolerance)


@pytest.mark.parametrize(
    ("name", "arguments", "common"),
    [(*row, {}) for row in TABLE] + [(*TABLE[i], common) for i in (1, 3, 7) for common in COMMON],
)
def test_weights_after_several_steps(name, arguments, common):
    arguments = {**arguments, **common}
    mine, other = (
        getattr(optimizers, name)(**arguments),
        getattr(keras.optimizers, name)(**arguments),
    )
    ours, theirs = variables_of_both()
    generator = np.random.default_rng(2)
    for _ in range(STEPS):
        step_both(mine, other, ours, theirs, generator)
        compare(mine, other, ours, theirs)
    assert int(mine.iterations) == int(other.iterations)
    mine.finalize_variable_values(ours)
    other.finalize_variable_values(theirs)
    compare(mine, other, ours, theirs)


@pytest.mark.parametrize(("name", "arguments"), TABLE)
def test_state_goes_across(name, arguments):
    """The state of either, set into the other in the order of ``variables``, goes on alike."""
    mine, other = (
        getattr(optimizers, name)(**arguments),
        getattr(keras.optimizers, name)(**arguments),
    )
    ours, theirs = variables_of_both()
    generator = np.random.default_rng(3)
    for _ in range(3):
        step_both(mine, other, ours, theirs, generator)
    assert [tuple(v.shape) for v in mine.variables] == [tuple(v.shape) for v in other.variables]
    for place, (a, b) in enumerate(zip(mine.variables, other.variables, strict=True)):
        assert_close(a.numpy(), b.numpy(), f"state {place}: {a.name}", state_tolerance(name))
    again = type(mine).from_config(mine.get_config())
    again.build(ours)
    again.set_weights([v.numpy() for v in other.variables])
    for _ in range(2):
        step_both(again, other, ours, theirs, generator)
    compare(again, other, ours, theirs)


@pytest.mark.parametrize(("name", "arguments"), TABLE)
def test_config_is_keras_s(name, arguments):
    mine, other = (
        getattr(optimizers, name)(**arguments),
        getattr(keras.optimizers, name)(**arguments),
    )
    config, expected = mine.get_config(), other.get_config()
    assert set(config) == set(expected)
    for key in set(config) - {"name", "learning_rate"}:
        assert config[key] == expected[key], key
    assert config["learning_rate"] == pytest.approx(expected["learning_rate"], rel=1e-6)
    again = optimizers.deserialize(optimizers.serialize(mine))
    assert type(again) is type(mine)
    assert again.get_config() == config
    theirs = keras.optimizers.deserialize(optimizers.serialize(mine))
    assert type(theirs).__name__ == name
    assert type(optimizers.deserialize(keras.optimizers.serialize(other))) is type(mine)


@pytest.mark.parametrize(
    "name", ["SGD", "RMSprop", "Adam", "Adagrad", "Adadelta", "Adamax", "Nadam"]
)
def test_rows_give_what_keras_gives_for_the_whole_table(name):
    arguments = {"learning_rate": 0.01}
    mine, other = (
        getattr(optimizers, name)(**arguments),
        getattr(keras.optimizers, name)(**arguments),
    )
    ours, theirs = variables_of_both([(30, 6)])
    generator = np.random.default_rng(4)
    for _ in range(12):
        rows = np.sort(generator.choice(30, 4, replace=False)).astype(np.int64)
        values = generator.normal(size=(4, 6)).astype(np.float32)
        gradient = RowGrad(rows, values, (30, 6))
        mine.apply([gradient], ours)
        other.apply([gradient.to_dense()], theirs)
        compare(mine, other, ours, theirs, 3e-6)
    for place, (a, b) in enumerate(zip(mine.variables, other.variables, strict=True)):
        assert_close(a.numpy(), b.numpy(), f"state {place}", state_tolerance(name))


def test_constraints_come_after_the_update():
    mine, other = optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
    ours, theirs = variables_of_both(constraint="unit_norm")
    generator = np.random.default_rng(5)
    for _ in range(3):
        step_both(mine, other, ours, theirs, generator)
        compare(mine, other, ours, theirs)


def test_variables_without_weight_decay():
    mine = optimizers.AdamW(0.01, weight_decay=5.0, global_clipnorm=0.5)
    other = keras.optimizers.AdamW(0.01, weight_decay=5.0, global_clipnorm=0.5)
    ours, theirs = variables_of_both()
    mine.exclude_from_weight_decay(var_list=ours[:1], var_names=["v2"])
    other.exclude_from_weight_decay(var_list=theirs[:1], var_names=["v2"])
    generator = np.random.default_rng(6)
    for _ in range(3):
        step_both(mine, other, ours, theirs, generator)
    compare(mine, other, ours, theirs)


SCHEDULES = [
    ("ExponentialDecay", (0.1, 10, 0.9)),
    ("ExponentialDecay", (0.1, 10, 0.9, True)),
    ("InverseTimeDecay", (0.1, 10, 0.5)),
    ("InverseTimeDecay", (0.1, 10, 0.5, True)),
    ("PiecewiseConstantDecay", ([5, 20], [1.0, 0.5, 0.1])),
    ("PolynomialDecay", (0.1, 20, 0.01, 2.0)),
    ("PolynomialDecay", (0.1, 20, 0.01, 0.5, True)),
    ("CosineDecay", (0.1, 20, 0.1)),
    ("CosineDecay", (0.01, 20, 0.1, "warm", 0.1, 5)),
    ("CosineDecayRestarts", (0.1, 8)),
    ("CosineDecayRestarts", (0.1, 8, 1.0, 0.9, 0.1)),
    ("CosineDecayRestarts", (0.1, 8, 1.5, 0.9, 0.1)),
]


@pytest.mark.parametrize(("name", "arguments"), SCHEDULES)
def test_schedules(name, arguments):
    mine = getattr(schedules, name)(*arguments)
    other = getattr(keras.optimizers.schedules, name)(*arguments)
    assert mine.get_config() == other.get_config()
    # Not where a period ends: there float32's rounding decides whether the next has begun.
    for step in (0, 1, 3, 5, 6, 7, 10, 13, 19, 20, 21, 25, 34, 47, 69):
        assert mine(step) == pytest.approx(float(other(step)), rel=2e-5, abs=2e-7), step
    again = schedules.deserialize(schedules.serialize(mine))
    assert type(again) is type(mine)
    assert again.get_config() == mine.get_config()
    theirs = keras.optimizers.schedules.deserialize(schedules.serialize(mine))
    assert type(theirs).__name__ == name


def test_optimizers_follow_schedules():
    arguments = (0.1, 2, 0.5)
    mine = optimizers.SGD(schedules.ExponentialDecay(*arguments), gradient_accumulation_steps=2)
    other = keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(*arguments), gradient_accumulation_steps=2
    )
    ours, theirs = variables_of_both()
    generator = np.random.default_rng(8)
    for _ in range(6):
        assert float(mine.learning_rate) == pytest.approx(float(other.learning_rate), rel=1e-6)
        step_both(mine, other, ours, theirs, generator)
        compare(mine, other, ours, theirs)
    again = optimizers.get(optimizers.serialize(mine))
    assert again.get_config() == mine.get_config()
