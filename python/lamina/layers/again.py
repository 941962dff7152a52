"""How a graph runs a layer again, on tensors like those that have just passed its every check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import Tensor, is_recording
from lamina.layers.context import context
from lamina.layers.structure import as_tensors
from lamina.layers.weighted import Weighted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class Again(Weighted):
    """A layer's shortcuts."""

    _takes_training = False
    _makes_mask = False

    @property
    def _may_mask(self) -> bool:
        """Whether outputs may get a mask where the inputs have none."""
        return self._makes_mask

    def _prepared(self, x: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]] | None:  # noqa: ARG002
        """Return what `call` computes, as a function of arrays like x; None: there is no such.

        It is used where no tape listens, unless a subclass has a ``call`` of its own.
        """
        return None

    def shortcut(self: Any, inputs: Any) -> Callable[[Any], Any] | None:
        """Return what computes on tensors like this one, which has just passed every check.

        Alike are those of its type and its sizes but for the first. None: there is no quicker way.
        """
        cls = type(self)
        plain = _where(cls, "__call__") is _where(cls, "_compute") and self.built
        if not plain or self._may_mask or type(inputs) is not Tensor:
            return None
        if as_tensors(inputs, self) is not inputs:
            return None
        own_call = "call" in vars(self) or not issubclass(
            _where(cls, "_prepared"), _where(cls, "call")
        )
        compute = self._prepared(inputs.data) if not own_call else None
        if compute is None:
            return self._compute_again  # type: ignore[no-any-return]

        def on_arrays(inputs: Any) -> Any:
            if is_recording() or inputs.mask is not None or self.activity_regularizer is not None:
                return self._compute_again(inputs)
            try:
                return Tensor(compute(inputs.data))
            except (ValueError, IndexError) as error:
                self._name_in(error)
                raise

        return on_arrays

    def _compute_again(self: Any, inputs: Any) -> Any:
        if inputs.mask is not None or self.activity_regularizer is not None:
            return self(inputs)
        try:
            if self._takes_training:
                outputs = self.call(inputs, training=bool(context.training))
            else:
                outputs = self.call(inputs)
        except (ValueError, IndexError) as error:
            self._name_in(error)
            raise
        return Tensor(outputs) if type(outputs) is np.ndarray else outputs

    def _name_in(self: Any, error: Exception) -> None:
        """Put the layer's name in front of an operation's message, unless a layer's is there."""
        if error.args and isinstance(error.args[0], str) and not hasattr(error, "lamina_layer"):
            setattr(error, "lamina_layer", self.name)  # noqa: B010
            if not error.args[0].startswith(str(self)):
                error.args = (f"{self}: {error.args[0]}", *error.args[1:])


def _where(cls: type, name: str) -> type:
    """Return the class, among those that a class is made of, that defines a method."""
    return next(each for each in cls.__mro__ if name in vars(each))
