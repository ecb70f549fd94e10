"""The array engine: convolutions and dense layers on the systolic array."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.accumulator import Accumulator
from hwq.gateware.addresses import AddressGenerator
from hwq.gateware.array import SystolicArray
from hwq.gateware.biases import Biases
from hwq.gateware.descriptor import shown_fields
from hwq.gateware.drain import Drain
from hwq.gateware.library import place
from hwq.gateware.operands import OperandStage
from hwq.gateware.ports import (
    bias_signature,
    command_signature,
    events_signature,
    read_signature,
    result_signature,
    weight_signature,
)
from hwq.gateware.rounding import shift_left


class ArrayEngine(Component):
    """Executes CONV: operands from activation memory through the array into accumulators, and out of them.

    The walk and its flow control are `AddressGenerator`'s and `Drain`'s; the first result comes after the first job's
    last sums, the last one ends the descriptor.
    """

    module = "hwq_array_engine"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        super().__init__(
            {
                "command": In(command_signature(accelerator, Opcode.CONV)),
                "read": Out(read_signature(accelerator, accelerator.array.rows)),
                "weights": Out(weight_signature(accelerator)),
                "result": Out(result_signature(accelerator)),
                "events": Out(events_signature(accelerator, "array")),
                "biases": In(bias_signature(accelerator)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parameters, descriptor = self._accelerator, self.command.descriptor
        rows = parameters.array.rows
        addresses = place(m, "addresses", AddressGenerator, platform, accelerator=parameters)
        operands = place(m, "operand_stage", OperandStage, platform, accelerator=parameters, elements=rows)
        array = place(m, "array", SystolicArray, platform, accelerator=parameters)
        accumulator = place(m, "accumulator", Accumulator, platform, accelerator=parameters)
        drain = place(m, "drain", Drain, platform, accelerator=parameters)

        # Operands and weights into the array, sums into the accumulator.
        m.d.comb += [
            *shown_fields(addresses.descriptor, descriptor),
            addresses.start.eq(self.command.start),
            addresses.freed.eq(drain.freed),
            addresses.freed_bank.eq(drain.freed_bank),
            self.read.address.eq(addresses.read_address),
            operands.codes.eq(self.read.data),
            operands.valid.eq(addresses.operand_valid),
            operands.zero_point.eq(descriptor.in_zero_point),
            self.weights.advance.eq(addresses.load_ahead),
            self.weights.rewind.eq(addresses.load_rewind),
            self.weights.base.eq(descriptor.weight_base),
            array.operands.eq(operands.operands),
            array.renew.eq(addresses.renew),
            array.load.eq(addresses.load),
            array.weights.eq(self.weights.weights),
            accumulator.valid.eq(addresses.sum_valid),
            accumulator.bank.eq(addresses.sum_bank),
            accumulator.address.eq(addresses.sum_address),
            accumulator.sums.eq(array.sums),
        ]
        if parameters.packs_weights:
            m.d.comb += self.weights.packing.eq(descriptor.weight_packing)
        if parameters.begins_with_bias:
            biases = place(m, "biases", Biases, platform, accelerator=parameters)
            connect(m, flipped(self.biases), biases.write)
            m.d.comb += [
                *shown_fields(biases.descriptor, descriptor),
                biases.start.eq(self.command.start),
                biases.job_begin.eq(addresses.job_begin),
                accumulator.biases.eq(biases.starts),
            ]
        if parameters.fits_every_sum:
            m.d.comb += [
                accumulator.start_first.eq(addresses.start_first),
                accumulator.start_bank.eq(addresses.start_bank),
                accumulator.start_address.eq(addresses.start_address),
                array.starts.eq(accumulator.starts),
                accumulator.counts.eq(array.counts),
            ]
        else:
            m.d.comb += accumulator.first.eq(addresses.sum_first)
        if parameters.fits_psums:
            m.d.comb += accumulator.psum_out.eq(array.out)
        if parameters.may_overflow:
            connect(m, accumulator.events, flipped(self.events))

        # Accumulators out through the drain.
        result, unit = self.result, parameters.arithmetic.truncate.bits
        m.d.comb += [
            *shown_fields(drain.descriptor, descriptor),
            drain.start.eq(self.command.start),
            drain.finished.eq(addresses.sum_last),
            drain.finished_bank.eq(addresses.sum_bank),
            accumulator.drain_enable.eq(drain.read_enable),
            accumulator.drain_bank.eq(drain.read_bank),
            accumulator.drain_address.eq(drain.read_address),
            drain.accumulators.eq(accumulator.drain_data),
            result.valid.eq(drain.valid),
            result.last.eq(drain.last),
            result.record.eq(drain.record),
            result.address.eq(drain.address),
            result.mask.eq(drain.mask),
            *(result.values[lane].eq(shift_left(drain.values[lane], unit)) for lane in range(parameters.lanes)),
            result.zero_point.eq(descriptor.out_zero_point),
            result.low.eq(descriptor.low),
            result.high.eq(descriptor.high),
        ]
        return m
