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
    """What a layer that was called can leave out when it is called again."""

    _takes_training = False
    _makes_mask = False
    _calls_as_layers_do = True  # no subclass has a __call__ of its own

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # What other classes than the library's override, or make a property of, is not looked into.
        here = cls.__module__.partition(".")[0] == __name__.partition(".")[0]
        prepares = _defining(cls, "_prepared")
        cls._prepares = (
            here and prepares is not Again and issubclass(prepares, _defining(cls, "call"))
        )

    @property
    def _may_mask(self) -> bool:
        """Whether outputs may get a mask where the inputs have none."""
        return self._makes_mask

    def call(self, inputs: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no call(self, inputs)")

    def _prepared(self, x: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]] | None:  # noqa: ARG002
        """Return what `call` computes, as a function of arrays like x; None: there is no such.

        Alike are those of its type and its sizes but for the first; for others it is right as well,
        or it raises a TypeError, a ValueError or an IndexError. It is used where no tape listens.
        """
        return None

    def _shortcut(self: Any, inputs: Any) -> Callable[[Any], Any] | None:
        """Return what computes on tensors like this one, which has just passed every check.

        None: there is no quicker way. (The name is private: layers of users have a `shortcut`.)
        """
        plain = self._calls_as_layers_do and self.built and not self._may_mask
        if not plain or type(inputs) is not Tensor or as_tensors(inputs, self) is not inputs:
            return None
        prepares = self._prepares and "call" not in vars(self)
        compute = self._prepared(inputs.data) if prepares else None
        if compute is None:
            return self._compute_again  # type: ignore[no-any-return]

        def on_arrays(inputs: Any) -> Any:
            if is_recording() or inputs.mask is not None or self.activity_regularizer is not None:
                return self._compute_again(inputs)
            try:
                return Tensor(compute(inputs.data))
            except (TypeError, ValueError, IndexError):  # other sizes, or a wrong id: call says it
                return self._compute_again(inputs)

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


def _defining(cls: type, name: str) -> type:
    """Return the class, among those that a class is made of, that defines a method."""
    return next(each for each in cls.__mro__ if name in vars(each))
