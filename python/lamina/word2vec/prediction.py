"""What a trained model says of words in context."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lamina._native import core
from lamina.word2vec.model_vocabulary import VocabularyModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


class Predictor(VocabularyModel):
    """``predict_output_word`` and ``score``, from a model's vectors and output rows."""

    def predict_output_word(
        self,
        context_words_list: Sequence[str | int],
        topn: int = 10,
    ) -> list[tuple[str, float]] | None:
        """Return the ``topn`` likeliest centre words of a context, with their probabilities.

        With ``h`` the mean (or with ``cbow_mean=0`` the sum) of the context's vectors, the
        probabilities are ``softmax(u . h)``. Unknown words are left out; if all are unknown, the
        result is ``None``, with a warning.

        Raises:
            RuntimeError: if the model has no output vectors (trained with ``hs=1`` alone).

        """
        if self.output_rows is None:
            raise RuntimeError(
                "predict_output_word needs the output vectors of negative sampling or of "
                "objective='softmax'; this model has none (hs=1)"
            )
        known = [self.wv.get_index(word) for word in context_words_list if word in self.wv]
        if not known:
            warnings.warn("none of the context words is in the vocabulary", stacklevel=2)
            return None
        hidden = self.wv.vectors[known].sum(axis=0)
        if self.cbow_mean:
            hidden /= len(known)
        scores = self.output_rows.rows @ hidden
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        best = np.argsort(-weights, kind="stable")[:topn]
        return [(self.wv.index_to_key[i], float(weights[i])) for i in best]

    def score(
        self,
        sentences: Iterable[Iterable[str]],
        total_sentences: int | None = None,
        chunksize: int = 100,
        queue_factor: int = 2,
        report_delay: float = 1,
    ) -> NDArray[np.float32]:
        """Return the log-probability of each sentence under hierarchical softmax.

        It is the sum of ``log p(word | context)`` over the sentence's pairs of words within
        ``window`` (skip-gram), or over its words given their whole windows (CBOW; alone in its
        sentence, a word is given the zero vector).
        ``total_sentences`` and what follows it are accepted for gensim's sake, without effect.

        Raises:
            RuntimeError: if the model was not trained with ``hs=1``.

        """
        del total_sentences, chunksize, queue_factor, report_delay
        if self.node_rows is None:
            raise RuntimeError("score needs hierarchical softmax: train with hs=1, negative=0")
        counts = np.ascontiguousarray(self.wv.expandos["count"], np.int64)
        offsets, nodes, codes = core.huffman_tree(counts)
        vectors, node_rows = self.wv.vectors, self.node_rows.rows

        def log_probability(word: int, hidden: NDArray[np.float32]) -> float:
            path = slice(offsets[word], offsets[word + 1])
            signs = 1.0 - 2.0 * codes[path]
            # log sigmoid(x) = -log(1 + exp(-x))
            return -float(np.logaddexp(0, -signs * (node_rows[nodes[path]] @ hidden)).sum())

        def score_sentence(sentence: Iterable[str]) -> float:
            ids = [self.wv.get_index(word) for word in sentence if word in self.wv]
            total = 0.0
            for place, word in enumerate(ids):
                begin = max(0, place - self.window)
                context = ids[begin:place] + ids[place + 1 : place + self.window + 1]
                if self.sg:
                    total += sum(log_probability(word, vectors[c]) for c in context)
                else:
                    hidden = vectors[context].sum(axis=0)
                    total += log_probability(
                        word, hidden / max(len(context), 1) if self.cbow_mean else hidden
                    )
            return total

        return np.array([score_sentence(sentence) for sentence in sentences], dtype=np.float32)
