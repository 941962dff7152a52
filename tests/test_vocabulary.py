import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.readers import LineSentence, Text8Corpus
from lamina.word2vec.vocabulary import (
    RULE_DEFAULT,
    RULE_DISCARD,
    RULE_KEEP,
    extend_vocabulary,
    from_frequencies,
    select_words,
)

gensim_word2vec = pytest.importorskip("gensim.models.word2vec")
gensim_utils = pytest.importorskip("gensim.utils")


def gensim_vocabulary(sentences, update=None, trim_rule=None, **arguments):
    model = gensim_word2vec.Word2Vec(vector_size=1, **arguments)
    model.build_vocab(sentences, trim_rule=trim_rule)
    if update is not None:
        model.build_vocab(update, update=True)
    words = list(model.wv.index_to_key)
    return words, [model.wv.get_vecattr(word, "count") for word in words], model


def check(vocabulary, theirs):
    words, counts, model = theirs
    assert vocabulary.words == words
    assert vocabulary.counts.tolist() == counts
    assert vocabulary.counts.dtype == np.int64
    assert vocabulary.effective_min_count == model.effective_min_count
    assert vocabulary.key_to_index == model.wv.key_to_index


def rule(word, count, min_count):
    if word.startswith("a"):
        return RULE_KEEP
    if word.endswith("b"):
        return RULE_DISCARD
    assert isinstance(count, int)
    return RULE_DEFAULT


sentence_lists = st.lists(
    st.lists(st.text("abä ", max_size=3), max_size=30), min_size=1, max_size=20
)


@settings(max_examples=150, deadline=None)
@given(
    sentence_lists,
    sentence_lists,
    st.integers(1, 4),
    st.sampled_from([None, 1, 2, 5, 20]),
    st.sampled_from([None, 1, 3, 10]),
    st.booleans(),
    st.booleans(),
)
def test_selection_is_gensims(first, second, min_count, final, largest, ordered, ruled):
    # gensim takes the pieces of max_vocab_size from the same lists, so its pruning can be compared.
    trim_rule = rule if ruled else None
    settings_ = {"min_count": min_count, "max_final_vocab": final, "trim_rule": trim_rule}
    if not any(first) or not any(second):
        return
    corpus = open_corpus(first)
    raw = corpus.count(max_vocab_size=largest, trim_rule=trim_rule)
    model = gensim_word2vec.Word2Vec(vector_size=1, max_vocab_size=largest)
    total, sentences = model.scan_vocab(first, trim_rule=trim_rule)
    assert list(raw.as_dict().items()) == list(model.raw_vocab.items())
    assert raw.total_words == total
    assert raw.sentences == sum(1 for s in first if s) <= sentences
    try:
        theirs = gensim_vocabulary(first, sorted_vocab=ordered, max_vocab_size=largest, **settings_)
    except RuntimeError:  # gensim's way of saying that nothing is left
        with pytest.raises(ValueError, match="no word is left|corpus has no words"):
            select_words(raw, sorted_vocab=ordered, **settings_)
        return
    if not theirs[0]:
        with pytest.raises(ValueError, match="no word is left|corpus has no words"):
            select_words(raw, sorted_vocab=ordered, **settings_)
        return
    ours = select_words(raw, sorted_vocab=ordered, **settings_)
    check(ours, theirs)
    if not ruled:
        more = open_corpus(second).count(max_vocab_size=largest)
        check(
            extend_vocabulary(ours, more, min_count, final),
            gensim_vocabulary(
                first,
                second,
                sorted_vocab=ordered,
                max_vocab_size=largest,
                min_count=min_count,
                max_final_vocab=final,
            ),
        )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([*"abcdefgh", "ij" * 9]), max_size=60), min_size=1, max_size=20
    ),
    st.integers(1, 9),
    st.booleans(),
)
def test_pruning_a_file_is_gensims(tmp_path_factory, sentences, largest, lines):
    if not any(sentences):
        return
    path = tmp_path_factory.mktemp("prune") / "text"
    # A text without lines has spaces alone: at a newline gensim may cut a word later.
    path.write_text(("\n" if lines else " ").join(map(" ".join, sentences)), encoding="utf-8")
    ours = (LineSentence if lines else Text8Corpus)(path, max_sentence_length=10)
    kind = gensim_word2vec.LineSentence if lines else gensim_word2vec.Text8Corpus
    theirs = kind(str(path), max_sentence_length=10)
    model = gensim_word2vec.Word2Vec(vector_size=1, max_vocab_size=largest)
    total, count = model.scan_vocab(theirs)
    raw = open_corpus(ours).count(max_vocab_size=largest)
    assert list(raw.as_dict().items()) == list(model.raw_vocab.items())
    assert (raw.total_words, raw.sentences) == (total, count)


def test_constants_are_gensims():
    assert (RULE_DEFAULT, RULE_DISCARD, RULE_KEEP) == (
        gensim_utils.RULE_DEFAULT,
        gensim_utils.RULE_DISCARD,
        gensim_utils.RULE_KEEP,
    )


def test_real_text_in_gensims_order(real_data):
    path = real_data("text8_1m.gz")
    raw = open_corpus(Text8Corpus(path)).count(threads=2)
    theirs = gensim_vocabulary(gensim_word2vec.Text8Corpus(str(path)), min_count=5)
    check(select_words(raw, min_count=5), theirs)
    assert raw.total_words == theirs[2].corpus_total_words
    words = len(gzip.decompress(path.read_bytes()).split())
    assert raw.total_words == words
    limited = gensim_vocabulary(
        gensim_word2vec.Text8Corpus(str(path)), min_count=5, max_final_vocab=1000
    )
    check(select_words(raw, min_count=5, max_final_vocab=1000), limited)
    pruned = open_corpus(Text8Corpus(path)).count(max_vocab_size=5000)
    theirs = gensim_vocabulary(
        gensim_word2vec.Text8Corpus(str(path)), min_count=5, max_vocab_size=5000
    )
    check(select_words(pruned, min_count=5), theirs)


def test_from_frequencies():
    frequencies = {"b": 5, "a": 7, "c": 5, "d": 1}
    model = gensim_word2vec.Word2Vec(vector_size=1, min_count=2)
    model.build_vocab_from_freq(frequencies)
    vocabulary = select_words(frequencies, min_count=2)
    assert vocabulary.words == model.wv.index_to_key
    assert (vocabulary.raw_types, vocabulary.raw_words, vocabulary.retained_words) == (4, 18, 17)
    assert from_frequencies(frequencies, sentences=9).sentences == 9
    with pytest.raises(TypeError, match="3 is not a str but a int"):
        select_words({3: 1})
    for wrong in (-1, 1.5, "many"):
        with pytest.raises(ValueError, match="count of 'a' must be a whole number"):
            select_words({"a": wrong})


@pytest.mark.parametrize("counts", [{"a": 2**63}, {"a": 2**61, "b": 2**61}])
def test_counts_that_no_sum_can_hold_are_refused(counts):
    with pytest.raises(ValueError, match=r"up to '[ab]' the counts sum to [\d,]+, and no corpus"):
        from_frequencies(counts)


def test_nothing_left_says_why():
    raw = open_corpus([["rare", "often", "often"]]).count()
    with pytest.raises(
        ValueError, match=r"2 different words.*'often', occurs 2 times, and min_count=5"
    ):
        select_words(raw, min_count=5)
    with pytest.raises(ValueError, match="min_count=1, which max_final_vocab raised to 3"):
        select_words({"a": 2, "b": 2}, min_count=1, max_final_vocab=1)
    with pytest.raises(ValueError, match="the corpus has no words"):
        select_words({})
    with pytest.raises(ValueError, match="max_final_vocab must be at least 1 or None, got 0"):
        select_words(raw, max_final_vocab=0)
    with pytest.raises(ValueError, match="trim_rule"):
        select_words(raw, min_count=1, trim_rule=lambda *_: RULE_DISCARD)
