"""Batches of pictures, changed at random by an `ImageDataGenerator`: of arrays, and of folders.

They are sequences, which ``fit`` takes an epoch at a time, and iterators without an end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.randomness import generator
from lamina.utils.directories import find_files
from lamina.utils.images import img_to_array, load_img, save_img
from lamina.utils.np_utils import to_categorical
from lamina.utils.sequence import Sequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamina.preprocessing.image_generator import ImageDataGenerator

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
_CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


class Iterator(Sequence):
    """Pictures by number, in batches; subclasses say what a picture is, and what goes with it."""

    def __init__(
        self,
        count: int,
        changes: ImageDataGenerator,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        saved: tuple[Any, str, str],
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.n = self.samples = count
        self.image_data_generator = changes
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.save_to_dir, self.save_prefix, self.save_format = saved
        self.batch_index = 0
        self._random = None if seed is None else np.random.default_rng(seed)
        self._order: NDArray[Any] | None = None

    def picture(self, number: int) -> NDArray[Any]:
        """Return one picture as it is."""
        raise NotImplementedError

    def batch(self, images: NDArray[Any], numbers: NDArray[Any]) -> Any:
        """Return the pictures and what goes with them."""
        raise NotImplementedError

    def random(self) -> np.random.Generator:
        """Return what random numbers come from."""
        return self._random or generator()

    def __len__(self) -> int:
        return (self.n + self.batch_size - 1) // self.batch_size

    def on_epoch_end(self) -> None:
        numbers = np.arange(self.n)
        self._order = self.random().permutation(numbers) if self.shuffle else numbers

    def reset(self) -> None:
        """Begin an epoch anew."""
        self.batch_index = 0

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, and no number {index}")
        if self._order is None:
            self.on_epoch_end()
        numbers = np.asarray(self._order)[index * self.batch_size : (index + 1) * self.batch_size]
        changes, random = self.image_data_generator, self.random()
        images = np.stack([changes.changed(self.picture(each), random) for each in numbers])
        if self.save_to_dir:
            for number, image in zip(numbers, images, strict=True):
                name = f"{self.save_prefix}_{number}_{random.integers(10**7)}.{self.save_format}"
                save_img(Path(self.save_to_dir) / name, image, changes.data_format)
        return self.batch(images, numbers)

    def __iter__(self) -> Iterator:  # without an end, as in Keras
        return self

    def __next__(self) -> Any:
        if self.batch_index >= len(self):
            self.batch_index = 0
            self.on_epoch_end()
        batch = self[self.batch_index]
        self.batch_index += 1
        return batch

    next = __next__


class NumpyArrayIterator(Iterator):
    """Batches of the pictures of an array, their targets and weights."""

    def __init__(
        self,
        x: Any,
        y: Any,
        changes: ImageDataGenerator,
        *,
        batch_size: int,
        shuffle: bool,
        sample_weight: Any,
        seed: int | None,
        saved: tuple[Any, str, str],
        subset: str | None,
    ) -> None:
        parts = [None if part is None else np.asarray(part) for part in (x, y, sample_weight)]
        images = np.asarray(parts[0])
        for name, part in zip(("y", "sample_weight"), parts[1:], strict=True):
            if part is not None and len(part) != len(images):
                raise ValueError(f"flow: x has {len(images)} pictures, {name} {len(part)}")
        if images.ndim != 4 or not len(images):
            raise ValueError(
                f"flow: x must be pictures (samples, height, width, channels), got shape "
                f"{images.shape}"
            )
        where = changes.part(len(images), subset)
        self.x, self.y, self.sample_weight = (None if p is None else p[where] for p in parts)
        count = len(images[where])
        super().__init__(count, changes, batch_size, shuffle, seed, saved)

    def picture(self, number: int) -> NDArray[Any]:
        return np.array(np.asarray(self.x)[number], self.image_data_generator.dtype)

    def batch(self, images: NDArray[Any], numbers: NDArray[Any]) -> Any:
        if self.y is None:
            return images
        if self.sample_weight is None:
            return images, self.y[numbers]
        return images, self.y[numbers], self.sample_weight[numbers]


class DirectoryIterator(Iterator):
    """Batches of the pictures in a folder, and the classes that its folders are."""

    def __init__(
        self,
        directory: Any,
        changes: ImageDataGenerator,
        *,
        target_size: Any,
        color_mode: str,
        classes: Any,
        class_mode: str | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        saved: tuple[Any, str, str],
        follow_links: bool,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
    ) -> None:
        folder = Path(directory)
        if not folder.is_dir():
            raise FileNotFoundError(f"there is no folder {folder}")
        if class_mode not in _CLASS_MODES or color_mode not in _CHANNELS:
            raise ValueError(
                f"class_mode must be one of {', '.join(map(repr, _CLASS_MODES))} and color_mode "
                f"one of {', '.join(map(repr, _CHANNELS))}, got {class_mode!r} and {color_mode!r}"
            )
        names = list(classes or sorted(each.name for each in folder.iterdir() if each.is_dir()))
        self.directory, self.class_mode, self.color_mode = str(folder), class_mode, color_mode
        self.target_size = tuple(target_size)
        self.image_shape = (*self.target_size, _CHANNELS[color_mode])
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        if class_mode == "binary" and len(names) != 2:
            raise ValueError(f"class_mode='binary' is for two classes, got {names}")
        self.filepaths: list[str] = []
        numbers: list[int] = []
        for number, name in enumerate(names):
            if not (folder / name).is_dir():
                raise FileNotFoundError(f"there is no folder {folder / name}, which is in classes=")
            found = find_files(folder / name, _PICTURES, follow_links=follow_links)
            found = found[changes.part(len(found), subset)]
            self.filepaths += found
            numbers += [number] * len(found)
        if not numbers:
            raise FileNotFoundError(f"there is no picture in the folders {names} of {folder}")
        self.filenames = [str(Path(path).relative_to(folder)) for path in self.filepaths]
        self.classes = self.labels = np.array(numbers, np.int32)
        print(f"Found {len(numbers)} images belonging to {len(names)} classes.")  # noqa: T201
        super().__init__(len(numbers), changes, batch_size, shuffle, seed, saved)

    def picture(self, number: int) -> NDArray[Any]:
        image = load_img(
            self.filepaths[number],
            self.color_mode,
            self.target_size,
            self.interpolation,
            self.keep_aspect_ratio,
        )
        changes = self.image_data_generator
        array: NDArray[Any] = np.array(img_to_array(image, changes.data_format, changes.dtype))
        return array

    def batch(self, images: NDArray[Any], numbers: NDArray[Any]) -> Any:
        if self.class_mode is None:
            return images
        if self.class_mode == "input":
            return images, images.copy()
        labels = self.classes[numbers]
        if self.class_mode == "categorical":
            return images, to_categorical(labels, self.num_classes).astype(images.dtype)
        return images, labels.astype(images.dtype)
