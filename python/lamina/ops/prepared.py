"""Operations on arrays of the same sizes again and again, where no tape listens.

What an operation finds out of the sizes, and what it is given beside the array, it need not look at
each time: for small arrays that takes longer than to compute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.tensors import Tensor, Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def prepared(
    operation: Any, x: NDArray[Any], *arguments: Any
) -> Callable[[NDArray[Any]], Any] | None:
    """Return a function of arrays like x: what ``operation(x, *arguments)`` gives, as an array.

    Alike are those of its type and its sizes but for the first. The arguments are variables, which
    keep their arrays and change in place, and options. None: other arrays are among them.
    """
    given = [each.data if type(each) is Variable else each for each in arguments]
    if any(
        isinstance(each, (Tensor, np.ndarray)) for each in arguments if type(each) is not Variable
    ):
        return None
    prepare = getattr(operation, "prepare", None)
    found: Callable[[NDArray[Any]], Any] | None = prepare and prepare(x, *given)
    compute = operation.__wrapped__
    return found or (lambda x: compute(x, *given)[0])


def prepares(operation: Any) -> Callable[[Any], Any]:
    """Decorate the function that prepares an operation: for x and the other arguments, all arrays.

    It returns a function of arrays like x, or None where there is no quicker way. Given an array
    of other sizes or another type, that function is right as well, or raises an error.
    """

    def mark(function: Any) -> Any:
        operation.prepare = function
        return function

    return mark
