"""The joints of the accelerator: what passes between sequencer, engines, memories and the results unit.

Every joint is a signature, written from the side that asks or sends, and joined with ``connect``. Nothing in them ever
waits: what is valid is taken, what is asked for comes a fixed number of cycles later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, Signature

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import descriptor_signature, field_shape
from hwq.gateware.nets import net
from hwq.gateware.pe import shape_of
from hwq.gateware.ram import address_bits
from hwq.numeric.formats import IntFormat


def element_address(accelerator: Accelerator) -> int:
    """Bits of the address of an element of activation memory."""
    return address_bits(accelerator.word * accelerator.activation_words)


def command_signature(accelerator: Accelerator, opcode: isa.Opcode) -> Signature:
    """What the sequencer tells the engine of an opcode.

    ``start`` is high for one cycle, in which ``descriptor`` is complete; it then stays as it is until the codes of the
    engine's last result are in memory.
    """
    return Signature({"start": Out(1), "descriptor": Out(descriptor_signature(accelerator, opcode))})


def read_signature(accelerator: Accelerator, elements: int) -> Signature:
    """An engine's view of activation memory: ``data``, 2 cycles after ``address``, are the elements from there on.

    They are as many as the engine looks at, at most a word.
    """
    vector = data.ArrayLayout(shape_of(accelerator.activation), elements)
    return Signature({"address": Out(element_address(accelerator)), "data": In(vector)})


def weight_signature(accelerator: Accelerator, columns: int | None = None, bits: int | None = None) -> Signature:
    """An engine's view of weight memory: each cycle of ``advance`` gives ``weights`` 2 cycles later.

    They are the row behind the last one, or with ``rewind`` the first one of the word at ``base``: all its columns, or
    as many as the engine looks at, of a single one the lowest ``bits``. ``packing`` says how many rows there are in a
    word, where they may be several.
    """
    weight = accelerator.weight if bits is None else IntFormat(min(bits, accelerator.weight.width))
    row = data.ArrayLayout(shape_of(weight), accelerator.array.columns if columns is None else columns)
    return Signature(
        {
            "advance": Out(1),
            "rewind": Out(1),
            "base": Out(field_shape("weight_base", accelerator)),
            **({"packing": Out(field_shape("weight_packing", accelerator))} if accelerator.packs_weights else {}),
            "weights": In(row),
        }
    )


def result_signature(accelerator: Accelerator) -> Signature:
    """A group of results on its way to the requantizer lanes.

    With ``valid`` come the word of record memory for the group, the element at which its codes are written, the lanes
    that are written, and whether it is the descriptor's last; ``values`` follow in the next cycle. ``zero_point``,
    ``low`` and ``high`` do not change while a group is on its way.
    """
    lanes = accelerator.lanes
    return Signature(
        {
            "valid": Out(1),
            "last": Out(1),
            "record": Out(address_bits(accelerator.record_words)),
            "address": Out(element_address(accelerator)),
            "mask": Out(lanes),
            "values": Out(data.ArrayLayout(signed(accelerator.value_bits), lanes)),
            "zero_point": Out(field_shape("out_zero_point", accelerator)),
            "low": Out(field_shape("low", accelerator)),
            "high": Out(field_shape("high", accelerator)),
        }
    )


def bias_signature(accelerator: Accelerator) -> Signature:
    """Biases of the channels of a record's word, written with it; nothing where accumulators begin with 0."""
    if not accelerator.begins_with_bias:
        return Signature({})
    bias = signed(accelerator.arithmetic.accumulator_bits)
    return Signature(
        {
            "enable": Out(1),
            "address": Out(address_bits(accelerator.record_words)),
            "data": Out(data.ArrayLayout(bias, accelerator.lanes)),
        }
    )


def events_signature(accelerator: Accelerator, engine: str) -> Signature:
    """How many sums of ``engine`` left ``psum_bits`` and ``accumulator_bits`` in a cycle; nothing where none may."""
    if not accelerator.may_overflow:
        return Signature({})
    together = {"array": accelerator.array.columns, "depthwise": accelerator.lanes}[engine]
    # Of a sum that is fitted again and again each time counts.
    times = 1
    if accelerator.fits_every_sum:
        times = accelerator.array.rows if engine == "array" else accelerator.depthwise_sum_latency
    return Signature({"psum": Out(range(together + 1)), "accumulator": Out(range(together * times + 1))})


def write_signature(accelerator: Accelerator) -> Signature:
    """Codes on their way to activation memory: lane ``i`` goes to element ``address + i`` where ``mask[i]``."""
    lanes = accelerator.lanes
    return Signature(
        {
            "enable": Out(1),
            "address": Out(element_address(accelerator)),
            "mask": Out(lanes),
            "data": Out(data.ArrayLayout(shape_of(accelerator.activation), lanes)),
        }
    )


def pick(m: Module, name: str, choices: Sequence[tuple[Any, Any]]) -> Value:
    """The value whose flag is high, of (flag, value) pairs of one width of which at most one is; one alone is taken."""
    if len(choices) == 1:
        return Value.cast(choices[0][1])
    width = len(Value.cast(choices[0][1]))
    # Without their signs: a sign would be one bit more beside the flags.
    masked = [Value.cast(value).as_unsigned() & Value.cast(flag).replicate(width) for flag, value in choices]
    total = masked[0]
    for value in masked[1:]:
        total |= value
    return net(m, name, total, width)


def share(m: Module, name: str, asking: Sequence[tuple[Any, Any]], target: Any) -> None:
    """Join several ports to ``target``: what goes out comes from the one whose flag is high.

    ``asking`` are (flag, port); what ``target`` answers is seen by all of them, each as far as it is wide.
    """
    for member, definition in target.signature.members.items():
        if definition.flow == In:
            choices = [(flag, getattr(port, member)) for flag, port in asking]
            m.d.comb += Value.cast(getattr(target, member)).eq(pick(m, f"{name}_{member}", choices))
        else:
            answer = Value.cast(getattr(target, member))
            m.d.comb += [Value.cast(getattr(port, member)).eq(answer) for _, port in asking]


def any_of(flags: Sequence[Signal]) -> Value:
    """Whether one of ``flags`` is high."""
    return flags[0] if len(flags) == 1 else Cat(flags).any()
