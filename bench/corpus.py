"""Reading a corpus: Lamina against gensim, in the same run.

    python bench/corpus.py [CORPUS] [--rounds 3] [--threads 2]

CORPUS is a text like text8 (default: wiki8.zip of LAMINA_DATA, unpacked once). Two tables in one:
words counted and written as ids against gensim's scan of the vocabulary, which writes no ids; and
phrases learnt and exported. The answers are compared before anything is timed; both sides take
turns, and what counts is the median of the ratios. Exits with 1 below the floors.
"""

import argparse
import logging
import statistics
import sys
import tempfile
from pathlib import Path

from common import at_least, median_ratio, take_turns, unpack_wiki8
from gensim.models import phrases as gensim_phrases
from gensim.models import word2vec as gensim_word2vec

from lamina import _native
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.phrases import Phrases
from lamina.word2vec.readers import Text8Corpus
from lamina.word2vec.vocabulary import select_words

FLOORS = {"vocabulary and ids": 8.0, "vocabulary and ids of lists": 1.0, "phrases": 5.0}


def our_scan(sentences, threads):
    corpus = open_corpus(sentences)
    vocabulary = select_words(corpus.count(threads=threads), min_count=5)
    return vocabulary, corpus.encode(vocabulary.words, threads=threads)


def their_scan(sentences):
    model = gensim_word2vec.Word2Vec(vector_size=1, min_count=5)
    model.build_vocab(sentences)
    return model


def check_scans(ours, theirs):
    vocabulary, encoded = ours
    assert vocabulary.words == theirs.wv.index_to_key
    assert vocabulary.counts.tolist() == [
        theirs.wv.get_vecattr(word, "count") for word in theirs.wv.index_to_key
    ]
    assert encoded.total_words == theirs.corpus_total_words
    assert encoded.known_words == vocabulary.retained_words


def our_phrases(path):
    return Phrases(Text8Corpus(path, max_sentence_length=10_000)).export_phrases()


def their_phrases(path):
    return gensim_phrases.Phrases(gensim_word2vec.Text8Corpus(path)).export_phrases()


def check_phrases(ours, theirs):
    assert ours == theirs


def compare(name, ours, theirs, check, rounds):
    check(ours(), theirs())
    times = take_turns({"gensim": lambda: theirs, "lamina": lambda: ours}, rounds)
    ratio = median_ratio(times["gensim"], times["lamina"])
    our_median, their_median = (statistics.median(times[side]) for side in ("lamina", "gensim"))
    floor = FLOORS[name]
    verdict = "" if ratio >= floor else "  BELOW THE FLOOR"
    print(
        f"{name:<28} {our_median:8.3f} s {their_median:8.3f} s {ratio:7.1f} x "
        f"  floor {floor:.1f} x{verdict}",
        flush=True,
    )
    return ratio >= floor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", nargs="?")
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--threads", type=at_least(1), default=2)
    parser.add_argument("--phrase-bytes", type=at_least(1), default=20_000_000)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.corpus or str(unpack_wiki8(folder))
        with Path(path).open("rb") as file:
            start = file.read(arguments.phrase_bytes)
        part = Path(folder) / "part"
        part.write_bytes(start[: start.rfind(b" ")])
        lists = list(gensim_word2vec.Text8Corpus(str(part), max_sentence_length=20))
        print(
            f"{path}: {Path(path).stat().st_size / 1e6:.0f} MB; lists of 20 words and phrases: the "
            f"first {len(start) / 1e6:.0f} MB; {arguments.threads} threads, SIMD level "
            f"{_native.core.level}, medians of {arguments.rounds} rounds"
        )
        print(f"{'':<28} {'lamina':>10} {'gensim':>10} {'ratio':>9}")
        good = [
            compare(
                "vocabulary and ids",
                lambda: our_scan(Text8Corpus(path), arguments.threads),
                lambda: their_scan(gensim_word2vec.Text8Corpus(path)),
                check_scans,
                arguments.rounds,
            ),
            compare(
                "vocabulary and ids of lists",
                lambda: our_scan(lists, arguments.threads),
                lambda: their_scan(lists),
                check_scans,
                arguments.rounds,
            ),
            compare(
                "phrases",
                lambda: our_phrases(str(part)),
                lambda: their_phrases(str(part)),
                check_phrases,
                arguments.rounds,
            ),
        ]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
