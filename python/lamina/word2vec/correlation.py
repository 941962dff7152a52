"""Correlation coefficients and how likely chance gives them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Correlation(NamedTuple):
    """A coefficient in [-1, 1] and its two-tailed p-value."""

    statistic: float
    pvalue: float


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return fraction


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) for 0 <= x <= 1 and a, b > 0.

    Press et al., "Numerical Recipes", section 6.4.

    """
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1 - front * _continued_fraction(1 - x, b, a) / b


def pearson(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Return Pearson's r of two samples of n, with the p-value of no correlation.

    r = sum dx dy / sqrt(sum dx^2 sum dy^2). Under normal samples without correlation,
    t = r sqrt((n - 2) / (1 - r^2)) follows Student's t with n - 2 degrees of freedom, whose two
    tails beyond t are I_{1 - r^2}((n - 2) / 2, 1 / 2). Both are NaN if n < 2 or a sample is
    constant.

    """
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(a) < 2:
        return Correlation(math.nan, math.nan)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    if scale == 0:
        return Correlation(math.nan, math.nan)
    r = min(1.0, max(-1.0, float(a @ b) / scale))
    if len(a) == 2:
        return Correlation(r, 1.0)
    return Correlation(r, incomplete_beta((1 - r) * (1 + r), (len(a) - 2) / 2, 0.5))


def ranks(values: ArrayLike) -> NDArray[Any]:
    """Return the ranks of values, from 1 on; equal ones share the mean of their ranks."""
    _, groups, sizes = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    shared: NDArray[Any] = (last - (sizes - 1) / 2)[groups]
    return shared


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Return Spearman's rho of two samples: Pearson's r of their ranks, with the same p-value."""
    return pearson(ranks(x), ranks(y))
