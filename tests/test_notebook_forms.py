"""How histories and word vectors show themselves in a notebook; for models see their pictures."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from lamina.callbacks import History
from lamina.drawing.curves import curves, panels, ticks
from lamina.drawing.scene import Path, text_width
from lamina.word2vec import KeyedVectors, Word2Vec


def history(**logs):
    made = History()
    made.epoch = list(range(max(map(len, logs.values()), default=0)))
    made.history = logs
    return made


def words(page):
    return " ".join("".join(page.itertext()).split())


def test_a_history_is_its_curves():
    made = history(loss=[3.0, 2.0, 1.0], val_loss=[3.0, math.nan, 2.5], acc=[0.1, 0.2, 0.3])
    page = ET.fromstring(made._repr_html_())
    text = words(page)
    for said in ("History of 3 epochs", "training 1", "validation 2.5", "training 0.3", "epoch 3"):
        assert said in text
    lines = [shape for shape in curves(made.history, made.epoch).shapes if isinstance(shape, Path)]
    assert sum(len(line.pieces) == 2 for line in lines) == 2, "two whole curves"
    assert sum(line.stroke is None for line in lines) == 2, "NaN leaves two points alone"


def test_curves_stay_in_their_panels():
    made = history(**{f"m{n}": [n, -n * 1e6, 0.5] for n in range(1, 6)})
    scene = curves(made.history, made.epoch)
    for shape in scene.shapes:
        points = [shape.start] if isinstance(shape, Path) else [(shape.x, shape.y)]
        points += [point for piece in getattr(shape, "pieces", ()) for point in piece]
        assert all(0 <= x <= scene.width and 0 <= y <= scene.height for x, y in points)


@pytest.mark.parametrize(
    "logs",
    [{}, {"loss": []}, {"loss": [math.nan]}, {"loss": [1.0]}, {"loss": [2.0, 2.0]},
     {"loss": [math.inf, 1.0]}, {"loss": [0.0]}, {"x": ["text"]}, {"<&'\">": [1.0, 2.0]},
     {"a" * 1000: [1e300, -1e300]}, {f"m{n}": [1.0] for n in range(40)}],
)  # fmt: skip
def test_any_history_shows_itself(logs):
    page = ET.fromstring(history(**logs)._repr_html_())
    assert "History" in words(page)
    assert "nan" not in ET.tostring(page, encoding="unicode").replace("training nan", "")


def test_what_belongs_together():
    found = panels({"loss": [1], "val_loss": [2], "val_only": [3], "out_loss": [4]})
    assert found == {
        "loss": {"training": [1], "validation": [2]},
        "val_only": {"training": [3]},
        "out_loss": {"training": [4]},
    }


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0.31, 0.32), (-5, 9e7), (2, 2), (0, 0), (-1, -1)]
)
def test_ticks_are_few_round_and_around(low, high):
    found = ticks(low, high)
    assert found[0] <= low + 1e-9
    assert found[-1] >= high - 1e-9
    assert 2 <= len(found) <= 7
    step = found[1] - found[0]
    assert np.allclose(np.diff(found), step)
    digits = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(digits - each) for each in (1, 2, 5)) < 1e-6


def test_widths_are_those_of_the_font():
    font = pytest.importorskip("matplotlib.ft2font")
    manager = pytest.importorskip("matplotlib.font_manager")
    face = font.FT2Font(manager.findfont("DejaVu Sans"))
    face.set_size(100, 72)
    for text in ("conv2d_1", "(None, 28, 28, 1)", "Was für ein Wort"):
        face.set_text(text)
        assert text_width(text, 100) == pytest.approx(face.get_width_height()[0] / 64, rel=0.05)
    assert text_width("字", 10) == 10


def test_word_vectors_are_their_first_words(tmp_path):
    vectors = KeyedVectors(20)
    keys = ["<b>", *(f"w{n}" for n in range(1, 12))]
    vectors.add_vectors(keys, np.arange(240, dtype=np.float32).reshape(12, 20))
    text = words(ET.fromstring(vectors._repr_html_()))
    assert "KeyedVectors: 12 keys x 20 numbers" in text
    assert "<b>0.000" in text
    assert "w7140.000" in text
    assert "and 4 more" in text
    vectors.save(tmp_path / "v")
    loaded = KeyedVectors.load(tmp_path / "v")
    assert words(ET.fromstring(loaded._repr_html_())) == text
    assert loaded._index_to_key is None, "the other words are not decoded for it"
    assert "0 keys" in words(ET.fromstring(KeyedVectors(3, 0)._repr_html_()))


def test_a_word2vec_model_says_how_it_was_trained():
    model = Word2Vec([["a", "b", "c"]] * 20, vector_size=4, min_count=1, sg=1, verbose=0)
    text = words(ET.fromstring(model._repr_html_()))
    assert text.startswith(
        "Word2Vec: skip-gram, window 5, epochs 5KeyedVectors: 3 keys x 4 numbers"
    )
