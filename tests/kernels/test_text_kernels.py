"""Cutting, counting and looking up the words of texts, and padding: plain Python at every level."""

import random
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LONGEST = 65536

# Letters whose small forms are several, or ASCII, or depend on their neighbours; halves of pairs.
ODD = "aZ09 \t\n\x00\x1c!,'|@_ÄßİK\u03a3\u03c3Ж中😀\u3000\xa0\ud800\udfff\x7f\x80\xff"
texts = st.lists(st.text(st.sampled_from(ODD + " ,aB"), max_size=200), max_size=6)
relaxed = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def cut(text, separators, dropped, lower_ascii, lower_all):
    if lower_all:
        text = text.lower()
    elif lower_ascii:
        text = text.translate(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))
    text = text.translate(str.maketrans("", "", "".join(set(dropped) - set(separators))))
    for each in separators:
        text = text.replace(each, "\n")
    return [word for word in text.split("\n") if word]


def counted(kernels, rules, given_texts):
    counter = kernels.TextCounter(rules)
    assert counter.add(given_texts, 0) == len(given_texts)
    return counter.counts()


RULES = [
    ("\n .,!", "", True, True),
    ("\n \u3000中", "", True, True),
    ("\n", "", False, False),
    ("\n \t", string.punctuation, True, False),
    ("\n \x00\x7f", "a,", True, True),
]


@pytest.mark.parametrize("rules", RULES)
@relaxed
@given(given_texts=texts)
def test_words_are_cut_counted_and_found(kernels, rules, given_texts):
    made = kernels.TextRules(*rules)
    rows = [cut(text, *rules) for text in given_texts]
    words, counts, documents = counted(kernels, made, given_texts)
    wanted = Counter(word for row in rows for word in row)
    assert list(zip(words, counts, strict=True)) == list(wanted.items())
    assert dict(zip(words, documents, strict=True)) == Counter(w for row in rows for w in set(row))
    known = words[::2]
    indices, lengths = kernels.TextEncoder(made, known).encode(given_texts, 0)
    assert lengths.tolist() == [len(row) for row in rows]
    place = {word: index for index, word in enumerate(known)}
    assert indices.tolist() == [place.get(word, -1) for row in rows for word in row]


@pytest.mark.parametrize("size", [0, 1, 15, 16, 63, 64, 65, 127, 128, 129, 1000])
def test_words_meet_the_edges_of_blocks(kernels, size):
    rules = kernels.TextRules(" ", "", False, False)
    for before in (0, 1, 62, 63, 64):
        text = " " * before + "x" * size + " y" * (size % 3)
        assert counted(kernels, rules, [text])[:2] == (
            (["x" * size] if size else []) + (["y"] if size % 3 else []),
            ([1] if size else []) + ([size % 3] if size % 3 else []),
        )


def test_every_byte_of_ascii_can_separate_or_vanish(kernels):
    everything = "".join(map(chr, range(128)))
    for code in range(128):
        separating = kernels.TextRules(chr(code), "", False, False)
        parts = [part for part in (everything[:code], everything[code + 1 :]) if part]
        assert counted(kernels, separating, [everything])[0] == parts
        separator = "\n" if code != 10 else " "
        dropping = kernels.TextRules(separator, chr(code), False, False)
        wanted = [p for p in everything.replace(chr(code), "").split(separator) if p]
        assert counted(kernels, dropping, [everything])[0] == wanted


def test_a_long_word_is_left_to_the_caller(kernels):
    rules = kernels.TextRules(" ", "", True, True)
    fits, long = "x" * LONGEST, "x" * (LONGEST + 1)
    counter = kernels.TextCounter(rules)
    given_texts = ["a " + fits, "b", "a a " + long + " a", "c"]
    assert counter.add(given_texts, 0) == 2
    assert counter.counts() == (["a", fits, "b"], [1, 1, 1], [1, 1, 1])
    assert counter.add(given_texts, 3) == 1
    assert counter.counts()[0] == ["a", fits, "b", "c"]
    indices, lengths = kernels.TextEncoder(rules, ["a", long, 7, "b"]).encode(given_texts, 0)
    assert (indices.tolist(), lengths.tolist()) == ([0, -1, 3], [2, 1])
    beyond = "é" * (LONGEST // 2)
    assert counter.add([beyond], 0) == 1
    assert counter.add([beyond + "é"], 0) == 0


def test_what_is_not_exactly_a_text_is_left_to_the_caller(kernels):
    class Text(str):
        __slots__ = ()

    rules = kernels.TextRules(" ", "", True, True)
    for other in (None, 1.5, b"a", ["a"], Text("a")):
        counter = kernels.TextCounter(rules)
        assert counter.add(["x y", other, "z"], 0) == 1
        assert counter.counts()[0] == ["x", "y"]


def test_many_words_are_told_apart(kernels):
    generator = random.Random(3)
    words = ["".join(generator.choices("abcde", k=generator.randint(1, 40))) for _ in range(20_000)]
    rows = [words[i : i + 50] for i in range(0, len(words), 50)]
    rules = kernels.TextRules(" ", "", True, True)
    given_texts = [" ".join(row) for row in rows]
    found, counts, documents = counted(kernels, rules, given_texts)
    assert dict(zip(found, counts, strict=True)) == Counter(words)
    assert dict(zip(found, documents, strict=True)) == Counter(w for row in rows for w in set(row))
    indices, _ = kernels.TextEncoder(rules, found).encode(given_texts, 0)
    assert [found[i] for i in indices] == words


@pytest.mark.parametrize("unknown", [None, 1])
def test_lists_of_items(kernels, unknown):
    items = ["a", 7, object()]
    indices = np.array([0, -1, 2, 2, -1, 1, 0, -1, *([1, -1] * 40)], np.int32)
    lengths = np.array([3, 0, 1, 4, 80], np.int64)
    wanted, begin = [], 0
    for length in lengths:
        row = [items[i] if i >= 0 else unknown for i in indices[begin : begin + length]]
        wanted.append([each for each in row if each is not None])
        begin += length
    assert kernels.gather_lists(indices, lengths, items, unknown) == wanted


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("keep_last", [True, False])
def test_rows_are_filled(kernels, dtype, at_end, keep_last):
    rows = [[1, 2, 3], (), [4], tuple(range(9)), [-(2**31), 2**31 - 1]]
    out = np.full((5, 4), 99, dtype)
    assert kernels.fill_rows(rows, 0, out, at_end, keep_last) == 5
    for row, filled in zip(rows, out, strict=True):
        kept = list(row)[-4:] if keep_last else list(row)[:4]
        rest = [99] * (4 - len(kept))
        wanted = rest + kept if at_end else kept + rest
        np.testing.assert_array_equal(filled, np.array(wanted, dtype))


@pytest.mark.parametrize(
    ("dtype", "row"),
    [
        ("int32", [1, 2**31]),
        ("int32", [-(2**31) - 1]),
        ("int64", [2**63]),
        ("int64", [1.0]),
        ("int32", [True]),
        ("float32", ["1"]),
        ("float64", [None]),
        ("float64", np.ones(2)),
        ("int32", "12"),
        ("int32", 7),
    ],
)
def test_rows_that_are_left_to_the_caller(kernels, dtype, row):
    out = np.zeros((3, 2), dtype)
    assert kernels.fill_rows([[1], row, [2]], 0, out, True, True) == 1
    assert kernels.fill_rows([[1], row, [2]], 2, out, True, True) == 3
    assert out[2].tolist() == [0, 2]


def test_wrong_arguments(kernels):
    rules = kernels.TextRules(" ", "", True, True)
    with pytest.raises(ValueError, match="at least one of them must be ASCII"):
        kernels.TextRules("é", "", True, True)
    with pytest.raises(ValueError, match="only ASCII"):
        kernels.TextRules(" ", "é", True, True)
    with pytest.raises(ValueError, match="word 2 stands twice"):
        kernels.TextEncoder(rules, ["a", "b", "a"])
    for begin in (-1, 2):
        with pytest.raises(IndexError, match=r"outside \[0, 1\]"):
            kernels.TextCounter(rules).add(["a"], begin)
        with pytest.raises(IndexError, match=r"outside \[0, 1\]"):
            kernels.TextEncoder(rules, []).encode(["a"], begin)
    one = np.ones(1, np.int32)
    with pytest.raises(IndexError, match="outside the items"):
        kernels.gather_lists(one, np.ones(1, np.int64), ["a"], None)
    for lengths in ([2], [-1], [1, 1]):
        with pytest.raises(ValueError, match="not those of the indices"):
            kernels.gather_lists(one * 0, np.array(lengths, np.int64), ["a"], None)
    for shape in ((2, 3), (1,), (1, 2, 3)):
        with pytest.raises(ValueError, match="wanted a matrix of 1 rows"):
            kernels.fill_rows([[1]], 0, np.zeros(shape, np.int32), True, True)
    with pytest.raises(ValueError, match="wanted a matrix"):
        kernels.fill_rows([[1]], -1, np.zeros((1, 3), np.int32), True, True)
    locked = np.zeros((1, 3), np.int32)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="not writeable"):
        kernels.fill_rows([[1]], 0, locked, True, True)
