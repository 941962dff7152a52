"""Pickles as the files of datasets have them, put together by hand where Python 3 cannot."""

import struct

import numpy as np


def ragged(rows):
    """Return an array of lists, as imdb.npz holds it."""
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def python2_text(text):
    return b"U" + bytes([len(text)]) + text


def python2_array(array):
    """Return what Python 2 wrote for an array of bytes: BINSTRING, which Python 3 never writes."""
    rows, columns = array.shape
    return b"".join(
        [
            b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85",
            python2_text(b"b"),
            b"\x87Rq\x07(K\x01M" + struct.pack("<H", rows) + b"M" + struct.pack("<H", columns),
            b"\x86cnumpy\ndtype\nq\x08" + python2_text(b"u1") + b"K\x00K\x01\x87Rq\x09(K\x03",
            python2_text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + struct.pack("<i", array.size) + array.tobytes() + b"tb",
        ]
    )


def cifar_batch(images, **labels):
    """Return a batch as the CIFAR files have it."""
    parts = [b"\x80\x02}q\x01(", python2_text(b"batch_label"), python2_text(b"batch 1 of 5")]
    for name, numbers in labels.items():
        listed = b"".join(b"K" + bytes([number]) for number in numbers)
        parts += [python2_text(name.encode()), b"]q\x02(" + listed + b"e"]
    parts += [python2_text(b"data"), python2_array(images), b"u."]
    return b"".join(parts)
