"""The trainer against plain numpy, where nothing is drawn at random, and its random parts alone."""

import numpy as np
import pytest
from scipy.special import expit as sigmoid
from scipy.special import log_softmax, softmax

RATE, LAST_RATE = 0.05, 0.01
WORDS, SIZE = 12, 20
TOGETHER_ON_PATH = 4  # context rows of skip-gram that meet a path at one value


def padded(rows):
    """Rows as the trainer wants them: aligned to 64 bytes, padded to a multiple of 16."""
    columns = -(-rows.shape[1] // 16) * 16
    memory = np.zeros(len(rows) * columns * 4 + 64, np.uint8)
    start = -memory.ctypes.data % 64
    matrix = memory[start : start + len(rows) * columns * 4].view(np.float32)
    matrix = matrix.reshape(len(rows), columns)
    matrix[:, : rows.shape[1]] = rows
    return matrix


def make_problem(seed, size=300):
    generator = np.random.default_rng(seed)
    ids = generator.integers(WORDS, size=size).astype(np.int32)
    ids[generator.random(size) < 0.08] = -1  # sentence ends
    counts = np.sort(generator.integers(1, 100, size=WORDS))[::-1].astype(np.int64)
    matrices = [
        padded(generator.normal(size=(rows, SIZE)).astype(np.float32) / 4)
        for rows in (WORDS, WORDS, WORDS - 1)
    ]
    return ids, np.ascontiguousarray(counts), matrices


def make_trainer(kernels, ids, counts, matrices, **options):
    inputs, outputs, nodes = matrices
    settings = {
        "skip_gram": True,
        "softmax": False,
        "hierarchical": False,
        "negative_samples": 0,
        "negative_exponent": 0.75,
        "sample": 0.0,
        "window": 3,
        "shrink_windows": False,
        "average_context": True,
        "with_loss": True,
        "seed": 1,
        **options,
    }
    return kernels.Trainer(ids, counts, inputs, outputs, nodes, **settings)


def run(trainer, **changes):
    settings = {
        "epoch": 0,
        "first_unit": 0,
        "first_learning_rate": RATE,
        "last_learning_rate": LAST_RATE,
        "seconds": 0.0,
        "threads": 1,
        **changes,
    }
    return trainer.run(**settings)


def huffman_paths(kernels, counts):
    offsets, nodes, codes = kernels.huffman_tree(counts)
    return [
        (nodes[offsets[w] : offsets[w + 1]], codes[offsets[w] : offsets[w + 1]])
        for w in range(len(counts))
    ]


def reference(
    kernels, ids, counts, matrices, *, skip_gram, hierarchical, average, window=3, unit=2000
):
    """Go through the corpus window by window, in double precision."""
    inputs, outputs, nodes = (matrix.astype(np.float64) for matrix in matrices)
    paths = huffman_paths(kernels, counts)
    loss = pairs = 0
    ends = [-1, *np.flatnonzero(ids == -1), len(ids)]
    for place, word in enumerate(ids):
        if word == -1:
            continue
        begin = max(e for e in ends if e < place) + 1
        end = min(e for e in ends if e > place)
        reach = np.arange(max(begin, place - window), min(end, place + window + 1))
        context = ids[reach[reach != place]]
        if not len(context):
            continue
        share = place // unit * unit / len(ids)
        rate = RATE + (LAST_RATE - RATE) * share
        together = TOGETHER_ON_PATH if skip_gram and hierarchical else len(context)
        for rows_in in np.split(context, range(together, len(context), together)):
            hidden = inputs[rows_in]
            if not skip_gram:
                hidden = hidden.mean(0, keepdims=True) if average else hidden.sum(0, keepdims=True)
            if hierarchical:
                rows, codes = paths[word]
                scores = hidden @ nodes[rows].T
                gradients = rate * (1 - codes - sigmoid(scores))
                loss += np.logaddexp(0, np.where(codes == 0, -scores, scores)).sum()
                errors = gradients @ nodes[rows]
                nodes[rows] += gradients.T @ hidden
                scale = 1 if average else 1 / len(context)
            else:
                scores = hidden @ outputs.T
                loss -= log_softmax(scores, axis=1)[:, word].sum()
                gradients = rate * (np.eye(len(counts))[word] - softmax(scores, axis=1))
                errors = gradients @ outputs
                outputs += gradients.T @ hidden
                scale = 1 / len(context) if average else 1
            np.add.at(inputs, rows_in, errors if skip_gram else scale * errors)
            pairs += len(hidden)
    return inputs, outputs, nodes, loss, pairs


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("hierarchical", [True, False])
@pytest.mark.parametrize("skip_gram", [True, False])
def test_an_epoch_equals_the_reference(kernels, skip_gram, hierarchical, average):
    # No word twice in a window, so that the order of its updates does not matter.
    ids, counts, matrices = make_problem(3)
    generator = np.random.default_rng(0)
    ids = np.concatenate([[*generator.permutation(WORDS), -1] for _ in range(400)]).astype(np.int32)
    want = reference(
        kernels,
        ids,
        counts,
        matrices,
        skip_gram=skip_gram,
        hierarchical=hierarchical,
        average=average,
    )
    trainer = make_trainer(
        kernels,
        ids,
        counts,
        matrices,
        skip_gram=skip_gram,
        hierarchical=hierarchical,
        softmax=not hierarchical,
        average_context=average,
    )
    assert trainer.units == 3
    next_unit, loss, pairs, words = run(trainer)
    for got, wanted in zip(matrices, want, strict=False):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-5)
    assert (next_unit, pairs, words) == (3, want[4], (ids >= 0).sum())
    assert loss == pytest.approx(want[3], rel=1e-5)


def test_words_that_repeat_in_a_window_get_every_update(kernels):
    """In CBOW exactly; in skip-gram a row's second update may start from the first's result."""
    ids, counts, matrices = make_problem(5)
    want = reference(
        kernels, ids, counts, matrices, skip_gram=False, hierarchical=True, average=True
    )
    run(make_trainer(kernels, ids, counts, matrices, skip_gram=False, hierarchical=True))
    for got, wanted in zip(matrices, want, strict=False):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-5)


def test_cbow_moves_the_context_by_the_gradient_of_a_softmax(kernels):
    """Numeric gradient of the slides' formula: one window, context summed."""
    generator = np.random.default_rng(2)
    ids = np.array([0, 1, 2, 3, 4], np.int32)
    counts = np.ones(5, np.int64)
    inputs, outputs = (generator.normal(size=(5, SIZE)) / 3 for _ in range(2))
    matrices = [padded(inputs), padded(outputs), padded(np.zeros((4, SIZE)))]

    def loss(x):
        return -log_softmax(outputs @ (x[0] + x[1] + x[3] + x[4]))[2]

    # Five windows are trained; with a tiny rate their gradients add up.
    rate = 1e-3
    run(
        make_trainer(
            kernels,
            ids,
            counts,
            matrices,
            skip_gram=False,
            softmax=True,
            average_context=False,
            window=2,
        ),
        first_learning_rate=rate,
        last_learning_rate=rate,
    )

    def all_losses(x):
        total = 0
        for place in range(5):
            context = [j for j in range(max(0, place - 2), min(5, place + 3)) if j != place]
            total -= log_softmax(outputs @ x[context].sum(axis=0))[place]
        return total

    assert all_losses(inputs) > loss(inputs)
    step = 1e-6
    for row in range(5):
        for column in range(0, SIZE, 7):
            shifted = inputs.copy()
            shifted[row, column] += step
            slope = (all_losses(shifted) - all_losses(inputs)) / step
            moved = matrices[0][row, column] - np.float32(inputs[row, column])
            assert moved == pytest.approx(-rate * slope, rel=0.02, abs=2e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_cutting_a_run_into_calls_changes_nothing(kernels, threads):
    ids, counts, _ = make_problem(1, 60_000)
    options = {"negative_samples": 5, "sample": 0.05, "shrink_windows": True}

    def train(calls):
        _, _, matrices = make_problem(1, 60_000)
        trainer = make_trainer(kernels, ids, counts, matrices, **options)
        unit, words, pairs = 0, 0, 0
        for seconds in calls:
            unit, _, more_pairs, more_words = run(
                trainer, first_unit=unit, seconds=seconds, threads=threads
            )
            words, pairs = words + more_words, pairs + more_pairs
        assert unit == trainer.units
        assert trainer.last_run[:2] == (0, unit)
        return matrices, words, pairs

    whole, words, pairs = train([0])
    pieces, words_again, pairs_again = train([1e-9, 1e-4, 1e-3, 0])
    assert (words, pairs) == (words_again, pairs_again), "the same windows, however it is cut"
    if threads == 1:
        for a, b in zip(whole, pieces, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("skip_gram", [True, False])
def test_a_unit_of_the_exact_softmax_is_bounded_work(kernels, skip_gram):
    """A run can be stopped between two units alone."""
    words, size, window = 20_000, 128, 5
    ids = np.arange(words, dtype=np.int32)
    counts = np.ones(words, np.int64)
    matrices = [padded(np.zeros((rows, size), np.float32)) for rows in (words, words, words - 1)]
    options = {"skip_gram": skip_gram, "window": window}
    trainer = make_trainer(kernels, ids, counts, matrices, softmax=True, **options)
    inputs = 2 * window if skip_gram else 1
    assert 1 <= trainer.unit_size <= 2**29 / (inputs * words * size)
    assert trainer.units == -(-words // trainer.unit_size)
    next_unit, _, _, kept = run(trainer, seconds=1e-9 if skip_gram else 1e-3)
    assert next_unit <= 1
    assert kept == next_unit * trainer.unit_size
    sampled = make_trainer(kernels, ids, counts, matrices, negative_samples=5, **options)
    assert sampled.unit_size == 2000


def test_cutting_an_exact_softmax_into_calls_changes_nothing(kernels):
    words, size = 3000, 96
    ids = np.random.default_rng(0).integers(words, size=600).astype(np.int32)
    counts = np.ones(words, np.int64)

    def train(calls):
        generator = np.random.default_rng(1)
        matrices = [
            padded(generator.normal(size=(rows, size)).astype(np.float32) / 9)
            for rows in (words, words, words - 1)
        ]
        options = {"softmax": True, "window": 8, "shrink_windows": True}
        trainer = make_trainer(kernels, ids, counts, matrices, **options)
        assert trainer.units > 1
        unit = 0
        for seconds in calls:
            unit = run(trainer, first_unit=unit, seconds=seconds)[0]
        assert unit == trainer.units
        return matrices

    for a, b in zip(train([0]), train([1e-9, 1e-3, 1e-3, 0]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_sampling_keeps_the_share_of_the_formula(kernels):
    generator = np.random.default_rng(0)
    share = 1 / np.arange(1, WORDS + 1)
    ids = generator.choice(WORDS, size=400_000, p=share / share.sum()).astype(np.int32)
    counts = np.bincount(ids, minlength=WORDS).astype(np.int64)
    for sample, threshold in [(0.02, 0.02 * len(ids)), (1000, int(1000 * (3 + 5**0.5) / 2))]:
        _, _, matrices = make_problem(0)
        trainer = make_trainer(kernels, ids, counts, matrices, sample=sample, negative_samples=1)
        words = run(trainer)[3]
        keep = np.minimum(1, (np.sqrt(counts / threshold) + 1) * threshold / counts)
        expected = (counts * keep).sum()
        deviation = np.sqrt((counts * keep * (1 - keep)).sum())
        assert abs(words - expected) < 5 * deviation


def test_windows_shrink_uniformly(kernels):
    ids, counts, matrices = make_problem(0, 100_000)
    ids[ids == -1] = 0
    full = run(make_trainer(kernels, ids, counts, matrices, negative_samples=1, window=4))[2]
    shrunk = run(
        make_trainer(
            kernels, ids, counts, matrices, negative_samples=1, window=4, shrink_windows=True
        )
    )[2]
    assert full == 8 * len(ids) - 20
    assert shrunk == pytest.approx(len(ids) * 2 * 2.5, rel=0.01)


def test_draws_follow_their_weights(kernels):
    weights = np.array([5.0, 0.0, 1.0, 0.25, 100.0, 3.0])
    draws = np.bincount(kernels.draw_ids(list(weights), 1_000_000, 7), minlength=6)
    expected = weights / weights.sum() * 1_000_000
    assert draws[1] == 0
    assert (np.abs(draws - expected) <= 5 * np.sqrt(expected)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
def test_huffman_tree_is_optimal(kernels, count):
    import heapq

    counts = np.random.default_rng(count).integers(1, 50, size=count).astype(np.int64)
    paths = huffman_paths(kernels, counts)
    heap, cost = list(map(int, counts)), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        pair = heapq.heappop(heap) + heapq.heappop(heap)
        cost += pair
        heapq.heappush(heap, pair)
    assert sum(len(nodes) * n for (nodes, _), n in zip(paths, counts, strict=True)) == cost
    codes = ["".join(map(str, codes)) for _, codes in paths]
    assert len(set(codes)) == count
    assert not any(a != b and b.startswith(a) for a in codes[:50] for b in codes if count > 1)
    if count > 1:
        assert all(nodes[0] == count - 2 for nodes, _ in paths), "the root is the last node"


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"ids": np.array([WORDS], np.int32)}, IndexError, "outside the vocabulary"),
        ({"ids": np.array([-2], np.int32)}, IndexError, "outside the vocabulary"),
        ({"counts": np.zeros(WORDS, np.int64)}, ValueError, "counted at least once"),
        ({"inputs": np.zeros((3, 32), np.float32)}, ValueError, "wanted 12 rows, got 3"),
        ({"inputs": np.zeros((WORDS, 20), np.float32)}, ValueError, "multiple of 16"),
        ({"outputs": None}, ValueError, "needs outputs"),
        ({"window": 0}, ValueError, "window"),
    ],
)
def test_wrong_arguments_are_refused(kernels, change, error, text):
    ids, counts, (inputs, outputs, nodes) = make_problem(0)
    arguments = {"ids": ids, "counts": counts, "inputs": inputs, "outputs": outputs, **change}
    matrices = (arguments.pop("inputs"), arguments.pop("outputs"), nodes)
    with pytest.raises(error, match=text):
        make_trainer(
            kernels,
            arguments.pop("ids"),
            arguments.pop("counts"),
            matrices,
            negative_samples=2,
            **arguments,
        )
