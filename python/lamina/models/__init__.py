"""Models: networks under Keras's names, word vectors under gensim's.

``lamina.models.word2vec``, ``lamina.models.keyedvectors``, ``lamina.models.phrases`` and
``lamina.models.callbacks`` are the modules of :mod:`lamina.word2vec` themselves. What belongs to
networks is imported when it is asked for.
"""

import sys
from typing import TYPE_CHECKING

from lamina import word2vec
from lamina._lazy import lazy_names
from lamina.word2vec import KeyedVectors, Word2Vec, callbacks, keyedvectors, phrases
from lamina.word2vec.phrases import Phrases

if TYPE_CHECKING:
    from lamina.models.cloning import clone_model, model_from_config, model_from_json
    from lamina.models.files import load_model, save_model
    from lamina.models.model import Model
    from lamina.models.sequential import Sequential

for _name, _module in {
    "callbacks": callbacks,
    "keyedvectors": keyedvectors,
    "phrases": phrases,
    "word2vec": word2vec,
}.items():
    sys.modules[f"{__name__}.{_name}"] = _module

_NETWORKS = {
    "Model": "models.model",
    "Sequential": "models.sequential",
    "clone_model": "models.cloning",
    "load_model": "models.files",
    "model_from_config": "models.cloning",
    "model_from_json": "models.cloning",
    "save_model": "models.files",
}

__all__ = [
    "KeyedVectors",
    "Model",
    "Phrases",
    "Sequential",
    "Word2Vec",
    "callbacks",
    "clone_model",
    "keyedvectors",
    "load_model",
    "model_from_config",
    "model_from_json",
    "phrases",
    "save_model",
    "word2vec",
]

__getattr__, __dir__ = lazy_names(__name__, _NETWORKS)
