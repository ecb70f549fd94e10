"""Scoreboard: what was expected meets what was seen, and nothing may be left over."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Scoreboard(Generic[T]):
    """Compares items in the order in which they are expected.

    A bench that ends has to call `finish`, which fails where anything is still expected, or nothing ever was: a design
    that says nothing must not pass.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._expected: deque[tuple[str, T]] = deque()
        self.compared = 0

    def expect(self, item: T, context: str = "") -> None:
        """The next item to come; ``context`` is told when something else comes."""
        self._expected.append((context, item))

    def see(self, item: T) -> None:
        """Compare an item that came.

        Raises
        ------
        AssertionError
            When it is not the one expected, or none was.
        """
        assert self._expected, f"{self._name}: {item!r} came, and nothing is expected"
        context, wanted = self._expected.popleft()
        self.compared += 1
        assert item == wanted, f"{self._name}, item {self.compared - 1} ({context}): expected {wanted!r}, got {item!r}"

    def finish(self) -> None:
        """Fail unless something was compared and nothing is left."""
        assert self.compared, f"{self._name}: nothing was compared"
        assert not self._expected, f"{self._name}: {len(self._expected)} items never came"
