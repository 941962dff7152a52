import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.word2vec import phrases as phrases_module
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.phrases import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrases
from lamina.word2vec.readers import LineSentence, Text8Corpus

gensim_phrases = pytest.importorskip("gensim.models.phrases")
gensim_word2vec = pytest.importorskip("gensim.models.word2vec")


SENTENCES = [
    ["the", "mayor", "of", "new", "york", "was", "there"],
    ["human", "interface", "computer"],
    ["bank", "of", "america", "and", "the", "bank", "of", "america"],
    ["trees", "graph", "minors", "and", "new", "york"],
    ["graph", "minors", "trees", "bank", "of", "america", "in", "new", "york"],
    ["graph", "minors", "survey", "of", "the"],
    [],
    ["of"],
] * 3


def odds(worda_count, wordb_count, bigram_count, len_vocab, min_count, corpus_word_count):
    return bigram_count / (worda_count + wordb_count) - min_count / corpus_word_count


SCORINGS = [("default", 0.1), ("default", 2.0), ("npmi", 0.3), ("npmi", -1), (odds, 0.1)]

words = st.sampled_from([*"abcde", "of", "the", "a_b", "_", "b_", "ä", "x" * 20])
sentence_lists = st.lists(st.lists(words, max_size=25), max_size=12)


def both(sentences, **arguments):
    return Phrases(sentences, **arguments), gensim_phrases.Phrases(sentences, **arguments)


def check(ours, theirs, sentences):
    assert dict(ours.vocab) == theirs.vocab
    assert list(ours.vocab) == list(theirs.vocab)
    assert ours.corpus_word_count == theirs.corpus_word_count
    assert ours.min_reduce == theirs.min_reduce
    exported = ours.export_phrases()
    assert exported == theirs.export_phrases()
    assert list(exported) == list(theirs.export_phrases())
    assert ours.find_phrases(sentences) == theirs.find_phrases(sentences)
    frozen, their_frozen = ours.freeze(), theirs.freeze()
    assert frozen.phrasegrams == their_frozen.phrasegrams
    for sentence in sentences:
        assert list(ours.analyze_sentence(sentence)) == list(theirs.analyze_sentence(sentence))
        assert ours[sentence] == theirs[sentence]
        assert frozen[sentence] == their_frozen[sentence]


@settings(max_examples=150, deadline=None)
@given(
    sentence_lists,
    sentence_lists,
    st.sampled_from([1, 2, 3.5]),
    st.sampled_from(SCORINGS),
    st.sampled_from([40_000_000, 1, 4, 20]),
    st.sampled_from(["_", "__", " ", "ß"]),
    st.sampled_from([frozenset(), frozenset({"of", "the"}), ENGLISH_CONNECTOR_WORDS]),
)
def test_everything_is_gensims(first, second, min_count, scoring, largest, delimiter, connectors):
    ours, theirs = both(
        first,
        min_count=min_count,
        threshold=scoring[1],
        scoring=scoring[0],
        max_vocab_size=largest,
        delimiter=delimiter,
        connector_words=connectors,
    )
    check(ours, theirs, first)
    ours.add_vocab(second)
    theirs.add_vocab(second)
    check(ours, theirs, second)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([*"abc", "of", "ä_a", "x" * 20]), max_size=25), max_size=12),
    st.sampled_from([s for s in SCORINGS if s[0] != odds]),
    st.sampled_from([40_000_000, 1, 4, 20]),
    st.booleans(),
    st.booleans(),
)
def test_files_give_what_lists_give(tmp_path_factory, sentences, scoring, largest, lines, connects):
    folder = tmp_path_factory.mktemp("phrases")
    path = folder / "text"
    path.write_text("\n".join(map(" ".join, sentences)), encoding="utf-8")
    arguments = {
        "min_count": 1,
        "threshold": scoring[1],
        "scoring": scoring[0],
        "max_vocab_size": largest,
        "connector_words": {"of"} if connects else frozenset(),
    }
    reader = (LineSentence if lines else Text8Corpus)(path, max_sentence_length=7)
    cut = list(reader)
    ours = Phrases(reader, **arguments)
    theirs = gensim_phrases.Phrases(cut, **arguments)
    check(ours, theirs, cut)
    for model, other in ((ours, theirs), (ours.freeze(), theirs.freeze())):
        expected = [other[sentence] for sentence in cut]
        model.transform_file(reader, folder / "out")
        assert (folder / "out").read_text("utf-8") == "".join(" ".join(s) + "\n" for s in expected)
        assert list(model[reader]) == expected
        if expected:
            counted = open_corpus(model[reader]).count().as_dict()
            assert counted == open_corpus(expected).count().as_dict()


def test_connectors_join_names():
    ours, theirs = both(
        SENTENCES, min_count=1, threshold=1.0, connector_words=ENGLISH_CONNECTOR_WORDS
    )
    check(ours, theirs, SENTENCES)
    assert ENGLISH_CONNECTOR_WORDS == gensim_phrases.ENGLISH_CONNECTOR_WORDS
    assert ours[["the", "bank", "of", "america", "in", "new", "york"]] == [
        "the",
        "bank_of_america",
        "in",
        "new_york",
    ]


@pytest.mark.parametrize("scoring", ["default", "npmi"])
def test_real_text(scoring, real_data):
    path = str(real_data("text8_1m.gz"))
    arguments = {
        "scoring": scoring,
        "threshold": 0.5 if scoring == "npmi" else 10,
        "connector_words": ENGLISH_CONNECTOR_WORDS,
    }
    ours = Phrases(Text8Corpus(path, max_sentence_length=10_000), **arguments)
    theirs = gensim_phrases.Phrases(gensim_word2vec.Text8Corpus(path), **arguments)
    assert dict(ours.vocab) == theirs.vocab
    exported = ours.export_phrases()
    assert exported == theirs.export_phrases()
    assert len(exported) > 1000


def test_trigrams_by_twice_pairs(tmp_path):
    sentences = ["new york times", "a new york", "times b", "new york c"] * 5
    path = tmp_path / "text"
    path.write_text("\n".join(sentences), encoding="utf-8")
    sentences = [sentence.split() for sentence in sentences]
    pairs, their_pairs = both(sentences, min_count=1, threshold=0.6)
    assert pairs[sentences[0]] == ["new_york", "times"]
    theirs = gensim_phrases.Phrases(their_pairs[sentences], min_count=1, threshold=0.2)
    for corpus in (sentences, LineSentence(path)):
        triples = Phrases(pairs[corpus], min_count=1, threshold=0.2)
        check(triples, theirs, list(pairs[sentences]))
        # Not in export_phrases(): that takes the phrase for "new" and "times", as in gensim.
        assert "new_york_times" in triples.find_phrases(pairs[sentences])


def test_transformed_corpora_start_anew():
    model = Phrases(SENTENCES, min_count=1, threshold=1.0)
    transformed = model[SENTENCES]
    assert list(transformed) == list(transformed) == [model[s] for s in SENTENCES]
    assert model[[]] == []
    assert list(model[iter(SENTENCES)]) == list(transformed)
    assert model[iter(["new", "york"])] == ["new_york"]
    assert model[("new", "york")] == ["new_york"]


def test_generators_are_welcome_because_one_pass_is_enough():
    ours = Phrases((s for s in SENTENCES), min_count=1, threshold=1.0)
    assert dict(ours.vocab) == gensim_phrases.Phrases(SENTENCES, min_count=1, threshold=1.0).vocab


def test_vocab_is_a_mapping():
    vocab = Phrases(SENTENCES, min_count=1, threshold=1.0).vocab
    assert vocab["new_york"] == 9
    assert "new" in vocab
    assert "nowhere" not in vocab
    assert vocab.get("nowhere") is None
    assert vocab.get("nowhere", 7) == 7
    assert vocab.get(5) is None
    with pytest.raises(KeyError, match="nowhere"):
        vocab["nowhere"]
    assert len(vocab) == len(list(vocab)) == len(vocab.items())


@pytest.mark.parametrize("scoring", SCORINGS)
def test_save_and_load(tmp_path, monkeypatch, scoring):
    monkeypatch.setattr("lamina.word2vec.phrase_file._ENTRIES_A_LINE", 7)
    model = Phrases(
        [*SENTENCES, ["line\nbreak", "ß"]],
        min_count=1,
        threshold=scoring[1],
        scoring=scoring[0],
        connector_words={"of"},
    )
    path = tmp_path / "phrases"
    function = scoring[0] if callable(scoring[0]) else None
    model.save(path)
    again = Phrases.load(path, scoring=function)
    assert list(again.vocab.items()) == list(model.vocab.items())
    assert again.export_phrases() == model.export_phrases()
    assert again.find_phrases(SENTENCES) == model.find_phrases(SENTENCES)
    for name in ("min_count", "threshold", "delimiter", "connector_words", "max_vocab_size"):
        assert getattr(again, name) == getattr(model, name)
    for name in ("min_reduce", "corpus_word_count", "progress_per", "scoring"):
        assert getattr(again, name) == getattr(model, name)
    if function:
        with pytest.raises(ValueError, match=r"pass it again as Phrases\.load\(path, scoring="):
            Phrases.load(path)
    frozen = model.freeze()
    frozen.save(path)
    again = FrozenPhrases.load(path, scoring=function)
    assert again.phrasegrams == frozen.phrasegrams
    assert again.connector_words == frozen.connector_words
    with pytest.raises(ValueError, match=r"load it with FrozenPhrases\.load"):
        Phrases.load(path)


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "phrases"
    Phrases(SENTENCES, min_count=1).save(path)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for damaged, place in [
        (b"", 1),
        (b"{}\n", 1),
        (b"\xff\xfe", 1),
        (b"word 1.0 2.0\n", 1),
        (whole[:-20], 2),
        (lines[0], 1),
        (lines[0] + b"[[1], [2]]\n", 2),
        (lines[0] + b'[["a"], ["b"]]\n', 2),
        (lines[0] + b'[["a", "b"], [1]]\n', 2),
        (lines[0] + b"5\n", 2),
        (lines[0] + b'[["a"], [9223372036854775808]]\n', 2),
        (lines[0] + b'[["a"], [-1]]\n', 2),
        (lines[0] + b'[["a"], [1.5]]\n', 2),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"phrases, line {place}: not a whole file of phrases"):
            Phrases.load(path)
    header = json.loads(lines[0])
    del header["delimiter"]
    path.write_bytes(json.dumps(header).encode() + b"\n" + b"".join(lines[1:]))
    with pytest.raises(ValueError, match="line 1: not a whole file of phrases: delimiter"):
        Phrases.load(path)
    header |= {"delimiter": "_", "entries": 1}
    for word in ("\ud800", "x" * 70_000):
        path.write_text(json.dumps(header) + "\n" + json.dumps([[word], [1]]) + "\n")
        with pytest.raises(ValueError, match=r"phrases: what it holds cannot be meant: .*word 0"):
            Phrases.load(path)
    twice = json.dumps([["a"], [1 << 62]]) + "\n"
    path.write_text(json.dumps(header | {"entries": 2}) + "\n" + 2 * twice)
    with pytest.raises(
        ValueError, match=r"phrases: what it holds cannot be meant: .*exceed 2\*\*63"
    ):
        Phrases.load(path)
    path.write_text(json.dumps(header | {"min_count": -1}) + "\n" + '[["a"], [1]]\n')
    with pytest.raises(ValueError, match="phrases: what it holds cannot be meant: min_count"):
        Phrases.load(path)
    header |= {"delimiter": 5}
    path.write_bytes(json.dumps(header).encode() + b"\n" + b"".join(lines[1:]))
    with pytest.raises(ValueError, match="line 1: not a whole file of phrases: delimiter"):
        Phrases.load(path)


def test_wrong_settings_are_refused():
    for wrong, message in [
        ({"min_count": 0}, "min_count must be above 0, got 0"),
        ({"threshold": 0}, "threshold must be above 0 for the default scoring"),
        ({"scoring": "npmi", "threshold": 2}, "from -1 to 1 for npmi"),
        ({"scoring": "pmi"}, "'default', 'npmi' or a function, got 'pmi'"),
        (
            {"scoring": lambda worda_count: 1},
            "lacks the parameters bigram_count, corpus_word_count",
        ),
        ({"delimiter": ""}, "delimiter must be a str that is not empty"),
    ]:
        with pytest.raises(ValueError, match=message):
            Phrases(**wrong)
    with pytest.raises(TypeError, match="got 5"):
        Phrases(scoring=5)
    with pytest.raises(TypeError, match="connector_words must be a set of words, got a str"):
        Phrases(connector_words="of the")
    model = Phrases(SENTENCES)
    with pytest.raises(TypeError, match="got the str 'new york'"):
        model["new york"]
    with pytest.raises(TypeError, match="sentence 1 is a str"):
        Phrases([["a"], "b"])
    with pytest.raises(TypeError, match="did you mean corpus_file="):
        Phrases("path")


def test_bad_files_are_refused_and_leave_the_output_alone(tmp_path):
    model = Phrases(SENTENCES, min_count=1, threshold=1.0)
    bad, out = tmp_path / "bad", tmp_path / "out"
    bad.write_bytes(b"new york\n" * 100_000 + b"\xff")
    out.write_text("before", encoding="utf-8")
    with pytest.raises(ValueError, match="bad is not UTF-8"):
        Phrases(corpus_file=bad)
    with pytest.raises(ValueError, match="bad is not UTF-8"):
        model.transform_file(bad, out)
    with pytest.raises(FileNotFoundError, match="gone"):
        model.transform_file(tmp_path / "gone", out)
    assert out.read_text("utf-8") == "before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad", "out"]
    bad.write_bytes(b"human computer new york\n")
    model.transform_file(bad, out)
    assert out.read_text("utf-8") == "human computer new_york\n"


def test_long_corpora_cross_every_buffer(tmp_path, monkeypatch):
    monkeypatch.setattr(phrases_module, "_BYTES_A_CALL", 10_000)
    path = tmp_path / "text"
    lines = [f"w{i % 97} of w{i % 89} new york" for i in range(20_000)]
    path.write_text("\n".join(lines), encoding="utf-8")
    sentences = [line.split() for line in lines]
    seen = []
    ours = Phrases(threshold=0.3, connector_words={"of"})
    ours.add_vocab(corpus_file=path, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) > 10
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    theirs = gensim_phrases.Phrases(sentences, threshold=0.3, connector_words={"of"})
    assert dict(ours.vocab) == theirs.vocab
    ours.transform_file(path, tmp_path / "out")
    expected = "".join(" ".join(theirs[s]) + "\n" for s in sentences)
    assert (tmp_path / "out").read_text("utf-8") == expected
    assert "new_york" in expected


def test_scores_by_hand():
    model = Phrases([["a", "b", "a", "b", "c"]], min_count=1, threshold=0.1)
    # a twice, b twice, a_b twice, and a, b, c, a_b, b_a, b_c are six types.
    assert model.export_phrases() == {"a_b": (2 - 1) / (2 * 2) * 6}
    model = Phrases([["a", "b", "a", "b", "c"]], min_count=1, threshold=0.0, scoring="npmi")
    expected = math.log((2 / 5) / (2 / 5 * (2 / 5))) / -math.log(2 / 5)
    assert model.export_phrases()["a_b"] == expected
