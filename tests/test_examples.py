"""The programs in examples/, run, and the slides' own text."""

import ast
import gzip
import math
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

# As on the slide, but for the import root.
_SLIDE = """
from lamina.models import word2vec
sentences = word2vec.Text8Corpus('text8')
model = word2vec.Word2Vec(sentences, size=200)
model.save('text8.model')
model = word2vec.Word2Vec.load('text8.model')
most_similar = model.most_similar(positive=['woman', 'king'], negative=['man'],
topn=1)
print(most_similar)
"""


@pytest.fixture
def text8(real_data, tmp_path, monkeypatch):
    """The beginning of text8, in the folder where the programs run."""
    with gzip.open(real_data("text8_1m.gz")) as packed:
        (tmp_path / "text8").write_bytes(packed.read())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "text8"


def run(program, *arguments):
    finished = subprocess.run(
        [sys.executable, *program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("program", [["-c", _SLIDE], [str(EXAMPLES / "king_man_woman.py")]])
def test_king_man_woman(text8, program):
    answer = run(program)
    assert re.fullmatch(r"\[\('[a-z]+', 0\.\d+\)\]\n", answer), answer
    from lamina.models import word2vec

    model = word2vec.Word2Vec.load("text8.model")
    assert model.vector_size == 200
    words = [w for w, _ in model.most_similar(positive=["woman", "king"], negative=["man"])]
    royal = {"queen", "prince", "emperor", "daughter", "throne", "duke", "son", "alexander"}
    assert royal & set(words), words
    with pytest.raises(KeyError, match="word 'cappuccino' not in vocabulary"):
        model["cappuccino"]


def test_pretrained_vectors(tmp_path):
    import gensim.models
    import numpy as np

    program = [str(EXAMPLES / "pretrained_vectors.py")]
    lines = run(program).splitlines()
    distance = {name: float(value) for name, value in (line.split(" is ") for line in lines)}
    assert list(distance) == ["dist(cat,dog)", "dist(cat,car)", "dist(cappuccino,espresso)"]
    assert distance["dist(cat,dog)"] < distance["dist(cat,car)"]

    # A file that gensim wrote, given by name.
    words = ["cat", "dog", "car", "cappuccino", "espresso"]
    vectors = gensim.models.KeyedVectors(3)
    vectors.add_vectors(words, np.eye(5, 3, dtype=np.float32))
    vectors.save_word2vec_format(tmp_path / "vectors.bin", binary=True)
    lines = run(program, str(tmp_path / "vectors.bin")).splitlines()
    assert lines[0] == f"dist(cat,dog) is {np.float32(2**0.5)}"
    assert lines[2] == "dist(cappuccino,espresso) is 0.0"


def test_skip_gram_and_cbow(text8, capsys, monkeypatch):
    with text8.open("r+b") as file:
        file.truncate(2_000_000)
    monkeypatch.setattr(sys, "argv", ["skip_gram_and_cbow.py", str(text8)])
    runpy.run_path(str(EXAMPLES / "skip_gram_and_cbow.py"), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 27
    for title, losses, neighbours in zip(*[iter(printed)] * 3, strict=True):
        values = [float(value) for value in losses.removeprefix("  loss ").split(" -> ")]
        assert len(values) == (2 if "exact" in title else 5)
        if "exact" in title:
            # Online, a loss profits from a large learning rate: it need not fall with the rate.
            assert max(values) < math.log(200), "no better than knowing nothing"
        else:
            assert values[-1] < values[0], title
        assert len(neighbours.removeprefix("  two: ").split(", ")) == 5


def test_custom_optimizer():
    losses, weights = run([str(EXAMPLES / "custom_optimizer.py")]).splitlines()
    first, last = (float(word) for word in losses.removeprefix("loss ").split(" to "))
    assert last < first / 100
    assert [float(w) for w in weights.split("[")[1].rstrip("]").split()] == pytest.approx(
        [1, -2, 3, 0.5], abs=0.1
    )


def run_network(name):
    """Run an example of networks: small ones, for which a second thread is no gain."""
    finished = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_custom_layer():
    printed = run_network("custom_layer.py")
    assert "maxout_1 (Maxout)            (None, 16)                128" in printed
    first, last = re.search(r"error ([\d.]+) -> ([\d.]+)", printed).groups()
    assert float(last) < 0.1 < float(first)
    assert printed.endswith("the same again: True\n")


def test_custom_loss_and_metric():
    found = ast.literal_eval(run_network("custom_loss_and_metric.py"))
    assert list(found) == [
        *("loss", "coverage", "largest_error"),
        *("val_loss", "val_coverage", "val_largest_error"),
    ]
    assert 0.72 < found["val_coverage"] < 0.88, "between the quantiles of 10% and 90% are 80%"
    assert found["val_loss"] < 0.12


def test_custom_training_loop():
    lines = run_network("custom_training_loop.py").splitlines()
    radius, spread = re.search(r"radius ([\d.]+) \+- ([\d.]+)", lines[-1]).groups()
    assert 0.8 < float(radius) < 1.2
    assert float(spread) < 0.3
