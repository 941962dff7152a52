"""The training loop: epochs, learning rate, progress, interruptions, checkpoints."""

from __future__ import annotations

import time
import zlib
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.word2vec.options import is_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from lamina._native import core
    from lamina.word2vec.callbacks import CallbackAny2Vec
    from lamina.word2vec.model import Word2Vec

# The kernels return this often, so that Ctrl-C, the progress bar and checkpoints get their turn.
_SECONDS_PER_CALL = 0.25
_IDS_AT_ONCE = 1 << 24


@dataclass
class Progress:
    """Where a training run stands; a checkpoint carries it.

    One unit is ``unit_size`` places of the corpus, as the trainer chose. ``loss_sum`` and ``pairs``
    are of the epoch under way, ``words`` of the whole run.
    """

    epochs: int
    first_learning_rate: float
    last_learning_rate: float
    corpus_size: int
    corpus_checksum: int
    unit_size: int = 2000  # of a file that does not say
    epoch: int = 0
    unit: int = 0
    loss_sum: float = 0.0
    pairs: int = 0
    words: int = 0
    epoch_losses: list[float] = field(default_factory=list)

    def check(self) -> None:
        """Raise ``TypeError`` or ``ValueError`` for a state that no training can be in."""
        whole = ("epochs", "corpus_size", "corpus_checksum", "unit_size", "epoch", "unit")
        for name in (*whole, "pairs", "words"):
            value: Any = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise TypeError(f"{name} must be a whole number, got {value!r}")
            if not 0 <= int(value) < 1 << 62:
                raise ValueError(f"{name} must be between 0 and 2**62, got {value!r}")
        if not isinstance(self.epoch_losses, list):
            raise TypeError(f"epoch_losses must be a list, got {self.epoch_losses!r:.80}")
        rates: dict[str, Any] = {
            "start_alpha": self.first_learning_rate,
            "end_alpha": self.last_learning_rate,
        }
        losses: list[tuple[str, Any]] = [
            ("loss", loss) for loss in (self.loss_sum, *self.epoch_losses)
        ]
        for name, value in (*rates.items(), *losses):
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"{name} must be a number, got {value!r}")
        for name, value in rates.items():
            if not (value >= 0 and is_finite(value)):
                raise ValueError(f"{name} must be finite and not negative, got {value!r}")
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")
        if self.unit_size < 1:
            raise ValueError(f"unit_size must be at least 1, got {self.unit_size}")
        units = -(-self.corpus_size // self.unit_size)
        if self.epoch > self.epochs or self.unit > (units if self.epoch < self.epochs else 0):
            raise ValueError(
                f"epoch {self.epoch}, unit {self.unit} lies beyond the end: there are "
                f"{self.epochs} epochs of {units} units"
            )
        if len(self.epoch_losses) != self.epoch:
            raise ValueError(f"{len(self.epoch_losses)} losses of {self.epoch} epochs")

    def use_units(self, size: int) -> None:
        """Count in units of ``size`` places; ``ValueError`` if others were trained already."""
        if self.unit and self.unit_size != size:
            raise ValueError(
                f"training began in units of {self.unit_size} places and would go on in units of "
                f"{size}: was it begun by another version of Lamina?"
            )
        self.unit_size = size

    # A KeyboardInterrupt comes between two statements: so each change is a single one.

    def note(self, unit: int, loss: float, pairs: int, words: int) -> None:
        """Add the result of a call that trained up to ``unit``."""
        vars(self).update(
            unit=unit,
            loss_sum=self.loss_sum + loss,
            pairs=self.pairs + pairs,
            words=self.words + words,
        )

    def end_epoch(self) -> None:
        """Keep the epoch's loss and go on to the next."""
        loss = self.loss_sum / self.pairs if self.pairs else 0.0
        vars(self).update(
            epoch=self.epoch + 1,
            unit=0,
            loss_sum=0.0,
            pairs=0,
            epoch_losses=[*self.epoch_losses, loss],
        )

    def learning_rate(self, epoch: float) -> float:
        """Return the learning rate after so many epochs: it falls linearly."""
        share = epoch / self.epochs
        return self.first_learning_rate + share * (
            self.last_learning_rate - self.first_learning_rate
        )

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain numbers, for a checkpoint."""
        return asdict(self)


def corpus_checksum(ids: NDArray[np.int32]) -> int:
    """Return the CRC-32 of a corpus, so that a run is resumed on no other."""
    checksum = 0
    for first in range(0, len(ids), _IDS_AT_ONCE):  # Ctrl-C gets its turn in between
        checksum = zlib.crc32(ids[first : first + _IDS_AT_ONCE].view(np.uint8).data, checksum)
    return checksum


def _bar(total: int, done: int, verbose: int) -> Any:
    from tqdm.auto import tqdm  # noqa: PLC0415 - importing it takes longer than importing lamina

    # disable=None: no bar where standard error is neither a terminal nor a notebook.
    return tqdm(
        total=total,
        initial=done,
        unit=" words",
        unit_scale=True,
        dynamic_ncols=True,
        disable=None if verbose else True,
    )


def run_epochs(
    model: Word2Vec,
    trainer: core.Trainer,
    progress: Progress,
    *,
    threads: int,
    callbacks: Iterable[CallbackAny2Vec],
    save_checkpoint: Callable[[], None] | None,
    checkpoint_every: float,
    verbose: int,
) -> None:
    """Train from where ``progress`` stands to the last epoch.

    A ``KeyboardInterrupt`` leaves the model as trained so far, and writes a last checkpoint if
    checkpoints are kept.
    """
    callbacks = list(callbacks)
    units = trainer.units
    size = progress.corpus_size
    last_checkpoint = time.monotonic()
    bar = _bar(
        size * progress.epochs,
        size * progress.epoch + min(progress.unit * progress.unit_size, size),
        verbose,
    )
    try:
        while progress.epoch < progress.epochs:
            epoch = progress.epoch
            bar.set_description(f"epoch {epoch + 1}/{progress.epochs}", refresh=False)
            if progress.unit == 0:
                for callback in callbacks:
                    callback.on_epoch_begin(model)
            while progress.unit < units:
                first = progress.unit
                result = trainer.run(
                    epoch=epoch,
                    first_unit=first,
                    first_learning_rate=progress.learning_rate(epoch),
                    last_learning_rate=progress.learning_rate(epoch + 1),
                    seconds=_SECONDS_PER_CALL,
                    threads=threads,
                )
                progress.note(*result)
                first, last = (min(n * progress.unit_size, size) for n in (first, progress.unit))
                rate = progress.learning_rate(epoch + progress.unit / units)
                model.min_alpha_yet_reached = rate
                status = f"lr {rate:.4f}"
                if model.compute_loss and progress.pairs:
                    status += f", loss {progress.loss_sum / progress.pairs:.4f}"
                bar.set_postfix_str(status, refresh=False)
                bar.update(last - first)
                if save_checkpoint and time.monotonic() - last_checkpoint >= checkpoint_every:
                    save_checkpoint()
                    last_checkpoint = time.monotonic()
            progress.end_epoch()
            model.wv.norms = None  # a callback may ask for neighbours
            for callback in callbacks:
                callback.on_epoch_end(model)
    except KeyboardInterrupt:
        # The interrupt may have come between the kernel's return and the note of its result.
        epoch, unit, loss, pairs, words = trainer.last_run
        if epoch == progress.epoch and unit > progress.unit:
            progress.note(unit, loss, pairs, words)
        if save_checkpoint:
            save_checkpoint()
        raise
    finally:
        bar.close()
