"""A training loop of one's own: two networks against each other, a tape for each.

A generator learns to imitate points on a ring, a critic to tell them from real ones (Goodfellow et
al., 2014). ``GradientTape`` records what is computed inside it and gives the gradients.
"""

import numpy as np

import lamina
from lamina import GradientTape, Sequential, layers, losses, optimizers
from lamina.utils import set_random_seed

set_random_seed(2)
generator = np.random.default_rng(2)
BATCH, NOISE = 64, 4


def real_points(count):
    angles = generator.uniform(0, 2 * np.pi, count)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (ring + generator.normal(0, 0.05, ring.shape)).astype(lamina.floatx())


def noise(count):
    return generator.normal(size=(count, NOISE)).astype(lamina.floatx())


def network(inputs, outputs):
    hidden = [layers.Dense(64, input_shape=(inputs,)), layers.LeakyReLU(0.2)]
    return Sequential([*hidden, layers.Dense(64), layers.LeakyReLU(0.2), layers.Dense(outputs)])


artist, critic = network(NOISE, 2), network(2, 1)
artist_optimizer = optimizers.Adam(2e-3, beta_1=0.5)
critic_optimizer = optimizers.Adam(1e-3, beta_1=0.5)
judge = losses.BinaryCrossentropy(from_logits=True)
real, fake = np.ones((BATCH, 1)), np.zeros((BATCH, 1))

for step in range(901):
    points = artist(noise(BATCH))
    with GradientTape() as tape:
        critic_loss = judge(real, critic(real_points(BATCH))) + judge(fake, critic(points))
    weights = critic.trainable_weights
    critic_optimizer.apply(tape.gradient(critic_loss, weights), weights)

    with GradientTape() as tape:
        artist_loss = judge(real, critic(artist(noise(BATCH))))
    weights = artist.trainable_weights
    artist_optimizer.apply(tape.gradient(artist_loss, weights), weights)

    if step % 300 == 0:
        radius = np.linalg.norm(artist.predict(noise(1000)), axis=1)
        print(f"step {step}: radius {radius.mean():.2f} +- {radius.std():.2f}, wanted 1.00 +- 0.05")
