"""The whole accelerator in Amaranth's simulator: random layers, every output, every cycle, against plain loops."""

from __future__ import annotations

import random

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Register, Space
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.gateware.accelerator import Accelerator as Gateware
from hwq.graph.layers import Conv2D
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.numeric.requantize import quantize_multiplier
from hwq.schedule import images
from hwq.schedule.program import LayerProgram, Program, lower
from tests.gateware.simulation import simulate
from tests.support.convolutions import random_convolution


def random_accelerator(seed: int) -> Accelerator:
    choose = random.Random(seed)
    rows, columns = choose.choice([(4, 4), (3, 5), (4, 6), (2, 2), (8, 4), (1, 3), (5, 1), (7, 8)])
    return Accelerator(
        ArrayParameters(rows, columns, choose.random() < 0.5),
        ArithmeticParameters(input_zero_point=choose.choice(list(InputZeroPoint))),
        RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        BufferParameters(
            activations=4096, weights=1 << 15, channels=128, descriptors=8, accumulators=choose.choice([4, 7, 64])
        ),
    )


def scalar_outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """The layer's output, flat, one multiplication at a time."""
    layer = network.layers[0]
    assert isinstance(layer, Conv2D)
    zero_in = int(network.tensors["x"].quantization.zero_point[0])
    zero_out = int(network.tensors["y"].quantization.zero_point[0])
    height, width, _ = x.shape
    top, _, left, _ = layer.padding
    channels = len(layer.weights)
    per_group, inputs = channels // layer.groups, layer.weights.shape[3]
    multipliers, shifts = quantize_multiplier(effective_scales(network, layer))
    y = np.zeros(network.tensors["y"].shape, np.int64)
    for row, column, channel in np.ndindex(y.shape):
        total = int(layer.bias[channel])
        for (ky, kx, ci), weight in np.ndenumerate(layer.weights[channel]):
            at_y = row * layer.stride[0] + ky * layer.dilation[0] - top
            at_x = column * layer.stride[1] + kx * layer.dilation[1] - left
            if 0 <= at_y < height and 0 <= at_x < width:
                code = int(x[at_y, at_x, channel // per_group * inputs + ci])
                total += (code - zero_in) * int(weight)
        y[row, column, channel] = min(
            max(_scaled(total, multipliers, shifts, channel) + zero_out, layer.clamp[0]), layer.clamp[1]
        )
    return y.reshape(-1)


def _scaled(total: int, multipliers: np.ndarray, shifts: np.ndarray, channel: int) -> int:
    multiplier, shift = int(multipliers[channel]), int(shifts[channel])
    total = ((total << max(shift, 0)) + 2**31) % 2**32 - 2**31
    total = (total * multiplier + 2**30) >> 31
    right = max(-shift, 0)
    if not right:
        return total
    magnitude = (abs(total) + (1 << right - 1)) >> right
    return magnitude if total >= 0 else -magnitude


class Run:
    """One layer run in simulation: outputs, cycles, and the cycle in which each element was written."""

    def __init__(self, accelerator: Accelerator, program: Program, x: np.ndarray) -> None:
        self._accelerator, self._layer = accelerator, program.layers[0]
        self._beats = images.load_beats(accelerator, Space.ACTIVATIONS, 0, images.activation_words(accelerator, x))
        for space, words in (
            (Space.WEIGHTS, images.weight_words(program)),
            (Space.RECORDS, images.record_words(program)),
            (Space.DESCRIPTORS, images.descriptor_words(self._layer)),
        ):
            self._beats += images.load_beats(accelerator, space, 0, words)
        self._dut = Gateware(accelerator=accelerator)
        self.cycles = 0
        self.words: list[int] = []
        simulate(self._dut, self._testbench)
        outputs = images.unpack_words(self.words, accelerator.word, accelerator.activation.width)
        self.outputs = outputs[: self._layer.output_elements]

    async def _testbench(self, ctx: SimulatorContext) -> None:
        dut, layer, word = self._dut, self._layer, self._accelerator.word
        ctx.set(dut.load.valid, 1)
        for beat in self._beats:
            ctx.set(dut.load.payload.as_value(), beat)
            await ctx.tick()
        ctx.set(dut.load.valid, 0)
        await ctx.tick()
        ctx.set(dut.bus_address, Register.CONTROL.value)
        ctx.set(dut.bus_write_data, 1)
        ctx.set(dut.bus_write_enable, 1)
        await ctx.tick()
        ctx.set(dut.bus_write_enable, 0)
        ctx.set(dut.bus_address, Register.CYCLES.value)
        for _ in range(2 * layer.predicted_cycles + 100):
            await ctx.tick()
            if ctx.get(dut.done):
                break
        else:
            pytest.fail("not done")
        await ctx.tick()
        self.cycles = ctx.get(dut.bus_read_data)
        for number in range(-(-layer.output_elements // word)):
            ctx.set(dut.read_address, layer.output_base // word + number)
            ctx.set(dut.read_enable, 1)
            await ctx.tick()
            ctx.set(dut.read_enable, 0)
            await ctx.tick()
            assert ctx.get(dut.read_valid)
            self.words.append(ctx.get(dut.read_data.as_value()))


def lowered(seed: int) -> tuple[Accelerator, Network, Program, LayerProgram]:
    accelerator, network = random_accelerator(seed), random_convolution(seed)
    program = lower(network, network.layers, accelerator)
    return accelerator, network, program, program.layers[0]


def check(seed: int) -> None:
    accelerator, network, program, layer = lowered(seed)
    x = np.random.default_rng(seed).integers(-128, 128, network.tensors["x"].shape)
    run = Run(accelerator, program, x)
    assert np.array_equal(run.outputs, scalar_outputs(network, x))
    assert run.cycles == layer.predicted_cycles


@pytest.mark.parametrize("seed", range(25))
def test_a_random_layer(seed: int) -> None:
    check(seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_many_random_layers(seed: int) -> None:
    check(seed)
