"""The word2vec formats: as gensim reads and writes them, and damage is named."""

import bz2
import gzip
import lzma
import warnings
import zipfile

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina.word2vec import KeyedVectors

WORDS = ["the", "köttur", "猫", "a-b", "10", "\u00a0x", "über", "e", "#", "…"]


@pytest.fixture(scope="module")
def vectors():
    rows = np.random.default_rng(2).standard_normal((len(WORDS), 7)).astype(np.float32)
    rows[0, :5] = [1e-38, 1e30, -0.0, 3, 1e-7]
    ours = KeyedVectors(7)
    ours.add_vectors(WORDS, rows)
    for i, word in enumerate(WORDS):
        ours.set_vecattr(word, "count", 100 - i)
    return ours


def same(ours, theirs):
    assert ours.index_to_key == theirs.index_to_key
    assert ours.key_to_index == theirs.key_to_index
    assert ours.vectors.dtype == theirs.vectors.dtype
    np.testing.assert_array_equal(ours.vectors, theirs.vectors)
    np.testing.assert_array_equal(ours.expandos["count"], theirs.expandos["count"])


# ---- both ways with gensim


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
def test_gensim_reads_ours_and_we_gensims(tmp_path, vectors, binary, suffix):
    ours, theirs = tmp_path / f"ours{suffix}", tmp_path / f"theirs{suffix}"
    vectors.save_word2vec_format(ours, binary=binary)
    vectors.to_gensim().save_word2vec_format(str(theirs), binary=binary)
    for path in (ours, theirs):
        read = KeyedVectors.load_word2vec_format(path, binary=binary)
        np.testing.assert_array_equal(read.vectors, vectors.vectors)
        same(read, GensimVectors.load_word2vec_format(str(path), binary=binary))


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("limit", [None, 1, 4, 99])
def test_types_and_limits_equal_gensims(tmp_path, vectors, binary, dtype, limit, monkeypatch):
    monkeypatch.setattr("lamina.word2vec.formats._BLOCK_ROWS", 3)
    path = tmp_path / "f"
    small = KeyedVectors(7)
    small.add_vectors(WORDS, np.clip(vectors.vectors, -9, 9))
    small.save_word2vec_format(path, binary=binary)
    options = {"binary": binary, "datatype": dtype, "limit": limit}
    same(
        KeyedVectors.load_word2vec_format(path, **options),
        GensimVectors.load_word2vec_format(str(path), **options),
    )


def test_counts_order_prefix_and_append_equal_gensims(tmp_path, vectors):
    vectors = KeyedVectors.from_gensim(vectors.to_gensim())
    vectors.expandos["count"] = np.arange(len(WORDS)) % 4
    files = {}
    for name, side in (("ours", vectors), ("theirs", vectors.to_gensim())):
        path, counts = tmp_path / name, tmp_path / f"{name}.vocab"
        side.save_word2vec_format(str(path), str(counts), binary=True, total_vec=20, prefix="*")
        side.save_word2vec_format(
            str(path), binary=True, write_header=False, prefix="+", append=True
        )
        files[name] = path.read_bytes(), counts.read_bytes()
    assert files["ours"] == files["theirs"]
    read = KeyedVectors.load_word2vec_format(path, counts, binary=True, limit=len(WORDS))
    assert read.expandos["count"].tolist() == sorted(vectors.expandos["count"], reverse=True)


def test_text_numbers_are_gensims_bits(tmp_path):
    numbers = [
        "1",
        "-1.5",
        "+2",
        "1e5",
        "1E-5",
        ".5",
        "5.",
        "1e-400",
        "0.1234567890123456789012345",
    ]
    numbers += ["1" + "0" * 30, "1e-45", "16777217", "0." + "0" * 100 + "1e100", "-0", "007"]
    path = tmp_path / "f"
    path.write_text("2 15\n" + "a " + " ".join(numbers) + "\nb " + " ".join(numbers[::-1]) + "\n")
    for dtype in (np.float32, np.float64):
        ours = KeyedVectors.load_word2vec_format(path, datatype=dtype).vectors
        theirs = GensimVectors.load_word2vec_format(str(path), datatype=dtype).vectors
        assert ours.tobytes() == theirs.tobytes()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_text_keeps_every_bit(tmp_path, numbers):
    ours = KeyedVectors(len(numbers))
    ours.add_vectors(["w"], [numbers])
    ours.save_word2vec_format(tmp_path / "f")
    assert (
        KeyedVectors.load_word2vec_format(tmp_path / "f").vectors.tobytes()
        == ours.vectors.tobytes()
    )


def test_every_level_parses_and_formats_alike(kernels):
    rng = np.random.default_rng(3)
    for dtype in (np.float32, np.float64):
        matrix = rng.standard_normal((1000, 31)).astype(dtype)
        words = np.frombuffer(b"word" * 1000, np.uint8)
        text = kernels.format_text_rows(words, np.arange(1001) * 4, matrix)
        lines = [f"word {' '.join(str(x) for x in row)}" for row in matrix]
        data = np.frombuffer(text, np.uint8)
        starts = kernels.index_text_lines(data, 0, -1)
        assert [len(line) for line in text.decode().split("\n")[:-1]] == (
            np.diff(starts) - 1
        ).tolist()
        assert [float(x) for line in text.decode().splitlines() for x in line.split()[1:]] == [
            float(x) for line in lines for x in line.split()[1:]
        ]
        out, lengths = np.empty_like(matrix), np.empty(1000, np.int32)
        assert kernels.parse_text_rows(data, starts, out, lengths)[0] == ""
        assert out.tobytes() == matrix.tobytes()
        assert set(lengths.tolist()) == {4}
    binary = b"".join(b"word " + row.tobytes() + b"\n" for row in matrix.astype(np.float32))
    data = np.frombuffer(b"??" + binary, np.uint8)
    starts, lengths, (fault, _, end, _) = kernels.index_binary_rows(data, 2, 1000, 31)
    assert (fault, end) == ("", len(data) - 1)
    out = np.empty((1000, 31), np.float32)
    assert kernels.copy_binary_rows(data, starts + lengths + 1, out) == -1
    assert out.tobytes() == matrix.astype(np.float32).tobytes()


def test_kernels_refuse_places_outside_the_data(kernels):
    data, one = np.zeros(20, np.uint8), np.ones(1, np.int32)
    out = np.empty((1, 4), np.float32)
    for call in (
        lambda: kernels.index_text_lines(data, 21, -1),
        lambda: kernels.parse_text_rows(data, np.array([0, 30]), out, one),
        lambda: kernels.parse_text_rows(data, np.array([9, 5]), out, one),
        lambda: kernels.parse_text_rows(data, np.array([-1, 5]), out, one),
        lambda: kernels.index_binary_rows(data, 0, 10**15, 1),
        lambda: kernels.index_binary_rows(data, 0, 1, 2**62),
        lambda: kernels.copy_binary_rows(data, np.array([5]), out),
        lambda: kernels.copy_binary_rows(data, np.array([-1]), out),
        lambda: kernels.decode_words(data, np.array([20]), one, "utf-8", "strict"),
        lambda: kernels.decode_words(data, np.array([2]), -one, "utf-8", "strict"),
        lambda: kernels.format_text_rows(data, np.array([0, 21]), out),
    ):
        with pytest.raises(ValueError, match=r"within|ascend|short"):
            call()


# ---- what users have


def test_glove_text_without_a_header(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 0.5 1\n, 2 3\n. . . 4 5\nname@x.com 6 7\n")
    read = KeyedVectors.load_word2vec_format(path, no_header=True)
    assert read.index_to_key == ["the", ",", ". . .", "name@x.com"]
    assert read.vectors.tolist() == [[0.5, 1], [2, 3], [4, 5], [6, 7]]
    assert len(KeyedVectors.load_word2vec_format(path, no_header=True, limit=2)) == 2
    with pytest.raises(ValueError, match="no_header=True"):
        KeyedVectors.load_word2vec_format(path)


def test_zip_archives_are_read(tmp_path, vectors):
    vectors.save_word2vec_format(tmp_path / "f.txt")
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.write(tmp_path / "f.txt", "inside/f.txt")
    same(
        KeyedVectors.load_word2vec_format(tmp_path / "f.zip"),
        KeyedVectors.load_word2vec_format(tmp_path / "f.txt"),
    )
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a", "")
        archive.writestr("b", "")
    with pytest.raises(ValueError, match="holds 2 files"):
        KeyedVectors.load_word2vec_format(tmp_path / "two.zip")
    with pytest.raises(ValueError, match="only read"):
        vectors.save_word2vec_format(tmp_path / "g.zip")


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip), (".bz2", bz2), (".xz", lzma)])
def test_damaged_archives_are_named(tmp_path, suffix, pack):
    path = tmp_path / f"f{suffix}"
    whole = pack.compress(b"2 2\n" + b"".join(b"word%d 1 2\n" % i for i in range(500)))
    for damaged in (whole[: len(whole) // 2], b"plain text", b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"not a whole|is empty"):
            KeyedVectors.load_word2vec_format(path)


def test_spaces_and_line_ends_as_tools_write_them(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"3 2 \r\na 1 2 \r\nb 3  4\r\nc 5 6\n\n\n")
    read = KeyedVectors.load_word2vec_format(path)
    assert read.index_to_key == ["a", "b", "c"]
    assert read.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]
    row = np.array([1, 2], "<f4").tobytes()
    path.write_bytes(b"2 2\nfirst " + row + b"\nsecond " + row + b"\n")  # word2vec.c
    same(
        KeyedVectors.load_word2vec_format(path, binary=True),
        GensimVectors.load_word2vec_format(str(path), binary=True),
    )


def test_an_empty_table_comes_back(tmp_path):
    for binary in (False, True):
        KeyedVectors(5).save_word2vec_format(tmp_path / "f", binary=binary)
        read = KeyedVectors.load_word2vec_format(tmp_path / "f", binary=binary)
        assert read.vectors.shape == (0, 5)
    KeyedVectors(5).save(tmp_path / "n")
    assert KeyedVectors.load(tmp_path / "n").index_to_key == []


@pytest.mark.parametrize("binary", [False, True])
def test_the_first_of_duplicates_is_kept_with_a_warning(tmp_path, binary):
    row = [np.array([i, -i], "<f4").tobytes() if binary else b"%d -%d\n" % (i, i) for i in range(4)]
    path = tmp_path / "f"
    words = (b"a ", b"b ", b"a ", b"c ")
    path.write_bytes(b"4 2\n" + b"".join(w + r for w, r in zip(words, row, strict=True)))
    with pytest.warns(UserWarning, match=r"1 duplicate words.*'a'"):
        read = KeyedVectors.load_word2vec_format(path, binary=binary)
    assert read.index_to_key == ["a", "b", "c"]
    assert read.vectors[:, 0].tolist() == [0, 1, 3]


@pytest.mark.parametrize("binary", [False, True])
def test_words_in_other_encodings(tmp_path, binary):
    path = tmp_path / "f"
    body = np.array([1], "<f4").tobytes() if binary else b"1\n"
    path.write_bytes(b"2 1\nok " + body + "über ".encode("latin-1") + body)
    with pytest.raises(UnicodeDecodeError, match=r"at byte \d+ of .*unicode_errors='ignore'"):
        KeyedVectors.load_word2vec_format(path, binary=binary)
    for options, word in (
        ({"unicode_errors": "ignore"}, "ber"),
        ({"unicode_errors": "replace"}, "\ufffdber"),
        ({"encoding": "latin-1"}, "über"),
    ):
        read = KeyedVectors.load_word2vec_format(path, binary=binary, **options)
        assert read.index_to_key == ["ok", word]


def test_intersect_takes_over_known_words(tmp_path, vectors):
    path = tmp_path / "f"
    vectors.save_word2vec_format(path, binary=True)
    mine = KeyedVectors(7)
    mine.add_vectors(["猫", "dog", "the"], np.zeros((3, 7)))
    mine.intersect_word2vec_format(path, lockf=0.5, binary=True)
    np.testing.assert_array_equal(mine["猫"], vectors["猫"])
    np.testing.assert_array_equal(mine["the"], vectors["the"])
    assert not mine["dog"].any()
    assert mine.vectors_lockf.tolist() == [0.5, 1, 0.5]
    with pytest.raises(ValueError, match="vectors of 7 numbers, these have 3"):
        KeyedVectors(3).intersect_word2vec_format(path, binary=True)


# ---- damage


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


# ---- the native file


def test_native_file_keeps_everything(tmp_path, vectors):
    vectors.save(tmp_path / "f")
    for mode in (None, "r", "c"):
        read = KeyedVectors.load(tmp_path / "f", mmap=mode)
        assert len(read) == len(WORDS)
        assert read._index_to_key is None  # nothing is decoded before it is asked for
        same(read, vectors)
    padded = np.zeros((len(WORDS), 16), np.float16)
    padded[:, :7] = np.arange(7)
    read.vectors = padded[:, :7]
    read.save(tmp_path / "g")
    again = KeyedVectors.load(tmp_path / "g")
    np.testing.assert_array_equal(again.vectors, read.vectors)
    again.save(tmp_path / "g")  # over the file that it is mapped from
    same(KeyedVectors.load(tmp_path / "g"), again)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("words"), "holds no 'words'"),
        (lambda t: t.update(word_offsets=t["word_offsets"][:-1]), "want 11 word offsets"),
        (lambda t: t.update(word_offsets=t["word_offsets"] + 1), "do not divide"),
        (lambda t: t.update(word_offsets=t["word_offsets"][::-1].copy()), "do not divide"),
        (lambda t: t.update(vectors=t["vectors"][0]), "of shape"),
        (lambda t: t.update(words=t["words"].astype(np.int16)), "words are int16"),
        (lambda t: t.update({"attribute.count": np.zeros(3)}), "wanted 10 rows"),
    ],
)
def test_a_native_file_that_lies_is_named(vectors, change, says):
    tensors = vectors.to_tensors()
    change(tensors)
    with pytest.raises(ValueError, match=says):
        KeyedVectors.from_tensors(tensors, "file.lamina")


# ---- mutation


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
