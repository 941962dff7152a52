"""The word2vec formats: as gensim reads and writes them."""

import bz2
import gzip
import lzma
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
