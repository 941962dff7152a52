"""Random models beside Keras's: branches, shared layers, several inputs and outputs, odd shapes.

Each seed makes the same choices for both libraries. Compared are the outputs and the gradients by
the inputs and all weights. A graph is a chain of up to a dozen layers, each of which may double the
rounding error of the one before: agreement is asked for within ten times that of a single layer.
JAX compiles every new shape, two seconds a graph: LAMINA_RANDOM_GRAPHS=300 asks for hundreds.
"""

import os

import numpy as np
import pytest
from keras_beside import compare_layers, keras
from random_graphs import build, seeds

from lamina import layers as our_layers
from lamina.models import Model
from lamina.utils import clear_session

GRAPHS = int(os.environ.get("LAMINA_RANDOM_GRAPHS", "20"))


@pytest.mark.parametrize("part", range(10))
def test_random_graphs(part):
    for seed in seeds(GRAPHS)[part::10]:
        clear_session()
        ours, arrays = build(our_layers, Model, seed)
        theirs, same = build(keras.layers, keras.Model, seed)
        assert all(np.array_equal(a, b) for a, b in zip(arrays, same, strict=True))
        try:
            compare_layers(ours, theirs, arrays, tolerance=1e-4)
        except AssertionError as error:
            raise AssertionError(f"graph of seed {seed}: {error}") from error
