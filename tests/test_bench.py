"""What the programs under bench/ decide by themselves."""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def bench(monkeypatch):
    """The folder's modules can be imported, and are forgotten again."""
    folder = Path(__file__).parents[1] / "bench"
    monkeypatch.syspath_prepend(str(folder))
    yield
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def agreement(bench):
    import network_agreement

    return network_agreement


@pytest.fixture
def kernels(bench):
    import kernels

    return kernels


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


@pytest.mark.parametrize(
    ("below", "again", "lost"),
    [
        ("ab", ["a", ""], "a"),
        ("ab", ["", "a"], "a"),
        ("ab", ["ab", "ab"], "ab"),
        ("ab", ["", ""], ""),
        ("", [], ""),
    ],
)
def test_two_times_of_three_decide(kernels, capsys, below, again, lost):
    answers = iter([case in turn for turn in again for case in below])
    assert kernels.lost_of_three([*below], lambda _: next(answers)) == [*lost]
    assert capsys.readouterr().out.count(" time:") == len(again)
    assert not [*answers]


def test_scaling_is_wanted_as_far_as_the_machine_scales(kernels):
    assert kernels.wanted_scaling(2, [1.2, 1.8, 2.1]) == 1.8
    assert kernels.wanted_scaling(2, [2.1, 1.2, 1.5]) == pytest.approx(1.35)


def test_stretches_are_compared_pair_by_pair(kernels):
    side = kernels.Side(list, [2, 1], lambda _: None)
    side.times = {2: [[1, 2, 3], [5, 4]], 1: [[2, 4, 3], [7, 8]]}
    assert side.means(2) == [2, 4.5]
    assert side.best(2) == 1
    assert side.ratio(1, 2) == 2


def test_a_share_is_that_of_the_best_that_the_machine_gave(kernels, monkeypatch, capsys):
    """A machine that gives half in two of three rounds does not double the share."""
    monkeypatch.setattr(kernels, "loop_time", lambda: 46.4)
    side = kernels.Side(list, [2], lambda _: None)
    side.times = {2: [[0.02, 0.01], [0.02], [0.02]]}
    case = SimpleNamespace(
        name="a", work=3e9, unit="GFLOP/s", target=0.7, footprint=0, words=False, row=0
    )
    bench = kernels.Bench(SimpleNamespace(rounds=3, threads=2, scaling=False), None)
    given = [(240.0, 1.8), (480.0, 1.8), (240.0, 1.8)]
    assert bench.report(case, given, lamina=side)
    cells = capsys.readouterr().out.split()[2:]
    assert cells == ["300.0", "GFLOP/s", "480", "62%", "70%", "BELOW;", "loop", "46", "ns"]


def test_a_turn_alternates_between_numbers_of_threads(kernels):
    chosen = []
    side = kernels.Side(list, [2, 1], chosen.append)
    chosen.clear()
    side.prepare()()
    assert chosen == [2] + [2, 1] * kernels.STRETCHES
    assert [[len(turn) for turn in side.times[n]] for n in (2, 1)] == [[kernels.STRETCHES]] * 2


@pytest.mark.parametrize(
    ("least", "text"),
    [(1, "0"), (1, "-1"), (1, "1.5"), (1, "two"), (1, ""), (0, "-1"), (0.1, "nan"), (0.1, "inf")],
)
def test_numbers_of_a_command_line_have_a_least(bench, least, text):
    from common import at_least

    assert at_least(least)(str(least)) == least
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        at_least(least)(text)
    assert str(caught.value) == f"got {text!r}, wanted {least} or more"
