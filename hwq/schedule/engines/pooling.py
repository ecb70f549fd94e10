"""The pooling engine's plans: pooling, means, paddings, joins and changes of scale, each as windows over an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.arch.engines.pooling import LARGEST_COUNT, LATENCY
from hwq.graph.layers import Concatenation, Layer, Mean, Pad, Pool2D, PoolKind, Requantize
from hwq.graph.network import Network
from hwq.numeric.division import division_multiplier, mean_multiplier
from hwq.numeric.requantize import Contract
from hwq.schedule.plans import CycleCount, Places, fetch_cycles, to_memory
from hwq.schedule.records import fixed_record, scales_freely
from hwq.schedule.windows import Windows, copy_windows, join_windows, mean_windows, pad_windows, pool_windows

#: Bias, multiplier and shift that leave a code as it is: they undo the 8 fraction bits that the engine gives it.
_IDENTITY = (0, 1 << 30, -7)


@dataclass(frozen=True)
class PoolingPlan:
    """Windows as one descriptor: a `Plan`.

    Parameters
    ----------
    accelerator:
        What it is planned for.
    layer:
        Name of the layer.
    windows:
        Over what, and to where.
    source:
        Number of the layer's input that is read.
    record:
        Bias, multiplier and shift of every window; ``None``: it divides by the positions inside the input.
    maximum:
        Whether a window's value is its largest code, not the sum.
    unscaled:
        Whether values are requantized as they are, not with 8 fraction bits.
    fill:
        What positions outside the input count as.
    zero_point, clamp:
        Of the output codes; ``None``: all that memory holds.
    """

    accelerator: Accelerator
    layer: str
    windows: Windows
    source: int = 0
    record: tuple[int, int, int] | None = _IDENTITY
    maximum: bool = False
    unscaled: bool = False
    fill: int = 0
    zero_point: int = 0
    clamp: tuple[int, int] | None = None

    opcode = isa.Opcode.POOL
    macs = 0
    weight_words = 0

    @property
    def blocks(self) -> int:
        """Blocks of channels, a vector each."""
        return ceil_div(self.windows.channels, self.accelerator.vector)

    @property
    def full_groups(self) -> int:
        """Groups of a window of every block but the last."""
        return self.accelerator.vector // self.accelerator.lanes

    @property
    def last_groups(self) -> int:
        """Groups of a window of the last block."""
        return ceil_div(self.windows.channels - (self.blocks - 1) * self.accelerator.vector, self.accelerator.lanes)

    @property
    def lacking(self) -> tuple[int, int]:
        """Most rows and columns of a window that are padding, where the record depends on them."""
        if self.record is not None:
            return 0, 0
        rows, columns = (self.windows.kernel[axis] - int(self.windows.inside(axis).min()) for axis in (0, 1))
        return rows, columns

    def weight_image(self) -> NDArray[np.int64]:
        """There are no weights: int64 [0, columns]."""
        return np.zeros((0, self.accelerator.array.columns), dtype=np.int64)

    def records(self) -> list[dict[str, int]]:
        """One for all channels, or one for each number of rows and columns that a window can lack."""
        if self.record is not None:
            choices = [self.record]
        else:
            rows, columns = self.lacking
            height, width = self.windows.kernel
            choices = [
                (0, *division_multiplier((height - row) * (width - column)))
                for row in range(rows + 1)
                for column in range(columns + 1)
            ]
        fields = [fixed_record(self.accelerator, *choice) for choice in choices]
        return [record for record in fields for _ in range(self.accelerator.lanes)]

    def descriptor(self, places: Places) -> dict[str, int]:
        """The fields of a POOL descriptor, its opcode apart."""
        a, w = self.accelerator, self.windows
        low, high = self.clamp or (a.activation.min, a.activation.max)
        space = 1 << a.element_address_bits
        pixel, row = w.channels, w.size[1] * w.channels
        # From the first position of a window to its last, of a row of windows to its last, of a block to its last row.
        window = (w.kernel[0] - 1) * row + (w.kernel[1] - 1) * pixel
        across = (w.outputs[1] - 1) * w.stride[1] * pixel
        down = (w.outputs[0] - 1) * w.stride[0] * row
        rows, columns = self.lacking
        last = w.channels - (self.blocks - 1) * a.vector
        return {
            "maximum": int(self.maximum),
            "unscaled": int(self.unscaled),
            "more_rows": w.kernel[0] - 1,
            "more_columns": w.kernel[1] - 1,
            "fill": self.fill,
            "more_down": w.outputs[0] - 1,
            "more_across": w.outputs[1] - 1,
            "more_blocks": self.blocks - 1,
            "last_groups": self.last_groups,
            "last_lanes": (last - 1) % a.lanes + 1,
            "y_start": w.start[0],
            "in_height": w.size[0],
            "column_start": w.start[1],
            "in_width": w.size[1],
            "y_step": w.stride[0],
            "column_step": w.stride[1],
            "in_base": (places.inputs[self.source] + w.start[0] * row + w.start[1] * pixel) % space,
            "column_elements": pixel % space,
            "row_elements": (row - (w.kernel[1] - 1) * pixel) % space,
            "pixel_elements": (w.stride[1] * pixel - window) % space,
            "line_elements": (w.stride[0] * row - across - window) % space,
            "block_elements": (a.vector - down - across - window) % space,
            "out_base": places.output + w.out_first,
            "out_step": w.out_step % space,
            "out_block_step": (a.vector - (w.pixels - 1) * w.out_step) % space,
            "record_base": places.records,
            "record_row_step": columns + 1 if rows else 0,
            "record_column_step": int(columns > 0),
            "out_zero_point": self.zero_point,
            "low": low,
            "high": high,
        }

    def passes_of_output(self) -> tuple[int, ...]:
        """Nothing is accumulated that could leave its width."""
        return ()

    def faults(self) -> list[str]:
        """Where the scale needs a shift that the requantizers do not have."""
        most, need = self.accelerator.requantizer.max_left_shift, self.record[2] if self.record else 0
        if need <= most:
            return []
        text = f"its scales need a shift to the left by {need} bits and the requantizer shifts by at most {most}"
        return [f"layer {self.layer}: {text}; raise requantizer.max_left_shift to {need}"]

    def cycles(self) -> CycleCount:
        """One position a cycle; windows of fewer positions than groups wait for the groups of the one before."""
        issue = self.windows.positions * self.windows.pixels * self.blocks
        last = self._last_position(self.blocks - 1, self.windows.pixels - 1)
        tail = LATENCY + self.last_groups - 1 + to_memory(self.accelerator)
        return CycleCount(fetch_cycles(), 0, issue, last - fetch_cycles() - issue, tail)

    def output_cycle(self, element: int) -> int | None:
        """Cycle in which ``element`` is written, ``None`` where it is not among this plan's channels."""
        pixel, channel = divmod(element, self.windows.out_step)
        channel -= self.windows.out_first
        if not 0 <= channel < self.windows.channels:
            return None
        block, lane = divmod(channel, self.accelerator.vector)
        group = lane // self.accelerator.lanes
        return self._last_position(block, pixel) + LATENCY + group + to_memory(self.accelerator)

    def _last_position(self, block: int, pixel: int) -> int:
        """Cycle in which the last position of a window is issued."""
        positions, pixels = self.windows.positions, self.windows.pixels
        groups = self.last_groups if block == self.blocks - 1 else self.full_groups
        # The window after one follows it by its positions, or by that one's groups where these are more.
        before = block * pixels * max(positions, self.full_groups) + pixel * max(positions, groups)
        return fetch_cycles() + positions + before


def plan_pooling(network: Network, layer: Layer, accelerator: Accelerator) -> tuple[PoolingPlan, ...] | str:
    """Plans of ``layer`` on the pooling engine, one for each input, or why the engine does not take it."""
    found = _plans(network, layer, accelerator)
    if isinstance(found, str):
        return found
    for plan in found:
        try:
            isa.LAYOUTS[plan.opcode].pack(plan.descriptor(Places(0, 0, (0,) * len(layer.inputs), 0)))
        except ValueError as error:
            return f"the pooling engine's descriptor has no room for it: {error}"
    return found


def _plans(network: Network, layer: Layer, accelerator: Accelerator) -> tuple[PoolingPlan, ...] | str:
    sources, target = [network.tensors[name] for name in layer.inputs], network.tensors[layer.output]
    shape = sources[0].shape
    if isinstance(layer, Pool2D):
        windows = pool_windows(layer, shape, target.shape)
        if layer.kind is PoolKind.MAX:
            lowest = accelerator.activation.min
            return (PoolingPlan(accelerator, layer.name, windows, maximum=True, fill=lowest, clamp=layer.clamp),)
        if not scales_freely(accelerator):
            return _unproven("averages", accelerator)
        count = int(windows.inside(0).max() * windows.inside(1).max())
        if count > LARGEST_COUNT:
            return _too_many(count)
        return (PoolingPlan(accelerator, layer.name, windows, record=None, clamp=layer.clamp),)
    if isinstance(layer, Mean):
        if not scales_freely(accelerator):
            return _unproven("means", accelerator)
        if accelerator.arithmetic.contract is Contract.UP2 and layer.axes == (0, 1) and len(target.shape) == 3:
            return "LiteRT's optimized mean over an image, which contract up2 stands for, has roundings of its own"
        means = mean_windows(shape, layer.axes)
        if means is None:
            return f"the pooling engine takes means over axes that lie side by side, not over {list(layer.axes)}"
        if means.positions > LARGEST_COUNT:
            return _too_many(means.positions)
        return (_rescaled(network, layer, accelerator, means),)
    if isinstance(layer, Requantize):
        if not (sources[0].quantization.format.signed and target.quantization.format.signed):
            return "the pooling engine changes scales of signed codes only"
        if not scales_freely(accelerator):
            return _unproven("changes of scale", accelerator)
        return (_rescaled(network, layer, accelerator, copy_windows(target.elements)),)
    if isinstance(layer, Pad):
        padding = pad_windows(shape, layer.amounts)
        if padding is None:
            axes = [axis for axis, pair in enumerate(layer.amounts) if any(pair)]
            return f"the pooling engine pads rows and columns of an image, not axes {axes} of {list(shape)} together"
        return (PoolingPlan(accelerator, layer.name, padding, fill=layer.value),)
    if isinstance(layer, Concatenation):
        parts = join_windows([source.shape for source in sources], layer.axis)
        return tuple(PoolingPlan(accelerator, layer.name, part, number) for number, part in enumerate(parts))
    return f"the pooling engine does not run {layer.op}"


def _unproven(what: str, accelerator: Accelerator) -> str:
    return f"{what} are not proven under contract {accelerator.arithmetic.contract.value}"


def _too_many(count: int) -> str:
    return f"the pooling engine averages up to {LARGEST_COUNT} positions exactly, not {count}"


def _rescaled(network: Network, layer: Layer, accelerator: Accelerator, windows: Windows) -> PoolingPlan:
    """The mean of each window, from one scale to another."""
    source, target = (network.tensors[name].quantization for name in (layer.inputs[0], layer.output))
    scale = float(source.scale[0]) / float(target.scale[0])
    bias = -int(source.zero_point[0]) * windows.positions
    return PoolingPlan(
        accelerator,
        layer.name,
        windows,
        record=(bias, *mean_multiplier(scale, windows.positions)),
        unscaled=True,
        zero_point=int(target.zero_point[0]),
        clamp=(target.format.min, target.format.max),
    )
