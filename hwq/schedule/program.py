"""Lowering: layers to descriptors, memory images and addresses that the hardware can execute.

Every tensor of the network has one place in activation memory, where the layer that writes it and those that read it
find it. Each layer is startable by itself, from the same images. Where nothing but layers on chip lies between them,
all layers run one after the other by a single START too. Nothing is cut short: what does not fit is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.arch.isa import Space
from hwq.errors import CapacityError, ConfigError
from hwq.graph.layers import Layer, Reshape
from hwq.graph.liveness import storage
from hwq.graph.network import Network
from hwq.schedule.allocation import Allocation, allocate
from hwq.schedule.capacity import width_faults
from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.planning import assign
from hwq.schedule.plans import Places
from hwq.schedule.runs import WHOLE, Placed, Run, Step

_PARAMETERS = {
    Space.ACTIVATIONS: ("activations", "elements"),
    Space.WEIGHTS: ("weights", "weights"),
    Space.RECORDS: ("channels", "channels"),
    Space.DESCRIPTORS: ("descriptors", "descriptors"),
}


@dataclass(frozen=True, eq=False)
class Program:
    """The layers of a network that the accelerator runs, each startable by itself, and the images they share.

    ``weights`` is int64 [words, columns], ``records`` a list of fields per channel, in memory order,
    ``activations`` the elements that the network's tensors take. ``network`` is the run of all layers in one go, where
    nothing but layers on chip lies between them; ``before`` and ``after`` it the host computes the layers of these
    names.
    """

    accelerator: Accelerator
    layers: tuple[Run, ...]
    weights: NDArray[np.int64]
    records: tuple[dict[str, int], ...]
    activations: int
    network: Run | None
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        """Everything that can be started: each layer, and the whole network where it is one run."""
        return (*self.layers, self.network) if self.network else self.layers

    def run(self, name: str) -> Run:
        """The run called ``name``; KeyError where there is none."""
        runs = {run.name: run for run in self.runs}
        return runs[name]

    def used(self) -> dict[Space, tuple[int, int]]:
        """(words used, words there are) of each memory; of descriptor memory, by the longest run."""
        a = self.accelerator
        descriptors = max((len(run.descriptors) for run in self.runs), default=0) + 1
        return {
            Space.ACTIVATIONS: (ceil_div(self.activations, a.word), a.activation_words),
            Space.WEIGHTS: (len(self.weights), a.weight_words),
            Space.RECORDS: (ceil_div(len(self.records), a.lanes), a.record_words),
            Space.DESCRIPTORS: (descriptors * isa.DESCRIPTOR_WORDS, a.descriptor_words),
        }


def lower(network: Network, layers: Sequence[Layer], accelerator: Accelerator) -> Program:
    """Lower ``layers`` of ``network``, each to a run of its own that shares memories with the others.

    Raises
    ------
    ConfigError
        When no engine takes one of them.
    CapacityError
        When the layers do not fit; the message names every memory and width, the shortfall and the parameter to raise.
    """
    a = accelerator
    assigned = [assign(network, layer, a) for layer in layers]
    if refused := [f"layer {found.layer.name}: {found.reason}" for found in assigned if found.engine is None]:
        raise ConfigError("\n".join(refused))
    allocation = allocate(network, a.word)
    weights: list[NDArray[np.int64]] = [np.zeros((0, a.array.columns), dtype=np.int64)]
    records: list[dict[str, int]] = []
    weight_words = 0
    unscaled: dict[str, str] = {}
    steps = []
    for found in assigned:
        inputs, output = _places(network, found.layer, allocation)
        descriptors = []
        for plan in found.plans:
            bases = tuple(placed.base for placed in inputs)
            places = Places(weight_words, len(records) // a.lanes, bases, output.base)
            descriptors.append({"opcode": plan.opcode.value, **plan.descriptor(places)})
            weights.append(plan.weight_image())
            try:
                records += plan.records()
            except ConfigError as error:
                unscaled.setdefault(found.layer.name, str(error))
            weight_words += plan.weight_words
        assert found.engine is not None
        cycles = tuple(plan.cycles() for plan in found.plans)
        steps.append(Step(found.layer.name, found.engine, found.plans, tuple(descriptors), inputs, output, cycles))
    before, after = _around(network, steps)
    program = Program(
        accelerator=a,
        layers=tuple(Run(step.layer, (step,), step.inputs, step.output) for step in steps),
        weights=np.concatenate(weights),
        records=tuple(records),
        activations=allocation.elements,
        network=_whole(network, steps, a),
        before=before,
        after=after,
    )
    columns = a.array.columns
    faults = _wide_codes(network, steps, a)
    faults += width_faults([plan.cut for found in assigned for plan in found.plans if isinstance(plan, ArrayPlan)])
    faults += [f"layer {name}: requantizer.{text}" for name, text in unscaled.items()]
    faults += _shortfall(Space.ACTIVATIONS, allocation.elements, a.activation_words * a.word)
    faults += _shortfall(Space.WEIGHTS, weight_words * columns, a.weight_words * columns)
    faults += _shortfall(Space.RECORDS, len(records), a.record_words * a.lanes)
    descriptors_needed = program.used()[Space.DESCRIPTORS][0] // isa.DESCRIPTOR_WORDS
    faults += _shortfall(Space.DESCRIPTORS, descriptors_needed, a.buffers.descriptors)
    faults += [fault for found in assigned for plan in found.plans for fault in plan.faults()]
    # A base that a memory is too small for is that memory's fault, not the field's.
    faults = faults or [fault for step in steps for fault in _field_faults(step)]
    if faults:
        raise CapacityError("\n".join(faults))
    return program


def _wide_codes(network: Network, steps: Sequence[Step], accelerator: Accelerator) -> list[str]:
    """The widest tensor that activation memory has no codes for, as a fault."""
    have = accelerator.arithmetic.activation_bits
    widths = {
        placed.tensor: network.tensors[placed.tensor].quantization.format.width
        for step in steps
        for placed in (*step.inputs, step.output)
    }
    wide = [name for name, width in widths.items() if width > have]
    if not wide:
        return []
    need = max(widths[name] for name in wide)
    first = next(name for name in wide if widths[name] == need)
    others = f" ({len(wide) - 1} more are wider too)" if len(wide) > 1 else ""
    text = f"tensor {first}: its codes have {need} bits and arithmetic.activation_bits is {have}{others}"
    return [f"{text}; raise arithmetic.activation_bits to {need}"]


def _places(network: Network, layer: Layer, allocation: Allocation) -> tuple[tuple[Placed, ...], Placed]:
    """Where a layer's inputs and its output lie."""

    def placed(name: str) -> Placed:
        return Placed(name, allocation.bases[name], network.tensors[name].shape)

    return tuple(placed(name) for name in layer.inputs), placed(layer.output)


def _around(network: Network, steps: Sequence[Step]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the layers before the first and after the last of ``steps``; reshapes are nobody's work."""
    names = [layer.name for layer in network.layers if not isinstance(layer, Reshape)]
    if not steps:
        return tuple(names), ()
    return tuple(names[: names.index(steps[0].layer)]), tuple(names[names.index(steps[-1].layer) + 1 :])


def _whole(network: Network, steps: Sequence[Step], accelerator: Accelerator) -> Run | None:
    """The network's run in one go: ``steps`` are all the accelerator can run, and nothing of the host's lies between.

    The host computes what comes before from the network's input alone, and what comes after from the run's output.
    """
    mine = [step.layer for step in steps]
    others = [layer for layer in network.layers if not isinstance(layer, Reshape) and layer.name not in mine]
    if not mine or any(assign(network, layer, accelerator).engine for layer in others):
        return None
    before, after = _around(network, steps)
    if len(before) + len(mine) + len(after) != len(others) + len(mine):
        return None
    same = storage(network)
    written = {same[step.output.tensor] for step in steps}
    # The host goes on from the output alone: what comes after may read nothing else that was computed on chip.
    output = steps[-1].output
    read_after = [name for layer in network.layers if layer.name in after for name in layer.inputs]
    read_after.append(network.output)
    if any(same[name] in written and same[name] != same[output.tensor] for name in read_after):
        return None
    inputs: dict[int, Placed] = {}
    for step in steps:
        for placed in step.inputs:
            if same[placed.tensor] not in written:
                inputs.setdefault(placed.base, placed)
    return Run(WHOLE, tuple(steps), tuple(inputs.values()), output)


def _shortfall(space: Space, need: int, have: int) -> list[str]:
    """What is wrong where ``need`` exceeds ``have``."""
    if need <= have:
        return []
    parameter, unit = _PARAMETERS[space]
    short = f"{space.name.lower()} memory holds {have} {unit} and {need} are needed, {need - have} too many"
    return [f"{short}; raise buffers.{parameter} to {need}"]


def _field_faults(step: Step) -> list[str]:
    """What is wrong where a descriptor's field is too narrow for the layer."""
    for fields in step.descriptors:
        try:
            isa.descriptor_words(fields)
        except ValueError as error:
            return [f"layer {step.layer}: the accelerator's descriptor has no room for this layer: {error}"]
    return []
