"""The outputs of batches, joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Rows:
    """Collects the outputs of batches into one array."""

    def __init__(self) -> None:
        self._parts: list[NDArray[Any]] = []
        self._whole: NDArray[Any] | None = None
        self._filled = 0

    def append(self, part: NDArray[Any], samples: int | None) -> None:
        """Copy a batch's rows; ``samples`` is how many there will be in all, if it is known."""
        if samples is not None and self._whole is None and not self._parts:
            self._whole = np.empty((samples, *part.shape[1:]), part.dtype)
        end = self._filled + len(part)
        if self._whole is not None and self._whole[self._filled : end].shape == part.shape:
            self._whole[self._filled : end] = part
        else:  # more than expected, or of another length than the first: join them at the end
            if self._whole is not None:
                self._parts.append(self._whole[: self._filled])
                self._whole = None
            self._parts.append(part.copy())
        self._filled = end

    def joined(self) -> NDArray[Any]:
        """Return all rows."""
        if self._whole is not None:
            return self._whole[: self._filled]
        sizes = {part.shape[1:] for part in self._parts}
        if len(sizes) > 1:
            raise ValueError(
                f"predict: the outputs of the batches differ in shape ({sorted(sizes)}): use one "
                f"batch_size for all, or pad the inputs to one length"
            )
        return np.concatenate(self._parts)
