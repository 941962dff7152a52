"""Feed mutated files to every reader and loader; each must load or be refused by a clear error.

    python tests/fuzz.py --runs 30000

An error is clear if it is a ValueError, EOFError or OSError and names the file. Anything else (a
MemoryError for a size that the file merely claims, say) is a failure, and the file stays in
build/fuzz, as it does if the process dies. Run by tests/sanitize.py on sanitized kernels, where
the files of vectors lie between guarded bytes, so that no read past their end goes unseen.
"""

from __future__ import annotations

import argparse
import bz2
import contextlib
import gzip
import io
import logging
import lzma
import random
import struct
import sys
import time
import traceback
import warnings
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lamina.word2vec import formats
from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.keyedvectors import KeyedVectors
from lamina.word2vec.model import Word2Vec
from lamina.word2vec.phrases import FrozenPhrases, Phrases
from lamina.word2vec.readers import LineSentence, Text8Corpus

ROOT = Path(__file__).resolve().parents[1]
CLEAR = (ValueError, EOFError, OSError)
_MOST_FAILURES = 20

TEXT = (
    "the king ruled the land and the queen ruled the sea\n"
    "new york is a city in new york state and 北京 is one too\n"
    "\n"
    "ein wörterbuch für new york\u3000und die 😀 welt\x85 end\xa0here\n"
) * 6

# What goes into a file, anywhere: whitespace of all widths, bytes that are not UTF-8, numbers that
# are too large for somebody, words that are too long for everybody.
PIECES = [
    b"",
    b" ",
    b"\n",
    b"\r\n",
    b"\0",
    b"\t",
    b"\xff",
    b"\xc2\x85",
    b"\xe3\x80\x80",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80",
    b"nan",
    b"inf",
    b"-1",
    b"1e400",
    b"0x1p4",
    b"1e-400",
    b"999999999999999999",
    b"9223372036854775807",
    b"18446744073709551616",
    b"4294967296",
    b"2147483648 2147483648",
    b"1000000000 300",
    b"0 0",
    b"3 0",
    b"{",
    b'"',
    b"[[[[",
    b"null",
    b"-0.0",
    b"x" * 300,
    b"y" * 65_536,
    b"z" * 70_000,
    b" " * 5000,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    struct.pack("<q", 1 << 40),
    struct.pack("<q", -1),
    b"PK\x03\x04",
    b"\x80\x04",
]


def mutated(rng: random.Random, seed: bytes, others: list[bytes]) -> bytes:
    """Return the seed after one to five changes."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        # Headers are where files lie, so every other change is near the beginning.
        end = len(data) if rng.random() < 0.5 else min(len(data), 48)
        at = rng.randrange(end) if end else 0
        match rng.randrange(9):
            case 0 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 1 if data:
                data[at % len(data)] = rng.randrange(256)
            case 2:
                del data[rng.randrange(len(data) + 1) :]
            case 3:
                other = rng.choice(others)
                begin = rng.randrange(len(other) + 1)
                data[at:] = other[begin:]
            case 4:
                begin = rng.randrange(len(data) + 1)
                data[at:at] = data[begin : begin + rng.randrange(64)]
            case 5:
                del data[at : at + rng.randrange(1, 32)]
            case 6:  # another number in the place of one
                digits = [i for i in range(len(data)) if 48 <= data[i] <= 57]
                if digits:
                    begin = stop = rng.choice(digits[:20] if rng.random() < 0.5 else digits)
                    while stop < len(data) and 48 <= data[stop] <= 57:
                        stop += 1
                    data[begin:stop] = str(rng.choice((0, 1, 7, 2**31, 2**40, 10**18))).encode()
            case 7:  # a binary size
                width = rng.choice((4, 8))
                value = rng.choice((0, 1, 255, 1 << 20, (1 << 31) - 1, (1 << 32) - 1))
                data[at : at + width] = value.to_bytes(width, "little")
            case _:
                piece = rng.choice(PIECES)
                data[at : at + rng.choice((0, 0, 1, len(piece)))] = piece
    return bytes(data)


@contextlib.contextmanager
def guarded_bytes(path):
    """Yield a file's bytes in memory of exactly their size, instead of a map of whole pages."""
    with formats.open_plain(path) as file:
        content = file.read()
        data = np.empty(len(content), np.uint8)
        data[:] = np.frombuffer(content, np.uint8)
    yield data


def use_vectors(vectors: KeyedVectors) -> None:
    if not len(vectors):
        return
    words = list(vectors.index_to_key)
    assert len(set(words)) == len(words) == len(vectors.vectors)
    with np.errstate(all="ignore"):
        vectors.most_similar(positive=[words[0]], topn=3)


# One function for each way in. Each is given the path and a random generator.


def text_corpus(path, rng):
    reader = rng.choice((LineSentence, Text8Corpus))(path, rng.choice((None, 1, 7)))
    corpus = open_corpus(reader)
    raw = corpus.count(rng.choice((None, None, 3)), threads=rng.randint(1, 3))
    words = list(raw.as_dict())
    encoded = corpus.encode(words, threads=rng.randint(1, 3), block=rng.randint(1, 200))
    assert encoded.ids.min(initial=0) >= -1
    assert encoded.ids.max(initial=-1) < len(words)
    if raw.min_reduce == 1:
        assert encoded.known_words == encoded.total_words == raw.total_words


def python_sentences(path, rng):
    for sentence in LineSentence(path, limit=rng.choice((None, 2))):
        assert all(sentence)


def learned_phrases(path, rng):
    phrases = Phrases(
        LineSentence(path),
        min_count=1,
        threshold=0.1,
        max_vocab_size=rng.choice((5, 40_000_000)),
        connector_words={"and", "in"},
    )
    phrases.transform_file(path, path.with_name("transformed"))


def trained_model(path, rng):
    Word2Vec(
        corpus_file=path, vector_size=4, min_count=1, epochs=1, workers=2, sg=rng.randint(0, 1),
        hs=rng.randint(0, 1), verbose=0,
    )  # fmt: skip


def vectors_text(path, rng):
    dtype = rng.choice((np.float32, np.float16, np.float64))
    limit = rng.choice((None, None, 1, 3, 10**12))
    use_vectors(KeyedVectors.load_word2vec_format(path, limit=limit, datatype=dtype))


def vectors_glove(path, rng):
    limit = rng.choice((None, None, 2))
    use_vectors(KeyedVectors.load_word2vec_format(path, limit=limit, no_header=True))


def vectors_binary(path, rng):
    dtype = rng.choice((np.float32, np.float32, np.float16, np.float64))
    limit = rng.choice((None, None, 1, 3, 10**12))
    errors = rng.choice(("strict", "ignore", "replace"))
    use_vectors(
        KeyedVectors.load_word2vec_format(
            path, binary=True, limit=limit, datatype=dtype, unicode_errors=errors
        )
    )


def vocabulary_counts(path, rng):
    del rng
    formats.read_counts(path, "utf-8", "strict")


def native_vectors(path, rng):
    use_vectors(KeyedVectors.load(path, mmap=rng.choice((None, "r"))))


def native_model(path, rng):
    del rng
    model = Word2Vec.load(path)
    use_vectors(model.wv)
    model.train([list(model.wv.index_to_key)[:50]] * 3, epochs=1, verbose=0)


def native_phrases(path, rng):
    del rng
    list(Phrases.load(path)[[["new", "york", "is"]]])


def frozen_phrases(path, rng):
    del rng
    list(FrozenPhrases.load(path)[[["new", "york", "is"]]])


VECTORS = KeyedVectors(4)


def questions(path, rng):
    VECTORS.evaluate_word_analogies(path, case_insensitive=rng.random() < 0.5)


def pairs(path, rng):
    VECTORS.evaluate_word_pairs(path, case_insensitive=rng.random() < 0.5)


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content", content)
    return buffer.getvalue()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zip": zipped}


def make_seeds(folder: Path) -> list[tuple[str, str, bytes, object]]:
    """Return (name, suffix, content, function) of a valid file for each way in."""
    corpus = folder / "corpus"
    corpus.write_text(TEXT, encoding="utf-8")
    made = {}
    for name, options in {"sg": {"sg": 1}, "hs": {"hs": 1, "negative": 0}}.items():
        model = Word2Vec(
            corpus_file=corpus,
            vector_size=4,
            min_count=1,
            epochs=1,
            workers=1,
            verbose=0,
            **options,
        )
        model.save(folder / "model")
        made[f"model {name}"] = (folder / "model").read_bytes()
    vectors = model.wv
    VECTORS.add_vectors(list(vectors.index_to_key), vectors.vectors)
    vectors.save(folder / "vectors")
    vectors.save_word2vec_format(folder / "binary", binary=True)
    vectors.save_word2vec_format(folder / "text", fvocab=folder / "counts")
    vectors.save_word2vec_format(folder / "glove", write_header=False)
    phrases = Phrases(LineSentence(corpus), min_count=1, threshold=0.1)
    phrases.save(folder / "phrases")
    phrases.freeze().save(folder / "frozen")
    read = {
        name: (folder / name).read_bytes()
        for name in "corpus vectors binary text glove counts phrases frozen".split()  # noqa: SIM905
    }
    words = b"the king ruled queen"
    read["questions"] = b": section\n" + (words + b"\nnew york state city\n") * 4
    read["pairs"] = b"# pairs\nking\tqueen\t8.5\nnew\tyork\t7\nland\tsea\t3.25\n" * 3
    ways = [
        ("corpus", text_corpus),
        ("corpus", text_corpus),
        ("corpus", python_sentences),
        ("corpus", learned_phrases),
        ("corpus", trained_model),
        ("text", vectors_text),
        ("text", vectors_text),
        ("glove", vectors_glove),
        ("binary", vectors_binary),
        ("binary", vectors_binary),
        ("counts", vocabulary_counts),
        ("vectors", native_vectors),
        ("phrases", native_phrases),
        ("frozen", frozen_phrases),
        ("questions", questions),
        ("pairs", pairs),
    ]
    seeds = [(name, "", read[name], way) for name, way in ways]
    seeds += [(name, "", content, native_model) for name, content in made.items()]
    seeds += [
        (name, suffix, pack(read[name]), way)
        for suffix, pack in PACKERS.items()
        for name, way in (("corpus", text_corpus), ("binary", vectors_binary))
    ]
    return seeds


def clear(error: Exception, path: Path) -> bool:
    """Whether the error is of the documented types and says which file it is about."""
    if not isinstance(error, CLEAR):
        return False
    # What a file's content leads to later (training on no words, say) need not name the file.
    return path.name in str(error) or any(
        frame.name in {"train", "use_vectors"}
        for frame in traceback.extract_tb(error.__traceback__)
    )


def fuzz(runs: int, seconds: float | None, seed: int, output: Path) -> None:
    rng = random.Random(seed)
    output.mkdir(parents=True, exist_ok=True)
    loaded, refused = {}, {}
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        seeds = make_seeds(Path(folder))
    mapped_bytes = formats.mapped_bytes
    others = [content for _, _, content, _ in seeds]
    done = failures = 0
    for done in range(1, runs + 1):
        name, suffix, content, way = rng.choice(seeds)
        path = output / f"fuzzed{suffix}"
        # Compressed files are changed inside as well as outside.
        if suffix and rng.random() < 0.3:
            inner = rng.choice([entry for entry in seeds if entry[0] == name and not entry[1]])[2]
            path.write_bytes(PACKERS[suffix](mutated(rng, inner, others)))
        else:
            path.write_bytes(mutated(rng, content, others))
        formats.mapped_bytes = guarded_bytes if rng.random() < 0.8 else mapped_bytes
        kind = f"{way.__name__}{suffix}"
        try:
            way(path, rng)
            loaded[kind] = loaded.get(kind, 0) + 1
        except Exception as error:  # noqa: BLE001 - which one it is decides
            refused[kind] = refused.get(kind, 0) + 1
            if not clear(error, path):
                kept = output / f"failure-{way.__name__}-{seed}-{done}{suffix}"
                path.replace(kept)
                traceback.print_exc()
                print(f"run {done}: {way.__name__} on {kept} (see above)", file=sys.stderr)
                failures += 1
                if failures == _MOST_FAILURES:
                    break
        if seconds and time.monotonic() - started > seconds:
            break
    for path in output.glob("fuzzed*"):
        path.unlink()
    (output / "transformed").unlink(missing_ok=True)
    if failures:
        raise SystemExit(f"{failures} of {done} files did worse than a clear error")
    print(f"{done} files in {time.monotonic() - started:.0f} s, none did worse than a clear error")
    print(f"{'':26}{'loaded':>8}{'refused':>8}")
    for kind in sorted(loaded | refused):
        print(f"{kind:26}{loaded.get(kind, 0):8}{refused.get(kind, 0):8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=30_000, help="files to try")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same files")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "fuzz")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    np.seterr(all="ignore")
    fuzz(arguments.runs, arguments.seconds, arguments.seed, arguments.output)


if __name__ == "__main__":
    main()
