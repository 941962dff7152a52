"""What callbacks that watch one number share: which it is, and whether it got better."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from lamina.callbacks.base import Callback, Logs
from lamina.registry import nearest


class MonitorCallback(Callback):
    """The base of callbacks that watch one number of the logs, ``monitor``.

    ``mode`` says what is better: "min", "max", or "auto", by the metric of that name (a loss or an
    error falls, an accuracy rises). A change of less than ``min_delta`` is none. ``best`` is the
    best so far, None before the first.

    Raises:
        ValueError: for an unknown mode; at the end of the first epoch, if "auto" finds no metric of
            that name, with the names there are, or does not know which way it should go.

    """

    best: float | None

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in {"auto", "min", "max"}:
            raise ValueError(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max', got {mode!r}"
            )
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(min_delta)
        self.best = baseline
        self._rises = {"min": False, "max": True}.get(mode)
        self._has_warned = False

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._has_warned = False

    def value(self, logs: Logs | None) -> float | None:
        """Return the number in the logs; None, and a warning once in a training, if it is missing.

        Raises:
            ValueError: if it is several numbers.

        """
        logs = logs or {}
        found = logs.get(self.monitor)
        if self._rises is None:
            self._rises = self._direction(logs)
        if found is None:
            self._warn_missing(logs)
            return None
        if np.size(found) != 1:
            raise ValueError(
                f"{type(self).__name__}: {self.monitor!r} is an array of shape {np.shape(found)}, "
                f"wanted one number: monitor another of {', '.join(logs)}"
            )
        return float(np.asarray(found).item())

    def improves(self, value: float, reference: float | None) -> bool:
        """Return whether a number is better than another by more than ``min_delta``."""
        if math.isnan(value):
            return False
        if reference is None:
            return True
        rises = bool(self._rises)
        return value - self.min_delta > reference if rises else value + self.min_delta < reference

    def _warn_missing(self, logs: Logs) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        known = self.monitor.removeprefix("val_") in logs
        cause = (
            f". There is no validation in this epoch: give fit validation_data= or "
            f"validation_split=, or monitor {self.monitor.removeprefix('val_')!r}"
            if known and self.monitor.startswith("val_") and not any(map(_is_validation, logs))
            else nearest(self.monitor, logs)
        )
        warnings.warn(
            f"{type(self).__name__}: {self.monitor!r} is not among the logs{cause}",
            stacklevel=3,
        )

    def _direction(self, logs: Logs) -> bool:
        """Return whether more is better, by the metric that is watched."""
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return False
        metrics: dict[str, Any] = getattr(self.model, "named_metrics", {})
        if name not in metrics and self.monitor not in logs:
            raise ValueError(
                f"{type(self).__name__}: there is no {self.monitor!r} to monitor"
                f"{nearest(self.monitor, logs)}"
            )
        direction = getattr(metrics.get(name), "direction", None)
        if direction is None:
            raise ValueError(
                f"{type(self).__name__}: whether {self.monitor!r} should rise or fall is not known:"
                f" give mode='max' or mode='min'"
            )
        return bool(direction == "up")


def _is_validation(name: str) -> bool:
    return name.startswith("val_")
