"""An optimizer of your own: Lion (Chen et al., 2023), which steps by the sign of its momentum."""

import numpy as np

from lamina import ops
from lamina.layers import Dense
from lamina.models import Sequential
from lamina.optimizers import Optimizer
from lamina.utils import set_random_seed


class Lion(Optimizer):
    """Override ``build`` to remember things, ``update_step`` to change one variable."""

    def __init__(self, learning_rate=0.01, beta_1=0.9, beta_2=0.99, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, variables):
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        m = self.momentums[self._get_variable_index(variable)]
        direction = ops.sign(m * self.beta_1 + gradient * (1 - self.beta_1))
        variable.assign_sub(direction * learning_rate)
        m.assign(m * self.beta_2 + gradient * (1 - self.beta_2))

    def get_config(self):
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}


set_random_seed(1)
x = np.random.default_rng(1).normal(size=(1000, 4)).astype("float32")
y = x @ np.array([[1.0], [-2.0], [3.0], [0.5]], dtype="float32")

model = Sequential([Dense(1)])
model.compile(optimizer=Lion(0.01, weight_decay=0.001, clipnorm=1.0), loss="mse")
history = model.fit(x, y, epochs=15, verbose=0)
print("loss", history.history["loss"][0], "to", history.history["loss"][-1])
print("weights", model.get_weights()[0].ravel().round(2))
