"""What an optimizer remembers between steps: the step, the learning rate, and its variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import initializers
from lamina.autodiff import Variable, as_array
from lamina.optimizers.learning_rate import Rate, make_rate
from lamina.optimizers.schedules import LearningRateSchedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class State:
    """The state of an `Optimizer`: ``variables``, in Keras's order, and the learning rate."""

    name: str

    def __init__(self, learning_rate: Any) -> None:
        self.built = False
        self._places: dict[int, int] = {}
        self._trainable_variables: list[Variable] = []
        self._steps = Variable(np.int64(0), name="iteration", trainable=False)
        self._rate = make_rate(learning_rate, self.name)
        self._variables = [self._steps]
        if isinstance(self._rate, Variable):
            self._variables.append(self._rate)

    @property
    def variables(self) -> list[Variable]:
        """All state, in Keras's order: step, learning rate, then what each variable has."""
        self.flush()
        return self._variables[:]

    def flush(self) -> None:
        """Bring state that is updated late up to date; reading `variables` does it as well."""

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the state for these variables; `apply` does it at the first step."""
        if not self.built:
            self._trainable_variables = list(variables)
            self._find_places()
            self.built = True

    def _find_places(self) -> None:
        self._places = {id(variable): i for i, variable in enumerate(self._trainable_variables)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._find_places()  # copies of the variables are others

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
        **_: Any,
    ) -> Variable:
        """Return a new part of the state, which is saved with the optimizer."""
        values = initializers.get(initializer)(tuple(shape), dtype=dtype or "float32")
        name = name or f"variable_{len(self._variables)}"
        variable = Variable(values, name=name, trainable=False)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Return a new part of the state, of the shape and type of a variable."""
        prefix = reference_variable.path.replace("/", "_")
        shape, dtype = reference_variable.shape, reference_variable.dtype
        return self.add_variable(shape, initializer, dtype, f"{prefix}_{name or 'var'}")

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Return a new part of the state for each variable; a list for each of several names."""
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        starts = list(initializer) if several else [initializer] * len(names)
        made = [
            [self.add_variable_from_reference(v, *pair) for pair in zip(names, starts, strict=True)]
            for v in trainable_variables
        ]
        columns = [[row[k] for row in made] for k in range(len(names))]
        return columns[0] if isinstance(name, str) else tuple(columns)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take over the state of arrays, in the order of `variables`.

        Raises:
            ValueError: if their number or a shape is wrong; nothing has changed then.

        """
        variables, arrays = self.variables, [as_array(each) for each in weights]
        if len(arrays) != len(variables):
            cause = "" if self.built else ": it is not built yet, call build(variables)"
            raise ValueError(
                f"{self.name}.set_weights: got {len(arrays)} arrays, wanted {len(variables)}{cause}"
            )
        for array, variable in zip(arrays, variables, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"{self.name}.set_weights: {variable.name} has the shape {variable.shape}, got "
                    f"an array of shape {array.shape}"
                )
        for array, variable in zip(arrays, variables, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put all state into ``store``, as "0", "1" ..."""
        store.update({str(i): variable.data for i, variable in enumerate(self.variables)})

    def get_weights(self) -> list[NDArray[Any]]:
        """Return copies of the state, in the order of `variables`."""
        return [variable.data.copy() for variable in self.variables]

    def _get_variable_index(self, variable: Variable) -> int:
        """Return the place of a variable among those that the optimizer was built for."""
        return self._places[id(variable)]

    def assign(self, variable: Variable, value: Any) -> None:
        """Set a variable, as Keras's optimizers do it."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(value)

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next step, a float; set it to a number or a schedule."""
        rate = Rate(self._current_rate())
        rate._assign = self._set_rate  # noqa: SLF001
        return rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._set_rate(value)

    lr = learning_rate  # Keras 2's name

    def _current_rate(self) -> float:
        rate = self._rate
        if isinstance(rate, Variable):
            return float(rate.data)
        if isinstance(rate, LearningRateSchedule):
            return float(rate(int(self._steps.data)))
        return float(rate())

    def _set_rate(self, value: Any) -> None:
        new = make_rate(value, self.name)
        if isinstance(new, Variable) and isinstance(self._rate, LearningRateSchedule):
            raise TypeError(
                f"{self.name}: its learning rate is the schedule {type(self._rate).__name__} and "
                f"cannot be set to a number: make the optimizer with a number"
            )
        if isinstance(new, Variable) and isinstance(self._rate, Variable):
            self._rate.assign(new)
            return
        self._variables = [v for v in self._variables if v is not self._rate]
        if isinstance(new, Variable):
            self._variables.insert(1, new)
        self._rate = new
