"""Random models: branches, shared layers, several inputs and outputs, odd shapes, led by a seed.

The same seed makes the same choices with the layers of any library that has Keras's names.
"""

import numpy as np

from lamina import layers as our_layers
from lamina.models import Model

WORDS = 11
SMOOTH = ["tanh", "sigmoid", "linear", "softplus", "elu"]  # a kink may fall to either side


class Builder:
    """Grows a graph with one library's layers, led by a seed."""

    def __init__(self, layers, seed):
        self.layers, self.random = layers, np.random.default_rng(seed)
        self.inputs, self.arrays, self.tensors, self.shared = [], [], [], {}

    def pick(self, *choices):
        return choices[self.random.integers(len(choices))]

    def add_input(self):
        kind = self.pick("vector", "sequence", "image", "ids")
        shape = {
            "vector": (int(self.random.integers(2, 6)),),
            "sequence": (int(self.random.integers(5, 9)), int(self.random.integers(2, 5))),
            "image": (*(int(n) for n in self.random.integers(5, 9, 2)), self.pick(1, 2, 4)),
            "ids": (int(self.random.integers(4, 8)),),
        }[kind]
        if kind == "ids":
            tensor = self.layers.Input(shape, dtype="int32")
            array = self.random.integers(0, WORDS, (3, *shape)).astype(np.int32)
            self.tensors.append(self.layers.Embedding(WORDS, self.pick(2, 4))(tensor))
        else:
            tensor = self.layers.Input(shape)
            array = self.random.normal(size=(3, *shape)).astype(np.float32)
            self.tensors.append(tensor)
        self.inputs.append(tensor)
        self.arrays.append(array)

    def grow(self):
        tensor = self.tensors[self.random.integers(len(self.tensors))]
        step = {2: self.on_vector, 3: self.on_sequence, 4: self.on_image}[len(tensor.shape)]
        self.tensors.append(step(tensor))

    def on_vector(self, tensor):
        layers = self.layers
        alike = [t for t in self.tensors if t.shape == tensor.shape and t is not tensor]
        step = self.pick("dense", "shared", "norm", "merge", "concatenate", "repeat", "reshape")
        if step == "merge" and alike:
            merge = self.pick("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
            return getattr(layers, merge)()([tensor, alike[self.random.integers(len(alike))]])
        if step == "concatenate":
            others = [t for t in self.tensors if len(t.shape) == 2]
            return layers.Concatenate()([tensor, others[self.random.integers(len(others))]])
        if step == "norm":
            return layers.LayerNormalization()(tensor)
        if step == "repeat":
            return layers.RepeatVector(self.pick(3, 5))(tensor)
        if step == "reshape":
            return layers.Reshape((tensor.shape[1], 1))(tensor)
        if step == "shared":
            width = tensor.shape[1]
            if width not in self.shared:
                self.shared[width] = layers.Dense(width, activation="tanh")
            return self.shared[width](tensor)
        units = int(self.random.integers(1, 7))
        return layers.Dense(units, activation=self.pick(*SMOOTH), use_bias=self.pick(True, False))(
            tensor
        )

    def on_sequence(self, tensor):
        layers, length = self.layers, tensor.shape[1]
        step = self.pick("convolve", "recur", "pool", "flatten", "global", "each", "both", "pad")
        if step == "convolve":
            same = self.pick(True, False) or length < 4
            options = {"padding": self.pick("same", "causal") if same else "valid"}
            options[self.pick("strides", "dilation_rate")] = self.pick(1, 2) if same else 1
            return layers.Conv1D(self.pick(1, 3, 4), 3, activation=self.pick(*SMOOTH), **options)(
                tensor
            )
        if step in {"recur", "both"}:
            kind = getattr(layers, self.pick("SimpleRNN", "GRU", "LSTM"))
            cell = kind(self.pick(1, 3), return_sequences=self.pick(True, False))
            return layers.Bidirectional(cell)(tensor) if step == "both" else cell(tensor)
        if step == "pool" and length >= 2:
            kind = self.pick("AveragePooling1D", "MaxPooling1D")
            return getattr(layers, kind)(2, padding=self.pick("same", "valid"))(tensor)
        if step == "global":
            return getattr(layers, self.pick("GlobalAveragePooling1D", "GlobalMaxPooling1D"))()(
                tensor
            )
        if step == "each":
            return layers.TimeDistributed(layers.Dense(3, activation="tanh"))(tensor)
        if step == "pad":
            return layers.ZeroPadding1D((1, 2))(tensor)
        return layers.Flatten()(tensor)

    def on_image(self, tensor):
        layers, small = self.layers, min(tensor.shape[1:3]) < 4
        step = self.pick("convolve", "depth", "pool", "up", "pad", "crop", "global", "flatten")
        padding = "same" if small else self.pick("same", "valid")
        if step == "convolve":
            options = {"strides": self.pick(1, 2, (2, 1)), "padding": padding}
            kernel = self.pick(1, 2, 3, (3, 2))
            return layers.Conv2D(4, kernel, activation=self.pick(*SMOOTH), **options)(tensor)
        if step == "depth":
            kind = self.pick("DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
            if kind == "DepthwiseConv2D":
                return layers.DepthwiseConv2D(3, padding=padding, depth_multiplier=2)(tensor)
            return getattr(layers, kind)(3, 3, padding=padding, activation="tanh")(tensor)
        if step == "pool":
            kind = self.pick("AveragePooling2D", "MaxPooling2D")
            return getattr(layers, kind)(2, strides=self.pick(1, 2), padding=padding)(tensor)
        if step == "up" and max(tensor.shape[1:3]) < 12:
            return layers.UpSampling2D(self.pick(2, (1, 2)))(tensor)
        if step == "pad":
            return layers.ZeroPadding2D(self.pick(1, (1, 2)))(tensor)
        if step == "crop" and not small:
            return layers.Cropping2D(((1, 0), (0, 2)))(tensor)
        if step == "global":
            return getattr(layers, self.pick("GlobalAveragePooling2D", "GlobalMaxPooling2D"))()(
                tensor
            )
        return layers.Flatten()(tensor)

    def outputs(self):
        used = self.tensors[-int(self.random.integers(1, 4)) :]
        return used if len(used) > 1 else used[0]


def build(layers, model, seed):
    builder = Builder(layers, seed)
    for _ in range(int(builder.random.integers(1, 4))):
        builder.add_input()
    for _ in range(int(builder.random.integers(3, 13))):
        builder.grow()
    inputs = builder.inputs if len(builder.inputs) > 1 else builder.inputs[0]
    arrays = builder.arrays if len(builder.arrays) > 1 else builder.arrays[0]
    return model(inputs, builder.outputs()), arrays


def seeds(count):
    """Return the first seeds of graphs in which every input is used; Keras takes others badly."""
    seed, found = 0, []
    while len(found) < count:
        try:
            model, _ = build(our_layers, Model, seed)
            used = {id(tensor) for node in model._graph.nodes for tensor in node.inputs}
            if all(id(tensor) in used for tensor in model.inputs):
                found.append(seed)
        except ValueError as error:
            if "missing" not in str(error):
                raise
        seed += 1
    return found
