"""Pictures of training, images, vectors and confusions: what they show, and what they refuse."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from lamina import visualization as show
from lamina.callbacks import History
from lamina.visualization.confusion import confusion
from lamina.visualization.history import smoothed
from lamina.visualization.images import as_images
from lamina.visualization.labels import place_labels
from lamina.word2vec import KeyedVectors

pytest.importorskip("matplotlib")
RANDOM = np.random.default_rng(0)


def trained(epochs=6, first=0):
    history = History()
    for epoch in range(first, first + epochs):
        logs = {"loss": 1 / (epoch + 1), "acc": epoch / 10, "val_loss": abs(epoch - 3) + 0.5}
        history.on_epoch_end(epoch, {**logs, "val_acc": 0.3, "learning_rate": 0.1})
    return history


def drawn(figure):
    """Return the panels that are seen, by their titles."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}


def curve(axes, label):
    return next(line for line in axes.get_lines() if line.get_label().startswith(label))


@pytest.fixture(scope="module")
def vectors():
    made = KeyedVectors(8)
    rows = RANDOM.normal(size=(80, 8)).astype(np.float32)
    made.add_vectors([f"word{n}" for n in range(80)], rows)
    return made


# ---- training


def test_history_has_a_panel_for_each_metric(tmp_path):
    figure = show.plot_history(trained(first=2), "a title", to_file=tmp_path / "h.png")
    panels = drawn(figure)
    assert list(panels) == ["loss", "acc", "learning_rate"]
    training = curve(panels["loss"], "training")
    assert training.get_xdata().tolist() == [3, 4, 5, 6, 7, 8], "epochs are counted from 1"
    assert training.get_ydata() == pytest.approx([1 / n for n in range(3, 9)])
    best = curve(panels["loss"], "validation")
    assert best.get_label() == "validation, best 0.5 at epoch 4"
    assert "best 0.3" in curve(panels["acc"], "validation").get_label()
    assert figure.get_suptitle() == "a title"
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


def test_histories_beside_each_other():
    figure = show.plot_history([trained(), trained(3).history], ["adam", "a $gd"], metrics=["acc"])
    (axes,) = drawn(figure).values()
    lines = {line.get_label().split(",")[0]: line for line in axes.get_lines()[::-1]}
    assert {"adam", r"a \$gd"} <= lines.keys()
    assert len({line.get_color() for line in axes.get_lines()}) == 2
    assert {line.get_linestyle() for line in axes.get_lines()} >= {"-", "--"}


def test_smoothing():
    values = [1.0, 3.0, np.nan, 5.0]
    weights = np.array([0.25, 0.5, 1.0])
    expected = (weights * [1, 3, 5]).sum() / weights.sum()
    assert smoothed(values, 0.5)[-1] == pytest.approx(expected)
    assert np.isnan(smoothed(values, 0.5)[2])
    assert smoothed(values, 0.0)[[0, 1, 3]].tolist() == [1, 3, 5]
    (axes,) = drawn(show.plot_history({"loss": values}, smoothing=0.5)).values()
    assert len(axes.get_lines()) == 2


def test_histories_of_one_epoch_and_of_what_is_no_number():
    figure = show.plot_history({"loss": [1.0], "val_loss": [np.nan], "note": ["text"]})
    (axes,) = drawn(figure).values()
    assert curve(axes, "training").get_marker() == "o"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (({},), ValueError, "the history is empty: was fit called"),
        (([],), ValueError, "the history is empty"),
        ((3,), TypeError, "wanted what fit returned"),
        (({"loss": [1]}, ["a"]), TypeError, "the name of one training is a string"),
        (([{"loss": [1]}], ["a", "b"]), ValueError, "1 histories, but 2 names"),
    ],
)
def test_wrong_histories(arguments, error, message):
    with pytest.raises(error, match=message):
        show.plot_history(*arguments)


def test_unknown_metrics_and_smoothing():
    with pytest.raises(ValueError, match="has 'los': did you mean 'loss'"):
        show.plot_history(trained(), metrics=["los"])
    with pytest.raises(ValueError, match="below 1, got 1"):
        show.plot_history(trained(), smoothing=1)


# ---- images


@pytest.mark.parametrize(
    ("shape", "seen"),
    [((3, 9), (3, 3, 3)), ((3, 4, 5), (3, 4, 5)), ((3, 4, 5, 1), (3, 4, 5)), ((2, 4, 5, 3),) * 2],
)
def test_shapes_of_images(shape, seen):
    images = RANDOM.random(shape)
    assert as_images(images, "here").shape == seen
    figure = show.plot_images(images, titles=["a", "b", "c"])
    shown = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
    assert np.array(shown) == pytest.approx(images.reshape(seen))
    assert figure.axes[1].get_title() == "b"


def test_scales_of_images():
    def shown(images, **options):
        figure = show.plot_images(images, **options)
        return np.array([a.get_images()[0].get_array() for a in figure.axes if a.get_images()])

    grey = np.array([[[0, 51], [102, 200]]])
    assert shown(grey.astype(np.uint8))[0, 0].tolist() == [0, 0.2]
    assert shown(grey - 300.0).min() == 0
    assert shown(grey - 300.0).max() == 1
    assert shown(np.full((1, 2, 2), 7.0)).max() == 0
    assert len(shown(np.zeros((30, 4)))) == 20
    assert len(shown(np.zeros((30, 4)), n=25)) == 25


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((28, 30), r"got \(28, 30\): for a single image write image\[np.newaxis\]"),
        ((2, 3, 8, 8), r"np.moveaxis\(images, 1, -1\)"),
        ((0, 4), "there is no image"),
        ((4,), r"got \(4,\)"),
    ],
)
def test_wrong_images(shape, message):
    with pytest.raises(ValueError, match=message):
        show.plot_images(np.zeros(shape))


def test_wrong_titles_and_types():
    with pytest.raises(ValueError, match="2 images, but 1 titles"):
        show.plot_images(np.zeros((2, 4)), titles=["a"])
    with pytest.raises(TypeError, match="images are numbers"):
        show.plot_images(np.array([["a"]]))
    with pytest.raises(ValueError, match="columns must be at least 1"):
        show.plot_images(np.zeros((2, 4)), columns=0)
    with pytest.raises(ValueError, match="n must be at least 1"):
        show.plot_images(np.zeros((2, 4)), n=0)


def test_reconstructions_are_rows_on_the_originals_scale(tmp_path):
    images = RANDOM.random((12, 16))
    path = tmp_path / "digits.png"
    figure = show.plot_reconstructions(images, images / 2, images + 0.7, to_file=path)
    rows = [axes for axes in figure.axes if axes.get_ylabel()]
    assert [axes.get_ylabel() for axes in rows] == ["original", "noisy", "reconstruction"]
    assert len(figure.axes) == 30
    noisy = rows[1].get_images()[0].get_array()
    assert np.allclose(noisy, np.minimum(images[0] + 0.7, 1).reshape(4, 4))
    assert path.stat().st_size > 1000
    with pytest.raises(ValueError, match=r"differ in number or size: original \(12, 4, 4\)"):
        show.plot_reconstructions(images, images[:3])


def test_digits(real_data):
    with np.load(real_data("mnist.npz")) as data:
        images, labels = data["x_test"][:12], data["y_test"][:12]
    figure = show.plot_images(images, titles=labels)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["7", "2", "1"]
    assert (
        len(show.plot_reconstructions(images.reshape(-1, 784) / 255, images[..., None]).axes) == 20
    )


# ---- vectors


@pytest.mark.parametrize("shape", [(50, 6), (6, 50), (9000, 3), (5, 5)])
def test_principal_components_are_scikit_learns(shape):
    decomposition = pytest.importorskip("sklearn.decomposition")
    data = RANDOM.normal(size=shape) * np.linspace(3, 1, shape[1]) + 5
    expected = decomposition.PCA(2, svd_solver="full").fit_transform(data)
    found = show.pca(data)
    turned = np.sign((found * expected).sum(axis=0))
    assert np.allclose(found, expected * turned, atol=1e-8)
    assert np.allclose(show.pca(data * 2), found * 2), "and so is the sign of each axis"


def test_principal_components_of_flat_data():
    line = np.outer(np.arange(5.0), [3.0, 4.0, 0.0])
    assert show.pca(line) == pytest.approx(np.array([[5 * n - 10, 0] for n in range(5)]), abs=1e-6)
    assert show.pca(line[:2]) == pytest.approx(np.array([[-2.5, 0], [2.5, 0]]), abs=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((3, 1)), "3 vectors of 1 numbers have from 1 to 1"),
        (np.array([[1.0, np.nan], [1, 2]]), "row 0 is not finite"),
        (np.zeros(4), r"got shape \(4,\)"),
    ],
)
def test_wrong_tables(data, message):
    with pytest.raises(ValueError, match=message):
        show.pca(data)


def test_embeddings_are_the_most_frequent_words(vectors, tmp_path):
    figure = show.plot_embeddings(vectors, to_file=tmp_path / "e.svg")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == [f"word{n}" for n in range(60)]
    places = axes.collections[0].get_offsets()
    rows = [vectors.get_vector(f"word{n}", norm=True) for n in range(60)]
    assert np.allclose(places, show.pca(np.array(rows)))
    assert "principal axis 1 (" in axes.get_xlabel()


def test_pairs_are_arrows_between_their_words(vectors):
    figure = show.plot_embeddings(vectors, pairs=[("word1", "word2"), ("word3", "word2")])
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    assert [text.get_text() for text in texts] == ["word1", "word2", "word3"]
    assert len(figure.axes[0].texts) == 5
    with pytest.raises(KeyError, match="'word9' of the pair"):
        show.plot_embeddings(vectors, ["word1", "word2"], pairs=[("word1", "word9")])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_labels_are_colours(dimensions):
    data = RANDOM.normal(size=(30, 5))
    figure = show.plot_embeddings(data, labels=[0, 1, 10] * 10, dimensions=dimensions)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "10"]
    assert len({tuple(each.get_facecolor()[0]) for each in axes.collections}) == 3


def test_tsne(vectors):
    pytest.importorskip("sklearn")
    words = [f"word{n}" for n in range(12)]
    figure = show.plot_embeddings(vectors, words, "tsne")
    again = show.plot_embeddings(vectors, words, "tsne")
    places = [each.axes[0].collections[0].get_offsets() for each in (figure, again)]
    assert places[0].shape == (12, 2)
    assert np.array_equal(*places)
    with pytest.raises(ValueError, match="at least 4 vectors"):
        show.tsne(np.zeros((3, 2)))


def test_words_cover_neither_each_other_nor_points(vectors):
    figure = show.plot_embeddings(vectors, [f"word{n}" for n in range(50)])
    (axes,) = figure.axes
    for text in list(axes.texts):
        text.remove()
    points = axes.collections[0].get_offsets()
    found = place_labels(figure, axes, points, [f"word{n}" for n in range(50)])
    page = axes.transData.transform(points) * 72 / figure.dpi
    for one, other in itertools.combinations(found, 2):
        assert min(min(one[n + 2], other[n + 2]) - max(one[n], other[n]) for n in (0, 1)) <= 1e-6
    for left, bottom, right, top in found:
        inside = (page > [left, bottom]) & (page < [right, top])
        assert not inside.all(axis=1).any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["word1", "coffee"],), KeyError, "coffee"),
        (("word1",), TypeError, "words are a list, got the string"),
        ((["word1"],), ValueError, "at least 2 words"),
        ((None, "umap"), ValueError, "method is 'pca' or 'tsne', got 'umap'"),
        ((None, "pca", [1, 2]), ValueError, "60 vectors, but 2 labels"),
        ((None, "pca", None, 4), ValueError, "dimensions are 2 or 3, got 4"),
    ],
)
def test_wrong_embeddings(vectors, arguments, error, message):
    with pytest.raises(error, match=message):
        show.plot_embeddings(vectors, *arguments)


# ---- confusions


def test_confusion_counts():
    metrics = pytest.importorskip("sklearn.metrics")
    true, predicted = RANDOM.integers(0, 4, (2, 300))
    expected = metrics.confusion_matrix(true, predicted)
    scores = np.eye(4)[predicted] * 0.6 + 0.1
    for y_true in (true, np.eye(4)[true], true[:, None], true.astype(float)):
        for y_pred in (predicted, scores):
            assert np.array_equal(confusion(y_true, y_pred)[0], expected)
    names = np.array(["d", "b", "a", "c"])
    counts, order = confusion(names[true], names[predicted], ["d", "b", "a", "c"])
    assert np.array_equal(counts, expected)
    assert order == ["d", "b", "a", "c"]
    assert confusion(names[true], names[predicted])[1] == ["a", "b", "c", "d"]


def test_a_single_probability_is_class_one_above_a_half():
    counts, _ = confusion([0, 1, 1, 1], np.array([[0.2], [0.7], [0.4], [1.0]]))
    assert counts.tolist() == [[1, 0], [1, 2]]


@pytest.mark.parametrize(
    ("normalize", "numbers"),
    [
        (None, ["2", "1", "0", "1"]),
        (True, ["67", "33", "0", "100"]),
        ("pred", ["100", "50", "0", "50"]),
        ("all", ["50", "25", "0", "25"]),
    ],
)
def test_confusion_as_it_is_drawn(normalize, numbers, tmp_path):
    y_true, y_pred = [0, 0, 0, 1], [0, 0, 1, 1]
    path = tmp_path / "c.png"
    figure = show.plot_confusion(y_true, y_pred, ["no", "yes"], normalize, to_file=path)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == numbers
    assert [text.get_text() for text in axes.get_yticklabels()] == ["no", "yes"]
    assert axes.get_title() == "accuracy 75.00% of 4"
    assert path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0]), "y_true has 2 samples and y_pred 1"),
        (([0, 1], ["a", "b"]), "both must be names, or both numbers"),
        (([0, 3], [0, 1], ["a", "b"]), "class 3 has no name"),
        ((["a"], ["b"], ["a"]), "'b' is not among the labels"),
        (([0, -1], [0, 1]), "counted from 0"),
        (([0, 1], [0.1, np.nan]), "y_pred has NaN at 1"),
        (([0], [0], None, "rows"), "normalize is 'true', 'pred', 'all' or None"),
        (([0, 900], [0, 1]), "901 classes are too many"),
    ],
)
def test_wrong_confusions(arguments, message):
    with pytest.raises(ValueError, match=message):
        show.plot_confusion(*arguments)


# ---- figures


def test_no_state_of_pyplot_and_no_import_of_it(tmp_path):
    program = f"""
import sys
from lamina import visualization
assert "matplotlib" not in sys.modules
figure = visualization.plot_history({{"loss": [2, 1]}}, to_file={str(tmp_path / "h.png")!r})
assert figure._repr_png_().startswith(b"\\x89PNG")
assert "matplotlib.pyplot" not in sys.modules and "sklearn" not in sys.modules
print(type(figure).__mro__[1])
"""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert finished.stdout == "<class 'matplotlib.figure.Figure'>\n", finished.stderr


def test_a_file_stays_whole_when_saving_fails(tmp_path):
    path = tmp_path / "h.png"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=r"not in \.txt"):
        show.plot_history({"loss": [1, 2]}, to_file=tmp_path / "h.txt")
    with pytest.raises(FileNotFoundError):
        show.plot_history({"loss": [1, 2]}, to_file=tmp_path / "no" / "h.png")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["h.png"]
