"""The reader of pickles that unpickles nothing: what files hold is read, what harms is refused."""

import pickle
import pickletools
import random
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pickles import cifar_batch, ragged

from lamina.datasets.pickled import read_pickled

IDS = st.lists(st.integers(-(2**31), 2**31 - 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(IDS, max_size=20), st.sampled_from([2, 3, 4, 5]))
def test_lists_of_ids(rows, protocol):
    assert read_pickled(pickle.dumps(rows, protocol), "x") == rows


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_an_array_of_lists_as_numpy_saves_it(protocol):
    rows = [[1, 255, 256, 65535, 65536, 88586] * 700, [], [7], list(range(3000))]
    assert read_pickled(pickle.dumps(ragged(rows), protocol), "x") == rows


def test_other_values():
    value = {"a": [1.5, None, True, "é", b"\x00\xff"], "b": (1, (2, 3), -1 << 40), "c": {}}
    for protocol in (3, 4, 5):
        assert read_pickled(pickle.dumps(value, protocol), "x") == value


@pytest.mark.parametrize("dtype", ["u1", "<i4", ">f8", "?"])
def test_arrays_of_numbers(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    for each in (array, np.asfortranarray(array)):
        found = read_pickled(pickle.dumps(each, 3), "x")
        np.testing.assert_array_equal(found, each)
        assert found.dtype == each.dtype
        found[0, 0] = 1  # may be written to


def test_a_batch_that_python_2_wrote():
    images = np.random.default_rng(0).integers(0, 256, (300, 3072)).astype(np.uint8)
    data = cifar_batch(images, labels=[3, 1, 255])
    assert pickle.loads(data, encoding="latin-1")["labels"] == [3, 1, 255]  # it is one
    found = read_pickled(data, "x")
    assert found["labels"] == [3, 1, 255]
    assert found["batch_label"] == "batch 1 of 5"
    np.testing.assert_array_equal(found["data"], images)


class Harm:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def _touch(path):
    raise AssertionError("it was called")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, x], lambda x: ragged([[1], x])])
def test_nothing_is_called(protocol, wrap, tmp_path):
    for harm in (
        Harm(subprocess.call, ["touch", str(tmp_path / "x")]),
        Harm(eval, "1 + 1"),
        Harm(_touch, 1),
    ):
        with pytest.raises(ValueError, match=r"file\.npz: .* at byte \d+ .*nothing is unpickled"):
            read_pickled(pickle.dumps(wrap(harm), protocol), "file.npz")
    assert not any(tmp_path.iterdir())


NUMPY = b"cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"cos\nsystem\n(X\x02\x00\x00\x00lstR.", "the name 'os system' is refused"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "the name 'os system' is refused"),
        (b"cnumpy\nndarray\nK\x05\x85R.", "a call of 'numpy ndarray' is refused"),
        (b"cnumpy\nload\n.", "the name 'numpy load' is refused"),
        (b"X\x0d\x00\x00\x00numpy ndarrayK\x05\x85R.", "a call is refused"),  # no name, a text
        (b"(ios\nsystem\n.", "the instruction INST is refused"),
        (b"\x80\x02cos\nsystem\n)\x81.", "refused"),
        (b"(K\x01K\x02o.", "the instruction OBJ is refused"),
        (b"Pabc\n.", "the instruction PERSID is refused"),
        (b"K\x01Q.", "the instruction BINPERSID is refused"),
        (b"\x82\x01.", "the instruction EXT1 is refused"),
        (b"\x97.", "the instruction NEXT_BUFFER is refused"),
        (b"]K\x01b.", "BUILD has not what it needs"),
        (b"]K\x01\x85b.", "a call is refused"),
        (b"]q\x00(h\x00h\x00e.", "a list is used twice"),
        (b"]q\x00h\x00a.", "a list is used twice"),  # a list in itself
        (b"K\x01a.", "APPEND has not what it needs"),
        (b"a.", "APPEND has not what it needs"),
        (b"(.", "an end in the middle"),
        (b".", "an end in the middle"),
        (b"", "no instruction"),
        (b"\xff", "no instruction"),
        (b"K\x01(\x85.", "TUPLE1 has not what it needs"),  # what stands before a mark
        (b"}(K\x01u.", "SETITEMS has not what it needs"),
        (b"}]K\x01s.", "SETITEM has not what it needs"),
        (b"h\x05.", "BINGET has not what it needs"),
        (b"T\xff\xff\xff\x7fabc.", "BINSTRING is cut off"),  # two gigabytes that are not there
        (b"B\xff\xff\xff\xffabc.", "BINBYTES is cut off"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "BINBYTES8 is cut off"),
        (NUMPY + b")R.", "an array without content"),
        (NUMPY + b")R(K\x01J\xff\xff\xff\x7f\x85K\x01\x89]tb.", "a wrong shape or type"),
    ],
)
def test_hostile(data, why):
    with pytest.raises(ValueError, match=why):
        read_pickled(data, "x")


@pytest.mark.parametrize("dtype", ["O8", "S5", "V0", "u3", "M8", "m8", "U1", "c16"])
def test_arrays_whose_content_is_not_there(dtype):
    kind = b"cnumpy\ndtype\nU" + bytes([len(dtype)]) + dtype.encode() + b"K\x00K\x01\x87R"
    kind += b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    for shape in (b"J\xff\xff\xff\x7f\x85", b"K\x00\x85", b"K\x05"):
        for content in (b"U\x03abc", b"](K\x01K\x02e", b"N"):
            data = NUMPY + b")R(K\x01" + shape + kind + b"\x89" + content + b"tb."
            with pytest.raises(ValueError, match=r"x: "):
                read_pickled(data, "x")


def test_any_damage_is_a_clear_error():
    chosen = random.Random(7)
    rows = [[chosen.randrange(70000) for _ in range(30)] for _ in range(5)]
    images = np.zeros((300, 3072), np.uint8)[:, :3]
    whole = [
        pickle.dumps(ragged(rows), 3),
        pickle.dumps(rows, 2),
        cifar_batch(np.repeat(images, 100, axis=1), labels=[1, 2])[:400],
    ]
    codes = [operation.code.encode("latin-1") for operation in pickletools.opcodes]
    refused = 0
    for _ in range(3000):
        data = bytearray(chosen.choice(whole))
        for _ in range(chosen.randrange(1, 4)):
            place = chosen.randrange(len(data))
            data[place : place + chosen.randrange(3)] = chosen.choice(
                [bytes([chosen.randrange(256)]), chosen.choice(codes), b""]
            )
        try:
            read_pickled(bytes(data[: chosen.choice([len(data), len(data), place])]), "x")
        except ValueError as error:
            assert str(error).startswith("x: "), error  # noqa: PT017 - most, not all, are refused
            refused += 1
    assert refused > 1500
