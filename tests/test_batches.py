"""Data in every form: arrays, lists, dicts, generators, sequences; weights, splits and order."""

import numpy as np
import pytest
from small_models import data, small_model, two_by_two

from lamina import Sequential, layers
from lamina.layers import Dense
from lamina.models.batches import ArrayBatches
from lamina.randomness import set_random_seed


@pytest.mark.parametrize("form", ["list", "tuple", "dict", "names"])
def test_several_inputs_and_outputs_in_every_form(form):
    x, y = data(40)
    z = np.ones((40, 3), np.float32)
    model = two_by_two()
    model.set_weights([np.full(v.shape, 0.1) for v in model.weights])
    model.compile("sgd", {"left": "mse", "right": "mse"}, loss_weights={"right": 0.5})
    inputs, targets = {
        "list": ([x, 2 * x], [y, z]),
        "tuple": ((x, 2 * x), (y, z)),
        "dict": ({"b": 2 * x, "a": x}, {"right": z, "left": y}),
        "names": ({"a": x, "b": 2 * x}, [y, z]),
    }[form]
    loss = model.train_on_batch(inputs, targets, return_dict=True)
    total = x.sum(axis=1, keepdims=True)
    left = ((0.1 * total + 0.1 - y) ** 2).mean()
    right = ((0.3 * total + 0.1 - z) ** 2).mean()
    assert loss["left_loss"] == pytest.approx(left, rel=1e-4)
    assert loss["right_loss"] == pytest.approx(right, rel=1e-4)
    assert loss["loss"] == pytest.approx(left + 0.5 * right, rel=1e-4)
    history = model.fit(inputs, targets, verbose=0, batch_size=16)
    assert list(history.history) == ["loss", "left_loss", "right_loss"]
    assert [each.shape for each in model.predict(inputs)] == [(40, 2), (40, 3)]


def test_lists_of_numbers_are_arrays():
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    model.fit([[1.0], [2.0], [3.0]], [[2.0], [4.0], [6.0]], verbose=0)
    model.fit([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], verbose=0)
    assert model.predict([[1.0], [2.0]]).shape == (2, 1)
    assert model.predict(np.array([1.0, 2.0])).shape == (2, 1)


class Batches:
    """A Sequence, as Keras's users write it."""

    def __init__(self, x, y, size=10):
        self.x, self.y, self.size, self.ended = x, y, size, 0

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, number):
        part = slice(number * self.size, (number + 1) * self.size)
        return self.x[part], self.y[part]

    def on_epoch_end(self):
        self.ended += 1


def test_arrays_generators_sequences_and_iterables_train_alike():
    x, y = data(60)

    def generator():
        for i in range(0, 60, 10):
            yield x[i : i + 10], y[i : i + 10]

    class Iterable:
        def __iter__(self):
            return generator()

    def forever():
        while True:
            yield from generator()

    losses = {}
    for name, given in {
        "arrays": {"x": x, "y": y, "batch_size": 10},
        "sequence": {"x": Batches(x, y)},
        "iterable": {"x": Iterable()},
        "generator": {"x": forever(), "steps_per_epoch": 6},
    }.items():
        history = small_model().fit(**given, epochs=3, shuffle=False, verbose=0)
        losses[name] = history.history["loss"]
        assert len(losses[name]) == 3
    old = small_model().fit_generator(forever(), 6, 3, verbose=0)  # as Keras 2 had it
    losses["fit_generator"] = old.history["loss"]
    for name, values in losses.items():
        assert values == pytest.approx(losses["arrays"], rel=1e-5), name
    sequence = Batches(x, y)
    small_model().fit(sequence, epochs=2, verbose=0)
    assert sequence.ended == 2
    model = small_model()
    assert model.evaluate(Batches(x, y), verbose=0) == pytest.approx(
        model.evaluate(x, y, verbose=0)
    )
    np.testing.assert_allclose(model.predict(Batches(x, y)), model.predict(x), rtol=1e-6)
    np.testing.assert_allclose(model.predict(generator()), model.predict(x), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.float16, bool])
@pytest.mark.parametrize("width", [1, 30, 4001, 4096])  # small samples, odd ones, whole words
def test_shuffled_batches_hold_every_sample_whole(dtype, width):
    rng = np.random.default_rng(width)
    x = np.frombuffer(rng.bytes(150 * width * np.dtype(dtype).itemsize), np.uint8).copy()
    x = (x % 2 == 1).reshape(150, -1) if dtype is bool else x.view(dtype).reshape(150, width)
    labels = np.arange(150)
    # In turn as they are, with strides, and at an odd address.
    moved = np.empty(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
    moved[:] = x
    for given in (x, np.asfortranarray(x), moved):
        batches = ArrayBatches(given, labels, batch_size=64, shuffle=True)
        taken = list(batches)
        assert [len(batch) for batch, _, _ in taken] == [64, 64, 22]
        order = np.concatenate([numbers for _, numbers, _ in taken])
        assert sorted(order) == labels.tolist()
        assert (order != labels).any()
        for batch, numbers, _ in taken:
            assert batch.dtype == x.dtype
            assert batch.shape[1:] == x.shape[1:]
            assert batch.tobytes() == x[numbers].tobytes()


def test_a_generator_that_ends_too_soon():
    x, y = data(20)
    model = small_model()
    with pytest.raises(ValueError, match="epoch 2 has no batches: is the generator used up"):
        model.fit(iter([(x, y)]), epochs=2, verbose=0)
    with pytest.raises(
        ValueError, match="y and sample_weight come with the batches of a generator"
    ):
        model.fit(iter([(x, y)]), y, verbose=0)
    with pytest.raises(ValueError, match="a batch is .x, y. or .x, y, sample_weight., got 4 parts"):
        model.fit(iter([(x, y, x, y)]), verbose=0)


def test_steps_per_epoch_of_arrays_goes_on_where_it_was():
    x, y = data(60)
    seen = []

    class Watching(layers.Layer):
        def call(self, inputs):
            seen.append(float(inputs.numpy()[0, 0]))
            return inputs

    model = Sequential([Watching(input_shape=(4,)), Dense(2)])
    model.compile("sgd", "mse")
    seen.clear()
    model.fit(x, y, batch_size=10, steps_per_epoch=4, epochs=3, shuffle=False, verbose=0)
    wanted = [x[i * 10 % 60, 0] for i in range(12)]
    assert seen == pytest.approx(wanted)


def test_steps_are_the_first_batches():
    x, y = data(50)
    model = small_model()
    assert model.predict(x, batch_size=10, steps=2).shape == (20, 2)
    first = model.evaluate(x[:20], y[:20], verbose=0)
    assert model.evaluate(x, y, batch_size=10, steps=2, verbose=0) == pytest.approx(first)
    before = model.get_weights()
    history = model.fit(
        x, y, validation_data=(x, y), validation_steps=2, validation_batch_size=10, verbose=0
    ).history
    assert not np.array_equal(before[0], model.get_weights()[0])
    after = model.evaluate(x[:20], y[:20], verbose=0)
    assert [history["val_loss"][0], history["val_mae"][0]] == pytest.approx(after)
    batches = iter([(x, y)] * 5)
    history = model.fit(
        x, y, validation_data=batches, validation_steps=2, epochs=2, verbose=0
    ).history
    assert all(value > 0 for value in history["val_loss"])
    with pytest.raises(ValueError, match="no batches to evaluate: is the generator used up"):
        model.fit(x, y, validation_data=iter([(x, y)] * 5), epochs=2, verbose=0)
    with pytest.raises(ValueError, match="validation_freq must be at least 1, got 0"):
        model.fit(x, y, validation_data=(x, y), validation_freq=0, verbose=0)


def test_validation_split_takes_the_end_and_validation_data_wins():
    x, y = data(50)
    y[40:] += 100
    model = small_model()
    before = model.get_weights()
    history = model.fit(x, y, validation_split=0.2, verbose=0)
    assert history.history["val_loss"][0] > 1000
    assert history.history["loss"][0] < 10
    expected = model.evaluate(x[40:], y[40:], return_dict=True, verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(expected["loss"], rel=1e-5)
    model.set_weights(before)
    other = (x[:5], y[:5], np.zeros(5))
    history = model.fit(x[:40], y[:40], validation_data=other, verbose=0)
    assert history.history["val_loss"] == [0]
    history = model.fit(x, y, validation_data=Batches(x, y), validation_freq=2, epochs=4, verbose=0)
    assert len(history.history["val_loss"]) == 2
    history = model.fit(x, y, validation_data=(x, y), validation_freq=[1, 3], epochs=4, verbose=0)
    assert len(history.history["val_loss"]) == 2
    for share in (-0.1, 1.0, 1.5, 0.999):
        with pytest.raises(ValueError, match="validation_split"):
            model.fit(x, y, validation_split=share, verbose=0)


def test_sample_weights_and_class_weights():
    x, y = data(40)
    weights = np.linspace(0, 2, 40).astype(np.float32)
    model = small_model()
    error = ((model.predict(x) - y) ** 2).mean(axis=1)
    found = model.test_on_batch(x, y, sample_weight=weights, return_dict=True)["loss"]
    assert found == pytest.approx((error * weights).sum() / 40, rel=1e-5)
    one = Sequential([Dense(1, input_shape=(4,))])
    one.compile("sgd", "mse")
    classes = (np.arange(40) % 2).astype(np.float32)
    by_class = {0: 1.0, 1: 3.0}
    weights = np.where(classes == 1, 3.0, 1.0)
    error = (one.predict(x)[:, 0] - classes) ** 2
    wanted = (error * weights).mean()
    before = one.get_weights()
    loss = one.train_on_batch(x, classes[:, None], class_weight=by_class)
    assert loss == pytest.approx(wanted, rel=1e-5)
    after = one.get_weights()
    one.set_weights(before)
    one.fit(x, classes[:, None], class_weight=by_class, batch_size=40, shuffle=False, verbose=0)
    np.testing.assert_allclose(one.get_weights()[0], after[0], rtol=1e-5)
    one.set_weights(before)
    one.fit(x, classes[:, None], sample_weight=weights, batch_size=40, shuffle=False, verbose=0)
    np.testing.assert_allclose(one.get_weights()[0], after[0], rtol=1e-5)
    with pytest.raises(ValueError, match=r"no weight for the classes \[1\]"):
        one.fit(x, classes[:, None], class_weight={0: 1.0}, verbose=0)


def test_shuffling():
    x, y = data(64)
    orders = []

    class Order(layers.Layer):
        def call(self, inputs):
            orders.append(inputs.numpy()[:, 0].copy())
            return inputs

    def run(shuffle):
        model = Sequential([Order(input_shape=(4,)), Dense(2)])
        model.compile("sgd", "mse")
        orders.clear()
        set_random_seed(3)
        model.fit(x, y, batch_size=16, epochs=2, shuffle=shuffle, verbose=0)
        return np.concatenate(orders[:4]), np.concatenate(orders[4:])

    plain = run(shuffle=False)
    np.testing.assert_array_equal(plain[0], x[:, 0])
    np.testing.assert_array_equal(plain[1], x[:, 0])
    mixed = run(shuffle=True)
    assert not np.array_equal(mixed[0], mixed[1])
    np.testing.assert_array_equal(np.sort(mixed[0]), np.sort(x[:, 0]))
    np.testing.assert_array_equal(mixed, run(shuffle=True))  # the seed decides
    blocks = run(shuffle="batch")[0].reshape(4, 16)
    assert {tuple(block) for block in blocks} == {tuple(b) for b in x[:, 0].reshape(4, 16)}
