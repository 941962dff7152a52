"""A whole Word2Vec model in one file: the vectors, what predicts from them, and the settings.

The file is a ``KeyedVectors`` file with more arrays in it, so that either class opens it.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.saving.container import read_tensors, write_tensors
from lamina.word2vec.keyedvectors import KeyedVectors
from lamina.word2vec.options import Options
from lamina.word2vec.training import Progress
from lamina.word2vec.vocabulary import MOST_WORDS
from lamina.word2vec.weights import PaddedMatrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamina.word2vec.model import Word2Vec

_FORMAT = "lamina.Word2Vec"
_OUTPUT_ROWS, _NODE_ROWS = "output_rows", "node_rows"
_PLAIN_ATTRIBUTES: dict[str, Any] = {
    "comment": (str, NoneType),
    "corpus_count": int,
    "corpus_total_words": int,
    "min_alpha_yet_reached": (int, float),
    "total_train_time": (int, float),
    "train_count": int,
}


def save(model: Word2Vec, path: str | os.PathLike[str]) -> None:
    """Write ``model`` to ``path``; what the file held before is whole until all is written."""
    tensors = model.wv.to_tensors()
    for name, matrix in ((_OUTPUT_ROWS, model.output_rows), (_NODE_ROWS, model.node_rows)):
        if matrix is not None:
            tensors[name] = matrix.rows
    metadata = {
        "format": _FORMAT,
        "version": "1",
        "options": json.dumps(model.options.to_json()),
        "attributes": json.dumps({name: getattr(model, name) for name in _PLAIN_ATTRIBUTES}),
    }
    if model.progress is not None:
        metadata["progress"] = json.dumps(model.progress.to_json())
    write_tensors(path, tensors, metadata)


def load(cls: type[Word2Vec], path: str | os.PathLike[str]) -> Word2Vec:
    """Read the model that `save` wrote to ``path``.

    Raises:
        ValueError: if the file is damaged or holds something else.

    """
    where = os.fspath(path)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != _FORMAT:
        raise ValueError(
            f"{where} holds no Word2Vec model but {metadata.get('format', 'unnamed arrays')!r}: "
            "KeyedVectors.load reads files of vectors alone"
        )
    vectors = KeyedVectors.from_tensors(tensors, where)
    options: Options = _from_json(Options, metadata.get("options"), where, "options")
    try:
        options.check()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: its options cannot be meant: {error}") from error
    words, size = vectors.vectors.shape
    counts = vectors.expandos.get("count")
    if size != options.vector_size or vectors.vectors.dtype != np.float32:
        raise ValueError(
            f"{where}: vectors are {vectors.vectors.dtype} of {size} numbers, its options say "
            f"float32 of {options.vector_size}"
        )
    if counts is None or counts.dtype != np.int64 or (words and counts.min() < 1):
        raise ValueError(f"{where}: the words' counts are missing or not positive")
    if counts.sum(dtype=np.float64) >= MOST_WORDS:
        raise ValueError(f"{where}: no corpus has as many words as the words' counts add up to")
    model = cls.__new__(cls)
    model.options = options
    model.start_empty()
    model.wv = vectors
    if options.softmax or options.negative_samples:
        model.output_rows = _matrix(tensors, _OUTPUT_ROWS, (words, size), where)
    if options.hierarchical:
        model.node_rows = _matrix(tensors, _NODE_ROWS, (max(words - 1, 0), size), where)
    attributes = _object(metadata.get("attributes"), where, "attributes")
    for name, kinds in _PLAIN_ATTRIBUTES.items():
        value = attributes.get(name, getattr(model, name))
        if not isinstance(value, kinds):
            raise ValueError(f"{where}: its {name} cannot be {value!r:.80}")  # noqa: TRY004 - a bad file
        setattr(model, name, value)
    if "progress" in metadata:
        model.progress = _from_json(Progress, metadata["progress"], where, "progress")
        try:
            model.progress.check()
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: its progress cannot be meant: {error}") from error
    return model


def _matrix(
    tensors: dict[str, NDArray[Any]], name: str, shape: tuple[int, int], where: str
) -> PaddedMatrix:
    matrix = tensors.get(name)
    if matrix is None or matrix.shape != shape or matrix.dtype != np.float32:
        got = "nothing" if matrix is None else f"{matrix.dtype} of shape {matrix.shape}"
        raise ValueError(f"{where}: {name} should be float32 of shape {shape}, got {got}")
    return PaddedMatrix.of(matrix)


def _object(text: str | None, where: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: its {name} are not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{where}: its {name} are not a JSON object")  # noqa: TRY004 - a bad file
    return value


def _from_json(kind: type[Any], text: str | None, where: str, name: str) -> Any:
    values = _object(text, where, name)
    known = {field.name: field.type for field in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"{where}: its {name} have unknown entries: {', '.join(unknown)}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: its {name} are incomplete: {error}") from error
