"""Operations on arrays of the same sizes again and again, where no tape listens.

What an operation finds out of the sizes, and what it is given beside the array, it need not look at
each time: for small arrays that takes longer than to compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.tensors import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def prepared(operation: Any, x: NDArray[Any], *arguments: Any) -> Callable[[NDArray[Any]], Any]:
    """Return a function of arrays like x: what ``operation(x, *arguments)`` gives, as an array.

    Alike are those of its type and its sizes but for the first. Variables among the arguments count
    with the values that they have when the function is called: they change in place. Where one has
    been given another array, the function raises a ValueError.
    """
    given = [each.data if isinstance(each, Tensor) else each for each in arguments]
    held = [(each, each.data) for each in arguments if isinstance(each, Tensor)]
    prepare = getattr(operation, "prepare", None)
    found: Callable[[NDArray[Any]], Any] | None = prepare and prepare(x, *given)
    function = operation.__wrapped__
    compute = found or (lambda x: function(x, *given)[0])
    if not held:
        return compute

    def with_weights(x: NDArray[Any]) -> Any:
        for weight, array in held:
            if weight.data is not array:
                raise ValueError(f"{weight!r} has another array than the one prepared for")
        return compute(x)

    return with_weights


def prepares(operation: Any) -> Callable[[Any], Any]:
    """Decorate the function that prepares an operation: for x and the other arguments, all arrays.

    It returns a function of arrays like x, or None where there is no quicker way. Where arrays are
    of other sizes or types, that function is right as well, or raises an error.
    """

    def mark(function: Any) -> Any:
        operation.prepare = function
        return function

    return mark
