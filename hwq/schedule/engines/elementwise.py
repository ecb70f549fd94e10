"""The elementwise engine's plans: a sum of two tensors as one flat stream of elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.arch.engines.elementwise import LATENCY, LONGEST_SHIFT
from hwq.graph.layers import Add, Layer
from hwq.graph.network import Network
from hwq.numeric.add import AddParameters, add_parameters
from hwq.schedule.plans import CycleCount, Places, fetch_cycles, to_memory
from hwq.schedule.records import fixed_record, scales_freely


@dataclass(frozen=True)
class ElementwisePlan:
    """A sum of two tensors as one descriptor: a `Plan`.

    Parameters
    ----------
    accelerator:
        What it is planned for.
    elements:
        Of each operand, and of the output.
    zero_points:
        Of both operands.
    parameters:
        The constants of the sum; none of them shifts to the left.
    zero_point, clamp:
        Of the output codes.
    """

    accelerator: Accelerator
    elements: int
    zero_points: tuple[int, int]
    parameters: AddParameters
    zero_point: int
    clamp: tuple[int, int]

    opcode = isa.Opcode.ADD
    macs = 0
    weight_words = 0

    @property
    def groups(self) -> int:
        """Groups of elements, one a cycle."""
        return ceil_div(self.elements, self.accelerator.elementwise_group)

    def weight_image(self) -> NDArray[np.int64]:
        """There are no weights: int64 [0, columns]."""
        return np.zeros((0, self.accelerator.array.columns), dtype=np.int64)

    def records(self) -> list[dict[str, int]]:
        """One word, the same for every lane."""
        multiplier, shift = self.parameters.output
        return [fixed_record(self.accelerator, 0, multiplier, shift)] * self.accelerator.lanes

    def descriptor(self, places: Places) -> dict[str, int]:
        """The fields of an ADD descriptor, its opcode apart."""
        (multiplier_a, shift_a), (multiplier_b, shift_b) = map(
            _scaling, (self.parameters.first, self.parameters.second)
        )
        return {
            "more_groups": self.groups - 1,
            "last_lanes": self.elements - (self.groups - 1) * self.accelerator.elementwise_group,
            "shift_a": shift_a,
            "shift_b": shift_b,
            "zero_point_a": self.zero_points[0],
            "zero_point_b": self.zero_points[1],
            "base_a": places.inputs[0],
            "base_b": places.inputs[1],
            "multiplier_a": multiplier_a,
            "multiplier_b": multiplier_b,
            "record_base": places.records,
            "out_base": places.output,
            "out_zero_point": self.zero_point,
            "low": self.clamp[0],
            "high": self.clamp[1],
        }

    def passes_of_output(self) -> tuple[int, ...]:
        """Nothing is accumulated that could leave its width."""
        return ()

    def faults(self) -> list[str]:
        """None: every sum that a network may hold needs right shifts alone, and has room in the descriptor."""
        return []

    def cycles(self) -> CycleCount:
        """One group a cycle."""
        return CycleCount(fetch_cycles(), 0, self.groups, 0, LATENCY + to_memory(self.accelerator))

    def output_cycle(self, element: int) -> int | None:
        """Cycle in which ``element`` is written."""
        group = element // self.accelerator.elementwise_group
        return fetch_cycles() + 1 + group + LATENCY + to_memory(self.accelerator)


def _scaling(constants: tuple[int, int]) -> tuple[int, int]:
    """Multiplier and right shift of an operand's scalers; 0 where the shift leaves nothing of any code."""
    multiplier, shift = constants
    return (multiplier, -shift) if -shift <= LONGEST_SHIFT else (0, 0)


def plan_elementwise(network: Network, layer: Layer, accelerator: Accelerator) -> tuple[ElementwisePlan, ...] | str:
    """The plan of ``layer`` on the elementwise engine, or why the engine does not take it."""
    if not isinstance(layer, Add):
        return f"the elementwise engine does not run {layer.op}"
    if not scales_freely(accelerator):
        return f"sums of tensors are not proven under contract {accelerator.arithmetic.contract.value}"
    first, second, target = (network.tensors[name] for name in (*layer.inputs, layer.output))
    if first.shape != second.shape:
        shapes = f"{list(first.shape)} and {list(second.shape)}"
        return f"the elementwise engine adds tensors of equal shapes, not of {shapes}"
    quantizations = [tensor.quantization for tensor in (first, second, target)]
    zeros = [int(quantization.zero_point[0]) for quantization in quantizations]
    parameters = add_parameters(*(float(quantization.scale[0]) for quantization in quantizations))
    return (ElementwisePlan(accelerator, target.elements, (zeros[0], zeros[1]), parameters, zeros[2], layer.clamp),)
