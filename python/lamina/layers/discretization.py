"""Numbers to the bins that they fall into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import as_array
from lamina.graph import SymbolicTensor
from lamina.layers.categories import checked_mode, encode, encoded_shape, refuse_sparse
from lamina.layers.layer import Layer
from lamina.layers.structure import shapes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Discretization"]


class Discretization(Layer):
    """Turns numbers into bins: 0 below the first boundary, 1 from there to the second, and so on.

    Args:
        bin_boundaries: where bins end and the next begin, ascending; or else
        num_bins: how many bins of as many numbers each `adapt` is to find.
        epsilon: the share of the numbers by which it may be wrong.
        output_mode: ``"int"`` for bins; ``"one_hot"``, ``"multi_hot"`` or ``"count"`` for vectors,
            as in `CategoryEncoding`.
        sparse: False: there are no sparse arrays.
        kwargs: the arguments of `Layer`.

    Raises:
        ValueError: if both or neither of boundaries and number are given, the boundaries do not
            ascend, or it is called before there are any.

    Source: Keras 3.

    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_sparse(self, sparse)
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = checked_mode(self, output_mode, modes)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(f"{self}: give bin_boundaries, or num_bins to adapt to")
        if num_bins is not None and num_bins < 1:
            raise ValueError(f"{self}: num_bins must be above 0, got {num_bins}")
        if not 0 < epsilon < 1:
            raise ValueError(f"{self}: epsilon must be between 0 and 1, got {epsilon}")
        self.num_bins, self.epsilon = num_bins, epsilon
        self.bin_boundaries: list[float] | None = None
        if bin_boundaries is not None:
            self._set_boundaries(bin_boundaries)

    def _set_boundaries(self, boundaries: Any) -> None:
        array = as_array(boundaries)
        if array.ndim != 1 or (np.diff(array) < 0).any():
            raise ValueError(f"{self}: bin_boundaries must ascend, got {boundaries!r:.80}")
        self.bin_boundaries = array.tolist()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries between bins of as many numbers each.

        Data are an array, or arrays one after the other, of which ``steps`` are read.

        Raises:
            ValueError: if the layer was made with boundaries, or there are no data.

        """
        if self.num_bins is None:
            raise ValueError(f"{self}.adapt: it was made with bin_boundaries, which stay")
        summary = np.zeros((2, 0), np.float32)
        for place, batch in enumerate([data] if hasattr(data, "__array__") else data):
            if steps is not None and place >= steps:
                break
            own = _summary(np.asarray(batch, np.float32), self.epsilon)
            both = np.concatenate([own, summary], axis=1)
            summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)
        if not summary.size:
            raise ValueError(f"{self}.adapt: there are no data")
        self._set_boundaries(_compressed(summary, 1 / self.num_bins)[0, :-1])

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(f"{self}: there are no bins yet: adapt it to data first")
        bins = np.searchsorted(self.bin_boundaries, as_array(inputs), side="right")
        if self.output_mode == "int":
            return bins.astype(np.int32)
        return encode(bins, self.output_mode, len(self.bin_boundaries) + 1, self.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return tuple(input_shape)
        known = self.bin_boundaries is not None
        depth = len(self.bin_boundaries or ()) + 1 if known else self.num_bins
        return encoded_shape(tuple(input_shape), self.output_mode, depth)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        dtype = "int32" if self.output_mode == "int" else self.dtype
        return SymbolicTensor(self.compute_output_shape(shapes_of(args[0])), dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["trainable"]  # which Keras's does not take
        return {
            **config,
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": False,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer of what `get_config` returned, here or in Keras."""
        if config.get("num_bins") is None or config.get("bin_boundaries") is None:
            return cls(**config)
        layer = cls(**{**config, "bin_boundaries": None})
        layer._set_boundaries(config["bin_boundaries"])
        return layer


def _summary(values: NDArray[np.float32], epsilon: float) -> NDArray[np.float32]:
    """Return every so manieth of the sorted values, and for how many it stands: (2, values)."""
    step = max(values.size * epsilon, 1)
    chosen = np.sort(values, axis=None)[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full_like(chosen, step)])


def _compressed(summary: NDArray[np.float32], epsilon: float) -> NDArray[np.float32]:
    """Return a summary at shares of ``epsilon`` of its weights, between which it is linear."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    own_shares = weights / weights[-1]
    values = np.interp(shares, own_shares, summary[0])
    kept = np.diff(np.interp(shares, own_shares, weights), prepend=0)
    return np.stack([values, kept]).astype(np.float32)
