"""Lowers layers to what the accelerator executes: descriptors, memory images and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.arch.isa import Space
from hwq.errors import CapacityError
from hwq.graph.layers import Conv2D, Dense, Reshape
from hwq.graph.network import Network
from hwq.schedule.allocation import allocate
from hwq.schedule.capacity import width_faults
from hwq.schedule.cycles import count_cycles, output_cycle
from hwq.schedule.geometry import convolutions, is_convolution
from hwq.schedule.plan import ConvPlan, plan_convolution
from hwq.schedule.plans import CycleCount
from hwq.schedule.records import channel_records

WHOLE = "whole-network"
"""Name of the run of a whole network."""

_PARAMETERS = {
    Space.ACTIVATIONS: ("activations", "elements"),
    Space.WEIGHTS: ("weights", "weights"),
    Space.RECORDS: ("channels", "channels"),
    Space.DESCRIPTORS: ("descriptors", "descriptors"),
}


@dataclass(frozen=True, eq=False)
class LayerProgram:
    """One layer: its plans and descriptors (one per group), where its tensors lie and what it costs.

    ``input_base`` and ``output_base`` are element addresses, multiples of a word. ``descriptors`` hold the fields by
    name.
    """

    name: str
    plans: tuple[ConvPlan, ...]
    descriptors: tuple[dict[str, int], ...]
    input_base: int
    input_elements: int
    output_base: int
    output_elements: int
    cycles: tuple[CycleCount, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(plan.convolution.macs for plan in self.plans)

    @property
    def passes(self) -> int:
        """Times that a tile of weights crosses the array."""
        return sum(plan.passes * plan.blocks * len(plan.tiles) for plan in self.plans)

    @property
    def predicted_cycles(self) -> int:
        """Cycles from START to the layer's last output written."""
        return sum(count.total for count in self.cycles)

    @property
    def output_size(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the output."""
        convolution = self.plans[0].convolution
        return (*convolution.output_size, convolution.output_elements)

    @property
    def multipliers(self) -> int:
        """Multipliers of the array."""
        array = self.plans[0].accelerator.array
        return array.rows * array.columns

    @property
    def utilization(self) -> float:
        """Part of the array's multiplications that are the layer's own."""
        return self.macs / (self.predicted_cycles * self.multipliers)

    def output_cycle(self, element: int) -> int:
        """Cycle, counted from START, in which output ``element`` (in memory order) is written."""
        pixel, channel = divmod(element, self.plans[0].convolution.output_elements)
        group, channel = divmod(channel, self.plans[0].convolution.channels_out)
        return sum(count.total for count in self.cycles[:group]) + output_cycle(self.plans[group], pixel, channel)


@dataclass(frozen=True, eq=False)
class NetworkProgram:
    """A network in one run: its layers one after the other, each where the one before left its output.

    ``rest`` are the layers after the last one on the array, which the host computes from the output.
    """

    layers: tuple[LayerProgram, ...]
    output: str
    rest: tuple[str, ...]

    @property
    def name(self) -> str:
        """What files and reports call the run; no layer can be called that."""
        return WHOLE

    @property
    def descriptors(self) -> list[dict[str, int]]:
        """Those of all layers, without END."""
        return [fields for layer in self.layers for fields in layer.descriptors]

    @property
    def input_base(self) -> int:
        """Element address of the network's input."""
        return self.layers[0].input_base

    @property
    def output_base(self) -> int:
        """Element address of the last layer's output."""
        return self.layers[-1].output_base

    @property
    def input_elements(self) -> int:
        """Elements of the network's input."""
        return self.layers[0].input_elements

    @property
    def output_elements(self) -> int:
        """Elements of the last layer's output."""
        return self.layers[-1].output_elements

    @property
    def output_size(self) -> tuple[int, int, int]:
        """Rows, columns and channels of the last layer's output."""
        return self.layers[-1].output_size

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.macs for layer in self.layers)

    @property
    def predicted_cycles(self) -> int:
        """Cycles from START to the last output written."""
        return sum(layer.predicted_cycles for layer in self.layers)

    @property
    def multipliers(self) -> int:
        """Multipliers of the array."""
        return self.layers[0].multipliers

    def output_cycle(self, element: int) -> int:
        """Cycle, counted from START, in which output ``element`` of the last layer is written."""
        return sum(layer.predicted_cycles for layer in self.layers[:-1]) + self.layers[-1].output_cycle(element)


@dataclass(frozen=True, eq=False)
class Program:
    """The layers of a network that the array runs, each startable by itself, and the memory images they share.

    ``weights`` is int64 [words, columns], ``records`` a list of fields per channel, in memory order,
    ``activations`` the elements that the network's tensors take. ``network`` is the run of all layers in one go, where
    nothing but layers on the array lies between them.
    """

    accelerator: Accelerator
    layers: tuple[LayerProgram, ...]
    weights: NDArray[np.int64]
    records: tuple[dict[str, int], ...]
    activations: int
    network: NetworkProgram | None

    @property
    def runs(self) -> tuple[LayerProgram | NetworkProgram, ...]:
        """Everything that can be started: each layer, and the whole network where it is one run."""
        return (*self.layers, self.network) if self.network else self.layers

    def run(self, name: str) -> LayerProgram | NetworkProgram:
        """The run called ``name``; KeyError where there is none."""
        runs = {run.name: run for run in self.runs}
        return runs[name]

    def layer(self, name: str) -> LayerProgram:
        """The layer called ``name``; KeyError where the program has none."""
        return next(layer for layer in self.layers if layer.name == name)

    def used(self) -> dict[Space, tuple[int, int]]:
        """(words used, words there are) of each memory; of descriptor memory, by the longest run."""
        a = self.accelerator
        lanes = a.lanes
        counts = [len(layer.descriptors) for layer in self.layers]
        descriptors = (sum(counts) if self.network else max(counts, default=0)) + 1
        return {
            Space.ACTIVATIONS: (ceil_div(self.activations, a.word), a.activation_words),
            Space.WEIGHTS: (len(self.weights), a.weight_words),
            Space.RECORDS: (ceil_div(len(self.records), lanes), a.record_words),
            Space.DESCRIPTORS: (descriptors * isa.DESCRIPTOR_WORDS, a.descriptor_words),
        }


def descriptor_fields(
    plan: ConvPlan, weight_base: int, record_base: int, in_base: int, out_base: int
) -> dict[str, int]:
    """The fields of a CONV descriptor; bases are words for weights and records, elements for tensors."""
    c, a = plan.convolution, plan.accelerator
    row = c.input_size[1] * c.pixel_elements
    last = plan.block_columns(plan.blocks - 1)
    return {
        "opcode": isa.Opcode.CONV.value,
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
        "in_base": (in_base + c.first_channel + c.start[0] * row) % (1 << a.element_address_bits),
        "in_row": plan.bound,
        "y_start": c.start[0],
        "in_height": c.input_size[0],
        "x_step": c.stride[1] * c.pixel_elements,
        "y_step": c.stride[0],
        "y_step_elements": c.stride[0] * row % (1 << a.element_address_bits),
        "kx_step": plan.kx_step,
        "ky_step": c.dilation[0],
        "ky_step_elements": c.dilation[0] * row % (1 << a.element_address_bits),
        "weight_base": weight_base,
        "record_base": record_base,
        "out_base": out_base + c.first_output,
        "out_step": c.output_elements % (1 << a.element_address_bits),
        "in_zero_point": c.input_zero_point,
        "out_zero_point": c.output_zero_point,
        "low": c.clamp[0],
        "high": c.clamp[1],
    }


def lower(network: Network, layers: Sequence[Conv2D | Dense], accelerator: Accelerator) -> Program:
    """Lower ``layers`` of ``network``, each to a program of its own that shares memories with the others.

    Raises
    ------
    CapacityError
        When the layers do not fit; the message names every memory and width, the shortfall and the parameter to raise.
    """
    a = accelerator
    weights: list[NDArray[np.int64]] = [np.zeros((0, a.array.columns), dtype=np.int64)]
    records: list[dict[str, int]] = []
    weight_words = 0
    lowered = []
    allocation = allocate(network, a.word)
    for layer in layers:
        plans, descriptors = [], []
        source, target = network.tensors[layer.inputs[0]], network.tensors[layer.output]
        input_base, output_base = allocation.bases[source.name], allocation.bases[target.name]
        for convolution in convolutions(network, layer):
            plan = plan_convolution(convolution, a)
            fields = descriptor_fields(plan, weight_words, len(records) // a.lanes, input_base, output_base)
            plans.append(plan)
            descriptors.append(fields)
            weights.append(plan.weight_image())
            records += channel_records(plan)
            weight_words += plan.weight_words
        lowered.append(
            LayerProgram(
                name=layer.name,
                plans=tuple(plans),
                descriptors=tuple(descriptors),
                input_base=input_base,
                input_elements=source.elements,
                output_base=output_base,
                output_elements=target.elements,
                cycles=tuple(count_cycles(plan) for plan in plans),
            )
        )
    whole = _in_one_run(network, lowered)
    program = Program(a, tuple(lowered), np.concatenate(weights), tuple(records), allocation.elements, whole)
    columns = a.array.columns
    faults = width_faults([plan for layer in lowered for plan in layer.plans])
    faults += _shortfall(Space.ACTIVATIONS, allocation.elements, a.activation_words * a.word)
    faults += _shortfall(Space.WEIGHTS, weight_words * columns, a.weight_words * columns)
    faults += _shortfall(Space.RECORDS, len(records), a.record_words * a.lanes)
    descriptors_needed = program.used()[Space.DESCRIPTORS][0] // isa.DESCRIPTOR_WORDS
    faults += _shortfall(Space.DESCRIPTORS, descriptors_needed, a.buffers.descriptors)
    # A base that a memory is too small for is that memory's fault, not the field's.
    faults = faults or [fault for layer in lowered for fault in _field_faults(layer)]
    if faults:
        raise CapacityError("\n".join(faults))
    return program


def _in_one_run(network: Network, lowered: Sequence[LayerProgram]) -> NetworkProgram | None:
    """The network's run in one go, where its layers on the array come first and all of them are lowered."""
    names = [layer.name for layer in network.layers if not isinstance(layer, Reshape)]
    mine = [layer.name for layer in lowered]
    rest = names[len(mine) :]
    chip = {layer.name for layer in network.layers if is_convolution(layer)}
    if names[: len(mine)] != mine or chip & set(rest):
        return None
    # The host goes on from the output alone: what comes after may read nothing else that the array has written.
    known = {network.layer(mine[-1]).output}
    after = [layer.name for layer in network.layers].index(mine[-1]) + 1
    for layer in network.layers[after:]:
        if not known.issuperset(layer.inputs):
            return None
        known.add(layer.output)
    return NetworkProgram(tuple(lowered), network.layer(mine[-1]).output, tuple(rest))


def _shortfall(space: Space, need: int, have: int) -> list[str]:
    """What is wrong where ``need`` exceeds ``have``."""
    if need <= have:
        return []
    parameter, unit = _PARAMETERS[space]
    short = f"{space.name.lower()} memory holds {have} {unit} and {need} are needed, {need - have} too many"
    return [f"{short}; raise buffers.{parameter} to {need}"]


def _field_faults(layer: LayerProgram) -> list[str]:
    """What is wrong where a descriptor's field, or what the hardware adds up from it, is too narrow for the layer."""
    rows = isa.FIELDS["in_height"].width
    if any((fields["ky_count"] - 1) * fields["ky_step"] >= 1 << rows for fields in layer.descriptors):
        return [
            f"layer {layer.name}: its dilated kernel is higher than the {1 << rows} rows that the accelerator counts"
        ]
    for fields in layer.descriptors:
        try:
            isa.descriptor_words(fields)
        except ValueError as error:
            return [f"layer {layer.name}: the accelerator's descriptor has no room for this layer: {error}"]
    return []
