"""A wide register of which only some bits exist."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from amaranth.hdl import Signal, Value


class SparseRegister:
    """Registers for the bits ``bits`` of a vector called ``name``; each run of neighbours is one of them.

    So that no bit is kept that nothing reads.
    """

    def __init__(self, name: str, bits: Iterable[int]) -> None:
        self._runs: dict[int, Signal] = {}
        # Neighbours differ from their place in the list by the same number.
        for _, run in groupby(enumerate(sorted(set(bits))), lambda pair: pair[1] - pair[0]):
            places = [bit for _, bit in run]
            self._runs[places[0]] = Signal(len(places), name=f"{name}_{places[0]}")

    def load(self, value: Value) -> list[Any]:
        """Statements that take over ``value``'s bits, for those that exist."""
        return [register.eq(value[lsb : lsb + len(register)]) for lsb, register in self._runs.items()]

    def bits(self, lsb: int, width: int) -> Any:
        """Bits ``lsb`` to ``lsb + width - 1``, all of which exist and are neighbours."""
        for start, register in self._runs.items():
            if start <= lsb and lsb + width <= start + len(register):
                return register[lsb - start : lsb - start + width]
        raise KeyError(f"bits {lsb} to {lsb + width - 1} are not kept")
