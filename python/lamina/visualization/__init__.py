"""Pictures of training, images, vectors, confusions and models, drawn by matplotlib.

Every function returns a figure that is tied to no window and no other figure, shows itself in a
notebook, and is saved by ``to_file=``. matplotlib is the extra ``plot``, scikit-learn's t-SNE the
extra ``tsne``.
"""

from lamina.visualization.confusion import plot_confusion
from lamina.visualization.embeddings import plot_embeddings
from lamina.visualization.history import plot_history
from lamina.visualization.images import plot_images, plot_reconstructions
from lamina.visualization.model_plot import model_to_dot, plot_model
from lamina.visualization.projection import pca, tsne

__all__ = [
    "model_to_dot",
    "pca",
    "plot_confusion",
    "plot_embeddings",
    "plot_history",
    "plot_images",
    "plot_model",
    "plot_reconstructions",
    "tsne",
]
