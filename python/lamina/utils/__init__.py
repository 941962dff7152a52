"""Small tools around models, by the names that users of Keras and gensim import them by."""

from __future__ import annotations

from lamina.layers.naming import reset_names as clear_session
from lamina.randomness import set_random_seed
from lamina.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from lamina.utils.dataset import split_dataset
from lamina.utils.directories import image_dataset_from_directory, text_dataset_from_directory
from lamina.utils.files import get_file
from lamina.utils.images import array_to_img, img_to_array, load_img, save_img
from lamina.utils.np_utils import normalize, to_categorical
from lamina.utils.padding import pad_sequences
from lamina.utils.sequence import PyDataset, Sequence
from lamina.utils.text import simple_preprocess
from lamina.utils.timeseries import timeseries_dataset_from_array
from lamina.visualization.model_plot import model_to_dot, plot_model
from lamina.word2vec.vocabulary import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

__all__ = [
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "model_to_dot",
    "normalize",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "set_random_seed",
    "simple_preprocess",
    "split_dataset",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
]
