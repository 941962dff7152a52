"""Pictures of models take what Keras's take."""

import inspect

from parity.keras_beside import keras

from lamina import utils


def test_arguments_are_keras_own_in_their_order():
    for name in ("plot_model", "model_to_dot"):
        ours = inspect.signature(getattr(utils, name)).parameters
        theirs = inspect.signature(getattr(keras.utils, name)).parameters
        known = [each for each in theirs if each != "kwargs"]
        assert list(ours)[: len(known)] == known
        for each in set(known) - {"show_layer_names", "splines"}:  # names are shown, as in Keras 2
            assert ours[each].default == theirs[each].default
