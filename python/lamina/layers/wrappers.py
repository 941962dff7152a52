"""Layers around a layer: `Bidirectional` and `TimeDistributed`."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.autodiff import flatten
from lamina.layers.layer import Layer
from lamina.layers.rnn import symbols
from lamina.layers.serialization import get, serialize
from lamina.layers.structure import shapes_of

__all__ = ["Bidirectional", "TimeDistributed"]

_MERGES: dict[Any, Any] = {
    "concat": lambda y, z: ops.concatenate([y, z], axis=-1),
    "sum": lambda y, z: y + z,
    "ave": lambda y, z: (y + z) / 2,
    "mul": lambda y, z: y * z,
    None: lambda y, z: [y, z],
}
_SHARED = ("stateful", "return_sequences", "return_state")


def _check_layer(owner: str, what: str, layer: Any) -> None:
    if not isinstance(layer, Layer):
        cause = ": write LSTM(...), with its arguments" if isinstance(layer, type) else ""
        raise ValueError(  # noqa: TRY004 - as in Keras
            f"{owner}: {what} must be a layer, got {layer!r}{cause}"
        )


class Bidirectional(Layer):
    """Runs a recurrent layer forwards and another one backwards over the same sequences.

    ``merge_mode`` says what becomes of the two outputs: ``"concat"``, ``"sum"``, ``"ave"``,
    ``"mul"``, or None for a list of both. The outputs of the layer that goes backwards are turned
    round, so that both are in the order of time; with ``return_sequences`` they are zeros at masked
    steps, as in Keras. Neither of the two layers is ``layer``: they are made of its config; the one
    backwards can be given as ``backward_layer``. Weights are those of the first, then the second.
    ``initial_state`` and the states of ``return_state`` are those of both, one after the other.
    Schuster and Paliwal, 1997; follows Keras's Bidirectional.

    Raises:
        ValueError: if an argument is no layer, the merge mode is unknown, or the two layers differ
            in what they return or do not differ in ``go_backwards``.

    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        _check_layer("Bidirectional", "layer", layer)
        if backward_layer is not None:
            _check_layer("Bidirectional", "backward_layer", backward_layer)
        if merge_mode not in _MERGES:
            known = ", ".join(map(repr, _MERGES))
            raise ValueError(f"Bidirectional: merge_mode {merge_mode!r} is none of {known}")
        super().__init__(**kwargs)
        self.merge_mode = merge_mode
        self.forward_layer = _turned(layer, "forward_", layer.go_backwards)
        if backward_layer is None:
            backward_layer = _turned(layer, "backward_", True)
        self.backward_layer = backward_layer
        self._check_pair()
        for each in (self.forward_layer, self.backward_layer):
            if hasattr(each, "zero_output_for_mask"):
                each.zero_output_for_mask = each.return_sequences
        self._first_weights = weights
        self.input_spec = layer.input_spec
        if self._declared_shape is None:
            self._declared_shape = layer._declared_shape  # noqa: SLF001

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        for name in _SHARED:
            if getattr(one, name) != getattr(other, name):
                raise ValueError(
                    f"{self}: {name} is {getattr(one, name)} in the layer and "
                    f"{getattr(other, name)} in backward_layer: both must be the same"
                )
        if one.go_backwards == other.go_backwards:
            raise ValueError(
                f"{self}: go_backwards is {one.go_backwards} in both layers: one must run forwards "
                f"and the other backwards"
            )

    @property
    def stateful(self) -> bool:
        """Whether the two layers go on with the states of the last batch."""
        return bool(self.forward_layer.stateful)

    @property
    def return_sequences(self) -> bool:
        """Whether the output has every time step."""
        return bool(self.forward_layer.return_sequences)

    @property
    def return_state(self) -> bool:
        """Whether the last states are returned with the output."""
        return bool(self.forward_layer.return_state)

    @property
    def states(self) -> Any:
        """The states of both layers if they are stateful, else None."""
        if self.forward_layer.states is None:
            return None
        return [*self.forward_layer.states, *self.backward_layer.states]

    def reset_state(self) -> None:
        """Let both layers start from zeros again.

        Raises:
            ValueError: if they are not stateful.

        """
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def build(self, sequences_shape: Any) -> None:
        """Build both layers."""
        self.forward_layer.build_from_shapes(sequences_shape)
        self.backward_layer.build_from_shapes(sequences_shape)
        if self._first_weights is not None:
            half = len(self._first_weights) // 2
            self.forward_layer.set_weights(self._first_weights[:half])
            self.backward_layer.set_weights(self._first_weights[half:])

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Return the merged outputs, and with ``return_state`` the last states of both."""
        for_each: list[dict[str, Any]] = [{"training": training}, {"training": training}]
        if mask is not None:
            for options in for_each:
                options["mask"] = mask
        if initial_state is not None:
            half = len(initial_state) // 2
            for_each[0]["initial_state"] = initial_state[:half]
            for_each[1]["initial_state"] = initial_state[half:]
        y = self.forward_layer(sequences, **for_each[0])
        z = self.backward_layer(sequences, **for_each[1])
        after = []
        if self.return_state:
            (y, *first), (z, *second) = y, z
            after = [*first, *second]
        if self.return_sequences:
            z = ops.flip(z, axis=1)
        merged = _MERGES[self.merge_mode](y, z)
        if not self.return_state:
            return merged
        return [*merged, *after] if self.merge_mode is None else [merged, *after]

    def compute_output_shape(self, sequences_shape: Any) -> Any:
        """Return the shapes of what a call gives."""
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states = []
        if self.return_state:
            shape, *states = shape
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        if self.merge_mode is None:
            return [shape, shape, *states, *states]
        return [shape, *states, *states] if self.return_state else shape

    def compute_output_spec(self, sequences: Any, initial_state: Any = None, **_: Any) -> Any:
        """Return symbolic tensors of what a call would give, after checking the first states."""
        if initial_state is not None:
            half = len(initial_state) // 2
            self.forward_layer.compute_output_spec(sequences, initial_state=initial_state[:half])
            self.backward_layer.compute_output_spec(sequences, initial_state=initial_state[half:])
        return symbols(self.compute_output_shape(shapes_of(sequences)), self.dtype, self.name)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the output: that of the input if it has every time step."""
        of_layer = self.forward_layer.compute_mask(inputs, mask)
        of_states = []
        if self.return_state:
            of_layer, *of_states = of_layer
        of_outputs = [of_layer] * (2 if self.merge_mode is None else 1)
        if len(of_outputs) == 1 and not self.return_state:
            return of_layer
        return [*of_outputs, *of_states, *of_states]

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize(self.forward_layer),
            "backward_layer": serialize(self.backward_layer),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Make a layer of what `get_config` returned."""
        config = dict(config)
        for key in ("layer", "backward_layer"):
            if config.get(key) is not None:
                config[key] = get(config[key], custom_objects)
        return cls(**config)


def _turned(layer: Any, prefix: str, go_backwards: bool) -> Any:
    """Return a layer of the same config that runs in a given direction, with its own weights."""
    config = {
        **layer.get_config(),
        "go_backwards": go_backwards,
        "name": prefix + layer.name.removeprefix(prefix),
    }
    if "cell" in config:
        config["cell"] = type(layer.cell).from_config(layer.cell.get_config())
    return type(layer).from_config(config)


class TimeDistributed(Layer):
    """Applies a layer to every time step: input (B, T, ...), output (B, T, ...).

    The time steps of all samples go through the layer as one batch. A layer that keeps statistics
    of batches (`BatchNormalization`) is called once for each step instead, as in Keras. A mask with
    more than two axes is passed on to the layer, step by step; the output keeps the mask.

    Raises:
        ValueError: if ``layer`` is none, or the input has fewer than three dimensions.

    """

    supports_masking = True

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        _check_layer("TimeDistributed", "layer", layer)
        super().__init__(**kwargs)
        self.layer = layer

    def _step_shape(self, input_shape: Any) -> tuple[Any, ...]:
        if len(input_shape) < 3 or isinstance(input_shape[0], (list, tuple)):
            raise ValueError(
                f"{self}: got an input of shape {input_shape}, wanted at least 3 dimensions "
                f"(samples, time, ...): is return_sequences=True missing in the layer before?"
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any) -> None:
        """Build the layer for one time step."""
        self.layer.build_from_shapes(self._step_shape(input_shape))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the layer's outputs for each step."""
        batch_size, steps = inputs.shape[:2]
        if mask is not None and mask.shape[:2] != (batch_size, steps):
            raise ValueError(
                f"the mask has the shape {mask.shape}, wanted {(batch_size, steps)} in front: one "
                f"value for each time step of each sample"
            )
        inner = mask if mask is not None and mask.ndim > 2 else None
        if self._keeps_statistics():
            each = ops.unstack(inputs, axis=1)
            masks = [None] * steps if inner is None else [inner[:, step] for step in range(steps)]
            outputs = [self._apply(x, m, training) for x, m in zip(each, masks, strict=True)]
            return ops.stack(outputs, axis=1)
        folded = ops.reshape(inputs, (batch_size * steps, *inputs.shape[2:]))
        if inner is not None:
            inner = inner.reshape(batch_size * steps, *inner.shape[2:])
        leaves, rebuild = flatten(self._apply(folded, inner, training))
        return rebuild([ops.reshape(y, (batch_size, steps, *y.shape[1:])) for y in leaves])

    def _keeps_statistics(self) -> bool:
        return any(not variable.made_trainable for variable in self.layer.weights)

    def _apply(self, inputs: Any, mask: Any, training: bool | None) -> Any:
        masked = {"mask": mask} if mask is not None and self.layer._takes_mask else {}  # noqa: SLF001
        return self.layer(inputs, training=training, **masked)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the layer's output shape with the axis of time."""
        steps = input_shape[1]
        shapes = self.layer.compute_output_shape(self._step_shape(input_shape))
        if isinstance(shapes, list):
            return [(shape[0], steps, *shape[1:]) for shape in shapes]
        return (shapes[0], steps, *shapes[1:])

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Make a layer of what `get_config` returned."""
        return cls(**{**config, "layer": get(config["layer"], custom_objects)})
