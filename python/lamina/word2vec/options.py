"""What a word2vec model is asked to be, checked before anything is allocated."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

_LARGEST_SIZE = 1 << 20
_MOST_WORKERS = 1024
_MOST_EPOCHS = 1 << 31


def _number(name: str, value: Any, kind: Any, low: float, high: float = math.inf) -> None:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, kind):
        wanted = "a whole number" if kind is Integral else "a number"
        raise TypeError(f"Word2Vec: {name} must be {wanted}, got {value!r}")
    # A NaN fails every comparison.
    if not low <= value <= high:
        bound = f"at least {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"
        raise ValueError(f"Word2Vec: {name} must be {bound}, got {value!r}")


def is_finite(value: Any) -> bool:
    """Return whether a number is one that a float can hold; a file may hold any."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def flag(name: str, value: Any) -> bool:
    """Return an argument that is 0 or 1, or false or true, as a bool.

    Raises:
        TypeError, ValueError: for anything else: ``sg="cbow"`` would else mean skip-gram.

    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if not isinstance(value, Integral):
        raise TypeError(f"Word2Vec: {name} must be 0 or 1, got {value!r}")
    if value not in (0, 1):
        raise ValueError(f"Word2Vec: {name} must be 0 or 1, got {value!r}")
    return bool(value)


@dataclass
class Options:
    """The settings of a model that decide its shape and its training.

    The names are the field's own; ``Word2Vec`` translates gensim's.
    """

    vector_size: int = 100
    learning_rate: float = 0.025
    final_learning_rate: float = 1e-4
    window: int = 5
    min_count: int = 5
    max_vocabulary_scanned: int | None = None
    max_vocabulary: int | None = None
    sample: float = 1e-3
    seed: int = 1
    workers: int | None = None
    skip_gram: bool = False
    hierarchical: bool = False
    negative_samples: int = 5
    negative_exponent: float = 0.75
    average_context: bool = True
    softmax: bool = False
    epochs: int = 5
    sort_vocabulary: bool = True
    shrink_windows: bool = True
    compute_loss: bool = False

    def check(self) -> None:
        """Raise ``TypeError`` or ``ValueError`` for a setting that cannot be meant."""
        for option in fields(self):
            value = getattr(self, option.name)
            if option.type == "bool" and not isinstance(value, bool):
                raise TypeError(f"Word2Vec: {option.name} must be true or false, got {value!r}")
        _number("vector_size", self.vector_size, Integral, 1, _LARGEST_SIZE)
        _number("alpha", self.learning_rate, Real, 0)
        _number("min_alpha", self.final_learning_rate, Real, 0)
        _number("window", self.window, Integral, 1, 65535)
        _number("min_count", self.min_count, Integral, 0)
        _number("sample", self.sample, Real, 0)
        _number("seed", self.seed, Integral, 0, 2**63 - 1)
        _number("negative", self.negative_samples, Integral, 0, 1000)
        _number("ns_exponent", self.negative_exponent, Real, -10, 10)
        _number("epochs", self.epochs, Integral, 1, _MOST_EPOCHS)
        if self.workers is not None:
            # More threads than a machine can have would end the process, not raise an error.
            _number("workers", self.workers, Integral, 1, _MOST_WORKERS)
        for name, value in (
            ("max_vocab_size", self.max_vocabulary_scanned),
            ("max_final_vocab", self.max_vocabulary),
        ):
            if value is not None:
                _number(name, value, Integral, 1)
        for name, value in (
            ("alpha", self.learning_rate),
            ("min_alpha", self.final_learning_rate),
            ("sample", self.sample),
        ):
            if not is_finite(value):
                raise ValueError(f"Word2Vec: {name} must be finite, got {value!r}")
        if self.softmax and (self.hierarchical or self.negative_samples):
            raise ValueError(
                "Word2Vec: objective='softmax' is exact and takes neither hs nor negative, got "
                f"hs={int(self.hierarchical)}, negative={self.negative_samples}"
            )
        if not (self.softmax or self.hierarchical or self.negative_samples):
            raise ValueError(
                "Word2Vec: hs=0 and negative=0 would train nothing. Use negative=5 (negative "
                "sampling), hs=1 (hierarchical softmax) or objective='softmax' (exact)."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain numbers, for a file."""
        return {
            name: value.item() if hasattr(value, "item") else value
            for name, value in asdict(self).items()
        }


class OptionAttribute:
    """A setting under the name that gensim gives it; what is set is checked first."""

    def __init__(self, name: str, kind: type) -> None:
        self._name = name
        self._kind = kind
        self._gensim_name = name

    def __set_name__(self, owner: type, name: str) -> None:
        self._gensim_name = name

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        value = getattr(model.options, self._name)
        return self._kind(value) if isinstance(value, bool) else value

    def __set__(self, model: Any, value: Any) -> None:
        old = getattr(model.options, self._name)
        new = flag(self._gensim_name, value) if isinstance(old, bool) else value
        changed = replace(model.options, **{self._name: new})
        changed.check()
        model.options = changed


class GensimNames:
    """The settings of a model as gensim 4's attributes, to read and to set."""

    options: Options

    vector_size = OptionAttribute("vector_size", int)
    layer1_size = OptionAttribute("vector_size", int)
    alpha = OptionAttribute("learning_rate", float)
    min_alpha = OptionAttribute("final_learning_rate", float)
    window = OptionAttribute("window", int)
    min_count = OptionAttribute("min_count", int)
    max_vocab_size = OptionAttribute("max_vocabulary_scanned", int)
    max_final_vocab = OptionAttribute("max_vocabulary", int)
    sample = OptionAttribute("sample", float)
    seed = OptionAttribute("seed", int)
    workers = OptionAttribute("workers", int)
    sg = OptionAttribute("skip_gram", int)
    hs = OptionAttribute("hierarchical", int)
    negative = OptionAttribute("negative_samples", int)
    ns_exponent = OptionAttribute("negative_exponent", float)
    cbow_mean = OptionAttribute("average_context", int)
    epochs = OptionAttribute("epochs", int)
    sorted_vocab = OptionAttribute("sort_vocabulary", int)
    shrink_windows = OptionAttribute("shrink_windows", bool)
    compute_loss = OptionAttribute("compute_loss", bool)
