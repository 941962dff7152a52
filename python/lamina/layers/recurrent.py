"""SimpleRNN, GRU and LSTM: a cell each, and a kernel for whole sequences."""

from __future__ import annotations

import inspect
from typing import Any

from lamina.layers.input_spec import InputSpec
from lamina.layers.recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell
from lamina.layers.rnn import RNN
from lamina.layers.sizes import check_sizes

__all__ = ["GRU", "LSTM", "SimpleRNN"]

_TIME = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


class _WithOwnCell(RNN):
    """A recurrent layer that makes its cell itself, out of arguments that both have."""

    _cell_class: Any
    _cell_name: str

    def _start(self, arguments: dict[str, Any], **kwargs: Any) -> None:
        """Make the cell and the layer of the arguments of ``__init__``."""
        check_sizes(type(self).__name__, units=arguments["units"])
        of_cell = {key: kwargs.pop(key) for key in ("implementation",) if key in kwargs}
        for key in inspect.signature(self._cell_class).parameters:
            if key in arguments and key != "kwargs":
                of_cell[key] = arguments[key]
        cell = self._cell_class(
            **of_cell,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name=f"{self._cell_name}_cell",
        )
        time = {key: arguments[key] for key in _TIME}
        RNN.__init__(
            self, cell, **time, activity_regularizer=arguments["activity_regularizer"], **kwargs
        )
        self.input_spec = InputSpec(ndim=3)

    def __getattr__(self, name: str) -> Any:
        """Pass on to the cell what is asked of its arguments: ``layer.units``."""
        if name in inspect.signature(self._cell_class).parameters and "cell" in self.__dict__:
            return getattr(self.cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def build(self, sequences_shape: Any) -> None:
        """Build the cell; the weights are kernel, recurrent_kernel and bias."""
        super().build(sequences_shape)
        self.input_spec = InputSpec(ndim=3, axes={2: sequences_shape[-1]})

    def get_config(self) -> dict[str, Any]:
        """Return Keras's keys."""
        config = super().get_config()
        del config["cell"]
        own = ("name", "trainable", "dtype", "activity_regularizer")
        of_cell = {k: v for k, v in self.cell.get_config().items() if k not in own}
        return {"activity_regularizer": None, **config, **of_cell}


class SimpleRNN(_WithOwnCell):
    """A fully connected recurrent layer: ``h' = activation(x W + h R + b)``.

    Input (B, T, D), output (B, units), or (B, T, units) with ``return_sequences``. Weights: kernel
    W (D, units), recurrent_kernel R (units, units), bias b (units,). Masks, states and the order of
    outputs: see `RNN`. In training, ``dropout`` and ``recurrent_dropout`` drop shares of the inputs
    and of the state, the same elements at every step of a sequence. Follows Keras's SimpleRNN.

    Raises:
        ValueError: if ``units`` is not above 0, or the input has other than three dimensions.

    """

    _cell_class = SimpleRNNCell
    _cell_name = "simple_rnn"

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._start(locals(), **kwargs)


class GRU(_WithOwnCell):
    """A gated recurrent unit: ``h' = z h + (1 - z) g``.

    With W, R and b in the parts z, r, h: ``z, r = recurrent_activation(x W + b + h R + b')`` and
    ``g = activation(x W + b + r (h R + b'))``; without ``reset_after``,
    ``g = activation(x W + b + (r h) R)``.

    Input (B, T, D), output (B, units), or (B, T, units) with ``return_sequences``. Weights: kernel
    W (D, 3 units), recurrent_kernel R (units, 3 units), bias (2, 3 units) for b and b', or
    (3 units,) without ``reset_after``. Masks, states and the order of outputs: see `RNN`. In
    training, ``dropout`` and ``recurrent_dropout`` drop shares of the inputs and of the state, the
    same elements at every step of a sequence. Cho et al., 2014; follows Keras's GRU.

    Raises:
        ValueError: if ``units`` is not above 0, or the input has other than three dimensions.

    """

    _cell_class = GRUCell
    _cell_name = "gru"

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        self._start(locals(), **kwargs)


class LSTM(_WithOwnCell):
    """Long short-term memory: ``c' = f c + i g, h' = o activation(c')``; the output is h'.

    With the sums ``x W + h R + b`` in the parts i, f, c, o: ``g = activation(sum_c)``, and the
    gates i, f and o are ``recurrent_activation`` of their sums. With ``unit_forget_bias`` the bias
    of f starts at one.

    Input (B, T, D), output (B, units), or (B, T, units) with ``return_sequences``. Weights: kernel
    W (D, 4 units), recurrent_kernel R (units, 4 units), bias b (4 units,). The states are h and c.
    Masks, states and the order of outputs: see `RNN`. In training, ``dropout`` and
    ``recurrent_dropout`` drop shares of the inputs and of the state, the same elements at every
    step of a sequence. Hochreiter and Schmidhuber, 1997; follows Keras's LSTM.

    Raises:
        ValueError: if ``units`` is not above 0, or the input has other than three dimensions.

    """

    _cell_class = LSTMCell
    _cell_name = "lstm"

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        self._start(locals(), **kwargs)
