"""The graph composer: what calls on symbolic tensors leave behind, and running it."""

import tracemalloc

import numpy as np
import pytest

from lamina import ops
from lamina.autodiff import GradientTape, Tensor
from lamina.graph import Graph
from lamina.layers import Input, Layer


class Scale(Layer):
    """x times one weight for each feature."""

    def build(self, input_shape):
        self.factors = self.add_weight((input_shape[-1],), "ones", name="factors")

    def call(self, inputs):
        return ops.multiply(inputs, self.factors)


class Sum(Layer):
    """The sum of a list."""

    def call(self, inputs):
        total = inputs[0]
        for each in inputs[1:]:
            total = total + each
        return total


class Halves(Layer):
    """Two outputs, by name."""

    def call(self, inputs):
        middle = inputs.shape[-1] // 2
        return {"left": inputs[:, :middle], "right": inputs[:, middle:]}


def run(graph, *arrays):
    return [each.numpy() for each in graph.run([Tensor(array) for array in arrays])]


def ones(*shape):
    return np.ones(shape, np.float32)


def test_operators_and_functions_leave_a_graph():
    a, b = Input((4,)), Input((4,))
    out = ops.concatenate([2 * a - b / 4, (a + b)[:, 1:3] ** 2], axis=-1)
    assert out.shape == (None, 6)
    assert out.dtype == "float32"
    x, y = np.random.default_rng(0).random((2, 5, 4)).astype(np.float32)
    (found,) = run(Graph([a, b], out), x, y)
    np.testing.assert_allclose(
        found, np.concatenate([2 * x - y / 4, (x + y)[:, 1:3] ** 2], axis=-1), rtol=1e-6
    )


def test_branches_meet():
    inputs = Input((4,))
    left, right = Scale(name="left"), Scale(name="right")
    out = Sum(name="sum")([left(inputs), right(inputs), inputs])
    left.set_weights([np.full(4, 2.0)])
    graph = Graph(inputs, out)
    np.testing.assert_array_equal(run(graph, ones(3, 4))[0], 4 * ones(3, 4))
    assert [each.name for each in graph.operations[1:]] == ["left", "right", "sum"]


def test_a_layer_called_twice_shares_its_weights_and_their_gradients_add_up():
    a, b = Input((4,)), Input((4,))
    shared = Scale()
    graph = Graph([a, b], shared(a) + shared(b) * 2)
    assert graph.operations.count(shared) == 1
    with GradientTape() as tape:
        (out,) = graph.run([Tensor(ones(3, 4)), Tensor(ones(3, 4))])
        total = ops.sum(out)
    (gradient,) = tape.gradient(total, shared.weights)
    np.testing.assert_array_equal(gradient.numpy(), np.full(4, 3 * (1 + 2)))


def test_structures_of_inputs_and_outputs_are_kept():
    a, b = Input((4,), name="a"), Input((2,), name="b")
    halves = Halves()(a)
    graph = Graph({"a": a, "more": [b]}, (halves, {"sum": halves["right"] + b}))
    assert [each.name for each in graph.inputs] == ["a", "b"]
    left, right, total = graph.run([Tensor(np.arange(4.0)[None]), Tensor(ones(1, 2))])
    first, second = graph.rebuild_outputs([left, right, total])
    assert first["left"].tolist() == [[0, 1]]
    assert first["right"].tolist() == [[2, 3]]
    assert second["sum"].tolist() == [[3, 4]]


def test_between_tensors_within():
    inputs = Input((4,))
    middle = Scale(name="before")(inputs)
    after = Scale(name="after")
    graph = Graph(middle, after(middle) + 1)
    assert [each.name for each in graph.operations] == ["after", "add"]
    np.testing.assert_array_equal(run(graph, ones(2, 4))[0], 2 * ones(2, 4))


def test_both_ends_of_a_call_may_be_inputs():
    inputs = Input((4,))
    middle = Scale()(inputs)
    graph = Graph([inputs, middle], inputs + 10 * middle)
    np.testing.assert_array_equal(run(graph, ones(1, 4), 2 * ones(1, 4))[0], 21 * ones(1, 4))


def test_an_output_may_be_an_input_or_stand_twice():
    a, unused = Input((4,)), Input((7,), name="unused")
    doubled = a * 2
    graph = Graph([a, unused], [doubled, a, doubled])
    found = run(graph, ones(1, 4), ones(1, 7))
    assert [each[0, 0] for each in found] == [2, 1, 2]
    assert "unused" in [each.name for each in graph.operations]


def test_a_missing_input_is_named_with_what_needs_it():
    a, b = Input((4,), name="first"), Input((4,), name="second")
    out = Sum(name="total")([a, Scale(name="branch")(b)])
    with pytest.raises(ValueError, match=r"'first'.*'second' of shape \(None, 4\).*'branch'.*miss"):
        Graph(a, out)
    other = Input((4,), name="elsewhere")
    with pytest.raises(ValueError, match="'elsewhere'"):
        Graph(other, a + 1)


def test_what_is_no_symbolic_tensor_is_refused():
    inputs = Input((4,))
    with pytest.raises(TypeError, match="what Input.. and layers called on it return, got array"):
        Graph(inputs, ones(3, 4))
    with pytest.raises(TypeError, match="got <Scale 'dead', not built>"):
        Graph(inputs, Scale(name="dead"))


def test_two_layers_of_one_name_are_refused():
    inputs = Input((4,))
    out = Scale(name="twin")(Scale(name="twin")(inputs))
    with pytest.raises(ValueError, match="two layers are named 'twin'"):
        Graph(inputs, out)


def test_functions_get_names_that_no_layer_has():
    inputs = Input((4,))
    out = Scale(name="add")(inputs + 1) + 2 + 3
    names = list(Graph(inputs, out).names.values())
    assert len(set(names)) == len(names) == 5
    assert "add" in names


def test_thousands_of_layers_deep():
    inputs = tensor = Input((2,))
    layers = [Scale() for _ in range(3000)]
    for layer in layers:
        tensor = layer(tensor)
    graph = Graph(inputs, tensor)
    assert graph.operations[1:] == layers
    with GradientTape() as tape:
        (out,) = graph.run([Tensor(ones(1, 2))])
        total = ops.sum(out)
    gradients = tape.gradient(total, [layer.factors for layer in layers])
    assert all(gradient.tolist() == [1, 1] for gradient in gradients)
    other = Input((2,))
    assert len(Graph(other, graph.rewired([other])).nodes) == 3001


def test_values_are_let_go_after_their_last_use():
    inputs = tensor = Input((None,))
    for _ in range(50):
        tensor = tensor + 1
    graph = Graph(inputs, tensor)
    value = Tensor(np.zeros((1, 1 << 18), np.float32))
    tracemalloc.start()
    graph.run([value])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * value.data.nbytes


def test_unknown_sizes_are_followed_through_functions():
    inputs = Input((None, 6))
    assert ops.reshape(inputs[:, 1:], (-1, 3)).shape == (None, 3)
    assert ops.sum(inputs, axis=1).shape == (None, 6)
    assert ops.concatenate([inputs, inputs], axis=1).shape == (None, None, 6)
    assert ops.concatenate([inputs, inputs], axis=2).shape == (None, None, 12)
    assert ops.sum(inputs).shape == ()
    assert (inputs > 0).dtype == "bool"
    assert Input((3,), batch_size=5).shape == (5, 3)
    assert (Input((3,), batch_size=5) * 2).shape == (5, 3)


def test_a_symbolic_tensor_has_no_values():
    inputs = Input((4,), name="data")
    for use in (bool, float, np.asarray, iter, len):
        with pytest.raises(TypeError, match="data .*has no values yet"):
            use(inputs)
    with pytest.raises(TypeError, match="has no values yet"):
        bool(inputs > 0)


def test_rewired_calls_other_layers_in_their_place():
    inputs = Input((4,))
    old, new = Scale(), Scale()
    graph = Graph(inputs, old(inputs) + old(inputs * 3))
    other = Input((4,))
    again = Graph(other, graph.rewired([other], {old: new}))
    new.set_weights([np.full(4, 5.0)])
    assert run(graph, ones(1, 4))[0][0, 0] == 4
    assert run(again, ones(1, 4))[0][0, 0] == 20
    assert old not in again.operations
    assert len(new.inbound_nodes) == 2


def _random_graph(seed, tensors, unary, binary):
    """Compose at random; the same seed composes the same with any layers."""
    choose = np.random.default_rng(seed)
    tensors, layers = list(tensors), {}
    for number in range(int(choose.integers(1, 14))):
        what = choose.integers(5)
        places = choose.integers(len(tensors), size=3)
        a, b, c = (tensors[place] for place in places)
        if what == 0 and layers:  # one that is there already
            layer = layers[sorted(layers)[choose.integers(len(layers))]]
            tensors.append(layer(a))
        elif what == 1:
            tensors.append(binary(f"merge{number}")([a, b, c]))
        elif what == 2:
            tensors.append(a + b)
        else:
            layer = layers[f"layer{number}"] = unary(f"layer{number}")
            tensors.append(layer(a))
    last = tensors[-int(choose.integers(1, 4)) :]
    return list(choose.permutation(len(last))), last


@pytest.mark.parametrize("block", range(6))
def test_order_of_layers_is_that_of_real_keras(block):
    from parity.keras_beside import keras

    class KerasScale(keras.layers.Layer):
        def build(self, input_shape):
            self.factors = self.add_weight((input_shape[-1],), "ones", name="factors")

        def call(self, inputs):
            return inputs * self.factors

    for seed in range(40 * block, 40 * block + 40):
        count = seed % 3 + 1
        ours = [Input((4,), name=f"in{i}") for i in range(count)]
        theirs = [keras.Input((4,), name=f"in{i}") for i in range(count)]
        order, last = _random_graph(seed, ours, lambda n: Scale(name=n), lambda n: Sum(name=n))
        _, keras_last = _random_graph(
            seed, theirs, lambda n: KerasScale(name=n), lambda n: keras.layers.Add(name=n)
        )
        graph = Graph(ours, [last[i] for i in order])
        model = keras.Model(theirs, [keras_last[i] for i in order])
        kinds = [getattr(each, "factors", None) is not None for each in graph.operations]
        assert kinds == [hasattr(each, "factors") for each in model.operations]
        layers = [each.name for each in graph.operations if isinstance(each, Layer)]
        assert layers == [each.name for each in model.layers], f"seed {seed}"
