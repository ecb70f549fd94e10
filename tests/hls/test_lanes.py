"""How many channels travel side by side."""

from __future__ import annotations

from hwq.hls.lanes import largest_divisor


def test_largest_divisor() -> None:
    assert [largest_divisor(n, 8) for n in (64, 12, 10, 13, 7, 1)] == [8, 6, 5, 1, 7, 1]
