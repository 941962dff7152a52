"""register_recurrent.cpp.

``x`` is (B, T, D), ``mask`` a bool array (B, T); results are (outputs or None, last states, what
the gradient needs if ``keep``). Outputs are in the order of computing, all else in the order of x.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Reals: TypeAlias = NDArray[Any]  # float32 or float64, all of a call the same
Mask: TypeAlias = NDArray[np.bool_] | None

def simple_rnn(
    x: Reals,
    kernel: Reals,
    recurrent_kernel: Reals,
    bias: Reals | None,
    h0: Reals | None,
    mask: Mask,
    activation: str,
    go_backwards: bool,
    zero_masked: bool,
    all_outputs: bool,
    keep: bool,
) -> tuple[Reals | None, Reals, Any]: ...
def simple_rnn_gradient(
    recurrent_kernel: Reals,
    activated: Reals,
    mask: Mask,
    activation: str,
    go_backwards: bool,
    zero_masked: bool,
    d_outputs: Reals | None,
    d_h: Reals | None,
) -> tuple[Reals, Reals]: ...
def gru(
    x: Reals,
    kernel: Reals,
    recurrent_kernel: Reals,
    bias: Reals | None,
    h0: Reals | None,
    mask: Mask,
    activation: str,
    recurrent_activation: str,
    reset_after: bool,
    go_backwards: bool,
    zero_masked: bool,
    all_outputs: bool,
    keep: bool,
) -> tuple[Reals | None, Reals, Any]: ...
def gru_gradient(
    recurrent_kernel: Reals,
    gates: Reals,
    h_before: Reals,
    inner: Reals,
    mask: Mask,
    activation: str,
    recurrent_activation: str,
    reset_after: bool,
    go_backwards: bool,
    zero_masked: bool,
    d_outputs: Reals | None,
    d_h: Reals | None,
) -> tuple[Reals, Any, Reals]: ...
def lstm(
    x: Reals,
    kernel: Reals,
    recurrent_kernel: Reals,
    bias: Reals | None,
    h0: Reals | None,
    c0: Reals | None,
    mask: Mask,
    activation: str,
    recurrent_activation: str,
    go_backwards: bool,
    zero_masked: bool,
    all_outputs: bool,
    keep: bool,
) -> tuple[Reals | None, Reals, Reals, Any]: ...
def lstm_gradient(
    recurrent_kernel: Reals,
    gates: Reals,
    c_before: Reals,
    mask: Mask,
    activation: str,
    recurrent_activation: str,
    go_backwards: bool,
    zero_masked: bool,
    d_outputs: Reals | None,
    d_h: Reals | None,
    d_c: Reals | None,
) -> tuple[Reals, Reals, Reals]: ...
def sequence_input_gradient(d_sums: Reals, kernel: Reals) -> Reals: ...
def sequence_parameter_gradients(
    x: Reals, h_before: Reals, d_sums: Reals
) -> tuple[Reals, Reals, Reals]: ...
def gru_parameter_gradients(
    x: Reals, h_before: Reals, inner: Reals, d_sums: Reals, d_inner: Reals | None
) -> tuple[Reals, Reals, Reals]: ...
