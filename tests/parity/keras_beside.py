"""Real Keras beside ours: the same weights and data, then outputs and gradients compared.

Agreement is 1e-5 of the largest element of what is compared, which is what float32 allows when sums
are taken in another order. Whoever needs more says why where it passes ``tolerance``.
"""

import functools
import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
# Each operation is compiled for each shape and run once: optimizing it does not pay.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")

from lamina import optimizers  # noqa: E402
from lamina.autodiff import GradientTape, RowGrad, Tensor, flatten  # noqa: E402

TOLERANCE = 1e-5


def assert_close(ours, theirs, what, tolerance=TOLERANCE):
    """Compare two arrays relative to the largest element of theirs."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, Keras {theirs.shape}"
    if theirs.size == 0:
        return
    scale = max(float(np.abs(theirs.astype(np.float64)).max()), 1e-3)
    worst = float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
    assert worst <= tolerance * scale, f"{what}: off by {worst:.3g} where Keras has {scale:.3g}"


def copy_weights(ours, theirs):
    """Give both the same weights: random ones, so that none is the zero it starts with."""
    generator = np.random.default_rng(7)
    names = [variable.name for variable in theirs.weights]
    assert [variable.name for variable in ours.weights] == names
    weights = []
    for variable in theirs.weights:
        values = generator.normal(0, 0.5, variable.shape)
        if "variance" in variable.name:
            values = np.abs(values) + 0.5
        weights.append(values.astype(np.float32))
    theirs.set_weights(weights)
    ours.set_weights(weights)


def keras_gradients(layer, inputs, upstream, call):
    """Return a function to Keras's outputs and the gradients of sum(outputs * upstream).

    They are by the inputs that are floats and by the weights that the layer has when it is called.
    It is compiled once, whatever the number of calls.
    """
    leaves, rebuild = flatten(inputs)
    floats = [np.issubdtype(np.asarray(leaf).dtype, np.floating) for leaf in leaves]
    given = [jax.numpy.asarray(leaf) for f, leaf in zip(floats, leaves, strict=True) if f]

    @jax.jit
    def run(float_leaves, trained, fixed):
        def forward(float_leaves, trained):
            following = iter(float_leaves)
            filled = [next(following) if f else x for f, x in zip(floats, leaves, strict=True)]
            outputs, _ = layer.stateless_call(trained, fixed, rebuild(filled), **call)
            return flatten(outputs)[0]

        outputs, pull_back = jax.vjp(forward, float_leaves, trained)
        return outputs, *pull_back([jax.numpy.asarray(u) for u in upstream(outputs)])

    def gradients():
        trained = [variable.value for variable in layer.trainable_variables]
        fixed = [variable.value for variable in layer.non_trainable_variables]
        return run(given, trained, fixed)

    return gradients


def our_gradients(layer, inputs, upstream, call):
    """Return the same of ours."""
    leaves, rebuild = flatten(inputs)
    tensors = [Tensor(np.asarray(leaf)) for leaf in leaves]
    floats = [tensor for tensor in tensors if tensor.dtype.kind == "f"]
    with GradientTape(persistent=True) as tape:
        tape.watch(floats)
        outputs = flatten(layer(rebuild(tensors), **call))[0]
    variables = layer.trainable_weights
    sources = [*floats, *variables]
    total = [np.zeros(source.shape, source.dtype) for source in sources]
    for output, gradient in zip(outputs, upstream(outputs), strict=True):
        for place, found in enumerate(tape.backward(output, sources, gradient)):
            if found is not None:
                total[place] += found.to_dense() if isinstance(found, RowGrad) else found
    return [output.data for output in outputs], total[: len(floats)], total[len(floats) :]


def compare_steps(ours, theirs, our_gradients, their_gradients, tolerance):
    """Compare the weights after three steps of SGD with what the two functions return."""
    by_weights = their_gradients()[2]
    if not by_weights:
        return
    # The largest weight moves by a tenth or so, so that the next gradients are others.
    largest = max(float(np.abs(np.asarray(gradient)).max(initial=0)) for gradient in by_weights)
    rate = 0.1 / max(largest, 1e-3)
    optimizer, their_optimizer = optimizers.SGD(rate), keras.optimizers.SGD(rate)
    for _ in range(3):
        their_optimizer.apply(their_gradients()[2], theirs.trainable_variables)
        optimizer.apply(our_gradients()[2], ours.trainable_weights)
    for mine, other in zip(ours.trainable_weights, theirs.trainable_variables, strict=True):
        assert_close(mine, other, f"{other.name} after three steps", tolerance)


def random_upstream(outputs):
    """Return fixed random weights for the outputs, so that no gradient is a plain sum."""
    generator = np.random.default_rng(11)
    return [generator.normal(size=output.shape).astype(np.float32) for output in outputs]


def compare_layers(ours, theirs, inputs, *, tolerance=TOLERANCE, gradients=True, **call):
    """Compare a layer of ours with Keras's: outputs, gradients, and the weights after three steps.

    ``inputs`` is an array or a list or dict of arrays; ``call`` goes to both (``training=``,
    ``mask=``). Weights are made by a first call and then set to the same random values.
    """
    ours(inputs, **call)
    theirs(inputs, **call)
    copy_weights(ours, theirs)
    shapes = flatten(inputs)[0]
    find_theirs = keras_gradients(theirs, inputs, random_upstream, call)
    find_ours = functools.partial(our_gradients, ours, inputs, random_upstream, call)
    expected, by_inputs, by_weights = find_theirs()
    outputs, our_by_inputs, our_by_weights = find_ours()
    assert len(outputs) == len(expected)
    for place, (mine, other) in enumerate(zip(outputs, expected, strict=True)):
        assert_close(mine, other, f"output {place} for {[s.shape for s in shapes]}", tolerance)
    if not gradients:
        return
    for place, (mine, other) in enumerate(zip(our_by_inputs, by_inputs, strict=True)):
        assert_close(mine, other, f"gradient by input {place}", tolerance)
    names = [variable.name for variable in theirs.trainable_variables]
    for name, mine, other in zip(names, our_by_weights, by_weights, strict=True):
        assert_close(mine, other, f"gradient by {name}", tolerance)
    compare_steps(ours, theirs, find_ours, find_theirs, tolerance)


def compare_configs(ours, theirs):
    """Check that ours round-trips, and that what Keras has as plain values is the same in ours."""
    mine, other = ours.get_config(), theirs.get_config()
    again = type(ours).from_config(mine)
    assert again.get_config() == mine
    plain = (int, float, str, bool, tuple, list, type(None))
    for key, value in other.items():
        if key in {"name", "dtype", "quantization_config"} or not isinstance(value, plain):
            continue
        assert key in mine, f"Keras's config has {key!r}"
        same = list(value) if isinstance(value, (tuple, list)) else value
        got = list(mine[key]) if isinstance(mine[key], (tuple, list)) else mine[key]
        assert got == same, f"{key}: {got!r}, Keras {same!r}"
