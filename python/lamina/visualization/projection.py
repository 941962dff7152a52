"""Many dimensions on two or three: principal components, and t-SNE through scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import as_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 8192  # rows that are centred at a time
_PERPLEXITY = 30.0


def pca(vectors: Any, dimensions: int = 2) -> NDArray[np.float64]:
    """Return the vectors' coordinates on their principal axes, the widest spread first.

    With ``X`` the vectors less their mean, the axes are the eigenvectors of ``X' X`` that belong to
    its greatest eigenvalues, or, where vectors are fewer than numbers in one, follow from those of
    ``X X'``. The sign of an axis is arbitrary: the number that is greatest in size is positive.
    Computed in double precision, block by block, so that a table on disk may be larger than memory.
    Pearson, 1901.

    Args:
        vectors: n x d numbers.
        dimensions: the number of axes, at most n and d.

    Raises:
        ValueError: if the vectors are no table, not finite, or too few for the dimensions.

    Returns:
        n x dimensions.

    """
    table = checked_table(vectors, "pca")
    n, d = table.shape
    if not 1 <= dimensions <= min(n, d):
        raise ValueError(
            f"pca: {n} vectors of {d} numbers have from 1 to {min(n, d)} principal axes, asked for "
            f"{dimensions}"
        )
    mean = table.mean(axis=0, dtype=np.float64)
    if n < d:
        centred = table - mean
        values, vectors_of = np.linalg.eigh(centred @ centred.T)
        lengths = np.sqrt(np.maximum(values[::-1][:dimensions], 0.0))
        points = vectors_of[:, ::-1][:, :dimensions] * lengths
        axes = centred.T @ points
    else:
        scatter = np.zeros((d, d))
        for start in range(0, n, _BLOCK):
            block = table[start : start + _BLOCK] - mean
            scatter += block.T @ block
        axes = np.linalg.eigh(scatter)[1][:, ::-1][:, :dimensions]
        points = np.empty((n, dimensions))
        for start in range(0, n, _BLOCK):
            points[start : start + _BLOCK] = (table[start : start + _BLOCK] - mean) @ axes
    greatest = axes[np.abs(axes).argmax(axis=0), range(dimensions)]
    turned: NDArray[np.float64] = points * np.where(greatest < 0, -1.0, 1.0)
    return turned


def tsne(vectors: Any, dimensions: int = 2, seed: int = 0) -> NDArray[np.float64]:
    """Return places for the vectors where near ones are near, by scikit-learn's t-SNE.

    Begins from the principal components; the perplexity is 30, or a third of the vectors if they
    are fewer than 90. Distances between far groups mean little. van der Maaten and Hinton, 2008.

    Raises:
        ImportError: if scikit-learn is not installed.
        ValueError: if the vectors are no table, not finite, or fewer than 4.

    Returns:
        n x dimensions.

    """
    table = checked_table(vectors, "tsne")
    if len(table) < 4 or dimensions not in (2, 3):
        raise ValueError(
            f"tsne: wanted at least 4 vectors and 2 or 3 dimensions, got {len(table)} and "
            f"{dimensions}"
        )
    try:
        from sklearn.manifold import TSNE  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError("t-SNE is scikit-learn's: pip install 'lamina[tsne]'") from error
    perplexity = min(_PERPLEXITY, len(table) / 3)
    model = TSNE(dimensions, perplexity=perplexity, init="pca", random_state=seed)
    return np.asarray(model.fit_transform(table.astype(np.float32)), np.float64)


def checked_table(vectors: Any, where: str) -> NDArray[Any]:
    """Return n x d finite numbers."""
    table = np.asarray(as_array(vectors))
    if table.ndim != 2 or table.dtype.kind not in "uif" or table.size == 0:
        raise ValueError(
            f"{where}: wanted n x d numbers, a vector a row, got shape {table.shape} of "
            f"{table.dtype}"
        )
    for start in range(0, len(table), _BLOCK):
        finite = np.isfinite(table[start : start + _BLOCK]).all(axis=1)
        if not finite.all():
            raise ValueError(f"{where}: row {start + int(finite.argmin())} is not finite")
    return table
