"""ADD and MEAN: codes with a scale of their own become one in another (docs/spec/operators.md, O.3, O.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.graph.tensors import Quantization
from hwq.numeric.add import add_parameters, add_term
from hwq.numeric.division import mean_multiplier
from hwq.numeric.requantize import Contract, quantize_multiplier, requantize

#: From sums of codes less zero-point to output codes before the zero-point.
Scaling = Callable[[NDArray[np.int64]], NDArray[np.int64]]


@dataclass(frozen=True)
class SumPlan:
    """A sum as two tables and a scaling.

    Parameters
    ----------
    terms:
        What each code of either input adds, int64 [256], lowest code first.
    scale:
        From the terms' sum to output codes before the zero-point.
    step:
        The factor of ``scale``, which then rounds.
    """

    terms: tuple[NDArray[np.int64], NDArray[np.int64]]
    scale: Scaling
    step: float


def _centered(source: Quantization) -> NDArray[np.int64]:
    return np.arange(-128, 128, dtype=np.int64) - int(source.zero_point[0])


def rescaled_sum(first: Quantization, second: Quantization, target: Quantization, contract: Contract) -> SumPlan:
    """TFLite's sum: both inputs, with 20 more bits, brought to twice the larger scale; then requantized."""
    constants = add_parameters(*(float(quantization.scale[0]) for quantization in (first, second, target)))
    terms = (
        add_term(_centered(first), constants.first, contract),
        add_term(_centered(second), constants.second, contract),
    )
    multiplier, shift = constants.output
    step = multiplier * 2.0 ** (shift - 31)
    return SumPlan(terms, lambda x: requantize(x, multiplier, shift, contract), step)


def xnnpack_sum(first: Quantization, second: Quantization, target: Quantization) -> SumPlan:
    """XNNPACK's sum: multipliers of 21 bits for both inputs, one shift, halves up."""
    ratios = [source.scale[0] / target.scale[0] for source in (first, second)]
    exponent = int(np.frexp(max(ratios))[1]) - 1
    shift = 20 - exponent
    a, b = (int(np.rint(np.ldexp(np.float64(ratio), shift))) for ratio in ratios)
    terms = (_centered(first) * a, _centered(second) * b)
    return SumPlan(terms, lambda x: (x + (np.int64(1) << (shift - 1))) >> shift, 2.0**-shift)


def exact_line(table: NDArray[np.uint8], plan: SumPlan, low: float, high: float) -> tuple[float, float, float] | None:
    """A sum as ``floor(p * a + q * b + r)`` of its bytes, in float64, if that gives every entry of its table.

    It does for most scales: the sum's own roundings are far finer than a step of its output, so that some r is right
    for all pairs of bytes. Vectors compute the line faster than they look up bytes.

    Parameters
    ----------
    table:
        Output bytes [256, 256] of every pair of input bytes.
    plan:
        The sum.
    low, high:
        Lowest and highest output byte.

    Returns
    -------
    (p, q, r), or ``None`` where some pair differs.
    """
    codes = np.arange(256, dtype=np.float64)
    p, q = (float(terms[255] - terms[0]) / 255 * plan.step for terms in plan.terms)
    slope = p * codes[:, None] + q * codes
    # Each entry lets r be in an interval, open on a side where the entry is clamped: take the middle of what all share.
    least = np.where(table > low, table - slope, -np.inf).max()
    most = np.where(table < high, table + 1.0 - slope, np.inf).min()
    r = float((least + most) / 2) if np.isfinite([least, most]).all() else float(np.nan_to_num(least, neginf=most - 1))
    # The operations of `kernels.add_by_line` in their order.
    found = np.minimum(np.maximum(slope + r, low), high).astype(np.int32)
    return (p, q, r) if np.array_equal(found, table) else None


def rescaled_mean(source: Quantization, target: Quantization, count: int, contract: Contract) -> Scaling:
    """TFLite's mean of ``count`` codes."""
    multiplier, shift = mean_multiplier(float(source.scale[0]) / float(target.scale[0]), count)
    return lambda x: requantize(x, multiplier, shift, contract)


def folded_mean(source: Quantization, target: Quantization, count: int) -> Scaling:
    """The mean over an image in LiteRT's optimized kernels, for sums [..., channels].

    Codes are summed as they are, and the zero-points come last. Halves go up, except in the channels behind the last
    whole vector of 16, which are computed one by one and away from zero.
    """
    codes, results = source.scale[0], target.scale[0]
    offset = np.float32(source.zero_point[0]) * codes / results
    bias = int(np.trunc(offset + np.copysign(np.float32(0.5), offset)))
    multiplier, shift = quantize_multiplier(float(codes / (np.float32(count) * results)))

    def scale(x: NDArray[np.int64]) -> NDArray[np.int64]:
        sums, whole = x + int(source.zero_point[0]) * count, x.shape[-1] // 16 * 16
        vectors = requantize(sums[..., :whole], multiplier, shift, Contract.UP2)
        rest = requantize(sums[..., whole:], multiplier, shift, Contract.DOUBLE)
        return np.concatenate([vectors, rest], axis=-1) - bias

    return scale


def xnnpack_mean(source: Quantization, target: Quantization, count: int) -> Scaling:
    """XNNPACK's mean of ``count`` codes, in float32: sums of the codes as they are, both zero-points as one offset.

    Halves go to even after the zero-point is in.
    """
    factor = source.scale[0] / target.scale[0] / np.float32(count)
    zero = int(target.zero_point[0])
    removed = int(source.zero_point[0]) * count
    offset = np.float32(zero) - np.float32(removed) * factor
    return lambda x: np.rint((x + removed).astype(np.float32) * factor + offset).astype(np.int64) - zero
