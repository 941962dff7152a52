"""Recurrence over time with any cell: `RNN`, and `StackedRNNCells` to make one cell of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.autodiff import Tensor, as_array, flatten
from lamina.graph import SymbolicTensor
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer
from lamina.layers.recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell
from lamina.layers.serialization import get, serialize
from lamina.layers.structure import shapes_of

__all__ = ["RNN", "StackedRNNCells"]

# Cells that have a kernel for whole sequences. Not their subclasses, which may step otherwise.
_WITH_KERNEL = (SimpleRNNCell, GRUCell, LSTMCell)


class RNN(Layer):
    """Repeats a cell over the time steps of sequences: ``output, states = cell(x[:, t], states)``.

    Input (B, T, ...), output (B, U) of the last step, or (B, T, U) of all with
    ``return_sequences``; with ``return_state`` a list of the output and the last states. A mask
    (B, T) says which steps are real: at others the states stay and the output is repeated, or zeros
    with ``zero_output_for_mask``. With ``go_backwards`` the last step comes first, and outputs are
    in the order of computing. ``initial_state`` in the call is a list of states; without it they
    are zeros, or, if ``stateful``, those that the last batch ended with, until `reset_state`.

    ``cell`` is an object with ``state_size`` (a size, or a list of them) and ``call(inputs,
    states)``, which returns the output and the list of new states; or a list of such cells, each
    taking what the one before gives. ``unroll`` is accepted: there is no other way here.

    Raises:
        ValueError: if the cell has no ``call`` or ``state_size``; at the call, if states do not
            fit, or a stateful layer gets another number of samples than before.

    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("use_cudnn", None)
        super().__init__(**kwargs)
        self.cell: Any = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        _check_cell(self, self.cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.input_spec = InputSpec(min_ndim=3)
        self.states: Any = None  # of a stateful layer, a list of tensors

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the cell's states, a list."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def build(self, sequences_shape: Any) -> None:
        """Build the cell for one time step."""
        step_shape = (sequences_shape[0], *sequences_shape[2:])
        if isinstance(self.cell, Layer):
            self.cell.build_from_shapes(step_shape)
        if self.stateful:
            if sequences_shape[0] is None:
                raise ValueError(
                    f"stateful=True needs a fixed number of samples, got the shape "
                    f"{tuple(sequences_shape)}: give it in Input(shape, batch_size=...), or "
                    f"batch_input_shape= to a first layer"
                )
            self.states = self.get_initial_state(sequences_shape[0])

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the states before the first step: zeros, unless the cell says otherwise."""
        of_cell = getattr(self.cell, "get_initial_state", None)
        if of_cell is None:
            states = _zeros(self.state_size, batch_size, self.dtype)
        else:
            states = of_cell(batch_size=batch_size)
        return list(states) if isinstance(states, (list, tuple)) else [states]

    def reset_state(self, states: Any = None) -> None:
        """Forget what the last batch ended with: a stateful layer starts from zeros, or ``states``.

        Raises:
            ValueError: if the layer is not stateful or ``states`` do not fit.

        """
        if not self.stateful:
            raise ValueError(f"{self}.reset_state: the layer keeps no states: stateful is False")
        if self.states is None:
            return
        batch_size = flatten(self.states)[0][0].shape[0]
        fresh = self.get_initial_state(batch_size)
        if states is not None:
            fresh = self._states_of(states, batch_size)
        self.states = fresh

    reset_states = reset_state

    def _states_of(self, initial_state: Any, batch_size: int | None) -> list[Any]:
        """Return states in the cell's structure, checked against the sizes it has."""
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        given, rebuild = flatten(list(initial_state))
        sizes = flatten(self.state_size)[0]
        names = "[h, c]" if isinstance(self.cell, LSTMCell) else f"{len(sizes)}"
        if len(given) != len(sizes):
            raise ValueError(
                f"initial_state: got {len(given)} tensors, wanted {names}: one for each state of "
                f"the cell"
            )
        for place, (state, size) in enumerate(zip(given, sizes, strict=True)):
            shape = state.shape if hasattr(state, "shape") else np.shape(state)
            wanted = (batch_size, size) if type(self.cell) in _WITH_KERNEL else (batch_size,)
            fits = len(shape) == 2 or len(wanted) == 1
            if not fits or any(
                None not in {a, b} and a != b for a, b in zip(shape, wanted, strict=False)
            ):
                raise ValueError(
                    f"initial_state[{place}] has the shape {tuple(shape)}, wanted "
                    f"{(batch_size, size)}: one row for each sample, of this layer's units"
                )
        if any(isinstance(state, SymbolicTensor) for state in given):
            return list(initial_state)
        tensors = [s if isinstance(s, Tensor) else Tensor(as_array(s)) for s in given]
        cast = [t if t.dtype == self._numpy_dtype else ops.cast(t, self.dtype) for t in tensors]
        return list(rebuild(cast))

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """Return the output, and with ``return_state`` the last states."""
        batch_size, steps = sequences.shape[:2]
        if steps == 0:
            raise ValueError(f"the sequences have no time steps: got the shape {sequences.shape}")
        if sequences.dtype.kind != "f":
            sequences = ops.cast(sequences, self.dtype)
        states = self._first_states(initial_state, batch_size)
        if mask is not None:
            mask = _mask_of_steps(mask, sequences.shape)
        _forget_dropout(self.cell)
        if type(self.cell) in _WITH_KERNEL and self.cell.has_kernel(training):
            output, states = self.cell.sequence(
                sequences,
                states,
                training,
                mask=mask,
                go_backwards=self.go_backwards,
                zero_output_for_mask=self.zero_output_for_mask,
                return_sequences=self.return_sequences,
            )
        else:
            output, states = self._loop(sequences, states, mask, training)
        _forget_dropout(self.cell)
        if self.stateful:
            leaves, rebuild = flatten(states)
            self.states = rebuild([Tensor(leaf.data) for leaf in leaves])
        return [output, *states] if self.return_state else output

    def _first_states(self, initial_state: Any, batch_size: int) -> Any:
        """Return the states before the first step."""
        if self.stateful and self.states is not None:
            kept = flatten(self.states)[0][0].shape[0]
            if kept != batch_size:
                raise ValueError(
                    f"got {batch_size} samples, but stateful=True goes on with the states of "
                    f"{kept}: every batch must have as many"
                )
            if initial_state is None:
                return self.states
        if initial_state is not None:
            return self._states_of(initial_state, batch_size)
        return self.get_initial_state(batch_size)

    def _loop(self, sequences: Any, states: Any, mask: Any, training: bool) -> tuple[Any, Any]:
        """Call the cell once for each time step."""
        inputs = ops.unstack(sequences, axis=1)
        steps = range(len(inputs))
        outputs = []
        for step in reversed(steps) if self.go_backwards else steps:
            output, new = call_cell(self.cell, inputs[step], states, training)
            seen = None if mask is None or mask[:, step].all() else mask[:, step]
            if seen is not None:
                # As in Keras, the first state of the (last) cell is taken for its last output.
                last = states[-1] if isinstance(states[-1], (list, tuple)) else states
                repeated = np.zeros_like(output.data) if self.zero_output_for_mask else last[0]
                output = _where(seen, output, repeated)
                olds, rebuild = flatten(states)
                news = flatten(new)[0]
                new = rebuild([_where(seen, n, o) for n, o in zip(news, olds, strict=True)])
            states = new
            outputs.append(output)
        if self.return_sequences:
            return ops.stack(outputs, axis=1), states
        return outputs[-1], states

    def compute_output_shape(self, sequences_shape: Any) -> Any:
        """Return (B, U) or (B, T, U), and with ``return_state`` a list of it and the states'."""
        batch, steps = sequences_shape[:2]
        units = _size_of_output(self.cell)
        shape = (batch, steps, units) if self.return_sequences else (batch, units)
        return [shape, *_shapes(self.state_size, batch)] if self.return_state else shape

    def compute_output_spec(self, sequences: Any, initial_state: Any = None, **_: Any) -> Any:
        """Return symbolic tensors of what a call would give, after checking the first states."""
        if initial_state is not None:
            try:
                self._states_of(initial_state, sequences.shape[0])
            except ValueError as error:
                self._name_in(error)
                raise
        shapes = self.compute_output_shape(shapes_of(sequences))
        return symbols(shapes, self.dtype, self.name)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Return the mask of the output: that of the input if it has every time step."""
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        of_output = mask if self.return_sequences else None
        if not self.return_state:
            return of_output
        return [of_output, *(None for _ in flatten(self.state_size)[0])]

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {**super().get_config(), **self._time_config(), "cell": serialize(self.cell)}

    def _time_config(self) -> dict[str, Any]:
        return {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Make a layer of what `get_config` returned; ``cell`` may be a cell itself."""
        config = dict(config)
        if "cell" in config:
            config["cell"] = get(config["cell"], custom_objects)
        return cls(**config)


class StackedRNNCells(Layer):
    """Several cells as one: each takes what the one before gives; states are a list of theirs."""

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = list(cells)
        for cell in self.cells:
            _check_cell(self, cell)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of each cell's states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of what the last cell gives."""
        return _size_of_output(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        """Build each cell for what the one before gives."""
        for cell in self.cells:
            if isinstance(cell, Layer):
                cell.build_from_shapes(input_shape)
            input_shape = (input_shape[0], _size_of_output(cell))

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return a list of each cell's first states."""
        states = []
        for cell in self.cells:
            if hasattr(cell, "get_initial_state"):
                states.append(cell.get_initial_state(batch_size=batch_size))
            else:
                states.append(_zeros(cell.state_size, batch_size, self.dtype))
        return states

    def reset_dropout_masks(self) -> None:
        """Draw anew next time: a sequence is over."""
        for cell in self.cells:
            _forget_dropout(cell)

    def call(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Return the output of the last cell and a list of the new states of each."""
        new = []
        for cell, of_cell in zip(self.cells, states, strict=True):
            several = isinstance(of_cell, (list, tuple))
            inputs, after = call_cell(cell, inputs, of_cell if several else [of_cell], training)
            new.append(after if several else after[0])
        return inputs, new

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {**super().get_config(), "cells": [serialize(cell) for cell in self.cells]}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """Make a layer of what `get_config` returned."""
        cells = [get(cell, custom_objects) for cell in config["cells"]]
        return cls(**{**config, "cells": cells})


def call_cell(cell: Any, inputs: Any, states: Any, training: bool) -> tuple[Any, Any]:
    """Return the output and the list of new states of one step of any cell."""
    if isinstance(cell, Layer):
        output, new = cell(inputs, states, training=training)
    else:
        output, new = cell.call(inputs, states)
    return output, list(new) if isinstance(new, (list, tuple)) else [new]


def _check_cell(owner: Layer, cell: Any) -> None:
    for needed in ("call", "state_size"):
        if not hasattr(cell, needed):
            cause = f"the class {cell.__name__}" if isinstance(cell, type) else repr(cell)
            raise ValueError(
                f"{owner}: a cell needs `{needed}` (call(inputs, states) and state_size), got "
                f"{cause}"
            )


def _size_of_output(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    return int(flatten(cell.state_size)[0][0] if size is None else size)


def _forget_dropout(cell: Any) -> None:
    if hasattr(cell, "reset_dropout_masks"):
        cell.reset_dropout_masks()


def _zeros(sizes: Any, batch_size: int, dtype: str) -> Any:
    """Return zero states in the structure of sizes; a single size gives a list of one."""
    if isinstance(sizes, (list, tuple)):
        nested = [
            _zeros(s, batch_size, dtype) if isinstance(s, (list, tuple)) else s for s in sizes
        ]
        return [
            s if isinstance(s, list) else Tensor(np.zeros((batch_size, s), dtype)) for s in nested
        ]
    return [Tensor(np.zeros((batch_size, sizes), dtype))]


def _shapes(sizes: Any, batch: Any) -> list[Any]:
    return [_shapes(s, batch) if isinstance(s, (list, tuple)) else (batch, s) for s in sizes]


def symbols(shapes: Any, dtype: str, name: str) -> Any:
    """Return symbolic tensors of shapes in nested lists."""
    if isinstance(shapes, list):
        return [symbols(shape, dtype, name) for shape in shapes]
    return SymbolicTensor(shapes, dtype, name)


def _mask_of_steps(mask: Any, shape: Any) -> Any:
    """Return a mask (B, T); of one with more axes, a step counts if anything in it does."""
    mask = as_array(mask[0] if isinstance(mask, (list, tuple)) else mask).astype(bool, copy=False)
    if mask.shape[:2] != tuple(shape[:2]):
        raise ValueError(
            f"the mask has the shape {mask.shape}, wanted {tuple(shape[:2])}: one value for each "
            f"time step of each sample"
        )
    return mask.any(axis=tuple(range(2, mask.ndim))) if mask.ndim > 2 else mask


def _where(seen: Any, new: Any, old: Any) -> Any:
    return ops.where(seen.reshape(-1, *(1,) * (new.ndim - 1)), new, old)
