"""Small tools around models, by the names that users of gensim import them by."""

from __future__ import annotations

from lamina.utils.text import simple_preprocess
from lamina.word2vec.vocabulary import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

__all__ = ["RULE_DEFAULT", "RULE_DISCARD", "RULE_KEEP", "simple_preprocess"]
