"""The smallest memories and widths that hold a network: where a new project begins."""

from __future__ import annotations

from dataclasses import replace

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.engines import PARAMETERS
from hwq.arch.isa import Space
from hwq.arch.parameters import BufferParameters, WeightPacking
from hwq.errors import ConfigError
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.schedule.capacity import accumulator_bits, left_shift, weight_bits
from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.engines.depthwise import DepthwisePlan
from hwq.schedule.engines.pooling import PoolingPlan
from hwq.schedule.planning import assign, with_engines
from hwq.schedule.program import lower

#: Pixels of a tile: few, since the last tile's drain is not hidden, and enough to hide the loading of weights.
_TILE = 64

#: No network is larger than these.
_LARGEST = BufferParameters(
    activations=1 << 22, weights=1 << 24, channels=1 << 16, descriptors=1 << 10, accumulators=_TILE
)


def fitted(network: Network, accelerator: Accelerator) -> Accelerator:
    """``accelerator`` with every engine that the network needs, and as little of all that is as large as one likes.

    Those are widths of codes, weights and accumulators, the left shifter, and memories; weights are packed where that
    makes theirs smaller. Array, contract, lanes and forms stay.

    Raises
    ------
    ConfigError
        No layer runs on it.
    CapacityError
        No accelerator of this kind holds the network.
    """
    arithmetic, requantizer = accelerator.arithmetic, accelerator.requantizer
    formats = [tensor.quantization.format.width for tensor in network.tensors.values()]
    arithmetic = replace(arithmetic, activation_bits=max(formats), weight_bits=16, accumulator_bits=48)
    widest = replace(
        accelerator,
        arithmetic=arithmetic,
        requantizer=replace(requantizer, max_left_shift=30),
        buffers=_LARGEST,
    )
    widest = with_engines(network, widest, PARAMETERS)
    layers = [layer for layer in network.layers if assign(network, layer, widest).engine]
    if not layers:
        raise ConfigError(f"network {network.name} has no layer that an engine runs")
    narrow = _widths(network, layers, widest)
    program = lower(network, layers, narrow)
    packed = replace(narrow, arithmetic=replace(narrow.arithmetic, weight_packing=WeightPacking.LAYER))
    if len((shared := lower(network, layers, packed)).weights) < len(program.weights):
        # A selection behind weight memory, for a smaller one.
        narrow, program = packed, shared
    used = {space: words for space, (words, _) in program.used().items()}
    buffers = BufferParameters(
        activations=max(16, used[Space.ACTIVATIONS] * narrow.word),
        weights=max(16, used[Space.WEIGHTS] * narrow.array.columns),
        channels=max(1, used[Space.RECORDS] * narrow.lanes),
        descriptors=max(2, used[Space.DESCRIPTORS] // isa.DESCRIPTOR_WORDS),
        accumulators=_TILE,
    )
    return replace(narrow, buffers=buffers)


def _widths(network: Network, layers: list[Layer], widest: Accelerator) -> Accelerator:
    """Widths as the network's real numbers need them."""
    plans = [plan for layer in layers for plan in assign(network, layer, widest).plans]
    cuts = [plan.cut for plan in plans if isinstance(plan, ArrayPlan)]
    deep = [plan for plan in plans if isinstance(plan, DepthwisePlan)]
    tables = [plan for plan in plans if plan.opcode is isa.Opcode.TABLE]
    weights = [*map(weight_bits, cuts), *(plan.weight_bits for plan in deep), *(8 for _ in tables)]
    groups = [[cut.convolution] for cut in cuts] + [list(plan.channels) for plan in deep]
    shifts = [left_shift(group, widest) for group in groups]
    shifts += [plan.record[2] for plan in plans if isinstance(plan, PoolingPlan) and plan.record]
    arithmetic = replace(widest.arithmetic, weight_bits=max(weights, default=8))
    narrow = replace(
        widest, arithmetic=arithmetic, requantizer=replace(widest.requantizer, max_left_shift=max([0, *shifts]))
    )
    sums = [accumulator_bits(replace(cut, accelerator=narrow)) for cut in cuts]
    bits = max([narrow.psum_bits, *sums])
    return replace(narrow, arithmetic=replace(arithmetic, accumulator_bits=bits))
