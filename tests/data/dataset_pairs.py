"""Pairs of arrays (x, y), as datasets are loaded, compared."""

import numpy as np


def same(ours, theirs):
    """Check that pairs have the same values, shapes and types; ids of words come as lists."""
    for (x, y), (their_x, their_y) in zip(ours, theirs, strict=True):
        assert x.shape == their_x.shape
        assert x.dtype == their_x.dtype
        if x.dtype == object:
            assert all(type(row) is list for row in x)
            assert list(x) == list(their_x)
        else:
            np.testing.assert_array_equal(x, their_x)
        np.testing.assert_array_equal(y, their_y)
        assert y.dtype == np.asarray(their_y).dtype
