"""An autoencoder: the 784 pixels of a digit in 32 numbers, and back again.

    python examples/autoencoder.py [--short]

The encoder and the decoder are then cut out of what was trained, and used one without the other.
After 50 epochs the loss is 0.103 on the test digits, where the mean digit as every answer has
0.263: half a minute on two cores.
"""

import argparse

from lamina.datasets import mnist
from lamina.layers import Dense, Input
from lamina.models import Model
from lamina.optimizers import Adadelta
from lamina.utils import set_random_seed
from lamina.visualization import plot_reconstructions

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
train, test = (5000, 1000) if parser.parse_args().short else (60000, 10000)
set_random_seed(1)

(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train[:train].reshape(-1, 784).astype("float32") / 255
x_test = x_test[:test].reshape(-1, 784).astype("float32") / 255

encoding_dim = 32
input_img = Input(shape=(784,))
encoded = Dense(encoding_dim, activation="relu")(input_img)
decoded = Dense(784, activation="sigmoid")(encoded)
autoencoder = Model(input_img, decoded)
print(autoencoder.summary())

# optimizer="adadelta" had a learning rate of 1.0 in Keras 2. In Keras 3, and so here, it has 0.001,
# with which the loss is still at 0.692 after three epochs: ask for the one that was meant.
autoencoder.compile(optimizer=Adadelta(learning_rate=1.0), loss="binary_crossentropy")
autoencoder.fit(
    x_train, x_train, epochs=50, batch_size=256, validation_data=(x_test, x_test), verbose=2
)

ori_input = Input(shape=(784,))
encoder = Model(ori_input, autoencoder.get_layer("dense_1")(ori_input))
encoded_input = Input(shape=(encoding_dim,))
decoder = Model(encoded_input, autoencoder.get_layer("dense_2")(encoded_input))
encoded_imgs = encoder.predict(x_test)
decoded_imgs = decoder.predict(encoded_imgs)

loss = autoencoder.evaluate(x_test, x_test, batch_size=256, verbose=0)
print("codes:", encoded_imgs.shape)
print(f"test loss: {loss:.4f}")
plot_reconstructions(x_test, decoded_imgs, to_file="autoencoder.png")
print("picture: autoencoder.png")
