"""Differentiable operations on arrays and tensors: numpy's names where numpy has them.

Every operation takes arrays, `Tensor` and symbolic tensors, returns a `Tensor` (a symbolic one for
a symbolic one), and can be followed by a `GradientTape`.
"""

import sys

from lamina import tensors
from lamina.ops.arithmetic import *  # noqa: F403
from lamina.ops.convolution import *  # noqa: F403
from lamina.ops.elementwise import *  # noqa: F403
from lamina.ops.embedding import *  # noqa: F403
from lamina.ops.linear import *  # noqa: F403
from lamina.ops.losses import *  # noqa: F403
from lamina.ops.normalization import *  # noqa: F403
from lamina.ops.pooling import *  # noqa: F403
from lamina.ops.random import *  # noqa: F403
from lamina.ops.recurrent import *  # noqa: F403
from lamina.ops.reductions import *  # noqa: F403
from lamina.ops.resizing import *  # noqa: F403
from lamina.ops.shapes import *  # noqa: F403
from lamina.ops.softmax import *  # noqa: F403

tensors.bind_operators(sys.modules[__name__])
