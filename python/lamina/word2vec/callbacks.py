"""Callbacks for word2vec training, shaped as gensim's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamina.word2vec.model import Word2Vec


class CallbackAny2Vec:
    """Something to do at the start and end of training and of each epoch.

    Derive from it, override what is wanted, and pass instances as ``callbacks=[...]`` to
    :class:`~lamina.word2vec.model.Word2Vec` or to its ``train``. Callbacks are never written into a
    saved model.
    """

    def on_train_begin(self, model: Word2Vec) -> None:
        """Run before the first epoch."""

    def on_train_end(self, model: Word2Vec) -> None:
        """Run after the last epoch."""

    def on_epoch_begin(self, model: Word2Vec) -> None:
        """Run before each epoch."""

    def on_epoch_end(self, model: Word2Vec) -> None:
        """Run after each epoch."""
