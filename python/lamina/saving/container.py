"""The native file: named arrays and strings, opened by memory map at once.

It is the safetensors format (https://github.com/huggingface/safetensors), byte for byte: eight
bytes of little-endian header length, a JSON header padded with spaces, then the arrays' bytes
without gaps. The safetensors library reads these files and writes others that are read here; it
copies what it loads, so reading and writing are done here.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamina.saving.atomic import atomic_write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_NAMES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype("<u1"),
    "I8": np.dtype("<i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
_DTYPES = {dtype: name for name, dtype in _NAMES.items()}

# The arrays begin at a multiple of a cache line, and the larger items come first, so that every
# array is aligned to its items.
_ALIGNMENT = 64

# As the safetensors library has it: a longer header is not believed.
_LONGEST_HEADER = 100_000_000

_BLOCK_BYTES = 1 << 22


def write_tensors(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
) -> None:
    """Write named arrays and strings to ``path``, which holds its old content until all is written.

    Arrays whose rows are apart in memory are written block by block, without a copy of the whole.

    Raises:
        TypeError: if an array's dtype has no place in the format, or metadata are not strings.
        OSError: if the file cannot be written; the old one is whole.

    """
    for key, value in metadata.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError(f"metadata must map strings to strings, got {key!r}: {value!r}")
    for name, tensor in tensors.items():
        if name == "__metadata__":
            raise ValueError("an array cannot be called '__metadata__': the format uses that name")
        if tensor.dtype.newbyteorder("<") not in _DTYPES:
            raise TypeError(
                f"array {name!r} has dtype {tensor.dtype}; {os.fspath(path)} can hold "
                f"{', '.join(str(dtype) for dtype in _DTYPES)}"
            )
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, tensor in ordered:
        header[name] = {
            "dtype": _DTYPES[tensor.dtype.newbyteorder("<")],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + tensor.nbytes],
        }
        offset += tensor.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-(8 + len(text)) % _ALIGNMENT)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in ordered:
            rows = tensor.reshape(1) if tensor.ndim == 0 else tensor
            step = max(1, _BLOCK_BYTES // max(1, rows.nbytes // max(1, len(rows))))
            for first in range(0, len(rows), step):
                block = rows[first : first + step]
                little = block.astype(block.dtype.newbyteorder("<"), copy=False)
                file.write(np.ascontiguousarray(little).data)


def _header(path: Path, size: int) -> tuple[dict[str, Any], int]:
    """Return the JSON header and the place where the arrays begin."""
    with path.open("rb") as file:
        start = file.read(8)
        if start[:1] == b"\x80" and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
            raise ValueError(
                f"{path} is a Python pickle, probably saved by gensim. Pickles can run code, so "
                f"none is opened here: load it in gensim, then use KeyedVectors.from_gensim(), or "
                f"save_word2vec_format() there and load_word2vec_format() here"
            )
        if len(start) < 8:
            raise ValueError(
                f"{path} is {size} bytes long, which is no Lamina file: is it cut off?"
            )
        length = int.from_bytes(start, "little")
        if length > min(_LONGEST_HEADER, size - 8):
            raise ValueError(
                f"{path}, byte 0: a header of {length} bytes does not fit into a file of {size} "
                f"bytes. Is the file cut off, or not one that save() wrote? Vectors in word2vec's "
                f"own formats are read by KeyedVectors.load_word2vec_format()"
            )
        text = file.read(length)
    if len(text) != length:
        raise ValueError(f"{path}, byte {8 + len(text)}: the file ends within its header")
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}, byte 8: the header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise ValueError(f"{path}, byte 8: the header is not a JSON object")  # noqa: TRY004
    return header, 8 + length


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _checked_entry(
    path: Path, name: str, entry: Any, size: int
) -> tuple[np.dtype[Any], list[int], int, int]:
    """Return dtype, shape, begin and end of one array, checked against each other."""
    where = f"{path}, header entry {name!r}"
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError(f"{where}: wants dtype, shape and data_offsets, got {entry!r:.200}")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _NAMES:
        raise ValueError(f"{where}: dtype {kind!r:.50} is none of {', '.join(_NAMES)}")
    if not isinstance(shape, list) or len(shape) > 32 or not all(map(_is_count, shape)):
        raise ValueError(f"{where}: shape {shape!r:.200} is not a list of sizes")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        raise ValueError(f"{where}: data_offsets {offsets!r:.200} are not two places")
    begin, end = offsets
    if not begin <= end <= size:
        raise ValueError(
            f"{where}: bytes {begin} to {end} are not within the {size} bytes of data. Is the file "
            f"cut off?"
        )
    dtype = _NAMES[kind]
    wanted = math.prod(shape) * dtype.itemsize
    if wanted != end - begin:
        raise ValueError(
            f"{where}: shape {shape} of {kind} takes {wanted} bytes, but data_offsets give "
            f"{end - begin}"
        )
    if any(extent > 1 << 62 for extent in shape):
        raise ValueError(f"{where}: shape {shape!r:.200} is larger than memory can be")
    return dtype, shape, begin, end


def read_tensors(
    path: str | os.PathLike[str], *, mode: Literal["r", "c"] = "c"
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Open ``path`` and return its arrays, still on disk, and its strings.

    The arrays are views of one memory map (copies, where another program has placed them off their
    items' alignment): ``mode="c"`` copies a page when it is written to and never changes the file,
    ``mode="r"`` refuses writing.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a file, or cut off, or any size or place in it is wrong; the
            message names the file and the place.

    """
    if mode not in {"r", "c"}:
        raise ValueError(f"mode must be 'r' or 'c', got {mode!r}")
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file")
    size = path.stat().st_size
    header, start = _header(path, size)
    strings = header.pop("__metadata__", {})
    if not isinstance(strings, dict) or not all(isinstance(v, str) for v in strings.values()):
        raise ValueError(f"{path}, header entry '__metadata__': wants an object of strings")
    entries = {
        name: _checked_entry(path, name, entry, size - start) for name, entry in header.items()
    }
    covered = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != covered:
            raise ValueError(
                f"{path}, byte {start + begin}: array {name!r} should begin at byte "
                f"{start + covered}, where the one before it ends"
            )
        covered = end
    if covered != size - start:
        raise ValueError(
            f"{path}, byte {start + covered}: {size - start - covered} bytes belong to no array"
        )
    if covered == 0:
        return {n: np.zeros(shape, dtype) for n, (dtype, shape, _, _) in entries.items()}, strings
    data = np.memmap(path, dtype=np.uint8, mode=mode, offset=0)
    if data.size < size:  # the file shrank since its size was read
        raise ValueError(f"{path}, byte {data.size}: the file was cut off while it was opened")
    arrays = {
        name: np.frombuffer(data, dtype, math.prod(shape), start + begin).reshape(shape)
        for name, (dtype, shape, begin, _) in entries.items()
    }
    for name, array in arrays.items():
        if not array.flags.aligned:  # not a file of ours: the kernels want whole items
            arrays[name] = array.copy()
            arrays[name].flags.writeable = mode == "c"
    return arrays, strings
