"""Lamina: Keras-style networks and gensim-style word vectors at the full speed of a CPU."""

from __future__ import annotations

from lamina._config import __version__, set_num_threads, show_config

__all__ = ["__version__", "set_num_threads", "show_config"]
