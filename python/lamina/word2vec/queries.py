"""Questions to a table of vectors: neighbours, similarities, odd ones out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamina._native import core
from lamina.word2vec.table import VectorTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Neighbours: TypeAlias = "list[tuple[Any, float]]"


def _is_key(item: Any) -> bool:
    return isinstance(item, (str, int, np.integer))


def _as_list(items: Any) -> list[Any]:
    """Return a list of what `positive=` or `negative=` was given: one key or vector, or several."""
    if items is None:
        return []
    if _is_key(items) or (isinstance(items, np.ndarray) and items.ndim == 1):
        return [items]
    return list(items)


def _is_batch(items: Any) -> bool:
    """Tell a batch, [['king', 'woman'], ['paris']], from keys and from one ['king', 0.5]."""
    return (
        isinstance(items, (list, tuple))
        and len(items) > 0
        and all(isinstance(item, list) for item in items)
        and not any(len(item) == 2 and isinstance(item[1], float) for item in items)
    )


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    """Return ``vector`` scaled to length 1; zeros stay zeros."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def _checked_topn(topn: Any) -> int | None:
    if topn is None:
        return None
    if not isinstance(topn, (int, np.integer)):
        raise TypeError(f"topn must be a whole number or None, got {type(topn).__name__} {topn!r}")
    return max(0, int(topn))


class Queries(VectorTable):
    """The queries of gensim's KeyedVectors, with gensim's names and results.

    Similarity is the cosine, cos(u, v) = u . v / (|u| |v|); that with a vector of zeros is 0.
    """

    # ---- the native kernels, for vectors of every type

    def _cosines(self, queries: NDArray[Any], begin: int, end: int) -> NDArray[np.float32]:
        """Return the cosines (queries x rows) of unit vectors with the rows [begin, end)."""
        queries, lengths = np.ascontiguousarray(queries, np.float32), self._lengths()
        out: NDArray[np.float32] = np.empty((len(queries), end - begin), np.float32)
        for first, block in self._float32_blocks(begin, end):
            last = first + len(block)
            part = core.cosines(block, lengths[first:last], queries, 0, len(block))
            if len(block) == end - begin:
                return part
            out[:, first - begin : last - begin] = part
        return out

    def _nearest(
        self, queries: NDArray[Any], begin: int, end: int, top: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the ``top`` nearest rows of [begin, end) to unit vectors, and their cosines."""
        queries, lengths = np.ascontiguousarray(queries, np.float32), self._lengths()
        rows = np.empty((len(queries), 0), np.int64)
        scores = np.empty((len(queries), 0), np.float32)
        for first, block in self._float32_blocks(begin, end):
            last = first + len(block)
            found, cosine = core.nearest(block, lengths[first:last], queries, 0, len(block), top)
            rows = np.concatenate([rows, np.where(found < 0, -1, found + first)], axis=1)
            scores = np.concatenate([scores, cosine], axis=1)
            if rows.shape[1] > top:
                order = np.argsort(np.where(rows < 0, np.inf, -scores), axis=1, kind="stable")
                rows = np.take_along_axis(rows, order[:, :top], axis=1)
                scores = np.take_along_axis(scores, order[:, :top], axis=1)
        return rows, scores

    # ---- what a query asks for

    def _weighted(self, positive: Any, negative: Any) -> tuple[list[Any], list[float]]:
        """Return keys (or vectors) and weights: 1 for positive, -1 for negative ones by default."""
        keys, weights = [], []
        for items, weight in ((_as_list(positive), 1.0), (_as_list(negative), -1.0)):
            for item in items:
                if _is_key(item) or isinstance(item, np.ndarray):
                    keys.append(item)
                    weights.append(weight)
                elif isinstance(item, Sequence) and len(item) == 2 and isinstance(item[1], Real):
                    keys.append(item[0])
                    weights.append(float(item[1]))
                else:
                    raise TypeError(
                        f"most_similar wants keys, vectors (numpy arrays) or (key, weight) pairs, "
                        f"got {type(item).__name__} {item!r:.80}"
                    )
        return keys, weights

    def _mean(
        self, keys: Sequence[Any], weights: Any, pre_normalize: bool, ignore_missing: bool
    ) -> NDArray[Any]:
        """Return sum of weight * vector / sum of |weight|; given vectors are taken as they are."""
        total, weight_sum = np.zeros(self.vector_size), 0.0
        for key, weight in zip(keys, weights, strict=True):
            if isinstance(key, np.ndarray):
                if key.shape != (self.vector_size,):
                    raise ValueError(
                        f"a vector must have shape ({self.vector_size},) here, got {key.shape}"
                    )
                vector = key
            elif ignore_missing and key not in self:
                continue
            else:
                vector = self.get_vector(key, norm=pre_normalize)
            total += float(weight) * vector
            weight_sum += abs(float(weight))
        return total / weight_sum if weight_sum > 0 else total

    def get_mean_vector(
        self,
        keys: Sequence[Any],
        weights: Any = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> NDArray[Any]:
        """Return the weighted mean of the vectors of ``keys`` (keys or vectors).

        ``pre_normalize`` scales each key's vector to length 1 first, ``post_normalize`` the mean.

        Raises:
            ValueError: without keys, or if there are not as many weights as keys.
            KeyError: if a key is missing and ``ignore_missing`` is false.

        """
        if len(keys) == 0:
            raise ValueError("cannot compute the mean of no keys: the list is empty")
        weights = np.ones(len(keys)) if weights is None else np.asarray(weights, np.float64)
        if weights.shape != (len(keys),):
            raise ValueError(f"{len(keys)} keys want as many weights, got shape {weights.shape}")
        mean = self._mean(keys, weights, pre_normalize, ignore_missing)
        if post_normalize:
            mean = unit(mean)
        return mean.astype(self.vectors.dtype)

    def _query(self, positive: Any, negative: Any) -> tuple[NDArray[Any], set[int]]:
        """Return the unit vector that a query looks for and the rows that may not answer it."""
        keys, weights = self._weighted(positive, negative)
        if not keys:
            raise ValueError("most_similar wants at least one key or vector, got none")
        own_rows = {self.get_index(key) for key in keys if _is_key(key)}
        return unit(self._mean(keys, weights, pre_normalize=True, ignore_missing=False)), own_rows

    def _neighbours(
        self, rows: Iterable[int], scores: Iterable[float], excluded: set[int], topn: int
    ) -> Neighbours:
        keys = self.index_to_key
        pairs: Iterator[tuple[int, float]] = zip(rows, scores, strict=True)
        found = [(keys[r], score) for r, score in pairs if r >= 0 and r not in excluded]
        return found[:topn]

    # ---- neighbours

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        clip_start: int = 0,
        clip_end: int | None = None,
        restrict_vocab: int | None = None,
        indexer: Any = None,
    ) -> Any:
        """Return the ``topn`` keys nearest to the mean of positive and negated negative vectors.

        score(w) = cos(w, sum over positive of p / |p| - sum over negative of n / |n|), over the
        rows from ``clip_start`` to ``clip_end`` or the first ``restrict_vocab``; the keys of the
        query are left out. Each of ``positive`` and ``negative`` holds keys, row numbers, vectors,
        or (key, weight) pairs. A list of lists is a batch: a list of results comes back, computed
        together and several times faster than one after the other.

        Returns a list of (key, score), best first; with ``topn=None`` the scores of all rows in
        the range, as an array.

        Raises:
            KeyError: if a key is not in the vocabulary.
            ValueError: for an empty query, a vector of another size, or batches of two lengths.

        Mikolov et al., "Linguistic regularities in continuous space word representations", 2013.

        """
        topn = _checked_topn(topn)
        batch = _is_batch(positive) or _is_batch(negative)
        positives, negatives = ([positive], [negative]) if not batch else (positive, negative)
        count = len(positives if positives is not None else negatives)
        positives = [None] * count if positives is None else positives
        negatives = [None] * count if negatives is None else negatives
        if len(positives) != len(negatives):
            raise ValueError(
                f"a batch of {len(positives)} positive lists wants as many negative ones, got "
                f"{len(negatives)}"
            )
        if topn == 0:
            return [[] for _ in range(count)] if batch else []
        if restrict_vocab:
            clip_start, clip_end = 0, restrict_vocab
        begin, end, _ = slice(clip_start, clip_end or None).indices(len(self.vectors))
        end = max(begin, end)
        asked = [self._query(p, n) for p, n in zip(positives, negatives, strict=True)]
        if indexer is not None and topn is not None:
            results = [indexer.most_similar(query.astype(np.float32), topn) for query, _ in asked]
        else:
            queries = np.array([query for query, _ in asked])
            if topn is None:
                results = list(self._cosines(queries, begin, end))
            else:
                widest = topn + max(len(own_rows) for _, own_rows in asked)
                rows, scores = self._nearest(queries, begin, end, widest)
                results = [
                    self._neighbours(r, s, own_rows, topn)
                    for r, s, (_, own_rows) in zip(
                        rows.tolist(), scores.tolist(), asked, strict=True
                    )
                ]
        return results if batch else results[0]

    def similar_by_key(
        self, key: Any, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the ``topn`` keys nearest to ``key``, as `most_similar`."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_word(
        self, word: Any, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the ``topn`` keys nearest to ``word``, as `most_similar`."""
        return self.most_similar([word], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_vector(
        self, vector: Any, topn: int | None = 10, restrict_vocab: int | None = None
    ) -> Any:
        """Return the ``topn`` keys nearest to ``vector``, as `most_similar`."""
        return self.most_similar([np.asarray(vector)], topn=topn, restrict_vocab=restrict_vocab)

    def most_similar_cosmul(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
    ) -> Any:
        """Return the ``topn`` best keys by 3CosMul, which no single large cosine can dominate.

        score(w) = prod over positive of C(w, p) / (prod over negative of C(w, n) + 1e-6), with
        C = (1 + cos) / 2.

        Raises:
            KeyError: if a key is not in the vocabulary.
            ValueError: without positive keys or vectors.

        Levy and Goldberg, "Linguistic regularities in sparse and explicit word representations",
        2014, equation 4.

        """
        topn = _checked_topn(topn)
        if topn == 0:
            return []
        terms = [_as_list(positive), _as_list(negative)]
        if not terms[0]:
            raise ValueError("most_similar_cosmul wants at least one positive key, got none")
        own_rows = {self.get_index(key) for keys in terms for key in keys if _is_key(key)}
        end = slice(restrict_vocab or None).indices(len(self.vectors))[1]
        products = []
        for keys in terms:
            vectors = [
                unit(self._mean([key], [1.0], pre_normalize=False, ignore_missing=False))
                for key in keys
            ]
            shape = (len(vectors), self.vector_size)
            cosines = self._cosines(np.reshape(np.array(vectors), shape), 0, end)
            products.append(np.prod((1 + cosines) / 2, axis=0))
        scores = products[0] / (products[1] + 1e-6)
        if topn is None:
            return scores
        wanted = min(topn + len(own_rows), len(scores))
        best = np.argpartition(-scores, wanted - 1)[:wanted] if wanted < len(scores) else ...
        rows = np.arange(len(scores))[best]
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        return self._neighbours(rows.tolist(), scores[rows].tolist(), own_rows, topn)

    # ---- similarities

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
        if _is_key(word_or_vector):
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
