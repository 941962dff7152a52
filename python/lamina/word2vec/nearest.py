"""The nearest rows of a table: to a word, to a sum of words, to a vector."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from lamina._native import core
from lamina.word2vec.sketch import Sketch
from lamina.word2vec.table import VectorTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

Neighbours: TypeAlias = "list[tuple[Any, float]]"


def is_key(item: Any) -> bool:
    """Tell a key or row number from a vector, a list or a pair."""
    return isinstance(item, (str, int, np.integer))


def _as_list(items: Any) -> list[Any]:
    """Return a list of what `positive=` or `negative=` was given: one key or vector, or several."""
    if items is None:
        return []
    if is_key(items) or (isinstance(items, np.ndarray) and items.ndim == 1):
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


class Nearest(VectorTable):
    """The neighbour queries of gensim's KeyedVectors, with gensim's names and results.

    Similarity is the cosine, cos(u, v) = u . v / (|u| |v|); that with a vector of zeros is 0.
    """

    _sketch: Sketch | None = None
    _norms_of_last_query: NDArray[Any] | None = None

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
        if Sketch.pays((end - begin, self.vector_size), len(queries), top):
            found = self._nearest_by_sketch(queries, lengths, begin, end, top)
            if found is not None:
                return found
        rows = np.empty((len(queries), 0), np.int64)
        scores = np.empty((len(queries), 0), np.float32)
        for first, block in self._float32_blocks(begin, end):
            last = first + len(block)
            near, cosine = core.nearest(block, lengths[first:last], queries, 0, len(block), top)
            rows = np.concatenate([rows, np.where(near < 0, -1, near + first)], axis=1)
            scores = np.concatenate([scores, cosine], axis=1)
            if rows.shape[1] > top:
                order = np.argsort(np.where(rows < 0, np.inf, -scores), axis=1, kind="stable")
                rows = np.take_along_axis(rows, order[:, :top], axis=1)
                scores = np.take_along_axis(scores, order[:, :top], axis=1)
        return rows, scores

    def _nearest_by_sketch(
        self,
        queries: NDArray[np.float32],
        lengths: NDArray[np.float32],
        begin: int,
        end: int,
        top: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Return what `_nearest` does, or None for it to do so by itself.

        The sketch is made for the second query of a table: a single one would not repay it.
        """
        sketch = self._sketch
        if sketch is None or sketch.norms is not self.norms:
            if self._norms_of_last_query is not self.norms:
                self._norms_of_last_query = self.norms
                return None
            rows = self.vectors.shape[0]
            norms = cast("NDArray[Any]", self.norms)
            blocks = self._float32_blocks(0, rows)
            sketch = self._sketch = Sketch.of(self.vectors.shape, norms, lengths, blocks)
        found, scores = [], []
        for query in queries:
            near = sketch.candidates(query, begin, end, top)
            if len(near) > (end - begin) // 8:
                return None
            block = self.vectors[near].astype(np.float32)
            order, score = core.nearest(block, lengths[near], query[np.newaxis], 0, len(near), top)
            if len(near) < min(top, end - begin) or order.min() < 0:  # rows without a cosine
                return None
            found.append(near[order[0]])
            scores.append(score[0])
        return np.array(found), np.array(scores)

    # ---- what a query asks for

    def _weighted(self, positive: Any, negative: Any) -> tuple[list[Any], list[float]]:
        """Return keys (or vectors) and weights: 1 for positive, -1 for negative ones by default."""
        keys, weights = [], []
        for items, weight in ((_as_list(positive), 1.0), (_as_list(negative), -1.0)):
            for item in items:
                if is_key(item) or isinstance(item, np.ndarray):
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
        own_rows = {self.get_index(key) for key in keys if is_key(key)}
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
        own_rows = {self.get_index(key) for keys in terms for key in keys if is_key(key)}
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
