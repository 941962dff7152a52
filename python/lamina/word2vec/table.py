"""Keys, their vectors, and what else is known of each key."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from lamina._native import core

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

Key: TypeAlias = "str | int"

# Where the kernels want float32 and the table holds another type, this many rows are converted at
# a time.
BLOCK_ROWS = 8192


class KeyTable:
    """The words of a file, decoded and counted only when somebody asks for one.

    ``blob`` holds their bytes, and word i is ``lengths[i]`` bytes from ``starts[i]`` on.
    """

    def __init__(
        self, blob: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int32]
    ) -> None:
        self.blob = blob
        self.starts = starts
        self.lengths = lengths

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> list[str]:
        """Return the words. Raises UnicodeDecodeError under ``errors="strict"``."""
        return core.decode_words(self.blob, self.starts, self.lengths, encoding, errors)


class VectorTable:
    """A mapping from keys to the rows of a matrix.

    ``vectors`` is n x ``vector_size``, of float32, float16 or float64; its rows may be further
    apart in memory than they are long. After changing it in place, call ``fill_norms(force=True)``.
    """

    def __init__(self, vector_size: int, count: int = 0, dtype: DTypeLike = np.float32) -> None:
        self.vector_size: int = _size("vector_size", vector_size, 1)
        count = _size("count", count, 0)
        self.next_index: int = 0  # the first of the `count` rows that has no key yet
        self.norms: NDArray[np.float32] | None = None
        self.expandos: dict[str, NDArray[Any]] = {}
        self._keys_on_disk: KeyTable | None = None
        self._index_to_key: list[Any] | None = [None] * count
        self._key_to_index: dict[Any, int] | None = {}
        self._spare_rows: NDArray[Any] | None = None
        self.vectors = np.zeros((count, self.vector_size), dtype=checked_dtype(dtype))

    # ---- the mapping

    @property
    def vectors(self) -> NDArray[Any]:
        """The matrix: one row of ``vector_size`` numbers for each key."""
        return self._vectors

    @vectors.setter
    def vectors(self, matrix: NDArray[Any]) -> None:
        self._vectors = matrix
        self._spare_rows = None
        self.norms = None

    @property
    def index_to_key(self) -> list[Any]:
        """The keys in the order of their rows."""
        if self._index_to_key is None:
            keys = cast("KeyTable", self._keys_on_disk)
            self._index_to_key = cast("list[Any]", keys.decode())
        return self._index_to_key

    @index_to_key.setter
    def index_to_key(self, keys: Sequence[Any]) -> None:
        self._keys_on_disk = None
        self._index_to_key = list(keys)
        self.next_index = len(self._index_to_key)

    @property
    def key_to_index(self) -> dict[Any, int]:
        """The row of each key."""
        if self._key_to_index is None:
            keys = self.index_to_key
            self._key_to_index = dict(zip(keys, range(len(keys)), strict=True))
        return self._key_to_index

    @key_to_index.setter
    def key_to_index(self, mapping: dict[Any, int]) -> None:
        self._key_to_index = mapping

    def _set_keys_on_disk(self, keys: KeyTable) -> None:
        self._keys_on_disk = keys
        self._index_to_key = self._key_to_index = None
        self.next_index = len(keys.starts)

    def first_keys(self, count: int) -> list[Any]:
        """Return the keys of the first rows, without decoding the others of a file."""
        if self._index_to_key is None:
            keys = cast("KeyTable", self._keys_on_disk)
            few = KeyTable(keys.blob, keys.starts[:count], keys.lengths[:count])
            return cast("list[Any]", few.decode())
        return self._index_to_key[:count]

    def __len__(self) -> int:
        if self._index_to_key is None:
            return len(cast("KeyTable", self._keys_on_disk).starts)
        return len(self._index_to_key)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    __repr__ = __str__

    def __iter__(self) -> Iterator[Any]:
        return iter(self.index_to_key)

    def get_index(self, key: Any, default: int | None = None) -> int:
        """Return the row of ``key``: a key, or else a row number.

        Raises:
            KeyError: if there is no such key and no ``default``.

        """
        try:
            index = self.key_to_index.get(key, -1)
        except TypeError:  # an unhashable key
            raise TypeError(
                f"a key must be a string or a row number, got {type(key).__name__} {key!r:.80}"
            ) from None
        if index >= 0:
            return index
        if isinstance(key, (int, np.integer)) and 0 <= key < len(self):
            return int(key)
        if default is not None:
            return default
        raise KeyError(f"word '{key}' not in vocabulary")

    def has_index_for(self, key: Any) -> bool:
        """Tell whether ``key`` is a key here, or a row number."""
        return self.get_index(key, -1) >= 0

    def __contains__(self, key: object) -> bool:
        return self.has_index_for(key)

    # ---- vectors

    def get_vector(self, key: Any, norm: bool = False) -> NDArray[Any]:
        """Return the vector of ``key``, read-only; scaled to length 1 under ``norm``.

        Raises:
            KeyError: if there is no such key.

        """
        index = self.get_index(key)
        vector: NDArray[Any] = self.vectors[index]
        if norm:
            length = self._lengths()[index]
            vector = vector / (length if length > 0 else 1)
        vector.setflags(write=False)
        return vector

    def __getitem__(self, key_or_keys: Any) -> NDArray[Any]:
        if isinstance(key_or_keys, (str, int, np.integer)):
            return self.get_vector(key_or_keys)
        return self.vectors[[self.get_index(key) for key in key_or_keys]]

    def __setitem__(self, keys: Any, weights: Any) -> None:
        if not isinstance(keys, list):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        self.add_vectors(keys, weights, replace=True)

    def fill_norms(self, force: bool = False) -> None:
        """Compute ``norms``, the vectors' lengths, if they are not known (or under ``force``)."""
        if self.norms is None or force:
            norms = np.empty(len(self.vectors), np.float32)
            for first, block in self._float32_blocks(0, len(self.vectors)):
                norms[first : first + len(block)] = core.row_norms(block)
            self.norms = norms

    def _lengths(self) -> NDArray[np.float32]:
        self.fill_norms()
        return np.ascontiguousarray(self.norms, dtype=np.float32)

    def _float32_blocks(self, begin: int, end: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield (first row, rows) for the kernels: all rows at once if they are float32 already."""
        rows = self.vectors
        if rows.dtype == np.float32 and (rows.shape[1] == 1 or rows.strides[1] == rows.itemsize):
            yield begin, rows[begin:end]
            return
        for first in range(begin, end, BLOCK_ROWS):
            yield (
                first,
                np.ascontiguousarray(rows[first : min(end, first + BLOCK_ROWS)], np.float32),
            )

    def get_normed_vectors(self) -> NDArray[Any]:
        """Return a copy of ``vectors`` with every row scaled to length 1."""
        lengths = self._lengths()
        return cast("NDArray[Any]", self.vectors / np.where(lengths > 0, lengths, 1)[:, np.newaxis])

    def unit_normalize_all(self) -> None:
        """Scale every vector to length 1, in place. Training cannot sensibly go on afterwards."""
        lengths = self._lengths()
        self.vectors /= np.where(lengths > 0, lengths, 1)[:, np.newaxis]
        self.norms = np.where(lengths > 0, 1, 0).astype(np.float32)

    def add_vector(self, key: Any, vector: Any) -> int:
        """Add one key and its vector, to the first row without a key if there is one.

        Returns the row.

        """
        row = self.next_index
        if row < len(self) and self.index_to_key[row] is None:
            if key in self.key_to_index:
                raise ValueError(f"word '{key}' is in the vocabulary already: use kv[key] = vector")
            self.vectors[row] = self._checked_rows([key], [vector])[0]
            self.index_to_key[row] = key
            self.key_to_index[key] = row
            self.norms = None
        else:
            self.add_vectors([key], [vector])
            row = self.get_index(key)
        self.next_index = row + 1
        return row

    def add_vectors(
        self,
        keys: Any,
        weights: Any,
        extras: dict[str, NDArray[Any]] | None = None,
        replace: bool = False,
    ) -> None:
        """Append keys with their vectors (one row each) and ``extras``, one value a key.

        A key that is here already keeps its vector, or takes the new one under ``replace``.

        Raises:
            ValueError: if the numbers of keys and vectors differ, or a vector is not
                ``vector_size`` long, or a key comes twice.

        """
        if isinstance(keys, (str, int, np.integer)):
            keys, weights = [keys], np.reshape(weights, (1, -1))
        keys = list(keys)
        rows = self._checked_rows(keys, weights)
        repeated = [key for key, times in collections.Counter(keys).items() if times > 1]
        if repeated:
            raise ValueError(f"add_vectors: word '{repeated[0]}' comes more than once")
        extras = {name: np.asarray(values) for name, values in (extras or {}).items()}
        for name, values in extras.items():
            if len(values) != len(keys):
                raise ValueError(f"add_vectors: {len(keys)} keys, but {len(values)} of {name!r}")
        self.allocate_vecattrs(list(extras), [values.dtype for values in extras.values()])
        known = np.fromiter((key in self.key_to_index for key in keys), bool, len(keys))
        first = len(self)
        for key in (key for key, is_known in zip(keys, known, strict=True) if not is_known):
            self.key_to_index[key] = len(self.index_to_key)
            self.index_to_key.append(key)
        self._append_rows(rows[~known])
        self.allocate_vecattrs()
        targets = [(slice(first, None), ~known)]
        if replace:
            old = [self.key_to_index[keys[i]] for i in np.flatnonzero(known)]
            self.vectors[old] = rows[known]
            targets.append((np.array(old, np.intp), known))  # type: ignore[arg-type]
        for name, values in extras.items():
            for target, chosen in targets:
                self.expandos[name][target] = values[chosen]
        self.norms = None

    def _checked_rows(self, keys: list[Any], weights: Any) -> NDArray[Any]:
        rows = np.asarray(weights)
        if rows.ndim != 2 or rows.shape != (len(keys), self.vector_size):
            raise ValueError(
                f"{len(keys)} keys want vectors of shape ({len(keys)}, {self.vector_size}), got "
                f"{rows.shape}"
            )
        return rows.astype(self.vectors.dtype)

    def _append_rows(self, rows: NDArray[Any]) -> None:
        """Append to `vectors`, with room for more, so that adding one at a time stays cheap."""
        if len(rows) == 0:
            return
        old, total = len(self.vectors), len(self.vectors) + len(rows)
        spare = self._spare_rows
        if spare is None or len(spare) < total:
            room = total if old == 0 or len(rows) > 1 else total + total // 2
            spare = np.empty((room, self.vector_size), self.vectors.dtype)
            spare[:old] = self.vectors
        spare[old:total] = rows
        self.vectors = spare[:total]
        self._spare_rows = spare

    def resize_vectors(self, seed: int = 0) -> None:
        """Give every key a row: new rows are uniform in [-1, 1) / ``vector_size``, as gensim's."""
        old, wanted = len(self.vectors), len(self)
        if old < wanted:
            generator, size = np.random.default_rng(seed=seed), self.vector_size
            generator.random((old, size), dtype=np.float32)  # the draws of the rows that stay
            draw = generator.random((wanted - old, size), dtype=np.float32)
            self._append_rows((draw * 2 - 1) / np.float32(size))
        elif old > wanted:
            self.vectors = self.vectors[:wanted]
        self.allocate_vecattrs()

    # ---- other attributes of a key

    def allocate_vecattrs(
        self, attrs: Iterable[str] | None = None, types: Iterable[Any] | None = None
    ) -> None:
        """Make the attributes' arrays as long as the table, filling up with zeros.

        Raises:
            TypeError: if an attribute has values of another type already.

        """
        if attrs is None or types is None:
            attrs = list(self.expandos)
            types = [self.expandos[name].dtype for name in attrs]
        size = len(self)
        for name, kind in zip(attrs, types, strict=True):
            wanted = np.dtype({int: np.int64, str: object}.get(kind, kind))
            values = self.expandos.setdefault(name, np.zeros(size, wanted))
            if not np.can_cast(wanted, values.dtype, "same_kind"):
                raise TypeError(
                    f"attribute {name!r} holds values of type {values.dtype}, got {wanted}"
                )
            if len(values) != size:
                grown = np.zeros(size, values.dtype)
                grown[: min(size, len(values))] = values[:size]
                self.expandos[name] = grown

    def set_vecattr(self, key: Any, attr: str, val: Any) -> None:
        """Set the attribute ``attr`` of ``key``; the first value decides the type of all."""
        index = self.get_index(key)
        self.allocate_vecattrs([attr], [type(val)])
        self.expandos[attr][index] = val

    def get_vecattr(self, key: Any, attr: str) -> Any:
        """Return the attribute ``attr`` of ``key``.

        Raises:
            KeyError: if there is no such key or no such attribute.

        """
        index = self.get_index(key)
        if attr not in self.expandos:
            raise KeyError(
                f"attribute '{attr}' was never set; there are: {', '.join(self.expandos) or 'none'}"
            )
        return self.expandos[attr][index]

    def sort_by_descending_frequency(self) -> None:
        """Order the rows by the attribute ``count``, the most frequent first.

        Raises:
            KeyError: if the counts are not known.

        """
        if not len(self):
            return
        if "count" not in self.expandos:
            raise KeyError("sort_by_descending_frequency wants the attribute 'count' of every key")
        counts = self.expandos["count"].astype(np.int64)
        order = np.lexsort(
            (-np.arange(len(counts)), -counts)
        )  # as gensim: the later of equals first
        keys = self.index_to_key
        self.index_to_key = [keys[i] for i in order]
        self.key_to_index = {key: i for i, key in enumerate(self.index_to_key)}
        self.allocate_vecattrs()
        self.expandos = {name: values[order] for name, values in self.expandos.items()}
        if len(self.vectors):
            self.vectors = self.vectors[order]


def _size(name: str, value: Any, least: int) -> int:
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} must be a whole number from {least} on, got {value!r}")
    return int(value)


def checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return ``dtype`` if vectors can have it: float16, float32 or float64."""
    wanted = np.dtype(dtype)
    if wanted not in {np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)}:
        raise ValueError(f"vectors can be float16, float32 or float64, got {wanted}")
    return wanted
