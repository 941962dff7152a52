"""Where a corpus comes from: packed files, folders, open files, and gensim's readers."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest
from corpora import check, sentences_of, write

from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.readers import (
    BrownCorpus,
    LineSentence,
    PathLineSentences,
    Text8Corpus,
    TextReader,
)


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz", ".zip", ".GZ"])
def test_compressed_forms(tmp_path, suffix):
    text = "one two\nthree two\n" * 20_000
    path = tmp_path / ("text" + suffix)
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("member", text)
    else:
        packers = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
        write(path, packers.get(suffix.lower(), bytes)(text.encode()))
    check(LineSentence(path), sentences_of(text, lines=True), threads=2)
    assert sum(1 for _ in LineSentence(path)) == 40_000
    assert open_corpus(corpus_file=path).count().sentences == 40_000


def test_a_zip_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a", "text")
        archive.writestr("b", "text")
    with pytest.raises(ValueError, match=r"two.zip holds 2 files \(a, b\).*PathLineSentences"):
        open_corpus(LineSentence(tmp_path / "two.zip"))


def test_open_files_and_pipes(tmp_path):
    assert open_corpus(LineSentence(io.BytesIO(b"a b\nc"))).count().sentences == 2
    assert open_corpus(LineSentence(io.StringIO("ä b\nc"))).count().as_dict() == {
        "ä": 1,
        "b": 1,
        "c": 1,
    }
    reader = LineSentence(io.StringIO("a b\nc"))
    assert list(reader) == list(reader) == [["a", "b"], ["c"]]


def test_limit_counts_lines(tmp_path):
    path = write(tmp_path / "text", "a b\n\nc\nd e\nf")
    for limit, expected in [
        (1, "ab"),
        (2, "ab"),
        (3, "abc"),
        (4, "abcde"),
        (5, "abcdef"),
        (9, "abcdef"),
    ]:
        reader = LineSentence(path, limit=limit)
        assert "".join(open_corpus(reader).count().words()) == expected
        assert "".join(word for sentence in reader for word in sentence) == expected


def test_a_directory_of_files(tmp_path):
    write(tmp_path / "b", "three\nfour")
    write(tmp_path / "a.gz", gzip.compress(b"one two\nthree"))
    write(tmp_path / "c", "")
    write(tmp_path / "d", "five one\nsix")
    (tmp_path / "sub").mkdir()
    reader = PathLineSentences(tmp_path)
    sentences = [["one", "two"], ["three"], ["three"], ["four"], ["five", "one"], ["six"]]
    assert list(reader) == sentences
    for threads in range(1, 8):
        for block in (1, 5, 100):
            check(reader, sentences, threads, block)
    assert list(PathLineSentences(tmp_path, limit=1)) == [
        ["one", "two"],
        ["three"],
        ["five", "one"],
    ]


def test_text8_iterates_as_gensim_does(tmp_path):
    gensim = pytest.importorskip("gensim.models.word2vec")
    text = " ".join(str(i % 1000) for i in range(25_000))
    path = write(tmp_path / "text", text)
    for length in (None, 7, 10_000):
        theirs = gensim.Text8Corpus(path, **({"max_sentence_length": length} if length else {}))
        assert list(Text8Corpus(path, length)) == list(theirs)


def test_long_lines_are_not_cut(tmp_path):
    path = write(tmp_path / "text", "word " * 25_000 + "\nend")
    assert [len(sentence) for sentence in LineSentence(path)] == [25_000, 1]
    assert open_corpus(corpus_file=path).count().sentences == 2


def test_brown_corpus(tmp_path):
    gensim = pytest.importorskip("gensim.models.word2vec")
    write(tmp_path / "ca01", "The/at Fulton/np-tl said/vbd ,/, x/y/z ./.\n\n``/`` no/at 1/cd\n")
    assert list(BrownCorpus(tmp_path)) == list(gensim.BrownCorpus(str(tmp_path)))
    assert open_corpus(BrownCorpus(tmp_path)).count().as_dict()["fulton/np"] == 1


def test_a_reader_of_ones_own():
    class Words(TextReader):
        def files(self):
            return [io.BytesIO(b"my own\nreader")]

    assert open_corpus(Words()).count().sentences == 2
