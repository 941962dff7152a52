"""Recurrent layers over whole sequences, each one kernel forward and one backward.

Sequences are x (B, T, D): B samples, T time steps, D features; states are (B, U). A step whose
``mask`` (B, T) is false leaves the states as they are, and its output is the state, or zeros with
``zero_output_for_mask``. ``go_backwards`` starts with the last step; outputs are in the order of
computing. Activations are those that the kernels have built in: linear, relu, sigmoid, tanh and
hard_sigmoid.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lamina._native import core
from lamina.autodiff import is_recording, op
from lamina.ops.arrays import contiguous

__all__ = ["gru", "lstm", "simple_rnn"]


def _arrays(*arrays: Any) -> list[Any]:
    return [None if array is None else contiguous(array) for array in arrays]


def _plain_mask(mask: Any) -> Any:
    return None if mask is None else contiguous(np.asarray(mask), bool)


class _Ends:
    """What stands between an operation's outputs and its kernel's: all outputs or the last."""

    def __init__(self, mask: Any, *, sequences: bool, zero: bool, backwards: bool) -> None:
        self.sequences = sequences
        # The samples whose last output is zeros, because their last step is masked.
        self.dark = ~mask[:, 0 if backwards else -1] if zero and mask is not None else None

    def output(self, outputs: Any, h: Any) -> Any:
        if self.sequences:
            return outputs
        return h if self.dark is None else np.where(self.dark[:, None], h.dtype.type(0), h)

    def gradients(self, d_output: Any, d_h: Any) -> tuple[Any, Any]:
        """Return what the kernel wants: the gradients of all outputs, and of the last state."""
        if self.sequences:
            d_output, d_h = _arrays(d_output, d_h)
            return d_output, d_h
        if d_output is not None and self.dark is not None:
            d_output = np.where(self.dark[:, None], d_output.dtype.type(0), d_output)
        if d_output is not None and d_h is not None:
            d_output = d_output + d_h
        return None, _arrays(d_h if d_output is None else d_output)[0]


@op
def simple_rnn(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    h0: Any = None,
    /,
    *,
    mask: Any = None,
    activation: str = "tanh",
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> Any:
    """Return (outputs, last h) of ``h' = activation(x kernel + h recurrent_kernel + bias)``.

    Shapes: kernel (D, U), recurrent_kernel (U, U), bias (U,), h0 (B, U) or None for zeros. The
    outputs are (B, T, U), or the last one (B, U) without ``return_sequences``.

    Raises:
        ValueError: if a shape does not fit or an activation is not built in.

    """
    x, kernel, recurrent_kernel, bias, h0 = _arrays(x, kernel, recurrent_kernel, bias, h0)
    mask = _plain_mask(mask)
    options = {
        "mask": mask,
        "activation": activation,
        "go_backwards": go_backwards,
        "zero_masked": zero_output_for_mask,
    }
    outputs, h, saved = core.simple_rnn(
        x,
        kernel,
        recurrent_kernel,
        bias,
        h0,
        **options,
        all_outputs=return_sequences,
        keep=is_recording(),
    )
    ends = _Ends(
        mask, sequences=return_sequences, zero=zero_output_for_mask, backwards=go_backwards
    )

    def vjp(d_output: Any, d_h: Any) -> Any:
        activated, h_before = saved
        d_outputs, d_last = ends.gradients(d_output, d_h)
        d_sums, d_h0 = core.simple_rnn_gradient(
            recurrent_kernel, activated, **options, d_outputs=d_outputs, d_h=d_last
        )
        parameters = cache(lambda: core.sequence_parameter_gradients(x, h_before, d_sums))
        return (
            lambda: core.sequence_input_gradient(d_sums, kernel),
            lambda: parameters()[0],
            lambda: parameters()[1],
            lambda: parameters()[2],
            d_h0,
        )

    return (ends.output(outputs, h), h), vjp


@op
def gru(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    h0: Any = None,
    /,
    *,
    mask: Any = None,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    reset_after: bool = True,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> Any:
    """Return (outputs, last h) of a gated recurrent unit, ``h' = z h + (1 - z) g``.

    With W, R and b for kernel, recurrent_kernel and bias, each in the parts z, r, h:
    ``z, r = recurrent_activation(x W + b + h R + b')`` and ``g = activation(x W + b + r (h R +
    b'))``, where the bias (2, 3U) is b and b'. Without ``reset_after``,
    ``g = activation(x W + b + (r h) R)`` and the bias is (3U,).

    Shapes: kernel (D, 3U), recurrent_kernel (U, 3U), h0 (B, U) or None for zeros. The outputs are
    (B, T, U), or the last one (B, U) without ``return_sequences``. Cho et al., 2014.

    Raises:
        ValueError: if a shape does not fit or an activation is not built in.

    """
    x, kernel, recurrent_kernel, bias, h0 = _arrays(x, kernel, recurrent_kernel, bias, h0)
    mask = _plain_mask(mask)
    options = {
        "mask": mask,
        "activation": activation,
        "recurrent_activation": recurrent_activation,
        "reset_after": reset_after,
        "go_backwards": go_backwards,
        "zero_masked": zero_output_for_mask,
    }
    outputs, h, saved = core.gru(
        x,
        kernel,
        recurrent_kernel,
        bias,
        h0,
        **options,
        all_outputs=return_sequences,
        keep=is_recording(),
    )
    ends = _Ends(
        mask, sequences=return_sequences, zero=zero_output_for_mask, backwards=go_backwards
    )

    def vjp(d_output: Any, d_h: Any) -> Any:
        gates, h_before, inner = saved
        d_outputs, d_last = ends.gradients(d_output, d_h)
        d_sums, d_inner, d_h0 = core.gru_gradient(
            recurrent_kernel, gates, h_before, inner, **options, d_outputs=d_outputs, d_h=d_last
        )
        parameters = cache(
            lambda: core.gru_parameter_gradients(x, h_before, inner, d_sums, d_inner)
        )
        return (
            lambda: core.sequence_input_gradient(d_sums, kernel),
            lambda: parameters()[0],
            lambda: parameters()[1],
            lambda: parameters()[2],
            d_h0,
        )

    return (ends.output(outputs, h), h), vjp


@op
def lstm(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    h0: Any = None,
    c0: Any = None,
    /,
    *,
    mask: Any = None,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
) -> Any:
    """Return (outputs, last h, last c) of a long short-term memory, ``h' = o activation(c')``.

    With the sums ``x kernel + h recurrent_kernel + bias`` in the parts i, f, c, o:
    ``c' = f c + i g``, where ``g = activation(sum_c)`` and the gates i, f and o are
    ``recurrent_activation`` of their sums.

    Shapes: kernel (D, 4U), recurrent_kernel (U, 4U), bias (4U,), h0 and c0 (B, U) or None for
    zeros. The outputs are (B, T, U), or the last one (B, U) without ``return_sequences``.
    Hochreiter and Schmidhuber, 1997.

    Raises:
        ValueError: if a shape does not fit or an activation is not built in.

    """
    x, kernel, recurrent_kernel, bias, h0, c0 = _arrays(x, kernel, recurrent_kernel, bias, h0, c0)
    mask = _plain_mask(mask)
    options = {
        "mask": mask,
        "activation": activation,
        "recurrent_activation": recurrent_activation,
        "go_backwards": go_backwards,
        "zero_masked": zero_output_for_mask,
    }
    outputs, h, c, saved = core.lstm(
        x,
        kernel,
        recurrent_kernel,
        bias,
        h0,
        c0,
        **options,
        all_outputs=return_sequences,
        keep=is_recording(),
    )
    ends = _Ends(
        mask, sequences=return_sequences, zero=zero_output_for_mask, backwards=go_backwards
    )

    def vjp(d_output: Any, d_h: Any, d_c: Any) -> Any:
        gates, h_before, c_before = saved
        d_outputs, d_last = ends.gradients(d_output, d_h)
        d_sums, d_h0, d_c0 = core.lstm_gradient(
            recurrent_kernel,
            gates,
            c_before,
            **options,
            d_outputs=d_outputs,
            d_h=d_last,
            d_c=_arrays(d_c)[0],
        )
        parameters = cache(lambda: core.sequence_parameter_gradients(x, h_before, d_sums))
        return (
            lambda: core.sequence_input_gradient(d_sums, kernel),
            lambda: parameters()[0],
            lambda: parameters()[1],
            lambda: parameters()[2],
            d_h0,
            d_c0,
        )

    return (ends.output(outputs, h), h, c), vjp
