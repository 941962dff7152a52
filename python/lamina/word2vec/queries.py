"""Similarities between given words: pairs, lists, documents, the odd one out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.word2vec.nearest import Nearest, is_key, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


class Queries(Nearest):
    """The similarity queries of gensim's KeyedVectors, with gensim's names and results."""

    @staticmethod
    def cosine_similarities(vector_1: Any, vectors_all: Any) -> NDArray[Any]:
        """Return the cosine of a vector (d) with each row of a matrix (n x d)."""
        vector, matrix = np.asarray(vector_1), np.asarray(vectors_all)
        lengths = np.linalg.norm(vector) * np.linalg.norm(matrix, axis=1)
        cosines: NDArray[Any] = (matrix @ vector) / np.where(lengths > 0, lengths, 1)
        return cosines

    def similarity(self, w1: Any, w2: Any) -> float:
        """Return the cosine between two keys. Raises KeyError for an unknown one."""
        return float(np.dot(unit(self.get_vector(w1)), unit(self.get_vector(w2))))

    def distance(self, w1: Any, w2: Any) -> float:
        """Return 1 - cosine between two keys. Raises KeyError for an unknown one."""
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector: Any, other_words: Sequence[Any] = ()) -> NDArray[Any]:
        """Return 1 - cosine of a key or vector with ``other_words``, or with all keys.

        Raises:
            KeyError: if a key is not in the vocabulary.

        """
        if is_key(word_or_vector):
            vector = self.get_vector(word_or_vector)
        else:
            vector = self._mean([np.asarray(word_or_vector)], [1.0], False, False)
        if other_words is None or len(other_words) == 0:
            distances: NDArray[Any] = (
                1
                - self._cosines(
                    unit(np.asarray(vector, np.float64))[np.newaxis], 0, len(self.vectors)
                )[0]
            )
            return distances
        return 1 - self.cosine_similarities(vector, self[list(other_words)])

    def n_similarity(self, ws1: Sequence[Any], ws2: Sequence[Any]) -> float:
        """Return the cosine between the means of two lists of keys.

        Raises:
            ZeroDivisionError: if a list is empty.

        """
        if not (len(ws1) and len(ws2)):
            raise ZeroDivisionError("n_similarity wants two lists of keys, got an empty one")
        means = [self._mean(ws, np.ones(len(ws)), False, True) for ws in (ws1, ws2)]
        return float(np.dot(unit(means[0]), unit(means[1])))

    def most_similar_to_given(self, key1: Any, keys_list: Sequence[Any]) -> Any:
        """Return the key of ``keys_list`` nearest to ``key1``."""
        return keys_list[int(np.argmin(self.distances(key1, keys_list)))]

    def closer_than(self, key1: Any, key2: Any) -> list[Any]:
        """Return the keys nearer to ``key1`` than ``key2`` is."""
        distances = self.distances(key1)
        own, other = self.get_index(key1), self.get_index(key2)
        keys = self.index_to_key
        return [keys[i] for i in np.flatnonzero(distances < distances[other]) if i != own]

    def rank(self, key1: Any, key2: Any) -> int:
        """Return the place of ``key2`` among the neighbours of ``key1``, from 1 on."""
        return len(self.closer_than(key1, key2)) + 1

    def rank_by_centrality(
        self, words: Sequence[Any], use_norm: bool = True
    ) -> list[tuple[float, Any]]:
        """Return (cosine with the words' mean, word), the most central first.

        Words that are not in the vocabulary are left out, and logged.

        Raises:
            ValueError: if no word is left.

        """
        known = [word for word in words if word in self]
        if len(known) != len(words):
            missing = [word for word in words if word not in self]
            logger.warning("not in the vocabulary and ignored: %s", missing)
        if not known:
            raise ValueError(f"none of {list(words)!r:.200} is in the vocabulary")
        vectors = np.array([self.get_vector(word, norm=use_norm) for word in known], np.float64)
        scores = vectors @ unit(vectors.mean(axis=0))
        return sorted(zip(scores.tolist(), known, strict=True), reverse=True)

    def doesnt_match(self, words: Sequence[Any]) -> Any:
        """Return the word furthest from the mean of all ``words``."""
        return self.rank_by_centrality(words)[-1][1]

    def relative_cosine_similarity(self, wa: Any, wb: Any, topn: int = 10) -> float:
        """Return cos(wa, wb) / the sum of the cosines of ``wa`` with its ``topn`` neighbours.

        Leeuwenberg et al., "A minimally supervised approach for synonym extraction", 2016,
        equation 1: above 0.10 for ``topn=10``, the two are likely synonyms.

        """
        neighbours = self.similar_by_word(wa, topn)
        if not neighbours:
            raise ValueError(f"relative_cosine_similarity: '{wa}' has no neighbours (topn={topn})")
        return self.similarity(wa, wb) / float(sum(score for _, score in neighbours))

    def wmdistance(
        self, document1: Sequence[Any], document2: Sequence[Any], norm: bool = True
    ) -> float:
        """Return the Word Mover's Distance between two lists of words.

        The least total of weight times Euclidean distance that moves the one document's words,
        weighted by frequency, to the other's; infinity if no word of one is in the vocabulary.
        ``norm`` scales the vectors to length 1 first.

        Raises:
            ImportError: if POT, the optimal-transport library, is missing.

        Kusner et al., "From word embeddings to document distances", 2015.

        """
        try:
            from ot import emd2  # noqa: PLC0415
        except ImportError as error:
            raise ImportError(
                "wmdistance needs the optimal-transport library POT: pip install 'lamina[wmd]'"
            ) from error
        if isinstance(document1, str) or isinstance(document2, str):
            raise TypeError("wmdistance wants two lists of words, got a string: split it first")
        vectors, weights = [], []
        for document in (document1, document2):
            known = [word for word in document if word in self]
            if not known:
                logger.warning("no word of a document is in the vocabulary: its distance is inf")
                return float("inf")
            words, counts = np.unique([self.get_index(w) for w in known], return_counts=True)
            vectors.append(
                np.array([self.get_vector(int(w), norm=norm) for w in words], np.float64)
            )
            weights.append(counts / len(known))
        differences = vectors[0][:, np.newaxis] - vectors[1]
        return float(emd2(weights[0], weights[1], np.linalg.norm(differences, axis=2)))
