"""Energy of an inference, modelled: exact counts times what one operation and one access take (energy.yaml)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.elementwise import TERM_BITS
from hwq.arch.engines.pooling import SUM_BITS
from hwq.arch.isa import FIELDS
from hwq.config.document import read_document
from hwq.cost.counts import Counts, Operation
from hwq.cost.memories import Shape, memories

TABLE = Path(__file__).with_name("energy.yaml")

#: Bits that the table's prices of memories are for.
_ACCESS = 64

#: Bits of the sums, shifts and roundings in a requantizer, and how many there are: bias, rounding, zero-point.
_REQUANTIZED_BITS, _REQUANTIZED_SUMS = 32, 3


@dataclass(frozen=True)
class Prices:
    """The table: what one operation takes, in picojoules.

    Parameters
    ----------
    process_nm, volts:
        What the prices are for.
    add, multiply, sram:
        By width or bytes, as (width, price), the smallest first.
    dram:
        Of 64 bits outside.
    fpga:
        How many times as much an FPGA takes.
    """

    process_nm: float
    volts: float
    add: tuple[tuple[int, float], ...]
    multiply: tuple[tuple[int, float], ...]
    sram: tuple[tuple[int, float], ...]
    dram: float
    fpga: float

    def addition(self, bits: int) -> float:
        """Of two numbers of so many bits."""
        (low, cheap), (high, dear) = self.add
        return max(0.0, cheap + (dear - cheap) * (bits - low) / (high - low))

    def multiplication(self, bits: int, other: int) -> float:
        """Of numbers of so many bits."""
        (low, cheap), (high, dear) = self.multiply
        return max(0.0, cheap + (dear - cheap) * (bits * other - low**2) / (high**2 - low**2))

    def access(self, capacity: int, bits: int) -> float:
        """Of so many bits, in a memory of ``capacity`` bits."""
        size = capacity / 8
        pairs = list(zip(self.sram, self.sram[1:], strict=False))
        (low, cheap), (high, dear) = next((pair for pair in pairs if size <= pair[1][0]), pairs[-1])
        power = math.log(dear / cheap) / math.log(high / low)
        return float(cheap * (size / low) ** power * bits / _ACCESS)


@cache
def prices() -> Prices:
    """The table that hwq brings."""
    values = read_document(TABLE).values

    def number(key: str) -> float:
        found = values[key]
        assert isinstance(found, int | float)
        return float(found)

    def pairs(key: str) -> tuple[tuple[int, float], ...]:
        found = values[key]
        assert isinstance(found, dict)
        return tuple((int(width), float(price)) for width, price in found.items())

    return Prices(
        number("process_nm"),
        number("volts"),
        pairs("add"),
        pairs("multiply"),
        pairs("sram"),
        number("dram"),
        number("fpga"),
    )


def operation_prices(accelerator: Accelerator) -> dict[Operation, float]:
    """What each operation takes at an accelerator's widths, in picojoules."""
    a, price = accelerator, prices()
    product = price.multiplication(a.operand.width, a.weight.width)
    record = a.record.fields
    # Contract shift has none.
    multiplier = record["multiplier"].field.width if "multiplier" in record else 0
    scaling = price.multiplication(_REQUANTIZED_BITS, multiplier) if multiplier else 0.0
    found = {
        Operation.PRODUCTS: product + price.addition(a.column_bits),
        Operation.ACCUMULATIONS: price.addition(a.arithmetic.accumulator_bits),
        Operation.POOLED: price.addition(SUM_BITS),
        Operation.SCALED: price.multiplication(a.activation.width + 1, FIELDS["multiplier_a"].width)
        + price.addition(TERM_BITS),
        Operation.REQUANTIZED: scaling + _REQUANTIZED_SUMS * price.addition(_REQUANTIZED_BITS),
    }
    if a.depthwise is not None:
        found[Operation.TAPS] = product + price.addition(a.window_bits)
    return found


def energy(counts: Counts, accelerator: Accelerator) -> dict[str, float]:
    """What counts cost, in picojoules, by the names of operations and memories.

    It is what a chip of its own would take for the work itself: registers that only carry values, the clock, and what
    idles are not in it.
    """
    parts = {}
    each = operation_prices(accelerator)
    for operation, count in counts.operations.items():
        parts[operation.value] = count * each[operation]
    # Of memories of one kind there is one price; an access touches as many of them as it moves bits of.
    shapes = {shape.memory: shape for shape in memories(accelerator)}
    for memory, shape in shapes.items():
        read, written = access_prices(shape)
        cost = counts.reads.get(memory, 0) * read + counts.writes.get(memory, 0) * written
        if cost:
            parts[memory.value] = cost
    return parts


def access_prices(shape: Shape) -> tuple[float, float]:
    """What reading and writing a memory once takes, in picojoules."""
    price = prices()
    return price.access(shape.capacity, shape.read_bits), price.access(shape.capacity, shape.write_bits)
