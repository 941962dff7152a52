"""Training that is interrupted, killed, resumed, forked, or run twice at once."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from lamina.word2vec import Word2Vec
from lamina.word2vec.little_language import LittleLanguage

# One worker; about ten seconds at the speed of one core, were it not stopped.
_OPTIONS = {"vector_size": 64, "window": 9, "sg": 1, "sample": 0, "workers": 1, "hs": 1}
_PROGRAM = """
import json, signal, sys, time
from lamina.word2vec import Word2Vec
from lamina.word2vec.little_language import LittleLanguage

# Where tests run in the background of a shell, interrupts are ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
path, epochs, every, resume, options = json.loads(sys.argv[1])
corpus = LittleLanguage(sentences=5000)
if resume:
    model = Word2Vec.load(path)
else:
    model = Word2Vec(epochs=epochs, verbose=0, compute_loss=True, **options)
    model.build_vocab(corpus)
print("training", flush=True)
try:
    model.train(corpus, checkpoint=path, checkpoint_every=every, resume=resume, verbose=0)
except KeyboardInterrupt:
    print(json.dumps({"stopped": time.time(), "epoch": model.progress.epoch}), flush=True)
    model.wv.most_similar("king")
    model.save(path + ".after")
    again = Word2Vec.load(path + ".after")
    assert (again.wv.vectors == model.wv.vectors).all()
    assert (Word2Vec.load(path).wv.vectors == model.wv.vectors).all()
    sys.exit(3)
"""


def start(path, epochs, *, every=1e9, resume=False, options=_OPTIONS):
    """Start a training and return its process when it is about to begin."""
    settings = json.dumps([str(path), epochs, every, resume, options])
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, settings], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "training\n"
    return process


def uninterrupted(epochs):
    model = Word2Vec(epochs=epochs, verbose=0, compute_loss=True, **_OPTIONS)
    corpus = LittleLanguage(sentences=5000)
    model.build_vocab(corpus)
    model.train(corpus, verbose=0)
    return model


def assert_same(model, other):
    for name in ("syn0", "syn1"):
        np.testing.assert_array_equal(getattr(model, name), getattr(other, name))
    assert model.min_alpha_yet_reached == other.min_alpha_yet_reached


def test_ctrl_c_stops_soon_and_resuming_gives_the_same_bits(tmp_path):
    path, epochs = tmp_path / "model", 60
    process = start(path, 100_000)  # hours
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    sent = time.time()
    with process.stdout as printed:
        report = json.loads(printed.readline())
    assert report["stopped"] - sent < 10
    assert process.wait(60) == 3

    process = start(path, epochs)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    code = process.wait(60)
    process.stdout.close()
    assert code in (0, 3)
    assert code == 3, "the training ended before the interrupt"
    model = Word2Vec.load(path)
    assert model.progress.epoch < epochs
    model.train(LittleLanguage(sentences=5000), resume=True, verbose=0)
    whole = uninterrupted(epochs)
    assert_same(model, whole)
    assert model.progress == whole.progress


def test_killed_at_any_moment_the_checkpoint_is_whole(tmp_path):
    path, epochs = tmp_path / "model", 60
    chance = random.Random(4)
    kills = 0
    for _ in range(40):
        process = start(path, epochs, every=0.0, resume=path.exists())
        try:
            process.wait(0.3 + 0.3 * chance.random())
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        process.stdout.close()
        if path.exists():
            Word2Vec.load(path).wv.most_similar("king")
        if process.returncode == 0:
            break
    assert kills >= 2
    assert process.returncode == 0, "no progress between the kills"
    # The last checkpoint may be a call short of the end.
    model = Word2Vec.load(path)
    model.train(LittleLanguage(sentences=5000), resume=True, verbose=0)
    assert_same(model, uninterrupted(epochs))


def test_resume_wants_the_same_training(tmp_path):
    corpus = LittleLanguage(sentences=300)
    model = Word2Vec(corpus, vector_size=8, min_count=1, workers=1, epochs=2, verbose=0)
    model.save(tmp_path / "m")
    model = Word2Vec.load(tmp_path / "m")
    before = model.wv.vectors.copy()
    with pytest.raises(ValueError, match="resume=True on another corpus"):
        model.train(list(corpus)[:-1], resume=True, verbose=0)
    with pytest.raises(ValueError, match="began with epochs=2, and here epochs=3"):
        model.train(corpus, resume=True, epochs=3, verbose=0)
    began = replace(model.progress, epoch=1, unit=1, unit_size=7, epoch_losses=[1.0])
    ended, model.progress = model.progress, began
    with pytest.raises(ValueError, match="units of 7 places and would go on in units of 2000"):
        model.train(corpus, resume=True, verbose=0)
    model.progress = ended
    model.train(corpus, resume=True, verbose=0)  # it had come to its end
    np.testing.assert_array_equal(model.wv.vectors, before)


def test_an_error_in_a_callback_leaves_the_model_usable():
    from lamina.word2vec.callbacks import CallbackAny2Vec

    class Interrupting(CallbackAny2Vec):
        def on_epoch_end(self, model):
            if model.progress.epoch == 2:
                raise KeyboardInterrupt

    corpus = LittleLanguage(sentences=500)
    options = {"vector_size": 8, "workers": 1, "verbose": 0, "epochs": 4}
    model = Word2Vec(**options)
    model.build_vocab(corpus)
    with pytest.raises(KeyboardInterrupt):
        model.train(corpus, callbacks=[Interrupting()], verbose=0)
    assert model.progress.epoch == 2
    model.train(corpus, resume=True, verbose=0)
    np.testing.assert_array_equal(model.wv.vectors, Word2Vec(corpus, **options).wv.vectors)


def test_two_trainings_at_once():
    corpus = LittleLanguage(sentences=2000)
    results = {}

    def train(number):
        results[number] = Word2Vec(
            corpus, vector_size=16, workers=1, seed=number, verbose=0
        ).wv.vectors

    threads = [threading.Thread(target=train, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in (1, 2):
        alone = Word2Vec(corpus, vector_size=16, workers=1, seed=number, verbose=0)
        np.testing.assert_array_equal(results[number], alone.wv.vectors)


def _in_a_child(model):
    corpus = LittleLanguage(sentences=500)
    child = Word2Vec(corpus, vector_size=16, workers=2, verbose=0)
    child.train(corpus, verbose=0)
    assert np.isfinite(child.wv.vectors).all()
    return child.wv.most_similar("king")[0][0], model.wv.most_similar("king")[0][0]


# Keras's JAX, which other tests of this process use, warns of every fork.
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_forked_child_trains_and_queries():
    model = Word2Vec(LittleLanguage(sentences=2000), vector_size=16, workers=2, verbose=0)
    nearest = model.wv.most_similar("king")[0][0]
    with warnings.catch_warnings():
        # Newer Pythons warn of any fork while threads are there.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if _in_a_child(model)[1] == nearest else 4)
            finally:
                os._exit(5)
        deadline = time.monotonic() + 60
        while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                pytest.fail("the forked child hangs")
            time.sleep(0.02)
        assert os.waitstatus_to_exitcode(ended[1]) == 0
        with multiprocessing.get_context("fork").Pool(2) as pool:
            answers = pool.map_async(_in_a_child, [model] * 2).get(60)
    assert [answer[1] for answer in answers] == [nearest] * 2
