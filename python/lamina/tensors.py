"""What computations are made of: tensors, variables, and the sparse gradient of a table."""

from __future__ import annotations

import importlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._config import floatx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from numpy.typing import DTypeLike, NDArray


class _NotYet:
    """Stands for ``lamina.ops`` until somebody calculates, when it is imported."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("lamina.ops"), name)


_ops: Any = _NotYet()


def bind_operators(ops: ModuleType) -> None:
    """Tell tensors where +, -, @ and the others are: ``lamina.ops``, which stands on this file."""
    global _ops  # noqa: PLW0603
    _ops = ops


def operations() -> Any:
    """Return ``lamina.ops``."""
    return _ops


class Operators:
    """Python's operators, by the functions of ``lamina.ops``: numpy's meaning and broadcasting."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return _ops.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _ops.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return _ops.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _ops.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _ops.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return _ops.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _ops.divide(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _ops.floor_divide(self, other)

    def __mod__(self, other: Any) -> Any:
        return _ops.mod(self, other)

    def __pow__(self, other: Any) -> Any:
        return _ops.power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return _ops.power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return _ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _ops.matmul(other, self)

    def __neg__(self) -> Any:
        return _ops.negative(self)

    def __abs__(self) -> Any:
        return _ops.absolute(self)

    def __invert__(self) -> Any:
        return _ops.logical_not(self)

    def __and__(self, other: Any) -> Any:
        return _ops.logical_and(self, other)

    def __or__(self, other: Any) -> Any:
        return _ops.logical_or(self, other)

    def __lt__(self, other: Any) -> Any:
        return _ops.less(self, other)

    def __le__(self, other: Any) -> Any:
        return _ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return _ops.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return _ops.greater_equal(self, other)

    def __eq__(self, other: object) -> Any:
        return _ops.equal(self, other)

    def __ne__(self, other: object) -> Any:
        return _ops.not_equal(self, other)

    # A tensor is the key of dictionaries by what it is, not by what it holds.
    __hash__ = object.__hash__

    def __getitem__(self, index: Any) -> Any:
        return _ops.get_item(self, index)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Differentiate numpy's functions as well: ``np.exp(x)`` is ``ops.exp(x)``."""
        function = getattr(_ops, ufunc.__name__, None)
        if method != "__call__" or function is None or options:
            raise TypeError(
                f"numpy.{ufunc.__name__} cannot be differentiated: use a function of lamina.ops, "
                f"or .numpy() for a plain array"
            )
        return function(*inputs)


class Tensor(Operators):
    """An array that a tape can follow: ``data``, and for sequences the ``mask`` that goes with it.

    ``mask`` (None, or a boolean array) says which time steps are real; layers pass it on.
    """

    __slots__ = ("__weakref__", "data", "mask", "tape_key")

    def __init__(self, data: Any, dtype: DTypeLike | None = None) -> None:
        self.data: NDArray[Any] = data if type(data) is np.ndarray else as_array(data)
        if dtype is not None:
            self.data = self.data.astype(dtype, copy=False)
        self.mask: NDArray[np.bool_] | None = None
        self.tape_key: object = None  # the tape that recorded this tensor, if one did

    shape = property(attrgetter("data.shape"), doc="The sizes of the axes.")  # often asked for

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def T(self) -> Any:  # noqa: N802
        """The tensor with its axes reversed."""
        return _ops.transpose(self)

    def numpy(self) -> NDArray[Any]:
        """Return the array itself, not a copy."""
        return self.data

    def item(self) -> Any:
        """Return the one element as a Python number."""
        return self.data.item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return self.data.tolist()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.data if dtype is None else self.data.astype(dtype, copy=False)
        return array.copy() if copy and array is self.data else array

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.data)))

    def __float__(self) -> float:
        return float(self.data.item())

    def __int__(self) -> int:
        return int(self.data.item())

    def __index__(self) -> int:
        return self.data.__index__()

    def __bool__(self) -> bool:
        return bool(self.data)

    def __repr__(self) -> str:
        values = np.array2string(self.data, threshold=20, precision=5, separator=", ")
        return f"<{type(self).__name__} shape={self.shape} dtype={self.dtype}>\n{values}"


class Structure:
    """Counts the changes after which a layer may have other weights or options than before."""

    version = 0


class Variable(Tensor):
    """A tensor whose values change in place: a weight.

    A tape follows it while ``trainable`` is true. ``regularizer`` (a function to a scalar that is
    added to the loss) and ``constraint`` (a function applied after each update) may be None.
    """

    __slots__ = ("constraint", "made_trainable", "name", "path", "regularizer", "trainable")

    def __init__(
        self,
        initial_value: Any,
        *,
        name: str = "variable",
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        regularizer: Callable[[Any], Any] | None = None,
        constraint: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(np.array(as_array(initial_value), dtype=dtype, order="C"))
        Structure.version += 1
        self.name = name
        self.path = name
        self.trainable = self.made_trainable = trainable  # the second: as before any freezing
        self.regularizer = regularizer
        self.constraint = constraint

    @property
    def value(self) -> Variable:
        """Itself: the spelling of Keras."""
        return self

    def assign(self, value: Any) -> Variable:
        """Take over the values of an array of the same shape.

        Raises:
            ValueError: if the shape is another; nothing has changed then.

        """
        array = as_array(value)
        if array.shape != self.shape:
            raise ValueError(
                f"{self.path}: cannot assign an array of shape {array.shape} to a variable of "
                f"shape {self.shape}"
            )
        self.data[...] = array
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add an array to the values."""
        return self.assign(self.data + as_array(value))

    def assign_sub(self, value: Any) -> Variable:
        """Subtract an array from the values."""
        return self.assign(self.data - as_array(value))

    def __repr__(self) -> str:
        return f"<Variable {self.path} shape={self.shape} dtype={self.dtype}>"


class RowGrad:
    """The gradient of a table of which only some rows were used.

    ``values[i]`` is the gradient of row ``rows[i]`` (int64, ascending, each once); that of every
    other row of the table of ``shape`` is zero.
    """

    __slots__ = ("rows", "shape", "values")

    def __init__(
        self, rows: NDArray[np.int64], values: NDArray[Any], shape: tuple[int, ...]
    ) -> None:
        self.rows, self.values, self.shape = rows, values, shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return self.values.dtype

    def to_dense(self) -> NDArray[Any]:
        """Return the whole table of gradients."""
        dense = np.zeros(self.shape, self.dtype)
        dense[self.rows] = self.values
        return dense

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return self.to_dense().astype(dtype or self.dtype, copy=False)

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, RowGrad):
            total = np.array(other)
            total[self.rows] += self.values
            return total
        rows, places = np.unique(np.concatenate([self.rows, other.rows]), return_inverse=True)
        values = np.zeros((len(rows), *self.shape[1:]), self.dtype)
        values[places[: len(self.rows)]] = self.values  # each row once: nothing is lost
        values[places[len(self.rows) :]] += other.values
        return RowGrad(rows, values, self.shape)

    __radd__ = __add__
    __array_ufunc__ = None

    def __repr__(self) -> str:
        return f"<RowGrad of {len(self.rows)} of {self.shape[0]} rows, shape={self.shape}>"


class ChosenGrad:
    """The gradient of a tensor of which a maximum has chosen elements: elsewhere it is zero.

    ``values`` are the gradients of the chosen ``elements`` (arrays of one shape, with the tensor's
    last axis), and ``scatter(values)`` the gradient of the whole tensor. Whatever maps it element
    by element, such as the gradient of an activation, has only the chosen ones to go through.
    """

    __slots__ = ("elements", "scatter", "values")

    def __init__(
        self,
        elements: NDArray[Any],
        values: NDArray[Any],
        scatter: Callable[[NDArray[Any]], NDArray[Any]],
    ) -> None:
        self.elements, self.values, self.scatter = elements, values, scatter

    def to_dense(self) -> NDArray[Any]:
        """Return the gradient of the whole tensor."""
        return self.scatter(self.values)

    def __add__(self, other: Any) -> Any:
        return self.to_dense() + (other.to_dense() if isinstance(other, ChosenGrad) else other)

    __radd__ = __add__
    __array_ufunc__ = None


def as_array(value: Any) -> NDArray[Any]:
    """Return what was given as an array; Python's own floats get the default float type."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Tensor):
        return value.data
    array: NDArray[Any] = np.asarray(value)
    if array.dtype == np.float64 and not isinstance(value, np.generic):
        return array.astype(floatx())
    return array
