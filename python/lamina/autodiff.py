"""Reverse-mode automatic differentiation: tensors, operations, and the tape that remembers them.

An operation computes on arrays and returns its output with a function, its vjp, from the gradient
of the output to the gradients of the inputs. While a tape listens it keeps (outputs, inputs, vjp)
in the order of the calls; walked backwards, that list is the chain rule. Nothing is kept when no
tape listens.
"""

from __future__ import annotations

import functools
import inspect
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.tensors import (
    ChosenGrad,
    Operators,
    RowGrad,
    Tensor,
    Variable,
    as_array,
    operations,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType


__all__ = [
    "ChosenGrad",
    "GradientTape",
    "RowGrad",
    "Tensor",
    "Variable",
    "as_array",
    "flatten",
    "grad",
    "is_recording",
    "no_grad",
    "op",
    "takes_chosen",
    "value_and_grad",
]


class _Thread(threading.local):
    """What this thread records on.

    Python may raise KeyboardInterrupt at the first line of ``__exit__``, which then has not ended
    the recording; loops that people interrupt set ``tape`` back themselves, in a ``finally``.
    """

    tape: GradientTape | None = None


recording = _Thread()


def is_recording() -> bool:
    """Return whether a tape listens, so that an operation must keep what its gradient needs."""
    return recording.tape is not None


class no_grad:  # noqa: N801
    """``with no_grad():`` nothing inside is recorded."""

    def __enter__(self) -> None:
        self._outer = recording.tape
        recording.tape = None

    def __exit__(self, *_: object) -> None:
        recording.tape = self._outer


def _unwrap(arg: Any) -> Any:
    """Return what an operation computes on: an array, or a plain number or None as they are."""
    if isinstance(arg, Tensor):
        return arg.data
    return as_array(arg) if isinstance(arg, (list, tuple, RowGrad)) else arg


def _holds_tensors(arg: Any) -> bool:
    return any(isinstance(leaf, Operators) for leaf in flatten(arg)[0])


def _as_one(arg: Any) -> Any:
    """Return a list of tensors as one tensor, so that gradients go through to each."""
    if isinstance(arg, (list, tuple)) and _holds_tensors(arg):
        return operations().stack([_as_one(each) for each in arg])
    return arg


def op(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a differentiable operation of a function that returns (output, vjp).

    The parameters before the slash (or a starred one) are arrays and can be differentiated; inside,
    they are plain arrays. What stands after the slash are options. The output is an array or a
    tuple of arrays. ``vjp`` takes the gradient of each output (None for one that nothing used) and
    returns the gradient of the array parameter, or a tuple, one for each: an array, a `RowGrad`, a
    `ChosenGrad`, None where there is none, or a function without arguments that computes it if it
    is wanted.
    """
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    count = kinds.count(inspect.Parameter.POSITIONAL_ONLY)
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        count = 1 << 30
    if count == 0:
        raise TypeError(f"@op {function.__name__}: no parameter stands before a slash")

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        inputs = args[:count]
        values = []
        for arg in inputs:
            kind = type(arg)
            if kind is Tensor or kind is Variable:
                values.append(arg.data)
            elif kind is np.ndarray:
                values.append(arg)
            elif hasattr(kind, "__lamina_op__"):
                return kind.__lamina_op__(call, args, options)
            elif (kind is list or kind is tuple) and _holds_tensors(arg):
                return call(*map(_as_one, inputs), *args[count:], **options)
            else:
                values.append(_unwrap(arg))
        result, vjp = function(*values, *args[count:], **options)
        tape = recording.tape
        if type(result) is not tuple:
            output = Tensor(result)
            if tape is not None:
                tape.record((output,), inputs, vjp)
            return output
        outputs = tuple([Tensor(part) for part in result])
        if tape is not None:
            tape.record(outputs, inputs, vjp)
        return outputs

    return call


def takes_chosen(vjp: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a vjp that is given a `ChosenGrad` as it is; the others are given the whole array."""
    vjp.takes_chosen = True  # type: ignore[attr-defined]
    return vjp


class GradientTape:
    """Records the operations inside ``with GradientTape() as tape:`` and differentiates them.

    Trainable variables are followed by themselves, other tensors after ``tape.watch(tensor)``. A
    tape gives one gradient and forgets, unless it is ``persistent``. What a gradient computes is
    not itself recorded: there are no gradients of gradients.
    """

    def __init__(self, persistent: bool = False) -> None:
        self._persistent = persistent
        # Of each operation its outputs, its inputs (None for one that is not followed), its vjp.
        self._records: list[tuple[tuple[Any, ...], list[Any], Any]] | None = []
        self._key = object()  # what tensors remember: not the tape, which would be a cycle
        self._outer: GradientTape | None = None

    def __enter__(self) -> GradientTape:  # noqa: PYI034
        self._outer, recording.tape = recording.tape, self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recording.tape, self._outer = self._outer, None

    def watch(self, tensor: Any) -> None:
        """Follow a tensor, or every one in a list, that is no trainable variable."""
        for each in tensor if isinstance(tensor, (list, tuple)) else [tensor]:
            if not isinstance(each, Tensor):
                raise TypeError(
                    f"GradientTape.watch: wanted a Tensor, got {type(each).__name__}: wrap it in "
                    f"lamina.Tensor and use that in the computation"
                )
            each.tape_key = self._key

    def record(self, outputs: tuple[Any, ...], inputs: tuple[Any, ...], vjp: Any) -> None:
        """Keep an operation if one of its inputs is followed; then its outputs are, too."""
        key, followed, used = self._key, [], False
        for each in inputs:
            kind = type(each)
            if (kind is Tensor and each.tape_key is key) or (
                kind is Variable and (each.trainable or each.tape_key is key)
            ):
                followed.append(each)
                used = True
            else:
                followed.append(None)
        if not used:
            return
        for output in outputs:
            output.tape_key = key
        if self._records is None:
            raise RuntimeError(
                "GradientTape: it has already given its gradient; use GradientTape(persistent=True)"
            )
        self._records.append((outputs, followed, vjp))

    def backward(self, target: Any, sources: Sequence[Any], gradient: Any = None) -> list[Any]:
        """Return d target / d source for each source: arrays, `RowGrad`, None where there is none.

        ``gradient`` is the gradient of the target itself, ones if it is None.
        """
        records = self._records
        if records is None:
            raise RuntimeError(
                "GradientTape: it has already given its gradient; use GradientTape(persistent=True)"
            )
        if self._persistent:
            records = list(records)
        else:
            self._records = None
        wanted = {id(source) for source in sources}
        if gradient is None:
            kind = target.data.dtype  # of a number, mostly, which np.ones takes its time for
            gradient = np.ones(target.shape, kind) if target.ndim else np.array(1, kind)
        gradients: dict[int, Any] = {id(target): gradient}
        while records:  # a record that has been used is dropped, and the arrays it held with it
            outputs, inputs, vjp = records.pop()
            upstream, used = [], False
            for output in outputs:
                place = id(output)
                found = gradients.get(place) if place in wanted else gradients.pop(place, None)
                if found is not None:
                    used = True
                    if type(found) is ChosenGrad and not hasattr(vjp, "takes_chosen"):
                        found = found.to_dense()
                upstream.append(found)
            if not used:
                continue
            parts = vjp(*upstream)
            if type(parts) is not tuple:
                parts = (parts,)
            for each, part in zip(inputs, parts):  # noqa: B905
                if each is None or part is None:
                    continue
                value = part if type(part) is np.ndarray or not callable(part) else part()
                place = id(each)
                gradients[place] = gradients[place] + value if place in gradients else value
        found = [gradients.get(id(source)) for source in sources]
        return [each.to_dense() if type(each) is ChosenGrad else each for each in found]

    def gradient(self, target: Any, sources: Any) -> Any:
        """Return the gradients of a target (or of a list's sum), in the structure of the sources.

        Raises:
            TypeError: if the target is no tensor.
            RuntimeError: if the tape has given its gradient already and is not persistent.

        """
        if isinstance(target, (list, tuple)):
            with self:
                target = functools.reduce(
                    operations().add, [operations().sum(each) for each in target]
                )
        if not isinstance(target, Tensor):
            raise TypeError(
                f"GradientTape.gradient: the target is a {type(target).__name__}, wanted a Tensor "
                f"that an operation of lamina.ops gave"
            )
        leaves, rebuild = flatten(sources)
        found = self.backward(target, leaves)
        return rebuild([Tensor(g) if isinstance(g, np.ndarray) else g for g in found])


def flatten(structure: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """Return the leaves of nested lists, tuples and dicts, and a function that puts others there.

    The leaves of a dict come in the order of its keys as they were put in.
    """
    if isinstance(structure, dict):
        pairs = [flatten(each) for each in structure.values()]
    elif isinstance(structure, (list, tuple)):
        pairs = [flatten(each) for each in structure]
    else:
        return [structure], lambda leaves: leaves[0]
    sizes = [len(leaves) for leaves, _ in pairs]

    def rebuild(leaves: Sequence[Any]) -> Any:
        parts, begin = [], 0
        for size, (_, inner) in zip(sizes, pairs, strict=True):
            parts.append(inner(leaves[begin : begin + size]))
            begin += size
        if isinstance(structure, dict):
            return dict(zip(structure, parts, strict=True))
        return tuple(parts) if isinstance(structure, tuple) else parts

    return [leaf for leaves, _ in pairs for leaf in leaves], rebuild


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0
) -> Callable[..., tuple[Any, Any]]:
    """Return a function that gives (value, gradient) of a scalar function of arrays.

    ``argnums`` says by which positional arguments (arrays, or nested lists and dicts of arrays) to
    differentiate; the gradient has their structure, and is a tuple if ``argnums`` is a sequence.
    The trainable variables that the function uses are left alone.

    Raises:
        ValueError: if the function's value is not a scalar.

    """
    several = not isinstance(argnums, int)
    places = tuple(argnums) if not isinstance(argnums, int) else (argnums,)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> tuple[Any, Any]:
        arguments = list(args)
        leaves: list[Tensor] = []
        rebuilds = []
        for place in places:
            parts, rebuild = flatten(args[place])
            tensors = [Tensor(as_array(part)) for part in parts]
            arguments[place] = rebuild(tensors)
            leaves += tensors
            rebuilds.append((len(tensors), rebuild))
        with GradientTape() as tape:
            tape.watch(leaves)
            value = function(*arguments, **options)
        if not isinstance(value, Tensor) or value.size != 1:
            got = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"value_and_grad: {getattr(function, '__name__', 'the function')} must return a "
                f"scalar made with lamina.ops, got {got}: is a mean or a sum missing?"
            )
        found = [
            np.zeros_like(leaf.data) if g is None else g
            for g, leaf in zip(tape.backward(value, leaves), leaves, strict=True)
        ]
        gradients, begin = [], 0
        for size, rebuild in rebuilds:
            gradients.append(rebuild(found[begin : begin + size]))
            begin += size
        return value.data, tuple(gradients) if several else gradients[0]

    return call


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that gives the gradient of a scalar function; see `value_and_grad`."""
    both = value_and_grad(function, argnums)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return both(*args, **options)[1]

    return call
