"""Pictures of models in files, with the arguments of Keras's ``plot_model``."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from lamina.drawing.layout import DIRECTIONS
from lamina.drawing.look import PAPER
from lamina.drawing.svg import svg
from lamina.models.pictures import Shown, diagram
from lamina.saving.atomic import atomic_write
from lamina.visualization.dot import Dot, dot
from lamina.visualization.figure import ending_of, save
from lamina.visualization.painting import painted

if TYPE_CHECKING:
    from lamina.drawing.diagram import Diagram

_SPLINES = ("ortho", "curved", "polyline", "spline", "line")


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "spline",
) -> Dot:
    """Return a model in graphviz's language: a string with pydot's ``create`` and ``write``.

    The arguments are those of `plot_model`.

    Raises:
        TypeError: if it is no model.
        ValueError: if the model is not built, an argument is unknown, or ``subgraph`` is asked for.

    """
    if subgraph:
        raise ValueError(
            "model_to_dot: subgraph=True is what Keras calls for itself; to see the layers of "
            "models within, give expand_nested=True"
        )
    shown = Shown(
        show_shapes,
        show_dtype,
        show_layer_names,
        show_layer_activations,
        show_trainable,
        expand_nested,
    )
    _check(rankdir, dpi, splines)
    return dot(diagram(model, shown), rankdir, dpi, splines)


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "spline",
) -> Any:
    """Draw a model to a file: a box for each layer, an arrow wherever a tensor goes.

    Graphviz draws it where its program ``dot`` is installed; otherwise a layout of ours does,
    which needs nothing for ``.svg`` and matplotlib (``lamina[plot]``) for other formats. In a
    notebook the picture is returned, which shows it.

    Args:
        model: a model that is built.
        to_file: the file; its ending is the format: svg, png, pdf, dot; png if there is none.
        show_shapes: also write the shapes of inputs and outputs.
        show_dtype: also write the types of outputs.
        show_layer_names: write the names of layers above their classes.
        rankdir: where arrows go: ``"TB"`` from top to bottom, ``"LR"``, ``"BT"``, ``"RL"``.
        expand_nested: draw the layers of models within, in a frame.
        dpi: dots in an inch, for formats that have dots.
        show_layer_activations: also name activations.
        show_trainable: also write whether training changes a layer's weights.
        splines: how graphviz draws edges: ``"spline"``, ``"ortho"``, ``"curved"``, ``"polyline"``,
            ``"line"``.

    Raises:
        TypeError: if it is no model.
        ValueError: if the model is not built, or an argument or the file's ending is unknown.
        ImportError: if matplotlib is needed and not installed.

    """
    shown = Shown(
        show_shapes,
        show_dtype,
        show_layer_names,
        show_layer_activations,
        show_trainable,
        expand_nested,
    )
    _check(rankdir, dpi, splines)
    drawn = diagram(model, shown)
    ending = ending_of(to_file)
    if ending in ("dot", "gv"):
        dot(drawn, rankdir, dpi, splines).write(to_file)
        return None
    if shutil.which("dot"):
        dot(drawn, rankdir, dpi, splines).write(to_file, format=ending)
    else:
        _draw(drawn, to_file, ending, rankdir, dpi, f"The layers of {model.name}")
    return _in_a_notebook(to_file, ending)


def _check(rankdir: str, dpi: float, splines: str) -> None:
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir {rankdir!r} is none of {', '.join(DIRECTIONS)}")
    if splines not in _SPLINES:
        raise ValueError(f"splines {splines!r} is none of {', '.join(_SPLINES)}")
    if not (isinstance(dpi, (int, float)) and 0 < dpi < float("inf")):
        raise ValueError(f"dpi is a number of dots in an inch, above 0, got {dpi!r}")


def _draw(
    drawn: Diagram,
    to_file: str | os.PathLike[str],
    ending: str,
    rankdir: str,
    dpi: float,
    title: str,
) -> None:
    """Write the picture that our own layout gives."""
    scene = drawn.scene(rankdir)
    if ending == "svg":
        with atomic_write(to_file) as file:
            file.write(svg(scene, title, PAPER).encode())
    else:
        save(painted(scene), to_file, dpi)


def _in_a_notebook(path: str | os.PathLike[str], ending: str) -> Any:
    """Return the picture as what a notebook shows, None where there is none."""
    if "IPython" not in sys.modules or ending not in ("png", "svg"):
        return None
    from IPython import display  # noqa: PLC0415 - it is there already

    kind = display.SVG if ending == "svg" else display.Image
    return kind(filename=os.fspath(path))
