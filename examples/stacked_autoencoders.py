"""Stacked autoencoders: 60,000 digits without labels help where only 1,000 have one.

    python examples/stacked_autoencoders.py [--short]

Two sparse, denoising autoencoders learn one after the other, the second from the codes of the
first; then a softmax on the second's codes; then all of it is fine-tuned. Beside it stands the same
network from random weights, fine-tuned on the same 1,000 digits.
93.3 % of the test digits are right after fine-tuning, 91.4 % with the softmax alone, 90.8 % from
random weights: 40 seconds on two cores. This is one seed and one learning rate for both;
bench/pretraining.py takes five seeds, and the best of three rates for each side.
"""

import argparse

from lamina.datasets import mnist
from lamina.models import clone_model
from lamina.pretraining import StackedAutoencoder
from lamina.utils import set_random_seed
from lamina.visualization import plot_history, plot_reconstructions

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
short = parser.parse_args().short
train, test, epochs = (5000, 1000, 5) if short else (60000, 10000, 20)  # epochs with labels
set_random_seed(1)

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:train].reshape(-1, 784).astype("float32") / 255
x_test, y_test = x_test[:test].reshape(-1, 784).astype("float32") / 255, y_test[:test]
few, labels = x_train[:1000], y_train[:1000]

stack = StackedAutoencoder(
    (500, 500), decoder_activation=("sigmoid", "linear"), corruption=0.3, sparsity=1e-4
)
stack.pretrain(x_train, epochs=5, loss=("binary_crossentropy", "mse"), verbose=2)

# What the first one makes of digits of which three pixels in ten are hidden. Its encoder is a part
# of the classifier, and changes with it: so the picture is drawn now.
hidden = stack.corruption[0](x_test[:10], training=True)
rebuilt = stack.autoencoders[0].predict(hidden, verbose=0)
plot_reconstructions(x_test[:10], rebuilt, hidden, to_file="stacked_autoencoders_digits.png")

model = stack.classifier(10)
random = clone_model(model)  # the same network, other weights

options = {"validation_data": (x_test, y_test), "epochs": epochs, "batch_size": 50, "verbose": 0}
softmax = stack.train_top(model, few, labels, **options)
tuned = stack.fine_tune(model, few, labels, **options)
beside = stack.fine_tune(random, few, labels, **options)

for name, history in [
    ("a softmax on what was learnt without labels", softmax),
    ("the same network from random weights", beside),
    ("pre-trained and fine-tuned", tuned),
]:
    print(f"test accuracy: {history.history['val_accuracy'][-1]:.4f}, {name}")
plot_history([tuned, beside], ["pre-trained", "random weights"], to_file="stacked_autoencoders.png")
print("picture: stacked_autoencoders_digits.png")
print("picture: stacked_autoencoders.png")
