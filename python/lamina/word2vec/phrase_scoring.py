"""How much more often two words stand together than chance would have it."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Scorer = Callable[..., float]

NEVER = -math.inf
_PARAMETERS = {
    "worda_count",
    "wordb_count",
    "bigram_count",
    "len_vocab",
    "min_count",
    "corpus_word_count",
}


def original_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,
    min_count: float,
    corpus_word_count: int,
) -> float:
    """Return (ab - min_count) / (a b) * types, after Mikolov et al. 2013; types as in gensim."""
    del corpus_word_count
    product = worda_count * wordb_count
    if product == 0:
        return NEVER
    return (bigram_count - min_count) / float(product) * len_vocab


def npmi_scorer(
    worda_count: int,
    wordb_count: int,
    bigram_count: int,
    len_vocab: int,
    min_count: float,
    corpus_word_count: int,
) -> float:
    """Return ln(p(ab) / p(a) p(b)) / -ln p(ab), from -1 to 1, after Bouma 2009."""
    del len_vocab
    if bigram_count < min_count or 0 in {worda_count, wordb_count, bigram_count}:
        return NEVER
    total = float(corpus_word_count)
    p_ab = bigram_count / total
    return math.log(p_ab / (worda_count / total * (wordb_count / total))) / -math.log(p_ab)


_SCORERS: dict[str, Scorer] = {"default": original_scorer, "npmi": npmi_scorer}


def find_scorer(scoring: str | Scorer) -> Scorer:
    """Return the scoring function of this name, or the function itself if it takes what it must."""
    if isinstance(scoring, str):
        if scoring not in _SCORERS:
            raise ValueError(f"scoring must be 'default', 'npmi' or a function, got {scoring!r}")
        return _SCORERS[scoring]
    if not callable(scoring):
        raise TypeError(f"scoring must be 'default', 'npmi' or a function, got {scoring!r}")
    missing = _PARAMETERS - set(inspect.signature(scoring).parameters)
    if missing:
        raise ValueError(f"the scoring function lacks the parameters {', '.join(sorted(missing))}")
    return scoring


def scoring_name(scoring: Scorer) -> str:
    """Return the name of a scoring function, "custom" if it is a user's."""
    return next((name for name, scorer in _SCORERS.items() if scorer is scoring), "custom")
