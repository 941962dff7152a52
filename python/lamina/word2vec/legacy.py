"""The names that gensim 3 had for what is spelt otherwise since gensim 4, all in this one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamina.word2vec.evaluation import Evaluation
from lamina.word2vec.networks import InNetworks

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray
    from typing_extensions import Self


@dataclass(frozen=True)
class VocabularyEntry:
    """What gensim 3's ``vocab[word]`` told: how often the word came, and its row."""

    count: int
    index: int


class VocabularyView(Mapping[Any, VocabularyEntry]):
    """gensim 3's ``vocab``: each key's count and row, read from the table when asked for."""

    def __init__(self, table: Evaluation) -> None:
        self._table = table

    def __getitem__(self, key: Any) -> VocabularyEntry:
        index = self._table.key_to_index[key]
        counts = self._table.expandos.get("count")
        return VocabularyEntry(0 if counts is None else int(counts[index]), index)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table.index_to_key)

    def __len__(self) -> int:
        return len(self._table)


class LegacyNames(Evaluation, InNetworks):
    """gensim 3's spellings, all of them; the newer name is in each line."""

    @property
    def vocab(self) -> VocabularyView:
        """``key_to_index`` and ``get_vecattr(key, "count")``."""
        return VocabularyView(self)

    @property
    def wv(self) -> Self:
        """The vectors themselves."""
        return self

    @property
    def index2word(self) -> list[Any]:
        """``index_to_key``."""
        return self.index_to_key

    index2entity = index2word

    @property
    def syn0(self) -> NDArray[Any]:
        """``vectors``."""
        return self.vectors

    @property
    def vectors_norm(self) -> NDArray[Any]:
        """``get_normed_vectors()``: a new copy at each use."""
        return self.get_normed_vectors()

    syn0norm = vectors_norm

    def word_vec(self, word: Any, use_norm: bool = False) -> NDArray[Any]:
        """``get_vector(word, norm=use_norm)``."""
        return self.get_vector(word, norm=use_norm)

    def init_sims(self, replace: bool = False) -> None:
        """``fill_norms()``, or ``unit_normalize_all()`` under ``replace``."""
        if replace:
            self.unit_normalize_all()
        else:
            self.fill_norms()

    def get_keras_embedding(self, train_embeddings: bool = False, word_index: Any = None) -> Any:
        """``to_embedding(word_index, trainable=train_embeddings)``."""
        return self.to_embedding(word_index, trainable=train_embeddings)

    def words_closer_than(self, w1: Any, w2: Any) -> list[Any]:
        """``closer_than(w1, w2)``."""
        return self.closer_than(w1, w2)

    def accuracy(
        self,
        questions: str | os.PathLike[str],
        restrict_vocab: int = 30000,
        most_similar: Any = None,
        case_insensitive: bool = True,
    ) -> Sequence[dict[str, Any]]:
        """``evaluate_word_analogies(questions, restrict_vocab, case_insensitive)[1]``.

        Raises:
            TypeError: for a ``most_similar`` of one's own, which the native test cannot call.

        """
        if most_similar is not None:
            raise TypeError(
                "accuracy(most_similar=...) cannot call a function of yours: choose "
                "evaluate_word_analogies(similarity_function='most_similar_cosmul'), or loop "
                "over the questions"
            )
        return self.evaluate_word_analogies(questions, restrict_vocab, case_insensitive)[1]


# What gensim 3 let one ask of a model, and gensim 4 asks of its ``wv``.
_ASKED_OF_VECTORS = frozenset(
    {
        "accuracy",
        "distance",
        "doesnt_match",
        "evaluate_word_analogies",
        "evaluate_word_pairs",
        "index2word",
        "init_sims",
        "most_similar",
        "most_similar_cosmul",
        "n_similarity",
        "similar_by_vector",
        "similar_by_word",
        "similarity",
        "syn0",
        "wmdistance",
    }
)

# gensim 3's arguments of Word2Vec, each with its newer name and that one's default.
_RENAMED = {"size": ("vector_size", 100), "iter": ("epochs", 5)}


def translate_arguments(old: Mapping[str, Any], **new: Any) -> dict[str, Any]:
    """Return ``new`` with what gensim 3's spellings in ``old`` say.

    Raises:
        TypeError: for a name that is neither, or for both spellings of one argument.

    """
    result = dict(new)
    for name, value in old.items():
        if name not in _RENAMED:
            raise TypeError(f"Word2Vec() got an unexpected keyword argument {name!r}")
        current, default = _RENAMED[name]
        if result[current] != default:
            raise TypeError(
                f"Word2Vec() got both {name}={value!r} and {current}={result[current]!r}"
            )
        result[current] = value
    return result


class LegacyWord2Vec:
    """What gensim 3 let one ask of a model itself."""

    def __getitem__(self, word: Any) -> NDArray[Any]:
        result: NDArray[Any] = self.wv[word]
        return result

    def __contains__(self, word: object) -> bool:
        return word in self.wv

    @property
    def iter(self) -> Any:
        """``epochs``."""
        return self.epochs

    @property
    def size(self) -> Any:
        """``vector_size``."""
        return self.vector_size

    def __getattr__(self, name: str) -> Any:
        if name in _ASKED_OF_VECTORS:
            return getattr(self.wv, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
