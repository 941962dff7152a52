"""The base of metrics, and averages of values.

A metric takes batches in with ``update_state`` and says at any time what it has found so far. Sums
are kept in double precision.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import initializers
from lamina.autodiff import Tensor, Variable, as_array
from lamina.losses import loss as losses
from lamina.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

registry = Registry("metric", "keras.metrics")

_counts: Counter[str] = Counter()


def _unique_name(kind: str) -> str:
    """Return ``true_positives`` for the first ``TruePositives``, then ``true_positives_1`` ..."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    number = _counts[name]
    _counts[name] += 1
    return f"{name}_{number}" if number else name


def divide(a: Any, b: Any) -> Any:
    """Return a / b, and 0 where b is 0."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0)


def _zeros(shape: tuple[int, ...]) -> Any:
    return np.zeros(shape)[()]  # a number is quicker to add to than an array without axes


class Metric:
    """The base of metrics, and of your own.

    Override ``update_state(y_true, y_pred, sample_weight=None)`` and ``result()``. What is counted
    is made with `add_weight`, so that `reset_state` sets it to zero. ``direction`` is "up" if more
    is better and "down" if less is, for callbacks that look for the best.
    """

    direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or _unique_name(type(self).__name__)
        self.dtype = "float32" if dtype is None else str(dtype)
        self._variables: list[Variable] = []
        self._tallies: dict[str, tuple[int, ...]] = {}

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take a batch in."""
        raise NotImplementedError(f"{type(self).__name__} has no update_state")

    def result(self) -> Any:
        """Return what has been found since the last `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} has no result")

    def reset_state(self) -> None:
        """Begin anew."""
        for name, shape in self._tallies.items():
            setattr(self, name, _zeros(shape))
        for variable in self._variables:
            variable.data[...] = 0

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return copies of what has been counted, by name."""
        state = {name: np.array(getattr(self, name)) for name in self._tallies}
        return state | {f"{i}": np.array(v.data) for i, v in enumerate(self._variables)}

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from what `get_state` returned."""
        for name, values in state.items():
            if name.isdecimal():
                self._variables[int(name)].assign(values)
            else:
                self._tallies[name] = values.shape
                setattr(self, name, np.array(values))

    def tally(self, *names: str, shape: tuple[int, ...] = ()) -> None:
        """Make attributes of zeros, in double precision, that `reset_state` sets back."""
        for name in names:
            self._tallies[name] = shape
            setattr(self, name, _zeros(shape))

    def add_variable(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: Any = None,  # noqa: ARG002
        name: str | None = None,
    ) -> Variable:
        """Make a variable of your own metric: in double precision unless ``dtype`` says else."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        values = initializers.get(initializer or "zeros")(shape, dtype=dtype or "float64")
        variable = Variable(values, name=name or "variable", trainable=False)
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, name: Any = None
    ) -> Variable:
        """`add_variable` under its older name; there, the name could come first."""
        if isinstance(shape, str):
            shape, name = (), shape
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """What `add_weight` made."""
        return list(self._variables)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a metric of what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def by_sample(values: Any, sample_weight: Any, *, mean: bool) -> tuple[Any, Any]:
    """Return one value a sample, times its weight, and the weights; by Keras's rules.

    Axes that the weights do not have are reduced first, the others after weighting.
    """
    values = np.asarray(as_array(values), np.float64)
    reduce = np.mean if mean else np.sum
    if sample_weight is not None:
        weights = np.asarray(as_array(sample_weight), np.float64)
        values, weights = losses.same_rank(values, weights)
        if values.ndim > weights.ndim:
            values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
        try:
            weights = np.broadcast_to(weights, values.shape)
        except ValueError as error:
            raise ValueError(
                f"sample weights of shape {weights.shape} do not fit values of shape {values.shape}"
            ) from error
        values = values * weights
        if weights.ndim > 1:
            weights = reduce(weights, axis=tuple(range(1, weights.ndim)))
        sample_weight = weights
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, sample_weight


@registry.add("sum")
class Sum(Metric):
    """The (weighted) sum of values."""

    total: Any

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.tally("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values."""
        values, _ = by_sample(values, sample_weight, mean=False)
        self.total += values.sum()

    def result(self) -> Any:
        """Return the sum."""
        return float(self.total)


class Average(Metric):
    """A (weighted) mean over samples of whatever `add` is given."""

    total: Any
    count: Any

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.tally("total", "count")

    def add(self, values: Any, sample_weight: Any) -> None:
        """Take values into the mean."""
        if sample_weight is None:
            array = as_array(values)
            samples, size = array.shape[0] if array.ndim else 1, array.size
            # The sum of the samples' means is that of all elements, shared out.
            if array.dtype.char == "?":
                total = np.count_nonzero(array)
            else:
                total = array.sum(dtype=np.float64)
            self.total += total if size == samples else total * (samples / max(size, 1))
            self.count += samples
            return
        values, weights = by_sample(values, sample_weight, mean=True)
        self.total += values.sum()
        self.count += weights.sum()

    def result(self) -> Any:
        """Return the mean; 0 before any value."""
        return float(divide(self.total, self.count))


@registry.add("mean")
class Mean(Average):
    """The (weighted) mean of values."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take values into the mean."""
        self.add(values, sample_weight)


@registry.add("mean_metric_wrapper")
class MeanMetricWrapper(Average):
    """The mean of a function of (y_true, y_pred) over samples; further arguments go to it."""

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._function = fn
        self._options = kwargs
        known = losses.registry.things()
        if self.direction is None and (fn in known or type(fn) in known):
            self.direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in; elements that the predictions' mask leaves out do not count."""
        mask = getattr(y_pred, "mask", None)
        # A tensor that no tape follows: nothing here is recorded.
        y_pred = Tensor(as_array(y_pred))
        values = self._function(y_true, y_pred, **self._options)
        if mask is not None:
            sample_weight = losses.combine_weights(sample_weight, mask, np.float64, "sum")
        self.add(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, the function by its name."""
        config = super().get_config()
        if type(self) is MeanMetricWrapper:
            config["fn"] = losses.registry.serialize(self._function)
        return {**config, **self._options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a metric of what `get_config` returned."""
        if "fn" in config:
            config = {**config, "fn": losses.registry.deserialize(config["fn"])}
        return cls(**config)
