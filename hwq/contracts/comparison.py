"""Every layer of a network under every contract, against what a program computed there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hwq.contracts.aiming import Aim
from hwq.contracts.candidates import Candidates, concerns
from hwq.contracts.probes import is_exhaustive, probes
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.graph.layers import Layer, WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract

Codes = NDArray[np.integer]

#: Probes of one batch that the program is asked for, of those on which contracts differ.
_ASKED = 4


class Program(Protocol):
    """Whose arithmetic is looked for: `hwq.contracts.runtimes.LiveRuntime`, or `hwq.contracts.recorded.Recorded`."""

    name: str
    version: str | None

    def tensors(self, x: Codes) -> Mapping[str, Codes]:
        """By name the tensors that are known, [N, *shape], for the next input codes; the input is one of them."""

    def layer(self, layer: Layer) -> Callable[..., Codes] | None:
        """The layer alone, from its inputs [N, *shape] to its output; ``None`` where that cannot be had."""


@dataclass(frozen=True)
class Difference:
    """The first value of a layer in which a contract and the program differ.

    ``sample`` counts samples from 0; where ``probe`` is set, the probes of the layer that the program was asked for.
    """

    layer: str
    sample: int
    element: tuple[int, ...]
    program: int
    emulated: int
    probe: bool


@dataclass
class LayerComparison:
    """One layer.

    Parameters
    ----------
    name, kind:
        Of the layer.
    groups:
        The contracts, in groups that are the same arithmetic in this layer.
    wrong:
        Wrong values by contract.
    values:
        Values that were compared, those of probes included; 0 where the program's are not known.
    own_inputs:
        Whether the contracts were given the program's own inputs of the layer, and not the emulated ones.
    probes, asked:
        How many inputs were tried to tell contracts apart that tied, and for how many of them, on which contracts
        differ, the program was asked.
    proven:
        Whether contracts that still tie do not differ on any input of the layer.
    """

    name: str
    kind: str
    groups: Sequence[Sequence[Contract]]
    wrong: dict[Contract, int] = field(default_factory=lambda: dict.fromkeys(NETWORK_CONTRACTS, 0))
    values: int = 0
    own_inputs: bool = True
    probes: int = 0
    asked: int = 0
    proven: bool = False
    first: Difference | None = None

    @property
    def exact(self) -> list[Contract]:
        """Contracts without a wrong value; none where nothing was compared."""
        return [contract for contract, wrong in self.wrong.items() if self.values and not wrong]

    @property
    def indifferent(self) -> bool:
        """Whether contracts cannot differ here: the layer chooses or moves codes."""
        return len(self.groups) == 1

    @property
    def ties(self) -> list[list[Contract]]:
        """The groups of exact contracts that no value told apart; empty where there is but one."""
        groups = [[contract for contract in group if contract in self.exact] for group in self.groups]
        exact = [group for group in groups if group]
        return exact if len(exact) > 1 else []

    def add(self, outputs: Mapping[Contract, Codes], expected: Codes, own: Contract, first: int, probe: bool) -> None:
        """Count the values in which each contract's output differs; ``first`` numbers the first sample."""
        self.values += expected.size
        counted: dict[int, int] = {}
        for contract, y in outputs.items():
            if id(y) not in counted:
                counted[id(y)] = int(np.count_nonzero(y != expected))
            self.wrong[contract] += counted[id(y)]
        if self.first is None and counted[id(outputs[own])]:
            y = outputs[own]
            place = tuple(int(i) for i in np.argwhere(y != expected)[0])
            self.first = Difference(self.name, first + place[0], place[1:], int(expected[place]), int(y[place]), probe)


@dataclass(frozen=True)
class Comparison:
    """All layers; ``contract`` is the one that is hoped for."""

    program: str
    version: str | None
    samples: int
    contract: Contract
    layers: Sequence[LayerComparison]

    @property
    def first_difference(self) -> Difference | None:
        """Where ``contract`` and the program part first, in the order of the layers."""
        return next((layer.first for layer in self.layers if layer.first), None)

    @property
    def exact(self) -> list[Contract]:
        """Contracts without a wrong value in any layer."""
        return [contract for contract in NETWORK_CONTRACTS if not any(layer.wrong[contract] for layer in self.layers)]


def compare(
    network: Network,
    program: Program,
    pieces: Iterable[Codes],
    contract: Contract,
    seed: int = 0,
    report: Callable[[int], None] = lambda samples: None,
) -> Comparison:
    """Compare every layer under every contract with what ``program`` computes.

    Each layer is given the program's own inputs, so a difference does not spread; where the program's are not known,
    each contract gets what it makes of the nearest known ones before. Where contracts tie, further inputs of that
    layer alone are looked for on which they differ, and the program is asked for these.

    Parameters
    ----------
    network, program:
        The network, and whose arithmetic is looked for.
    pieces:
        Input codes [N, *input shape], samples of any number at a time.
    contract:
        The one whose first difference is told.
    seed:
        Of the further inputs.
    report:
        Told how many samples are done.
    """
    candidates = Candidates(network)
    layers = {layer: LayerComparison(layer.name, layer.op, concerns(layer)) for layer in network.layers}
    samples = 0
    for x in pieces:
        known = program.tensors(x)
        values: dict[Contract, dict[str, Codes]] = {candidate: {**known} for candidate in NETWORK_CONTRACTS}
        for layer, found in layers.items():
            if not all(name in known for name in layer.inputs):
                # Contracts that are the same arithmetic here may differ in the layers before.
                found.own_inputs, found.groups = False, [[candidate] for candidate in NETWORK_CONTRACTS]
            inputs = {candidate: [held[name] for name in layer.inputs] for candidate, held in values.items()}
            outputs = candidates.outputs(layer, inputs)
            if layer.output in known:
                found.add(outputs, known[layer.output], contract, samples, probe=False)
                continue
            for candidate, y in outputs.items():
                values[candidate][layer.output] = y
        samples += len(x)
        report(samples)
    for layer, found in layers.items():
        if found.ties and found.own_inputs:
            _probe(network, program, candidates, layer, found, contract, seed)
    return Comparison(program.name, program.version, samples, contract, list(layers.values()))


def _probe(
    network: Network,
    program: Program,
    candidates: Candidates,
    layer: Layer,
    found: LayerComparison,
    contract: Contract,
    seed: int,
) -> None:
    """Look for inputs of the layer on which exact contracts differ, and ask the program for them if it can be asked."""
    ask = program.layer(layer)
    told_apart = False
    if isinstance(layer, WeightedLayer):
        aim = Aim(network, layer, lambda: [group[0] for group in found.ties], seed)
        for x in aim.inputs():
            _try(layer, (x,), ask, candidates, found, contract)
        found.proven = bool(found.ties) and aim.proven
    elif ask is None and not is_exhaustive(network, layer):
        return
    if found.proven or not found.ties or (ask is None and isinstance(layer, WeightedLayer)):
        return
    for inputs in probes(network, layer, seed):
        told_apart |= _try(layer, inputs, ask, candidates, found, contract)
        if not found.ties:
            return
    found.proven = is_exhaustive(network, layer) and not told_apart


def _try(
    layer: Layer,
    inputs: Sequence[Codes],
    ask: Callable[..., Codes] | None,
    candidates: Candidates,
    found: LayerComparison,
    contract: Contract,
) -> bool:
    """Ask the program for a few of the inputs on which tied contracts differ, until no two of them do on any.

    Returns whether some still do: where there is nobody to ask.
    """
    count = len(inputs[0])
    outputs = candidates.outputs(layer, dict.fromkeys(NETWORK_CONTRACTS, inputs))
    if ask is not None:
        found.probes += count
    while found.ties:
        tied = [outputs[group[0]].reshape(count, -1) for group in found.ties]
        telling = np.flatnonzero(np.any([(y != tied[0]).any(axis=1) for y in tied[1:]], axis=0))[:_ASKED]
        if not telling.size:
            return False
        if ask is None:
            return True
        # Contracts that differ on an input cannot all be right: every answer leaves fewer of them.
        expected = ask(*(x[telling] for x in inputs))
        picked = {id(y): y[telling] for y in outputs.values()}
        found.add({c: picked[id(y)] for c, y in outputs.items()}, expected, contract, found.asked, probe=True)
        found.asked += len(telling)
    return False
