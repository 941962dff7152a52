"""Damaged files of vectors: each is an error that names the file, the place and the cause."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.word2vec import KeyedVectors

FLOATS = np.array([1, 2], "<f4").tobytes()


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", ValueError, "byte 0: the file is empty"),
        (b"hello world\n", ValueError, "line 1: wanted the numbers"),
        (b"1000000000 300\na 1 2\n", EOFError, "line 3: unexpected end.*promises 1000000000"),
        (b"1 1000000000000\na 1 2\n", ValueError, "line 2.*'a' has 2 numbers, wanted 10+"),
        (b"1 0\na\n", ValueError, "vectors of 0 numbers"),
        (b"2 2\na 1 2\n", EOFError, "promises 2 rows, the file has 1"),
        (b"2 2\na 1 2\nb 1 nan\n", ValueError, r"line 3, byte 14: word 'b': 'nan' is not a finite"),
        (b"2 2\na 1 2\nb inf 1\n", ValueError, r"line 3.*'b': 'inf' is not a finite"),
        (b"1 2\na 1 1e39\n", ValueError, "'1e39' is not a finite"),
        (b"1 2\na 1 1e999\n", ValueError, "'1e999' is not a finite"),
        (b"2 2\na 1 2\nb x2 3\n", ValueError, r"line 3, byte 12: word 'b': 'x2' is not a number"),
        (b"1 2\na 1 0x10\n", ValueError, "'0x10' is not a number"),
        (b"1 2\na 1,5 2\n", ValueError, "'1,5' is not a number"),
        (b"2 2\na 1 2\nb 1   \n", ValueError, r"line 3.*word 'b' has 1 numbers, wanted 2"),
        (b"2 2\na 1 2 3\nb 1 2\n", ValueError, r"line 2.*word 'a' has more than 2 numbers"),
        (b"3 2\na 1 2\n\nb 1 2\n", ValueError, r"line 3.*is empty"),
        (b"1 2\n" + b"x" * 70_000 + b" 1 2\n", ValueError, "line 2.*more than 65536 bytes"),
        (b"2 2\na " + FLOATS + b"b " + FLOATS, ValueError, "pass binary=True"),
        (b"\x80\x04\x95 pickled\n", ValueError, r"from_gensim\(\)"),
    ],
)
def test_damaged_text_is_named(tmp_path, content, error, says):
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(error, match=says) as caught:
        KeyedVectors.load_word2vec_format(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"", ValueError, "byte 0: the file is empty"),
        (b"1000000000 300\na " + FLOATS, EOFError, "byte 25: unexpected end.*promises 1000000000"),
        (b"1 1000000000000\na " + FLOATS, EOFError, "unexpected end"),
        (b"999999999999999999 1\na " + FLOATS, EOFError, "unexpected end"),
        (b"2 2\na " + FLOATS + b"bcd " + FLOATS[:6], EOFError, "byte 14: unexpected end in row 1"),
        (b"2 2\na " + FLOATS + b"b" * 50, EOFError, "byte 14: unexpected end in row 1"),
        (b"1 2\n" + b"x" * 70_000 + b" " + FLOATS, ValueError, "byte 4, row 0: a word of more"),
        (b"1 2\na 0.123456 0.4567890\n", ValueError, "pass binary=False"),
        (b"the 1 2\n", ValueError, "line 1: wanted the numbers"),
    ],
)
def test_damaged_binary_is_named(tmp_path, content, error, says):
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(error, match=says) as caught:
        KeyedVectors.load_word2vec_format(path, binary=True)
    assert str(path) in str(caught.value)


def test_doubts_are_warnings(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"1 2\na 1 2\nb 1 2\n")
    with pytest.warns(UserWarning, match="promises 1 rows, the file has 2"):
        assert len(KeyedVectors.load_word2vec_format(path)) == 1
    path.write_bytes(b"1 2\na " + FLOATS + b"b " + FLOATS)
    with pytest.warns(UserWarning, match="what follows is not read"):
        assert len(KeyedVectors.load_word2vec_format(path, binary=True)) == 1
    path.write_bytes(b"1 2\na " + np.array([1, np.nan], "<f4").tobytes())
    with pytest.warns(UserWarning, match="word 'a' holds NaN"):
        KeyedVectors.load_word2vec_format(path, binary=True)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda p: KeyedVectors.load_word2vec_format(p / "no"), FileNotFoundError, "no file"),
        (KeyedVectors.load_word2vec_format, IsADirectoryError, "is a folder"),
        (
            lambda p: KeyedVectors.load_word2vec_format(p, binary=True, no_header=True),
            ValueError,
            "needs its first line",
        ),
        (lambda p: KeyedVectors.load_word2vec_format(p, limit=-1), ValueError, "got -1"),
        (lambda p: KeyedVectors.load_word2vec_format(p / "h", no_header=True), ValueError, "drop"),
        (lambda p: KeyedVectors.load_word2vec_format(p / "h", p / "bad"), ValueError, "line 1"),
        (
            lambda p: KeyedVectors.load_word2vec_format(p / "h", datatype=np.int8),
            ValueError,
            "got int8",
        ),
        (
            lambda p: KeyedVectors.load_word2vec_format(p / "big", datatype=np.float16),
            ValueError,
            "line 3: a number is too large for float16",
        ),
        (lambda p: KeyedVectors(2).save_word2vec_format(p / "x", p / "y"), ValueError, "'count'"),
        (lambda p: KeyedVectors.load(p / "h"), ValueError, "load_word2vec_format"),
        (lambda p: KeyedVectors(2, 3).save(p / "x"), TypeError, "no key yet"),
    ],
)
def test_mistakes_are_named(tmp_path, call, error, says):
    (tmp_path / "h").write_text("2 2\na 1 2\nb 1 2\n")
    (tmp_path / "bad").write_text("a many\n")
    (tmp_path / "big").write_text("2 2\na 1 2\nb 1 1e6\n")
    with pytest.raises(error, match=says):
        call(tmp_path)


@pytest.mark.parametrize(("word", "binary"), [("a\nb", False), ("a\nb", True), ("a b", True)])
def test_words_that_would_come_back_as_others_are_refused(tmp_path, word, binary):
    ours = KeyedVectors(2)
    ours.add_vectors([word], [[1, 2]])
    with pytest.raises(ValueError, match="space or newline"):
        ours.save_word2vec_format(tmp_path / "f", binary=binary)
    ours.save(tmp_path / "g")
    assert KeyedVectors.load(tmp_path / "g").index_to_key == [word]


SEEDS = [
    (b"3 2\na 1 2\nbc -0.5 1e-3\nd 4 5\n", {}),
    (b"a 1 2\nbc -0.5 1e-3\n. . 4 5\n", {"no_header": True}),
    (b"3 2\na " + FLOATS + b"\nbc " + FLOATS + b"d " + FLOATS, {"binary": True}),
]
PIECES = [b"", b" ", b"\n", b"\0", b"9" * 20, b"nan", b"-", b"e", b"\xff", b"\r", b"1 " * 40]


@settings(max_examples=1500, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(
        st.tuples(
            st.integers(0, 60), st.integers(0, 5), st.sampled_from(PIECES) | st.binary(max_size=3)
        ),
        max_size=5,
    ),
    limit=st.none() | st.integers(1, 4),
    dtype=st.sampled_from([np.float32, np.float16, np.float64]),
)
def test_mutated_files_are_read_or_refused(tmp_path_factory, seed, edits, limit, dtype):
    content, options = seed
    for place, cut, piece in edits:
        content = content[:place] + piece + content[place + cut :]
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read = KeyedVectors.load_word2vec_format(path, limit=limit, datatype=dtype, **options)
        except (ValueError, EOFError) as error:
            assert "mutated" in str(error)  # noqa: PT017
            return
    assert len(read) == len(read.vectors) == len(set(read.index_to_key)) <= max(1, len(content))
    if not options.get("binary"):
        assert np.isfinite(read.vectors).all()
