"""Pictures changed at random, so that a network does not learn them by heart."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina._config import floatx
from lamina.preprocessing.affine import FILL_MODES, transformed
from lamina.preprocessing.image_iterators import DirectoryIterator, NumpyArrayIterator
from lamina.randomness import generator
from lamina.utils.images import is_channels_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_EPSILON = 1e-6


class ImageDataGenerator:
    """Makes batches of pictures that are changed at random and standardized.

    Args:
        featurewise_center: take the mean of each channel of the data away; `fit` measures it.
        samplewise_center: take each picture's own mean away.
        featurewise_std_normalization: divide by the deviation of each channel of the data.
        samplewise_std_normalization: divide by each picture's own deviation.
        zca_whitening, zca_epsilon: not offered: an error if asked for.
        rotation_range: degrees that pictures are turned by at most.
        width_shift_range: columns that they are shifted by at most, or the share of the width if
            below 1; fewer than so many if an int; a list is what is drawn from.
        height_shift_range: likewise, rows.
        brightness_range: the pair of factors that their values are multiplied by.
        shear_range: degrees that they are sheared by at most.
        zoom_range: z for factors from 1 - z to 1 + z, or a pair of factors.
        channel_shift_range: what is added to all values at most.
        fill_mode: what comes in from beyond the edges: the "nearest" cell, "constant" (``cval``),
            "reflect" or "wrap".
        cval: see ``fill_mode``.
        horizontal_flip: swap left and right, half of the time.
        vertical_flip: swap top and bottom, half of the time.
        rescale: a factor for all values, after the changes.
        preprocessing_function: what changes a picture before that; it gets and returns an array.
        data_format: "channels_last" or "channels_first".
        validation_split: the first share of the samples, for ``subset="validation"``.
        interpolation_order: 1 to interpolate between cells, 0 for the nearest.
        dtype: of the batches; ``lamina.floatx()`` if None.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Keras 2's ``preprocessing.image.ImageDataGenerator``. Shifts of height go up and down
    here, whatever the shape, and pictures turn about their middle.

    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,  # noqa: ARG002
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Any], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        if zca_whitening:
            raise ValueError("ImageDataGenerator: zca_whitening is not offered")
        if fill_mode not in FILL_MODES or interpolation_order not in {0, 1}:
            raise ValueError(
                f"ImageDataGenerator: fill_mode must be one of {', '.join(map(repr, FILL_MODES))} "
                f"and interpolation_order 0 or 1, got {fill_mode!r} and {interpolation_order!r}"
            )
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                f"ImageDataGenerator: validation_split must be between 0 and 1, got "
                f"{validation_split}"
            )
        self.channels_first = is_channels_first(data_format)
        self.data_format = data_format or "channels_last"
        self.featurewise_center = featurewise_center or featurewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.zoom_range = (
            (1 - zoom_range, 1 + zoom_range)
            if isinstance(zoom_range, (int, float))
            else _pair(zoom_range, "zoom_range")
        )
        self.brightness_range = (
            None if brightness_range is None else _pair(brightness_range, "brightness_range")
        )
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.validation_split = validation_split
        self.dtype = np.dtype(dtype or floatx())
        self.mean: NDArray[Any] | None = None
        self.std: NDArray[Any] | None = None

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return batches of an array of pictures, changed: x, (x, y) or (x, y, sample_weight).

        Args:
            x: (samples, height, width, channels).
            y: the targets.
            batch_size: pictures in a batch.
            shuffle: take them in another order each epoch.
            sample_weight: a weight for each.
            seed: of the order and the changes.
            save_to_dir: a folder to write the changed pictures to.
            save_prefix: what their names begin with.
            save_format: what they end in.
            subset: "training" or "validation", with ``validation_split``.

        Raises:
            ValueError: if the arrays differ in length or are no pictures.

        """
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            saved=(save_to_dir, save_prefix, save_format),
            subset=subset,
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return batches of the pictures in a folder, which has a folder for each class.

        Pictures are resized to ``target_size`` (height, width). ``classes`` are the folders, in the
        order of their numbers; by the alphabet if None. ``class_mode`` is "categorical" for rows
        with a one, "binary" or "sparse" for numbers, "input" for the pictures themselves, None for
        no targets. The other arguments are those of `flow`, and of ``utils.load_img``.

        Raises:
            FileNotFoundError: if there is no such folder, or no picture in it.

        """
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            saved=(save_to_dir, save_prefix, save_format),
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
        )

    def part(self, count: int, subset: str | None) -> slice:
        """Return which of so many samples are to train or to validate on: the first are the latter.

        Raises:
            ValueError: if ``subset`` is unknown, or leaves none.

        """
        place = int(count * self.validation_split)
        if subset is None:
            return slice(0, count)
        if subset not in {"training", "validation"}:
            raise ValueError(f"subset must be 'training' or 'validation', got {subset!r}")
        if not self.validation_split:
            raise ValueError("subset= needs validation_split= of the ImageDataGenerator")
        return slice(0, place) if subset == "validation" else slice(place, count)

    def get_random_transform(self, img_shape: Any, seed: Any = None) -> dict[str, Any]:
        """Return what `apply_transform` is to do to a picture of this shape, drawn at random.

        ``seed`` is a number or a ``numpy.random.Generator``.
        """
        random = generator() if seed is None else np.random.default_rng(seed)
        height, width = img_shape[1:] if self.channels_first else img_shape[:2]
        low, high = self.zoom_range
        zx, zy = random.uniform(low, high, 2) if (low, high) != (1, 1) else (1, 1)

        def drawn(reach: float) -> float:
            return float(random.uniform(-reach, reach)) if reach else 0.0

        return {
            "theta": drawn(self.rotation_range),
            "tx": _shift(self.width_shift_range, width, random),
            "ty": _shift(self.height_shift_range, height, random),
            "shear": drawn(self.shear_range),
            "zx": float(zx),
            "zy": float(zy),
            "flip_horizontal": bool(self.horizontal_flip and random.random() < 0.5),
            "flip_vertical": bool(self.vertical_flip and random.random() < 0.5),
            "channel_shift_intensity": drawn(self.channel_shift_range) or None,
            "brightness": self.brightness_range and float(random.uniform(*self.brightness_range)),
        }

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> NDArray[Any]:
        """Return a picture changed so: the keys are those of `get_random_transform`.

        Degrees are clockwise; ``tx`` and ``ty`` are columns and rows that the content moves to the
        left and up, ``zx`` and ``zy`` columns and rows of the picture in one of the result.
        """
        picture = np.asarray(x)
        picture = np.moveaxis(picture, 0, -1) if self.channels_first else picture
        asked = {
            name: transform_parameters[name]
            for name in ("theta", "tx", "ty", "shear", "zx", "zy")
            if name in transform_parameters
        }
        picture = transformed(
            picture,
            **asked,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        if (shift := transform_parameters.get("channel_shift_intensity")) is not None:
            picture = np.clip(picture + shift, picture.min(), picture.max())
        if transform_parameters.get("flip_horizontal"):
            picture = picture[:, ::-1]
        if transform_parameters.get("flip_vertical"):
            picture = picture[::-1]
        if (factor := transform_parameters.get("brightness")) is not None:
            picture = np.clip(picture * factor, 0, max(255.0, float(picture.max())))
        picture = np.moveaxis(picture, -1, 0) if self.channels_first else picture
        return picture.astype(self.dtype)

    def random_transform(self, x: Any, seed: Any = None) -> NDArray[Any]:
        """Return a picture changed at random."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x: Any) -> NDArray[Any]:
        """Return pictures centred, scaled and so on, as the arguments say, but not changed."""
        images = np.asarray(x)
        if self.preprocessing_function is not None:
            images = np.asarray(self.preprocessing_function(images))
        images = images.astype(self.dtype)
        if self.rescale is not None:
            images = images * self.dtype.type(self.rescale)
        if self.samplewise_center:
            images = images - images.mean()
        if self.samplewise_std_normalization:
            images = images / (images.std() + _EPSILON)
        if self.featurewise_center:
            if self.mean is None:
                warnings.warn(
                    "this ImageDataGenerator is to centre or scale by the data and has not seen "
                    "them: call fit(x) first",
                    stacklevel=2,
                )
                return images
            images = images - self.mean
        if self.std is not None:
            images = images / (self.std + _EPSILON)
        return images

    def changed(self, picture: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
        """Return a picture changed at random and standardized."""
        return self.standardize(self.random_transform(picture, random))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Measure the mean and deviation of each channel, for the featurewise arguments.

        Args:
            x: (samples, height, width, channels).
            augment: measure pictures that are changed at random.
            rounds: how often each is, then.
            seed: of the changes.

        Raises:
            ValueError: if x is no array of pictures.

        """
        images = np.array(x, self.dtype)
        if images.ndim != 4 or not len(images):
            raise ValueError(
                f"fit: x must be pictures (samples, height, width, channels), got shape "
                f"{images.shape}"
            )
        if self.rescale is not None:
            images *= self.dtype.type(self.rescale)
        if augment:
            random = generator() if seed is None else np.random.default_rng(seed)
            images = np.stack(
                [self.random_transform(each, random) for _ in range(rounds) for each in images]
            )
        axes = (0, 2, 3) if self.channels_first else (0, 1, 2)
        if self.featurewise_center:
            self.mean = images.mean(axis=axes, keepdims=True)[0]
        if self.featurewise_std_normalization:
            self.std = images.std(axis=axes, keepdims=True)[0]


def _pair(value: Any, name: str) -> tuple[float, float]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"ImageDataGenerator: {name} must be a pair of numbers, got {value!r}")
    return float(value[0]), float(value[1])


def _shift(reach: Any, size: int, random: np.random.Generator) -> float:
    """Return how many cells to shift: up to a whole number, or a share; or one of a list."""
    if isinstance(reach, (list, tuple, np.ndarray)):
        shift = float(random.choice(reach)) * float(random.choice([-1, 1]))
    elif isinstance(reach, (int, np.integer)):
        shift = float(random.integers(1 - reach, reach)) if reach else 0.0
    else:
        shift = float(random.uniform(-reach, reach))
    return shift * size if np.max(reach) < 1 else shift
