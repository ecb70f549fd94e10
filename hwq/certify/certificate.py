"""Certificates: for every layer that accumulates what its sums reach, what widths are safe, and what breaks others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwq.certify.observed import Observer
from hwq.certify.order import order_matters
from hwq.certify.reach import Reach, accumulator_reach, any_order_reach, psum_reach
from hwq.certify.terms import Terms
from hwq.certify.witness import Witness, find_witness
from hwq.emulate import Emulator
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.accumulation import Accumulation, Granularity, SumOverflow
from hwq.numeric.requantize import Contract
from hwq.schedule.order import OrderedSum

KINDS = ("psum", "accumulator")
"""Sums that have a width, in the order of the counters of their overflows."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of one kind of a layer.

    ``reach`` is what they can be, ``observed`` what they were on the samples, ``None`` without any; ``width`` the bits
    that were chosen for them, ``None`` where they have as many as they need.
    """

    reach: Reach
    observed: Reach | None
    width: int | None

    @property
    def headroom(self) -> int | None:
        """Bits of the chosen width that are not needed; negative where it lacks some."""
        return None if self.width is None else self.width - self.reach.bits

    @property
    def safe(self) -> bool:
        """Whether no sum can leave the width."""
        return self.headroom is None or self.headroom >= 0


@dataclass(frozen=True, eq=False)
class LayerCertificate:
    """What is certain of one layer.

    Parameters
    ----------
    layer:
        The layer.
    on_chip:
        Whether an accelerator runs it; otherwise its products are added one by one to one accumulator.
    accumulator, psum:
        Its sums; no psums where there is no accelerator.
    any_order_bits:
        Bits that hold the accumulator whatever the order, those by which ``overflow: refuse`` refuses.
    order_matters:
        Of each channel, whether another order could change sums, bool [channels].
    witness, overflows:
        Where a width is too narrow, an input that shows it, and how many such overflows the emulator counts for it.
    wide_biases:
        Channels whose accumulator cannot hold the bias with which it begins.
    """

    layer: WeightedLayer
    on_chip: bool
    accumulator: Sums
    psum: Sums | None
    any_order_bits: int
    order_matters: NDArray[np.bool_]
    witness: Witness | None
    overflows: int | None
    wide_biases: tuple[int, ...]

    @property
    def safe(self) -> bool:
        """Whether no sum of the layer can leave its width."""
        return self.accumulator.safe and (self.psum is None or self.psum.safe)


def replayed(how: OrderedSum) -> OrderedSum:
    """How a witness is summed to be counted: as chosen, and where overflow is refused as if sums saturated."""
    if how.accumulation.overflow is not SumOverflow.REFUSE:
        return how
    return replace(how, accumulation=replace(how.accumulation, overflow=SumOverflow.SATURATE))


def certify(
    network: Network,
    sums: Mapping[str, OrderedSum],
    emulator: Emulator,
    samples: Iterable[NDArray[np.integer]] = (),
    progress: Callable[[int], None] = lambda done: None,
) -> list[LayerCertificate]:
    """Certify every layer of ``network`` that accumulates.

    Parameters
    ----------
    network:
        The network.
    sums:
        By name, how an accelerator sums a layer's products; the others have one accumulator of 32 bits, to which
        products are added one by one.
    emulator:
        Leads samples to the inputs of the layers.
    samples:
        Input codes [N, *input shape] in pieces.
    progress:
        Called with the number of samples that are done.
    """
    layers = [layer for layer in network.layers if isinstance(layer, WeightedLayer)]
    all_terms = [Terms(network, layer, sums.get(layer.name) or _alone(layer)) for layer in layers]
    observers = [Observer(terms) for terms in all_terms]
    done = 0
    for x in samples:
        tensors = emulator.trace(x)
        for terms, observer in zip(all_terms, observers, strict=True):
            observer.add(tensors[terms.source.name])
        done += len(x)
        progress(done)
    witnesses = {terms.layer.name: found for terms in all_terms if (found := find_witness(terms)) is not None}
    counted = _replay(network, {terms.layer.name: terms.how for terms in all_terms}, witnesses)
    return [
        _certificate(terms, observer, terms.layer.name in sums, witnesses.get(terms.layer.name), counted)
        for terms, observer in zip(all_terms, observers, strict=True)
    ]


def _alone(layer: WeightedLayer) -> OrderedSum:
    """Without an accelerator: every product added to one accumulator, operands without their zero-point."""
    return OrderedSum(Accumulation(granularity=Granularity.MAC), (layer.channel_rows.shape[1],), subtracted=True)


def _certificate(
    terms: Terms, observer: Observer, on_chip: bool, witness: Witness | None, counted: Mapping[str, int]
) -> LayerCertificate:
    spec = terms.how.accumulation
    accumulator = Sums(accumulator_reach(terms), observer.accumulators, spec.accumulator_bits)
    reach = psum_reach(terms)
    psum = Sums(reach, observer.psums, spec.psum_bits) if reach is not None else accumulator
    return LayerCertificate(
        layer=terms.layer,
        on_chip=on_chip,
        accumulator=accumulator,
        # Where every addition is fitted the sums inside the array are the accumulators'.
        psum=psum if on_chip else None,
        any_order_bits=any_order_reach(terms).bits,
        order_matters=order_matters(terms),
        witness=witness,
        overflows=counted.get(terms.layer.name),
        wide_biases=tuple(np.flatnonzero(terms.start != terms.exact_start).tolist()),
    )


def _replay(network: Network, sums: Mapping[str, OrderedSum], witnesses: Mapping[str, Witness]) -> dict[str, int]:
    """By layer, how many overflows of a witness's kind the emulator counts for it."""
    if not witnesses:
        return {}
    # What sums are requantized to afterwards changes no count.
    emulator = Emulator(network, Contract.DOUBLE, sums={name: replayed(sums[name]) for name in witnesses}, count=True)
    for name, witness in witnesses.items():
        emulator.run_layer(name, witness.codes)
    counts = emulator.overflows
    return {name: int(counts[name].totals[KINDS.index(witness.kind)]) for name, witness in witnesses.items()}
