"""The base of every layer: weights, names, building at the first call, masks and modes.

A layer overrides ``build(input_shape)``, which makes its weights, and ``call(inputs)``, which
composes operations of ``lamina.ops``. Called on arrays it computes; called on symbolic tensors it
leaves a node in a graph; called again it uses the same weights.
"""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import regularizers
from lamina.autodiff import Tensor, Variable, flatten
from lamina.graph import Node, SymbolicTensor, infer_outputs, record, symbolic
from lamina.layers.again import Again
from lamina.layers.context import context
from lamina.layers.naming import unexpected_argument, unique_name
from lamina.layers.structure import (
    as_shapes,
    as_tensors,
    checked_dtype,
    declared_shape,
    masks_of,
    plain_masks,
    shapes_of,
)
from lamina.layers.weighted import building

if TYPE_CHECKING:
    from lamina.layers.input_spec import InputSpec


# The spellings of Keras 2 by which a layer tells the shape of a model's input.
_SHAPE_ARGUMENTS = ("input_shape", "batch_input_shape", "input_dim", "batch_size")


class _InitSignature:
    """What `help` shows as a class's arguments: those of its ``__init__``, not of ``__new__``."""

    def __get__(self, layer: Any, cls: type) -> inspect.Signature:
        if layer is not None:  # a layer itself is called as __call__ says
            raise AttributeError("__signature__")
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        own = list(signature.parameters.values())[1:]
        return signature.replace(parameters=own, return_annotation=signature.empty)


class Layer(Again):
    """A function with weights, and the base class of your own.

    Arguments: ``name`` (unique in a model; made from the class and counted if None), ``trainable``
    (whether training changes its weights), ``dtype`` (of its weights and computation; the default
    float type if None), ``activity_regularizer`` (a function of the output that is added to the
    loss), and ``input_shape`` for the first layer of a `Sequential`.

    Override ``build(input_shape)`` to make weights with `add_weight`, ``call(inputs)``, with the
    parameters ``training`` and ``mask`` only if they are needed, and ``get_config()`` if the layer
    is to be saved. Set ``supports_masking`` if a mask may simply pass through.
    """

    __signature__ = _InitSignature()

    supports_masking = False
    declared_dtype: str | None = None  # of a model's input before this layer, if not its own
    takes_texts: bool = False  # arrays of str, not of numbers alone
    input_spec: InputSpec | list[InputSpec] | None = None
    _call_parameters: dict[str, inspect.Parameter]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._call_parameters = dict(list(inspect.signature(cls.call).parameters.items())[1:])
        kinds = [parameter.kind for parameter in cls._call_parameters.values()]
        anything = inspect.Parameter.VAR_KEYWORD in kinds
        cls._takes_training = "training" in cls._call_parameters or anything
        cls._takes_mask = "mask" in cls._call_parameters
        cls._makes_mask = cls.compute_mask is not Layer.compute_mask
        cls._calls_as_layers_do = cls.__call__ is Layer.__call__

    _takes_mask = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = super().__new__(cls)
        layer._init_arguments = (args, kwargs)
        return layer

    _init_arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        shapes = {key: kwargs.pop(key) for key in _SHAPE_ARGUMENTS if key in kwargs}
        kwargs.pop("autocast", None)
        if kwargs.get("quantization_config", 0) is None:  # Keras saves it with every layer
            del kwargs["quantization_config"]
        if kwargs:
            raise unexpected_argument(type(self), *next(iter(kwargs.items())))
        if isinstance(dtype, dict):  # Keras's way to save a type
            dtype = dtype["config"]["name"]
        self.name = unique_name(type(self).__name__) if name is None else str(name)
        self._numpy_dtype = checked_dtype(dtype, self)  # quicker to compare with than a name
        self.dtype = str(self._numpy_dtype)
        self.built = False
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.inbound_nodes: list[Node] = []
        self._trainable = bool(trainable)
        self._weights: list[Variable] = []
        self._losses: list[Any] = []
        self._losses_of: object = None
        self._build_shapes: tuple[Any, ...] = ()
        self._declared_shape = declared_shape(self.name, **shapes)

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of this shape (None where a size is not known)."""

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Return the mask of the output: that of the input if masks pass through, else None."""
        if not self.supports_masking:
            return None
        if isinstance(mask, (list, tuple)):
            return next((each for each in mask if each is not None), None)
        return mask

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` makes the same layer of, without its weights."""
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self._trainable,
            "dtype": self.dtype,
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        own = type(self).get_config is not Layer.get_config
        return config if own else self._captured_config(config)

    def _captured_config(self, base: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a layer that does not say itself what its config is."""
        args, kwargs = self._init_arguments
        parameters = inspect.signature(type(self).__init__).parameters
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs).arguments
        found: dict[str, Any] = {}
        for key, value in list(bound.items())[1:]:
            found.update(
                value if parameters[key].kind is parameters[key].VAR_KEYWORD else {key: value}
            )
        for key, value in found.items():
            if not isinstance(value, (int, float, str, bool, list, tuple, dict, type(None))):
                raise NotImplementedError(
                    f"{type(self).__name__}.get_config: the argument {key}={value!r} cannot "
                    f"be saved as it is: override get_config"
                )
        anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return {**found, **{k: v for k, v in base.items() if anything or k in parameters}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer of what `get_config` returned."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what `build_from_config` makes the same weights of; None if there is nothing."""
        if type(self).build is Layer.build or not self._build_shapes:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": self._build_shapes[0]}
        names = inspect.signature(self.build).parameters
        return {"shapes_dict": dict(zip(names, self._build_shapes, strict=False))}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Make the weights of what `get_build_config` returned."""
        given = config.get("shapes_dict") or {"input_shape": config.get("input_shape")}
        names = list(inspect.signature(self.build).parameters)
        by_name = all(name in given for name in names)
        shapes = [given[name] for name in names] if by_name else list(given.values())[: len(names)]
        if any(shape is not None for shape in shapes):
            self.build_from_shapes(*map(as_shapes, shapes))

    def add_loss(self, loss: Any) -> None:
        """Add a scalar of this forward pass to what training minimises."""
        if context.forward_pass is None or context.forward_pass is not self._losses_of:
            self._losses, self._losses_of = [], context.forward_pass
        self._losses.append(loss)

    @property
    def losses(self) -> list[Any]:
        """What the last pass and the regularizers add to the loss: scalars."""
        _, layers, weights, _ = self._walk()
        added = [loss for layer in layers for loss in layer._losses]  # noqa: SLF001
        if self._trainable:
            added += [v.regularizer(v) for v in weights if v.regularizer and v.trainable]
        return added

    def __call__(self, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        if symbolic(args) or (kwargs and symbolic(kwargs)):
            return self._call_symbolically(args, kwargs, training)
        outer = context.training
        if training is None or training is outer:
            return self._compute(args, kwargs, outer)
        context.training = training
        try:
            return self._compute(args, kwargs, training)
        finally:
            context.training = outer

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any], training: Any) -> Any:
        first = args[0] if args else next(iter(kwargs.values()), None)
        if len(args) != 1 or type(first) is not Tensor or first.data.dtype != self._numpy_dtype:
            args = tuple(as_tensors(each, self) for each in args)
            first = args[0] if args else first
        if self.input_spec is not None:
            self._check_inputs(first)
        if not self.built:
            self._build_once(args, kwargs)
        mask = kwargs.pop("mask", None) if kwargs else None
        mask = masks_of(first) if mask is None else plain_masks(mask)
        if self._takes_mask:
            kwargs["mask"] = mask
        if self._takes_training:
            kwargs["training"] = bool(training)
        try:
            outputs = self.call(*args, **kwargs)
        except (ValueError, IndexError) as error:
            self._name_in(error)
            raise
        if type(outputs) is np.ndarray:
            outputs = Tensor(outputs)
        if mask is not None or self._makes_mask:
            self._set_mask(outputs, first, mask)
        if self.activity_regularizer is not None:
            for each in flatten(outputs)[0]:
                share = self.activity_regularizer(each)
                self.add_loss(share / each.shape[0])
        return outputs

    def _check_inputs(self, inputs: Any) -> None:
        specs = self.input_spec if isinstance(self.input_spec, list) else [self.input_spec]
        tensors = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if len(specs) != len(tensors):
            raise ValueError(f"{self}: got {len(tensors)} inputs, wanted {len(specs)}")
        for spec, tensor in zip(specs, tensors, strict=True):
            if spec is not None:
                spec.check(tensor.shape, self)

    def _build_once(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Call ``build`` with the shape of the first input, or with those that it asks for.

        It asks by the names of ``call``'s parameters, as in Keras: ``build(query_shape,
        value_shape)`` of ``call(query, value)``; or by their number.
        """
        asked = [name.removesuffix("_shape") for name in inspect.signature(self.build).parameters]
        if len(asked) > 1 and all(name in self._call_parameters for name in asked):
            given = {**dict(zip(self._call_parameters, args, strict=False)), **kwargs}
            self.build_from_shapes(*[shapes_of(given.get(name)) for name in asked])
            return
        arguments = [*args, *(kwargs[key] for key in kwargs if key not in {"mask", "training"})]
        shapes = [shapes_of(each) for each in arguments]
        wanted = inspect.signature(self.build).parameters.values()
        takes = sum(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for p in wanted)
        if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in wanted):
            takes = len(shapes)
        self.build_from_shapes(*[shape for shape in shapes if shape is not None][: max(takes, 1)])

    def build_from_shapes(self, *shapes: Any) -> None:
        """Build the layer unless it is, naming it in whatever is wrong."""
        if self.built:
            return
        self._build_shapes = shapes
        before = len(self._weights)
        try:
            with building(self):
                self.build(*shapes)
        except (ValueError, IndexError) as error:
            del self._weights[before:]
            self._name_in(error)
            raise
        self.built = True

    def _call_symbolically(self, args: Any, kwargs: Any, training: bool | None) -> Any:
        first = args[0] if args else next(iter(kwargs.values()))
        if self.input_spec is not None:
            self._check_inputs(first)
        if not self.built:
            self._build_once(args, kwargs)
        outputs = self.compute_output_spec(*args, **kwargs)
        if training is not None:
            kwargs = {**kwargs, "training": training}
        return record(self, args, kwargs, outputs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors like what the layer would give for these."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return infer_outputs(self, args, kwargs, self.name)
        try:
            shapes = self.compute_output_shape(shapes_of(args[0]))
        except (ValueError, IndexError) as error:
            self._name_in(error)
            raise
        if isinstance(shapes, list):
            return [SymbolicTensor(shape, self.dtype, self.name) for shape in shapes]
        return SymbolicTensor(shapes, self.dtype, self.name)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output for a shape of the input (None: not known).

        A layer that overrides this gives outputs of its own float type, and saves itself being run
        on zeros to find the shape.
        """
        first = flatten([input_shape])[0]
        one = not first or not isinstance(input_shape[0], (list, tuple))
        inputs: Any = (
            SymbolicTensor(tuple(input_shape), self.dtype)
            if one
            else [SymbolicTensor(tuple(shape), self.dtype) for shape in input_shape]
        )
        self._build_once((inputs,), {})
        outputs = infer_outputs(self, (inputs,), {}, self.name)
        return shapes_of(outputs)

    def _set_mask(self, outputs: Any, inputs: Any, mask: Any) -> None:
        """Give the outputs their mask; say so once if the layer cannot carry the one it got."""
        new = self.compute_mask(inputs, mask)
        if new is None and mask is not None and not self.supports_masking and not self._makes_mask:
            if not (self._takes_mask or self._warned):
                self._warned = True
                warnings.warn(
                    f"{self} got an input with a mask, which it does not pass on: padding counts "
                    f"as data after it",
                    stacklevel=4,
                )
            return
        tensors = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        masks = new if isinstance(new, (list, tuple)) else [new] * len(tensors)
        for tensor, each in zip(tensors, masks, strict=False):
            if isinstance(tensor, Tensor) and each is not None:
                tensor.mask = plain_masks(each)

    _warned = False

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self}{'' if self.built else ', not built'}>"

    @property
    def input(self) -> Any:
        """The symbolic tensors of the layer's only call."""
        return _one_or_list(self._only_node("input").inputs)

    @property
    def output(self) -> Any:
        """What the layer's only call gave, symbolically."""
        return _one_or_list(self._only_node("output").outputs)

    @property
    def input_shape(self) -> Any:
        """The shape of the input of the layer's only call."""
        return shapes_of(self.input)

    @property
    def output_shape(self) -> Any:
        """The shape of the output of the layer's only call."""
        return shapes_of(self.output)

    def _only_node(self, what: str) -> Node:
        if not self.inbound_nodes:
            raise AttributeError(f"{self} has no {what}: it was not called on a symbolic tensor")
        return self.inbound_nodes[0]


def _one_or_list(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
