"""Models of phrases as files: a line of JSON with the settings, then lines of the entries."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamina.saving.atomic import atomic_write
from lamina.word2vec.phrase_scoring import scoring_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from lamina.word2vec.phrase_model import PhraseModel
    from lamina.word2vec.phrase_scoring import Scorer

_FORMAT = "lamina phrases 1"
_ENTRIES_A_LINE = 1000
_SETTINGS: dict[str, type | tuple[type, ...]] = {
    "min_count": (int, float),
    "threshold": (int, float),
    "delimiter": str,
    "scoring": str,
    "connector_words": list,
    "entries": int,
}


def save_phrases(
    model: PhraseModel,
    path: str | os.PathLike[str],
    header: dict[str, Any],
    words: list[str],
    values: Sequence[float],
) -> None:
    """Write a line with the settings, then lines of words and their counts or scores."""
    header |= {
        "format": _FORMAT,
        "min_count": model.min_count,
        "threshold": model.threshold,
        "delimiter": model.delimiter,
        "scoring": scoring_name(model.scoring),
        "connector_words": sorted(model.connector_words),
        "entries": len(words),
    }
    with atomic_write(path) as file:
        file.write(json.dumps(header).encode() + b"\n")
        for i in range(0, len(words), _ENTRIES_A_LINE):
            some = slice(i, i + _ENTRIES_A_LINE)
            file.write(json.dumps([words[some], values[some]]).encode() + b"\n")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 63


def _is_score(value: object) -> bool:
    return isinstance(value, (int, float))


@contextlib.contextmanager
def content_of(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file where a model refuses the settings or words that were in it.

    Raises:
        ValueError: in the place of what the model raised.

    """
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: what it holds cannot be meant: {error}") from error


def load_phrases(
    path: str | os.PathLike[str],
    kind: str,
    scoring: Scorer | None,
    settings: Mapping[str, type],
) -> tuple[dict[str, Any], list[str], list[Any]]:
    """Return the settings, the words or phrases, and their counts or scores.

    ``settings`` are the names and types of those that this kind of model has besides the common.

    Raises:
        ValueError: naming file and line, if the file is not such a model or is damaged.

    """
    words: list[str] = []
    values: list[Any] = []
    valid = _is_count if kind == "Phrases" else _is_score
    number = 1
    try:
        with Path(path).open(encoding="utf-8") as file:
            header = json.loads(file.readline())
            if not isinstance(header, dict) or header.get("format") != _FORMAT:
                raise ValueError("it does not begin as such a file does")  # noqa: TRY301
            if header.get("kind") != kind:
                raise ValueError(  # noqa: TRY301
                    f"it holds {header.get('kind')}, so load it with {header.get('kind')}.load"
                )
            for name, kinds in {**_SETTINGS, **settings}.items():
                value = header.get(name)
                if not isinstance(value, kinds) or (kinds is int and not _is_count(value)):
                    raise TypeError(f"{name} is {header.get(name)!r}")  # noqa: TRY301
            for line in file:
                number += 1
                some_words, some_values = json.loads(line)
                if not all(isinstance(word, str) for word in some_words):
                    raise ValueError("a word is not a str")  # noqa: TRY301
                if not all(map(valid, some_values)):
                    raise ValueError("a count or score is not such a number")  # noqa: TRY301
                words += some_words
                values += some_values
        if not len(words) == len(values) == header["entries"]:
            raise ValueError(f"{header['entries']} entries are due, {len(words)} are there")  # noqa: TRY301
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path}, line {number}: not a whole file of phrases: {error}") from error
    if scoring is not None:
        header["scoring"] = scoring
    elif header["scoring"] == "custom":
        raise ValueError(
            f"{path} was made with a scoring function of one's own, which is not in the file: "
            f"pass it again as {kind}.load(path, scoring=function)"
        )
    return header, words, values
