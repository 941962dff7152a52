"""Places in a vocabulary: what lookups of texts and of whole numbers have in common."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import as_array
from lamina.graph import SymbolicTensor
from lamina.layers.categories import as_ids, checked_mode, encode, encoded_shape, refuse_sparse
from lamina.layers.hashes import checked_salt, farmhash64, siphash64
from lamina.layers.layer import Layer
from lamina.layers.structure import shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")

# What `find` says of tokens without a place: unknown, or to be left out.
_UNKNOWN, _MASKED = -1, -2


class IndexLookup(Layer):
    """What `StringLookup` and `IntegerLookup` have in common.

    The vocabulary is, in this order: the mask token, if there is one and the mode is ``"int"``;
    ``num_oov_indices`` places for what is unknown; the tokens.
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        oov_method: str,
        salt: Any,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("dtype", None)  # Keras 2 saved that of the tokens
        kwargs.pop("vocabulary_size", None)  # follows from the vocabulary
        fixed = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        super().__init__(**kwargs)
        refuse_sparse(self, sparse)
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"{self}: max_tokens must be above 1, got {max_tokens}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{self}: pad_to_max_tokens=True needs max_tokens")
        if num_oov_indices < 0:
            raise ValueError(f"{self}: num_oov_indices must not be negative, got {num_oov_indices}")
        if oov_method not in {"floormod", "farmhash"}:
            raise ValueError(
                f"{self}: oov_method must be 'floormod' or 'farmhash', got {oov_method!r}"
            )
        self.output_mode = checked_mode(self, output_mode, _MODES)
        if invert and self.output_mode != "int":
            raise ValueError(f"{self}: invert=True is for output_mode='int', got {output_mode!r}")
        if self.output_mode == "tf_idf" and vocabulary is not None and idf_weights is None:
            raise ValueError(f"{self}: output_mode='tf_idf' needs idf_weights with the vocabulary")
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token, self.invert = mask_token, oov_token, bool(invert)
        self.pad_to_max_tokens = bool(pad_to_max_tokens)
        self.oov_method, self.salt = oov_method, checked_salt(self, salt)
        self._vocabulary_is_fixed = bool(fixed)
        self._given: Any = None  # the vocabulary and weights as they were set
        self._set_tokens([], None)
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ValueError(f"{self}: idf_weights need the vocabulary that they belong to")

    @property
    def _first_unknown(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _first_token(self) -> int:
        return self._first_unknown + self.num_oov_indices

    def _set_tokens(self, tokens: list[Any], idf: Any) -> None:
        first = self._first_token
        self._tokens = tokens
        self._table = {token: first + place for place, token in enumerate(tokens)}
        if self.mask_token is not None:
            self._table[self.mask_token] = 0 if self.output_mode == "int" else _MASKED
        self._idf = None if idf is None else np.asarray(idf, self.dtype)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the tokens, each at its place; without the special ones, those alone."""
        if not include_special_tokens:
            return list(self._tokens)
        special = [self.mask_token] * self._first_unknown + [self.oov_token] * self.num_oov_indices
        return special + self._tokens

    def vocabulary_size(self) -> int:
        """Return the number of places, those of special tokens included."""
        return self._first_token + len(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take over a vocabulary: tokens, with the special ones before them or without.

        A str is the path of a file with a token on each line. ``idf_weights``, as many as the
        tokens, belong to ``output_mode="tf_idf"``; special tokens without get their mean.

        Raises:
            ValueError: if a token stands twice, is a special one, or there are too many of them;
                nothing has changed then.

        """
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            raise ValueError(
                f"{self}: idf_weights belong to output_mode='tf_idf', which needs them; the mode "
                f"is {self.output_mode!r}"
            )
        if isinstance(vocabulary, (str, Path)):
            lines = Path(vocabulary).read_text(encoding="utf-8").splitlines()
            vocabulary = [self._as_token(line) for line in lines]
        tokens = as_array(vocabulary).tolist() if hasattr(vocabulary, "dtype") else list(vocabulary)
        if not tokens:
            raise ValueError(f"{self}: the vocabulary is empty")
        weights = None if idf_weights is None else as_array(idf_weights)
        if weights is not None and weights.shape != (len(tokens),):
            raise ValueError(
                f"{self}: {len(tokens)} tokens and idf_weights of shape {weights.shape} do not fit"
            )
        given = tokens, weights
        first = self._first_token
        special = [self.mask_token] * self._first_unknown + [self.oov_token] * self.num_oov_indices
        if tokens[:first] == special:
            tokens = tokens[first:]
        elif weights is not None:
            weights = np.concatenate([np.full(first, weights.mean()), weights])
        self._refuse_tokens(tokens, special)
        if weights is not None and self.pad_to_max_tokens:
            weights = np.pad(weights, (0, self.max_tokens - len(weights)))  # type: ignore[operator]
        self._set_tokens(tokens, weights)
        self._given = given

    def _refuse_tokens(self, tokens: list[Any], special: list[Any]) -> None:
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        if twice:
            raise ValueError(f"{self}: {twice[0]!r} stands twice in the vocabulary")
        reserved = [self.mask_token] + [self.oov_token] * self.invert
        for token in reserved:
            if token is not None and token in tokens:
                raise ValueError(
                    f"{self}: the special token {token!r} stands at {tokens.index(token)} of the "
                    f"vocabulary: leave special tokens out, or begin with them all: {special}"
                )
        size = self._first_token + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{self}: a vocabulary of {size} with special tokens, but max_tokens="
                f"{self.max_tokens}"
            )

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Make the vocabulary of data: its tokens, the most frequent first.

        Those that are equally frequent stand in descending order. Data are one array or list, of
        which each row is a document for tf-idf: log(1 + documents / (1 + documents with the
        token)); or batches of that, of which ``steps`` are read.

        Raises:
            ValueError: if the layer was made with a vocabulary.

        """
        counts: Counter[Any] = Counter()
        documents: Counter[Any] = Counter()
        number = 0
        for rows in self._documents(data, steps):
            for row in rows:
                tokens = self._plain(np.asarray(row)).ravel().tolist()
                counts.update(tokens)
                documents.update(iter(set(tokens)))
                number += 1
        self.learn(counts, documents, number)

    def _documents(self, data: Any, steps: int | None) -> Iterator[Iterable[Any]]:
        """Yield batches of documents."""
        if isinstance(data, (list, tuple, np.ndarray)) or hasattr(data, "__array__"):
            yield data if isinstance(data, (list, tuple)) else as_array(data)
            return
        for place, batch in enumerate(data):
            if steps is not None and place >= steps:
                return
            array = as_array(batch)
            yield array if array.ndim > 1 else array[np.newaxis]

    def learn(self, counts: Any, documents: Any, number: int) -> None:
        """Make the vocabulary of what was counted in a number of documents."""
        if self._vocabulary_is_fixed:
            raise ValueError(f"{self}.adapt: it was made with a vocabulary, which stays")
        for token in (self.mask_token, self.oov_token):
            counts.pop(token, None)
        ranked = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            ranked = ranked[: max(self.max_tokens - self._first_token, 0)]
        idf = None
        if self.output_mode == "tf_idf":
            found = np.array([documents[token] for token in ranked], np.float64)
            own = np.log(1 + number / (1 + found))
            idf = np.concatenate([np.full(self._first_token, own.mean() if own.size else 0), own])
            if self.pad_to_max_tokens:
                idf = np.pad(idf, (0, self.max_tokens - len(idf)))  # type: ignore[operator]
        self._set_tokens(ranked, idf)
        self._given = None

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Keep the weights that belong to the vocabulary in a file of Keras's."""
        self._weights_of_file = store.get("idf_weights", self._weights_of_file)

    _weights_of_file: Any = None

    def load_assets(self, folder: str) -> None:
        """Take over the vocabulary that Keras keeps in ``vocabulary.txt`` if it was adapted."""
        path = Path(folder, "vocabulary.txt")
        if self._tokens or not path.exists():
            return  # the config has it, as those that are written here do
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        weights = self._weights_of_file
        if self.output_mode == "tf_idf" and weights is not None:
            weights = weights[: len(lines)]
        self.set_vocabulary([self._as_token(line) for line in lines], weights)

    def _plain(self, given: NDArray[Any]) -> NDArray[Any]:
        """Return what was given as an array of tokens, if it can be that."""
        raise NotImplementedError

    def _as_token(self, line: str) -> Any:
        """Return the token that stands on a line of a file."""
        raise NotImplementedError

    def _bucket(self, token: Any) -> int:
        """Return which of the places for the unknown is an unknown token's."""
        text = str(token).encode()
        value = farmhash64(text) if self.salt is None else siphash64(text, self.salt)
        return value % self.num_oov_indices

    def find(self, tokens: list[Any]) -> NDArray[np.int64]:
        """Return the places of tokens; -2 for those that are masked."""
        table = self._table
        found = np.fromiter((table.get(t, _UNKNOWN) for t in tokens), np.int64, len(tokens))
        unknown = np.flatnonzero(found == _UNKNOWN)
        if not unknown.size:
            return found
        if self.num_oov_indices == 0:
            raise ValueError(
                f"{self}: {tokens[unknown[0]]!r} is not in the vocabulary, and num_oov_indices=0 "
                f"leaves no place for it"
            )
        found[unknown] = self._first_unknown
        if self.num_oov_indices > 1:
            found[unknown] += np.array([self._bucket(tokens[place]) for place in unknown])
        return found

    @property
    def depth(self) -> int:
        """The length of a vector that a sample becomes."""
        padded = self.max_tokens if self.pad_to_max_tokens else None
        return self.vocabulary_size() if padded is None else padded

    def call(self, inputs: Any) -> Any:
        if self.invert:
            return self._inverse(as_ids(self, inputs))
        tokens = self._plain(as_array(inputs))
        found = self.find(tokens.ravel().tolist()).reshape(tokens.shape)
        if self.output_mode == "int":
            return found
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        encoded = encode(found, mode, self.depth, self.dtype)
        return self.weighted(encoded)

    def weighted(self, encoded: NDArray[Any]) -> NDArray[Any]:
        """Return counts with their inverse document frequencies, in that mode."""
        if self.output_mode != "tf_idf":
            return encoded
        if self._idf is None:
            raise ValueError(f"{self}: there are no idf weights yet: adapt or set_vocabulary first")
        return np.asarray(encoded * self._idf, self.dtype)

    def _inverse(self, ids: NDArray[np.int64]) -> NDArray[Any]:
        vocabulary = self.get_vocabulary()
        known = (ids >= 0) & (ids < len(vocabulary))
        values = np.array([*vocabulary, self.oov_token], self._token_dtype)
        return values[np.where(known, ids, len(vocabulary))]

    _token_dtype: Any = object

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return tuple(input_shape)
        return encoded_shape(tuple(input_shape), self.output_mode, self.depth)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        dtype = "int64" if self.output_mode == "int" else self.dtype
        if self.invert:
            dtype = self.declared_dtype or dtype
        return SymbolicTensor(self.compute_output_shape(shapes_of(args[0])), dtype, self.name)

    def get_config(self) -> dict[str, Any]:
        # An adapted layer's vocabulary is saved like one that was given, but may be adapted again.
        tokens, weights = self._given or (
            self.get_vocabulary() if self._tokens else None,
            self._idf,
        )
        config = {
            **super().get_config(),
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": False,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "idf_weights": weights if weights is None else weights[: len(tokens or ())].tolist(),
            "vocabulary": tokens,
            "vocabulary_size": self.vocabulary_size() if self._tokens else None,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }
        if tokens is not None and not self._vocabulary_is_fixed:
            config["has_input_vocabulary"] = False
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer of what `get_config` returned, here or in Keras.

        Raises:
            ValueError: if the vocabulary is the path of a file, which a config must not name.

        """
        return cls(**without_path(config))


def without_path(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config, if it does not ask for a file to be read."""
    if isinstance(config.get("vocabulary"), str):
        raise ValueError(  # noqa: TRY004 - a path is right elsewhere
            f"{config.get('name')}: the config wants to read the vocabulary from the file "
            f"{config['vocabulary']!r}: call set_vocabulary with that path, if you trust it"
        )
    return config
