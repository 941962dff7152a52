"""Distances between words, from vectors that somebody else has trained.

    python examples/pretrained_vectors.py [GoogleNews-vectors-negative300.bin]

Without a file, a small one in the same format is made first, of vectors with planted neighbours.
"""

import struct
import sys
import tempfile
from pathlib import Path

import numpy as np

from lamina.models import KeyedVectors


def make_small_file(path: Path) -> None:
    """Write word2vec's binary format: a header, then each word, a space and its float32 numbers."""
    topics = {"animal": ["cat", "dog"], "vehicle": ["car"], "drink": ["cappuccino", "espresso"]}
    generator = np.random.default_rng(0)
    size = 300
    with path.open("wb") as file:
        file.write(f"{sum(map(len, topics.values()))} {size}\n".encode())
        for topic_words in topics.values():
            centre = generator.normal(0, 0.15, size)
            for word in topic_words:
                vector = centre + generator.normal(0, 0.08, size)
                file.write(word.encode() + b" " + struct.pack(f"<{size}f", *vector) + b"\n")


with tempfile.TemporaryDirectory() as folder:
    if len(sys.argv) > 1:
        wv_path = sys.argv[1]
    else:
        wv_path = str(Path(folder) / "small-GoogleNews.bin")
        make_small_file(Path(wv_path))
    # limit=500_000 reads the most frequent words only, in a sixth of the time and memory.
    model = KeyedVectors.load_word2vec_format(wv_path, binary=True, limit=500_000)

for first, second in [("cat", "dog"), ("cat", "car"), ("cappuccino", "espresso")]:
    dist = np.linalg.norm(model[first] - model[second])
    print(f"dist({first},{second}) is {dist}")
