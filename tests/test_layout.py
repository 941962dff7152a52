"""Layouts of graphs: what must be true of every picture, whatever the graph."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.drawing.layout import DIRECTIONS, layout, spaced
from lamina.drawing.order import Layers, ordered


@st.composite
def graphs(draw):
    """Sizes of boxes, and edges without a circle."""
    count = draw(st.integers(1, 14))
    sizes = draw(
        st.lists(st.tuples(st.floats(20, 300), st.floats(20, 120)), min_size=count, max_size=count)
    )
    pairs = list(itertools.combinations(range(count), 2))
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=25)) if pairs else []
    renamed = draw(st.permutations(range(count)))
    return sizes, [(renamed[a], renamed[b]) for a, b in edges]


def boxes(sizes, placed):
    return [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, sizes, strict=True)]


@settings(max_examples=150, deadline=None)
@given(graphs(), st.sampled_from(DIRECTIONS))
def test_every_picture_is_sound(graph, direction):
    sizes, edges = graph
    placed = layout(sizes, edges, direction)
    found = boxes(sizes, placed)
    for left, top, right, bottom in found:
        assert left >= -1e-6
        assert top >= -1e-6
        assert right <= placed.width + 1e-6
        assert bottom <= placed.height + 1e-6
    for one, other in itertools.combinations(found, 2):
        across = min(one[2], other[2]) - max(one[0], other[0])
        along = min(one[3], other[3]) - max(one[1], other[1])
        assert min(across, along) < -5, "two boxes overlap or touch"
    axis = 0 if direction in ("LR", "RL") else 1
    sign = -1 if direction in ("BT", "RL") else 1
    assert len(placed.routes) == len(edges)
    for (source, target), route in zip(edges, placed.routes, strict=True):
        steps = [sign * (b[axis] - a[axis]) for a, b in itertools.pairwise(route)]
        assert len(route) % 2 == 0
        assert min(steps) >= -1e-6, "an edge goes back"
        assert on_the_edge(route[0], found[source])
        assert on_the_edge(route[-1], found[target])
        for number, box in enumerate(found):
            if number in (source, target):
                continue
            for a, b in itertools.pairwise(route):
                assert not crosses(a, b, box, axis), "an edge goes through a box"


def on_the_edge(point, box):
    x, y = point
    inside = box[0] - 1e-6 <= x <= box[2] + 1e-6 and box[1] - 1e-6 <= y <= box[3] + 1e-6
    nearest = min(abs(x - box[0]), abs(x - box[2]), abs(y - box[1]), abs(y - box[3]))
    return inside and nearest < 1e-6


def crosses(a, b, box, axis):
    """Tell whether a piece that keeps between its ends, straight or curved, may meet a box."""
    low, high = sorted((a[axis], b[axis]))
    if high <= box[axis] + 1e-6 or low >= box[axis + 2] - 1e-6:
        return False
    other = 1 - axis
    near, far = sorted((a[other], b[other]))
    return far >= box[other] and near <= box[other + 2]


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_a_picture_is_the_same_every_time_and_turns_as_a_whole(graph):
    sizes, edges = graph
    placed = layout(sizes, edges)
    assert placed == layout(sizes, edges)
    lying = layout([(h, w) for w, h in sizes], edges, "LR")
    assert (lying.width, lying.height) == pytest.approx((placed.height, placed.width))
    assert np.allclose(lying.corners, [(y, x) for x, y in placed.corners])
    upwards = layout(sizes, edges, "BT")
    for (x, y), (same, other), (_, height) in zip(
        placed.corners, upwards.corners, sizes, strict=True
    ):
        assert (same, other) == pytest.approx((x, placed.height - y - height))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_layers_follow_the_edges(graph):
    sizes, edges = graph
    layers = ordered(Layers(len(sizes), edges))
    for (source, target), path in zip(edges, layers.paths, strict=True):
        assert (path[0], path[-1]) == (source, target)
        heights = [layers.layer_of[vertex] for vertex in path]
        assert heights == list(range(heights[0], heights[0] + len(path)))
    assert sorted(v for row in layers.rows for v in row) == list(range(len(layers.layer_of)))
    assert sorted(v for chain in layers.chains() for v in chain) == list(
        range(len(layers.layer_of))
    )
    assert layers.crossings() == counted(layers)


def counted(layers):
    """Count crossings as they are defined, one pair of edges at a time."""
    count = 0
    for upper, lower in itertools.pairwise(layers.rows):
        edges = [(upper.index(v), lower.index(w)) for v in upper for w in layers.below[v]]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in itertools.combinations(edges, 2))
    return count


def tree(depth):
    return [((n - 1) // 2, n) for n in range(1, 2**depth - 1)]


_BRANCHES = [(0, 1), (1, 9), (0, 2), (2, 3), (3, 9), (0, 4), (4, 5), (5, 9), (0, 6), (6, 7), (7, 8)]
PLANAR = {
    "a tree": tree(5),
    "a shuffled tree": [(a * 7 % 31, b * 7 % 31) for a, b in tree(5)],
    "branches that meet": [*_BRANCHES, (8, 9)],
    "blocks with a way around": [e for n in range(0, 12, 3) for e in
                                 ((n, n + 1), (n + 1, n + 2), (n + 2, n + 3), (n, n + 3))],
    "a ladder of ways around": [*((n, n + 1) for n in range(8)), (0, 8), (1, 7), (2, 6), (3, 5)],
    "two chains that cross as listed": [(0, 3), (1, 2), (3, 4), (2, 5)],
}  # fmt: skip


@pytest.mark.parametrize("edges", PLANAR.values(), ids=PLANAR)
def test_no_edges_cross_where_none_need_to(edges):
    layers = ordered(Layers(1 + max(map(max, edges)), edges))
    assert layers.crossings() == 0


def test_crossings_are_near_the_fewest_there_can_be():
    generator = random.Random(3)
    ours = fewest = 0
    for _ in range(12):
        pairs = list(itertools.product(range(5), range(5, 10)))
        layers = ordered(Layers(10, generator.sample(pairs, 11)))
        ours += layers.crossings()
        best = layers.crossings()
        upper, lower = ([v for v in range(10) if layers.layer_of[v] == n] for n in (0, 1))
        for first in itertools.permutations(upper):
            for second in itertools.permutations(lower):
                layers.rows = [list(first), list(second)]
                best = min(best, layers.crossings())
        fewest += best
    assert fewest > 20, "these graphs cannot be drawn without crossings"
    assert ours <= 1.1 * fewest


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-100, 100), st.floats(0.1, 10), st.floats(0, 50)),
        min_size=1,
        max_size=12,
    )
)
def test_places_are_the_nearest_to_those_wanted(vertices):
    isotonic = pytest.importorskip("sklearn.isotonic")
    wanted, weights, gaps = (np.array(each) for each in zip(*vertices, strict=True))
    found = np.array(spaced(wanted.tolist(), weights.tolist(), gaps[:-1].tolist()))
    offsets = np.concatenate([[0.0], np.cumsum(gaps[:-1])])
    best = isotonic.isotonic_regression(wanted - offsets, sample_weight=weights) + offsets
    assert np.allclose(found, best, atol=1e-6)


def test_a_chain_is_a_straight_line_beside_its_way_around():
    edges = [*((n, n + 1) for n in range(6)), (0, 6)]
    placed = layout([(100, 40)] * 7, edges)
    inner = {round(x, 3) for x, _ in placed.corners[1:6]}
    assert len(inner) == 1
    around = {round(x, 3) for x, _ in placed.routes[-1][2:-2]}
    assert len(around) == 1


def test_shared_bends_and_a_source_near_its_use():
    layers = Layers(6, [(0, 1), (1, 2), (2, 3), (0, 2), (0, 3), (4, 3), (5, 5 - 2)])
    assert len(layers.layer_of) == 6 + 2, "edges of one source share their bends"
    assert layers.layer_of[4] == layers.layer_of[3] - 1


def test_a_thousand_layers():
    placed = layout([(80, 30)] * 1000, [(n, n + 1) for n in range(999)])
    assert len({x for x, _ in placed.corners}) == 1


@pytest.mark.parametrize("edges", [[(0, 1), (1, 0)], [(0, 0)], [(2, 0), (0, 1), (1, 2)]])
def test_circles_are_refused(edges):
    with pytest.raises(ValueError, match="without a circle; box 0 is in one"):
        layout([(10, 10)] * 3, edges)


def test_nothing_and_unknown_directions():
    assert layout([], []).width == 0
    with pytest.raises(ValueError, match="rankdir 'UP' is none of TB, BT, LR, RL"):
        layout([], [], "UP")
