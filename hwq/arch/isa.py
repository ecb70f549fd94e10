"""The hardware's own format: opcodes, descriptor and record fields, load spaces and the register map.

Nothing else in hwq defines any of these. The gateware derives its layouts from here, the schedule encodes with it, the
manifest and the C header are written from it (docs/spec/accelerator.md explains each field).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from hwq.arch.engines import array, depthwise, elementwise, pooling, table
from hwq.arch.engines.fields import OPCODE
from hwq.arch.layout import WORD_BITS as WORD_BITS
from hwq.arch.layout import Field, Layout
from hwq.numeric.requantization import Requantization


class Opcode(IntEnum):
    """What a descriptor asks for."""

    END = 0
    CONV = 1
    POOL = 2
    ADD = 3
    DWCONV = 4
    TABLE = 5


class Space(IntEnum):
    """Memories behind the load port."""

    ACTIVATIONS = 0
    WEIGHTS = 1
    RECORDS = 2
    DESCRIPTORS = 3


SPACE_BITS = 2
"""Width of the space in a beat of the load port."""


LAYOUTS: Mapping[Opcode, Layout] = {
    Opcode.END: Layout((OPCODE,), WORD_BITS),
    Opcode.CONV: array.LAYOUT,
    Opcode.POOL: pooling.LAYOUT,
    Opcode.ADD: elementwise.LAYOUT,
    Opcode.DWCONV: depthwise.LAYOUT,
    Opcode.TABLE: table.LAYOUT,
}
"""What a descriptor of each opcode holds. All take ``DESCRIPTOR_WORDS`` words; bits without a field are 0."""

DESCRIPTOR_WORDS = 10
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
    return LAYOUTS[Opcode(LAYOUTS[Opcode.END].unpack(packed)["opcode"])].unpack(packed)


def record_layout(requantization: Requantization) -> Layout:
    """Requantization of one output channel."""
    return Layout(tuple(Field(f.name, f.width, f.signed, f.doc) for f in requantization.fields))


RECORD = record_layout(Requantization())
"""The record of contract ``double``."""


class Register(IntEnum):
    """Byte offsets of the 32-bit registers."""

    IDENTITY = 0x00
    VERSION = 0x04
    CONTROL = 0x08
    STATUS = 0x0C
    CYCLES = 0x10
    LAYERS = 0x14
    COUNTED = 0x18
    PSUM_OVERFLOWS = 0x1C
    ACCUMULATOR_OVERFLOWS = 0x20
    OUTPUT_CLAMPS = 0x24


@dataclass(frozen=True)
class RegisterInfo:
    """Access (``ro`` or ``wo``), meaning and bit fields of a register, as (name, bit, meaning)."""

    access: str
    doc: str
    bits: tuple[tuple[str, int, str], ...] = ()


IDENTITY = 0x68777101
"""Value of the IDENTITY register: ``hwq`` in ASCII, then 1."""

ISA_VERSION = 2
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
    Register.COUNTED: RegisterInfo("wo", "the descriptor, first 0, whose counts the next three registers show"),
    Register.PSUM_OVERFLOWS: RegisterInfo("ro", "sums of passes that left psum_bits; 0 under overflow refuse"),
    Register.ACCUMULATOR_OVERFLOWS: RegisterInfo("ro", "sums that left accumulator_bits; 0 under overflow refuse"),
    Register.OUTPUT_CLAMPS: RegisterInfo("ro", "results outside the format of the codes; 0 under overflow refuse"),
}


COUNTERS = (Register.PSUM_OVERFLOWS, Register.ACCUMULATOR_OVERFLOWS, Register.OUTPUT_CLAMPS)
"""Registers that show counts of one descriptor; they saturate."""


def bit_mask(register: Register, name: str) -> int:
    """Mask of a register's bit called ``name``."""
    return 1 << next(bit for found, bit, _ in REGISTERS[register].bits if found == name)
