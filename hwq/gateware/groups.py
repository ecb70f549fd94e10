"""Groups: where the groups of lanes of a streamed layer go, and through which records."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import descriptor_signature
from hwq.gateware.nets import net
from hwq.gateware.ports import element_address
from hwq.gateware.ram import address_bits

_FIELDS = ("last_lanes", "record_base", "out_base", "out_step")


class Groups(Component):
    """Follows the groups that a `PixelStream` emits: block by block, outputs of a block, lanes of an output.

    A cycle after ``emit`` a group is ``valid``, with the word of its records, the element its codes go to, its lanes
    that exist, and whether it is the layer's ``last``. ``start`` comes before a layer's first ``emit``.
    """

    module = "hwq_depthwise_groups"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._vector, self._lanes = accelerator.depthwise_vector, accelerator.lanes
        super().__init__(
            {
                "descriptor": In(descriptor_signature(accelerator, Opcode.DWCONV, *_FIELDS)),
                "start": In(1),
                "emit": In(1),
                "output_end": In(1),
                "block_end": In(1),
                "partial": In(1),
                "valid": Out(1),
                "last": Out(1),
                "record": Out(address_bits(accelerator.record_words)),
                "address": Out(element_address(accelerator)),
                "mask": Out(self._lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor

        def plus(name: str, register: Signal, step: Any) -> Signal:
            return net(m, name, register + step, register.shape())

        address, output_address, block_address = (
            Signal(self.address.shape(), name=f"{name}_address") for name in ("group", "output", "block")
        )
        record, block_record = (Signal(self.record.shape(), name=f"{name}_record") for name in ("group", "block"))
        next_address = plus("next_address", address, self._lanes)
        next_output = plus("next_output", output_address, d.out_step)
        next_block = plus("next_block", block_address, self._vector)
        # Blocks before the last are whole: the next one's records follow.
        next_record = plus("next_record", record, 1)
        with m.If(self.emit):
            m.d.sync += [address.eq(next_address), record.eq(next_record)]
            with m.If(self.output_end):
                m.d.sync += [address.eq(next_output), output_address.eq(next_output), record.eq(block_record)]
            with m.If(self.block_end):
                m.d.sync += [place.eq(next_block) for place in (address, output_address, block_address)]
                m.d.sync += [record.eq(next_record), block_record.eq(next_record)]
        with m.If(self.start):
            m.d.sync += [place.eq(d.out_base) for place in (address, output_address, block_address)]
            m.d.sync += [record.eq(d.record_base), block_record.eq(d.record_base)]

        m.d.sync += [
            self.valid.eq(self.emit),
            self.last.eq(self.block_end & self.partial),
            self.record.eq(record),
            self.address.eq(address),
            *(self.mask[lane].eq(~self.partial | (d.last_lanes > lane)) for lane in range(self._lanes)),
        ]
        return m
