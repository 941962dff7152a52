"""What the sides of bench/networks.py make of the same weights: the same, or they do not race."""

from __future__ import annotations

import sys

from network_processes import SIDES

_TOLERANCE = 1e-4  # of what is predicted and of the first loss
_LATER = 1e-3  # of the two losses after it, which tell whether gradients and optimizers agree


def begin(title, remotes):
    """Build a network on every side, with weights that Lamina draws; return their answers."""
    answers = {"lamina": remotes["lamina"].begin(title)}
    weights = answers["lamina"]["weights"]
    for side in remotes:
        if side != "lamina":
            answers[side] = remotes[side].begin(title, weights)
    return answers


def check(title, answers):
    """End the program unless all sides predict the same and have the same losses.

    Now and then one peer alone departs in its second or third loss (``--draws`` counts it). Where
    another bears Lamina out, that is printed and does not end the program.
    """
    ours, departures = answers["lamina"], {}
    for side in answers:
        first, later = _differences(title, side, ours, answers[side])
        if first:
            sys.exit(first)
        if later:
            departures[side] = later
    # torch has one loss only to bear anybody out with.
    if departures and not set(answers) - set(departures) - {"lamina", "torch"}:
        sys.exit("\n".join(departures.values()))
    for difference in departures.values():
        print(difference)


def _differences(title, side, ours, theirs):
    """Return what differs before the first update, and what after it; None where nothing does."""
    import numpy as np  # not above: a profile sets the number of threads first

    where = f"{title}: {SIDES[side]} and Lamina"
    for a, b in zip(ours["outputs"], theirs["outputs"], strict=True):
        if a.shape != b.shape:
            return f"{where} predict arrays of different shapes: {b.shape} and {a.shape}", None
        worst = float(np.abs(a - b).max() / np.abs(a).max())
        if not worst < _TOLERANCE:
            return f"{where} predict differently from the same weights: by {worst:.1e}", None
    for step, (a, b) in enumerate(_losses(side, ours, theirs)):
        if not abs(a - b) <= (_LATER if step else _TOLERANCE) * abs(a):
            text = f"{where} differ in the loss of step {step + 1}: {b} and {a}"
            return (None, text) if step else (text, None)
    return None, None


def _losses(side, ours, theirs):
    """Return the pairs of losses that can be compared."""
    # torch's optimizers add epsilon elsewhere: they go other ways from the second step on.
    steps = 1 if side == "torch" else len(ours["losses"])
    return list(zip(ours["losses"][:steps], theirs["losses"][:steps], strict=True))


def run_draws(titles, remotes, draws):
    """Print how far the peers' losses are from Lamina's over so many draws of the weights.

    Lamina takes its three steps twice. Returns the networks where it had not the same bits.
    """
    import numpy as np

    print("\nthe largest difference of a loss, as a part of Lamina's; in how many draws one of")
    print(f"the later losses was more than {_LATER:g} off")
    peers = [side for side in remotes if side != "lamina"]
    names = ["Lamina again", *(SIDES[side] for side in peers)]
    print(" " * 27 + "".join(f"{name:>17}" for name in names))
    missed = []
    for title in titles:
        off, changed = {side: [] for side in peers}, 0
        for _ in range(draws):
            answers = begin(title, remotes)
            ours = answers["lamina"]
            changed += remotes["lamina"].begin(title, ours["weights"])["losses"] != ours["losses"]
            for side in peers:
                pairs = _losses(side, ours, answers[side])
                off[side].append([abs(a - b) / abs(a) for a, b in pairs])
        cells = [f"{changed} differ" if changed else "same bits"]
        for found in off.values():
            departed = sum(any(not part <= _LATER for part in draw[1:]) for draw in found)
            counted = f"; {departed}" if len(found[0]) > 1 else ""
            cells.append(f"{np.max(found):.0e}{counted}")
        print(f"{title:<27}" + "".join(f"{cell:>17}" for cell in cells), flush=True)
        missed += [title] if changed else []
    return missed
