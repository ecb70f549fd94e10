"""An input of a layer that makes a sum leave its width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.certify.reach import Prefixes, accumulators, psums
from hwq.certify.terms import Terms


@dataclass(frozen=True, eq=False)
class Witness:
    """An input of a layer, and the sum that it makes too wide.

    Up to that sum everything is exact, so that what the hardware counts begins with it at the latest.

    Parameters
    ----------
    kind:
        ``psum`` or ``accumulator``.
    channel, row, column:
        The output whose sum it is.
    bits:
        Width of the sum.
    value:
        The sum as it would be.
    products:
        How many of the output's products have been added by then.
    codes:
        The input, [1, *shape].
    """

    kind: str
    channel: int
    row: int
    column: int
    bits: int
    value: int
    products: int
    codes: NDArray[np.integer]


def find_witness(terms: Terms) -> Witness | None:
    """The input whose sum leaves its width farthest; ``None`` where no addition does.

    Sums of passes come first: where they are fitted, what they are added to is another sum. Channels whose accumulators
    cannot hold what they begin with are left out: that is no addition.
    """
    spec = terms.how.accumulation
    if spec.psum_bits is not None and (found := _farthest(terms, "psum", psums(terms), spec.psum_bits)):
        return found
    return _farthest(terms, "accumulator", accumulators(terms), spec.accumulator_bits)


def _farthest(terms: Terms, kind: str, found: Iterator[Prefixes], bits: int) -> Witness | None:
    lowest, highest = terms.how.accumulation.range(bits)
    best, witness = 0, None
    for sums in found:
        beyond = np.maximum(sums.high - highest, lowest - sums.low)
        if kind == "accumulator":
            beyond[terms.start != terms.exact_start] = 0
        place = int(np.argmax(beyond))
        if beyond.flat[place] <= best:
            continue
        best = int(beyond.flat[place])
        channel, number = divmod(place, sums.high.shape[1])
        upward = bool(sums.high[channel, number] - highest == best)
        value = int((sums.high if upward else sums.low)[channel, number])
        codes = _codes(terms, sums, channel, number, upward)
        at = (sums.spot.row, sums.spot.column)
        witness = Witness(kind, channel, *at, bits, value, int(sums.ends[number]), codes)
    return witness


def _codes(terms: Terms, sums: Prefixes, channel: int, number: int, upward: bool) -> NDArray[np.integer]:
    """Input codes [1, *shape]: extremes where the sum's own products are, and operands of 0 everywhere else."""
    quantized = terms.source.quantization
    zero = terms.zero_point if terms.how.subtracted else 0
    codes = np.full(terms.source.elements, zero, quantized.format.dtype)
    part = slice(int(sums.begins[number]), int(sums.ends[number]))
    places, weights = terms.elements(sums.spot, channel)[part], terms.weights[channel, part]
    chosen = sums.spot.inside[part] & (weights != 0)
    ends = np.where((weights > 0) == upward, quantized.format.max, quantized.format.min)
    codes[places[chosen]] = ends[chosen]
    return codes.reshape(1, *terms.source.shape)
