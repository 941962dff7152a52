"""What the tests of corpora share: texts, and what plain Python makes of them."""

import numpy as np

from lamina.word2vec.corpus import open_corpus


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
