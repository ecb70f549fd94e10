"""The top of the design."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, Signature

from hwq.arch.accelerator import Accelerator as AcceleratorParameters
from hwq.gateware.accumulator import Accumulator
from hwq.gateware.activations import ActivationMemory
from hwq.gateware.addresses import AddressGenerator
from hwq.gateware.array import SystolicArray
from hwq.gateware.drain import Drain
from hwq.gateware.library import place
from hwq.gateware.load import LoadPort, beat_layout
from hwq.gateware.nets import delay, net
from hwq.gateware.operands import OperandStage
from hwq.gateware.pe import shape_of
from hwq.gateware.ram import address_bits
from hwq.gateware.registers import Registers
from hwq.gateware.sequencer import Sequencer
from hwq.gateware.weights import WeightMemory


def _fields(target: Any, source: Any) -> list[Any]:
    """Connect the descriptor fields that ``target`` asks for."""
    return [getattr(target, name).eq(getattr(source, name)) for name in target.signature.members]


class Accelerator(Component):
    """Memories, array, requantizer and the sequencer that runs them by descriptors.

    - ``bus``: registers (``arch.isa``); ``bus_read_data`` is valid one cycle after ``bus_address``.
    - ``load``: a stream that fills the memories; it waits while the accelerator is busy.
    - ``read``: while not busy, ``read_data`` is the word of activation memory at ``read_address``, ``read_valid`` 2
      cycles after ``read_enable``.
    - ``done`` is the status bit, for use as an interrupt.
    """

    module = "hwq_accelerator"

    def __init__(self, *, accelerator: AcceleratorParameters) -> None:
        self._accelerator = accelerator
        super().__init__(self.ports(accelerator))

    @staticmethod
    def ports(accelerator: AcceleratorParameters) -> Signature:
        """The component's signature for given parameters."""
        return Signature(
            {
                "bus_address": In(8),
                "bus_write_enable": In(1),
                "bus_write_data": In(32),
                "bus_read_data": Out(32),
                "load": In(stream.Signature(beat_layout(accelerator))),
                "read_enable": In(1),
                "read_address": In(address_bits(accelerator.activation_words)),
                "read_valid": Out(1),
                "read_data": Out(data.ArrayLayout(shape_of(accelerator.activation), accelerator.word)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parameters = self._accelerator
        registers = place(m, "registers", Registers, platform)
        sequencer = place(m, "sequencer", Sequencer, platform, accelerator=parameters)
        load = place(m, "load_port", LoadPort, platform, accelerator=parameters)
        addresses = place(m, "addresses", AddressGenerator, platform, accelerator=parameters)
        activations = place(m, "activation_memory", ActivationMemory, platform, accelerator=parameters)
        operands = place(m, "operand_stage", OperandStage, platform, accelerator=parameters)
        weights = place(m, "weight_memory", WeightMemory, platform, accelerator=parameters)
        array = place(m, "array", SystolicArray, platform, accelerator=parameters)
        accumulator = place(m, "accumulator", Accumulator, platform, accelerator=parameters)
        drain = place(m, "drain", Drain, platform, accelerator=parameters)
        descriptor = sequencer.conv.descriptor

        # Bus and sequencer.
        m.d.comb += [
            registers.address.eq(self.bus_address),
            registers.write_enable.eq(self.bus_write_enable),
            registers.write_data.eq(self.bus_write_data),
            self.bus_read_data.eq(registers.read_data),
            registers.busy.eq(sequencer.busy),
            registers.done.eq(sequencer.done),
            registers.error.eq(sequencer.error),
            registers.cycles.eq(sequencer.cycles),
            registers.layers.eq(sequencer.layers),
            sequencer.start.eq(registers.start),
            sequencer.conv.done.eq(drain.done),
            self.done.eq(sequencer.done),
        ]

        # Load port.
        m.d.comb += [
            load.beats.payload.eq(self.load.payload),
            load.beats.valid.eq(self.load.valid),
            self.load.ready.eq(load.beats.ready),
            load.busy.eq(sequencer.busy),
            sequencer.write_enable.eq(load.descriptors_enable),
            sequencer.write_address.eq(load.address),
            sequencer.write_data.eq(load.descriptors_data),
            weights.write_enable.eq(load.weights_enable),
            weights.write_address.eq(load.address),
            weights.write_data.eq(load.weights_data),
            drain.record_write_enable.eq(load.records_enable),
            drain.record_write_address.eq(load.address),
            drain.record_write_data.eq(load.records_data),
        ]

        # Activation memory: the array's side reads, the drain writes; while idle the host does both.
        word, lanes = parameters.word, parameters.lanes
        aligned = Const(0, (word - 1).bit_length())
        word_address_bits = address_bits(parameters.activation_words)
        reading = Signal()
        m.d.comb += [
            reading.eq(self.read_enable & ~sequencer.busy),
            activations.read_address.eq(Mux(reading, Cat(aligned, self.read_address), addresses.read_address)),
            self.read_data.eq(activations.read_data),
            self.read_valid.eq(delay(m, reading, 2, "read_valid", reset_less=False)),
            activations.write_enable.eq(drain.write_enable | load.activations_enable),
            activations.write_address.eq(
                Mux(load.activations_enable, Cat(aligned, load.address[:word_address_bits]), drain.write_address)
            ),
        ]
        whole = data.View(activations.write_data.shape(), load.activations_data)
        elements, mask = [], []
        for i in range(word):
            element, enable = whole[i], load.activations_enable
            if i < lanes:
                chosen = Mux(load.activations_enable, whole[i], drain.write_data[i])
                element = net(m, f"write_element_{i}", chosen, element.shape())
                enable = net(m, f"write_enable_{i}", load.activations_enable | drain.write_mask[i], 1)
            elements.append(element)
            mask.append(enable)
        m.d.comb += [activations.write_data.as_value().eq(Cat(elements)), activations.write_mask.eq(Cat(mask))]

        # Operands and weights into the array, sums into the accumulator.
        m.d.comb += [
            *_fields(addresses.descriptor, descriptor),
            addresses.start.eq(sequencer.conv.start),
            addresses.freed.eq(drain.freed),
            addresses.freed_bank.eq(drain.freed_bank),
            operands.codes.as_value().eq(activations.read_data.as_value()),
            operands.valid.eq(addresses.operand_valid),
            operands.zero_point.eq(descriptor.in_zero_point),
            weights.advance.eq(addresses.load_ahead),
            weights.rewind.eq(addresses.load_rewind),
            weights.base.eq(descriptor.weight_base),
            array.operands.eq(operands.operands),
            array.bank.eq(addresses.bank),
            array.load.eq(addresses.load),
            array.weights.eq(weights.weights),
            accumulator.valid.eq(addresses.sum_valid),
            accumulator.first.eq(addresses.sum_first),
            accumulator.bank.eq(addresses.sum_bank),
            accumulator.address.eq(addresses.sum_address),
            accumulator.sums.eq(array.sums),
        ]

        # Accumulators out through the drain.
        m.d.comb += [
            *_fields(drain.descriptor, descriptor),
            drain.start.eq(sequencer.conv.start),
            drain.finished.eq(addresses.sum_last),
            drain.finished_bank.eq(addresses.sum_bank),
            accumulator.drain_enable.eq(drain.read_enable),
            accumulator.drain_bank.eq(drain.read_bank),
            accumulator.drain_address.eq(drain.read_address),
            drain.accumulators.eq(accumulator.drain_data),
        ]
        return m
