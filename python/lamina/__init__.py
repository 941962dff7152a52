"""Lamina: Keras-style networks and gensim-style word vectors at the full speed of a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina._config import __version__, floatx, set_floatx, set_num_threads, show_config
from lamina._lazy import lazy_names

if TYPE_CHECKING:
    from lamina import (
        activations,
        callbacks,
        constraints,
        datasets,
        export,
        initializers,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        preprocessing,
        pretraining,
        regularizers,
        saving,
        utils,
        visualization,
        word2vec,
    )
    from lamina.autodiff import GradientTape, Tensor, Variable, grad, no_grad, value_and_grad
    from lamina.layers import Input
    from lamina.models import Model, Sequential

__all__ = [
    "GradientTape",
    "Input",
    "Model",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "callbacks",
    "constraints",
    "datasets",
    "export",
    "floatx",
    "grad",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "no_grad",
    "ops",
    "optimizers",
    "preprocessing",
    "pretraining",
    "regularizers",
    "saving",
    "set_floatx",
    "set_num_threads",
    "show_config",
    "utils",
    "value_and_grad",
    "visualization",
    "word2vec",
]

_PLACES = {
    "GradientTape": "autodiff",
    "Input": "layers",
    "Model": "models",
    "Sequential": "models",
    "Tensor": "autodiff",
    "Variable": "autodiff",
    "grad": "autodiff",
    "no_grad": "autodiff",
    "value_and_grad": "autodiff",
}

# ``import lamina`` and then ``lamina.models.Word2Vec`` works; what is not used is not imported.
__getattr__, __dir__ = lazy_names(__name__, _PLACES, __all__)
