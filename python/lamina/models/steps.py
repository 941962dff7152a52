"""Compiling a model, and one step: forward, loss, backward, update, metrics."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina import losses, metrics, optimizers
from lamina.autodiff import GradientTape, Variable, flatten
from lamina.layers.layer import Layer
from lamina.models.batches import unpack
from lamina.models.objectives import Objectives, match_weights, number
from lamina.registry import nearest
from lamina.tensors import Structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamina.models.batches import Batch
    from lamina.optimizers import Optimizer


def _each(structure: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to what lists and dicts by output names hold; names stay names."""
    if isinstance(structure, dict) and "class_name" not in structure:
        return {key: _each(each, function) for key, each in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_each(each, function) for each in structure]
    return structure if structure is None or isinstance(structure, str) else function(structure)


_ARGUMENTS = ("optimizer", "loss", "metrics", "loss_weights", "weighted_metrics")
# What only Keras's backends need; accepted, without effect.
_KERAS_ONLY = {"run_eagerly", "jit_compile", "steps_per_execution", "auto_scale_loss"}


class Steps(Layer):
    """Compiling a `Model`, and what it does with one batch."""

    optimizer: Optimizer | None = None
    _objectives: Objectives | None = None
    _compiled: dict[str, Any] | None = None
    _output_names: list[str] = []  # noqa: RUF012

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, by which losses and targets go."""
        return self._output_names

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        **legacy: Any,
    ) -> None:
        """Say what the model is trained for, and how.

        Args:
            optimizer: a name or an object of ``lamina.optimizers``.
            loss: a name, an object, or a function of (targets, predictions); for several outputs a
                list, or a dict by the outputs' names.
            metrics: a list of names, objects or functions; for several outputs a list of lists, or
                a dict. ``"accuracy"`` is the kind that fits the shapes.
            loss_weights: factors of the losses in their sum: a list or a dict.
            weighted_metrics: metrics that take the sample weights into account.
            legacy: ``run_eagerly``, ``jit_compile``, ``steps_per_execution``, ``auto_scale_loss``
                are accepted and do nothing.

        Raises:
            ValueError: if a name is unknown, with the nearest one.
            TypeError: if an argument is, likewise.

        """
        for name in legacy:
            if name not in _KERAS_ONLY:
                meant = nearest(name, _ARGUMENTS)
                raise TypeError(f"compile() got an unexpected keyword argument {name!r}{meant}")
        chosen = optimizers.get(optimizer)
        settings = {
            "loss": loss,
            "metrics": metrics,
            "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics,
        }
        names = self.output_names
        objectives = self._make_objectives(settings, names) if names else None
        self.optimizer, self._compiled, self._objectives = chosen, settings, objectives
        Structure.version += 1  # a list of layers may have grown unseen: look again

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return what `compile` was told, in Keras's form; None before it."""
        if self._compiled is None:
            return None
        families = {"loss": losses, "metrics": metrics, "weighted_metrics": metrics}
        config = {"optimizer": optimizers.serialize(self.optimizer)}
        for key, value in self._compiled.items():
            config[key] = _each(value, families[key].serialize) if key in families else value
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` returned."""
        self.compile(
            optimizers.deserialize(config.get("optimizer") or "rmsprop"),
            _each(config.get("loss"), losses.deserialize),
            _each(config.get("metrics"), metrics.deserialize),
            config.get("loss_weights"),
            _each(config.get("weighted_metrics"), metrics.deserialize),
        )

    @staticmethod
    def _make_objectives(settings: dict[str, Any], names: list[str]) -> Objectives:
        return Objectives(
            names,
            settings.get("loss"),
            settings.get("metrics"),
            settings.get("loss_weights"),
            settings.get("weighted_metrics"),
        )

    def _ready(self, what: str) -> None:
        if self._compiled is None:
            raise RuntimeError(
                f"{self}.{what}: compile it first: model.compile(optimizer='adam', loss='mse')"
            )

    def train_step(self, data: Any) -> dict[str, Any]:
        """Train on one batch, (x, y) or (x, y, sample_weight), and return the averages so far.

        Override it for a step of your own; what it returns is what callbacks and ``fit`` show.
        """
        self._train(unpack(data))
        return self._averages()

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluate one batch, (x, y) or (x, y, sample_weight), and return the averages so far."""
        self._test(unpack(data))
        return self._averages()

    def run_step(self, mode: str, batch: Batch) -> None:
        """Train on a batch or evaluate it, by a subclass's own step if it has one."""
        own, usual, run = (
            (type(self).train_step, Steps.train_step, self._train)
            if mode == "train"
            else (type(self).test_step, Steps.test_step, self._test)
        )
        if own is usual:
            run(batch)
            return
        found = own(self, batch[:2] if batch[2] is None else batch)
        if isinstance(found, dict):
            self._own_logs = found

    def _forward(self, x: Any, *, training: bool) -> Any:
        """Return the outputs for a batch."""
        return self(x, training=training)

    def _train(self, batch: Batch) -> None:
        x, y, sample_weight = batch
        with GradientTape() as tape:
            y_pred = self._forward(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        variables = self._trained_variables()
        self.optimizer.apply(tape.backward(loss, variables), variables)  # type: ignore[union-attr]
        self.compute_metrics(x, y, y_pred, sample_weight)

    def _test(self, batch: Batch) -> None:
        x, y, sample_weight = batch
        y_pred = self._forward(x, training=False)
        self.compute_loss(x, y, y_pred, sample_weight)
        self.compute_metrics(x, y, y_pred, sample_weight)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> Any:
        """Return the scalar to minimise: the weighted losses and what layers and weights add."""
        objectives = self._objectives_for(y_pred)
        predictions = self._match_outputs(y_pred)
        targets = objectives.match_targets(y)
        weights = match_weights(sample_weight, objectives.names)
        total, each = objectives.loss(targets, predictions, weights)
        for penalty in self.losses:
            total = penalty if total is None else total + penalty
        if total is None:
            raise ValueError(
                f"{self}: there is nothing to minimise: compile(loss=...) names no loss"
            )
        value = total.data.item()
        wrong = objectives.not_finite(value, each)
        if wrong:
            self._not_finite(wrong)
        first = predictions[0] if x is None else x if type(x) is np.ndarray else flatten(x)[0][0]
        objectives.note_losses(value, each, len(first))
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> None:  # noqa: ARG002
        """Take a batch into the metrics."""
        objectives = self._objectives_for(y_pred)
        objectives.note_metrics(
            objectives.match_targets(y),
            self._match_outputs(y_pred),
            match_weights(sample_weight, objectives.names),
        )

    def _objectives_for(self, y_pred: Any) -> Objectives:
        """Return the losses and metrics, made at the first batch if the outputs had no names."""
        if self._objectives is None:
            count = len(flatten(y_pred)[0])
            names = (
                list(y_pred)
                if isinstance(y_pred, dict)
                else [f"output_{place + 1}" for place in range(count)]
            )
            self._output_names = names
            self._objectives = self._make_objectives(self._compiled or {}, names)
            if self._averages_to_come is not None:
                self._objectives.set_state(self._averages_to_come)
        return self._objectives

    def _match_outputs(self, y_pred: Any) -> list[Any]:
        if isinstance(y_pred, dict):
            return [y_pred[name] for name in self.output_names]
        return list(y_pred) if isinstance(y_pred, (list, tuple)) else [y_pred]

    def _trained_variables(self) -> list[Variable]:
        return self.trainable_weights

    _step = (0, 0)

    def _not_finite(self, wrong: str) -> None:
        epoch, step = self._step
        warnings.warn(
            f"{self}: {wrong} at epoch {epoch + 1}, step {step + 1}. Is the learning rate too "
            f"high, or is there NaN or infinity in the data? TerminateOnNaN() stops there",
            RuntimeWarning,
            stacklevel=2,
        )

    _own_logs: dict[str, Any] | None = None  # what a step of the subclass's own returned last

    _averages_to_come: dict[str, Any] | None = None  # of a resumed epoch, before its first batch

    def current_logs(self) -> dict[str, Any]:
        """Return the averages of the epoch so far."""
        if self._own_logs is None:
            return self._averages()
        return {name: number(value) for name, value in self._own_logs.items()}

    def _averages(self) -> dict[str, Any]:
        return self._objectives.results() if self._objectives is not None else {}

    @property
    def metrics(self) -> list[Any]:
        """The metrics that `compile` named, as objects, once a batch has been seen.

        A subclass that has metrics of its own lists them here: they begin anew with each epoch.
        """
        found = self._objectives.metrics if self._objectives is not None else []
        return [metric for own in found for _, metric, _ in own]

    @property
    def named_metrics(self) -> dict[str, Any]:
        """The metrics by the names that they have in the logs, once a batch has been seen."""
        found = self._objectives.metrics if self._objectives is not None else []
        named = {name: metric for own in found for name, metric, _ in own}
        return {metric.name: metric for metric in self.metrics} | named

    def _reset_averages(self) -> None:
        self._own_logs = self._averages_to_come = None
        if self._objectives is not None:
            self._objectives.reset()
        if type(self).metrics is not Steps.metrics:
            for metric in self.metrics:
                metric.reset_state()
