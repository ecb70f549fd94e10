"""Bit fields packed into words: how descriptors and records say where each of their values lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WORD_BITS = 64
"""Width of a descriptor word and of the load port."""


@dataclass(frozen=True)
class Field:
    """A bit field: ``width`` bits, two's complement where ``signed``."""

    name: str
    width: int
    signed: bool
    doc: str


@dataclass(frozen=True)
class Placed:
    """A field with its place: bit ``offset`` of the whole, bit 0 being the least significant of word 0."""

    field: Field
    offset: int

    @property
    def word(self) -> int:
        """Number of the word that holds the field."""
        return self.offset // WORD_BITS

    @property
    def lsb(self) -> int:
        """Position of the field's lowest bit in its word."""
        return self.offset % WORD_BITS


class Layout:
    """Fields packed in order, lowest first; none straddles a word of ``word_bits`` bits (0: no words).

    Parameters
    ----------
    fields:
        In order of placement; names are unique.
    word_bits:
        Width of a word.
    """

    def __init__(self, fields: tuple[Field, ...], word_bits: int = 0) -> None:
        placed: dict[str, Placed] = {}
        offset = 0
        for field in fields:
            if word_bits and offset % word_bits + field.width > word_bits:
                offset += -offset % word_bits
            placed[field.name] = Placed(field, offset)
            offset += field.width
        self.fields: Mapping[str, Placed] = placed
        self.bits = offset
        self.words = -(-offset // word_bits) if word_bits else 0

    def pack(self, values: Mapping[str, int]) -> int:
        """One integer that holds every field; fields left out are 0.

        Raises
        ------
        ValueError
            When a name is unknown or a value does not fit its field.
        """
        packed = 0
        for name, value in values.items():
            if name not in self.fields:
                raise ValueError(f"no field {name!r}")
            place = self.fields[name]
            width, signed = place.field.width, place.field.signed
            low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
            if not low <= value <= high:
                raise ValueError(f"field {name!r} holds {low} to {high}, not {value}")
            packed |= (value & ((1 << width) - 1)) << place.offset
        return packed

    def unpack(self, packed: int) -> dict[str, int]:
        """Every field's value out of one integer."""
        values = {}
        for name, place in self.fields.items():
            width = place.field.width
            value = packed >> place.offset & ((1 << width) - 1)
            values[name] = value - (1 << width) if place.field.signed and value >> (width - 1) else value
        return values

    def split(self, values: Mapping[str, int], word_bits: int) -> list[int]:
        """The packed fields as words, word 0 first."""
        packed = self.pack(values)
        return [packed >> (i * word_bits) & ((1 << word_bits) - 1) for i in range(-(-self.bits // word_bits))]


def u(name: str, width: int, doc: str) -> Field:
    """An unsigned field."""
    return Field(name, width, False, doc)


def s(name: str, width: int, doc: str) -> Field:
    """A signed field."""
    return Field(name, width, True, doc)
