"""The programs that people bring from Keras, on real data: examples/, shortened by ``--short``."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
MNIST = "mnist.npz"

# A program, the file it needs (None for none), a number that it prints, and where that must lie.
PROGRAMS = [
    (
        "two_ways_to_write_a_model",
        MNIST,
        r"weights, bit for bit: True\n.*predictions, bit for bit: True\n.*accuracy: ([\d.]+)",
        (0.7, 1),
    ),
    ("question_answering", None, r"test accuracy: ([\d.]+)", (0.4, 1)),
    ("shared_lstm", MNIST, r"test accuracy: ([\d.]+)", (0.75, 1)),
    ("imdb_embedding", "aclImdb.tar.xz", r"test accuracy: ([\d.]+)", (0.65, 1)),
    ("imdb_simple_rnn", "aclImdb.tar.xz", r"test accuracy: ([\d.]+)", (0.62, 1)),
    (
        "glove_vectors_in_a_network",
        "aclImdb.tar.xz",
        r"6531 of the 9999 most frequent words have a vector\n[^\0]*vectors, trained: ([\d.]+)",
        (0.57, 1),
    ),
    (
        "posts",
        "aclImdb.tar.xz",
        r"error: (?:[01]\.|2\.[0-6]).*\n.*length, accuracy: 0\.[2-9].*\n.*accuracy: ([\d.]+)",
        (0.65, 1),
    ),
    (
        "headline",
        "aclImdb.tar.xz",
        r"text alone: 0\.[7-9]\d+ .*\ntest accuracy with the numbers: ([\d.]+)",
        (0.7, 1),
    ),
    ("k_fold_regression", "aclImdb.tar.xz", r"test mae: ([\d.]+)", (0, 2.8)),
    # The mean digit as every answer has a loss of 0.263 and a squared error of 0.067.
    ("autoencoder", MNIST, r"codes: \(1000, 32\)\ntest loss: ([\d.]+)", (0.05, 0.23)),
    ("deep_autoencoder", MNIST, r"test loss: ([\d.]+)", (0.05, 0.17)),
    ("denoising_autoencoder", MNIST, r"clean digits: ([\d.]+) \(noisy 0.1", (0.005, 0.035)),
    ("stacked_autoencoders", MNIST, r"accuracy: ([\d.]+), pre-trained and fine-tuned", (0.8, 1)),
    ("inception_and_residual", MNIST, r"88,922 parameters\n(?s:.*)accuracy: ([\d.]+)", (0.6, 1)),
]


def run(program, folder, data, *options):
    """Run a program in a folder, and return what it prints."""
    finished = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{program}.py"), "--short", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error", "LAMINA_DATA": str(data)},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize(
    ("program", "needs", "printed", "bounds"), PROGRAMS, ids=[line[0] for line in PROGRAMS]
)
def test_a_program_learns_and_draws(program, needs, printed, bounds, real_data, tmp_path):
    pytest.importorskip("matplotlib")
    data = real_data(needs).parent if needs else tmp_path
    out = run(program, tmp_path, data)
    found = re.search(printed, out)
    assert found, out
    assert bounds[0] <= float(found[1]) <= bounds[1], out
    for name in re.findall(r"^picture: (.+)$", out, re.MULTILINE):
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith((b"\x89PNG\r\n", b"<?xml", b"<svg")), name
        assert len(picture) > 10_000, "a picture of something"
    assert "\npicture: " in out, out


def test_regression_of_prices(tmp_path):
    """Boston's prices, here planted: a row of features is far from normal, a price linear."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(506, 13)) * 10.0 ** np.arange(-3, 10) + 100
    y = 5 + ((x - 100) / 10.0 ** np.arange(-3, 10)) @ generator.normal(0, 3, 13)
    np.savez(tmp_path / "boston_housing.npz", x=x, y=y)
    out = run("k_fold_regression", tmp_path, tmp_path, "--boston")
    error, guess = re.search(r"test mae: ([\d.]+) \(always the median: ([\d.]+)\)", out).groups()
    assert float(error) < float(guess) / 2, out
