"""Arrays out of .npz files that nobody vouches for."""

from __future__ import annotations

import io
import math
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from lamina.datasets.pickled import read_pickled
from lamina.utils.archives import DAMAGE, Meter

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20


def read_npz(path: Path, *names: str) -> list[Any]:
    """Return the arrays of these names in a .npz file; a list for an array of objects.

    No size that the file claims is allocated before the data are there, and nothing is unpickled.

    Raises:
        ValueError: if the file is damaged, lacks one of them, or holds what is not data.

    """
    meter = Meter(path)
    try:
        with zipfile.ZipFile(path) as archive:
            there = archive.namelist()
            missing = [name for name in names if f"{name}.npy" not in there]
            if missing:
                raise ValueError(
                    f"{path} has no array {', '.join(missing)}; it has "
                    f"{', '.join(name.removesuffix('.npy') for name in there[:9])}"
                )
            return [_read_member(archive, name, path, meter) for name in names]
    except DAMAGE as error:
        if str(path) in str(error):
            raise
        raise ValueError(
            f"{path} is damaged: {error}. Was it cut off? Delete it, and it is fetched anew"
        ) from error


def _read_member(archive: zipfile.ZipFile, name: str, path: Path, meter: Meter) -> Any:
    data = bytearray()
    with archive.open(f"{name}.npy") as stream:
        while block := stream.read(_BLOCK):
            meter.count(len(block))
            data += block
    header = io.BytesIO(data[:_BLOCK])  # the whole of it: a header is never so long
    version = npy.read_magic(header)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read(header)
    begin, what = header.tell(), f"{path}: {name}"
    if dtype.hasobject:
        content = read_pickled(bytes(data[begin:]), what)
        if not isinstance(content, list) or (len(content),) != shape:
            raise ValueError(f"{what} says that its shape is {shape}, and is not of that shape")
        return content
    if math.prod(shape) * dtype.itemsize != len(data) - begin:
        raise ValueError(
            f"{what} says that it is {dtype} of shape {shape}, and has {len(data) - begin:,} bytes"
        )
    array = np.frombuffer(data, dtype, offset=begin)
    return array.reshape(shape, order="F" if is_fortran else "C")
