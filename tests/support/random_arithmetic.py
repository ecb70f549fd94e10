"""Small accelerators under random arithmetic, drawn so that choices meet in every pair."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    TruncateParameters,
    WeightPacking,
)
from hwq.graph.layers import DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.rounding import Rounding
from hwq.schedule.planning import assign
from tests.support.operands import narrowed
from tests.support.random_networks import random_network

PROOF = range(300)
"""Seeds of `make proof`."""

SAMPLE = range(0, 27, 3)
"""Seeds of CI, each on an accelerator of its own: every value of every option, every overflow by pass and by MAC."""

SHARED = 3
"""Networks of as many neighboring seeds run on one accelerator, in one simulator."""

BUFFERS = BufferParameters(activations=1 << 15, weights=1 << 18, channels=1 << 13, descriptors=512, accumulators=32)

OVERFLOWS = [overflow for overflow in SumOverflow if overflow is not SumOverflow.REFUSE]
PER_MAC = "per MAC"
EXACT, NARROWER, WIDE = "per pass, psums exact", "per pass, psums narrower", "per pass, psums no narrower"
WHOLE = "not at all"
BYTES, PACKED = "8 bits", "of 1 to 8 bits, packed"
ENGINE, GROUPS = "their engine", "the array"

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "overflow": tuple(overflow.value for overflow in OVERFLOWS),
    "fitted": (PER_MAC, EXACT, NARROWER, WIDE),
    "products truncated": (WHOLE, *(rounding.value for rounding in Rounding)),
    "bias": tuple(place.value for place in BiasPlace),
    "input_zero_point": tuple(place.value for place in InputZeroPoint),
    "weights": (BYTES, PACKED),
    "product_register": ("yes", "no"),
    "depthwise layers on": (ENGINE, GROUPS),
}
"""Choices of arithmetic, and the values of each. Granularity and width of psums are one: by MAC there is one width."""

Pair = tuple[tuple[str, str], tuple[str, str]]


def pairs(values: Mapping[str, str]) -> Iterator[Pair]:
    """Every two options with the values they have."""
    return itertools.combinations(values.items(), 2)


def every_pair() -> list[Pair]:
    """All that there are."""
    return [
        ((first, a), (second, b))
        for first, second in itertools.combinations(OPTIONS, 2)
        for a, b in itertools.product(OPTIONS[first], OPTIONS[second])
    ]


@cache
def _drawn() -> list[dict[str, str]]:
    """Values of every accelerator of the proof: overflow, granularity and truncation in turn, the rest by need.

    Of all that is left to choose it takes what holds the pairs that came least often; chance decides between equals.
    """
    choose, seen = random.Random(126), Counter[Pair]()
    drawn = []
    for number in range(len(PROOF) // SHARED):
        roundings = OPTIONS["products truncated"]
        turn = {
            "overflow": (OVERFLOWS[number % 3].value,),
            "fitted": (PER_MAC,) if number // 3 % 2 else (EXACT, NARROWER, WIDE),
            # A step aside in each round, so that each meets every overflow.
            "products truncated": (roundings[(number + number // len(roundings)) % len(roundings)],),
        }
        values = [turn.get(option, OPTIONS[option]) for option in OPTIONS]
        candidates = [dict(zip(OPTIONS, found, strict=True)) for found in itertools.product(*values)]
        choose.shuffle(candidates)
        best = max(candidates, key=lambda found: sum(1 / (1 + seen[pair]) for pair in pairs(found)))
        seen.update(pairs(best))
        drawn.append(best)
    return drawn


@cache
def random_accelerator(seed: int) -> Accelerator:
    """A small array under any arithmetic; networks of neighboring seeds share it, and its simulator."""
    number = seed // SHARED
    values, choose = _drawn()[number], random.Random(number + 113)
    truncate = TruncateParameters()
    if (rounding := values["products truncated"]) != WHOLE:
        truncate = TruncateParameters(choose.choice([1, 3, 4]), Rounding(rounding))
    packs = values["weights"] == PACKED
    # Of narrow weights sums are small.
    accumulator = choose.randint(9, 15) - truncate.bits - packs
    psum = {
        PER_MAC: choose.choice([None, accumulator]),
        EXACT: None,
        NARROWER: max(4, accumulator - choose.randint(1, 3)),
        WIDE: accumulator + choose.randint(0, 3),
    }
    arithmetic = ArithmeticParameters(
        input_zero_point=InputZeroPoint(values["input_zero_point"]),
        overflow=SumOverflow(values["overflow"]),
        granularity=Granularity.MAC if values["fitted"] == PER_MAC else Granularity.PASS,
        accumulator_bits=accumulator,
        psum_bits=psum[values["fitted"]],
        truncate=truncate,
        bias=BiasPlace(values["bias"]),
        weight_packing=WeightPacking.LAYER if packs else WeightPacking.NONE,
    )
    return Accelerator(
        ArrayParameters(choose.randint(2, 4), choose.randint(2, 4), values["product_register"] == "yes"),
        arithmetic,
        buffers=BUFFERS,
        depthwise=DepthwiseParameters(3, 3, 24) if values["depthwise layers on"] == ENGINE else None,
        pooling=PoolingParameters(),
        elementwise=ElementwiseParameters(),
        table=TableParameters(),
    )


@cache
def arithmetic_network(seed: int) -> Network:
    """The network of a seed; where its accelerator packs weights, with weights that are packed in every way."""
    network = random_network(seed)
    packs = random_accelerator(seed).packs_weights
    return narrowed(network, random.Random(seed).sample((8, 4, 3, 2, 1), 5), seed) if packs else network


def _fitted(arithmetic: ArithmeticParameters) -> str:
    psum = arithmetic.psum_bits
    if arithmetic.granularity is Granularity.MAC:
        return PER_MAC
    return EXACT if psum is None else NARROWER if psum < arithmetic.accumulator_bits else WIDE


def shown_by(seed: int) -> list[dict[str, str]]:
    """What a seed's run puts to the test, read off its accelerator and off where its layers run.

    Once for each place where its depthwise layers run; none of an option that does not come up.
    """
    network, accelerator = arithmetic_network(seed), random_accelerator(seed)
    arithmetic = accelerator.arithmetic
    found = [assign(network, layer, accelerator) for layer in network.layers if isinstance(layer, WeightedLayer)]
    if not any(one.engine for one in found):
        return []
    values = {
        "overflow": arithmetic.overflow.value,
        "fitted": _fitted(arithmetic),
        "products truncated": arithmetic.truncate.rounding.value if arithmetic.truncate.bits else WHOLE,
        "bias": arithmetic.bias.value,
        "input_zero_point": arithmetic.input_zero_point.value,
        "weights": PACKED if accelerator.packs_weights else BYTES,
        "product_register": "yes" if accelerator.array.product_register else "no",
    }
    engines = {one.engine for one in found if isinstance(one.layer, DepthwiseConv2D) and one.engine}
    deep = [{"depthwise layers on": GROUPS if engine == "array" else ENGINE} for engine in sorted(engines)]
    return [{**values, **one} for one in deep or [{}]]


@cache
def coverage(seeds: Iterable[int]) -> tuple[Counter[tuple[str, str]], Counter[Pair]]:
    """How many of the seeds show each value of an option, and each pair of them."""
    alone, together = Counter[tuple[str, str]](), Counter[Pair]()
    for seed in seeds:
        shown = shown_by(seed)
        alone.update({item for values in shown for item in values.items()})
        together.update({pair for values in shown for pair in pairs(values)})
    return alone, together
