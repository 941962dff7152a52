"""Words counted and written as ids: what plain Python would give, on any number of threads."""

import gc
import gzip
import os
import random

import numpy as np
import pytest
from corpora import check, count_of, ids_of, sentences_of, write
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.word2vec import corpus as corpus_module
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.readers import LineSentence, Text8Corpus

# What str.split() splits at, what nearly looks like it, and characters of every length in UTF-8.
SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
NO_SPACES = (
    "\x00\x08\x0e\x1b!~\x7f\x84\x86\x9f\xa1\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u2030"
    "\u205e\u2060\u2fff\u3001\ufeff"
)
LETTERS = "abcxyzäßЖ中文😀\U0010ffff\ud7ff\ue000"
odd_text = st.text(st.sampled_from(SPACES + NO_SPACES + LETTERS + "  \n\nab"), max_size=400)


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


@pytest.mark.parametrize("after", [" c d", "\nc d", "\u3000c d", "c d", "", "\n"])
@pytest.mark.parametrize("lines", [True, False])
def test_a_wide_space_at_the_end_of_a_buffer(scratch, lines, after):
    """It ends its word, and what follows in the next buffer is no part of that word."""
    last = "é\u3000"
    text = "a " * ((65536 - len(last.encode())) // 2)
    text += "b" * (65536 - len((text + last).encode())) + last
    assert len(text.encode()) == 65536
    path = write(scratch / "wide", text + after)
    check((LineSentence if lines else Text8Corpus)(path), sentences_of(text + after, lines))


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
    gc.collect()
    files = len(os.listdir("/proc/self/fd"))
    corpus = open_corpus(corpus_file=path)
    ids = corpus.encode(["a"]).ids
    del corpus
    assert len(os.listdir("/proc/self/fd")) == files + 1  # the map's own
    assert ids.tolist() == [0, -1]
    del ids
    assert len(os.listdir("/proc/self/fd")) == files
