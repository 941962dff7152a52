"""What the programs under bench/ decide by themselves."""

import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def agreement(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "bench"))
    import network_agreement

    yield network_agreement
    for name in ("network_agreement", "network_processes", "network_sides"):
        sys.modules.pop(name, None)


def answers(**losses):
    """Return what the sides answer, all with the same predictions, with these losses."""
    return {
        side: {"outputs": [np.ones((2, 3))], "losses": list(values)}
        for side, values in losses.items()
    }


def test_sides_that_agree_race(agreement, capsys):
    agreement.check("a", answers(lamina=(1, 2, 3), jax=(1, 2.001, 3), torch=(1.00005, 7, 9)))
    assert capsys.readouterr().out == ""


def test_a_peer_that_departs_alone_is_named(agreement, capsys):
    agreement.check("a", answers(lamina=(1, 2, 3), tensorflow=(1, 2, 3.1), jax=(1, 2, 3)))
    assert capsys.readouterr().out == (
        "a: Keras + TF and Lamina differ in the loss of step 3: 3.1 and 3\n"
    )


@pytest.mark.parametrize(
    "losses",
    [
        {"jax": (1.001, 2, 3)},  # the first loss, whoever else agrees
        {"torch": (1.001, 2, 3)},
        {"tensorflow": (1, 2.1, 3)},  # where all others that have later losses differ too
        {"tensorflow": (1, 2.1, 3), "jax": (1, 2, 3.1)},
        {"tensorflow": (1, float("nan"), 3)},
    ],
)
def test_lamina_alone_does_not_race(agreement, losses):
    others = {"torch": (1, 2, 3)} | losses
    with pytest.raises(SystemExit, match="differ in the loss"):
        agreement.check("a", answers(lamina=(1, 2, 3), **others))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [(np.ones((2, 3)) * 1.001, "predict differently"), (np.ones((2, 1)), "different shapes")],
)
def test_predictions_must_agree(agreement, outputs, message):
    found = answers(lamina=(1, 2, 3), tensorflow=(1, 2, 3), jax=(1, 2, 3))
    found["jax"]["outputs"] = [outputs]
    with pytest.raises(SystemExit, match=message):
        agreement.check("a", found)


class Side:
    """A side that has these losses, one list a call."""

    def __init__(self, *losses):
        self.losses = iter(losses)

    def begin(self, title, weights=None):
        return {"weights": {}, "outputs": [], "losses": next(self.losses)}


def drawn(agreement, capsys, **sides):
    """Return what run_draws returns for two draws, and the cells of its last line."""
    missed = agreement.run_draws(["a"], {name: Side(*found) for name, found in sides.items()}, 2)
    return missed, capsys.readouterr().out.splitlines()[-1].split("   ")


def test_draws_say_who_departs_and_how_far(agreement, capsys):
    missed, cells = drawn(
        agreement,
        capsys,
        lamina=[[1, 2, 3]] * 4,
        tensorflow=[[1, 2, 3], [1, 2.5, 3]],
        torch=[[1.25, 9, 9], [1, 9, 9]],
    )
    assert missed == []
    assert [cell.strip() for cell in cells if cell] == ["a", "same bits", "2e-01; 1", "2e-01"]


def test_draws_find_other_bits_and_nan(agreement, capsys):
    missed, cells = drawn(
        agreement,
        capsys,
        lamina=[[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3.0000001]],
        jax=[[float("nan"), 2, 3], [1, 2, 3]],
    )
    assert missed == ["a"]
    assert [cell.strip() for cell in cells if cell] == ["a", "1 differ", "nan; 0"]
