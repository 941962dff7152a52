"""The progress of a training on the screen: Keras's lines, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import time
from typing import Any

from lamina.callbacks.base import Callback, Logs


def numbers(logs: Logs) -> str:
    """Return " - loss: 0.1234 - acc: 0.9876"; very small numbers in powers of ten."""
    parts = []
    for name, value in logs.items():
        small = value != 0 and abs(value) < 1e-3
        parts.append(f" - {name}: {value:.4e}" if small else f" - {name}: {value:.4f}")
    return "".join(parts)


class ProgbarLogger(Callback):
    """A bar that grows with each epoch (``verbose=1``) or a line after it (``verbose=2``).

    Where the output is no terminal and no notebook, a bar would fill a file: there it is a line.
    """

    needs_batch_logs = False

    def __init__(self, verbose: int = 1) -> None:
        super().__init__()
        self.verbose = verbose
        self._bar: Any = None
        self._began = 0.0
        self._is_training = False

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._is_training = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        print(f"Epoch {epoch + 1}/{self.params['epochs']}")  # noqa: T201
        self._start(self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._advance()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._finish(logs or {})

    def on_test_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        if not self._is_training:
            self._start(self.params["steps"])

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        if not self._is_training:
            self._advance()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._finish(logs or {})

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._is_training = False

    def _start(self, steps: int | None) -> None:
        self._began, self._steps = time.perf_counter(), 0
        self._bar = _make_bar(steps) if self.verbose == 1 else None

    def _advance(self) -> None:
        self._steps += 1
        # tqdm decides how often it draws; the averages are computed for a drawing alone.
        if self._bar is not None and self._bar.update(1):
            self._bar.set_postfix_str(
                numbers(self.model.current_logs()).lstrip(" -"), refresh=False
            )

    def _finish(self, logs: Logs) -> None:
        taken = time.perf_counter() - self._began
        if self._bar is not None:
            self._bar.leave = False
            self._bar.close()
            self._bar = None
        each = taken / max(self._steps, 1)
        per_step = f"{each * 1e3:.0f}ms" if each >= 1e-3 else f"{each * 1e6:.0f}us"
        bar = f" [{'=' * 30}]" if self.verbose == 1 else ""
        count = f"{self._steps}/{self._steps}"
        print(f"{count}{bar} - {taken:.0f}s {per_step}/step{numbers(logs)}")  # noqa: T201


def _make_bar(steps: int | None) -> Any:
    """Return tqdm's bar for a terminal or a notebook, None for a file or a pipe."""
    from tqdm.auto import tqdm  # noqa: PLC0415

    in_notebook = tqdm.__module__.endswith(("notebook", "autonotebook"))
    if not (in_notebook or sys.stdout.isatty()):
        return None
    layout = "{n_fmt}/{total_fmt} [{bar:30}] - ETA: {remaining} - {rate_inv_fmt}{postfix}"
    return tqdm(
        total=steps, file=sys.stdout, bar_format=layout, ascii=".>=", leave=True, unit="step"
    )
