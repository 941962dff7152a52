"""Pre-training: a network learns from unlabelled data, layer by layer, before it is fine-tuned.

    stack = StackedAutoencoder((256, 64), corruption=0.3)
    stack.pretrain(images, epochs=10)            # one autoencoder after the other, no labels
    model = stack.classifier(10)                 # the encoder's own layers, a softmax on top
    stack.train_top(model, few, labels)          # the softmax alone, on what the encoder makes
    stack.fine_tune(model, few, labels)          # then every weight

Each step is made of ordinary layers and models, so that any of them can be taken out of the row and
done by hand: `StackedAutoencoder.pretrain` is a loop of ``compile``, ``fit`` and the next codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import layers, regularizers
from lamina._config import floatx
from lamina.autodiff import no_grad
from lamina.layers.layer import Layer
from lamina.models.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["StackedAutoencoder"]


class StackedAutoencoder:
    """Autoencoders, each trained to rebuild what the one before makes of the data.

    Autoencoder k is ``decode(encode(corrupt(x)))``, trained to give back x, where x is the data or
    the codes of autoencoder k - 1, encode is ``Dense(hidden_sizes[k], activation)`` and decode
    ``Dense(size of x, decoder_activation)``. The decoders are then left behind, and what remains is
    an encoder whose weights already know the data: where a classifier with few labels starts from.

    Each argument but the first is one for all autoencoders, or a list with one for each.

    Args:
        hidden_sizes: the sizes of the codes, from the data on.
        activation: of the codes.
        decoder_activation: of what is rebuilt: "sigmoid" for data in [0, 1], such as pixels (with
            the loss "binary_crossentropy"); "linear" for codes that may be any numbers.
        corruption: makes the autoencoders denoising ones. A number is the share of inputs that are
            set to 0 while training; a layer, such as ``GaussianNoise(0.3)``, is used as it is.
        sparsity: makes them sparse ones. A number is the weight of the codes' absolute sum (by
            sample) in the loss; anything that ``activity_regularizer=`` takes is used as it is.

    Both corruption and sparsity are parts of the autoencoders alone, not of the encoder.

    Attributes:
        encoding_layers: the layers that encode, one an autoencoder; they are the encoder.
        autoencoders: a `Model` for each.

    To use autoencoders of another kind (convolutions, several layers each), override `autoencoder`.

    Raises:
        TypeError, ValueError: if an argument cannot be meant.

    Sources: Hinton and Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks,
    2006; Bengio et al., Greedy Layer-Wise Training of Deep Networks, 2007; Vincent et al., Stacked
    Denoising Autoencoders, 2010.

    """

    def __init__(
        self,
        hidden_sizes: Iterable[int],
        activation: Any = "relu",
        decoder_activation: Any = "linear",
        corruption: Any = 0.0,
        sparsity: Any = 0.0,
    ) -> None:
        self.hidden_sizes = _sizes(hidden_sizes)
        self.activation = self._for_each(activation, "activation")
        self.decoder_activation = self._for_each(decoder_activation, "decoder_activation")
        self.corruption = [_corruption(c) for c in self._for_each(corruption, "corruption")]
        self.sparsity = [_sparsity(each) for each in self._for_each(sparsity, "sparsity")]
        self.encoding_layers: tuple[Layer, ...] = ()
        self.autoencoders: tuple[Model, ...] = ()
        self._encoder: Any = None

    def _for_each(self, value: Any, name: str) -> list[Any]:
        """Return a list with one for each autoencoder."""
        count = len(self.hidden_sizes)
        if not isinstance(value, (list, tuple)):
            return [value] * count
        if len(value) != count:
            raise ValueError(
                f"StackedAutoencoder: {name} is one for all, or a list with one for each of the "
                f"{count} hidden sizes, got {len(value)}: {value!r}"
            )
        return list(value)

    def build(self, input_shape: Any) -> None:
        """Make the autoencoders for samples of this shape; `pretrain` does it by itself.

        Args:
            input_shape: without the axis of samples: ``(784,)``, or just 784.

        Raises:
            ValueError: if they are there already.

        """
        if self.autoencoders:
            raise ValueError(
                f"StackedAutoencoder.build: it is built, for samples of shape "
                f"{self._encoder.input_shape[1:]}"
            )
        shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        data = tensor = layers.Input(shape)
        made = []
        for place in range(len(self.hidden_sizes)):
            made.append(self.autoencoder(place, tensor.shape[1:]))
            tensor = made[-1][0](tensor)
        self._encoder = Model(data, tensor)
        self.encoding_layers = tuple(layer for layer, _ in made)
        self.autoencoders = tuple(model for _, model in made)

    def autoencoder(self, place: int, input_shape: tuple[Any, ...]) -> tuple[Any, Model]:
        """Return one autoencoder as (the layer that encodes, the whole model).

        To be overridden by a stack of another kind: the layer may be a model of several.

        Args:
            place: which one it is, from 0 on.
            input_shape: of a sample: of the data, or of the codes below.

        Raises:
            ValueError: if a sample is no row of numbers.

        """
        if len(input_shape) != 1 or input_shape[0] is None:
            raise ValueError(
                f"StackedAutoencoder: wanted rows of numbers, (samples, features), got samples of "
                f"shape {input_shape}: x.reshape(len(x), -1) makes rows of pictures"
            )
        corrupt, sparsity = self.corruption[place], self.sparsity[place]
        encode = layers.Dense(self.hidden_sizes[place], activation=self.activation[place])
        decode = layers.Dense(input_shape[0], activation=self.decoder_activation[place])
        clean = layers.Input(input_shape)
        code = encode(clean if corrupt is None else corrupt(clean))
        if sparsity is not None:
            code = layers.Identity(activity_regularizer=sparsity)(code)
        return encode, Model(clean, decode(code))

    def pretrain(
        self,
        x: Any,
        epochs: int = 10,
        batch_size: int = 256,
        optimizer: Any = "adam",
        loss: Any = "mse",
        verbose: Any = "auto",
        **options: Any,
    ) -> list[Any]:
        """Train the autoencoders one after the other; return the `History` of each.

        Args:
            x: the data, (samples, features); no labels are needed.
            epochs: for each autoencoder.
            batch_size: samples a step.
            optimizer: its name or config, so that each autoencoder has its own.
            loss: between what is rebuilt and what was there, one for all or a list.
            verbose: as in ``fit``.
            options: what else ``fit`` takes.

        Raises:
            TypeError: if ``optimizer`` is an object: its state would go from one to the next.
            ValueError: if ``validation_data`` is given: ``validation_split`` is the way here.

        """
        if "validation_data" in options:
            raise ValueError(
                "StackedAutoencoder.pretrain: validation_data would have to be encoded anew for "
                "each autoencoder; validation_split=0.1 holds the last tenth of x out for all"
            )
        if not isinstance(optimizer, (str, dict, type)):
            kind = type(optimizer).__name__
            raise TypeError(
                f"StackedAutoencoder.pretrain: each autoencoder needs its own optimizer; give "
                f"a name or a config, lamina.optimizers.serialize({kind}(...)), got {optimizer!r}"
            )
        losses = self._for_each(loss, "loss")
        x = np.asarray(x)
        x = x if x.dtype.kind == "f" else x.astype(floatx())
        if not self.autoencoders:
            self.build(x.shape[1:])
        options = {"epochs": epochs, "batch_size": batch_size, "verbose": verbose, **options}
        histories = []
        steps = zip(self.encoding_layers, self.autoencoders, losses, strict=True)
        for encode, model, its_loss in steps:
            model.compile(optimizer, its_loss)
            histories.append(model.fit(x, x, **options))
            x = _encoded(encode, x)
        return histories

    @property
    def encoder(self) -> Model:
        """The model from the data to the last codes; its layers are those of the autoencoders.

        Raises:
            ValueError: if nothing is built yet.

        """
        self._require_built("encoder")
        encoder: Model = self._encoder
        return encoder

    def classifier(self, classes: int, activation: Any = "softmax") -> Model:
        """Return the encoder with a new ``Dense(classes)`` on top: an ordinary model.

        It shares the layers of the encoder: training it trains them. `lamina.models.clone_model`
        makes one of the same shape with random weights, to compare with.

        Raises:
            ValueError: if nothing is built yet, or there are fewer than two classes.

        """
        self._require_built("classifier")
        if not isinstance(classes, (int, np.integer)) or classes < 2:
            raise ValueError(
                f"StackedAutoencoder.classifier: classes must be a whole number of at least 2, one "
                f"output for each, got {classes!r}"
            )
        codes = self.encoder.output
        if len(codes.shape) > 2:
            codes = layers.Flatten()(codes)
        top = layers.Dense(int(classes), activation=activation)
        return Model(self.encoder.input, top(codes))

    def train_top(self, model: Model, x: Any, y: Any, **options: Any) -> Any:
        """Train what a model has beyond the encoder's layers, which stay as they are.

        Takes what `fine_tune` takes and returns the `History`.
        """
        self._require_built("train_top")
        encoder = [each for layer in self.encoding_layers for each in layer._all_layers()]  # noqa: SLF001
        were = [layer.trainable for layer in encoder]
        try:
            for layer in self.encoding_layers:
                layer.trainable = False
            return self.fine_tune(model, x, y, **options)
        finally:
            for layer, trainable in zip(encoder, were, strict=True):  # those within come later
                layer.trainable = trainable

    def fine_tune(
        self,
        model: Model,
        x: Any,
        y: Any,
        epochs: int = 20,
        batch_size: int = 32,
        optimizer: Any = "adam",
        loss: Any = None,
        **options: Any,
    ) -> Any:
        """Train every weight of a model on labelled data; return the `History`.

        Args:
            model: what `classifier` returned, or any model of your own.
            x: the samples.
            y: their classes as whole numbers, or as rows with a one.
            epochs: passes over the data.
            batch_size: samples a step.
            optimizer: as in ``compile``.
            loss: as in ``compile``; if None, cross-entropy of the kind that y calls for.
            options: what else ``fit`` takes.

        """
        y = np.asarray(y)
        if loss is None:
            rows = y.ndim == 2 and y.shape[1] > 1
            loss = "categorical_crossentropy" if rows else "sparse_categorical_crossentropy"
        model.compile(optimizer, loss, metrics=["accuracy"])
        return model.fit(x, y, epochs=epochs, batch_size=batch_size, **options)

    def _require_built(self, what: str) -> None:
        if not self.autoencoders:
            raise ValueError(
                f"StackedAutoencoder.{what}: there is nothing yet: call pretrain(x) first, or "
                f"build(input_shape) for random weights"
            )


def _encoded(encode: Any, x: Any) -> Any:
    """Return the codes of all samples, some thousands at a time."""
    with no_grad():
        parts = [encode(x[low : low + 4096]).data for low in range(0, len(x), 4096)]
    return np.concatenate(parts)


def _sizes(hidden_sizes: Any) -> tuple[int, ...]:
    if isinstance(hidden_sizes, (int, str)):
        raise TypeError(
            f"StackedAutoencoder: hidden_sizes are several, from the data on, got "
            f"{hidden_sizes!r}: ({hidden_sizes},) is one"
        )
    sizes = tuple(hidden_sizes)
    whole = all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in sizes
    )
    if not sizes or not whole:
        raise ValueError(
            f"StackedAutoencoder: hidden_sizes must be whole numbers above 0, at least one, got "
            f"{sizes}"
        )
    return tuple(map(int, sizes))


def _corruption(corruption: Any) -> Any:
    """Return the layer that spoils inputs, or None."""
    if isinstance(corruption, Layer):
        return corruption
    if not isinstance(corruption, (int, float)) or not 0 <= corruption < 1:
        raise ValueError(
            f"StackedAutoencoder: corruption is the share of inputs that are set to 0, from 0 to "
            f"below 1, or a layer such as GaussianNoise(0.3), got {corruption!r}"
        )
    return layers.Dropout(corruption) if corruption else None


def _sparsity(sparsity: Any) -> Any:
    """Return the penalty on codes, or None."""
    if isinstance(sparsity, (int, float)):
        return regularizers.L1(sparsity) if sparsity else None
    return regularizers.get(sparsity)
