"""Reads lists, numbers, texts and arrays out of a pickle without ever unpickling it.

Keras's imdb.npz and reuters.npz hold lists of word ids as pickled object arrays, and the CIFAR
files are pickled dicts. A pickle is a program, and unpickling runs it. This reader follows the few
instructions that such files consist of, and knows no way to import, call or make anything but
lists, dicts, tuples, numbers, texts, bytes and numpy arrays of these; every other instruction is an
error that names it and its place.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# What numpy's own pickles of arrays name; none of it is imported or called.
_RECONSTRUCT = {"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"}
_NAMES = {*_RECONSTRUCT, "numpy ndarray", "numpy dtype"}

# A run of small numbers: BININT1, BININT2 and BININT, each with its bytes. Nearly all of a file.
_NUMBERS = re.compile(rb"(?:K.|M..|J....)+", re.DOTALL)
_NUMBER = re.compile(rb"K.|M..|J....", re.DOTALL)

_OPERATIONS = {operation.code: operation for operation in pickletools.opcodes}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PUSHED = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINUNICODE", "SHORT_BINUNICODE",
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_KNOWN = {*_CONSTANTS, *_PUSHED, *_TUPLES, "PROTO", "FRAME"}


class _Name(str):
    """A name of numpy's that stands for itself."""

    __slots__ = ()


class _Type:
    """A numpy type: its short text ("u1"), and its byte order once that is known."""

    def __init__(self, text: str) -> None:
        self.text, self.order = text, ""


class _Array:
    """An array that is being described."""

    value: NDArray[Any] | list[Any] | None = None


def _decoded(run: bytes) -> list[int]:
    """Return the numbers of a run: each is an instruction and its little-endian bytes."""
    padded = np.array(_NUMBER.findall(run), dtype="S5").view(np.uint8).reshape(-1, 5)
    numbers: list[int] = np.ascontiguousarray(padded[:, 1:]).view("<i4").ravel().tolist()
    return numbers


class _Reader:
    """The stack of a pickle's instructions, and what each of those that are known does to it."""

    def __init__(self, data: bytes, what: str) -> None:
        self.data, self.what = data, what
        self.stream = io.BytesIO(data)
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.place = 0

    def refuse(self, why: str) -> NoReturn:
        raise ValueError(
            f"{self.what}: {why} at byte {self.place} of its pickle: only lists, numbers, texts "
            f"and arrays are read, nothing is unpickled. Is the file damaged, or not what it says?"
        )

    def run(self) -> Any:
        """Follow the instructions to the end, and return what they describe."""
        known: dict[str, Callable[[Any], None]] = {
            name.removeprefix("do_").upper(): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }
        while True:
            self.place = self.stream.tell()
            operation = _OPERATIONS.get(self.stream.read(1).decode("latin-1"))
            if operation is None:
                self.refuse("no instruction")
            name = operation.name
            if name == "STOP":
                break
            if name not in _KNOWN and name not in known:
                self.refuse(f"the instruction {name} is refused")
            argument = None
            if operation.arg is not None and name != "GLOBAL":
                try:
                    argument = operation.arg.reader(self.stream)
                except ValueError as error:
                    self.refuse(f"{name} is cut off ({error})")
            try:
                if name in _PUSHED:
                    self.stack.append(argument)
                elif name in _CONSTANTS:
                    self.stack.append(_CONSTANTS[name])
                elif name in _TUPLES:
                    self.stack.append(tuple(self.popped(_TUPLES[name])))
                elif name in known:
                    known[name](argument)
            except (IndexError, KeyError, TypeError) as error:
                self.refuse(f"{name} has not what it needs ({type(error).__name__}: {error})")
        if len(self.stack) != 1 or self.marks:
            self.refuse("an end in the middle")
        return self.finished(self.stack[0])

    def popped(self, count: int) -> list[Any]:
        """Take the last values off the stack."""
        if count > len(self.stack) - (self.marks[-1] if self.marks else 0):
            raise IndexError("too few values")
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def since_mark(self) -> list[Any]:
        """Take all values since the last mark off the stack."""
        begin = self.marks.pop()
        values = self.stack[begin:]
        del self.stack[begin:]
        return values

    def top(self, kind: type) -> Any:
        """Return the last value, which has to be of a kind."""
        value = self.stack[-1]
        if type(value) is not kind:
            raise TypeError(f"wanted a {kind.__name__}, got a {type(value).__name__}")
        return value

    def finished(self, value: Any) -> Any:
        """Return an array for what described one."""
        if not isinstance(value, _Array):
            return value
        if value.value is None:
            self.refuse("an array without content")
        return value.value

    # The instructions, by their names in `pickletools`.

    def do_mark(self, _: Any) -> None:
        begin = self.stream.tell()
        run = _NUMBERS.match(self.data, begin)
        if run and self.data[run.end() : run.end() + 1] == b"e":  # the numbers of a list
            self.top(list).extend(_decoded(run[0]))
            self.stream.seek(run.end() + 1)
        else:
            self.marks.append(len(self.stack))

    def do_empty_list(self, _: Any) -> None:
        self.stack.append([])

    def do_empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def do_empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def do_append(self, _: Any) -> None:
        (value,) = self.popped(1)
        self.top(list).append(self.finished(value))

    def do_appends(self, _: Any) -> None:
        values = self.since_mark()
        self.top(list).extend(map(self.finished, values))

    def do_setitem(self, _: Any) -> None:
        key, value = self.popped(2)
        self.top(dict)[key] = self.finished(value)

    def do_setitems(self, _: Any) -> None:
        values = self.since_mark()
        if len(values) % 2:
            raise IndexError("a key without a value")
        self.top(dict).update(zip(values[::2], map(self.finished, values[1::2]), strict=True))

    def do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.since_mark()))

    def do_binput(self, number: Any) -> None:
        self.memo[number] = self.stack[-1]

    do_long_binput = do_binput

    def do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_binget(self, number: Any) -> None:
        value = self.memo[number]
        # A list that is met many times over, in lists of which the same holds, has no end of size.
        if not isinstance(value, (str, bytes, int, float, _Type)):
            raise TypeError(f"a {type(value).__name__} is used twice")
        self.stack.append(value)

    do_long_binget = do_binget

    def do_global(self, _: Any) -> None:
        lines = self.stream.readline(), self.stream.readline()
        self.name(b" ".join(line.removesuffix(b"\n") for line in lines).decode("latin-1"))

    def name(self, name: str) -> None:
        """Push a name, which has to be one of numpy's."""
        if name not in _NAMES:
            self.refuse(f"the name {name!r} is refused")
        self.stack.append(_Name(name))

    def do_stack_global(self, _: Any) -> None:
        self.name(" ".join(self.popped(2)))

    def do_reduce(self, _: Any) -> None:
        name, arguments = self.popped(2)
        if type(name) is not _Name or type(arguments) is not tuple:
            self.refuse("a call is refused")
        if name in _RECONSTRUCT:
            self.stack.append(_Array())
        elif name == "numpy dtype":
            self.stack.append(_Type(_text(arguments[0])))
        else:
            self.refuse(f"a call of {name!r} is refused")

    def do_build(self, _: Any) -> None:
        (state,) = self.popped(1)
        value = self.stack[-1]
        if type(state) is not tuple:
            raise TypeError("wanted a tuple")
        if isinstance(value, _Type):
            value.order = _text(state[1])
        elif isinstance(value, _Array):
            value.value = self._array(*state)
        else:
            self.refuse("a call is refused")

    def _array(self, _version: Any, shape: Any, kind: Any, is_fortran: Any, content: Any) -> Any:
        """Return an array: its shape has to be that of the content which is there."""
        sizes_are_right = all(type(size) is int and size >= 0 for size in shape)
        if type(kind) is not _Type or not sizes_are_right:
            raise TypeError("a wrong shape or type")
        count = math.prod(shape)
        if kind.text == "O8":
            if type(content) is not list or len(shape) != 1 or len(content) != count:
                self.refuse(f"an array of shape {shape} is not one of so many lists")
            return content
        if not re.fullmatch(r"[iuf][1248]|b1", kind.text) or kind.order not in {"<", "|", ">"}:
            self.refuse(f"the type {kind.order + kind.text!r} is refused")
        raw = content.encode("latin-1") if type(content) is str else content  # Python 2's bytes
        dtype = np.dtype(kind.order + kind.text)
        if type(raw) is not bytes or len(raw) != count * dtype.itemsize:
            self.refuse(f"an array of shape {shape} and {dtype} has not so many bytes")
        flat = np.frombuffer(bytearray(raw), dtype)
        return flat.reshape(shape, order="F" if is_fortran else "C")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def read_pickled(data: bytes, what: str) -> Any:
    """Return what a pickle describes: lists, dicts, tuples, numbers, texts, bytes, numpy arrays.

    An array of objects becomes a list. ``what`` names the file in messages.

    Raises:
        ValueError: if there is anything else in it, or it is damaged; nothing of it is ever run.

    """
    return _Reader(data, what).run()
