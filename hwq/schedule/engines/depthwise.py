"""The depthwise engine's plans: an image streamed once for each block of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.graph.layers import Conv2D, DepthwiseConv2D, Layer
from hwq.graph.network import Network
from hwq.numeric.bounds import code_bits
from hwq.schedule.capacity import left_shift, sum_bits
from hwq.schedule.geometry import Convolution, convolutions
from hwq.schedule.packing import packed_rows, packed_words, packing_of
from hwq.schedule.plans import CycleCount, Places, fetch_cycles, to_memory
from hwq.schedule.records import clamp_fields, records_of


@dataclass(frozen=True, eq=False)
class DepthwisePlan:
    """A depthwise convolution as one descriptor: a `Plan`.

    ``channels`` is a convolution for each channel, in their order: all have one input channel, one output channel and
    the same geometry.
    """

    accelerator: Accelerator
    channels: tuple[Convolution, ...]

    opcode = isa.Opcode.DWCONV

    @property
    def _parameters(self) -> DepthwiseParameters:
        assert self.accelerator.depthwise is not None
        return self.accelerator.depthwise

    @property
    def _geometry(self) -> Convolution:
        return self.channels[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those that meet padding included."""
        return sum(channel.macs for channel in self.channels)

    # -- blocks ----------------------------------------------------------------------------------------------------

    @property
    def blocks(self) -> int:
        """Blocks of channels."""
        return ceil_div(len(self.channels), self.accelerator.depthwise_vector)

    def block_groups(self, block: int) -> int:
        """Groups of lanes, a cycle each, of every output of ``block``."""
        vector = self.accelerator.depthwise_vector
        return ceil_div(min(vector, len(self.channels) - block * vector), self.accelerator.lanes)

    # -- the stream ------------------------------------------------------------------------------------------------

    @property
    def first_step(self) -> int:
        """Number of the step, of a block, whose pixel is the last one that the first output needs."""
        c = self._geometry
        return (c.kernel[0] - 1 + c.start[0]) * c.input_size[1] + c.kernel[1] - 1 + c.start[1]

    @property
    def row_gap(self) -> int:
        """Steps from a row's last output to the next row's first."""
        c = self._geometry
        return c.stride[0] * c.input_size[1] - (c.output_size[1] - 1) * c.stride[1]

    @property
    def steps(self) -> int:
        """Pixels that a block streams, rows below the image included."""
        c = self._geometry
        down, across = c.output_size[0] - 1, c.output_size[1] - 1
        return self.first_step + down * c.stride[0] * c.input_size[1] + across * c.stride[1] + 1

    @cached_property
    def _begins(self) -> list[int]:
        """Cycles of the first steps of all blocks, and of the one that would follow."""
        first = fetch_cycles() + self._parameters.taps + 1
        return list(accumulate((self._block_cycles(block) for block in range(self.blocks)), initial=first))

    def _issues(self, block: int) -> int:
        """Cycles that the steps of ``block`` take: one, and one more for every further group of an output."""
        return self.steps + self._geometry.pixels * (self.block_groups(block) - 1)

    def _block_cycles(self, block: int) -> int:
        """Cycles from a block's first step to that of the next, whose weights load meanwhile, one word a tap."""
        load = self._parameters.taps if block < self.blocks - 1 else 0
        return max(self._issues(block), load)

    # -- what it takes ---------------------------------------------------------------------------------------------

    @cached_property
    def weight_bits(self) -> int:
        """Bits of the weights in memory."""
        p, vector = self._parameters, self.accelerator.depthwise_vector
        # Taps beyond the kernel see pixels, and lanes beyond the last channel may count overflows.
        idle = self._geometry.kernel != (p.rows, p.columns) or len(self.channels) % vector
        return code_bits(np.stack([channel.weights for channel in self.channels]), signs=not idle)

    @cached_property
    def packing(self) -> int:
        """How often a place of weight memory is halved."""
        return packing_of(self.weight_bits, self.accelerator)

    @property
    def weight_words(self) -> int:
        """Words of weight memory: a row for each tap of the window, block by block."""
        return packed_words(self.blocks * self._parameters.taps, self.packing)

    def weight_image(self) -> NDArray[np.int64]:
        """Kernels in the window's last rows and columns, zeros before, int64 [weight_words, columns]."""
        p, columns, vector = self._parameters, self.accelerator.array.columns, self.accelerator.depthwise_vector
        kernel_h, kernel_w = self._geometry.kernel
        window = np.zeros((self.blocks * vector, p.rows, p.columns), dtype=np.int64)
        kernels = np.concatenate([channel.weights[..., 0] for channel in self.channels])
        window[: len(self.channels), p.rows - kernel_h :, p.columns - kernel_w :] = kernels
        rows = np.zeros((self.blocks, p.taps, columns), dtype=np.int64)
        rows[:, :, :vector] = window.reshape(self.blocks, vector, p.taps).transpose(0, 2, 1)
        return packed_rows(rows.reshape(-1, columns), self.packing, self.accelerator)

    def records(self) -> list[dict[str, int]]:
        """Of every channel, and of the last group's lanes that have none."""
        lanes = self.accelerator.lanes
        return records_of(self.channels, self.accelerator, ceil_div(len(self.channels), lanes) * lanes)

    def descriptor(self, places: Places) -> dict[str, int]:
        """The fields of a DWCONV descriptor, its opcode apart."""
        c, a, p = self._geometry, self.accelerator, self._parameters
        space = 1 << a.element_address_bits
        return {
            "last_groups": self.block_groups(self.blocks - 1),
            "last_lanes": (len(self.channels) - 1) % a.lanes + 1,
            "more_blocks": self.blocks - 1,
            "more_down": c.output_size[0] - 1,
            "more_across": c.output_size[1] - 1,
            "y_start": c.start[0] - (p.rows - c.kernel[0]),
            "in_height": c.input_size[0],
            "column_start": c.start[1] - (p.columns - c.kernel[1]),
            "in_width": c.input_size[1],
            # A step that is never taken may be too large for its field.
            "y_step": c.stride[0] if c.output_size[0] > 1 else 0,
            "column_step": c.stride[1] if c.output_size[1] > 1 else 0,
            "first_gap": self.first_step + 1,
            "row_gap": self.row_gap if c.output_size[0] > 1 else 0,
            "in_step": c.pixel_elements % space,
            "in_first": places.inputs[0],
            "weight_base": places.weights,
            "weight_packing": self.packing,
            "record_base": places.records,
            "out_base": places.output,
            "out_step": c.output_elements % space,
            "in_zero_point": c.input_zero_point,
            "out_zero_point": c.output_zero_point,
            **clamp_fields(c.clamp, a),
        }

    def passes_of_output(self) -> tuple[int, ...]:
        """A kernel is one pass."""
        return (int(self._geometry.weights[0].size),)

    def faults(self) -> list[str]:
        """Where weights or scales are beyond the chosen widths."""
        a, name = self.accelerator, self._geometry.layer
        shift = left_shift(self.channels, a)
        most, faults = a.requantizer.max_left_shift, []
        if (bits := self.weight_bits) > a.arithmetic.weight_bits:
            faults.append(
                f"layer {name}: its weights need {bits} bits and arithmetic.weight_bits is {a.arithmetic.weight_bits}; "
                f"raise arithmetic.weight_bits to {bits}"
            )
        if a.begins_with_bias and not a.may_overflow:
            # Without a bias the engine's sums are exact, whatever the accumulators' width.
            bits = max(sum_bits(channel, a) for channel in self.channels)
            if bits > a.arithmetic.accumulator_bits:
                faults.append(
                    f"layer {name}: its sums need {bits} bits and arithmetic.accumulator_bits is "
                    f"{a.arithmetic.accumulator_bits}; raise arithmetic.accumulator_bits to {bits}"
                )
        if shift > most:
            faults.append(
                f"layer {name}: its scales need a shift to the left by {shift} bits and the requantizer shifts by at "
                f"most {most}; raise requantizer.max_left_shift to {shift}"
            )
        return faults

    # -- cycles ----------------------------------------------------------------------------------------------------

    def cycles(self) -> CycleCount:
        """Steps are issued; further groups of an output, and weights that are not there yet, are waited for."""
        load, issue = self._parameters.taps, self.steps * self.blocks
        wait = self._begins[-1] - self._begins[0] - issue
        tail = self.accelerator.depthwise_latency + to_memory(self.accelerator)
        return CycleCount(fetch_cycles(), load, issue, wait, tail)

    def output_cycle(self, element: int) -> int | None:
        """Cycle in which an output is in memory."""
        c, a = self._geometry, self.accelerator
        pixel, channel = divmod(element, c.output_elements)
        block, lane = divmod(channel, a.depthwise_vector)
        y, x = divmod(pixel, c.output_size[1])
        step = self.first_step + y * c.stride[0] * c.input_size[1] + x * c.stride[1]
        issued = step + pixel * (self.block_groups(block) - 1) + lane // a.lanes
        return self._begins[block] + issued + a.depthwise_latency + to_memory(a)


def plan_depthwise(network: Network, layer: Layer, accelerator: Accelerator) -> tuple[DepthwisePlan, ...] | str:
    """The plan of ``layer`` on the depthwise engine, or why the engine does not take it."""
    p = accelerator.depthwise
    if p is None:
        return "there is no depthwise engine"
    if not isinstance(layer, Conv2D | DepthwiseConv2D):
        return f"the depthwise engine does not run {layer.op}"
    channels = convolutions(network, layer, accelerator.arithmetic.contract)
    c = channels[0]
    if c.channels_in > 1:
        return f"the depthwise engine takes a group for each channel, and its groups have {c.channels_in}"
    if c.channels_out > 1:
        return f"the depthwise engine takes one output of each channel, and it has {c.channels_out}"
    reason = _misfit(c, layer.padding, p)
    if reason:
        return reason
    plan = DepthwisePlan(accelerator, tuple(channels))
    try:
        # Bases are given later; what is too large already is a matter of the layer's shape.
        isa.LAYOUTS[plan.opcode].pack(plan.descriptor(Places(0, 0, (0,), 0)))
    except ValueError as error:
        return f"the depthwise engine's descriptor has no room for it: {error}"
    return (plan,)


def _misfit(c: Convolution, padding: Sequence[int], p: DepthwiseParameters) -> str:
    """Why a layer's shape is not one for the stream; empty where it is."""
    (kernel_h, kernel_w), width = c.kernel, c.input_size[1]
    top, bottom, left, right = padding
    if any(dilation > 1 < taps for dilation, taps in zip(c.dilation, c.kernel, strict=True)):
        return f"the depthwise engine's taps are adjacent, and its dilation is {c.dilation[0]}x{c.dilation[1]}"
    if kernel_h > p.rows or kernel_w > p.columns:
        return (
            f"its {kernel_h}x{kernel_w} kernel is larger than depthwise.rows x depthwise.columns ({p.rows}x{p.columns})"
        )
    if width > p.line:
        return f"its rows of {width} pixels are longer than depthwise.line ({p.line})"
    # Otherwise outputs would be due before the stream begins, or two at once at the end of a row.
    if max(top, bottom) >= kernel_h or left + right >= kernel_w:
        return f"its padding of {top}, {bottom}, {left} and {right} is no less than its {kernel_h}x{kernel_w} kernel"
    return ""
