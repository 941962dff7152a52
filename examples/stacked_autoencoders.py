"""Pre-training layer by layer, then a classifier, then fine-tuning: MNIST with few labels.

    python examples/stacked_autoencoders.py [EPOCHS] [IMAGES]

The images train two autoencoders without their labels, the second on what the first makes of them.
1,000 labels train a softmax on top, then every weight; the same network from random weights is
trained on the same labels beside it. The first autoencoder's work is drawn in reconstructions.png.
"""

import sys

import numpy as np

from lamina.datasets import mnist
from lamina.models import clone_model
from lamina.pretraining import StackedAutoencoder
from lamina.utils import set_random_seed
from lamina.visualization import plot_reconstructions

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
images = int(sys.argv[2]) if len(sys.argv) > 2 else 60_000

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:images].reshape(-1, 784).astype(np.float32) / 255
x_test = x_test.reshape(-1, 784).astype(np.float32) / 255
few, labels = x_train[:1000], y_train[:1000]
set_random_seed(1)

# One autoencoder after the other: denoising (3 pixels in 10 are hidden) and sparse.
stack = StackedAutoencoder(
    (500, 500), decoder_activation=("sigmoid", "linear"), corruption=0.3, sparsity=1e-4
)
stack.pretrain(x_train, epochs=epochs, loss=("binary_crossentropy", "mse"), verbose=2)
rebuilt = stack.autoencoders[0].predict(x_test[:10])
plot_reconstructions(
    x_test[:10].reshape(-1, 28, 28), rebuilt.reshape(-1, 28, 28), to_file="reconstructions.png"
)

# Only the encoders are kept. A classifier on top of them, and the same from random weights.
model = stack.classifier(10)
random = clone_model(model)

stack.train_top(model, few, labels, epochs=60, verbose=0)
_, before = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
stack.fine_tune(model, few, labels, epochs=10, verbose=0)
_, after = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
stack.fine_tune(random, few, labels, epochs=20, verbose=0)
_, beside = random.evaluate(x_test, y_test, batch_size=1000, verbose=0)
print("right of 10,000 test digits, with 1,000 labels")
print(f"softmax on the pre-trained encoder   {before:.1%}")
print(f"the same after fine-tuning           {after:.1%}")
print(f"the same network from random weights {beside:.1%}")
