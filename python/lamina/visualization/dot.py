"""Diagrams in graphviz's language, and the program ``dot`` where it is there."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from typing import TYPE_CHECKING, TypeAlias

from lamina.drawing.look import FONT, LINE, tint
from lamina.drawing.scene import shortened
from lamina.drawing.svg import printable
from lamina.saving.atomic import atomic_write

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from lamina.drawing.diagram import Box, Diagram

Ends: TypeAlias = "dict[int, tuple[int, int]]"  # the nodes where edges enter and leave a box

_PATIENCE = 120  # seconds for graphviz to draw


class Dot(str):
    """A graph in graphviz's language, with the methods that users of pydot know."""

    __slots__ = ()

    def to_string(self) -> str:
        """Return the text."""
        return str(self)

    def create(self, prog: str = "dot", format: str = "ps") -> bytes:  # noqa: A002
        """Return the picture that graphviz's program makes, in one of its formats.

        Raises:
            FileNotFoundError: if the program is not installed.
            ValueError: if it refuses the format.

        """
        path = shutil.which(prog)
        if path is None:
            raise FileNotFoundError(
                f"graphviz's program {prog!r} is not on the PATH: install graphviz, or call "
                f"lamina.utils.plot_model, which draws without it"
            )
        finished = subprocess.run(  # noqa: S603 - the text goes to its standard input
            [path, f"-T{format}"], input=self.encode(), capture_output=True,
            timeout=_PATIENCE, check=False,
        )  # fmt: skip
        if finished.returncode or not finished.stdout:
            said = finished.stderr.decode(errors="replace").strip()
            raise ValueError(f"{prog} -T{format}: {said or f'ended with {finished.returncode}'}")
        return finished.stdout

    def write(
        self,
        path: str | os.PathLike[str],
        prog: str = "dot",
        format: str = "raw",  # noqa: A002
    ) -> bool:
        """Write the text (format ``"raw"``), or the picture that `create` returns, to a file."""
        content = self.encode() if format == "raw" else self.create(prog, format)
        with atomic_write(path) as file:
            file.write(content)
        return True


def dot(diagram: Diagram, direction: str, dpi: float, splines: str) -> Dot:
    """Return a diagram in graphviz's language; nodes are numbered, names are only ever labels."""
    font = quoted(FONT)
    settings = f"rankdir={quoted(direction)}, dpi={float(dpi):g}, splines={quoted(splines)}"
    lines = [
        "digraph model {",
        f"  graph [{settings}, compound=true, fontname={font}];",
        f'  node [shape=box, style="rounded,filled", fontname={font}, fontsize=11];',
        f'  edge [color="{LINE}", arrowsize=0.8];',
        *_content(diagram, itertools.count(), {}, "  "),
        "}\n",
    ]
    return Dot("\n".join(lines))


def quoted(text: str) -> str:
    """Return text as a string of the language in which nothing is special."""
    plain = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return '"' + " ".join(plain.split("\n")) + '"'


def _content(diagram: Diagram, numbers: Iterator[int], ends: Ends, indent: str) -> Iterator[str]:
    """Yield nodes, the clusters of diagrams within, and edges; fill in each box's ``ends``."""
    clusters: dict[int, int] = {}
    for place, box in enumerate(diagram.boxes):
        if box.inside is None:
            node = next(numbers)
            ends[place] = node, node
            yield f"{indent}n{node} [{_attributes(box)}];"
            continue
        clusters[place] = next(numbers)
        yield f"{indent}subgraph cluster_{clusters[place]} {{"
        yield f"{indent}  label={quoted(shortened(box.title))}; labeljust=l; margin=16;"
        yield f'{indent}  style="rounded,dashed"; color="{box.color}"; fontsize=12;'
        inner: Ends = {}
        yield from _content(box.inside, numbers, inner, indent + "  ")
        yield f"{indent}}}"
        ends[place] = min(inner.values())[0], max(inner.values())[1]
    for source, target in diagram.edges:
        cut = [f"ltail=cluster_{clusters[source]}"] if source in clusters else []
        cut += [f"lhead=cluster_{clusters[target]}"] if target in clusters else []
        attributes = f" [{', '.join(cut)}]" if cut else ""
        yield f"{indent}n{ends[source][1]} -> n{ends[target][0]}{attributes};"


def _attributes(box: Box) -> str:
    said = [shortened(box.title), shortened(box.kind)]
    said += [f"{name} {fact}".strip() for name, fact in box.facts]
    label = "\\n".join(quoted(line)[1:-1] for line in said if line)
    return f'label="{label}", fillcolor="{tint(box.color)}", color="{box.color}"'
