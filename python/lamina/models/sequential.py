"""Layers one after the other: a graph with one path."""

from __future__ import annotations

from typing import Any

from lamina.graph import Graph, SymbolicTensor
from lamina.layers.input import Input, InputLayer
from lamina.layers.layer import Layer
from lamina.layers.serialization import deserialize, registry
from lamina.layers.structure import as_shapes, shapes_of
from lamina.models.model import Model
from lamina.models.serialization import sequential_config
from lamina.registry import custom_object_scope
from lamina.tensors import Structure


class Sequential(Model):
    """A stack of layers, given as a list or added one by one.

    Its graph stands as soon as the shape of the input is known: from an `Input` or the first
    layer's ``input_shape=``, else from the first data or ``build(input_shape)``.
    """

    saved_as = ("keras", "Sequential")

    def __init__(self, layers: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._stack: list[Layer] = []
        self._put(list(layers or []))

    def add(self, layer: Any) -> None:
        """Put a layer on top.

        Raises:
            TypeError: if it is no layer.
            ValueError: if another has its name, or its input does not fit; then it is not added.

        """
        self._put([layer])

    def _put(self, layers: list[Any]) -> None:
        stack = list(self._stack)
        names = {layer.name for layer in stack}
        for layer in layers:
            stack.append(self._checked(layer, stack, names))
            names.add(stack[-1].name)
        graph = self._extended(stack)
        self._stack = stack
        if graph is not None:
            self._set_graph(graph)

    def _checked(self, layer: Any, stack: list[Layer], names: set[str]) -> Layer:
        """Return a layer that may come on top of the stack."""
        if isinstance(layer, SymbolicTensor) and isinstance(layer.node.operation, InputLayer):
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{self}.add: wanted a layer, got {layer!r}"
                + (": are the brackets missing?" if isinstance(layer, type) else "")
            )
        if layer.name in names:
            raise ValueError(
                f"{self}.add: it has a layer named {layer.name!r} already; give it another name="
            )
        if isinstance(layer, InputLayer) and stack:
            raise ValueError(f"{self}.add: an Input comes first, before {stack[0]}")
        return layer

    def pop(self) -> Layer:
        """Take off the topmost layer and return it."""
        if not self._stack:
            raise ValueError(f"{self}.pop: it has no layers")
        layer = self._stack.pop()
        Structure.version += 1
        graph, self._graph = self._graph, None
        if graph is not None and any(not isinstance(each, InputLayer) for each in self._stack):
            self._set_graph(Graph(graph.input_structure, layer.inbound_nodes[-1].inputs[0]))
        else:
            self.built = False
        return layer

    def _extended(self, stack: list[Layer]) -> Graph | None:
        """Return the graph of a stack that has more layers, if the input's shape is known."""
        if self._graph is not None:
            new = stack[len(self._stack) :]
            return Graph(self._graph.input_structure, self._chain(self._graph.outputs[0], new))
        if not stack or (len(stack) == 1 and isinstance(stack[0], InputLayer)):
            return None
        first = stack[0]
        if isinstance(first, InputLayer):
            tensor, stack = first.inbound_nodes[0].outputs[0], stack[1:]
        elif isinstance(first, Model) and first._graph is not None:  # noqa: SLF001
            inner = first.inputs[0]
            tensor = Input(batch_shape=inner.shape, dtype=inner.dtype)
        elif first._declared_shape is not None:  # noqa: SLF001
            dtype = first.declared_dtype or first.dtype
            tensor = Input(batch_shape=first._declared_shape, dtype=dtype)  # noqa: SLF001
        else:
            return None
        return Graph(tensor, self._chain(tensor, stack))

    def _chain(self, tensor: Any, layers: list[Layer]) -> Any:
        for layer in layers:
            tensor = layer(tensor)
        return tensor

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the place of the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def _sublayers(self) -> list[Any]:
        return self.layers

    def build(self, input_shape: Any) -> None:
        """Build every layer for an input of this shape, the axis of samples included."""
        if self._graph is not None:
            return
        if not self._stack:
            raise ValueError(f"{self}: it has no layers; add some")
        first = self._stack[0]
        shape = (None, *input_shape[1:])  # one size of batch must not be the only one
        tensor = Input(batch_shape=shape, dtype=first.declared_dtype)
        self._sizes_are_declared = False
        self._set_graph(Graph(tensor, self._chain(tensor, self._stack)))

    def call(self, inputs: Any) -> Any:
        if self._graph is None:
            self.build(shapes_of(inputs))
        return super().call(inputs)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shape of the input, if it is known."""
        return None if self._graph is None else {"input_shape": self._graph.inputs[0].shape}

    def get_config(self) -> dict[str, Any]:
        """Return the layers, and the shape of the input if it is known."""
        return {"name": self.name, "trainable": self.trainable, **sequential_config(self)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Make a model of what `get_config` returned, here or in Keras, with new weights."""
        with custom_object_scope(custom_objects):
            model = cls([deserialize(each) for each in config["layers"]], name=config.get("name"))
        shape = config.get("build_input_shape")
        if shape and model._graph is None:
            model.build(as_shapes(shape))
        return model


registry.add()(Sequential)
