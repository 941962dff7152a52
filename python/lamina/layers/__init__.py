"""Layers, with Keras's names, arguments, defaults and weights."""

    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    deserialize,
    get,
    registry,
    serialize,
)
from lamina.layers.activation import *  # noqa: F403
from lamina.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from lamina.layers.core import *  # noqa: F403
from lamina.layers.core import Dense
from lamina.layers.embedding import *  # noqa: F403
from lamina.layers.input import *  # noqa: F403
from lamina.layers.input import Input, InputLayer
from lamina.layers.input_spec import *  # noqa: F403
from lamina.layers.input_spec import InputSpec
from lamina.layers.layer import Layer
from lamina.layers.regularization import (
from lamina.layers.regularization import *  # noqa: F403
from lamina.layers.serialization import (  # noqa: F401
from lamina.layers.serialization import deserialize, get, registry, serialize

# Every layer that stands here can be told by its name, in this one place.
for _thing in list(globals().values()):
    if isinstance(_thing, type) and issubclass(_thing, Layer):
        registry.add()(_thing)
