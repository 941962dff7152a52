"""The functions that every ``_core_*`` module has: a stub for each register_*.cpp."""

from lamina._native.core.buffer import *
from lamina._native.core.convolution import *
from lamina._native.core.corpus import *
from lamina._native.core.dense import *
from lamina._native.core.elementwise import *
from lamina._native.core.embedding import *
from lamina._native.core.losses import *
from lamina._native.core.noise import *
from lamina._native.core.normalization import *
from lamina._native.core.optimizers import *
from lamina._native.core.phrases import *
from lamina._native.core.pooling import *
from lamina._native.core.recurrent import *
from lamina._native.core.text import *
from lamina._native.core.vectors import *
from lamina._native.core.windows import *
from lamina._native.core.word2vec import *

version: str
level: str
compiler: str

def num_threads() -> int: ...
def set_num_threads(threads: int) -> None: ...
