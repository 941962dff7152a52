"""Models by the names that users of gensim import them by.

``lamina.models.word2vec``, ``lamina.models.keyedvectors``, ``lamina.models.phrases`` and
``lamina.models.callbacks`` are the modules of :mod:`lamina.word2vec` themselves.
"""

import sys

from lamina import word2vec
from lamina.word2vec import KeyedVectors, Word2Vec, callbacks, keyedvectors, phrases
from lamina.word2vec.phrases import Phrases

for _name, _module in {
    "callbacks": callbacks,
    "keyedvectors": keyedvectors,
    "phrases": phrases,
    "word2vec": word2vec,
}.items():
    sys.modules[f"{__name__}.{_name}"] = _module

__all__ = [
    "KeyedVectors",
    "Phrases",
    "Word2Vec",
    "callbacks",
    "keyedvectors",
    "phrases",
    "word2vec",
]
