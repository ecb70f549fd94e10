"""Results unit: where the values of every engine become codes in activation memory."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines import SUMMING
from hwq.gateware.descriptor import record_shape
from hwq.gateware.library import place
from hwq.gateware.nets import add, delay, net
from hwq.gateware.ports import any_of, pick, result_signature, write_signature
from hwq.gateware.ram import Ram, address_bits
from hwq.gateware.requantizer import Requantizer
from hwq.numeric.requantization import OutputOverflow


class Results(Component):
    """Requantizes a group of ``lanes`` values per cycle and holds the records of every channel.

    Each engine has a port of its name; one of them at a time gives groups. A group's codes are written
    ``1 + requantizer_latency`` cycles after its ``valid``, and ``done`` comes in the cycle after the last one's reached
    memory. Interval 1, nothing stalls.

    ``clamps`` counts, one cycle after codes, those of layers that accumulate whose values were outside their format.
    """

    module = "hwq_results"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        super().__init__(
            {
                **{name: In(result_signature(accelerator)) for name in accelerator.engines},
                "write": Out(write_signature(accelerator)),
                "done": Out(1),
                **({"clamps": Out(range(accelerator.lanes + 1))} if accelerator.may_overflow else {}),
                "record_write_enable": In(1),
                "record_write_address": In(address_bits(accelerator.record_words)),
                "record_write_data": In(accelerator.lanes * accelerator.record.bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator = self._accelerator
        lanes = accelerator.lanes
        engines = {name: getattr(self, name) for name in accelerator.engines}
        valid = net(m, "valid", any_of([engine.valid for engine in engines.values()]), 1)

        def chosen(member: str) -> object:
            return pick(m, f"group_{member}", [(e.valid, getattr(e, member)) for e in engines.values()])

        # -- what arrives with the codes ------------------------------------------------------------------------------
        cycles = 1 + accelerator.requantizer_latency
        last = net(m, "last", valid & chosen("last"), 1)
        m.d.comb += [
            self.write.enable.eq(delay(m, valid, cycles, "valid", reset_less=False)),
            self.write.address.eq(delay(m, chosen("address"), cycles, "address")),
            self.write.mask.eq(delay(m, chosen("mask"), cycles, "mask")),
            self.done.eq(delay(m, last, cycles + accelerator.store_latency, "last", reset_less=False)),
        ]

        # -- records and requantizers ----------------------------------------------------------------------------------
        shape = record_shape(accelerator)
        records = place(m, "record_memory", Ram, platform, width=lanes * shape.size, depth=accelerator.record_words)
        m.d.comb += [
            records.write_enable.eq(self.record_write_enable),
            records.write_address.eq(self.record_write_address),
            records.write_data.eq(self.record_write_data),
            records.read_address.eq(chosen("record")),
        ]
        # Whose values come now; it stays, for the constants are read when the last group is deep in the lanes.
        ours = []
        for name, engine in engines.items():
            register = Signal(name=f"{name}_now")
            if len(engines) > 1:
                with m.If(valid):
                    m.d.sync += register.eq(engine.valid)
            ours.append((register, engine))
        zero_point, low, high = (
            pick(m, member, [(now, getattr(engine, member)) for now, engine in ours])
            for member in ("zero_point", "low", "high")
        )
        values = data.View(
            data.ArrayLayout(engines[next(iter(engines))].values.shape().elem_shape, lanes),
            pick(m, "values", [(now, engine.values) for now, engine in ours]),
        )
        summing = any_of([engine.valid for name, engine in engines.items() if name in SUMMING])
        wraps = accelerator.requantization.output_overflow is OutputOverflow.WRAP
        # Whether the values of a cycle are sums of products.
        sums = delay(m, summing, 1, "sums") if accelerator.begins_with_bias or wraps else None
        begun = sums if accelerator.begins_with_bias else None
        clamped = []
        for lane in range(lanes):
            fields = data.View(shape, records.read_data[lane * shape.size : (lane + 1) * shape.size])
            requantizer = place(m, f"requantizer_{lane}", Requantizer, platform, accelerator=accelerator)
            m.d.comb += [
                requantizer.accumulator.eq(values[lane]),
                *(
                    getattr(requantizer, name).eq(self._field(fields, name, begun))
                    for name in accelerator.record.fields
                ),
                *([requantizer.wrap.eq(sums)] if wraps else []),
                Cat(requantizer.zero_point).eq(zero_point),
                Cat(requantizer.low).eq(low),
                Cat(requantizer.high).eq(high),
                self.write.data[lane].eq(requantizer.code),
            ]
            if accelerator.may_overflow:
                clamped.append(requantizer.clamped & self.write.mask[lane])
        if accelerator.may_overflow:
            counted = delay(m, summing, cycles, "counted", reset_less=False)
            m.d.sync += self.clamps.eq(add([counted & out for out in clamped]))
        return m

    @staticmethod
    def _field(fields: Any, name: str, begun: Any) -> Any:
        """A field of a record for its lane; sums that began with their bias are not given it again."""
        value = fields[name]
        return Mux(begun, 0, value) if begun is not None and name in ("bias", "add") else value
