"""Pictures: loading, resizing, and a generator of batches of changed ones."""

from __future__ import annotations

from lamina.preprocessing.image_generator import ImageDataGenerator
from lamina.preprocessing.image_iterators import DirectoryIterator, Iterator, NumpyArrayIterator
from lamina.utils.directories import image_dataset_from_directory
from lamina.utils.images import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = [
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "array_to_img",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "save_img",
    "smart_resize",
]
