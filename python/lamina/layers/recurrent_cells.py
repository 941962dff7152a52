"""The steps of recurrent layers: what `RNN` repeats over time; SimpleRNN, GRU and LSTM hold one.

A cell has ``state_size`` (the size of its state, or a list of sizes) and ``call(inputs, states)``,
which takes the inputs of one time step (B, D) and a list of states (B, size), and returns the
output and the list of new states.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import activations, ops, randomness
from lamina.autodiff import Tensor
from lamina.layers.sizes import check_sizes
from lamina.layers.weight_options import WithWeightOptions

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell"]

# The activations that the kernels for whole sequences have built in.
_BUILT_IN = ("linear", "relu", "sigmoid", "tanh", "hard_sigmoid")


def _check_rate(owner: str, name: str, rate: Any) -> float:
    if not isinstance(rate, (int, float, np.number)) or not 0 <= rate < 1:
        raise ValueError(
            f"{owner}: {name} is the share that is dropped, from 0 to below 1, got {rate!r}"
        )
    return float(rate)


def _built_in(function: Any) -> str | None:
    """Return the name by which the kernels know an activation, None if they do not."""
    for name in _BUILT_IN:
        if function is activations.get(name) or function is getattr(ops, name, None):
            return name
    return None


class _Cell(WithWeightOptions):
    """What the three cells share: weights for all gates beside each other, dropout, config."""

    gates = 1
    has_recurrent_activation = True
    state_size: int | list[int]
    bias_initializer: Any
    bias: Any
    recurrent_activation: Any

    def __init__(self, arguments: dict[str, Any], **kwargs: Any) -> None:
        """Take the arguments that the cells share from the ``locals()`` of theirs."""
        implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        owner = type(self).__name__
        check_sizes(owner, units=arguments["units"])
        self.units = self.output_size = int(arguments["units"])
        self.state_size = self.units
        self.activation = activations.get(arguments["activation"])
        self.recurrent_activation = activations.get(arguments.get("recurrent_activation", "linear"))
        self.use_bias = arguments["use_bias"]
        self._keep_weight_options(arguments)
        recurrent_dropout, seed = arguments["recurrent_dropout"], arguments["seed"]
        self.dropout = _check_rate(owner, "dropout", arguments["dropout"])
        self.recurrent_dropout = _check_rate(owner, "recurrent_dropout", recurrent_dropout)
        # As in Keras: 1 drops other elements for each gate, 2 the same ones.
        self.implementation = 1 if self.recurrent_dropout else implementation
        self.seed = seed
        self._generator = None if seed is None else np.random.default_rng(seed)
        self._dropout_masks: dict[str, list[Any]] = {}
        names = (_built_in(self.activation), _built_in(self.recurrent_activation))
        self._kernel_names = None if None in names else names

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _bias_initializer(self) -> Any:
        return self.bias_initializer

    def build(self, input_shape: Any) -> None:
        """Make kernel (D, G U), recurrent_kernel (U, G U) and bias for G gates of U units."""
        width = self.gates * self.units
        options = self._weight_options("kernel")
        self.kernel = self.add_weight((input_shape[-1], width), name="kernel", **options)
        options = self._weight_options("recurrent")
        shape = (self.units, width)
        self.recurrent_kernel = self.add_weight(shape, name="recurrent_kernel", **options)
        self.bias = None
        if self.use_bias:
            options = {**self._weight_options("bias"), "initializer": self._bias_initializer()}
            self.bias = self.add_weight(self._bias_shape(), name="bias", **options)

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return zeros for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [Tensor(np.zeros((batch_size, size), self.dtype)) for size in sizes]

    def _masks(self, which: str, rate: float, like: Any) -> list[Any] | None:
        """Return factors for one gate or for all, drawn once for a sequence."""
        if rate == 0:
            return None
        if which not in self._dropout_masks:
            count = self.gates if self.implementation == 1 else 1
            draw = (self._generator or randomness.generator()).random((count, *like.shape))
            self._dropout_masks[which] = list(((draw >= rate) / (1 - rate)).astype(self.dtype))
        return self._dropout_masks[which]

    def get_dropout_mask(self, step_input: Any) -> Any:
        """Return what inputs are multiplied by in training, a list of one or one for each gate."""
        return self._masks("inputs", self.dropout, step_input)

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """Return what the state is multiplied by in training, a list likewise."""
        return self._masks("states", self.recurrent_dropout, step_input)

    def reset_dropout_masks(self) -> None:
        """Draw anew next time: a sequence is over."""
        self._dropout_masks.clear()

    def _sums(self, x: Any, masks: list[Any] | None, weights: Any, bias: Any = None) -> list[Any]:
        """Return x times the weights of each gate, with what dropout leaves of x."""
        gates = weights.shape[-1] // self.units
        if masks is None or len(masks) == 1:
            product = ops.matmul(x if masks is None else x * masks[0], weights)
            whole = product if bias is None else product + bias
            return [whole] if gates == 1 else ops.split(whole, gates, axis=-1)
        parts = ops.split(weights, gates, axis=1)
        sums = [ops.matmul(x * m, part) for m, part in zip(masks, parts, strict=False)]
        if bias is None:
            return sums
        return [s + b for s, b in zip(sums, ops.split(bias, gates, axis=0), strict=True)]

    def has_kernel(self, training: bool) -> bool:
        """Return whether `sequence` computes what repeated calls would."""
        if training and (self.recurrent_dropout or (self.dropout and self.implementation == 1)):
            return False
        return self._kernel_names is not None

    def sequence(self, x: Any, states: list[Any], training: bool, **options: Any) -> Any:
        """Return the output and the last states for a whole sequence (B, T, D), by one kernel."""
        if training and self.dropout:
            (mask,) = self.get_dropout_mask(x[:, 0])
            x = x * mask[:, np.newaxis]
        options["activation"], recurrent = self._kernel_names or ("", "")
        if self.has_recurrent_activation:
            options["recurrent_activation"] = recurrent
        return self._kernel(x, states, options)

    def _kernel(self, x: Any, states: list[Any], options: dict[str, Any]) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        config = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }
        if self.has_recurrent_activation:
            config["recurrent_activation"] = activations.serialize(self.recurrent_activation)
        return {**super().get_config(), **config}


class SimpleRNNCell(_Cell):
    """A step of `SimpleRNN`: ``h' = activation(x W + h R + b)``; the output is h'.

    Arguments: those of `SimpleRNN` that do not concern time. Shapes: inputs (B, D), state (B, U).
    """

    has_recurrent_activation = False

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)

    def call(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Return the output and the new state."""
        (h,) = states
        of_x = self.get_dropout_mask(inputs) if training else None
        of_h = self.get_recurrent_dropout_mask(h) if training else None
        (from_x,) = self._sums(inputs, of_x, self.kernel, self.bias)
        (from_h,) = self._sums(h, of_h, self.recurrent_kernel)
        h = self.activation(from_x + from_h)
        return h, [h]

    def _kernel(self, x: Any, states: list[Any], options: dict[str, Any]) -> Any:
        output, h = ops.simple_rnn(
            x, self.kernel, self.recurrent_kernel, self.bias, *states, **options
        )
        return output, [h]


class GRUCell(_Cell):
    """A step of `GRU`: ``h' = z h + (1 - z) g``; the output is h'.

    Arguments: those of `GRU` that do not concern time. Shapes: inputs (B, D), state (B, U).
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def call(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Return the output and the new state."""
        (h,) = states
        of_x = self.get_dropout_mask(inputs) if training else None
        of_h = self.get_recurrent_dropout_mask(h) if training else None
        bias, recurrent_bias = self.bias, None
        if self.bias is not None and self.reset_after:
            bias, recurrent_bias = ops.unstack(self.bias)
        xz, xr, xg = self._sums(inputs, of_x, self.kernel, bias)
        if self.reset_after:
            hz, hr, hg = self._sums(h, of_h, self.recurrent_kernel, recurrent_bias)
        else:
            of_gates, of_candidate = ops.split(self.recurrent_kernel, [2 * self.units], axis=1)
            hz, hr = self._sums(h, of_h, of_gates)
        z = self.recurrent_activation(xz + hz)
        r = self.recurrent_activation(xr + hr)
        if self.reset_after:
            hg = r * hg
        else:
            hg = ops.matmul(r * (h if of_h is None else h * of_h[-1]), of_candidate)
        h = z * h + (1 - z) * self.activation(xg + hg)
        return h, [h]

    def _kernel(self, x: Any, states: list[Any], options: dict[str, Any]) -> Any:
        output, h = ops.gru(
            x,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            *states,
            reset_after=self.reset_after,
            **options,
        )
        return output, [h]

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {**super().get_config(), "reset_after": self.reset_after}


class LSTMCell(_Cell):
    """A step of `LSTM`: ``c' = f c + i g, h' = o activation(c')``; the output is h'.

    Arguments: those of `LSTM` that do not concern time. Shapes: inputs (B, D), states h and c, each
    (B, U).
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(locals(), **kwargs)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _bias_initializer(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer
        U = self.units

        def ones_for_the_forget_gate(shape: Any, dtype: Any = None) -> Any:
            of_i = np.asarray(self.bias_initializer((U,), dtype=dtype))
            of_c_and_o = np.asarray(self.bias_initializer((2 * U,), dtype=dtype))
            return np.concatenate([of_i, np.ones(U, dtype), of_c_and_o]).reshape(shape)

        return ones_for_the_forget_gate

    def call(  # type: ignore[override]
        self, inputs: Any, states: Any, training: bool = False
    ) -> Any:
        """Return the output and the new states h and c."""
        h, c = states
        of_x = self.get_dropout_mask(inputs) if training else None
        of_h = self.get_recurrent_dropout_mask(h) if training else None
        from_x = self._sums(inputs, of_x, self.kernel, self.bias)
        from_h = self._sums(h, of_h, self.recurrent_kernel)
        zi, zf, zg, zo = (a + b for a, b in zip(from_x, from_h, strict=True))
        i, f = self.recurrent_activation(zi), self.recurrent_activation(zf)
        c = f * c + i * self.activation(zg)
        h = self.recurrent_activation(zo) * self.activation(c)
        return h, [h, c]

    def _kernel(self, x: Any, states: list[Any], options: dict[str, Any]) -> Any:
        output, h, c = ops.lstm(
            x, self.kernel, self.recurrent_kernel, self.bias, *states, **options
        )
        return output, [h, c]

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}
