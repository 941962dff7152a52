"""Layers, with Keras's names, arguments, defaults and weights."""

from lamina.layers.activation import *  # noqa: F403
from lamina.layers.attention import *  # noqa: F403
from lamina.layers.batch_normalization import *  # noqa: F403
from lamina.layers.categories import *  # noqa: F403
from lamina.layers.convolution import *  # noqa: F403
from lamina.layers.core import *  # noqa: F403
from lamina.layers.depthwise import *  # noqa: F403
from lamina.layers.discretization import *  # noqa: F403
from lamina.layers.dot_product import *  # noqa: F403
from lamina.layers.embedding import *  # noqa: F403
from lamina.layers.features import *  # noqa: F403
from lamina.layers.function import *  # noqa: F403
from lamina.layers.hashing import *  # noqa: F403
from lamina.layers.identity import *  # noqa: F403
from lamina.layers.input import *  # noqa: F403
from lamina.layers.input_spec import *  # noqa: F403
from lamina.layers.layer import Layer
from lamina.layers.lookup import *  # noqa: F403
from lamina.layers.masking import *  # noqa: F403
from lamina.layers.merging import *  # noqa: F403
from lamina.layers.multi_head_attention import *  # noqa: F403
from lamina.layers.normalization import *  # noqa: F403
from lamina.layers.pooling import *  # noqa: F403
from lamina.layers.recurrent import *  # noqa: F403
from lamina.layers.recurrent_cells import *  # noqa: F403
from lamina.layers.regularization import *  # noqa: F403
from lamina.layers.reshaping import *  # noqa: F403
from lamina.layers.resizing import *  # noqa: F403
from lamina.layers.rnn import *  # noqa: F403
from lamina.layers.serialization import (  # noqa: F401
    deserialize,
    get,
    registry,
    serialize,
)
from lamina.layers.text_vectorization import *  # noqa: F403
from lamina.layers.wrappers import *  # noqa: F403

# Every layer that stands here can be told by its name, in this one place.
for _name, _thing in list(globals().items()):
    if isinstance(_thing, type) and issubclass(_thing, Layer):
        registry.add(_name)(_thing)
