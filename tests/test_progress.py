"""What training prints: lines in a pipe, a growing bar in a terminal, tqdm in a notebook."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import numpy as np
import pytest
from small_models import data, small_model

from lamina.callbacks import Callback, ProgbarLogger

_PROGRAM = """
import numpy as np, time
from lamina import Sequential, layers
from lamina.layers import Dense
class Slow(layers.Layer):
    def call(self, inputs):
        time.sleep({pause})
        return inputs
model = Sequential([Slow(input_shape=(4,)), Dense(2)])
model.compile("sgd", "mse", metrics=["mae"])
x = np.ones((320, 4), np.float32)
y = x[:, :2]
model.fit(x, y, epochs=2, validation_split=0.5, batch_size=4, verbose={verbose})
model.evaluate(x, y, verbose={verbose})
"""


_FINISHED = r"40/40 \[={30}\] - 0s \d+[mu]s/step - loss: [\d.e-]+ - mae: [\d.e-]+"


_VALIDATED = _FINISHED + r" - val_loss: [\d.e-]+ - val_mae: [\d.e-]+"


def _printed(verbose, pause=0.0):
    program = _PROGRAM.format(verbose=verbose, pause=pause)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout


def test_the_screen_of_a_pipe_is_whole_lines():
    lines = _printed(1).splitlines()
    assert len(lines) == 5
    assert lines[0] == "Epoch 1/2"
    assert lines[2] == "Epoch 2/2"
    assert re.fullmatch(_VALIDATED, lines[1])
    assert re.fullmatch(_FINISHED.replace("40", "10"), lines[4])
    lines = _printed(2).splitlines()
    assert re.fullmatch(r"40/40 - 0s - \d+[mu]s/step - loss: .* - val_mae: .*", lines[1])
    assert _printed(0) == ""


def test_the_screen_of_a_terminal_is_a_bar_that_grows():
    terminal, inner = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    program = [sys.executable, "-c", _PROGRAM.format(verbose=1, pause=0.01)]
    text = ""
    with subprocess.Popen(program, stdout=inner, stderr=inner) as running:
        os.close(inner)
        while True:
            try:
                part = os.read(terminal, 1 << 16)
            except OSError:  # the program has ended
                break
            text += part.decode()
    os.close(terminal)
    assert running.returncode == 0, text
    lines = text.split("\r\n")
    assert lines[0] == "Epoch 1/2", text
    states = [part.replace("\x1b[K", "") for part in lines[1].split("\r")]
    states = [state for state in states if state]
    assert re.fullmatch(_VALIDATED, states[-1]), states[-1]
    growing = states[:-1]
    assert len(growing) >= 2
    bar = r" ?(\d+)/40 \[(=*)>?\.*\] - ETA: 0s - loss: [\d.]+ - mae: [\d.]+"
    found = [re.fullmatch(bar, state) for state in growing]
    assert all(found), growing
    assert all(len(state) < 80 for state in growing)
    counts = [int(each[1]) for each in found]
    assert counts == sorted(set(counts))
    assert [len(each[2]) for each in found] == [count * 30 // 40 for count in counts]


class _Screen(io.StringIO):
    def isatty(self):
        return True


def test_averages_are_computed_for_a_drawing_alone(monkeypatch):
    x, y = data(3200)
    model = small_model()
    computed = []
    original = type(model).current_logs
    monkeypatch.setattr(
        type(model), "current_logs", lambda self: computed.append(1) or original(self)
    )
    monkeypatch.setattr(sys, "stdout", _Screen())
    model.fit(x, y, batch_size=1, epochs=1)
    assert len(computed) < 200


def test_a_bar_of_unknown_length_and_a_broken_one(monkeypatch):
    screen = _Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr("lamina.callbacks.progress._SECONDS_BETWEEN_DRAWINGS", 0)
    x, y = data(40)

    class Iterable:
        def __iter__(self):
            return ((x[i : i + 10], y[i : i + 10]) for i in range(0, 40, 10))

    model = small_model()
    model.fit(Iterable(), epochs=2)
    first, second = screen.getvalue().split("Epoch 2/2")
    assert "3/Unknown - 0s" in first
    assert "3/4 [======================>.......] - ETA: 0s" in second

    class Break(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=4, callbacks=[ProgbarLogger(1), Break()])
    assert screen.getvalue().endswith("\n")


def test_a_notebook_has_tqdms_bar(monkeypatch, capsys):
    import tqdm.auto

    states = []

    class Bar:
        def __init__(self, total, leave, bar_format):
            states.append(("made", total))

        def set_postfix_str(self, text):
            states.append((self.n, text))

        def close(self):
            states.append("closed")

    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    monkeypatch.setattr("lamina.callbacks.progress._SECONDS_BETWEEN_DRAWINGS", 0)
    x, y = data(40)
    small_model().fit(x, y, batch_size=10)
    assert states[0] == ("made", 4)
    assert [state[0] for state in states[1:-1]] == [1, 2, 3, 4]
    assert re.fullmatch(r"ETA: 0s - loss: .* - mae: .*", states[1][1])
    assert states[-1] == "closed"
    assert "4/4 [====" in capsys.readouterr().out


def test_numbers_on_the_screen():
    from lamina.callbacks.progress import duration, numbers

    assert numbers({"loss": 0.5, "tiny": 1e-5, "zero": 0.0}) == (
        " - loss: 0.5000 - tiny: 1.0000e-05 - zero: 0.0000"
    )
    assert numbers({"several": np.array([1.0, 2.0])}) == " - several: [1. 2.]"
    assert [duration(seconds) for seconds in (3.9, 65, 7200)] == ["3s", "1:05", "2:00:00"]
