"""onnxruntime beside ours: a model is written, both run on the same data, and are compared."""

import numpy as np
import pytest

from lamina.autodiff import flatten

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from lamina.export import onnx  # noqa: E402


def randomize(model):
    """Give every weight random values, so that none is the zero or one it starts with.

    The sums of many inputs stay near 1, as in a trained network: a saturated one is all rounding.
    """
    generator = np.random.default_rng(7)
    weights = []
    for variable in model.weights:
        summed = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 1
        values = generator.normal(0, min(0.5, summed**-0.5), variable.shape)
        weights.append(np.abs(values) + 0.5 if "variance" in variable.name else values)
    model.set_weights(weights)


def written(model, path, **options):
    """Write a model, and return a function of its inputs to onnxruntime's outputs by name."""
    onnx(model, path, **options)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    inputs = [each.name for each in session.get_inputs()]
    outputs = [each.name for each in session.get_outputs()]
    assert inputs == model.input_names

    def run(arrays):
        found = session.run(outputs, dict(zip(inputs, arrays, strict=True)))
        return dict(zip(outputs, found, strict=True))

    return run


def assert_same(model, path, inputs, tolerance=1e-5, **options):
    """Compare relative to the largest element, for the given samples and for the first alone."""
    randomize(model)
    run = written(model, path, **options)
    for x in (inputs, [each[:1] for each in inputs]):
        ours = flatten(model(x if len(x) > 1 else x[0], training=False))[0]
        theirs = run(x)
        assert next(iter(theirs)) == model.output_names[0]
        for our, (name, their) in zip(ours, theirs.items(), strict=True):
            assert our.shape == their.shape, name
            scale = max(float(np.abs(our.data).max()), 1e-3)
            worst = float(np.abs(our.data - their).max())
            assert worst <= tolerance * scale, f"{name}: off by {worst} where we have {scale}"


def data(*shapes, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(3, *shape)).astype(np.float32) for shape in shapes]
