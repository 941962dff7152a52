"""Word vectors, shaped as gensim's."""

from __future__ import annotations

from lamina.word2vec.keyedvectors import KeyedVectors

__all__ = ["KeyedVectors"]
