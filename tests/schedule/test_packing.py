"""Weights in their places of weight memory."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, WeightPacking
from hwq.numeric.bounds import code_bits
from hwq.schedule.packing import packed_rows, packing_of


def accelerator(bits: int, packing: WeightPacking = WeightPacking.LAYER) -> Accelerator:
    return Accelerator(arithmetic=ArithmeticParameters(weight_bits=bits, weight_packing=packing))


@pytest.mark.parametrize(
    ("bits", "fields"), [(8, (8, 4, 2, 1)), (7, (7, 3, 1)), (6, (6, 3, 1)), (3, (3, 1)), (2, (2, 1)), (1, (1,))]
)
def test_places_are_halved_as_long_as_a_bit_is_left(bits: int, fields: tuple[int, ...]) -> None:
    assert accelerator(bits).weight_fields == fields
    assert accelerator(bits, WeightPacking.NONE).weight_fields == (bits,)


@pytest.mark.parametrize(("bits", "packing"), [(8, 0), (5, 0), (4, 1), (3, 1), (2, 2), (1, 3)])
def test_as_many_share_a_place_as_fit(bits: int, packing: int) -> None:
    assert packing_of(bits, accelerator(8)) == packing
    assert packing_of(bits, accelerator(8, WeightPacking.NONE)) == 0


def test_the_row_used_first_is_lowest() -> None:
    rows = np.array([[1, -8], [-1, 7], [3, 0]])
    assert packed_rows(rows, 1, accelerator(8)).tolist() == [[0xF1, 0x78], [0x03, 0x00]]
    # The third row begins the second word, and -1 is 0.
    signs = np.array([[1, -1], [1, 1], [-1, 1]])
    assert packed_rows(signs, 1, accelerator(2)).tolist() == [[0b11, 0b10], [0b00, 0b01]]
    assert packed_rows(signs, 0, accelerator(1)).tolist() == [[1, 0], [1, 1], [0, 1]]
    assert packed_rows(rows, 0, accelerator(8)).tolist() == rows.tolist()


@pytest.mark.parametrize(
    ("weights", "bits"), [([1, -1], 1), ([1, 0], 2), ([1, -2], 2), ([1, 2], 3), ([0, 0], 2), ([-128, 127], 8)]
)
def test_bits_of_codes(weights: list[int], bits: int) -> None:
    assert code_bits(np.array(weights, dtype=np.int8), signs=True) == bits
    assert code_bits(np.array(weights, dtype=np.int8), signs=False) == max(bits, 2)
