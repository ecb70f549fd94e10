"""The array engine's plans: a convolution or dense layer, one descriptor for each group."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer
from hwq.graph.network import Network
from hwq.schedule.capacity import weight_bits
from hwq.schedule.cycles import count_cycles, output_cycle
from hwq.schedule.geometry import convolutions
from hwq.schedule.losses import array_issue
from hwq.schedule.packing import packed_rows, packed_words, packing_of
from hwq.schedule.plan import ConvPlan, plan_convolution
from hwq.schedule.plans import CycleCount, Places
from hwq.schedule.records import channel_records, clamp_fields


@dataclass(frozen=True, eq=False)
class ArrayPlan:
    """One group of a convolution, cut to the array: a `Plan`."""

    cut: ConvPlan

    opcode = isa.Opcode.CONV

    @property
    def accelerator(self) -> Accelerator:
        """What it is planned for."""
        return self.cut.accelerator

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those that meet padding included."""
        return self.cut.convolution.macs

    @property
    def passes(self) -> int:
        """Times that a tile of weights crosses the array."""
        return self.cut.passes * self.cut.blocks * len(self.cut.tiles)

    @cached_property
    def packing(self) -> int:
        """How often a place of weight memory is halved."""
        return packing_of(weight_bits(self.cut), self.accelerator)

    @property
    def weight_words(self) -> int:
        """Words of weight memory: every tile takes all rows."""
        return packed_words(self.cut.weight_rows, self.packing)

    def weight_image(self) -> NDArray[np.int64]:
        """The tiles in their order, int64 [weight_words, columns]."""
        return packed_rows(self.cut.tiled_weights(), self.packing, self.accelerator)

    def records(self) -> list[dict[str, int]]:
        """Of every channel of every block."""
        return channel_records(self.cut)

    def descriptor(self, places: Places) -> dict[str, int]:
        """The fields of a CONV descriptor, its opcode apart."""
        plan, c, a = self.cut, self.cut.convolution, self.accelerator
        row = c.input_size[1] * c.pixel_elements
        last = plan.block_columns(plan.blocks - 1)
        space = 1 << a.element_address_bits
        return {
            "tile_pixels": plan.tile_pixels,
            "blocks": plan.blocks,
            "last_groups": ceil_div(last, a.lanes),
            "last_lanes": (last - 1) % a.lanes + 1,
            "pixels": c.pixels,
            "out_width": c.output_size[1],
            "ky_count": plan.runs_y,
            "kx_count": plan.runs_x,
            "chunk_count": plan.chunks,
            "run": plan.run,
            "x_start": c.start[1] * c.pixel_elements,
            "in_base": (places.inputs[0] + c.first_channel + c.start[0] * row) % space,
            "in_row": plan.bound,
            "y_start": c.start[0],
            "in_height": c.input_size[0],
            "x_step": c.stride[1] * c.pixel_elements,
            "y_step": c.stride[0],
            "y_step_elements": c.stride[0] * row % space,
            "kx_step": plan.kx_step,
            "ky_step": c.dilation[0],
            "ky_step_elements": c.dilation[0] * row % space,
            "weight_base": places.weights,
            "weight_packing": self.packing,
            "record_base": places.records,
            "out_base": places.output + c.first_output,
            "out_step": c.output_elements % space,
            "in_zero_point": c.input_zero_point,
            "out_zero_point": c.output_zero_point,
            **clamp_fields(c.clamp, a),
        }

    def passes_of_output(self) -> tuple[int, ...]:
        """Every run in chunks as high as the array, the last as long as it comes."""
        rows, run = self.accelerator.array.rows, self.cut.run
        chunks = [min(rows, run - begin) for begin in range(0, run, rows)]
        return tuple(chunks * (self.cut.runs_y * self.cut.runs_x))

    def faults(self) -> list[str]:
        """Where what the hardware counts or adds up from a field is too narrow; widths are `capacity`'s."""
        rows = isa.FIELDS["in_height"].width
        if (self.cut.runs_y - 1) * self.cut.convolution.dilation[0] >= 1 << rows:
            name = self.cut.convolution.layer
            return [f"layer {name}: its dilated kernel is higher than the {1 << rows} rows that the accelerator counts"]
        return []

    def cycles(self) -> CycleCount:
        """By the recurrence the hardware follows."""
        return count_cycles(self.cut)

    def issue(self) -> dict[str, Fraction]:
        """What its issue cycles go to."""
        return array_issue(self.cut)

    def output_cycle(self, element: int) -> int | None:
        """Cycle in which an output of this group is written, ``None`` for those of other groups."""
        c = self.cut.convolution
        pixel, channel = divmod(element, c.output_elements)
        channel -= c.first_output
        return output_cycle(self.cut, pixel, channel) if 0 <= channel < c.channels_out else None


def plan_array(network: Network, layer: Layer, accelerator: Accelerator) -> tuple[ArrayPlan, ...] | str:
    """Plans of ``layer`` on the array, one for each group, or why the array does not take it."""
    if not isinstance(layer, Conv2D | DepthwiseConv2D | Dense):
        return f"the array does not run {layer.op}"
    groups = convolutions(network, layer, accelerator.arithmetic.contract)
    return tuple(ArrayPlan(plan_convolution(group, accelerator)) for group in groups)
