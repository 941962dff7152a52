import bz2
import errno
import gc
import gzip
import io
import lzma
import os
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.word2vec import corpus as corpus_module
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.readers import (
    BrownCorpus,
    LineSentence,
    PathLineSentences,
    Text8Corpus,
    TextReader,
    simple_preprocess,
)

DATA = Path(os.environ.get("LAMINA_DATA", Path(__file__).parents[2] / "shared" / "data"))

# What str.split() splits at, what nearly looks like it, and characters of every length in UTF-8.
SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
NO_SPACES = (
    "\x00\x08\x0e\x1b!~\x7f\x84\x86\x9f\xa1\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u2030"
    "\u205e\u2060\u2fff\u3001\ufeff"
)
LETTERS = "abcxyzäßЖ中文😀\U0010ffff\ud7ff\ue000"
odd_text = st.text(st.sampled_from(SPACES + NO_SPACES + LETTERS + "  \n\nab"), max_size=400)


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return str(path)


def sentences_of(text, lines, limit=None):
    """What a reader of this text should see, in plain Python."""
    pieces = text.split("\n") if lines else [text]
    sentences = [piece.split() for piece in pieces]
    if limit:
        sentences = [s[i : i + limit] for s in sentences for i in range(0, len(s), limit)]
    return [s for s in sentences if s]


def count_of(sentences):
    counts = {}
    for sentence in sentences:
        for word in sentence:
            counts[word] = counts.get(word, 0) + 1
    return counts


def ids_of(sentences, words):
    place = {word: i for i, word in enumerate(words)}
    ids = []
    for sentence in sentences:
        known = [place[word] for word in sentence if word in place]
        ids += [*known, -1] if known else []
    return ids


def check(reader, sentences, threads=1, block=1 << 20):
    corpus = open_corpus(reader)
    counts = count_of(sentences)
    raw = corpus.count(threads=threads)
    assert list(raw.as_dict().items()) == list(counts.items())
    assert raw.total_words == sum(counts.values())
    assert raw.sentences == len(sentences)
    words = list(counts)[::2]  # every other word is unknown
    encoded = corpus.encode(words, threads=threads, block=block)
    assert encoded.ids.tolist() == ids_of(sentences, words)
    assert encoded.ids.dtype == np.int32
    assert not encoded.ids.flags.writeable
    assert encoded.total_words == raw.total_words
    assert encoded.known_words == sum(counts[word] for word in words)
    assert encoded.sentences == len(sentences)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("corpus")


@settings(max_examples=300, deadline=None)
@given(
    odd_text, st.booleans(), st.sampled_from([None, 1, 2, 5]), st.integers(1, 5), st.integers(1, 40)
)
def test_words_ids_and_sentences_are_pythons(scratch, text, lines, limit, threads, block):
    sentences = sentences_of(text, lines, limit)
    path = write(scratch / "text", text)
    reader = (LineSentence if lines else Text8Corpus)(path, max_sentence_length=limit)
    if not sentences:
        with pytest.raises(ValueError, match="no words"):
            open_corpus(reader).count()
        return
    check(reader, sentences, threads, block)
    if lines or limit:
        assert list(reader) == sentences
    else:
        assert [word for sentence in reader for word in sentence] == sentences[0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([1, 2, 3, 7]))
def test_long_texts_across_every_buffer(scratch, seed, lines, threads):
    """Words, newlines and wide characters at each side of the reader's buffers of 64 KB."""
    rng = random.Random(seed)
    pool = [
        "the",
        "of",
        "x" * 17,
        "y" * 300,
        "z" * rng.randint(1000, 65536),
        "wörter",
        "中" * 21845,
    ]
    pieces = []
    for _ in range(rng.randint(500, 4000)):
        word = rng.choice(pool[:4] if rng.random() < 0.995 else pool)
        pieces.append(word + rng.choice([" ", " ", "\n", "\u3000", "  ", "\n\n"]))
    text = "".join(pieces)
    reader = (LineSentence if lines else Text8Corpus)(write(scratch / "long", text))
    check(reader, sentences_of(text, lines), threads, rng.choice([1000, 65536, 100_000]))


def test_a_text_with_wide_spaces_alone(scratch):
    text = "日本語\u3000テキスト\u3000" * 30_000
    check(Text8Corpus(write(scratch / "wide", text)), sentences_of(text, lines=False), 2, 70_000)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))))
def test_lists_of_words(sentences):
    """Words from Python need not be words: spaces, newlines and empty strings are kept."""
    full = [s for s in sentences if s]
    if not full:
        with pytest.raises(ValueError, match="no words|corpus is empty"):
            open_corpus(sentences).count()
        return
    corpus = open_corpus(sentences)
    raw = corpus.count()
    counts = count_of(sentences)
    assert list(raw.as_dict().items()) == list(counts.items())
    assert (raw.total_words, raw.sentences) == (sum(counts.values()), len(full))
    words = list(counts)[1::2]
    encoded = corpus.encode(words)
    assert encoded.ids.tolist() == ids_of(sentences, words)
    assert encoded.known_words == sum(counts[word] for word in words)
    assert (encoded.total_words, encoded.sentences) == (raw.total_words, raw.sentences)


def test_many_ids_from_lists(monkeypatch):
    monkeypatch.setattr(corpus_module, "_IDS_A_WRITE", 7)
    monkeypatch.setattr(corpus_module, "_SENTENCES_A_CALL", 2)
    sentences = [["a", "b"][: 1 + i % 2] * (i % 4) for i in range(50)]
    encoded = open_corpus(sentences).encode(["b", "a"])
    assert encoded.ids.tolist() == ids_of(sentences, ["b", "a"])


def test_other_sequences_are_sentences_too():
    sentences = [("a", "b"), np.array(["b", "c"]), {"d": 1}]
    assert open_corpus(sentences).count().as_dict() == {"a": 1, "b": 2, "c": 1, "d": 1}


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


@settings(max_examples=200, deadline=None)
@given(st.text(), st.booleans(), st.integers(0, 5), st.integers(0, 20))
def test_simple_preprocess_is_gensims(text, deacc, shortest, longest):
    gensim = pytest.importorskip("gensim.utils")
    assert simple_preprocess(text, deacc, shortest, longest) == gensim.simple_preprocess(
        text, deacc, shortest, longest
    )
    raw = text.encode("utf-8")[:-1]
    assert simple_preprocess(raw, deacc) == gensim.simple_preprocess(raw, deacc)


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


def test_nothing_known_gives_no_ids(tmp_path):
    path = write(tmp_path / "text", "a b\nc")
    for corpus in (open_corpus(corpus_file=path), open_corpus([["a", "b"], ["c"]])):
        encoded = corpus.encode(["d"])
        assert encoded.ids.shape == (0,)
        assert (encoded.total_words, encoded.known_words, encoded.sentences) == (3, 0, 2)


def test_progress_and_interruption(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "_BYTES_A_CALL", 4096)
    text = "some words\n" * 10_000
    path = write(tmp_path / "text", text)
    seen = []
    corpus = open_corpus(corpus_file=path)
    corpus.count(progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 5
    assert seen == sorted(seen)
    assert seen[-1] == (len(text), len(text))
    seen.clear()
    corpus.encode(["some"], block=1000, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 5
    assert seen[-1] == (len(text), len(text))
    lists = open_corpus([["a"]] * 1000)
    seen.clear()
    lists.count(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1000, 1000)

    def interrupt(done, total):
        raise KeyboardInterrupt

    gc.collect()  # what earlier tests left open closes now, not between the two counts
    files = len(os.listdir("/proc/self/fd"))
    for stopped in (corpus, lists):
        with pytest.raises(KeyboardInterrupt):
            stopped.count(progress=interrupt)
        with pytest.raises(KeyboardInterrupt):
            stopped.encode(["some"], progress=interrupt)
    assert len(os.listdir("/proc/self/fd")) == files


def test_files_and_temporary_files_are_closed(tmp_path):
    path = write(tmp_path / "text.gz", gzip.compress(b"a b\nc"))
    files = len(os.listdir("/proc/self/fd"))
    corpus = open_corpus(corpus_file=path)
    ids = corpus.encode(["a"]).ids
    del corpus
    assert len(os.listdir("/proc/self/fd")) == files + 1  # the map's own
    assert ids.tolist() == [0, -1]
    del ids
    assert len(os.listdir("/proc/self/fd")) == files


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


def test_a_reader_of_ones_own():
    class Words(TextReader):
        def files(self):
            return [io.BytesIO(b"my own\nreader")]

    assert open_corpus(Words()).count().sentences == 2
