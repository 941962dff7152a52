"""Texts as word ids: rows of many lengths in one flat array, and Keras's options for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Ragged:
    """Rows of ids: row r is ``ids[ends[r]:ends[r + 1]]``, and ``ends`` begins with 0."""

    def __init__(self, ids: NDArray[Any], lengths: NDArray[Any]) -> None:
        self.ids = ids
        self.lengths = lengths
        self.ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    @classmethod
    def of(cls, rows: Sequence[Any], what: str) -> Ragged:
        """Return lists of whole numbers as one.

        Raises:
            ValueError: if they are something else.

        """
        arrays = [np.asarray(row if len(row) else np.zeros(0, np.int32)) for row in rows]
        flat = np.concatenate(arrays) if arrays else np.zeros(0, np.int32)
        if flat.dtype.kind not in "iu" or flat.ndim != 1:
            raise ValueError(f"{what}: wanted lists of word ids, got {flat.dtype}")
        return cls(flat, np.array([len(array) for array in arrays], np.int64))

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: NDArray[Any]) -> Ragged:
        """Return these rows, in this order."""
        lengths = self.lengths[rows]
        taken = Ragged(self.ids[:0], lengths)
        where = np.repeat(self.ends[rows] - taken.ends[:-1], lengths)
        where += np.arange(len(where))
        taken.ids = self.ids[where]
        return taken

    def beginning_with(self, start: int | None, shift: int) -> Ragged:
        """Return the ids, each larger by ``shift``, with ``start`` before each row if there is one.

        Without a start, a shift of 0 or None changes nothing.
        """
        shifted = self.ids + (shift or 0) if start is None else self.ids + shift
        if start is None:
            return Ragged(shifted, self.lengths)
        return Ragged(np.insert(shifted, self.ends[:-1], start), self.lengths + 1)

    def limited(self, least: int, end: int, oov: int | None) -> Ragged:
        """Return the rows with ``oov`` for ids that are not in [least, end), or without those."""
        kept = (self.ids >= least) & (self.ids < end)
        if oov is not None:
            return Ragged(np.where(kept, self.ids, oov), self.lengths)
        before = np.concatenate([[0], np.cumsum(kept)])
        return Ragged(self.ids[kept], np.diff(before[self.ends]))

    def lists(self) -> NDArray[Any]:
        """Return an array of lists, as Keras's datasets have them."""
        rows = np.empty(len(self), object)
        for row, (begin, end) in enumerate(zip(self.ends[:-1], self.ends[1:], strict=True)):
            rows[row] = self.ids[begin:end].tolist()
        return rows


Labelled = tuple[Ragged, "NDArray[Any]"]


def encode(
    parts: Sequence[Labelled],
    *,
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    seed: int,
    start_char: int | None,
    oov_char: int | None,
    index_from: int,
) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return texts and labels as Keras's ``load_data`` does: shuffled, shifted, cut.

    Raises:
        ValueError: if no text of a part is shorter than ``maxlen``.

    """
    # Keras shuffles so; its programs count on the same samples in the same places.
    random = np.random.RandomState(seed)
    made = []
    for rows, labels in parts:
        order = np.arange(len(rows))
        random.shuffle(order)
        texts, names = rows.take(order).beginning_with(start_char, index_from), labels[order]
        if maxlen:
            short = np.flatnonzero(texts.lengths < maxlen)
            if not len(short):
                raise ValueError(
                    f"maxlen={maxlen}: no text is shorter than that (the shortest has "
                    f"{texts.lengths.min()} ids): increase it"
                )
            texts, names = texts.take(short), names[short]
        made.append((texts, names))
    end = num_words or max(int(texts.ids.max(initial=0)) for texts, _ in made)
    return [(texts.limited(skip_top, end, oov_char).lists(), names) for texts, names in made]
