"""Fit, evaluate, predict: the loops over batches and epochs."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from lamina.autodiff import Tensor, Variable, flatten, recording
from lamina.callbacks import CallbackList, History
from lamina.models.batches import (
    ArrayBatches,
    Endless,
    IteratorBatches,
    as_batch,
    first_batches,
    make_batches,
)
from lamina.models.class_weights import WithClassWeights, class_weights
from lamina.models.resuming import Resuming
from lamina.models.rows import Rows

# What Keras 2's loaders needed; accepted, without effect.
_LOADERS = {"workers", "max_queue_size", "use_multiprocessing"}


def _refuse_unknown(what: str, given: dict[str, Any]) -> None:
    for name in given:
        if name not in _LOADERS:
            raise TypeError(f"{what}() got an unexpected keyword argument {name!r}")


class Training(Resuming):
    """What a `Model` does with data."""

    stop_training = False
    history: History  # of the last ``fit``

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        **legacy: Any,
    ) -> History:
        """Train for some epochs and return the `History` of losses and metrics.

        Args:
            x: arrays (one, a list, a dict by the inputs' names), a generator or a sequence of
                batches (x, y) or (x, y, sample_weight).
            y: the targets: arrays, one, a list, or a dict by the outputs' names.
            batch_size: samples in a step, 32 if None.
            epochs: where to end; with ``initial_epoch``, that many less are run.
            verbose: 0 for silence, 1 for a bar, 2 for a line an epoch.
            callbacks: objects of ``lamina.callbacks``.
            validation_split: the share of samples, from the end, that is held back and evaluated.
            validation_data: (x, y) or (x, y, sample_weight), or a generator, to evaluate instead.
            shuffle: take the samples in another order each epoch; ``"batch"``: whole batches.
            class_weight: a factor for the samples of each class.
            sample_weight: a factor for each sample.
            initial_epoch: the number of the first epoch, to resume.
            steps_per_epoch: batches in an epoch, if a generator does not end.
            validation_steps: batches of the validation data to evaluate.
            validation_batch_size: samples in a batch of it; ``batch_size`` if None.
            validation_freq: evaluate every so many epochs, or after the listed ones (from 1).
            legacy: Keras 2's ``workers``, ``max_queue_size`` and ``use_multiprocessing`` are
                accepted and do nothing.

        Raises:
            RuntimeError: if the model is not compiled.
            ValueError: if the data do not fit the model or each other; nothing has changed then.

        """
        _refuse_unknown("fit", legacy)
        self._ready("fit")
        if isinstance(validation_freq, int) and validation_freq < 1:
            raise ValueError(
                f"{self}.fit: validation_freq must be at least 1, got {validation_freq}"
            )
        if x is None:
            raise ValueError(f"{self}.fit: there is no data: x is None")
        data = make_batches(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps_per_epoch,
            texts=self.takes_texts,
        )
        if validation_split and validation_data is None:
            if not isinstance(data, ArrayBatches):
                raise ValueError(
                    f"{self}.fit: validation_split needs arrays; give validation_data="
                )
            data, held_back = data.split(validation_split)
            validation_data = held_back.whole()
        if class_weight is not None:
            data = WithClassWeights(data, class_weight)
        validation = self._validation_batches(
            validation_data, validation_batch_size or batch_size, validation_steps
        )
        steps = steps_per_epoch or data.steps
        if steps_per_epoch and not isinstance(data, IteratorBatches):
            data = Endless(data, steps_per_epoch)
        followers = self._followers(
            callbacks, verbose, add_history=True, epochs=epochs, steps=steps
        )
        self._data, self._followed_by = data, followers
        try:
            whole = range(initial_epoch, epochs)
            self._run_epochs(data, validation, followers, whole, validation_freq)
        finally:
            self._data = self._followed_by = None
        return self.history

    def fit_generator(self, generator: Any, *args: Any, **options: Any) -> History:
        """Fit on a generator, as Keras 2 spelt it: also steps_per_epoch and epochs by position."""
        named = dict(zip(("steps_per_epoch", "epochs", "verbose"), args, strict=False))
        return self.fit(generator, **named, **options)

    def _validation_batches(self, data: Any, batch_size: int | None, steps: int | None) -> Any:
        if data is None:
            return None
        parts = data if isinstance(data, (tuple, list)) and 2 <= len(data) <= 3 else (data,)
        found = make_batches(*parts, batch_size=batch_size, steps=steps, texts=self.takes_texts)
        return first_batches(found, steps)

    def _followers(
        self, callbacks: Any, verbose: Any, *, add_history: bool = False, **params: Any
    ) -> CallbackList:
        """Return the callbacks of a run: the user's, and the progress."""
        verbose = 1 if verbose == "auto" else int(verbose)
        return CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose > 0,
            model=self,
            verbose=verbose,
            **params,
        )

    def _run_epochs(
        self, data: Any, validation: Any, followers: CallbackList, epochs: range, every: Any
    ) -> None:
        self.stop_training = False
        self._place = (epochs.start, 0)
        outer = recording.tape
        followers.on_train_begin()  # which may bring back a fit that was broken off: another place
        first_epoch, first_step = self._place
        try:
            for epoch in range(first_epoch, epochs.stop):
                self._reset_averages()
                followers.on_epoch_begin(epoch)
                self._train_epoch(data, followers, epoch, first_step)
                first_step = 0
                logs = self.current_logs()
                due = (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every
                if validation is not None and due:
                    found = self._evaluate(validation, followers)
                    logs.update({f"val_{name}": value for name, value in found.items()})
                followers.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            if self.optimizer is not None:
                self.optimizer.finalize_variable_values(self._trained_variables())
        finally:
            recording.tape = outer  # after Ctrl-C, too
            followers.on_train_end()

    def _train_epoch(self, data: Any, followers: CallbackList, epoch: int, first: int) -> None:
        wants_logs = followers.wants_batch_logs("train")
        step = -1
        if first and data.goes_on and data.steps:  # which would give whole epochs from here
            data = islice(data, data.steps - first)
        for step, batch in enumerate(data, first):
            self._step = (epoch, step)
            followers.on_train_batch_begin(step)
            self.run_step("train", batch)
            followers.on_train_batch_end(step, self.current_logs() if wants_logs else {})
            if self.stop_training:
                break
        if step < 0:
            raise ValueError(
                f"{self}.fit: epoch {epoch + 1} has no batches: is the generator used up? Give an "
                f"iterable that can begin anew, or steps_per_epoch="
            )

    def _evaluate(self, data: Any, followers: CallbackList) -> dict[str, Any]:
        wants_logs = followers.wants_batch_logs("test")
        self._reset_averages()
        followers.on_test_begin()
        step = -1
        for step, batch in enumerate(data):
            followers.on_test_batch_begin(step)
            self.run_step("test", batch)
            followers.on_test_batch_end(step, self.current_logs() if wants_logs else {})
        if step < 0:
            raise ValueError(
                f"{self}: there are no batches to evaluate: is the generator used up? Give an "
                f"iterable that can begin anew, or validation_steps="
            )
        logs = self.current_logs()
        followers.on_test_end(logs)
        return logs

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **legacy: Any,
    ) -> Any:
        """Return the loss and the metrics on data: a number, a list, or a dict if asked for."""
        _refuse_unknown("evaluate", legacy)
        self._ready("evaluate")
        data = make_batches(
            x, y, sample_weight, batch_size=batch_size, steps=steps, texts=self.takes_texts
        )
        data = first_batches(data, steps)
        followers = self._followers(callbacks, verbose, epochs=1, steps=data.steps)
        found = self._evaluate(data, followers)
        if return_dict:
            return found
        values = list(found.values())
        return values[0] if len(values) == 1 else values

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = 0,
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for many samples as arrays, in the structure of the outputs."""
        few = (
            type(x) is np.ndarray
            and x.ndim > 0
            and 0 < len(x) <= (32 if batch_size is None else batch_size)
        )
        if few and x.dtype.kind in "fiub" and not (verbose or callbacks or steps):
            return self.predict_on_batch(x)
        data = make_batches(x, batch_size=batch_size, steps=steps, texts=self.takes_texts)
        data = first_batches(data, steps)
        if isinstance(data, ArrayBatches) and data.steps == 1 and not verbose and not callbacks:
            return self.predict_on_batch(data.whole()[0])
        followers = self._followers(callbacks, verbose, epochs=1, steps=data.steps)
        followers.on_predict_begin()
        collected: Any = None
        for step, (batch, _, _) in enumerate(data):
            followers.on_predict_batch_begin(step)
            leaves, rebuild = flatten(self._forward(batch, training=False))
            collected = [Rows() for _ in leaves] if collected is None else collected
            for rows, leaf in zip(collected, leaves, strict=True):
                rows.append(leaf.data, getattr(data, "samples", None))
            followers.on_predict_batch_end(step)
        followers.on_predict_end()
        if collected is None:
            raise ValueError(f"{self}.predict: there are no batches")
        return rebuild([rows.joined() for rows in collected])

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train one step; return the loss and metrics of this batch."""
        self._ready("train_on_batch")
        if class_weight is not None:
            sample_weight = class_weights(y, sample_weight, class_weight)
        self._reset_averages()
        batch, outer = as_batch(x, y, sample_weight, texts=self.takes_texts), recording.tape
        try:
            self.run_step("train", batch)
        finally:
            recording.tape = outer  # after Ctrl-C, too
        return self._batch_results(return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the loss and metrics of one batch."""
        self._ready("test_on_batch")
        self._reset_averages()
        self.run_step("test", as_batch(x, y, sample_weight, texts=self.takes_texts))
        return self._batch_results(return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch, as arrays of their own."""
        return self._own_arrays(x, self._forward(x, training=False))

    @staticmethod
    def _own_arrays(x: Any, outputs: Any) -> Any:
        if type(outputs) is Tensor and type(x) is np.ndarray:
            array = outputs.data
            return array.copy() if array is x or isinstance(array.base, np.ndarray) else array
        leaves, rebuild = flatten(outputs)
        given = set(map(id, flatten(x)[0]))

        def own(leaf: Any) -> Any:
            array = leaf.data  # the input, a weight or a view must not be handed out as a result
            borrowed = id(array) in given or isinstance(array.base, np.ndarray)
            return array.copy() if borrowed or isinstance(leaf, Variable) else array

        return rebuild([own(leaf) for leaf in leaves])

    def _batch_results(self, return_dict: bool) -> Any:
        found = self.current_logs()
        values = list(found.values())
        return found if return_dict else values[0] if len(values) == 1 else values

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns, once a batch has been seen."""
        return list(self.current_logs()) or ["loss"]

    def reset_metrics(self) -> None:
        """Begin the averages of losses and metrics anew."""
        self._reset_averages()
