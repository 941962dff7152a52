"""Programs written for Keras and gensim, run unchanged: ``lamina run``."""

import sys
import textwrap
from types import ModuleType

import pytest

from lamina.cli import main
from lamina.running import redirected_imports, run_program


@pytest.fixture
def write(tmp_path):
    def write_program(text):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write_program


def test_a_keras_program(write, capsys):
    path = write("""
        import sys
        import keras
        import numpy as np
        import tensorflow as tf
        from keras import Input, layers
        from keras.layers.core import Dense
        from keras.models import Sequential
        from keras.utils import np_utils
        from tensorflow.keras.layers import Embedding, Flatten

        model = Sequential()
        model.add(Embedding(100, 8, input_length=4))
        model.add(Flatten())
        model.add(Dense(3, activation="softmax"))
        model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["acc"])
        x = np.arange(40).reshape(10, 4)
        model.fit(x, np_utils.to_categorical(np.arange(10) % 3), epochs=2, verbose=0)
        assert tf.keras.layers.Dense is keras.layers.Dense is layers.Dense is Dense
        assert Input is keras.Input
        print(__name__, sys.argv[1:], Dense.__module__, model.predict(x, verbose=0).shape)
    """)
    assert main(["run", str(path), "one", "--two"]) == 0
    assert capsys.readouterr().out == "__main__ ['one', '--two'] lamina.layers.core (10, 3)\n"


def test_everything_by_a_star(write, capsys):
    path = write("""
        from tensorflow.keras import *
        print(Sequential([Input((3,)), layers.Dense(2)]).count_params())
    """)
    assert run_program(path) == 0
    assert capsys.readouterr().out == "8\n"


def test_a_gensim_program(write, capsys):
    path = write("""
        import gensim
        from gensim.models import KeyedVectors, Word2Vec, word2vec
        from gensim.models.phrases import Phrases
        from gensim.models.word2vec import LineSentence
        from gensim.utils import simple_preprocess

        model = word2vec.Word2Vec([simple_preprocess("The King and the Queen")] * 5, size=8, iter=1)
        assert gensim.models.Word2Vec is Word2Vec
        assert isinstance(model.wv, KeyedVectors)
        print(Word2Vec.__module__, "king" in model.wv, model["queen"].shape)
    """)
    assert run_program(path) == 0
    assert capsys.readouterr().out == "lamina.word2vec.model True (8,)\n"


def test_modules_beside_the_program_are_found_and_imports_are_as_before(write, tmp_path):
    (tmp_path / "beside_the_program.py").write_text("import keras\nlayers = keras.layers\n")
    path = write("import beside_the_program\nassert beside_the_program.layers.Dense")
    before, places = dict(sys.modules), list(sys.path)
    assert run_program(path) == 0
    sys.modules.pop("beside_the_program")
    assert sys.path == places
    peers = {"keras", "gensim", "tensorflow"}
    for modules in (before, sys.modules):
        assert all(
            not module.__name__.startswith("lamina")
            for name, module in modules.items()
            if name.partition(".")[0] in peers
        )


def test_an_error_of_the_program_is_shown_from_its_first_line(write, capsys):
    path = write("""
        def fail():
            return 1 / 0
        fail()
    """)
    assert run_program(path) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{path}", line 4, in <module>'
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert run_program(write("x = (1\n")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f'  File "{path}", line 1'
    assert lines[-1] == "SyntaxError: '(' was never closed"
    path = write("1 / 0")
    with pytest.raises(SystemExit) as ended:
        main(["run", str(path)])
    assert ended.value.code == 1
    with pytest.raises(SystemExit) as ended:
        run_program(write("raise SystemExit(7)"))
    assert ended.value.code == 7


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from tensorflow.keras.model import Model", "did you mean tensorflow.keras.models?"),
        ("import keras.applications", "keras.applications, which Lamina has not"),
        ("import tensorflow.data", "Lamina stands in for tensorflow.keras alone"),
        ("import gensim.downloader", "gensim.downloader, which Lamina has not"),
        ("from keras.layers import Dence", "cannot import name 'Dence'"),
    ],
)
def test_what_lamina_has_not_is_told(write, capsys, line, told):
    assert run_program(write(line)) == 1
    assert told in capsys.readouterr().err


def test_a_program_that_is_not_there(capsys, tmp_path):
    assert main(["run", str(tmp_path / "nothing.py")]) == 2
    assert "there is no program" in capsys.readouterr().err


def test_imports_redirected_for_a_while(monkeypatch):
    """What was imported before comes back as it was; what is imported meanwhile goes."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "gensim"]:
        monkeypatch.delitem(sys.modules, name)
    before = {name: ModuleType(name) for name in ("keras", "keras.layers")}
    for name, module in before.items():
        monkeypatch.setitem(sys.modules, name, module)
    with redirected_imports():
        import gensim.models
        import keras.layers

        assert keras.layers.Dense.__module__ == "lamina.layers.core"
        assert gensim.models.Word2Vec.__module__ == "lamina.word2vec.model"
    assert all(sys.modules[name] is module for name, module in before.items())
    assert "gensim" not in sys.modules
    assert "gensim.models" not in sys.modules
