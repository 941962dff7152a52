"""The progress of a training on the screen: Keras's lines, in a terminal, a notebook and a file."""

from __future__ import annotations

import shutil
import sys
import time

from lamina.callbacks.base import Callback, Logs

_WIDTH = 30  # of the bar
_SECONDS_BETWEEN_DRAWINGS = 0.1


def numbers(logs: Logs) -> str:
    """Return " - loss: 0.1234 - acc: 0.9876"; very small numbers in powers of ten."""
    parts = []
    for name, value in logs.items():
        if not isinstance(value, (int, float)):
            parts.append(f" - {name}: {value}")
        elif value != 0 and abs(value) < 1e-3:
            parts.append(f" - {name}: {value:.4e}")
        else:
            parts.append(f" - {name}: {value:.4f}")
    return "".join(parts)


def duration(seconds: float) -> str:
    """Return 12s, 1:05 or 2:00:00."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


class ProgbarLogger(Callback):
    """A bar that grows with each epoch (``verbose=1``) or a line after it (``verbose=2``).

    Where the output is no terminal and no notebook, a growing bar would fill a file: there it is
    the finished line alone.
    """

    needs_batch_logs = False  # it looks at the averages only when it draws, ten times a second

    def __init__(self, verbose: int = 1) -> None:
        super().__init__()
        self.verbose = verbose
        self._screen: _Terminal | _Notebook | None = None
        self._is_training = False
        self._next_drawing = 0.0
        self._steps = 0
        self._began = 0.0
        self._target: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._is_training = True
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        _write(f"Epoch {epoch + 1}/{self.params['epochs']}\n")
        # A generator's number of steps is known once it has ended.
        self._start(self.params["steps"] or self._steps or None)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._advance()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._finish(logs or {})

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._is_training = False
        if self._screen is not None:  # in the middle of an epoch: an error, or Ctrl-C
            self._screen.leave()
            self._screen = None

    def on_test_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        if not self._is_training:
            self._start(self.params["steps"])

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        if not self._is_training:
            self._advance()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._finish(logs or {})

    def on_predict_begin(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._start(self.params["steps"])

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._advance(averages=False)

    def on_predict_end(self, logs: Logs | None = None) -> None:  # noqa: ARG002
        self._finish({})

    def _start(self, steps: int | None) -> None:
        self._target, self._steps = steps, 0
        self._began = time.perf_counter()
        self._next_drawing = self._began + _SECONDS_BETWEEN_DRAWINGS
        self._screen = _screen(steps) if self.verbose == 1 else None

    def _advance(self, *, averages: bool = True) -> None:
        self._steps += 1
        if self._screen is None or (now := time.perf_counter()) < self._next_drawing:
            return
        self._next_drawing = now + _SECONDS_BETWEEN_DRAWINGS
        self._screen.draw(
            self._steps,
            self._remaining(now) + numbers(self.model.current_logs() if averages else {}),
        )

    def _remaining(self, now: float) -> str:
        taken = now - self._began
        if self._target is None:
            return f" - {duration(taken)} {self._per_step(taken)}"
        left = taken / self._steps * max(self._target - self._steps, 0)
        return f" - ETA: {duration(left)}"

    def _per_step(self, taken: float) -> str:
        each = taken / max(self._steps, 1)
        if each >= 1:
            return f"{each:.0f}s/step"
        return f"{each * 1e3:.0f}ms/step" if each >= 1e-3 else f"{each * 1e6:.0f}us/step"

    def _finish(self, logs: Logs) -> None:
        taken = time.perf_counter() - self._began
        if self._screen is not None:
            self._screen.clear()
            self._screen = None
        line = f"{self._steps}/{self._steps}" + (f" [{'=' * _WIDTH}]" if self.verbose == 1 else "")
        dash = " -" if self.verbose == 2 else ""
        _write(f"{line} - {duration(taken)}{dash} {self._per_step(taken)}{numbers(logs)}\n")


def say(text: str) -> None:
    """Print a line of a callback's; where a bar is growing, in its place."""
    _write(("\r\x1b[K" if sys.stdout.isatty() else "") + text + "\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _screen(steps: int | None) -> _Terminal | _Notebook | None:
    """Return what draws a growing bar here; None in a file or a pipe."""
    if sys.stdout.isatty():
        return _Terminal(steps)
    return _Notebook(steps) if "ipykernel" in sys.modules else None


class _Terminal:
    """One line that is written over: "12/125 [==>......] - ETA: 3s - loss: 0.1234"."""

    def __init__(self, steps: int | None) -> None:
        self._steps = steps

    def draw(self, done: int, text: str) -> None:
        """Write the line anew, cut at the edge: a wrapped line could not be written over."""
        if self._steps is None:
            line = f"{done}/Unknown"
        else:
            full = min(done * _WIDTH // self._steps, _WIDTH)
            bar = ("=" * full + ">")[:_WIDTH].ljust(_WIDTH, ".")
            line = f"{done:{len(str(self._steps))}d}/{self._steps} [{bar}]"
        width = shutil.get_terminal_size().columns - 1
        _write(f"\r\x1b[K{(line + text)[:width]}")

    def clear(self) -> None:
        """Empty the line, for the finished one."""
        _write("\r\x1b[K")

    def leave(self) -> None:
        """Go on below the unfinished line."""
        _write("\n")


class _Notebook:
    """A bar of tqdm's for notebooks."""

    def __init__(self, steps: int | None) -> None:
        from tqdm.auto import tqdm  # noqa: PLC0415

        layout = "{n_fmt}/{total_fmt} {bar}{postfix}"
        self._bar = tqdm(total=steps, leave=False, bar_format=layout if steps else None)

    def draw(self, done: int, text: str) -> None:
        """Show how far it is."""
        self._bar.n = done
        self._bar.set_postfix_str(text.removeprefix(" - "))

    def clear(self) -> None:
        """Take the bar away."""
        self._bar.close()

    leave = clear
