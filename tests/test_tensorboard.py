"""What is written for TensorBoard, read back from a real one through its HTTP API."""

import io
import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image
from small_models import Pair, branched, data

from lamina import Input, Model, Sequential, layers, utils
from lamina.callbacks import Callback, TensorBoard
from lamina.callbacks.tensorboard import write_embeddings
from lamina.callbacks.tensorboard.graph import graph_of
from lamina.callbacks.tensorboard.weights import picture
from lamina.word2vec import KeyedVectors

SAMPLES, BATCH, EPOCHS = 64, 16, 3


class Noted(Callback):
    """Keeps what a `TensorBoard` should have written."""

    def __init__(self):
        super().__init__()
        self.batches, self.kernels = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(dict(logs))

    def on_epoch_end(self, epoch, logs=None):
        self.kernels.append(self.model.get_layer("scores").get_weights()[0])


def language_model():
    words = Input((5,), dtype="int32", name="words")
    inner = Sequential([layers.Conv1D(4, 3, input_shape=(5, 6))], name="inner")
    vectors = layers.Embedding(20, 6, name="vectors")(words)
    pooled = layers.GlobalMaxPooling1D(name="pooled")(inner(vectors))
    model = Model(words, layers.Dense(1, activation="sigmoid", name="scores")(pooled))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def word_vectors():
    words = KeyedVectors(3)
    words.add_vectors(["king", 'a "quoted\tword', "été"], np.arange(9).reshape(3, 3) / 7)
    return words


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train with everything switched on; return the folder, the history and what was noted."""
    utils.set_random_seed(3)
    folder = tmp_path_factory.mktemp("logs")
    (folder / "words.tsv").write_text("".join(f"word{i}\n" for i in range(20)))
    model = language_model()
    generator = np.random.default_rng(1)
    x = generator.integers(0, 20, (SAMPLES, 5))
    y = (x.sum(axis=1) > 50).astype(np.float32)
    noted = Noted()
    board = TensorBoard(
        folder,
        histogram_freq=2,
        write_images=True,
        write_steps_per_second=True,
        update_freq=3,
        embeddings_freq=1,
        embeddings_metadata={"vectors": "words.tsv"},
    )
    history = model.fit(
        *(x, y), BATCH, EPOCHS, validation_data=(x, y), callbacks=[board, noted], verbose=0
    )
    for _ in range(2):  # the second in place of the first
        write_embeddings(folder, word_vectors(), name='my "words"')
    write_embeddings(folder, np.eye(4), {"name": "abcd", "size": [1, 2, 3, 4]}, limit=3)
    return folder, history, noted, model


@pytest.fixture(scope="module")
def ask(run):
    """Start TensorBoard on a free port; return a function that asks its API."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(run[0])]
    server = subprocess.Popen(
        [*command, "--port", "0", "--host", "127.0.0.1", "--load_fast", "false"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        said = ""
        while not (address := re.search(r"http://[\w.]+:\d+/", said)):
            line = server.stderr.readline()
            assert line, f"TensorBoard ended: {said}"
            said += line

        def get(plugin, **query):
            url = f"{address.group()}data/plugin/{plugin}?{urllib.parse.urlencode(query)}"
            with urllib.request.urlopen(url, timeout=120) as answer:
                body = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
            return json.loads(body) if is_json else body

        yield get
    finally:
        server.kill()
        server.wait()
        server.stderr.close()


def scalars(ask, run, tag):
    """Return the steps and values that TensorBoard shows."""
    rows = ask("scalars/scalars", run=run, tag=tag)
    return [row[1] for row in rows], [row[2] for row in rows]


def test_curves(run, ask):
    """The names and steps that Keras gives them, and the numbers of the history."""
    _, history, noted, _ = run
    names = ask("scalars/tags")
    epoch = {"epoch_loss", "epoch_accuracy"}
    batch = {"batch_loss", "batch_accuracy", "batch_steps_per_second"}
    assert set(names["train"]) == {
        *epoch,
        *batch,
        "epoch_learning_rate",
        "epoch_steps_per_second",
    }
    evaluated = {"evaluation_loss_vs_iterations", "evaluation_accuracy_vs_iterations"}
    assert set(names["validation"]) == epoch | evaluated
    for kind, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy"):
            steps, values = scalars(ask, kind, f"epoch_{name}")
            assert steps == [0, 1, 2]
            np.testing.assert_allclose(values, history.history[prefix + name], rtol=1e-6)
    steps, values = scalars(ask, "validation", "evaluation_loss_vs_iterations")
    assert steps == [4, 8, 12]
    np.testing.assert_allclose(values, history.history["val_loss"], rtol=1e-6)
    steps, values = scalars(ask, "train", "batch_loss")
    assert steps == [3, 6, 9, 12]
    expected = [noted.batches[step - 1]["loss"] for step in steps]
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert scalars(ask, "train", "epoch_learning_rate")[1] == pytest.approx([0.001] * 3)
    assert min(scalars(ask, "train", "epoch_steps_per_second")[1]) > 0


def test_histograms_and_pictures_of_weights(run, ask):
    kernels = run[2].kernels
    tags = set(ask("histograms/tags")["train"])
    weights = {"vectors/embeddings", "inner/conv1d/kernel", "scores/kernel", "scores/bias"}
    assert {f"{re.sub('_[0-9]+', '', tag)}" for tag in tags} > {f"{w}/histogram" for w in weights}
    found = ask("histograms/histograms", run="train", tag="scores/kernel/histogram")
    assert [step for _, step, _ in found] == [0, 2]
    for _, step, buckets in found:
        kernel = kernels[step].ravel()
        assert buckets[0][0] <= kernel.min() <= kernel.max() <= buckets[-1][1] + 1e-6
        counts = sum(count for _, _, count in buckets)
        assert counts == pytest.approx(kernel.size)
    pictures = ask("images/images", run="train", tag="scores/kernel/image", sample=0)
    assert [each["step"] for each in pictures] == [0, 2]
    for shown, step in zip(pictures, (0, 2), strict=True):
        png = ask("images/individualImage", **dict(urllib.parse.parse_qsl(shown["query"])))
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
        np.testing.assert_array_equal(pixels, picture(kernels[step]))


def test_the_graph(run, ask):
    text = ask("graphs/graph", run="train", conceptual="false").decode()
    for expected in (
        'name: "words"',
        'name: "vectors"\n  op: "Embedding"\n  input: "words"',
        'name: "pooled"\n  op: "GlobalMaxPooling1D"\n  input: "inner/',
        'name: "scores"\n  op: "Dense"\n  input: "pooled"',
    ):
        assert expected in text
    assert "i: 120" in text.partition('name: "vectors"')[2].partition("node {")[0]


def test_embeddings_in_the_projector(run, ask):
    model = run[3]
    info = ask("projector/info", run=".")
    shown = info["embeddings"][0]
    assert (shown["tensorName"], shown["tensorShape"]) == ("vectors", [20, 6])
    values = np.frombuffer(ask("projector/tensor", run=".", name="vectors"), np.float32)
    table = model.get_layer("vectors").get_weights()[0]
    np.testing.assert_array_equal(values.reshape(20, 6), table)
    labels = ask("projector/metadata", run=".", name="vectors").decode().split()
    assert labels == [f"word{i}" for i in range(20)]


def test_word_vectors_in_the_projector(ask):
    shown = ask("projector/info", run=".")["embeddings"]
    names = [each["tensorName"] for each in shown]
    assert names == ["vectors", 'my "words"', "embedding"]
    values = np.frombuffer(ask("projector/tensor", run=".", name=names[1]), np.float32)
    np.testing.assert_array_equal(values.reshape(3, 3), word_vectors().vectors)
    labels = ask("projector/metadata", run=".", name=names[1]).decode().splitlines()
    assert [line.split("\t")[0] for line in labels][-3:] == ["king", 'a "quoted word', "été"]
    labels = ask("projector/metadata", run=".", name="embedding").decode()
    assert labels == "name\tsize\na\t1\nb\t2\nc\t3\n"


def test_vectors_alone_are_a_run(tmp_path):
    write_embeddings(tmp_path / "new", np.eye(3))
    names = {re.sub(r"\.tfevents.*", "", path.name) for path in (tmp_path / "new").iterdir()}
    assert names == {"events.out", "embedding.tsv", "projector_config.pbtxt"}
    for wrong, labels, message in (
        (np.ones(3), None, r"\(rows, size\), got \(3,\)"),
        (np.eye(3), ["a"], "'label' has 1 labels for 3 rows"),
    ):
        with pytest.raises(ValueError, match=message):
            write_embeddings(tmp_path / "other", wrong, labels)
    assert not (tmp_path / "other").exists()


def test_graphs_of_every_kind_of_model():
    nodes = {node.name: node for node in graph_of(branched()).node}
    assert {"a", "b", "shared", "shared_1", "shared_2", "inner/dense_1"} <= {
        re.sub(r"dense_\d+", "dense_1", name) for name in nodes
    }
    for node in nodes.values():  # every edge begins somewhere
        assert all(name.partition(":")[0] in nodes for name in node.input)
    assert graph_of(Pair(2)) is None
    model = Sequential([layers.Dense(2)])
    assert graph_of(model) is None
    model(np.ones((1, 3), np.float32))
    assert [node.op for node in graph_of(model).node] == ["Input", "Dense"]


def test_pictures_of_weights():
    np.testing.assert_array_equal(picture(np.array([0.0, 1, 3, np.nan])), [[0, 85, 255, 0]])
    assert picture(np.ones((7, 2))).shape == (2, 7)
    assert picture(np.full((2, 2), np.nan)).max() == 0
    assert picture(np.ones((1, 1, 1, 1, 1))) is None
    kernel = np.arange(36.0).reshape(3, 3, 2, 2)
    grid = picture(kernel)
    assert grid.shape == (7, 7)
    np.testing.assert_array_equal(grid[4:, :3], np.round(kernel[:, :, 1, 0] / 35 * 255))
    assert (grid[3] == 0).all()
    assert picture(np.ones((3, 2, 5))).shape == (7, 9)


def test_two_trainings_in_one_second_have_their_own_files(tmp_path):
    x, y = data()
    model = Sequential([layers.Dense(2)])  # built by the first batch: its graph comes later
    model.compile("sgd", "mse")
    board = TensorBoard(tmp_path)
    for _ in range(2):
        model.fit(x, y, callbacks=board, verbose=0)
    model.evaluate(x, y, callbacks=board, verbose=0)
    assert len(list((tmp_path / "train").iterdir())) == 2
    assert len(list((tmp_path / "validation").iterdir())) == 1
    assert b"Dense" in b"".join(path.read_bytes() for path in (tmp_path / "train").iterdir())


def test_wrong_arguments(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="profile_batch=2: there is no TensorFlow program"):
        TensorBoard(profile_batch=2)
    with pytest.raises(ValueError, match="'batch' or a number of steps, got 'often'"):
        TensorBoard(update_freq="often")
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"vector": "a.tsv"})
    with pytest.raises(ValueError, match="no Embedding is named 'vector': did you mean 'vectors'"):
        language_model().evaluate(np.ones((1, 5)), np.ones(1), callbacks=board)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'lamina\[tensorboard\]'"):
        TensorBoard(tmp_path)
