"""The kinds of kernel: how sums are fitted, and how operands are read. Numbers are lengths of tuples, see `vectors`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hwq.numeric.accumulation import Accumulation, Granularity
from hwq.numeric.overflow import Overflow

#: Magnitude that a product of an operand of 9 bits and a weight of 8 does not exceed.
LARGEST_PRODUCT = 255 * 128


class Form(IntEnum):
    """How sums are fitted, and in lanes of how many bits."""

    NARROW = 1
    """Clamped after every addition, 16 bits."""

    WIDE = 2
    """Clamped after every addition, 32 bits."""

    WIDE_WRAP = 3
    """Wrapped after every addition, 32 bits."""

    PASS = 4
    """Exact within a pass, clamped after it, 32 bits."""

    PASS_FOOT = 5
    """As PASS; the sum of the pass is clamped too, before it is added."""

    PASS_WRAP = 6
    """As PASS, but wrapped."""

    PASS_FOOT_WRAP = 7
    """As PASS_FOOT, but wrapped."""

    @property
    def every(self) -> bool:
        """Whether every addition is fitted."""
        return self in (Form.NARROW, Form.WIDE, Form.WIDE_WRAP)

    @property
    def wraps(self) -> bool:
        """Whether sums are wrapped, not clamped."""
        return self in (Form.WIDE_WRAP, Form.PASS_WRAP, Form.PASS_FOOT_WRAP)

    @property
    def foot(self) -> bool:
        """Whether the sum of a pass is fitted before it is added."""
        return self in (Form.PASS_FOOT, Form.PASS_FOOT_WRAP)


class Source(IntEnum):
    """How operands are read."""

    ELEMENTS = 1
    """int16, one for all channels."""

    CHANNELS = 2
    """int16, one for each channel: depthwise."""

    PAIRS = 3
    """As ELEMENTS, by the instruction that multiplies pairs of int16 (AVX-512 VNNI)."""

    BYTES = 4
    """Four adjacent bytes for all channels (AVX-512 VNNI)."""


@dataclass(frozen=True)
class Plan:
    """How the sums of some channels are computed.

    Parameters
    ----------
    form:
        The kernel.
    passes:
        Products of each pass, as far as they matter.
    psum, accumulator:
        Range of the sums of passes and of the accumulators.
    psum_bits, accumulator_bits:
        Widths of both where they wrap.
    counting:
        Whether the kernel counts what leaves them.
    """

    form: Form
    passes: tuple[int, ...]
    psum: tuple[int, int]
    accumulator: tuple[int, int]
    psum_bits: int
    accumulator_bits: int
    counting: bool


def exact(count: int) -> Plan:
    """Sums of ``count`` products of which only 32 bits matter, or which have no more."""
    return _wrapping(count, 32)


def _wrapping(count: int, bits: int) -> Plan:
    return Plan(Form.PASS_WRAP, (count,), (0, 0), (0, 0), 32, bits, counting=False)


def plan(spec: Accumulation, passes: tuple[int, ...], foot: bool, counting: bool) -> Plan | None:
    """How sums that may leave their width are computed; ``None`` where no kernel of vectors does.

    Parameters
    ----------
    spec, passes:
        How sums are fitted, and the products of each pass.
    foot:
        Whether the sum of a pass could leave its width.
    counting:
        Whether events are counted.
    """
    bits, wraps, count = spec.accumulator_bits, spec.fitting is Overflow.WRAP, sum(passes)
    every = spec.granularity is Granularity.MAC
    if spec.truncate:
        return None
    if wraps and not counting and not foot:
        return _wrapping(count, min(bits, 32))
    if bits > 31 or max(passes) * LARGEST_PRODUCT >= 1 << 30:
        return None
    psum_bits = spec.psum_bits if foot and spec.psum_bits is not None else 32
    if every:
        form = Form.WIDE_WRAP if wraps else Form.NARROW if bits <= 16 else Form.WIDE
    elif foot:
        form = Form.PASS_FOOT_WRAP if wraps else Form.PASS_FOOT
    else:
        form = Form.PASS_WRAP if wraps else Form.PASS
    return Plan(form, passes, spec.range(psum_bits), spec.range(bits), psum_bits, bits, counting)
