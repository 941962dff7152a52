"""Pictures of models: what stands in them, in which files, and that names are only ever text."""

import shutil
import sys
import types
import xml.etree.ElementTree as ET

import pytest
from small_models import Pair

from lamina import Input, Model, Sequential, layers, ops, utils
from lamina.models.pictures import Shown, diagram
from lamina.utils import model_to_dot, plot_model

HOSTILE = [
    "<script>alert(1)</script>",
    '"]; x [label="y',
    "a&b;\\N\\",
    "]]>",
    "\x00\x1b",
    "$x$ 字\n",
]


def inception():
    x = Input((8, 8, 3), name="image")
    a = layers.Conv2D(2, 1, activation="relu", name="a")(x)
    b = layers.Conv2D(2, 3, padding="same", name="b2")(layers.Conv2D(2, 1, name="b1")(x))
    c = layers.AveragePooling2D(3, strides=1, padding="same", name="c")(x)
    return Model(x, layers.Concatenate(name="joined")([a, b, c]), name="block")


def nested():
    encoder = Sequential([Input((6,)), layers.Dense(2, name="code")], name="encoder")
    decoder = Sequential([Input((2,)), layers.Dense(6, name="pixels")], name="decoder")
    x = Input((6,), name="digit")
    return Model(x, decoder(encoder(x)), name="autoencoder")


def several():
    a, b = Input((3,), name="a"), Input((2,), dtype="int32", name="b")
    first = layers.Dense(2, name="first")(a)
    words = layers.Embedding(5, 2, name="words")(b)
    joined = layers.Concatenate(name="joined")([first, ops.sum(words, axis=1)])
    return Model([a, b], [layers.Dense(1, name="age")(joined), layers.Dense(4, name="job")(first)])


def shared():
    lstm = layers.LSTM(3, name="both")
    a, b = Input((4, 2), name="left"), Input((4, 2), name="right")
    return Model([a, b], layers.Concatenate(name="joined")([lstm(a), lstm(b)]))


def circular():
    x, again = Input((3,), name="x"), layers.Dense(3, name="again")
    return Model(x, again(again(x)))


def edges(drawn):
    names = [box.title for box in drawn.boxes]
    return sorted((names[a], names[b]) for a, b in drawn.edges)


def texts(path):
    """Return the words of an SVG file, which must be well-formed."""
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    assert {each.tag.partition("}")[2] for each in root.iter()} <= {
        "svg", "title", "rect", "path", "text",
    }  # fmt: skip
    return [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_: None)


@pytest.fixture
def graphviz():
    if not shutil.which("dot"):
        pytest.skip("graphviz's program dot is not installed")


def test_branches():
    drawn = diagram(inception(), Shown(show_shapes=True, show_layer_activations=True))
    assert edges(drawn) == [
        ("a", "joined"), ("b1", "b2"), ("b2", "joined"), ("c", "joined"),
        ("image", "a"), ("image", "b1"), ("image", "c"),
    ]  # fmt: skip
    boxes = {box.title: box for box in drawn.boxes}
    assert boxes["a"].kind == "Conv2D, relu"
    assert boxes["b1"].kind == "Conv2D", "linear says nothing"
    assert boxes["image"].facts == (("output", "(None, 8, 8, 3)"),)
    assert boxes["joined"].facts == (
        ("input", "(None, 8, 8, 2)"),
        ("", "(None, 8, 8, 2)"),
        ("", "(None, 8, 8, 3)"),
        ("output", "(None, 8, 8, 7)"),
    )
    assert len({boxes[name].color for name in ("image", "a", "c", "joined")}) == 4


def test_every_flag():
    model = several()
    model.get_layer("first").trainable = False
    plain = diagram(model, Shown(show_layer_names=False))
    assert {"Dense", "Embedding", "InputLayer"} < {box.title for box in plain.boxes}
    assert not any(box.kind or box.facts for box in plain.boxes)
    shown = {
        box.title: dict(box.facts)
        for box in diagram(model, Shown(show_dtype=True, show_trainable=True)).boxes
    }
    assert shown["first"] == {"dtype": "float32", "trainable": "no"}
    assert shown["age"] == {"dtype": "float32", "trainable": "yes"}
    assert shown["b"] == {"dtype": "int32"}


def test_several_inputs_and_outputs_and_an_operation():
    assert edges(diagram(several(), Shown())) == [
        ("a", "first"), ("b", "words"), ("first", "job"), ("first", "joined"),
        ("joined", "age"), ("sum", "joined"), ("words", "sum"),
    ]  # fmt: skip


def test_a_shared_layer_is_one_box():
    drawn = diagram(shared(), Shown(show_shapes=True))
    assert edges(drawn) == [("both", "joined"), ("left", "both"), ("right", "both")]
    (box,) = (box for box in drawn.boxes if box.title == "both")
    assert box.kind == "LSTM, called 2 times"


def test_a_layer_on_its_own_output_has_a_box_for_each_call():
    drawn = diagram(circular(), Shown())
    assert [box.kind for box in drawn.boxes if box.title == "again"] == [
        "Dense, call 1 of 2", "Dense, call 2 of 2",
    ]  # fmt: skip
    assert edges(drawn) == [("again", "again"), ("x", "again")]


def test_nested_models():
    model = nested()
    assert edges(diagram(model, Shown())) == [("digit", "encoder"), ("encoder", "decoder")]
    assert all(box.inside is None for box in diagram(model, Shown()).boxes)
    encoder = diagram(model, Shown(expand_nested=True)).boxes[1]
    assert [box.title for box in encoder.inside.boxes][1:] == ["code"]
    kinds = [box.kind for box in diagram(
        Sequential([Input((3, 6)), layers.TimeDistributed(layers.Dense(2)),
                    layers.Bidirectional(layers.GRU(2))]), Shown()).boxes]  # fmt: skip
    assert kinds == ["InputLayer", "TimeDistributed(Dense)", "Bidirectional(GRU)"]


def test_what_is_no_built_model():
    with pytest.raises(ValueError, match=r"is not built yet.*Input\(shape=...\), or call it"):
        plot_model(Sequential([layers.Dense(2)], name="later"))
    with pytest.raises(ValueError, match="is not built yet"):
        plot_model(Pair(2))
    with pytest.raises(TypeError, match=r"wanted a model, got type .*: write Model\(...\)"):
        plot_model(Pair)
    with pytest.raises(TypeError, match="wanted a model, got Dense"):
        model_to_dot(layers.Dense(2))
    built = Pair(2)
    built.build((None, 4))
    (box,) = diagram(built, Shown()).boxes
    assert box.kind == "Pair"


@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
def test_svg_of_our_own(no_graphviz, tmp_path, direction):
    path = tmp_path / "model.svg"
    assert (
        plot_model(nested(), path, show_shapes=True, rankdir=direction, expand_nested=True) is None
    )
    words = texts(path)
    assert {"digit", "encoder", "code", "decoder", "pixels", "(None, 6)"} <= set(words)
    again = tmp_path / "again.svg"
    plot_model(nested(), again, show_shapes=True, rankdir=direction, expand_nested=True)
    same = [word for word in texts(again) if not word.startswith("input_")]
    assert same == [word for word in words if not word.startswith("input_")]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(no_graphviz, tmp_path, name):
    model = Sequential([Input((2,)), layers.Dense(1, name=name)], name=name)
    path = tmp_path / "model.svg"
    plot_model(model, path)
    clean = " ".join(name.split()).replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    assert clean in texts(path)
    ET.fromstring(model._repr_html_())
    outer = Sequential([Input((2,)), model], name="outer")
    text = model_to_dot(outer, expand_nested=True)
    statements = [line.strip() for line in text.splitlines()]
    assert sum(line.startswith("n") and "->" not in line for line in statements) == 4
    assert sum("->" in line for line in statements) == 2
    assert unquoted(text).count("[") == 3 + 3 + 1


def unquoted(text):
    """Return a dot file without its strings, each of which must end in its line."""
    kept = []
    for line in text.splitlines():
        inside = escaped = False
        for character in line:
            if not inside:
                kept.append(character)
            if escaped:
                escaped = False
            elif character == "\\" and inside:
                escaped = True
            elif character == '"':
                inside = not inside
        assert not inside
    return "".join(kept)


def test_a_very_long_name_is_cut(no_graphviz, tmp_path):
    model = Sequential([Input((2,)), layers.Dense(1, name="x" * 100_000)])
    plot_model(model, tmp_path / "model.svg")
    assert max(map(len, texts(tmp_path / "model.svg"))) == 40


def test_formats_of_our_own(no_graphviz, tmp_path):
    pytest.importorskip("matplotlib")
    model = inception()
    plot_model(model, tmp_path / "none", dpi=50)
    plot_model(model, str(tmp_path / "m.PNG"), dpi=50, show_dtype=True)
    plot_model(model, tmp_path / "m.pdf")
    plot_model(model, tmp_path / "m.dot")
    start = {path.name: path.read_bytes()[:8] for path in tmp_path.iterdir()}
    assert start["none"] == start["m.PNG"] == b"\x89PNG\r\n\x1a\n"
    assert start["m.pdf"].startswith(b"%PDF")
    assert start["m.dot"] == b"digraph "
    with pytest.raises(ValueError, match="pictures end in .*png.*, not in .docx"):
        plot_model(model, tmp_path / "m.docx")
    with pytest.raises(ValueError, match="pixels at dpi=90000 are too many; a lower dpi="):
        plot_model(model, tmp_path / "big.png", dpi=90_000)
    with pytest.raises(FileNotFoundError, match="the folder .* does not exist"):
        plot_model(model, tmp_path / "no" / "m.svg")
    assert len(list(tmp_path.iterdir())) == 4


def test_without_matplotlib(no_graphviz, tmp_path, monkeypatch):
    from lamina.visualization import figure

    figure._figure_class.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'lamina\[plot\]'"):
        plot_model(inception(), tmp_path / "m.png")
    plot_model(inception(), tmp_path / "m.svg")
    figure._figure_class.cache_clear()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rankdir": "down"}, "rankdir 'down' is none of TB, BT, LR, RL"),
        ({"dpi": 0}, "dpi is a number of dots in an inch, above 0, got 0"),
        ({"dpi": "x"}, "dpi is a number"),
        ({"splines": "wild"}, "splines 'wild' is none of ortho"),
    ],
)
def test_wrong_arguments(tmp_path, options, message):
    for function in (lambda **o: plot_model(inception(), tmp_path / "m.svg", **o),
                     lambda **o: model_to_dot(inception(), **o)):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            function(**options)
    assert not list(tmp_path.iterdir())


def test_dot_as_text(no_graphviz, tmp_path):
    text = model_to_dot(nested(), show_shapes=True, expand_nested=True, rankdir="LR", dpi=96)
    assert text.to_string() == text
    assert 'graph [rankdir="LR", dpi=96, splines="spline"' in text
    assert "subgraph cluster_" in text
    assert "lhead=cluster_" in text
    assert "code\\nDense\\ninput (None, 6)\\noutput (None, 2)" in text
    assert text.write(tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text() == text
    with pytest.raises(FileNotFoundError, match="'dot' is not on the PATH: install graphviz"):
        text.create(format="svg")
    with pytest.raises(ValueError, match="expand_nested=True"):
        model_to_dot(nested(), subgraph=True)


def test_graphviz_draws_where_it_is(graphviz, tmp_path):
    for name in HOSTILE:
        model = Sequential([Input((2,)), layers.Dense(1, name=name)], name=name)
        outer = Sequential([Input((2,)), model], name="outer")
        text = model_to_dot(outer, expand_nested=True)
        ET.fromstring(text.create(format="svg"))
    plot_model(nested(), tmp_path / "m.png", expand_nested=True, dpi=50)
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="docx"):
        plot_model(nested(), tmp_path / "m.docx")
    assert [path.name for path in tmp_path.iterdir()] == ["m.png"]


def test_the_program_dot_is_asked_where_it_is(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text(
        '#!/bin/sh\ncase $1 in -Tsvg) cat;; -Tpng) ;; *) echo "no $1" >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda *_: str(program))
    plot_model(nested(), tmp_path / "m.svg", rankdir="LR")
    assert (tmp_path / "m.svg").read_text().startswith('digraph model {\n  graph [rankdir="LR"')
    for ending, said in (("docx", "no -Tdocx"), ("png", "ended with 0")):
        with pytest.raises(ValueError, match=f"dot -T{ending}: {said}"):
            plot_model(nested(), tmp_path / f"m.{ending}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dot", "m.svg"]


def test_in_a_notebook_the_picture_is_returned(no_graphviz, tmp_path, monkeypatch):
    display = types.SimpleNamespace(SVG=lambda filename: ("SVG", filename))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=display))
    path = tmp_path / "m.svg"
    assert plot_model(inception(), path) == ("SVG", str(path))


@pytest.mark.parametrize(
    "model", [inception, nested, several, shared, circular], ids=lambda make: make.__name__
)
def test_models_show_themselves(model):
    made = model()
    page = ET.fromstring(made._repr_html_())
    text = "".join(page.itertext())
    assert f"Total params: {made.count_params():,}" in text
    for layer in made.layers:
        assert layer.name in text
    assert len(list(page.iter("{http://www.w3.org/2000/svg}svg"))) == 1


def test_models_that_have_no_picture_show_their_table():
    for model in (Sequential([layers.Dense(2)]), Pair(2), Sequential()):
        page = ET.fromstring(model._repr_html_())
        assert "Total params: 0" in "".join(page.itertext())
    deep = Sequential([Input((2,)), *(layers.Dense(2) for _ in range(100))])
    assert "<svg" not in deep._repr_html_()


def test_where_they_are_found():
    assert utils.plot_model is plot_model
    from lamina import visualization

    assert visualization.plot_model is plot_model
