"""The hardware's own format: opcodes, descriptor and record fields, load spaces and the register map.

Nothing else in hwq defines any of these. The gateware derives its layouts from here, the schedule encodes with it, the
manifest and the C header are written from it (docs/spec/accelerator.md explains each field).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

WORD_BITS = 64
"""Width of a descriptor word and of the load port."""


class Opcode(IntEnum):
    """What a descriptor asks for."""

    END = 0
    CONV = 1


class Space(IntEnum):
    """Memories behind the load port."""

    ACTIVATIONS = 0
    WEIGHTS = 1
    RECORDS = 2
    DESCRIPTORS = 3


SPACE_BITS = 2
"""Width of the space in a beat of the load port."""


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


def _u(name: str, width: int, doc: str) -> Field:
    return Field(name, width, False, doc)


def _s(name: str, width: int, doc: str) -> Field:
    return Field(name, width, True, doc)


_OPCODE = _u("opcode", 4, "what to do (Opcode)")

_CONV = Layout(
    (
        _OPCODE,
        _u("tile_pixels", 15, "output pixels of a full pixel tile"),
        _u("blocks", 16, "blocks of output channels, one array width each"),
        _u("last_groups", 9, "lane groups of the last block"),
        _u("last_lanes", 9, "valid lanes of the last block's last lane group"),
        _u("pixels", 24, "output pixels of the layer"),
        _u("out_width", 16, "output pixels of a row"),
        _u("ky_count", 12, "kernel rows, one run or more each"),
        _u("kx_count", 12, "runs in a kernel row: 1, or the kernel's width where pixels are dilated"),
        _u("chunk_count", 24, "array-high chunks of a run"),
        _u("run", 24, "contiguous elements of a run"),
        _s("x_start", 22, "row position of the first pixel's run, in elements; negative in left padding"),
        _u(
            "in_base",
            26,
            "element address of the first pixel's kernel row, modulo the address space: it may lie in padding",
        ),
        _u("in_row", 22, "elements of an input row; positions outside are padding"),
        _s("y_start", 16, "input row of the first pixel's first kernel row; negative in top padding"),
        _u("in_height", 16, "rows of the input; rows outside are padding"),
        _u("x_step", 22, "elements from one output pixel to the next"),
        _u("y_step", 12, "input rows from one output row to the next"),
        _u("y_step_elements", 26, "the same in elements"),
        _u("kx_step", 22, "elements from one run of a kernel row to the next"),
        _u("ky_step", 12, "input rows from one kernel row to the next"),
        _u("ky_step_elements", 26, "the same in elements"),
        _u("weight_base", 24, "first word of the weights"),
        _u("record_base", 20, "first word of the records"),
        _u("out_base", 24, "element address of the first output"),
        _u("out_step", 22, "elements from one output pixel to the next"),
        _s("in_zero_point", 16, "zero-point of the input"),
        _s("out_zero_point", 16, "zero-point of the output"),
        _s("low", 16, "lowest output code"),
        _s("high", 16, "highest output code"),
    ),
    WORD_BITS,
)

LAYOUTS: Mapping[Opcode, Layout] = {Opcode.END: Layout((_OPCODE,), WORD_BITS), Opcode.CONV: _CONV}
"""What a descriptor of each opcode holds. All take ``DESCRIPTOR_WORDS`` words; bits without a field are 0."""

DESCRIPTOR_WORDS = max(layout.words for layout in LAYOUTS.values())
"""Words of every descriptor."""

FIELDS: Mapping[str, Field] = {
    name: place.field for layout in LAYOUTS.values() for name, place in layout.fields.items()
}
"""Every descriptor field by name; one that several layouts have means the same in each."""


def descriptor_words(fields: Mapping[str, int]) -> list[int]:
    """A descriptor as its words, by the layout of its ``opcode``.

    Raises
    ------
    ValueError
        When a name is unknown or a value does not fit its field.
    """
    words = LAYOUTS[Opcode(fields["opcode"])].split(fields, WORD_BITS)
    return words + [0] * (DESCRIPTOR_WORDS - len(words))


def descriptor_fields(words: Sequence[int]) -> dict[str, int]:
    """The fields of a descriptor, out of its words."""
    packed = sum(word << i * WORD_BITS for i, word in enumerate(words))
    return LAYOUTS[Opcode(_CONV.unpack(packed)["opcode"])].unpack(packed)


RECORD = Layout(
    (
        _s("bias", 32, "added to the accumulator"),
        _u("multiplier", 31, "requantization multiplier, 2^30 to 2^31 - 1, or 0"),
        _s("shift", 6, "power of two of the scale: left where positive, right where negative"),
    )
)
"""Requantization of one output channel."""


class Register(IntEnum):
    """Byte offsets of the 32-bit registers."""

    IDENTITY = 0x00
    VERSION = 0x04
    CONTROL = 0x08
    STATUS = 0x0C
    CYCLES = 0x10
    LAYERS = 0x14


@dataclass(frozen=True)
class RegisterInfo:
    """Access (``ro`` or ``wo``), meaning and bit fields of a register, as (name, bit, meaning)."""

    access: str
    doc: str
    bits: tuple[tuple[str, int, str], ...] = ()


IDENTITY = 0x68777101
"""Value of the IDENTITY register: ``hwq`` in ASCII, then 1."""

ISA_VERSION = 1
"""Value of the VERSION register; changes with every change of a layout on this page."""

REGISTERS: Mapping[Register, RegisterInfo] = {
    Register.IDENTITY: RegisterInfo("ro", f"reads 0x{IDENTITY:08x}"),
    Register.VERSION: RegisterInfo("ro", f"version of descriptors and records, {ISA_VERSION}"),
    Register.CONTROL: RegisterInfo(
        "wo", "commands; a bit written 1 acts once", (("START", 0, "execute the descriptors from the first"),)
    ),
    Register.STATUS: RegisterInfo(
        "ro",
        "state",
        (
            ("BUSY", 0, "descriptors are executing"),
            ("DONE", 1, "execution has ended; cleared by START"),
            ("ERROR", 2, "an unknown opcode or a bit that must be 0 ended execution; cleared by START"),
        ),
    ),
    Register.CYCLES: RegisterInfo("ro", "cycles from START to the last layer's last output written"),
    Register.LAYERS: RegisterInfo("ro", "descriptors completed since START"),
}
