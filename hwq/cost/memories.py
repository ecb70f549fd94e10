"""The memories of an accelerator as they are built: how many of which shape, and what an access touches."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.table import ENTRIES, ENTRY_BITS
from hwq.arch.isa import Space
from hwq.cost.counts import Memory


@dataclass(frozen=True)
class Shape:
    """Memories of one kind.

    Parameters
    ----------
    memory:
        What they hold.
    count:
        How many there are, each with a read and a write port.
    words, bits:
        Of each.
    parts:
        Parts of a word that are written by themselves.
    read_bits, write_bits:
        Bits that an access moves, of all that it touches.
    """

    memory: Memory
    count: int
    words: int
    bits: int
    parts: int
    read_bits: int
    write_bits: int

    @property
    def capacity(self) -> int:
        """Bits of one of them."""
        return self.words * self.bits

    @property
    def bytes(self) -> int:
        """Of all of them, the last one begun for its bits."""
        return -(-self.count * self.capacity // 8)


def memories(accelerator: Accelerator) -> tuple[Shape, ...]:
    """Every memory that an accelerator has."""
    a = accelerator
    arithmetic, columns, lanes = a.arithmetic, a.array.columns, a.lanes
    word, code = a.word, a.activation.width
    width = a.word_bits
    record, descriptor, weights = width[Space.RECORDS], isa.WORD_BITS, width[Space.WEIGHTS]
    sums = columns * arithmetic.accumulator_bits
    # A run of elements that begins anywhere lies in both banks.
    activations = Shape(
        Memory.ACTIVATIONS, 2, a.activation_words // 2, word * code, word, 2 * word * code, lanes * code
    )
    found = [
        activations,
        Shape(Memory.WEIGHTS, 1, a.weight_words, weights, 1, weights, weights),
        Shape(Memory.RECORDS, 1, a.record_words, record, 1, record, record),
        Shape(Memory.DESCRIPTORS, 1, a.descriptor_words, descriptor, 1, descriptor, descriptor),
        Shape(Memory.ACCUMULATORS, 2, a.buffers.accumulators, sums, 1, sums, sums),
    ]
    summing = 1
    if a.depthwise is not None:
        summing = 2
        if a.depthwise.rows > 1:
            lines = (a.depthwise.rows - 1) * a.depthwise_vector * code
            found.append(Shape(Memory.LINES, 1, a.depthwise.line, lines, 1, lines, lines))
    if a.table is not None:
        entries = lanes * ENTRY_BITS
        found.append(Shape(Memory.TABLES, lanes, ENTRIES, ENTRY_BITS, 1, entries, entries))
    if a.begins_with_bias:
        biases = lanes * arithmetic.accumulator_bits
        found.append(Shape(Memory.BIASES, summing, a.record_words, biases, 1, biases, biases))
    return tuple(found)


def footprint(accelerator: Accelerator) -> int:
    """Bytes of all of them."""
    return sum(shape.bytes for shape in memories(accelerator))
