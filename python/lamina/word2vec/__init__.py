"""Word vectors: corpora, word2vec, and what one asks of vectors.

The names are those of gensim's ``gensim.models.word2vec``.
"""

from lamina.word2vec.corpus import open_corpus
from lamina.word2vec.keyedvectors import KeyedVectors
from lamina.word2vec.model import Word2Vec
from lamina.word2vec.readers import BrownCorpus, LineSentence, PathLineSentences, Text8Corpus
from lamina.word2vec.vocabulary import RULE_DEFAULT, RULE_DISCARD, RULE_KEEP

__all__ = [
    "RULE_DEFAULT",
    "RULE_DISCARD",
    "RULE_KEEP",
    "BrownCorpus",
    "KeyedVectors",
    "LineSentence",
    "PathLineSentences",
    "Text8Corpus",
    "Word2Vec",
    "open_corpus",
]
