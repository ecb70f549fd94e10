"""The depthwise engine: an image streamed once for each block of channels, all taps of an output in one cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import shown_fields
from hwq.gateware.groups import Groups
from hwq.gateware.library import place
from hwq.gateware.nets import add, delay, select
from hwq.gateware.ports import (
    bias_signature,
    command_signature,
    events_signature,
    read_signature,
    result_signature,
    weight_signature,
)
from hwq.gateware.ram import Ram
from hwq.gateware.rounding import shift_left
from hwq.gateware.stream import PixelStream
from hwq.gateware.taps import Taps
from hwq.gateware.window import Window


class DepthwiseEngine(Component):
    """Executes DWCONV: ``value[y, x, c] = sum over i, j of x[y_start + y * y_step + i, ..., c] * weights[i, j, c]``.

    A block of ``depthwise_vector`` channels is streamed pixel by pixel (`PixelStream`) through line memory and window
    (`Window`); where the window holds what an output needs, all taps of ``lanes`` channels are multiplied and summed a
    cycle (`Taps`), group by group. ``depthwise_latency`` cycles after its issue a group is at the results
    unit. Only the stream ever waits: at a block's end, for the next block's weights.
    """

    module = "hwq_depthwise_engine"

    def __init__(self, *, accelerator: Accelerator) -> None:
        assert accelerator.depthwise is not None
        self._accelerator, self._parameters = accelerator, accelerator.depthwise
        self._vector = accelerator.depthwise_vector
        super().__init__(
            {
                "command": In(command_signature(accelerator, Opcode.DWCONV)),
                "read": Out(read_signature(accelerator, self._vector)),
                "weights": Out(weight_signature(accelerator, self._vector)),
                "result": Out(result_signature(accelerator)),
                "events": Out(events_signature(accelerator, "depthwise")),
                "biases": In(bias_signature(accelerator)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator, d, result = self._accelerator, self.command.descriptor, self.result
        lanes, taps = accelerator.lanes, self._parameters.taps
        stream = place(m, "stream", PixelStream, platform, accelerator=accelerator)
        window = place(m, "window", Window, platform, accelerator=accelerator)
        groups = place(m, "groups", Groups, platform, accelerator=accelerator)

        # Pixels into the window.
        m.d.comb += [
            *shown_fields(stream.descriptor, d),
            stream.start.eq(self.command.start),
            self.read.address.eq(stream.address),
            self.weights.advance.eq(stream.load),
            self.weights.rewind.eq(stream.rewind),
            self.weights.base.eq(d.weight_base),
            window.pixel.eq(self.read.data),
            window.enter.eq(stream.enter),
        ]
        if accelerator.packs_weights:
            m.d.comb += self.weights.packing.eq(d.weight_packing)
        if self._parameters.rows > 1:
            m.d.comb += [window.column.eq(stream.column), window.narrow.eq(d.in_width == 1)]

        # All taps of a group of lanes at once.
        weights = self._weights(m, stream)
        numbers = range(self._vector // lanes)
        parts = []
        for lane in range(lanes):
            part = place(m, f"taps_{lane}", Taps, platform, accelerator=accelerator)
            parts.append(part)
            m.d.comb += [
                part.covered.eq(stream.covered),
                part.zero_point.eq(d.in_zero_point),
                result.values[lane].eq(shift_left(part.value, accelerator.arithmetic.truncate.bits)),
            ]
            for k in range(taps):
                channels = [number * lanes + lane for number in numbers]
                group = stream.group if len(numbers) > 1 else None
                m.d.comb += [
                    part.codes[k].eq(select([window.taps[k][channel] for channel in channels], group)),
                    part.weights[k].eq(select([weights[k][channel] for channel in channels], group)),
                ]

        # Where they go: known a cycle before their values, or as early as their biases are wanted.
        early = accelerator.depthwise_sum_latency if accelerator.begins_with_bias else 0
        late = accelerator.depthwise_sum_latency - early
        m.d.comb += [
            *shown_fields(groups.descriptor, d),
            groups.start.eq(self.command.start),
            groups.emit.eq(delay(m, stream.emit, late, "emit", reset_less=False)),
            groups.output_end.eq(delay(m, stream.output_end, late, "output_end")),
            groups.block_end.eq(delay(m, stream.block_end, late, "block_end")),
            groups.partial.eq(delay(m, stream.partial, late, "partial")),
            result.valid.eq(delay(m, groups.valid, early, "group_valid", reset_less=False)),
            result.last.eq(delay(m, groups.last, early, "group_last")),
            result.record.eq(delay(m, groups.record, early, "group_record")),
            result.address.eq(delay(m, groups.address, early, "group_address")),
            result.mask.eq(delay(m, groups.mask, early, "group_mask")),
            result.zero_point.eq(d.out_zero_point),
            result.low.eq(d.low),
            result.high.eq(d.high),
        ]
        if accelerator.begins_with_bias:
            self._biases(m, platform, groups.record, parts)
        if accelerator.may_overflow:
            # Values come a cycle after their group is valid; lanes without a channel have no weights, and a sum of 0.
            counted = delay(m, result.valid, 1, "counted", reset_less=False)
            m.d.sync += [
                self.events.psum.eq(add([counted & part.psum_out for part in parts])),
                self.events.accumulator.eq(add([Mux(counted, part.accumulator_out, 0) for part in parts])),
            ]
        return m

    def _weights(self, m: Module, stream: Any) -> list[Any]:
        """The block's weights by tap, each a word; the next block's come word by word behind them."""
        word = self.weights.weights.shape()
        taps = self._parameters.taps
        coming = [Signal(word, name=f"coming_{k}", reset_less=True) for k in range(taps)]
        present = [Signal(word, name=f"weights_{k}", reset_less=True) for k in range(taps)]
        # Weight memory answers in two cycles.
        with m.If(delay(m, stream.load, 2, "arriving", reset_less=False)):
            for now, then in zip(coming, [*coming[1:], self.weights.weights], strict=True):
                m.d.sync += now.eq(then)
        with m.If(stream.swap):
            m.d.sync += [now.eq(then) for now, then in zip(present, coming, strict=True)]
        return present

    def _biases(self, m: Module, platform: object, record: Any, parts: list[Any]) -> None:
        """Biases lie as records do and are written with them; a group's are there when its products are."""
        lanes, bits = self._accelerator.lanes, self._accelerator.arithmetic.accumulator_bits
        memory = place(m, "bias_memory", Ram, platform, width=lanes * bits, depth=self._accelerator.record_words)
        m.d.comb += [
            memory.write_enable.eq(self.biases.enable),
            memory.write_address.eq(self.biases.address),
            memory.write_data.eq(self.biases.data.as_value()),
            memory.read_address.eq(record),
            *(part.bias.eq(memory.read_data[lane * bits : (lane + 1) * bits]) for lane, part in enumerate(parts)),
        ]
