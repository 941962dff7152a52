"""How every picture looks: colours that colour-blind people can tell apart, and sizes to read."""

from __future__ import annotations

# Okabe and Ito, "Color universal design", 2008, in an order where neighbours differ most. The
# first two stand for training and validation.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY, BLACK = "#CC79A7", "#E69F00", "#56B4E9", "#3C4248"
COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)

INK = "#1F2328"  # text on a light ground
MUTED = "#57606A"  # text of less weight on it
LINE = "#7D8590"  # lines that have to be seen on white and on black
PAPER = "#FFFFFF"

FONT = "DejaVu Sans, Verdana, sans-serif"  # two names for the same widths
TEXT, SMALL, TITLE = 11.0, 10.0, 13.0


def tint(color: str, share: float = 0.14) -> str:
    """Return a colour, ``#RRGGBB``, laid thinly on white."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * share):02X}" for part in parts)
