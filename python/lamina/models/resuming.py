"""Going on with a ``fit`` that was broken off, in another process, with the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.autodiff import Tensor, flatten
from lamina.models.objectives import number
from lamina.models.steps import Steps
from lamina.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Iterable


class Resuming(Steps):
    """What `fit` would have to know to go on: all state of a `Model` that is being trained.

    A state is nested dicts and lists of numbers, texts and arrays.
    """

    _data: Any = None  # what fit goes through, while it runs
    _followed_by: Any = None  # the callbacks, while it runs
    _place = (0, 0)  # the epoch and the step that fit begins with

    def fit_state(self, epoch: int, step: int) -> dict[str, Any]:
        """Return what `fit` needs to go on with this step; valid until it goes on.

        That is: weights, optimizer, the averages of the epoch, every random state, where the data
        are, and what the callbacks remember. A layer, metric or callback of your own keeps only
        what the bases know of: weights, ``add_variable``, ``remembers``.
        """
        is_within = step > 0
        optimizer = self.optimizer
        return {
            "epoch": epoch,
            "step": step,
            "steps": self._data.steps,
            "data": self._data.position() if is_within or self._data.goes_on else None,
            "weights": [[variable.path, variable.data] for variable in self.weights],
            "optimizer": None if optimizer is None else [each.data for each in optimizer.variables],
            "random": generator().bit_generator.state,
            "layers": [_layer_state(layer) for layer in self._all_layers()],
            "averages": self._averages_state() if is_within else None,
            "callbacks": [
                [type(each).__name__, {name: getattr(each, name) for name in each.remembers}]
                for each in _remembering(self._followed_by)
            ],
        }

    def _averages_state(self) -> dict[str, Any]:
        own = self._own_logs
        return {
            "objectives": None if self._objectives is None else self._objectives.get_state(),
            "metrics": [metric.get_state() for metric in self._own_metrics()],
            "logs": None if own is None else {name: number(own[name]) for name in own},
        }

    def _own_metrics(self) -> list[Any]:
        """Return the metrics that a subclass lists besides those of `compile`."""
        return [] if type(self).metrics is Steps.metrics else self.metrics

    def resume_fit(self, state: dict[str, Any]) -> None:
        """Let the `fit` that is beginning go on where a state was taken.

        Raises:
            ValueError: if it is the state of another model, optimizer or length of data; nothing
                has changed then.

        """
        self._check_state(state)
        if state["data"] is not None:
            self._data.go_to(state["data"])
        self._place = (state["epoch"], state["step"])
        self.restore_fit(state)

    def _check_state(self, state: dict[str, Any]) -> None:
        saved = [(path, values.shape) for path, values in state["weights"]]
        present = [(variable.path, variable.shape) for variable in self.weights]
        for (path, shape), (wanted, wanted_shape) in zip(saved, present, strict=False):
            if shape != wanted_shape:
                raise ValueError(
                    f"{self}: the state is another model's: its weight {path} has the shape "
                    f"{shape}, here {wanted} has {wanted_shape}"
                )
        if len(saved) != len(present):
            raise ValueError(
                f"{self}: the state is another model's: it has {len(saved)} weights, here are "
                f"{len(present)}"
            )
        steps = self._data.steps
        if state["steps"] != steps and None not in (state["steps"], steps):
            raise ValueError(
                f"{self}: the state is of epochs of {state['steps']} steps, here are {steps}: are "
                f"the data or batch_size others?"
            )
        if self.optimizer is not None:
            if not self.optimizer.built:
                self.optimizer.build(self._trained_variables())
            wanted_shapes = [variable.shape for variable in self.optimizer.variables]
            if [values.shape for values in state["optimizer"] or ()] != wanted_shapes:
                raise ValueError(
                    f"{self}: the state is of another optimizer than {self.optimizer!r}, or of "
                    f"other frozen layers"
                )

    def restore_fit(self, state: dict[str, Any]) -> None:
        """Bring a state back that `resume_fit` has taken."""
        for variable, (_, values) in zip(self.weights, state["weights"], strict=True):
            variable.assign(values)
        if self.optimizer is not None:
            self.optimizer.set_weights(state["optimizer"])
        for layer, kept in zip(self._all_layers(), state["layers"], strict=True):
            _restore_layer(layer, kept)
        if state["averages"] is not None:
            self._restore_averages(state["averages"])
        remembered = list(state["callbacks"])
        for each in _remembering(self._followed_by):
            own = next((kept for kept in remembered if kept[0] == type(each).__name__), None)
            if own is not None:  # one that was not there before begins anew
                remembered.remove(own)
                for name in each.remembers:  # and nothing else that a file might name
                    setattr(each, name, own[1][name])
        generator().bit_generator.state = state["random"]

    def _restore_averages(self, state: dict[str, Any]) -> None:
        self._own_logs = state["logs"]
        for metric, kept in zip(self._own_metrics(), state["metrics"], strict=True):
            metric.set_state(kept)
        self._averages_to_come = state["objectives"]
        if self._objectives is not None and state["objectives"] is not None:
            self._objectives.set_state(state["objectives"])


def _remembering(callbacks: Iterable[Any]) -> list[Any]:
    return [each for each in callbacks or () if getattr(each, "remembers", ())]


def _layer_state(layer: Any) -> dict[str, Any]:
    """Return what a layer knows besides its weights: its own random numbers, its last states."""
    bits = getattr(getattr(layer, "_generator", None), "bit_generator", None)
    states = layer.states if getattr(layer, "stateful", False) else None
    return {
        "random": None if bits is None else bits.state,
        "states": None if states is None else [each.data for each in flatten(states)[0]],
    }


def _restore_layer(layer: Any, state: dict[str, Any]) -> None:
    if state["random"] is not None:
        layer._generator.bit_generator.state = state["random"]  # noqa: SLF001
    if state["states"] is not None:
        rebuild = flatten(layer.states)[1]
        layer.states = rebuild([Tensor(np.array(values)) for values in state["states"]])
