"""The networks of bench/networks.py as torch modules, and weights of Keras's layout in them.

``logits`` stops before the last sigmoid or softmax, which the losses take into themselves;
``forward`` gives what the models of Keras predict.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, as everybody writes it


class Classifier(nn.Module):
    """What all have in common: the last activation."""

    last = staticmethod(torch.sigmoid)
    # Images in torch.channels_last, which was faster for both networks that take them: 22 to 42 ms
    # for a step of the autoencoder (60 to 75 with channels first), 130 to 154 for Inception (158 to
    # 169), and so was predict.
    images = False

    def forward(self, *inputs):
        return self.last(self.logits(*inputs))


class Autoencoder(Classifier):
    """Dense layers there and back."""

    def __init__(self, *widths):
        super().__init__()
        sizes = [784, *widths]
        for i, width in enumerate(widths):
            setattr(self, f"dense_{i}", nn.Linear(sizes[i], width))
        self.hidden = len(widths)
        self.decoded = nn.Linear(sizes[-1], 784)

    def logits(self, x):
        for i in range(self.hidden):
            x = F.relu(getattr(self, f"dense_{i}")(x))
        return self.decoded(x)


class ConvolutionalAutoencoder(Classifier):
    """Images of 28 x 28 through 7 x 7 and back."""

    images = True

    def __init__(self):
        super().__init__()
        for i in range(4):
            setattr(self, f"conv_{i}", nn.Conv2d(32 if i else 1, 32, 3, padding=1))
        self.decoded = nn.Conv2d(32, 1, 3, padding=1)

    def logits(self, x):
        x = F.max_pool2d(F.relu(self.conv_0(x)), 2)
        x = F.max_pool2d(F.relu(self.conv_1(x)), 2)
        x = F.interpolate(F.relu(self.conv_2(x)), scale_factor=2)
        x = F.interpolate(F.relu(self.conv_3(x)), scale_factor=2)
        return self.decoded(x)


class EmbeddingFlatten(Classifier):
    """All words' vectors side by side."""

    def __init__(self):
        super().__init__()
        self.embedding, self.answer = nn.Embedding(10_000, 8), nn.Linear(160, 1)

    def logits(self, x):
        return self.answer(self.embedding(x).flatten(1))


class LastState(Classifier):
    """A recurrent layer, whose last output is judged; an embedding before it, or none."""

    def __init__(self, reader, width, units, embedding=None):
        super().__init__()
        if embedding:
            self.embedding = nn.Embedding(embedding, width)
        self.embed = bool(embedding)
        self.reader, self.answer = reader(width, units, batch_first=True), nn.Linear(units, 1)

    def logits(self, x):
        outputs, _ = self.reader(self.embedding(x) if self.embed else x)
        return self.answer(outputs[:, -1])


class QuestionAnswering(Classifier):
    """A text and a question, each read by its own LSTM."""

    last = staticmethod(lambda logits: torch.softmax(logits, 1))

    def __init__(self):
        super().__init__()
        self.text_embedding = nn.Embedding(10_000, 64)
        self.text_reader = nn.LSTM(64, 32, batch_first=True)
        self.question_embedding = nn.Embedding(10_000, 32)
        self.question_reader = nn.LSTM(32, 16, batch_first=True)
        self.answer = nn.Linear(48, 500)

    def logits(self, text, question):
        x, _ = self.text_reader(self.text_embedding(text))
        y, _ = self.question_reader(self.question_embedding(question))
        return self.answer(torch.cat([x[:, -1], y[:, -1]], 1))


class Posts(Classifier):
    """Convolutions over words, and three answers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50_000, 256)
        for i, (channels, filters) in enumerate([(256, 128), (128, 256), *[(256, 256)] * 3]):
            setattr(self, f"conv_{i}", nn.Conv1d(channels, filters, 5))
        self.dense = nn.Linear(256, 128)
        self.age, self.income, self.gender = (
            nn.Linear(128, 1),
            nn.Linear(128, 10),
            nn.Linear(128, 1),
        )

    @staticmethod
    def last(logits):
        age, income, gender = logits
        return age, torch.softmax(income, 1), torch.sigmoid(gender)

    def logits(self, x):
        x = self.embedding(x).transpose(1, 2)
        x = F.max_pool1d(F.relu(self.conv_0(x)), 5)
        x = F.relu(self.conv_2(F.relu(self.conv_1(x))))
        x = F.max_pool1d(x, 5)
        x = F.relu(self.conv_4(F.relu(self.conv_3(x))))
        x = F.relu(self.dense(x.amax(2)))
        return self.age(x), self.income(x), self.gender(x)


class Inception(Classifier):
    """Four branches of convolutions, side by side."""

    images = True
    last = staticmethod(lambda logits: torch.softmax(logits, 1))

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(192, 128, 1, stride=2)
        self.b_0, self.b_1 = nn.Conv2d(192, 128, 1), nn.Conv2d(128, 128, 3, stride=2)
        self.c = nn.Conv2d(192, 128, 3, padding=1)
        self.d_0, self.d_1 = nn.Conv2d(192, 128, 1), nn.Conv2d(128, 128, 3, padding=1)
        self.d_2 = nn.Conv2d(128, 128, 3, stride=2)
        self.answer = nn.Linear(512, 10)

    def logits(self, x):
        def even(x):  # what Keras's "same" adds for a stride of two: nothing before, one after
            return F.pad(x, (0, 1, 0, 1))

        a = F.relu(self.a(x))
        b = F.relu(self.b_1(even(F.relu(self.b_0(x)))))
        c = F.relu(self.c(F.avg_pool2d(x, 3, 2, ceil_mode=True)))
        d = F.relu(self.d_1(F.relu(self.d_0(x))))
        d = F.relu(self.d_2(even(d)))
        return self.answer(torch.cat([a, b, c, d], 1).mean((2, 3)))


MODULES = {
    "ae": lambda: Autoencoder(32),
    "deep ae": lambda: Autoencoder(128, 64, 32, 64, 128),
    "convolutional denoising ae": ConvolutionalAutoencoder,
    "Embedding + Flatten": EmbeddingFlatten,
    "Embedding + SimpleRNN": lambda: LastState(nn.RNN, 32, 32, 10_000),
    "question answering": QuestionAnswering,
    "Embedding(512) + LSTM(32)": lambda: LastState(nn.LSTM, 512, 32, 10_000),
    "LSTM(128)": lambda: LastState(nn.LSTM, 128, 128),
    "posts": Posts,
    "Inception block": Inception,
}

LOSSES = {
    "mse": F.mse_loss,
    "categorical_crossentropy": F.cross_entropy,  # of the classes' numbers
    "binary_crossentropy": F.binary_cross_entropy_with_logits,
}


def optimizer(name, module):
    """Return the optimizer with the defaults of Keras."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if name == "adadelta":
        return torch.optim.Adadelta(trained, lr=1e-3, rho=0.95, eps=1e-7)
    return torch.optim.RMSprop(trained, lr=1e-3, alpha=0.9, eps=1e-7)


@torch.no_grad()
def load(module, weights):
    """Copy arrays of Keras's layout, by the names of the layers."""
    for name, arrays in weights.items():
        layer = getattr(module, name)
        first, *others = [torch.from_numpy(array) for array in arrays]
        if isinstance(layer, nn.Embedding):
            layer.weight.copy_(first)
        elif isinstance(layer, nn.RNNBase):
            # Gates stand as i f c o in both. Keras has one bias; torch's second one stays zero.
            layer.weight_ih_l0.copy_(first.T)
            layer.weight_hh_l0.copy_(others[0].T)
            layer.bias_ih_l0.copy_(others[1])
            layer.bias_hh_l0.zero_()
            layer.bias_hh_l0.requires_grad_(False)
        else:  # (in, out), (length, in, out), (height, width, in, out)
            places = range(first.ndim - 2)
            layer.weight.copy_(first.permute(first.ndim - 1, first.ndim - 2, *places))
            layer.bias.copy_(others[0])
