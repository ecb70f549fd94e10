"""The table engine's plans: an activation as a table and one flat stream of elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.arch.engines.table import ENTRIES, ENTRY_BITS, LATENCY
from hwq.graph.layers import Activation, Layer
from hwq.graph.network import Network
from hwq.graph.tables import activation_table, byte_table
from hwq.numeric.requantize import Contract
from hwq.schedule.plans import CycleCount, Places, fetch_cycles, to_memory
from hwq.schedule.records import fixed_record


@dataclass(frozen=True, eq=False)
class TablePlan:
    """A function of one code as one descriptor: a `Plan`.

    Parameters
    ----------
    accelerator:
        What it is planned for.
    layer:
        Name of the layer.
    elements:
        Of the input, and of the output.
    table:
        int64 [256], the output code of each input code, the lowest first.
    bits:
        Of the output codes.
    """

    accelerator: Accelerator
    layer: str
    elements: int
    table: NDArray[np.int64]
    bits: int = ENTRY_BITS

    opcode = isa.Opcode.TABLE
    macs = 0
    weight_words = ENTRIES

    @property
    def groups(self) -> int:
        """Groups of elements, one a cycle."""
        return ceil_div(self.elements, self.accelerator.lanes)

    def weight_image(self) -> NDArray[np.int64]:
        """An entry in the lowest column of each word, int64 [256, columns]."""
        image = np.zeros((ENTRIES, self.accelerator.array.columns), dtype=np.int64)
        # Code 0 comes first: a code is its entry's address as it is.
        image[:, 0] = np.roll(self.table, ENTRIES // 2)
        return image

    def records(self) -> list[dict[str, int]]:
        """One word that takes a code's fraction bits, and leaves the code as it is."""
        return [fixed_record(self.accelerator, 0, 1 << 30, -7)] * self.accelerator.lanes

    def descriptor(self, places: Places) -> dict[str, int]:
        """The fields of a TABLE descriptor, its opcode apart."""
        return {
            "more_groups": self.groups - 1,
            "last_lanes": self.elements - (self.groups - 1) * self.accelerator.lanes,
            "in_first": places.inputs[0],
            "weight_base": places.weights,
            "record_base": places.records,
            "out_base": places.output,
        }

    def passes_of_output(self) -> tuple[int, ...]:
        """Nothing is accumulated that could leave its width."""
        return ()

    def faults(self) -> list[str]:
        """A table's codes have to fit a weight."""
        bits = self.accelerator.arithmetic.weight_bits
        if bits >= self.bits:
            return []
        text = f"its table's {self.bits}-bit codes lie in weight memory and arithmetic.weight_bits is {bits}"
        return [f"layer {self.layer}: {text}; raise arithmetic.weight_bits to {self.bits}, or say table: none"]

    def cycles(self) -> CycleCount:
        """The table, then one group a cycle."""
        return CycleCount(fetch_cycles(), ENTRIES, self.groups, 0, LATENCY + to_memory(self.accelerator))

    def output_cycle(self, element: int) -> int | None:
        """Cycle in which ``element`` is written."""
        group = element // self.accelerator.lanes
        return fetch_cycles() + ENTRIES + 1 + group + LATENCY + to_memory(self.accelerator)


def plan_table(network: Network, layer: Layer, accelerator: Accelerator) -> tuple[TablePlan, ...] | str:
    """The plan of ``layer`` on the table engine, or why the engine does not take it."""
    if not isinstance(layer, Activation):
        return f"the table engine does not run {layer.op}"
    source, target = network.tensors[layer.inputs[0]], network.tensors[layer.output]
    # As in the emulator's kernels: a build with single rounding has it everywhere.
    single = accelerator.arithmetic.contract is Contract.SINGLE
    contract = Contract.SINGLE if single else Contract.DOUBLE
    table = byte_table(activation_table(layer, source.quantization, target.quantization, contract), source.quantization)
    bits = target.quantization.format.width
    return (TablePlan(accelerator, layer.name, target.elements, table.astype(np.int64), bits),)
