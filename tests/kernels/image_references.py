"""Convolution and pooling of images as plain loops over windows: what the kernels must equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Windows:
    """Where windows lie; each is a pair of (rows, columns)."""

    cells: tuple[int, int]
    window: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)

    @property
    def places(self):
        sizes = zip(
            self.cells,
            self.window,
            self.strides,
            self.dilation,
            self.before,
            self.after,
            strict=True,
        )
        return tuple((n + b + a - (k - 1) * d - 1) // s + 1 for n, k, s, d, b, a in sizes)

    def of(self, kernels):
        """Return the same as the kernels want it."""
        where = (self.cells, self.window, self.places, self.strides, self.dilation, self.before)
        return kernels.Windows(*where)

    def meetings(self):
        """Yield (place, element of the window, cell) of all that meet within the image."""
        for oy, ox in np.ndindex(*self.places):
            for ky, kx in np.ndindex(*self.window):
                y = oy * self.strides[0] - self.before[0] + ky * self.dilation[0]
                x = ox * self.strides[1] - self.before[1] + kx * self.dilation[1]
                if 0 <= y < self.cells[0] and 0 <= x < self.cells[1]:
                    yield (oy, ox), (ky, kx), (y, x)


ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


def by_groups(array, groups):
    """Split the last axis: (..., groups, channels of one)."""
    return array.reshape(*array.shape[:-1], groups, -1)


def conv2d(x, kernel, windows, groups=1):
    y = np.zeros((len(x), *windows.places, kernel.shape[-1]))
    x, filters, out = by_groups(x, groups), by_groups(kernel, groups), by_groups(y, groups)
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        out[:, oy, ox] += np.einsum("bgc,cgf->bgf", x[:, iy, ix], filters[ky, kx])
    return y


def conv2d_gradient_input(dy, kernel, windows, groups=1):
    dx = np.zeros((len(dy), *windows.cells, kernel.shape[2] * groups))
    dy, filters, out = by_groups(dy, groups), by_groups(kernel, groups), by_groups(dx, groups)
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        out[:, iy, ix] += np.einsum("bgf,cgf->bgc", dy[:, oy, ox], filters[ky, kx])
    return dx


def conv2d_gradient_kernel(x, dy, windows, groups=1):
    gradient = np.zeros((*windows.window, x.shape[-1] // groups, dy.shape[-1]))
    x, dy, out = by_groups(x, groups), by_groups(dy, groups), by_groups(gradient, groups)
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        out[ky, kx] += np.einsum("bgc,bgf->cgf", x[:, iy, ix], dy[:, oy, ox])
    return gradient


def depthwise(x, kernel, windows):
    y = np.zeros((len(x), *windows.places, kernel.shape[2], kernel.shape[3]))
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        y[:, oy, ox] += x[:, iy, ix, :, None] * kernel[ky, kx]
    return y.reshape(*y.shape[:3], -1)


def depthwise_gradient_input(dy, kernel, windows):
    dx = np.zeros((len(dy), *windows.cells, kernel.shape[2]))
    dy = dy.reshape(*dy.shape[:3], *kernel.shape[2:])
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        dx[:, iy, ix] += (dy[:, oy, ox] * kernel[ky, kx]).sum(-1)
    return dx


def depthwise_gradient_kernel(x, dy, windows):
    channels = x.shape[-1]
    dy = dy.reshape(*dy.shape[:3], channels, -1)
    gradient = np.zeros((*windows.window, *dy.shape[3:]))
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        gradient[ky, kx] += (x[:, iy, ix, :, None] * dy[:, oy, ox]).sum(0)
    return gradient


def max_pool(x, windows):
    """Return the largest cells, and which of its window each was (the first of equal ones)."""
    shape = (len(x), *windows.places, x.shape[-1])
    y, chosen = np.full(shape, -np.inf), np.full(shape, -1)
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        better = (x[:, iy, ix] > y[:, oy, ox]) | (chosen[:, oy, ox] < 0)
        y[:, oy, ox] = np.where(better, x[:, iy, ix], y[:, oy, ox])
        chosen[:, oy, ox] = np.where(better, ky * windows.window[1] + kx, chosen[:, oy, ox])
    return y, chosen


def max_pool_gradient(chosen, dy, windows):
    dx = np.zeros((len(dy), *windows.cells, dy.shape[-1]))
    for (oy, ox), (ky, kx), (iy, ix) in windows.meetings():
        here = chosen[:, oy, ox] == ky * windows.window[1] + kx
        dx[:, iy, ix] += np.where(here, dy[:, oy, ox], 0)
    return dx


def _cells_of_places(windows):
    count = np.zeros(windows.places)
    for place, _, _ in windows.meetings():
        count[place] += 1
    return count[:, :, None]


def average_pool(x, windows):
    y = np.zeros((len(x), *windows.places, x.shape[-1]))
    for (oy, ox), _, (iy, ix) in windows.meetings():
        y[:, oy, ox] += x[:, iy, ix]
    return y / _cells_of_places(windows)


def average_pool_gradient(dy, windows):
    dx = np.zeros((len(dy), *windows.cells, dy.shape[-1]))
    share = dy / _cells_of_places(windows)
    for (oy, ox), _, (iy, ix) in windows.meetings():
        dx[:, iy, ix] += share[:, oy, ox]
    return dx
