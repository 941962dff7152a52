"""Corpora that are no corpora: each is an error that names the file, the place and the way out."""

import bz2
import errno
import gzip
import lzma
import os
import random
import zipfile
from pathlib import Path

import pytest
from corpora import check, sentences_of, write

from lamina.word2vec import corpus as corpus_module
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.readers import LineSentence, PathLineSentences, Text8Corpus

BAD = [
    b"\xff",
    b"\x80",
    b"\xc3",
    b"\xc0\xaf",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xe4\xb8",
    b"\xf0\x9f\x98",
]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("before", [b"", b"good words ", "wörter und w".encode(), b"x " * 100_000])
@pytest.mark.parametrize("after", [b"", b" end", b"z\n"])
def test_not_utf8_names_file_and_offset(tmp_path, bad, before, after):
    path = write(tmp_path / "text", before + bad + after)
    with pytest.raises(UnicodeDecodeError) as python_error:
        Path(path).read_text(encoding="utf-8")
    expected = rf"text is not UTF-8.* offset {python_error.value.start} .*iconv"
    corpus = open_corpus(corpus_file=path)
    with pytest.raises(ValueError, match=expected):
        corpus.count(threads=2)
    with pytest.raises(ValueError, match=expected):
        corpus.encode(["good"], threads=2)
    for reader in (LineSentence(path), Text8Corpus(path)):
        with pytest.raises(ValueError, match="text is not UTF-8.*offset"):
            list(reader)


@pytest.mark.parametrize("letter", ["x", "é", "中"])
@pytest.mark.parametrize("before", ["", "a b ", "a " * 50_000])
def test_a_word_beyond_64_kb(tmp_path, letter, before):
    size = len(letter.encode())
    fits = letter * (65536 // size)
    assert (
        open_corpus(corpus_file=write(tmp_path / "fits", before + fits)).count().words()[-1] == fits
    )
    for length in (65536 // size + 1, 10_000_000 // size):
        path = write(tmp_path / "long", before + letter * length + " end")
        for threads in (1, 2, 3):
            with pytest.raises(
                ValueError, match=rf"long: the word at offset {len(before)} is longer"
            ):
                open_corpus(corpus_file=path).count(threads=threads)
        with pytest.raises(ValueError, match="longer than 65,536 bytes"):
            open_corpus(corpus_file=path).encode(["a"])


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
def test_damaged_compressed_files_are_named(tmp_path, suffix):
    plain = write(tmp_path / f"plain{suffix}", "not compressed at all\n" * 50)
    with pytest.raises(ValueError, match=f"plain{suffix} is not a whole {suffix} file"):
        open_corpus(corpus_file=plain)
    packers = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    if suffix in packers:
        whole = packers[suffix](random.Random(1).randbytes(50_000).hex().encode())
        cut = write(tmp_path / f"cut{suffix}", whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=f"cut{suffix} is not a whole"):
            open_corpus(corpus_file=cut)


def test_a_zip_whose_directory_lies_is_named(tmp_path):
    """Its reader would seek to a place before the file, or not know the packing or the password."""
    path = tmp_path / "text.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("text", "a b")
    whole = path.read_bytes()
    entry = whole.index(b"PK\x01\x02")
    for place, value in ((entry + 8, b"\x01"), (entry + 10, b"\x63"), (entry + 42, b"\xff" * 4)):
        path.write_bytes(whole[:place] + value + whole[place + len(value) :])
        with pytest.raises(ValueError, match=r"text.zip is not a whole .zip file"):
            open_corpus(corpus_file=path)


def test_errors_name_the_way_out(tmp_path):
    path = write(tmp_path / "text", "a b")
    with pytest.raises(TypeError, match="both are"):
        open_corpus([["a"]], path)
    with pytest.raises(TypeError, match="neither is"):
        open_corpus()
    with pytest.raises(TypeError, match=r"generator, which can be gone through only once.*list\("):
        open_corpus(["a"] for _ in range(3))
    with pytest.raises(TypeError, match="only once"):
        open_corpus(iter([["a"]]))
    for wrong in (path, path.encode(), Path(path)):
        with pytest.raises(TypeError, match="did you mean corpus_file="):
            open_corpus(wrong)
    with pytest.raises(TypeError, match="iterable of lists of words, got a int"):
        open_corpus(5)
    with pytest.raises(TypeError, match="pass readers as sentences="):
        open_corpus(corpus_file=LineSentence(path))
    with pytest.raises(TypeError, match="must be a path"):
        open_corpus(corpus_file=5)
    for missing in (LineSentence(tmp_path / "gone"), Text8Corpus(tmp_path / "gone")):
        with pytest.raises(FileNotFoundError, match="no such corpus file.*gone"):
            open_corpus(missing)
        with pytest.raises(FileNotFoundError, match="gone"):
            list(missing)
    with pytest.raises(FileNotFoundError, match="gone"):
        open_corpus(corpus_file=tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        PathLineSentences(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no file in this directory"):
        PathLineSentences(tmp_path / "empty")
    for directory in ({"sentences": LineSentence(tmp_path)}, {"corpus_file": tmp_path}):
        with pytest.raises(IsADirectoryError, match="PathLineSentences"):
            open_corpus(**directory)
    with pytest.raises(ValueError, match="limit must be a positive integer or None, got 0"):
        LineSentence(path, limit=0)
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        open_corpus(corpus_file=path).count(threads=0)


def test_errors_say_which_sentence():
    good = [["a", "b"]] * 450
    with pytest.raises(TypeError, match=r"sentence 450 is a str.*sentence\.split\(\)"):
        open_corpus([*good, "a b"]).count()
    with pytest.raises(
        TypeError, match="sentence 450, word 2 is 5 \\(int\\), but words must be str"
    ):
        open_corpus([*good, ["a", "b", 5]]).count()
    with pytest.raises(TypeError, match="sentence 0, word 1 is b'b'.*decode"):
        open_corpus([["a", b"b"]]).count()
    with pytest.raises(TypeError, match="sentence 450 is of type int, not a list of words"):
        open_corpus([*good, 5]).count()
    with pytest.raises(ValueError, match="sentence 0, word 0 has half of a surrogate pair"):
        open_corpus([["\udc80"]]).count()
    with pytest.raises(ValueError, match="sentence 0, word 0 is longer than 65536 bytes"):
        open_corpus([["x" * 70_000]]).count()
    with pytest.raises(ValueError, match="sentence 0, word 0 is longer than 65536 bytes"):
        open_corpus([["é" * 40_000]]).count()
    with pytest.raises(TypeError, match="sentence 1 is a str"):
        open_corpus([["a"], "b"]).encode(["a"])
    with pytest.raises(ValueError, match="the word 'a' stands twice"):
        open_corpus([["a"]]).encode(["a", "a"])


def test_an_iterable_that_works_once_is_found_out():
    class Once:
        def __init__(self):
            self.items = iter([["a"]])

        def __iter__(self):
            yield from self.items

    corpus = open_corpus(Once())
    corpus.count()
    with pytest.raises(ValueError, match="second pass over the corpus gave no sentence"):
        corpus.encode(["a"])


@pytest.mark.parametrize("text", ["", " \n\t\n ", "\u3000"])
def test_a_corpus_without_words(tmp_path, text):
    path = write(tmp_path / "blank", text)
    with pytest.raises(ValueError, match="has no words.*blank"):
        open_corpus(corpus_file=path).count()
    with pytest.raises(ValueError, match="corpus is empty"):
        open_corpus([]).count()
    with pytest.raises(ValueError, match="2 sentences, all of them empty"):
        open_corpus([[], []]).count()


def test_a_file_that_shrinks_is_an_error(tmp_path):
    path = tmp_path / "text"
    write(path, "word " * 50_000)
    corpus = open_corpus(corpus_file=path)
    os.truncate(path, 100_000)
    with pytest.raises(
        OSError, match="text became shorter while it was read: it ended at byte 100000"
    ):
        corpus.count(threads=1)


def test_a_full_disk_names_the_directory(tmp_path, monkeypatch):
    path = write(tmp_path / "text", "word " * 50_000)
    corpus = open_corpus(corpus_file=path)
    monkeypatch.setattr(
        corpus_module, "temporary_descriptor", lambda: os.open("/dev/full", os.O_RDWR)
    )
    for full in (corpus, open_corpus([["word"]])):
        with pytest.raises(
            OSError, match="no room for the corpus as word ids in .*TMPDIR"
        ) as error:
            full.encode(["word"])
        assert error.value.errno == errno.ENOSPC


def test_mutated_files_never_do_worse_than_an_error(tmp_path):
    """Files with random bytes changed read as Python reads them, or fail where Python does."""
    rng = random.Random(5)
    base = ("Ein wörter buch\n中文 text\u3000hier 😀 end\x85 and\xa0more\n" * 20).encode()
    failures = 0
    for round_ in range(1500):
        data = bytearray(base[: rng.randint(1, len(base))])
        for _ in range(rng.randint(0, 3)):
            data[rng.randrange(len(data))] = rng.choice(
                [rng.randrange(256), 0x20, 0x0A, 0xC2, 0xE3]
            )
        path = write(tmp_path / f"mutated{round_ % 4}", bytes(data))
        corpus = open_corpus(corpus_file=path)
        try:
            text = bytes(data).decode("utf-8")
        except UnicodeDecodeError as error:
            failures += 1
            with pytest.raises(ValueError, match=f"offset {error.start} "):
                corpus.count(threads=1)
            continue
        sentences = sentences_of(text, lines=True)
        if sentences:
            check(LineSentence(path), sentences, rng.randint(1, 3), rng.randint(1, 100))
    assert 300 < failures < 1300
