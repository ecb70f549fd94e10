"""The top of the design."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out, Signature, connect

from hwq.arch.accelerator import Accelerator as AcceleratorParameters
from hwq.arch.engines import SUMMING
from hwq.arch.isa import COUNTERS
from hwq.gateware.activations import ActivationMemory
from hwq.gateware.descriptor import record_shape
from hwq.gateware.engines import ENGINES
from hwq.gateware.library import place
from hwq.gateware.load import LoadPort, beat_layout
from hwq.gateware.nets import delay, net
from hwq.gateware.overflows import Overflows
from hwq.gateware.pe import shape_of
from hwq.gateware.ports import share
from hwq.gateware.ram import address_bits
from hwq.gateware.registers import Registers
from hwq.gateware.results import Results
from hwq.gateware.sequencer import Sequencer
from hwq.gateware.weights import WeightMemory


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
        registers = place(m, "registers", Registers, platform, counters=parameters.may_overflow)
        sequencer = place(m, "sequencer", Sequencer, platform, accelerator=parameters)
        load = place(m, "load_port", LoadPort, platform, accelerator=parameters)
        activations = place(m, "activation_memory", ActivationMemory, platform, accelerator=parameters)
        weights = place(m, "weight_memory", WeightMemory, platform, accelerator=parameters)
        engines = {
            name: place(m, f"{name}_engine", ENGINES[name], platform, accelerator=parameters)
            for name in parameters.engines
        }
        results = place(m, "results", Results, platform, accelerator=parameters)

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
            sequencer.finished.eq(results.done),
            self.done.eq(sequencer.done),
        ]

        if parameters.begins_with_bias:
            # Biases are kept where accumulators begin with them, too.
            field = parameters.requantization.bias_field
            records = data.View(data.ArrayLayout(record_shape(parameters), parameters.lanes), load.records_data)
            for name in SUMMING:
                if name in engines:
                    port = engines[name].biases
                    m.d.comb += [
                        port.enable.eq(load.records_enable),
                        port.address.eq(load.address),
                        *(port.data[lane].eq(records[lane][field]) for lane in range(parameters.lanes)),
                    ]

        if parameters.may_overflow:
            overflows = place(m, "overflows", Overflows, platform, accelerator=parameters)
            for name in SUMMING:
                if name in engines:
                    connect(m, engines[name].events, getattr(overflows, name))
            m.d.comb += [
                overflows.clamps.eq(results.clamps),
                overflows.start.eq(registers.start),
                overflows.finished.eq(results.done),
                overflows.layers.eq(sequencer.layers),
                overflows.counted.eq(registers.counted),
                *(getattr(registers, r.name.lower()).eq(getattr(overflows, r.name.lower())) for r in COUNTERS),
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
            results.record_write_enable.eq(load.records_enable),
            results.record_write_address.eq(load.address),
            results.record_write_data.eq(load.records_data),
        ]

        # Engines: commands to all, memories to the one that runs, results from it.
        asking: dict[str, list[Any]] = {"read": [], "weights": []}
        for number, (name, engine) in enumerate(engines.items()):
            connect(m, getattr(sequencer, name), engine.command)
            connect(m, engine.result, getattr(results, name))
            flag = sequencer.active[number] if len(engines) > 1 else None
            for kind, ports in asking.items():
                if hasattr(engine, kind):
                    ports.append((flag, getattr(engine, kind)))
        share(m, "weights", asking["weights"], weights.read)
        engine_read = activations.read.signature.create(path=("engine_read",))
        share(m, "engine_read", asking["read"], engine_read)
        self._activations(m, sequencer.busy, load, engine_read, results.write, activations)
        return m

    def _activations(self, m: Module, busy: Signal, load: Any, read: Any, write: Any, activations: Any) -> None:
        """Activation memory: engines read, the results unit writes; while idle the host does both."""
        parameters = self._accelerator
        word, lanes = parameters.word, parameters.lanes
        aligned = Const(0, (word - 1).bit_length())
        word_address_bits = address_bits(parameters.activation_words)
        reading = Signal()
        m.d.comb += [
            reading.eq(self.read_enable & ~busy),
            activations.read.address.eq(Mux(reading, Cat(aligned, self.read_address), read.address)),
            read.data.eq(activations.read.data),
            self.read_data.eq(activations.read.data),
            self.read_valid.eq(delay(m, reading, 2, "read_valid", reset_less=False)),
            activations.write_enable.eq(write.enable | load.activations_enable),
            activations.write_address.eq(
                Mux(load.activations_enable, Cat(aligned, load.address[:word_address_bits]), write.address)
            ),
        ]
        whole = data.View(activations.write_data.shape(), load.activations_data)
        elements, mask = [], []
        for i in range(word):
            element, enable = whole[i], load.activations_enable
            if i < lanes:
                chosen = Mux(load.activations_enable, whole[i], write.data[i])
                element = net(m, f"write_element_{i}", chosen, element.shape())
                enable = net(m, f"write_enable_{i}", load.activations_enable | write.mask[i], 1)
            elements.append(element)
            mask.append(enable)
        m.d.comb += [activations.write_data.as_value().eq(Cat(elements)), activations.write_mask.eq(Cat(mask))]
