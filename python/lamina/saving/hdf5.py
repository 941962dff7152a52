"""HDF5 files that nobody vouches for: read without following links or believing a claimed size.

A file may claim arrays that it does not hold, keep its data in other files, or be cut off anywhere.
What is read here lies in the file itself and is no larger than its bytes can give.
"""

from __future__ import annotations

import contextlib
import io
import math
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_MAGIC = b"\x89HDF\r\n\x1a\n"

# What h5py raises at files that are wrong somewhere.
_WRONG = (
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    SystemError,
)

# Compressed weights shrink a few times, zeros a thousand times. Below the floor nobody minds.
_MOST_EXPANSION = 100
_FLOOR_BYTES = 1 << 26
_MOST_NAMES = 1 << 20  # in an attribute that lists names
_ATTRIBUTE_BYTES = 60_000
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}  # the rest may load libraries


class RefusedFileError(ValueError):
    """A file that is not read any further; the message names it and the place."""


@contextlib.contextmanager
def _in(place: str) -> Iterator[None]:
    """Say where in which file something was wrong, whatever h5py calls it."""
    try:
        yield
    except RefusedFileError:
        raise
    except _WRONG as error:
        raise RefusedFileError(f"{place}: cannot be read: {error}. Is the file damaged?") from error


class Group:
    """A group of an HDF5 file, or all of it."""

    def __init__(self, group: Any, title: str) -> None:
        self._group, self._title = group, title

    def place(self, name: str = "") -> str:
        """Return the file and the path of something in the group, for messages."""
        return f"{self._title}, {'/'.join([self._group.name.rstrip('/'), name]).rstrip('/') or '/'}"

    def child(self, name: str) -> Any:
        """Return what h5py has under this name, or None; a link is refused."""
        import h5py  # noqa: PLC0415

        with _in(self.place(name)):
            link = self._group.get(name, getclass=True, getlink=True)
            if link is None:
                return None
            if link is not h5py.HardLink:
                raise RefusedFileError(
                    f"{self.place(name)}: is a {link.__name__}, which can lead to other files: "
                    f"links are not followed"
                )
            return self._group[name]

    def names(self) -> list[str]:
        """Return the names of what is in the group."""
        with _in(self.place()):
            return list(self._group)

    def find(self, path: str) -> Group | None:
        """Return the group at a path of names from here, or None."""
        import h5py  # noqa: PLC0415

        found: Group = self
        for name in filter(None, path.split("/")):
            child = found.child(name)
            if child is None:
                return None
            if not isinstance(child, h5py.Group):
                raise RefusedFileError(f"{found.place(name)}: is no group")
            found = Group(child, self._title)
        return found

    def dataset(self, path: str) -> Dataset | None:
        """Return the array at a path, not read yet, or None."""
        import h5py  # noqa: PLC0415

        folder, _, name = path.rpartition("/")
        group = self.find(folder)
        child = group.child(name) if group is not None else None
        if group is None or child is None:
            return None
        if not isinstance(child, h5py.Dataset):
            raise RefusedFileError(f"{group.place(name)}: is no array")
        return Dataset(child, group.place(name))

    def attribute(self, name: str) -> Any:
        """Return an attribute (an array, a number or a text), or None."""
        with _in(f"{self.place()}, attribute {name!r}"):
            if name not in self._group.attrs:
                return None
            handle = self._group.attrs.get_id(name)
            if math.prod(handle.shape or ()) > _MOST_NAMES:
                raise RefusedFileError(
                    f"{self.place()}, attribute {name!r}: claims the shape {handle.shape}"
                )
            value = self._group.attrs[name]
            return value.decode("utf-8") if isinstance(value, bytes) else value

    def texts(self, name: str) -> list[str]:
        """Return a list of names in an attribute, or in its numbered parts if it is long."""
        found = self.attribute(name)
        parts: list[Any] = []
        if found is not None:
            parts = [found]
        else:
            while (found := self.attribute(f"{name}{len(parts)}")) is not None:
                parts.append(found)
        with _in(f"{self.place()}, attribute {name!r}"):
            listed = [each for part in parts for each in np.atleast_1d(part).tolist()]
            return [each.decode("utf-8") if isinstance(each, bytes) else each for each in listed]

    def arrays(self) -> dict[str, Dataset]:
        """Return all arrays below, checked, by their paths from here."""
        import h5py  # noqa: PLC0415

        found: dict[str, Dataset] = {}

        def add(name: str | bytes, thing: Any) -> None:
            if isinstance(thing, h5py.Dataset):
                path = name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
                found[path] = Dataset(thing, self.place(path))

        with _in(self.place()):
            self._group.visititems(add)
        return found


class Dataset:
    """An array of numbers in a file: its shape and type are known, its values not read yet.

    Raises:
        ValueError: if the values lie in other files, are no numbers, or are far fewer than claimed.

    """

    def __init__(self, dataset: Any, place: str) -> None:
        self._dataset, self.place = dataset, place
        with _in(place):
            self.shape: tuple[int, ...] | None = dataset.shape
            self.dtype: np.dtype[Any] = dataset.dtype
            self._check()

    def _check(self) -> None:
        dataset = self._dataset
        if dataset.external or dataset.is_virtual:
            raise RefusedFileError(
                f"{self.place}: its values lie in other files, which are not read"
            )
        if self.shape is None or self.dtype.kind not in "fiub":
            raise RefusedFileError(f"{self.place}: holds {self.dtype}, not numbers")
        properties = dataset.id.get_create_plist()
        filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
        for code in filters:
            if code not in _FILTERS:
                raise RefusedFileError(
                    f"{self.place}: is packed by filter {code}; {', '.join(_FILTERS.values())} "
                    f"can be read"
                )
        stored = dataset.id.get_storage_size()
        most = max(_FLOOR_BYTES, _MOST_EXPANSION * stored) if filters else stored
        chunk = math.prod(dataset.chunks or ()) * self.dtype.itemsize
        if self.nbytes > most or chunk > max(_FLOOR_BYTES, 2 * self.nbytes):
            raise RefusedFileError(
                f"{self.place}: claims the shape {self.shape}, {self.nbytes} bytes, but holds "
                f"{stored} bytes"
            )

    @property
    def nbytes(self) -> int:
        """The bytes that the array takes in memory."""
        return math.prod(self.shape or ()) * self.dtype.itemsize

    def read(self) -> NDArray[Any]:
        """Return the values."""
        with _in(self.place):
            return np.asarray(self._dataset[()])


@contextlib.contextmanager
def open_hdf5(source: str | os.PathLike[str] | io.BytesIO, title: str) -> Iterator[Group]:
    """Open a file, or its bytes, for reading; ``title`` names it in messages.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is none of HDF5, or damaged; later, wherever that is found.

    """
    import h5py  # noqa: PLC0415

    if isinstance(source, io.BytesIO):
        start, size = source.read(8), len(source.getbuffer())
        source.seek(0)
    else:
        check_is_file(source)
        with Path(source).open("rb") as stream:
            start, size = stream.read(8), os.fstat(stream.fileno()).st_size
    if start != _MAGIC:
        guess = ": it is a zip archive: was it saved as .keras?" if start[:2] == b"PK" else ""
        raise RefusedFileError(
            f"{title} is no HDF5 file ({size} bytes, starting with {start!r}){guess}"
        )
    if isinstance(source, io.BytesIO):
        _check_heaps(source.getvalue(), title)
    else:
        with (
            Path(source).open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            _check_heaps(content, title)
    with _in(title):
        file = h5py.File(source, "r")
    try:
        yield Group(file, title)
    finally:
        with contextlib.suppress(*_WRONG):
            file.close()


def _check_heaps(content: Any, title: str) -> None:
    """Refuse a heap of texts with an entry of no length, at which the HDF5 library never ends.

    A heap is "GCOL", a version, three zeros and its size; then entries, each a number, a count,
    four bytes, its length and its data up to a multiple of 8. Entry 0 is what is free.
    """
    place = content.find(b"GCOL\x01\0\0\0")
    while place >= 0:
        end = place + int.from_bytes(content[place + 8 : place + 16], "little")
        entry = place + 16
        while entry + 16 <= min(end, len(content)):
            length = int.from_bytes(content[entry + 8 : entry + 16], "little")
            is_free = content[entry : entry + 2] == b"\0\0"
            if is_free and length == 0:
                raise RefusedFileError(f"{title}, byte {entry}: an entry of a heap has no length")
            entry += length if is_free else 16 + (length + 7) // 8 * 8
        place = content.find(b"GCOL\x01\0\0\0", place + 8)


def check_is_file(path: str | os.PathLike[str]) -> None:
    """Raise the error that fits if a path is no file to read."""
    if Path(path).is_dir():
        raise IsADirectoryError(
            f"{os.fspath(path)} is a folder: give the name of a file. TensorFlow's SavedModel "
            f"folders cannot be read: save as .keras there"
        )
    if not Path(path).exists():
        raise FileNotFoundError(f"{os.fspath(path)}: there is no such file")
    if not Path(path).is_file():
        raise ValueError(f"{os.fspath(path)} is no regular file")


def written(
    arrays: Mapping[str, NDArray[Any]], attributes: Mapping[str, Mapping[str, Any]]
) -> io.BytesIO:
    """Return the bytes of an HDF5 file of arrays by path, and of groups with attributes.

    A list of names that is too long for one attribute goes into several with a number behind.
    """
    import h5py  # noqa: PLC0415

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, given in attributes.items():
            group = file.require_group(path)
            for name, value in given.items():
                if not isinstance(value, list):
                    group.attrs[name] = value
                    continue
                encoded = [each.encode() for each in value]
                parts = np.array_split(np.array(encoded, dtype=bytes), _parts(encoded))
                for number, part in enumerate(parts):
                    group.attrs[f"{name}{number}" if len(parts) > 1 else name] = part
        for path, array in arrays.items():
            file.create_dataset(path, data=array)
    buffer.seek(0)
    return buffer


def _parts(names: list[bytes]) -> int:
    """Return into how many attributes a list of names goes: each may have 64512 bytes."""
    longest = max(map(len, names), default=0)
    return max(1, math.ceil(len(names) / max(1, _ATTRIBUTE_BYTES // max(longest, 1))))
