"""A convolutional autoencoder that takes the noise off digits, watched in TensorBoard.

    python examples/denoising_autoencoder.py [--short]
    tensorboard --logdir denoising_autoencoder_logs

The second line, from ``pip install tensorboard``, serves the curves while it trains and later: at
http://localhost:6006, "Time Series" or "Scalars" has ``epoch_loss`` of the runs ``train`` and
``validation``. TensorFlow is not needed.
Three epochs take the squared error to the clean digits from 0.116 to 0.015, in 96 seconds on two
cores; ten, or a hundred, go on from there.
"""

import argparse

import numpy as np

from lamina.callbacks import TensorBoard
from lamina.datasets import mnist
from lamina.layers import Conv2D, Input, MaxPooling2D, UpSampling2D
from lamina.models import Model
from lamina.optimizers import Adadelta
from lamina.utils import set_random_seed
from lamina.visualization import plot_reconstructions

parser = argparse.ArgumentParser()
parser.add_argument("--short", action="store_true", help="a few seconds on a part of the data")
short = parser.parse_args().short
train, test, batch_size = (2000, 200, 16) if short else (60000, 10000, 128)
set_random_seed(1)

(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train[:train].reshape(-1, 28, 28, 1).astype("float32") / 255
x_test = x_test[:test].reshape(-1, 28, 28, 1).astype("float32") / 255

noise_factor = 0.5
generator = np.random.default_rng(1)
x_train_noisy = x_train + noise_factor * generator.normal(loc=0.0, scale=1.0, size=x_train.shape)
x_test_noisy = x_test + noise_factor * generator.normal(loc=0.0, scale=1.0, size=x_test.shape)
x_train_noisy = np.clip(x_train_noisy, 0.0, 1.0)
x_test_noisy = np.clip(x_test_noisy, 0.0, 1.0)

input_img = Input(shape=(28, 28, 1))

x = Conv2D(32, (3, 3), activation="relu", padding="same")(input_img)
x = MaxPooling2D((2, 2), padding="same")(x)
x = Conv2D(32, (3, 3), activation="relu", padding="same")(x)
encoded = MaxPooling2D((2, 2), padding="same")(x)

# at this point the representation is (7, 7, 32)

x = Conv2D(32, (3, 3), activation="relu", padding="same")(encoded)
x = UpSampling2D((2, 2))(x)
x = Conv2D(32, (3, 3), activation="relu", padding="same")(x)
x = UpSampling2D((2, 2))(x)
decoded = Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

autoencoder = Model(input_img, decoded)
print(autoencoder.summary())
# The learning rate of Keras 2's "adadelta"; see autoencoder.py.
autoencoder.compile(optimizer=Adadelta(learning_rate=1.0), loss="binary_crossentropy")
autoencoder.fit(
    x_train_noisy,
    x_train,
    epochs=3,
    batch_size=batch_size,
    shuffle=True,
    validation_data=(x_test_noisy, x_test),
    callbacks=[
        TensorBoard(log_dir="denoising_autoencoder_logs", histogram_freq=0, write_graph=False)
    ],
    verbose=2,
)

decoded_imgs = autoencoder.predict(x_test_noisy)  # of the noisy ones: the clean ones need no help
before, after = (np.square(each - x_test).mean() for each in (x_test_noisy, decoded_imgs))
print(f"mean squared error to the clean digits: {after:.4f} (noisy {before:.4f})")
plot_reconstructions(x_test, decoded_imgs, x_test_noisy, to_file="denoising_autoencoder.png")
print("picture: denoising_autoencoder.png")
print("curves: tensorboard --logdir denoising_autoencoder_logs")
