"""The parameters a designer chooses, as frozen dataclasses; the sections of a project file map to them one to one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from hwq.arch.checks import Checks, Choice, Range
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.requantization import CONTRACTS, OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding


class InputZeroPoint(StrEnum):
    """Where the zero-point of a layer's input is taken care of (docs/spec/numerics.md)."""

    FOLDED = "folded"
    """The array sees raw codes, padding injects the zero-point, and the bias absorbs ``-zp * sum(w)``."""

    SUBTRACTED = "subtracted"
    """The array sees ``x - zp``, one bit wider, and padding is 0."""


class WeightPacking(StrEnum):
    """How weights narrower than ``weight_bits`` lie in weight memory."""

    NONE = "none"
    """Each in a place of its own."""

    LAYER = "layer"
    """As many in a place as the layer's widest weight allows: 1, 2, 4, 8 or 16, in equal parts of it."""


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

    rows: Annotated[int, Range(1, 256)] = 8
    columns: Annotated[int, Range(1, 256)] = 8
    product_register: bool = True

    def __post_init__(self) -> None:
        with Checks("array") as check:
            check.declared(self)


@dataclass(frozen=True)
class TruncateParameters:
    """What products lose before they are added.

    Parameters
    ----------
    bits:
        How many of their low bits; sums are in units of ``2 ** bits``.
    rounding:
        What becomes of those bits.
    """

    bits: Annotated[int, Range(0, 15)] = 0
    rounding: Rounding = Rounding.FLOOR

    def __post_init__(self) -> None:
        with Checks("arithmetic.truncate") as check:
            check.declared(self)


@dataclass(frozen=True)
class ArithmeticParameters:
    """Widths and contract of the arithmetic.

    Parameters
    ----------
    contract:
        Requantization contract.
    input_zero_point:
        See :class:`InputZeroPoint`.
    activation_bits, weight_bits:
        Widths of the signed codes, and of the signed weights less their zero-points, in memory; weights of 1 bit are -1
        and 1.
    weight_packing:
        See :class:`WeightPacking`.
    psum_bits:
        Width of the partial sums in the array; ``None`` is the width that holds every column sum exactly.
    accumulator_bits:
        Width of the accumulators behind the array.
    overflow:
        What becomes of sums beyond these widths (:class:`~hwq.numeric.accumulation.SumOverflow`).
    granularity:
        After how many additions a sum is fitted to its width (:class:`~hwq.numeric.accumulation.Granularity`).
    truncate:
        Low bits that products lose.
    bias:
        When it enters (:class:`~hwq.numeric.accumulation.BiasPlace`).
    """

    contract: Annotated[Contract, Choice(*CONTRACTS)] = Contract.DOUBLE
    input_zero_point: InputZeroPoint = InputZeroPoint.FOLDED
    activation_bits: Annotated[int, Range(2, 16)] = 8
    weight_bits: Annotated[int, Range(1, 16)] = 8
    weight_packing: WeightPacking = WeightPacking.NONE
    psum_bits: Annotated[int, Range(4, 48)] | None = None
    accumulator_bits: Annotated[int, Range(4, 48)] = 32
    overflow: SumOverflow = SumOverflow.REFUSE
    granularity: Granularity = Granularity.PASS
    truncate: TruncateParameters = TruncateParameters()
    bias: BiasPlace = BiasPlace.AFTER

    def __post_init__(self) -> None:
        with Checks("arithmetic") as check:
            good = check.declared(self)
            psum, accumulator = self.psum_bits, self.accumulator_bits
            if not {"psum_bits", "accumulator_bits", "overflow"} <= good or psum is None:
                return
            if self.overflow is SumOverflow.REFUSE and psum > accumulator:
                check.fault("psum_bits", f"must not exceed accumulator_bits ({accumulator}), not {psum}")
            elif "granularity" in good and self.granularity is Granularity.MAC and psum != accumulator:
                text = f"must be null or {accumulator}, as accumulator_bits, where granularity is mac, not {psum}"
                check.fault("psum_bits", text)


@dataclass(frozen=True)
class RequantizerParameters:
    """The unit that turns accumulators into output codes.

    Parameters
    ----------
    lanes:
        Channels requantized per cycle; a divisor of the array's columns. ``None`` is half the columns.
    max_left_shift:
        Largest left shift before the multiplication, in bits. Scales below 1 need none, and 0 leaves the shifter out.
    multiplier_bits, add_bits:
        Of contract ``plain``: widths of the multiplier and of what is added to the product.
    rounding:
        Of contracts ``plain`` and ``shift``.
    output_overflow:
        What becomes of results outside the format of the codes, in layers that accumulate.
    """

    lanes: Annotated[int, Range(1, 256)] | None = None
    max_left_shift: Annotated[int, Range(0, 30)] = 30
    multiplier_bits: Annotated[int, Range(1, 31)] = 16
    add_bits: Annotated[int, Range(8, 62)] = 48
    rounding: Rounding = Rounding.HALF_UP
    output_overflow: OutputOverflow = OutputOverflow.SATURATE

    def __post_init__(self) -> None:
        with Checks("requantizer") as check:
            check.declared(self)


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

    activations: Annotated[int, Range(16, 1 << 22)] = 65536
    weights: Annotated[int, Range(16, 1 << 24)] = 65536
    channels: Annotated[int, Range(1, 1 << 16)] = 1024
    descriptors: Annotated[int, Range(2, 1 << 10)] = 64
    accumulators: Annotated[int, Range(2, 1 << 14)] = 512

    def __post_init__(self) -> None:
        with Checks("buffers") as check:
            check.declared(self)
