"""Datasets of files in folders, one folder a class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lamina.randomness import generator
from lamina.utils.dataset import SampleDataset
from lamina.utils.images import img_to_array, is_channels_first, load_img, resized
from lamina.utils.np_utils import to_categorical

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = ("grayscale", "rgb", "rgba")


class Files(NamedTuple):
    """Paths of files, the numbers of their classes (None for none), the names of the classes."""

    paths: list[str]
    labels: NDArray[np.int32] | None
    class_names: list[str] | None

    def part(self, rows: slice) -> Files:
        """Return some of them."""
        labels = None if self.labels is None else self.labels[rows]
        return Files(self.paths[rows], labels, self.class_names)


def find_files(folder: Path, endings: tuple[str, ...], *, follow_links: bool) -> list[str]:
    """Return the paths of the files below a folder whose names end so, in the order of Keras."""
    walked = sorted(os.walk(folder, followlinks=follow_links), key=lambda found: found[0])
    return [
        str(Path(root) / name)
        for root, _, names in walked
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]


def _index(
    directory: Any,
    labels: Any,
    class_names: Any,
    endings: tuple[str, ...],
    *,
    follow_links: bool,
) -> Files:
    """Return the files of a folder in the order of their names, with their classes.

    Raises:
        FileNotFoundError: if there is no such folder, or no such file in it.
        ValueError: if the labels or class names are not those of its files.

    """
    folder = Path(directory)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    inferred = isinstance(labels, str)
    if class_names is not None and not inferred:
        raise ValueError("class_names= is for labels='inferred' alone: other labels have no names")
    if inferred:
        there = sorted(e.name for e in folder.iterdir() if e.is_dir() and e.name[0] != ".")
        names = there if class_names is None else list(class_names)
        if not set(names) <= set(there):
            raise ValueError(
                f"class_names {sorted(set(names) - set(there))} are no folders in {folder}; those "
                f"are {there}"
            )
        found = [find_files(folder / name, endings, follow_links=follow_links) for name in names]
        paths = [path for each in found for path in each]
        numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(each) for each in found])
        files = Files(paths, numbers, names)
    else:
        paths = find_files(folder, endings, follow_links=follow_links)
        if labels is not None and len(labels) != len(paths):
            raise ValueError(
                f"there are {len(labels)} labels for the {len(paths)} files in {folder}"
            )
        files = Files(paths, None, None)
        if labels is not None:
            numbers = np.asarray(labels, np.int32)
            files = Files(paths, numbers, [str(label) for label in np.unique(numbers)])
    if not files.paths:
        below = " in a folder for each class" if inferred else ""
        raise FileNotFoundError(f"there is no file *{', *'.join(endings)} in {folder}{below}")
    return files


def _check(labels: Any, label_mode: Any, split: Any, subset: Any, seed: Any, shuffle: Any) -> None:
    """Refuse arguments that do not fit each other."""
    listed = isinstance(labels, (list, tuple, np.ndarray))
    if not listed and labels not in {"inferred", None}:
        raise ValueError(
            f"labels must be 'inferred', None, or a list of a number for each file, got {labels!r}"
        )
    if label_mode not in {"int", "categorical", "binary", None}:
        raise ValueError(
            f"label_mode must be 'int', 'categorical', 'binary' or None, got {label_mode!r}"
        )
    if subset not in {"training", "validation", "both", None}:
        raise ValueError(f"subset must be 'training', 'validation', 'both' or None, got {subset!r}")
    if bool(split) != bool(subset):
        raise ValueError("validation_split= and subset= need each other")
    if split and not 0 < split < 1:
        raise ValueError(f"validation_split must be between 0 and 1, got {split}")
    if split and shuffle and seed is None:
        raise ValueError(
            "validation_split= with shuffle=True needs seed=: else training and validation overlap"
        )


class _FileDataset(SampleDataset):
    """Files by number, each loaded when its batch is asked for."""

    def __init__(
        self, files: Files, load: Callable[[list[str]], Any], label_mode: Any, **options: Any
    ) -> None:
        super().__init__(len(files.paths), **options)
        self.files, self.load, self.label_mode = files, load, label_mode
        self.file_paths, self.class_names = files.paths, files.class_names

    def samples(self, rows: NDArray[Any]) -> Any:
        x = self.load([self.files.paths[row] for row in rows])
        if self.files.labels is None:
            return x
        labels = self.files.labels[rows]
        if self.label_mode == "binary":
            return x, labels.astype(np.float32)[:, np.newaxis]
        if self.label_mode == "categorical":
            return x, to_categorical(labels, len(self.files.class_names or ()))
        return x, labels


def _dataset(
    load: Callable[[list[str]], Any],
    endings: tuple[str, ...],
    directory: Any,
    *,
    labels: Any,
    label_mode: Any,
    class_names: Any,
    batch_size: int | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    verbose: bool,
) -> Any:
    """Return the dataset, or the two for ``subset="both"``, of a folder."""
    _check(labels, label_mode, validation_split, subset, seed, shuffle)
    labels = None if label_mode is None else labels
    files = _index(directory, labels, class_names, endings, follow_links=follow_links)
    count = len(files.paths)
    if label_mode == "binary" and files.class_names is not None and len(files.class_names) != 2:
        raise ValueError(f"label_mode='binary' is for two classes, got {files.class_names}")
    if verbose:
        of = (
            "." if files.class_names is None else f" belonging to {len(files.class_names)} classes."
        )
        print(f"Found {count} files{of}")  # noqa: T201
    seed = int(generator().integers(1_000_000)) if seed is None else seed
    if shuffle:
        order = np.arange(count)
        np.random.RandomState(seed).shuffle(order)  # Keras's order, and so Keras's split
        numbers = None if files.labels is None else files.labels[order]
        files = Files([files.paths[place] for place in order], numbers, files.class_names)

    def made(part: Files, name: str, shuffle: bool) -> _FileDataset:
        if not part.paths or (len(part.paths) == count and name):
            raise ValueError(
                f"validation_split={validation_split} of {count} files leaves none on one side"
            )
        if verbose and name:
            print(f"Using {len(part.paths)} files for {name}.")  # noqa: T201
        return _FileDataset(
            part, load, label_mode, batch_size=batch_size, shuffle=shuffle, seed=seed
        )

    if subset is None:
        return made(files, "", shuffle)
    held_back = int((validation_split or 0) * count)
    training = files.part(slice(0, count - held_back))
    validation = files.part(slice(count - held_back, None))
    if subset == "both":
        return [made(training, "training", shuffle), made(validation, "validation", False)]
    return made(training if subset == "training" else validation, subset, shuffle)


def _text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from error


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """Return a dataset of the .txt files in a folder: arrays of texts, and the files' classes.

    Args:
        directory: the folder, with a folder for each class in it.
        labels: "inferred" from those folders; a list of numbers for the files in the order of
            their paths; None for none.
        label_mode: "int" for numbers (int32), "categorical" for rows with a one, "binary" for 0.0
            and 1.0 in a column, None for no labels.
        class_names: the folders, in the order of their numbers; by the alphabet if None.
        batch_size: texts in a batch; None for single ones.
        max_length: the characters to cut a text after.
        shuffle: take the files in another order each epoch; by their names if not.
        seed: of that order, and so of the split.
        validation_split: the share of files, from the end, to validate on.
        subset: "training" or "validation" for one part, "both" for a list of both.
        follow_links: whether to go into folders that are links.
        verbose: whether to print how many files were found.

    Raises:
        FileNotFoundError: if there is no such folder, or no such file in it.
        ValueError: if the arguments do not fit each other or the files; if a text is not UTF-8.

    Source: Keras's function. ``class_names`` and ``file_paths`` are attributes of the dataset.

    """

    def load(paths: list[str]) -> NDArray[Any]:
        texts = np.empty(len(paths), object)
        texts[:] = [_text(path)[:max_length] for path in paths]
        return texts

    return _dataset(
        load,
        (".txt",),
        directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    verbose: bool = True,
) -> Any:
    """Return a dataset of the pictures in a folder: float32 from 0 to 255, and their classes.

    A batch is (batch, height, width, channels). Files end in .bmp, .gif (its first picture), .jpeg,
    .jpg or .png. Arguments that are not explained here are those of `text_dataset_from_directory`.

    ``color_mode`` is "grayscale", "rgb" or "rgba" for 1, 3 or 4 channels. Each picture is resized
    to ``image_size`` (height, width) with ``interpolation`` "nearest", "bilinear", "bicubic",
    "lanczos3" or "lanczos5"; before that, ``crop_to_aspect_ratio`` cuts its middle out in the same
    ratio, or ``pad_to_aspect_ratio`` fills it up to that with zeros. ``data_format`` is
    "channels_last" or "channels_first".

    Raises:
        FileNotFoundError: if there is no such folder, or no such file in it.
        ValueError: if the arguments do not fit each other or the files; if a file is no picture.
        ImportError: if Pillow is missing.

    Source: Keras's function. ``class_names`` and ``file_paths`` are attributes of the dataset.

    """
    size = (image_size,) * 2 if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"image_size must be (height, width), got {image_size!r}")
    if color_mode not in _CHANNELS:
        raise ValueError(f"color_mode must be 'grayscale', 'rgb' or 'rgba', got {color_mode!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other")
    channels_first = is_channels_first(data_format)

    def load(paths: list[str]) -> NDArray[Any]:
        images = [
            resized(
                img_to_array(load_img(path, color_mode), dtype="float32"),
                size,
                interpolation.lower(),
                crop=crop_to_aspect_ratio,
                pad=pad_to_aspect_ratio,
            )
            for path in paths
        ]
        batch = np.stack(images)
        return np.ascontiguousarray(batch.transpose(0, 3, 1, 2)) if channels_first else batch

    return _dataset(
        load,
        _PICTURES,
        directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
