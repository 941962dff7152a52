"""Passes over data that can begin in the middle, as they would have gone on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Iterator


class Passes:
    """Data that are gone through in an order drawn anew for each pass.

    `position` says where a pass is, `go_to` lets the next one begin there, also in another process.
    A subclass has ``steps``, ``_order()``, which draws, and ``_batch(place, order)``.
    """

    goes_on = False  # an epoch is a pass
    _random: Any = None  # the generator's state when this pass began
    _given = 0  # batches of this pass so far
    _next: dict[str, Any] | None = None  # the position where the next pass begins

    @property
    def steps(self) -> int:
        """The number of batches in a pass."""
        raise NotImplementedError

    def position(self) -> dict[str, Any]:
        """Return how the present pass was shuffled, and how many batches it has given."""
        return {"random": self._random, "given": self._given}

    def go_to(self, position: dict[str, Any]) -> None:
        """Let the next pass be the rest of one that `position` told of."""
        self._next = position

    def _order(self) -> Any:
        raise NotImplementedError

    def _batch(self, place: int, order: Any) -> Any:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        order = self._drawn_order()
        for place in range(self._given, self.steps):
            self._given = place + 1
            yield self._batch(place, order)

    def _drawn_order(self) -> Any:
        """Draw the order of this pass; that of a resumed one without a trace in the generator."""
        resumed, self._next = self._next, None
        bits = generator().bit_generator
        present = bits.state
        if resumed is not None:
            bits.state = resumed["random"]
        self._random, self._given = bits.state, resumed["given"] if resumed else 0
        order = self._order()
        if resumed is not None:
            bits.state = present
        return order
