"""The parameters a designer chooses, as frozen dataclasses; the sections of a project file map to them one to one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hwq.arch.checks import Checks
from hwq.numeric.requantize import Contract


class InputZeroPoint(str, Enum):
    """Where the zero-point of a layer's input is taken care of (docs/spec/numerics.md)."""

    FOLDED = "folded"
    """The array sees raw codes, padding injects the zero-point, and the bias absorbs ``-zp * sum(w)``."""

    SUBTRACTED = "subtracted"
    """The array sees ``x - zp``, one bit wider, and padding is 0."""


@dataclass(frozen=True)
class ArrayParameters:
    """Shape of the systolic array.

    Parameters
    ----------
    rows:
        Reduction dimension: input elements that enter per cycle.
    columns:
        Output channels computed side by side.
    product_register:
        Whether each PE registers its product before the addition: one more cycle of latency, a shorter critical path.
    """

    rows: int = 8
    columns: int = 8
    product_register: bool = True

    def __post_init__(self) -> None:
        with Checks("array") as check:
            check.integer("rows", self.rows, 1, 256)
            check.integer("columns", self.columns, 1, 256)
            check.boolean("product_register", self.product_register)


@dataclass(frozen=True)
class ArithmeticParameters:
    """Widths and contract of the arithmetic.

    Parameters
    ----------
    contract:
        Requantization contract; the hardware of this release computes ``double``.
    input_zero_point:
        See :class:`InputZeroPoint`.
    activation_bits, weight_bits:
        Widths of the signed codes in memory.
    psum_bits:
        Width of the partial sums in the array; ``None`` is the width that holds every column sum exactly.
    accumulator_bits:
        Width of the accumulators behind the array.
    """

    contract: Contract = Contract.DOUBLE
    input_zero_point: InputZeroPoint = InputZeroPoint.FOLDED
    activation_bits: int = 8
    weight_bits: int = 8
    psum_bits: int | None = None
    accumulator_bits: int = 32

    def __post_init__(self) -> None:
        with Checks("arithmetic") as check:
            check.one_of("contract", self.contract, [Contract.DOUBLE])
            check.one_of("input_zero_point", self.input_zero_point, list(InputZeroPoint))
            check.integer("activation_bits", self.activation_bits, 8, 8)
            check.integer("weight_bits", self.weight_bits, 2, 8)
            if self.psum_bits is not None:
                check.integer("psum_bits", self.psum_bits, 4, 32)
            if check.integer("accumulator_bits", self.accumulator_bits, 4, 32) and isinstance(self.psum_bits, int):
                if self.psum_bits > self.accumulator_bits:
                    check.fault(
                        "psum_bits", f"must not exceed accumulator_bits ({self.accumulator_bits}), not {self.psum_bits}"
                    )


@dataclass(frozen=True)
class RequantizerParameters:
    """The unit that turns accumulators into output codes.

    Parameters
    ----------
    lanes:
        Channels requantized per cycle; a divisor of the array's columns. ``None`` is half the columns.
    max_left_shift:
        Largest left shift before the multiplication, in bits. Scales below 1 need none, and 0 leaves the shifter out.
    """

    lanes: int | None = None
    max_left_shift: int = 30

    def __post_init__(self) -> None:
        with Checks("requantizer") as check:
            if self.lanes is not None:
                check.integer("lanes", self.lanes, 1, 256)
            check.integer("max_left_shift", self.max_left_shift, 0, 30)


@dataclass(frozen=True)
class BufferParameters:
    """Sizes of the on-chip memories.

    Parameters
    ----------
    activations:
        Elements of activation memory; input and output of a layer live in it together.
    weights:
        Weights of weight memory, tiles padded to the array's shape included.
    channels:
        Requantization records, one for each output channel, rounded up to whole array columns.
    descriptors:
        Descriptors, END included.
    accumulators:
        Output pixels of one accumulator bank; there are two banks.
    """

    activations: int = 65536
    weights: int = 65536
    channels: int = 1024
    descriptors: int = 64
    accumulators: int = 512

    def __post_init__(self) -> None:
        with Checks("buffers") as check:
            check.integer("activations", self.activations, 16, 1 << 22)
            check.integer("weights", self.weights, 16, 1 << 24)
            check.integer("channels", self.channels, 1, 1 << 16)
            check.integer("descriptors", self.descriptors, 2, 1 << 10)
            check.integer("accumulators", self.accumulators, 2, 1 << 14)
