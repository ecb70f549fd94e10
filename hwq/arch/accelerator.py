"""The accelerator as a whole: the designer's parameters, and every width and latency that follows from them.

Gateware, schedule and cost read these properties; none of them computes a width or a latency of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hwq.arch import isa
from hwq.arch.checks import Checks
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import CODE_BITS, ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import ENTRY_BITS, TableParameters
from hwq.arch.layout import Layout, u
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
    WeightPacking,
)
from hwq.numeric.accumulation import Accumulation, BiasPlace, Granularity, SumOverflow
from hwq.numeric.formats import IntFormat
from hwq.numeric.requantization import Requantization
from hwq.numeric.requantize import Contract


def ceil_div(a: int, b: int) -> int:
    """Smallest integer not below a / b, for b > 0."""
    return -(-a // b)


@dataclass(frozen=True)
class Accelerator:
    """A weight-stationary systolic array, and the engines beside it; one that is ``None`` is not built.

    Raises
    ------
    ConfigError
        When parameters contradict one another; every fault is named with its path.
    """

    array: ArrayParameters = field(default_factory=ArrayParameters)
    arithmetic: ArithmeticParameters = field(default_factory=ArithmeticParameters)
    requantizer: RequantizerParameters = field(default_factory=RequantizerParameters)
    buffers: BufferParameters = field(default_factory=BufferParameters)
    depthwise: DepthwiseParameters | None = None
    pooling: PoolingParameters | None = None
    elementwise: ElementwiseParameters | None = None
    table: TableParameters | None = None

    def __post_init__(self) -> None:
        with Checks("") as check:
            for engine in self.engines:
                if misfit := self.misfit(engine):
                    check.fault(engine, f"{misfit}; say none")
            columns, lanes = self.array.columns, self.requantizer.lanes
            if lanes is not None and columns % lanes:
                check.fault("requantizer.lanes", f"must divide array.columns ({columns}), not {lanes}")
            if not self.may_overflow and self.psum_bits > self.arithmetic.accumulator_bits:
                check.fault(
                    "arithmetic.accumulator_bits",
                    f"must be at least the {self.psum_bits} bits of a column's sum (arithmetic.psum_bits), "
                    f"not {self.arithmetic.accumulator_bits}",
                )

    # -- operands ------------------------------------------------------------------------------------------------

    @property
    def activation(self) -> IntFormat:
        """Format of the codes in activation memory."""
        return IntFormat(self.arithmetic.activation_bits)

    @property
    def weight(self) -> IntFormat:
        """Format of the weights that are multiplied: codes, or of 1 bit what they stand for, -1 and 1."""
        return IntFormat(max(self.arithmetic.weight_bits, 2))

    @property
    def packs_weights(self) -> bool:
        """Whether several rows of the array may share a word of weight memory."""
        return len(self.weight_fields) > 1

    @property
    def weight_fields(self) -> tuple[int, ...]:
        """Bits of a weight where its place in memory holds 1, 2, 4 and so on of them."""
        bits = self.arithmetic.weight_bits
        packs = self.arithmetic.weight_packing is WeightPacking.LAYER
        return tuple(bits >> packing for packing in range(bits.bit_length() if packs else 1))

    @property
    def operand(self) -> IntFormat:
        """Format of what a PE multiplies: the raw code, or code minus zero-point, one bit wider."""
        return IntFormat(self.arithmetic.activation_bits + self.subtracted)

    @property
    def subtracted(self) -> bool:
        """Whether operands are codes less zero-point, and padding 0; or the codes, and padding the zero-point's."""
        return self.arithmetic.input_zero_point is InputZeroPoint.SUBTRACTED

    @property
    def exact_psum_bits(self) -> int:
        """Bits that hold the sum of one column's products, whatever the operands."""
        return self._sum_bits(self.array.rows, -self.operand.min)

    @property
    def window_bits(self) -> int:
        """Bits that hold the sum of all taps of the depthwise engine, whatever the operands."""
        assert self.depthwise is not None
        return self.window_sum_bits(self.depthwise.taps)

    def window_sum_bits(self, taps: int) -> int:
        """Bits that hold the sum of so many taps of the depthwise engine."""
        code = self.activation
        return self._sum_bits(taps, code.max - code.min if self.subtracted else -code.min)

    def _sum_bits(self, products: int, operand: int) -> int:
        """Bits that hold the sum of so many products of operands up to ``operand``, truncated as they are added."""
        return (products * self.accumulation.largest(operand * -self.weight.min)).bit_length() + 1

    @property
    def psum_bits(self) -> int:
        """Bits of the partial sums inside the array."""
        if self.fits_every_sum:
            return self.arithmetic.accumulator_bits
        chosen = self.arithmetic.psum_bits
        return self.exact_psum_bits if chosen is None else chosen

    @property
    def requantization(self) -> Requantization:
        """How sums become codes."""
        r = self.requantizer
        return Requantization(self.arithmetic.contract, r.multiplier_bits, r.add_bits, r.rounding, r.output_overflow)

    @property
    def record(self) -> Layout:
        """The record of a channel."""
        return isa.record_layout(self.requantization)

    @property
    def may_overflow(self) -> bool:
        """Whether sums may leave their widths: then they are fitted, and what did not fit is counted."""
        return self.arithmetic.overflow is not SumOverflow.REFUSE

    @property
    def column_bits(self) -> int:
        """Bits of the sums on their way down a column: all of them where the foot fits them to ``psum_bits``."""
        return self.exact_psum_bits if self.may_overflow and not self.fits_every_sum else self.psum_bits

    @property
    def fits_every_sum(self) -> bool:
        """Whether each PE fits its sum, which goes on from the accumulator's."""
        return self.may_overflow and self.arithmetic.granularity is Granularity.MAC

    @property
    def accumulation(self) -> Accumulation:
        """How products become sums."""
        return Accumulation(
            psum_bits=self.arithmetic.psum_bits,
            accumulator_bits=self.arithmetic.accumulator_bits,
            overflow=self.arithmetic.overflow,
            granularity=self.arithmetic.granularity,
            truncate=self.arithmetic.truncate.bits,
            truncate_rounding=self.arithmetic.truncate.rounding,
            bias=self.arithmetic.bias,
        )

    @property
    def begins_with_bias(self) -> bool:
        """Whether accumulators begin with the bias."""
        return self.arithmetic.bias is BiasPlace.INITIAL

    @property
    def finishes_windows(self) -> bool:
        """Whether the sum of a depthwise window is not yet what is requantized: it is fitted, or the bias added."""
        return self.may_overflow or self.begins_with_bias

    @property
    def fits_psums(self) -> bool:
        """Whether the sums of passes are fitted to ``psum_bits`` at the foot of the columns."""
        return self.psum_bits < self.column_bits

    # -- engines -------------------------------------------------------------------------------------------------

    @property
    def engines(self) -> Mapping[str, isa.Opcode]:
        """The engines there are, by name, with the opcode that each executes."""
        beside = {
            "depthwise": isa.Opcode.DWCONV,
            "pooling": isa.Opcode.POOL,
            "elementwise": isa.Opcode.ADD,
            "table": isa.Opcode.TABLE,
        }
        built = {name: opcode for name, opcode in beside.items() if getattr(self, name) is not None}
        return {"array": isa.Opcode.CONV, **built}

    def misfit(self, engine: str) -> str:
        """Why an engine beside the array cannot be built with these widths; empty where it can."""
        bits = self.arithmetic.activation_bits
        most = {"elementwise": CODE_BITS, "table": ENTRY_BITS}.get(engine, bits)
        return f"it takes codes of up to {most} bits, and arithmetic.activation_bits is {bits}" if bits > most else ""

    @property
    def layouts(self) -> Mapping[isa.Opcode, Layout]:
        """Layouts of the descriptors that this accelerator knows."""
        return {opcode: isa.LAYOUTS[opcode] for opcode in (isa.Opcode.END, *self.engines.values())}

    @property
    def value_bits(self) -> int:
        """Bits of the values that engines hand to the requantizers."""
        sums = self.arithmetic.accumulator_bits + self.arithmetic.truncate.bits
        return max(sums, 32 if len(self.engines) > 1 else 0)

    @property
    def vector(self) -> int:
        """Channels that the pooling engine takes side by side: whole groups of lanes in a word."""
        return self.word // self.lanes * self.lanes

    @property
    def depthwise_vector(self) -> int:
        """Channels that the depthwise engine takes side by side: no more than a word of weight memory has."""
        return min(self.vector, self.array.columns)

    @property
    def elementwise_group(self) -> int:
        """Elements that the elementwise engine takes a cycle: of both operands one read of two groups in turn."""
        return min(self.lanes, self.word // 2)

    # -- memories ------------------------------------------------------------------------------------------------

    @property
    def word(self) -> int:
        """Elements in one word of activation memory: the rows, rounded up to a power of two (and the lanes)."""
        return 1 << (max(self.array.rows, self.lanes, 2) - 1).bit_length()

    @property
    def lanes(self) -> int:
        """Channels requantized per cycle."""
        lanes = self.requantizer.lanes
        return (
            (self.array.columns // 2 if self.array.columns % 2 == 0 else self.array.columns) if lanes is None else lanes
        )

    @property
    def activation_words(self) -> int:
        """Words of activation memory, an even number: half in each bank."""
        return 2 * ceil_div(self.buffers.activations, 2 * self.word)

    @property
    def element_address_bits(self) -> int:
        """Bits of an element's address in activation memory; addresses wrap at this width."""
        return (self.activation_words * self.word - 1).bit_length()

    @property
    def weight_words(self) -> int:
        """Words of weight memory; a word holds one array row, or where weights are packed several."""
        return ceil_div(self.buffers.weights, self.array.columns)

    @property
    def record_words(self) -> int:
        """Words of record memory; a word holds the records of all lanes."""
        return ceil_div(ceil_div(self.buffers.channels, self.array.columns) * self.array.columns, self.lanes)

    @property
    def descriptor_words(self) -> int:
        """Words of descriptor memory."""
        return self.buffers.descriptors * isa.DESCRIPTOR_WORDS

    @property
    def word_bits(self) -> dict[isa.Space, int]:
        """Width of a word of each memory behind the load port."""
        return {
            isa.Space.ACTIVATIONS: self.word * self.activation.width,
            isa.Space.WEIGHTS: self.array.columns * self.arithmetic.weight_bits,
            isa.Space.RECORDS: self.lanes * self.record.bits,
            isa.Space.DESCRIPTORS: isa.WORD_BITS,
        }

    @property
    def words(self) -> dict[isa.Space, int]:
        """Number of words of each memory behind the load port."""
        return {
            isa.Space.ACTIVATIONS: self.activation_words,
            isa.Space.WEIGHTS: self.weight_words,
            isa.Space.RECORDS: self.record_words,
            isa.Space.DESCRIPTORS: self.descriptor_words,
        }

    @property
    def load_address_bits(self) -> int:
        """Width of the word address in a beat of the load port."""
        return max((words - 1).bit_length() for words in self.words.values())

    @property
    def beat(self) -> Layout:
        """One beat of the load port: part of a word of memory ``space``, lowest part first.

        The beat with ``last`` writes the word to ``address``.
        """
        return Layout(
            (
                u("data", isa.WORD_BITS, "part of a word"),
                u("address", self.load_address_bits, "of the word"),
                u("space", isa.SPACE_BITS, "the memory (Space)"),
                u("last", 1, "whether the word is complete"),
            )
        )

    # -- latencies, in cycles ------------------------------------------------------------------------------------

    @property
    def feed_latency(self) -> int:
        """From the issue of a step to its operands at the array's input: two sums, memory, rotation, padding."""
        return 5

    @property
    def array_latency(self) -> int:
        """From operands at the array's input to the aligned sums of all columns at its output."""
        return self.array.rows + self.array.columns - 1 + self.array.product_register + self.fits_psums

    @property
    def depthwise_latency(self) -> int:
        """From a group's issue to the results unit: read, line memory and window, operands, products, sums."""
        assert self.depthwise is not None
        return 4 + self.depthwise_sum_latency

    @property
    def depthwise_sum_latency(self) -> int:
        """From the products of a depthwise output to its sum: a tree of adders and fitting, or tap by tap."""
        assert self.depthwise is not None
        return self.depthwise.taps if self.fits_every_sum else self.depthwise.levels + self.finishes_windows

    @property
    def accumulate_latency(self) -> int:
        """From aligned sums to accumulators that the drain may read."""
        return 2

    @property
    def drain_latency(self) -> int:
        """From the drain's issue to the start of the requantizer: accumulator read, lane selection."""
        return 2

    @property
    def requantizer_latency(self) -> int:
        """From accumulator and record to output code: without a multiplier three cycles less."""
        return 5 if self.arithmetic.contract is Contract.SHIFT else 8

    @property
    def store_latency(self) -> int:
        """From output code to activation memory written: rotation, write."""
        return 2

    @property
    def minimum_pass(self) -> int:
        """Shortest pass: the next tile's rows must load, and an accumulator must be written before it is read again.

        Where sums go on from the accumulator, it is read before the array and written behind it. Where they begin with
        the bias, the next job's biases are fetched.
        """
        biases = self.array.columns // self.lanes + 2 if self.begins_with_bias else 0
        return max(self.array.rows, 3 + self.array_latency * self.fits_every_sum, biases)

    @property
    def load_cycles(self) -> int:
        """Before the first step of a layer: its first weights load, a row a cycle, and its first biases."""
        # They are wanted with the first operands at the latest.
        biases = self.array.columns // self.lanes + 2 - self.feed_latency if self.begins_with_bias else 0
        # A weight has to lie in its PE before it can be taken into use.
        return max(self.array.rows, 2, biases)
