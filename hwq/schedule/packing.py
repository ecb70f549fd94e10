"""Weights in their places of weight memory: how many share one, and what they look like there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator, ceil_div


def packing_of(bits: int, accelerator: Accelerator) -> int:
    """How often a place is halved for weights of ``bits`` bits: as often as they still fit its parts."""
    return max((n for n, width in enumerate(accelerator.weight_fields) if width >= bits), default=0)


def packed_words(rows: int, packing: int) -> int:
    """Words of weight memory that so many rows take."""
    return ceil_div(rows, 1 << packing)


def packed_rows(rows: NDArray[np.int64], packing: int, accelerator: Accelerator) -> NDArray[np.int64]:
    """Rows of weights as words of codes.

    Parameters
    ----------
    rows:
        int64 [rows, columns], in the order of their use; 0 where there is no weight.
    packing:
        From `packing_of`.
    accelerator:
        Whose weight memory they are for.

    Returns
    -------
    int64 [words, columns]: what each column's place in a word holds, of which the lowest ``weight_bits`` bits count.
    """
    width, together = accelerator.weight_fields[packing], 1 << packing
    if packing == 0 and width > 1:
        return rows
    codes = np.zeros((packed_words(len(rows), packing) * together, rows.shape[1]), dtype=np.int64)
    codes[: len(rows)] = rows > 0 if width == 1 else rows & (1 << width) - 1
    places = np.zeros((len(codes) // together, rows.shape[1]), dtype=np.int64)
    for number in range(together):
        places |= codes[number::together] << width * number
    return places
