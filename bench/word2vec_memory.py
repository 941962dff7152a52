"""How much memory training takes on a corpus that is far larger: wiki8 repeated to 2 GB.

    python bench/word2vec_memory.py [--megabytes 2000] [--skip-gram] [--threads 2]

One epoch in a process of its own, whose anonymous memory (what cannot be read again from a file)
is sampled from outside. min_count grows with the repetition, so that the vocabulary stays wiki8's.
Exits with 1 if the peak is above the floor, or above two matrices, the vocabulary and 150 MB.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

from common import DATA, at_least

FLOOR = 400  # MB
SLACK = 150  # MB

# Runs in the child; prints a line when each stage begins, and at the end what was made.
TRAINING = """
import json, sys, time
from lamina.word2vec import Word2Vec
from lamina.word2vec.readers import Text8Corpus
path, min_count, sg, threads, size = sys.argv[1], *map(int, sys.argv[2:])
def stage(name): print(json.dumps({"stage": name, "time": time.time()}), flush=True)
stage("count")
model = Word2Vec(
    vector_size=size, min_count=min_count, sg=sg, workers=threads, epochs=1, sample=1e-3
)
model.build_vocab(Text8Corpus(path))
stage("encode and train")
started = time.perf_counter()
model.train(Text8Corpus(path), verbose=0)
seconds = time.perf_counter() - started
stage("done")
print(json.dumps({"words": model.corpus_total_words, "vocabulary": len(model.wv),
                  "seconds": seconds, **model.estimate_memory()}), flush=True)
"""


class Watch:
    """The highest of a process's memory counters, in kilobytes, as a thread saw them."""

    def __init__(self, process):
        self._status = Path(f"/proc/{process.pid}/status")
        self.peaks = {}
        self.stages = {}
        self.stage = "import"
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while True:
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return
            fields = {line.partition(":")[0]: line.split()[1:2] for line in lines}
            if "RssAnon" not in fields:  # it has ended
                return
            for name in ("RssAnon", "RssFile", "RssShmem", "VmHWM"):
                value = int(fields[name][0])
                self.peaks[name] = max(self.peaks.get(name, 0), value)
            anonymous = int(fields["RssAnon"][0])
            self.stages[self.stage] = max(self.stages.get(self.stage, 0), anonymous)
            time.sleep(0.005)


def write_corpus(path, megabytes):
    """Write wiki8 again and again; return how often it stands there whole."""
    with zipfile.ZipFile(DATA / "wiki8.zip") as archive:
        text = archive.read(archive.namelist()[0]).rstrip() + b"\n"
    if megabytes * 1e6 < len(text):
        text = text[: int(megabytes * 1e6)].rpartition(b" ")[0] + b"\n"
    repeats = max(1, math.ceil(megabytes * 1e6 / len(text)))
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(text)
    return repeats


def measure(path, repeats, skip_gram, threads, size):
    """Train in a child; return what it printed and what was seen of its memory."""
    numbers = (5 * repeats, int(skip_gram), threads, size)
    with subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(path), *map(str, numbers)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        watch = Watch(process)
        result = {}
        for line in process.stdout:
            result = json.loads(line)
            watch.stage = result.get("stage", watch.stage)
    if process.returncode:
        raise SystemExit(f"the training failed with {process.returncode}")
    return result, watch


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--megabytes", type=at_least(0.1), default=2000)
    parser.add_argument("--skip-gram", action="store_true", help="instead of CBOW")
    parser.add_argument("--threads", type=at_least(1), default=2)
    parser.add_argument("--size", type=at_least(1), default=200, help="of the vectors")
    arguments = parser.parse_args()
    if not (DATA / "wiki8.zip").exists():
        raise SystemExit(f"no wiki8.zip in {DATA}: set LAMINA_DATA to the folder that holds it")
    with tempfile.TemporaryDirectory(prefix="lamina-bench-") as folder:
        corpus = Path(folder) / "corpus"
        repeats = write_corpus(corpus, arguments.megabytes)
        size = corpus.stat().st_size
        result, watch = measure(
            corpus, repeats, arguments.skip_gram, arguments.threads, arguments.size
        )
    peak = watch.peaks["RssAnon"] / 1000
    matrices = (result["vectors"] + result["syn1neg"]) / 1e6
    vocabulary = result["vocab"] / 1e6
    bound = matrices + vocabulary + SLACK
    print(
        f"{'skip-gram' if arguments.skip_gram else 'CBOW'}, d={arguments.size}, one epoch, "
        f"{arguments.threads} threads: {size / 1e6:,.0f} MB, wiki8 {repeats} times, "
        f"{result['words']:,} words, {result['vocabulary']:,} of them different\n"
        f"ids and training: {result['seconds']:.1f} s\n"
    )
    for name, megabytes in (
        *((f"peak anonymous memory: {stage}", kb / 1000) for stage, kb in watch.stages.items()),
        ("peak anonymous memory", peak),
        ("two matrices", matrices),
        ("vocabulary", vocabulary),
        (f"two matrices, vocabulary and {SLACK} MB", bound),
        ("floor", FLOOR),
        ("peak with pages of files (VmHWM)", watch.peaks["VmHWM"] / 1000),
        ("peak in shared memory", watch.peaks["RssShmem"] / 1000),
    ):
        print(f"{name:50}{megabytes:10,.1f} MB")
    if peak > min(bound, FLOOR):
        raise SystemExit("the peak is above the bound")


if __name__ == "__main__":
    main()
