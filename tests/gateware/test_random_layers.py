"""The whole accelerator on random layers: every output, the cycle it is written in, and the layer's cycle count."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Register, Space
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.gateware import accelerator as gateware
from hwq.gateware.results import Results
from hwq.gateware.sequencer import Sequencer
from hwq.graph.layers import Dense
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.schedule import images
from hwq.schedule.cycles import jobs
from hwq.schedule.program import LayerProgram, Program, lower
from tests.support.convolutions import quantization, random_convolution
from tests.support.scalar import scalar_layer
from tests.support.simulation import simulate

SIZES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (4, 4), (4, 6), (5, 3), (8, 4)]


def random_accelerator(choose: random.Random) -> Accelerator:
    rows, columns = choose.choice(SIZES)
    return Accelerator(
        array=ArrayParameters(rows, columns, product_register=choose.random() < 0.5),
        arithmetic=ArithmeticParameters(input_zero_point=choose.choice(list(InputZeroPoint))),
        requantizer=RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        buffers=BufferParameters(
            activations=choose.choice([2048, 2500]),
            weights=1 << 14,
            channels=64,
            descriptors=8,
            accumulators=choose.choice([2, 4, 16, 64]),
        ),
    )


def random_dense(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    count, outputs = int(rng.integers(1, 70)), int(rng.integers(1, 20))
    layer = Dense(
        name="dense",
        inputs=("x",),
        output="y",
        weights=rng.integers(-127, 128, (outputs, count)).astype(np.int8),
        weight_quantization=quantization(0.01, 0),
        bias=rng.integers(-3000, 3000, outputs).astype(np.int32),
        clamp=(-128, 127),
    )
    tensors = {
        "x": Tensor("x", (count,), quantization(0.05, int(rng.integers(-128, 128)))),
        "y": Tensor("y", (outputs,), quantization(0.1, int(rng.integers(-128, 128)))),
    }
    return Network("dense", tensors, (layer,), "x", "y")


class Run:
    """A layer in the simulator: its outputs, its cycle count, and the cycle in which each output was written."""

    def __init__(self, program: Program, layer: LayerProgram, codes: np.ndarray, monkeypatch: pytest.MonkeyPatch):
        self.outputs: list[int] = []
        self.cycles = -1
        self.written: dict[int, int] = {}
        self._hardware, self._layer = program.accelerator, layer
        a = self._hardware
        self._beats = [
            *images.load_beats(a, Space.ACTIVATIONS, layer.input_base // a.word, images.activation_words(a, codes)),
            *images.load_beats(a, Space.WEIGHTS, 0, images.weight_words(program)),
            *images.load_beats(a, Space.RECORDS, 0, images.record_words(program)),
            *images.load_beats(a, Space.DESCRIPTORS, 0, images.descriptor_words(layer)),
        ]
        self._parts: dict[type[Any], Any] = {}
        plain = gateware.place

        def place(m: Any, name: str, kind: type[Any], platform: object, **parameters: Any) -> Any:
            part = self._parts[kind] = plain(m, name, kind, platform, **parameters)
            return part

        # The parts that the design is made of, for the watcher.
        monkeypatch.setattr(gateware, "place", place)
        self._dut = gateware.Accelerator(accelerator=a)
        simulate(self._dut, self._host, self._watch)

    async def _host(self, context: Any) -> None:
        dut, layer, word = self._dut, self._layer, self._hardware.word
        context.set(dut.load.valid, 1)
        for beat in self._beats:
            context.set(dut.load.payload.as_value(), beat)
            await context.tick()
        context.set(dut.load.valid, 0)
        await context.tick()
        context.set(dut.bus_address, Register.CONTROL.value)
        context.set(dut.bus_write_data, 1)
        context.set(dut.bus_write_enable, 1)
        await context.tick()
        context.set(dut.bus_write_enable, 0)
        context.set(dut.bus_address, Register.CYCLES.value)
        for _ in range(layer.predicted_cycles + 100):
            await context.tick()
            if context.get(dut.done):
                break
        else:
            raise AssertionError(f"not done after {layer.predicted_cycles} predicted cycles and 100 more")
        await context.tick()
        self.cycles = context.get(dut.bus_read_data)
        words = []
        for number in range(-(-layer.output_elements // word)):
            context.set(dut.read_address, layer.output_base // word + number)
            context.set(dut.read_enable, 1)
            await context.tick()
            context.set(dut.read_enable, 0)
            await context.tick()
            assert context.get(dut.read_valid)
            words.append(context.get(dut.read_data.as_value()))
        self.outputs = images.unpack_words(words, word, 8)[: layer.output_elements].tolist()

    async def _watch(self, context: Any) -> None:
        """Count cycles from START and note when the results unit writes which element."""
        cycle = 0
        while True:
            await context.tick()
            write, sequencer = self._parts[Results].write, self._parts[Sequencer]
            cycle = 0 if context.get(sequencer.start) else cycle + 1
            if context.get(write.enable):
                address, mask = context.get(write.address), context.get(write.mask)
                for lane in range(self._hardware.lanes):
                    if mask >> lane & 1:
                        element = address + lane - self._layer.output_base
                        assert element not in self.written, f"output {element} is written twice"
                        # The code leaves the requantizer now and is in memory when it has been stored.
                        self.written[element] = cycle + self._hardware.store_latency


def check(seed: int, monkeypatch: pytest.MonkeyPatch) -> LayerProgram:
    choose = random.Random(seed)
    hardware = random_accelerator(choose)
    network = random_dense(seed) if choose.random() < 0.2 else random_convolution(seed)
    layer = network.layers[0]
    rng = np.random.default_rng(seed)
    codes = rng.integers(-128, 128, network.tensors["x"].shape).astype(np.int8)
    program = lower(network, [layer], hardware)
    lowered = program.layers[0]
    run = Run(program, lowered, codes, monkeypatch)
    assert run.outputs == scalar_layer(network, layer, codes)
    assert run.cycles == lowered.predicted_cycles
    assert run.written == {element: lowered.output_cycle(element) for element in range(lowered.output_elements)}
    return lowered


@pytest.mark.parametrize("seed", range(25))
def test_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, monkeypatch)


@pytest.mark.parametrize("seed", [59, 63, 68])
def test_layers_that_wait_for_the_drain(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = check(seed, monkeypatch)
    pairs = [pair for plan in layer.plans for pair in pairwise(jobs(plan))]
    assert any(later.drain == before.drain_end + 2 for before, later in pairs)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, monkeypatch)
