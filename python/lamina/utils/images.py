"""Pictures from files to arrays and back, through Pillow; arrays resized natively."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from lamina import ops
from lamina._config import floatx
from lamina.saving.atomic import atomic_write

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GREYS = {"L", "I;16", "I"}  # grey already, of 8, 16 or 32 bits
_RESAMPLING = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow() -> Any:
    """Return Pillow's module of images.

    Raises:
        ImportError: if it is missing.

    """
    try:
        from PIL import Image  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("pictures need Pillow: pip install 'lamina[image]'") from error
    return Image


def is_channels_first(data_format: str | None) -> bool:
    """Return whether the channels come first; they come last if nothing is said.

    Raises:
        ValueError: if it is neither "channels_last" nor "channels_first".

    """
    if data_format not in {None, "channels_last", "channels_first"}:
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first', got {data_format!r}"
        )
    return data_format == "channels_first"


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Return the picture of a file as a Pillow image.

    Args:
        path: a path, or ``io.BytesIO`` with the file's content.
        color_mode: "rgb", "rgba", or "grayscale".
        target_size: (height, width) to resize it to; as it is if None.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming".
        keep_aspect_ratio: cut its middle out in the ratio of ``target_size`` first.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no picture, cut off, or too large to be one.
        ImportError: if Pillow is missing.

    Source: Keras's ``utils.load_img``.

    """
    image_module = pillow()
    if color_mode not in _MODES:
        raise ValueError(f"color_mode must be 'grayscale', 'rgb' or 'rgba', got {color_mode!r}")
    if interpolation not in _RESAMPLING:
        raise ValueError(
            f"interpolation must be one of {', '.join(map(repr, _RESAMPLING))}, got "
            f"{interpolation!r}"
        )
    what = "the picture" if isinstance(path, io.BytesIO) else os.fsdecode(path)
    file = path if isinstance(path, io.BytesIO) else io.BytesIO(Path(what).read_bytes())
    try:
        image = image_module.open(file)
        image.load()
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise ValueError(f"{what} is no picture that can be read: {error}") from error
    mode = _MODES[color_mode]
    if image.mode != mode and not (mode == "L" and image.mode in _GREYS):
        image = image.convert(mode)
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    tall, wide = target_size
    box = _middle(image.height, image.width, tall, wide) if keep_aspect_ratio else None
    resample = image_module.Resampling[interpolation.upper()]
    return image.resize((wide, tall), resample, box=box)


def _middle(height: int, width: int, tall: int, wide: int) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of the largest middle that has the ratio tall / wide."""
    rows = max(min(height, width * tall // wide), 1)
    columns = max(min(width, height * wide // tall), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return left, top, left + columns, top + rows


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Any:
    """Return a Pillow image, or anything that numpy takes for one, as (height, width, channels).

    ``dtype`` is ``lamina.floatx()`` if None.

    Raises:
        ValueError: if it has not two or three axes.

    Source: Keras's ``utils.img_to_array``.

    """
    array = np.asarray(img, dtype=dtype or floatx())
    if array.ndim not in {2, 3}:
        raise ValueError(f"img_to_array: wanted one picture, got an array of shape {array.shape}")
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    return array.transpose(2, 0, 1) if is_channels_first(data_format) else array


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """Return an array (height, width, channels) of 1, 3 or 4 channels as a Pillow image.

    ``scale`` spreads its values over 0 to 255; else they are taken as such.

    Raises:
        ValueError: if it is no such array.
        ImportError: if Pillow is missing.

    Source: Keras's ``utils.array_to_img``.

    """
    array = np.asarray(x, dtype=dtype or floatx())
    if array.ndim == 3 and is_channels_first(data_format):
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] not in {1, 3, 4} or array.size == 0:
        raise ValueError(
            f"array_to_img: wanted one picture, (height, width, channels) of 1, 3 or 4 channels, "
            f"got shape {np.shape(x)}"
        )
    if scale:
        array = array - array.min()
        array = array / (array.max() or 1) * 255
    if array.shape[2] == 1:
        grey = array[:, :, 0]
        return pillow().fromarray(grey.astype(np.int32 if grey.max() > 255 else np.uint8))
    return pillow().fromarray(np.ascontiguousarray(array.astype(np.int64).astype(np.uint8)))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array (height, width, channels) as a picture.

    Args:
        path: a path, or an open binary file.
        x: the array, as for `array_to_img`.
        data_format: "channels_last" or "channels_first".
        file_format: "png", "jpeg" ...; by the end of ``path`` if None.
        scale: spread its values over 0 to 255.
        kwargs: options of Pillow's ``Image.save``.

    Raises:
        ValueError: if it is no picture, or the format is unknown.

    Source: Keras's ``utils.save_img``.

    """
    suffix = f".{file_format}" if file_format else Path(getattr(path, "name", path)).suffix
    image_module = pillow()
    kind = image_module.registered_extensions().get(suffix.lower())
    if kind is None:
        raise ValueError(f"save_img: {suffix or path!r} is the name of no format: png, jpeg ...?")
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and kind == "JPEG":
        warnings.warn("JPEG has no transparency: the fourth channel is left out", stacklevel=2)
        image = image.convert("RGB")
    if hasattr(path, "write"):
        image.save(path, kind, **kwargs)
        return
    with atomic_write(path) as file:
        image.save(file, kind, **kwargs)


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last"
) -> Any:
    """Return images cut to the ratio of ``size``, around their middle, and resized to it.

    Args:
        x: (height, width, channels), or several with an axis more.
        size: (height, width).
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: if x is no image, or size no pair.

    Source: Keras's ``preprocessing.image.smart_resize``.

    """
    return resized(x, size, interpolation, data_format, crop=True)


def resized(
    x: Any,
    size: Any,
    interpolation: str = "bilinear",
    data_format: str | None = None,
    *,
    crop: bool = False,
    pad: bool = False,
) -> Any:
    """Return images resized, cut to the new ratio first if ``crop``, filled up to it if ``pad``."""
    images = np.asarray(x)
    if images.ndim not in {3, 4} or len(size) != 2:
        raise ValueError(
            f"wanted images (height, width, channels), or several, and a size (height, width); got "
            f"shape {images.shape} and size {size}"
        )
    images = images if images.dtype.kind == "f" else images.astype(floatx())
    first = is_channels_first(data_format)
    images = np.moveaxis(images, -3, -1) if first else images
    batch = images if images.ndim == 4 else images[np.newaxis]
    height, width = batch.shape[1:3]
    tall, wide = size
    if crop:
        left, top, right, bottom = _middle(height, width, tall, wide)
        batch = batch[:, top:bottom, left:right]
    if pad:
        rows = (max(height, width * tall // wide) - height) // 2
        columns = (max(width, height * wide // tall) - width) // 2
        batch = np.pad(batch, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
    result = ops.resize(batch, (tall, wide), interpolation).numpy()
    result = result if images.ndim == 4 else result[0]
    return np.moveaxis(result, -1, -3) if first else result
