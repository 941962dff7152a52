"""A model: a graph of layers, or a subclass with a ``call`` of its own, that can be trained."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import Tensor, as_array
from lamina.graph import Graph, SymbolicTensor
from lamina.layers.context import context
from lamina.layers.input import Input
from lamina.layers.layer import Layer
from lamina.layers.serialization import registry
from lamina.layers.structure import as_shapes
from lamina.models.files import Saved
from lamina.models.pictures import model_html
from lamina.models.serialization import (
    GraphReader,
    graph_config,
    remade,
    to_json,
    what_remakes,
)
from lamina.models.summary import print_summary
from lamina.models.training import Training
from lamina.registry import custom_object_scope, nearest
from lamina.tensors import Structure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


class Model(Saved, Training, Layer):
    """Layers with inputs and outputs, to compile, fit, evaluate and predict.

    ``Model(inputs, outputs)`` is the graph between tensors that `Input` and layers gave: one, a
    list or a dict of each. Without them it is the base of a subclass that makes layers in
    ``__init__`` and composes them in ``call(inputs, training=None)``.

    Raises:
        ValueError: if the outputs do not follow from the inputs; the missing input is named.

    """

    saved_as = ("keras.src.models.functional", "Functional")
    names_weights_within = False
    _graph: Graph | None = None
    _sizes_are_declared = True  # or those of the first data, from which others may differ

    def __init__(self, inputs: Any = None, outputs: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if (inputs is None) != (outputs is None):
            raise TypeError(f"{type(self).__name__}: give both inputs and outputs, or neither")
        if inputs is not None:
            self._set_graph(_from_its_own_inputs(Graph(inputs, outputs)))

    def _set_graph(self, graph: Graph) -> None:
        self._graph = graph
        Structure.version += 1
        self.built = True
        self._input_names = [tensor.node.operation.name for tensor in graph.inputs]

    # What a graph is made of are its layers; a subclass has its attributes.
    def _sublayers(self) -> list[Any]:
        inner = super()._sublayers()
        if self._graph is None:
            return inner
        graph_layers = [each for each in self._graph.operations if isinstance(each, Layer)]
        known = set(map(id, graph_layers))
        return graph_layers + [each for each in inner if id(each) not in known]

    @property
    def layers(self) -> list[Layer]:
        """The layers, those far from the outputs first; for a subclass, in the order of making."""
        return self._sublayers()

    @property
    def takes_texts(self) -> bool:  # type: ignore[override]
        """Whether texts may be among the inputs."""
        if self._graph is not None:
            return any(tensor.dtype == "string" for tensor in self._graph.inputs)
        return any(layer.takes_texts for layer in self._sublayers())

    def reset_states(self) -> None:
        """Let every stateful recurrent layer begin anew with its next batch."""
        for layer in self._all_layers():
            if getattr(layer, "stateful", False):
                layer.reset_states()

    def get_layer(self, name: str | int | None = None, index: int | None = None) -> Any:
        """Return a layer by its name or by its place in `layers`.

        Raises:
            ValueError: if there is none; the message has the nearest name.

        """
        layers = self.layers
        if isinstance(name, int) and index is None:
            name, index = None, name
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"{self}.get_layer: index {index}, but it has {len(layers)} layers"
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"{self}.get_layer: no layer is named {name!r}"
            f"{nearest(str(name), [layer.name for layer in layers])}"
        )

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors of the inputs."""
        return self._needed_graph("inputs").inputs

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors of the outputs."""
        return self._needed_graph("outputs").outputs

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of several."""
        return self._needed_graph("input").input_structure

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of several."""
        return self._needed_graph("output").output_structure

    def _needed_graph(self, what: str) -> Graph:
        if self._graph is None:
            raise AttributeError(
                f"{self} has no {what}: it is a subclass with a call of its own, not a graph, or "
                f"not built yet"
            )
        return self._graph

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that give the outputs, by which losses and targets go."""
        if self._graph is None:
            return super().output_names
        structure = self._graph.output_structure
        if isinstance(structure, dict):
            return list(structure)
        return [self._graph.names[tensor.node.operation] for tensor in self._graph.outputs]

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs."""
        return list(self._input_names)

    _input_names: list[str] = []  # noqa: RUF012

    def get_config(self) -> dict[str, Any]:
        """Return the layers and how they are connected; the arguments of a subclass with a call."""
        if self._graph is None or not _takes_a_graph(type(self)):
            base = super().get_config()
            own = type(self).get_config is not Model.get_config
            return base if own else self._captured_config(base)
        return {"name": self.name, "trainable": self.trainable, **graph_config(self._graph)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Make a model of what `get_config` returned, here or in Keras, with new weights."""
        with custom_object_scope(custom_objects):
            if not {"layers", "input_layers", "output_layers"} <= config.keys():
                return cls(**config)
            graph = GraphReader(config)
            others = {
                key: value
                for key, value in config.items()
                if key not in {"layers", "input_layers", "output_layers"}
            }
            return cls(graph.inputs, graph.outputs, **others)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
    ) -> None:
        """Print the layers with their output shapes and numbers of parameters.

        Args:
            line_length: columns of the table.
            positions: where its columns end, as shares of the line or in characters.
            print_fn: takes each line instead of ``print``.
            expand_nested: also list the layers of models within.
            show_trainable: add a column that says whether training changes the layer.

        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable)

    def _repr_html_(self) -> str:
        return model_html(self)

    def to_json(self, **options: Any) -> str:
        """Return the config as text that `model_from_json` reads, here and in Keras."""
        return to_json(self, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if context.forward_pass is not None:
            return super().__call__(*args, **kwargs)
        context.forward_pass = object()
        try:
            return super().__call__(*args, **kwargs)
        finally:
            context.forward_pass = None

    def _forward(self, x: Any, *, training: bool) -> Any:
        own = type(self)
        plain = own.call is Model.call and own.__call__ is Model.__call__
        arrays = type(x) is np.ndarray or (type(x) is list and set(map(type, x)) == {np.ndarray})
        usual = plain and arrays and self.built and self.activity_regularizer is None
        if not usual or self._graph is None:
            return super()._forward(x, training=training)
        # What calling the model comes to, without what an array cannot have: masks, and symbols.
        outer = context.forward_pass, context.training
        context.forward_pass, context.training = object(), training
        try:
            return self.call(x)
        finally:
            context.forward_pass, context.training = outer

    def build(self, input_shape: Any) -> None:
        """Make the weights of a subclass for inputs of this shape, by a call on zeros."""
        if not self.built:
            self.compute_output_shape(as_shapes(input_shape))

    def build_from_shapes(self, *shapes: Any) -> None:
        if type(self).build is not Model.build:
            super().build_from_shapes(*shapes)
        self._build_shapes = self._build_shapes or shapes
        self.built = True  # the layers within build themselves, each when it is called

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shape of the input that a subclass was first called on."""
        if self._graph is not None or not self._build_shapes:
            return None
        return {"input_shape": self._build_shapes[0]}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the weights of a subclass for the shape that `get_build_config` returned."""
        if config.get("input_shape") is not None:
            self.build(as_shapes(config["input_shape"]))

    def _set_mask(self, outputs: Any, inputs: Any, mask: Any) -> None:
        """Leave the outputs with the masks that the layers within gave them."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle a graph by its config and weights, with all that `compile` was told."""
        if self._graph is None:
            return super().__reduce_ex__(protocol)
        return remade, (type(self), *what_remakes(self))

    def call(self, inputs: Any) -> Any:
        """Run the graph on tensors in the structure of the inputs."""
        if self._graph is None:
            raise NotImplementedError(
                f"{self}: a subclass of Model needs a call(self, inputs), or "
                f"super().__init__(inputs=..., outputs=...)"
            )
        graph = self._graph
        values = self.match_inputs(inputs)
        return graph.rebuild_outputs(
            graph.run(
                [
                    self._fit_input(value, tensor)
                    for value, tensor in zip(values, graph.inputs, strict=True)
                ]
            )
        )

    def match_inputs(self, inputs: Any) -> list[Any]:
        """Return arrays or tensors in the order of the model's inputs.

        Raises:
            ValueError: if their number or a name does not fit.

        """
        names = self._input_names
        if isinstance(inputs, dict):
            structure = self._needed_graph("inputs").input_structure
            keys = list(structure) if isinstance(structure, dict) else names
            missing = [key for key in keys if key not in inputs]
            if missing:
                raise ValueError(
                    f"{self}: the input {missing[0]!r} is missing among "
                    f"{', '.join(map(repr, inputs)) or 'nothing'}"
                )
            return [inputs[key] for key in keys]
        if len(names) == 1 and not (isinstance(inputs, (list, tuple)) and len(inputs) == 1):
            return [inputs]
        if not isinstance(inputs, (list, tuple)) or len(inputs) != len(names):
            got = len(inputs) if isinstance(inputs, (list, tuple)) else 1
            raise ValueError(
                f"{self}: got {got} input{'s' * (got != 1)}, wanted {len(names)}: "
                f"{', '.join(map(repr, names))}"
            )
        return list(inputs)

    def _fit_input(self, value: Any, wanted: SymbolicTensor) -> Tensor:
        """Return an input as a tensor of the wanted type, if its shape is one that was declared."""
        declared = wanted.shape
        if (
            type(value) is np.ndarray  # the usual case
            and value.dtype is wanted.numpy_dtype
            and declared[:1] == (None,)
            and value.shape[1:] == declared[1:]
        ):
            return Tensor(value)
        tensor = value if type(value) is Tensor else Tensor(as_array(value))
        if (tensor.data.dtype.kind in "fiub") == (wanted.dtype == "string"):
            raise TypeError(
                f"{self}: the input {wanted.name!r} takes "
                f"{'texts' if wanted.dtype == 'string' else 'numbers'}, got an array of "
                f"{tensor.data.dtype}"
            )
        shape, target = tensor.data.shape, wanted.shape
        if wanted.dtype == "string" and len(shape) == len(target) + 1 and shape[-1] == 1:
            tensor = Tensor(tensor.data[..., 0])
            shape = tensor.data.shape
        if len(shape) == len(target) - 1 and target[-1] == 1:
            tensor = Tensor(tensor.data[..., np.newaxis])  # one feature, given without its axis
            shape = tensor.data.shape
        if len(shape) != len(target) or (
            self._sizes_are_declared
            and any(size not in (None, got) for size, got in zip(target, shape, strict=True))
        ):
            raise ValueError(
                f"{self}: the input {wanted.name!r} has the shape {target}, got {shape}"
                f"{_cause(shape, target)}"
            )
        if wanted.dtype == "string":
            return tensor
        if tensor.data.dtype != wanted.dtype:
            mask = tensor.mask
            from lamina import ops  # noqa: PLC0415

            tensor = ops.cast(tensor, wanted.dtype)
            tensor.mask = mask
        return tensor

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        graph = self._graph
        if graph is not None and len(args) == 1:
            tensors = self.match_inputs(args[0])
            if all(
                isinstance(each, SymbolicTensor) and each.shape == wanted.shape
                for each, wanted in zip(tensors, graph.inputs, strict=True)
            ):
                outputs = [SymbolicTensor(t.shape, t.dtype, self.name) for t in graph.outputs]
                return graph.rebuild_outputs(outputs)
        return super().compute_output_spec(*args, **kwargs)

    def get_weights(self) -> list[NDArray[Any]]:
        self._require_weights("get_weights")
        return super().get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        self._require_weights("set_weights")
        super().set_weights(weights)

    def _require_weights(self, what: str) -> None:
        if not self.built:
            raise ValueError(
                f"{self}.{what}: it has no weights yet: call it on data, or tell the shape of its "
                f"input with Input(shape=...) or build(input_shape)"
            )


def _takes_a_graph(kind: type) -> bool:
    """Return whether a model of this class is made with inputs and outputs."""
    names = list(inspect.signature(kind).parameters)
    return names[:2] == ["inputs", "outputs"]


def _from_its_own_inputs(graph: Graph) -> Graph:
    """Return a graph whose inputs are all `Input`s, where some were tensors inside another one."""
    if not any(tensor.node.inputs for tensor in graph.inputs):
        return graph
    inputs = [
        Input(batch_shape=each.shape, dtype=each.dtype) if each.node.inputs else each
        for each in graph.inputs
    ]
    return Graph(graph.rebuild_inputs(inputs), graph.rewired(inputs))


def _cause(shape: tuple[int, ...], target: tuple[int | None, ...]) -> str:
    """Return a guess at why an input's shape does not fit: the end of a message, or nothing."""
    if shape == target[1:] or (
        len(shape) == len(target) - 1
        and all(t is None or t == s for s, t in zip(shape, target[1:], strict=True))
    ):
        return ": is this a single sample? x[np.newaxis] makes a batch of it"
    sizes = [size for size in target[1:] if size is not None]
    if len(sizes) == len(target) - 1 and int(np.prod(shape[1:])) == int(np.prod(sizes)):
        return f": x.reshape({(-1, *sizes)}) has it"
    return ""


registry.add("Functional")(Model)  # a model inside another is a layer
