"""The native file: the safetensors library agrees, damage is named, the old file stays whole."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.saving import atomic_write, read_tensors, write_tensors
from lamina.word2vec import KeyedVectors

ARRAYS = {
    "bytes": np.arange(7, dtype=np.uint8),
    "flags": np.array([True, False]),
    "halves": np.arange(6, dtype=np.float16).reshape(2, 3),
    "longs": np.arange(-4, 4, dtype=np.int64).reshape(2, 2, 2),
    "none": np.zeros((0, 3), np.float32),
    "one": np.array(2.5),
    "padded": np.arange(80, dtype=np.float32).reshape(5, 16)[:, :11],
    "turned": np.arange(6, dtype=np.int16).reshape(2, 3).T,
}


@pytest.fixture
def file(tmp_path):
    write_tensors(tmp_path / "file", ARRAYS, {"who": "köttur", "n": "1"})
    return tmp_path / "file"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def same(found, wanted=ARRAYS):
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_comes_back_and_safetensors_agrees(file, tmp_path):
    found, strings = read_tensors(file)
    same(found)
    assert strings == {"who": "köttur", "n": "1"}
    same(safetensors.numpy.load_file(file))
    with safetensors.safe_open(file, "np") as opened:
        assert opened.metadata() == strings
    theirs = {
        name: np.ascontiguousarray(array).reshape(array.shape) for name, array in ARRAYS.items()
    }
    safetensors.numpy.save_file(theirs, tmp_path / "theirs", {"a": "b"})
    found, strings = read_tensors(tmp_path / "theirs")
    same(found)
    assert strings == {"a": "b"}


def test_arrays_are_aligned_and_begin_at_a_cache_line(file):
    raw = file.read_bytes()
    assert (8 + int.from_bytes(raw[:8], "little")) % 64 == 0
    assert all(a.ctypes.data % a.itemsize == 0 for a in read_tensors(file)[0].values())


@pytest.mark.parametrize("mode", ["r", "c"])
def test_arrays_that_another_program_has_not_aligned_are_copied(tmp_path, mode):
    header = b'{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   '
    assert (8 + len(header)) % 4 == 1
    path = tmp_path / "odd"
    path.write_bytes(len(header).to_bytes(8, "little") + header + np.float32([1, 2]).tobytes())
    (array,) = read_tensors(path, mode=mode)[0].values()
    assert array.tolist() == [1, 2]
    assert array.flags.aligned
    assert array.flags.writeable == (mode == "c")


def test_changes_stay_in_memory(file):
    before = file.read_bytes()
    found, _ = read_tensors(file)
    found["padded"][:] = 9
    assert file.read_bytes() == before
    same(read_tensors(file)[0])
    found, _ = read_tensors(file, mode="r")
    with pytest.raises(ValueError, match="read-only"):
        found["padded"][:] = 9


def test_a_large_strided_array_is_written_by_blocks(tmp_path):
    array = np.random.default_rng(0).random((30_000, 112))[:, :100]
    write_tensors(tmp_path / "f", {"a": array}, {})
    same(read_tensors(tmp_path / "f")[0], {"a": array})


def with_header(path, header, data=b"\0" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(4,), offsets=(0, 16)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"a": entry(offsets=(0, 32))}, "bytes 0 to 32 are not within the 16 bytes"),
        ({"a": entry(shape=(5,))}, "takes 20 bytes, but data_offsets give 16"),
        ({"a": entry(shape=(2**62, 4))}, "takes 73786976294838206464 bytes"),
        ({"a": entry(shape=(2**64, 0), offsets=(0, 0)), "b": entry()}, "larger than memory"),
        ({"a": entry(dtype="BF16")}, "dtype 'BF16' is none of"),
        ({"a": entry(shape=(-4,))}, "not a list of sizes"),
        ({"a": entry(shape=(True, 4))}, "not a list of sizes"),
        ({"a": entry(offsets=(16, 0))}, "bytes 16 to 0"),
        ({"a": entry(offsets=(0, 8, 16))}, "not two places"),
        ({"a": entry(shape=(2,), offsets=(0, 8))}, "8 bytes belong to no array"),
        ({"a": entry(shape=(2,), offsets=(8, 16))}, "should begin at byte"),
        ({"a": entry(), "b": entry()}, "should begin at byte"),
        ({"a": 5}, "wants dtype, shape and data_offsets"),
        ({"a": entry(), "__metadata__": {"b": 1}}, "object of strings"),
        ([1], "not a JSON object"),
        (b"{", "not JSON"),
        (b"\xff" * 9, "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_header_that_lies_is_named(tmp_path, header, says):
    path = with_header(tmp_path / "bad", header)
    with pytest.raises(ValueError, match=says) as caught:
        read_tensors(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "0 bytes long"),
        (b"abc", "3 bytes long"),
        ((2**63).to_bytes(8, "little"), "does not fit into a file of 8 bytes"),
        (b"\x80\x04\x95" + b"x" * 50, "pickle.*never|pickle.*from_gensim"),
        (b"3 2\nword 1 2\n" * 9, "load_word2vec_format"),
    ],
)
def test_other_files_are_named(tmp_path, content, says):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_tensors(path)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_tensors(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        write_tensors(tmp_path, {}, {})
    with pytest.raises(FileNotFoundError, match="does not exist"):
        write_tensors(tmp_path / "no" / "file", {}, {})


@pytest.mark.parametrize(
    ("arrays", "strings", "error", "says"),
    [
        ({"a": np.array(["x"])}, {}, TypeError, "'a' has dtype <U1"),
        ({"a": np.array([None])}, {}, TypeError, "dtype object"),
        ({}, {"a": 1}, TypeError, "strings to strings"),
        ({"__metadata__": np.zeros(1)}, {}, ValueError, "uses that name"),
    ],
)
def test_what_cannot_be_written_leaves_the_file(file, arrays, strings, error, says):
    before = file.read_bytes()
    with pytest.raises(error, match=says):
        write_tensors(file, arrays, strings)
    assert file.read_bytes() == before
    assert names(file.parent) == ["file"]


@settings(max_examples=300, deadline=None)
@given(
    cut=st.integers(0, 900),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
)
def test_mutated_files_are_read_or_refused(tmp_path_factory, cut, changes):
    path = tmp_path_factory.getbasetemp() / "mutated"
    write_tensors(path, {"a": np.arange(50.0), "b": np.arange(9, dtype=np.uint8)}, {"k": "v"})
    raw = bytearray(path.read_bytes())
    for place, value in changes:
        raw[place % len(raw)] = value
    path.write_bytes(raw[: max(0, len(raw) - cut)])
    try:
        found, _ = read_tensors(path)
    except ValueError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert sum(array.nbytes for array in found.values()) <= len(raw)
        assert all(array.tobytes() is not None for array in found.values())


# ---- atomic writing


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "f"
    path.write_text("old")

    def fail_midway():
        with atomic_write(path) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_links_modes_and_devices_survive(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640
    with atomic_write(link, append=True) as file:
        file.write(b"er")
    assert target.read_text() == "newer"
    with atomic_write(os.devnull) as file:
        file.write(b"gone")
    assert not Path(os.devnull).is_file()


SAVER = """
import sys
import numpy as np
from lamina.word2vec import KeyedVectors
kv = KeyedVectors(200)
kv.add_vectors([f"w{i}" for i in range(5000)], np.ones((5000, 200)))
print("ready", flush=True)
while True:
    kv.save(sys.argv[1])
    kv.save_word2vec_format(sys.argv[2], binary=True)
"""


def test_killed_at_any_moment_the_old_file_is_whole(tmp_path):
    native, binary = tmp_path / "native", tmp_path / "binary"
    small = KeyedVectors(2)
    small.add_vectors(["a"], [[1, 2]])
    small.save(native)
    small.save_word2vec_format(binary, binary=True)
    killed_midway = 0
    for attempt in range(12):
        saver = subprocess.Popen(
            [sys.executable, "-c", SAVER, native, binary], stdout=subprocess.PIPE
        )
        saver.stdout.readline()
        time.sleep(0.003 + 0.004 * attempt)
        saver.send_signal(signal.SIGKILL)
        saver.communicate()
        assert len(KeyedVectors.load(native)) in {1, 5000}
        assert len(KeyedVectors.load_word2vec_format(binary, binary=True)) in {1, 5000}
        killed_midway += any(name.endswith(".part") for name in names(tmp_path))
    assert killed_midway > 0


def test_a_full_disk_leaves_the_old_file(tmp_path):
    native, text = tmp_path / "native", tmp_path / "text.gz"
    kv = KeyedVectors(50)
    kv.add_vectors([f"w{i}" for i in range(100)], np.random.default_rng(0).random((100, 50)))
    kv.save(native)
    kv.save_word2vec_format(text)
    before = native.read_bytes(), text.read_bytes()
    kv.add_vectors([f"v{i}" for i in range(900)], np.random.default_rng(1).random((900, 50)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
    try:
        with pytest.raises(OSError):
            kv.save(native)
        with pytest.raises(OSError):
            kv.save_word2vec_format(text)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (native.read_bytes(), text.read_bytes()) == before
    assert names(tmp_path) == ["native", "text.gz"]
