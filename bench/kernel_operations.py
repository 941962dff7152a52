"""One computation of both sides: how it is called, and what its answers are as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import _native
from lamina.autodiff import GradientTape, Tensor, Variable
from lamina.word2vec.weights import PaddedMatrix

if TYPE_CHECKING:
    from collections.abc import Callable

GENERATOR = np.random.default_rng(0)


def values(*shape):
    """Return random floats in memory that is aligned as the kernels' own outputs are."""
    array = _native.core.empty(shape, "f")
    GENERATOR.standard_normal(shape, np.float32, array)
    return array


# How torch wants an array, and back; both are given tensors.
def _same(tensor):
    return tensor


def _swap_gates(tensor):
    """Exchange a GRU's gates z and r, which torch has the other way round, along the last axis."""
    return tensor.unflatten(-1, (3, -1))[..., [1, 0, 2], :].flatten(-2)


SAME = (_same, _same)
INDICES = (lambda t: t.long(), _same)  # 64 bits are what torch is quick with
IMAGES = (lambda t: t.permute(0, 3, 1, 2), lambda t: t.permute(0, 2, 3, 1))  # channels last
FILTERS = (
    lambda t: t.permute(3, 0, 1, 2).contiguous().permute(0, 3, 1, 2),
    lambda t: t.permute(2, 3, 1, 0),
)
MATRIX = (lambda t: t.T.contiguous(), lambda t: t.T)
GRU_MATRIX = (lambda t: _swap_gates(t).T.contiguous(), lambda t: _swap_gates(t.T))
GRU_BIAS = (_swap_gates, _swap_gates)


@dataclass
class Operation:
    """A differentiable function of both sides and its inputs.

    A call computes the output, keeping what the way back needs, or the gradients of wanted inputs,
    and returns tensors; `arrays` and `their_arrays` make arrays of these that can be compared.
    """

    ours: Callable[..., Any]
    theirs: Callable[..., Any]  # of torch and its inputs
    inputs: list[np.ndarray]
    layouts: tuple[Any, ...] = ()
    output: Any = SAME
    upstream: np.ndarray | None = None  # made when it is first needed

    def our_call(self, wanted):
        inputs = [Tensor(array) for array in self.inputs]

        def forward():
            with GradientTape():
                return [self.ours(*inputs).data]

        if wanted is None:
            return forward
        sources = [inputs[i] for i in wanted]
        with GradientTape(persistent=True) as tape:
            tape.watch(sources)
            output = self.ours(*inputs)
        self.upstream = values(*output.shape)
        return lambda: tape.backward(output, sources, self.upstream)

    def their_call(self, torch, wanted):
        layouts = self.layouts or (SAME,) * len(self.inputs)
        inputs = [
            forth(torch.from_numpy(array))
            for array, (forth, _) in zip(self.inputs, layouts, strict=True)
        ]
        followed = range(len(inputs)) if wanted is None else wanted
        for i in followed:
            if inputs[i].is_floating_point():
                inputs[i].requires_grad_()
        if wanted is None:
            return lambda: [self.theirs(torch, *inputs)]
        output = self.theirs(torch, *inputs)
        sources = [inputs[i] for i in wanted]
        upstream = self.output[0](torch.from_numpy(self.upstream))
        return lambda: torch.autograd.grad(output, sources, upstream, retain_graph=True)

    def arrays(self, results, wanted):  # noqa: ARG002
        return results

    def their_arrays(self, results, wanted):
        layouts = self.layouts or (SAME,) * len(self.inputs)
        backs = [self.output[1]] if wanted is None else [layouts[i][1] for i in wanted]
        return [back(result.detach()).numpy() for result, back in zip(results, backs, strict=True)]


class Scatter(Operation):
    """The gradient of a look-up: torch adds into a table that is there, its quickest way."""

    def their_call(self, torch, wanted):  # noqa: ARG002
        ids, table = self.inputs
        rows = INDICES[0](torch.from_numpy(ids)).reshape(-1)
        gradient = torch.from_numpy(self.upstream).reshape(len(rows), -1)
        sums = torch.zeros(*table.shape)
        return lambda: [sums.index_add_(0, rows, gradient)]

    def arrays(self, results, wanted):  # noqa: ARG002
        (gradient,) = results
        return [np.asarray(gradient.rows), gradient.values]

    def their_arrays(self, results, wanted):  # noqa: ARG002
        rows = np.unique(self.inputs[0])
        return [rows, results[0].numpy()[rows]]


@dataclass
class Update:
    """A step of an optimizer, from weights of zero: what it changes can be compared."""

    ours: Callable[[], Any]
    theirs: Callable[..., Any]  # of torch and a list of parameters
    count: int

    def our_call(self, wanted):  # noqa: ARG002
        optimizer, variable = self.ours(), Variable(np.zeros(self.count, np.float32))
        # Gradients far from zero: the sides add epsilon in different places.
        draws = GENERATOR.random(self.count, np.float32) + np.float32(0.5)
        self.gradient = np.where(GENERATOR.random(self.count) < 0.5, -draws, draws)

        def step():
            optimizer.apply([self.gradient], [variable])
            return [variable.data]

        return step

    def their_call(self, torch, wanted):  # noqa: ARG002
        parameter = torch.nn.Parameter(torch.zeros(self.count))
        parameter.grad = torch.from_numpy(self.gradient)
        optimizer = self.theirs(torch, [parameter])

        def step():
            optimizer.step()
            return [parameter]

        return step

    def arrays(self, results, wanted):  # noqa: ARG002
        return results

    def their_arrays(self, results, wanted):  # noqa: ARG002
        return [results[0].detach().numpy()]


def word_ids(rows, *shape):
    """Return ids as texts have them: few of them often, many seldom."""
    return (rows ** np.random.default_rng(1).random(shape)).astype(np.int32) - 1


class Windows:
    """Word vectors of 200 numbers trained on a made-up text: every window of it, once."""

    def __init__(self, words, skip_gram):
        size = 30_000
        ids = word_ids(size, words)
        ids[999::1000] = -1  # the end of a sentence
        counts = np.maximum(np.bincount(ids[ids >= 0], minlength=size), 1).astype(np.int64)
        self.matrices = PaddedMatrix(size, 200), PaddedMatrix(size, 200)
        self.matrices[0].rows[:] = values(size, 200) / np.float32(400)
        self.trainer = _native.core.Trainer(
            ids, counts, self.matrices[0].padded, self.matrices[1].padded, None,
            skip_gram=skip_gram, softmax=False, hierarchical=False, negative_samples=5,
            negative_exponent=0.75, sample=0, window=5, shrink_windows=True,
            average_context=True, with_loss=False, seed=1,
        )  # fmt: skip

    def our_call(self, wanted):  # noqa: ARG002
        return lambda: self.trainer.run(
            epoch=0, first_unit=0, first_learning_rate=0.025, last_learning_rate=0.025,
            seconds=0, threads=_native.core.num_threads(),
        )  # fmt: skip
