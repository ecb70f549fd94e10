"""How the products of a layer become sums in C++: widths, what happens beyond them, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwq.graph.layers import WeightedLayer
from hwq.hls.lanes import largest_divisor
from hwq.hls.setting import Setting, Spec, members
from hwq.numeric.accumulation import Accumulation, BiasPlace, Granularity, SumOverflow
from hwq.numeric.bounds import code_bits, operand_range, signed_bits, sum_bounds

#: Bits of an operand: a code, or a code less its zero-point.
_OPERAND = 9


@dataclass(frozen=True)
class ProductSums:
    """A layer's sums: members of its ``spec``, and how many products of an output are added in a step."""

    spec: Spec
    rows: int


def product_sums(setting: Setting, layer: WeightedLayer, depth: int) -> ProductSums | str:
    """How the products of ``layer`` become sums, or why that is not exported.

    Parameters
    ----------
    setting, layer:
        The layer, and where it stands.
    depth:
        Products that come from one pixel.
    """
    arithmetic, weight = setting.accelerator.arithmetic, setting.accelerator.weight
    zero = setting.zero_point(layer.inputs[0])
    low, high = int(layer.values.min()), int(layer.values.max())
    if code_bits(layer.values, signs=True) > arithmetic.weight_bits:
        return f"its weights are from {low} to {high}, and arithmetic.weight_bits is {arithmetic.weight_bits}"
    ordered = setting.sums.get(layer.name)
    how, passes = setting.accumulation(layer), ordered.passes if ordered else ()
    scaling = setting.requantization(layer)
    if how.overflow is SumOverflow.REFUSE:
        operands = operand_range(setting.quantization(layer.inputs[0]).format, zero, setting.subtracted)
        lows, highs = sum_bounds(layer.channel_rows, *operands, how)
        if how.bias is BiasPlace.INITIAL:
            start = how.product(setting.bias(layer))
            lows, highs = lows + start, highs + start
        needed = signed_bits(int(np.min(lows)), int(np.max(highs)))
        if needed > how.accumulator_bits:
            return f"its sums need {needed} bits, and arithmetic.accumulator_bits is {how.accumulator_bits}"
    kept = _is_kept(how)
    fitted = how.granularity if kept else Granularity.MAC
    exact = weight.width + _OPERAND + max(passes, default=1).bit_length()
    spec = [
        *members(weight_bits=weight.width, accumulator_bits=how.accumulator_bits),
        *members(psum_bits=how.psum_bits or exact, pass_bits=exact),
        ("hwq::overflow", "when_full", f"hwq::overflow::{how.overflow.value}"),
        ("hwq::granularity", "fitted", f"hwq::granularity::{fitted.value}"),
        *members(run=_run(passes), **{"pass": passes[0] if passes else 0}),
        *members(truncate=how.truncate),
        ("hwq::rounding", "truncate_rounding", f"hwq::rounding::{how.truncate_rounding.value}"),
        ("bool", "begins_with_bias", str(how.bias is BiasPlace.INITIAL).lower()),
        ("hwq::rounding", "scaling_rounding", f"hwq::rounding::{scaling.rounding.value}"),
        ("hwq::overflow", "output_overflow", f"hwq::overflow::{scaling.output_overflow.value}"),
        *members(code_bits=ordered.codes.width if ordered else 8),
        *members(offset=zero if setting.subtracted else 0, padding_operand=0 if setting.subtracted else zero),
    ]
    return ProductSums(spec, _rows(setting, fitted if kept else None, passes, depth))


def _is_kept(how: Accumulation) -> bool:
    """Whether the order of additions can change a sum, so that it has to be the array's."""
    if how.overflow is SumOverflow.REFUSE:
        return False
    # Modulo a power of two it does not matter when, where no narrower sum comes before.
    narrow = how.granularity is Granularity.PASS and (how.psum_bits or how.accumulator_bits) < how.accumulator_bits
    return how.overflow is not SumOverflow.WRAP or narrow


def _rows(setting: Setting, order: Granularity | None, passes: Sequence[int], depth: int) -> int:
    """Products that are added in a step: of one pixel, and of one pass where passes count."""
    if order is Granularity.MAC:
        # Each addition waits for the one before.
        return 1
    if order is Granularity.PASS:
        return math.gcd(depth, *passes)
    return largest_divisor(depth, setting.accelerator.array.rows)


def _run(passes: Sequence[int]) -> int:
    """Products between two ends that both are a run's: passes as long as the first, and a shorter one if there is."""
    total = 0
    for length in passes:
        total += length
        if length < passes[0]:
            return total
    return total
