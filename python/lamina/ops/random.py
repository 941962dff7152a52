"""Random arrays, and operations that draw: dropout.

``seed`` makes a call repeatable; without it the thread's own generator, which
`lamina.utils.set_random_seed` restarts, gives one. The numbers do not depend on the number of
threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina._config import floatx
from lamina._native import core
from lamina.autodiff import op
from lamina.ops.arrays import floats, like
from lamina.randomness import next_seed
from lamina.tensors import Tensor

__all__ = ["dropout", "random_normal", "random_uniform"]


@op
def dropout(x: Any, /, rate: float, seed: int | None = None, noise_shape: Any = None) -> Any:
    """Return x with a share ``rate`` of its elements set to 0 and the others divided by 1 - rate.

    With ``noise_shape``, where a size is 1 (None: that of x) elements are kept or dropped together.

    Raises:
        ValueError: if the rate is not in [0, 1], or the noise cannot be broadcast to x.

    """
    x = floats(x)
    if rate == 1:
        return np.zeros_like(x), np.zeros_like
    seed = next_seed() if seed is None else seed
    if noise_shape is None:
        return core.dropout(x, rate, seed), lambda dy: core.dropout(like(dy, x), rate, seed)
    if len(noise_shape) != x.ndim or any(
        n not in {None, 1, size} for n, size in zip(noise_shape, x.shape, strict=True)
    ):
        raise ValueError(
            f"dropout: noise_shape {tuple(noise_shape)} must have a size of 1, None or that of "
            f"the input for each axis of the shape {x.shape}"
        )
    shape = [size if n is None else n for n, size in zip(noise_shape, x.shape, strict=True)]
    factors = core.dropout(np.ones(shape, x.dtype), rate, seed)
    return x * factors, lambda dy: dy * factors


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Return normally distributed numbers."""
    kind = np.dtype(dtype or floatx()).char
    seed = next_seed() if seed is None else seed
    return Tensor(core.random_normal(list(shape), mean, stddev, seed, kind))  # type: ignore[arg-type]


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> Tensor:
    """Return numbers uniform in [minval, maxval)."""
    kind = np.dtype(dtype or floatx()).char
    seed = next_seed() if seed is None else seed
    return Tensor(core.random_uniform(list(shape), minval, maxval, seed, kind))  # type: ignore[arg-type]
