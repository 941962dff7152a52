"""TensorBoard without TensorFlow: the callback, and vectors for its projector."""

from lamina.callbacks.tensorboard.callback import TensorBoard
from lamina.callbacks.tensorboard.projector import write_embeddings

__all__ = ["TensorBoard", "write_embeddings"]
