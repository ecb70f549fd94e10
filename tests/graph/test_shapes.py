"""Geometry against a window that is slid by hand, and the costs of layers."""

from __future__ import annotations

import itertools

import pytest

from hwq.graph.shapes import explicit_padding, image_output_size, macs, output_size, peak_activation_bytes, same_padding
from tests.graph.networks import network_of_every_layer

SIZES = list(itertools.product(range(1, 13), range(1, 6), range(1, 5), range(1, 4)))


def slide(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Positions of a window, counted one by one."""
    extent = (kernel - 1) * dilation + 1
    return len([start for start in range(-before, size + after - extent + 1) if (start + before) % stride == 0])


@pytest.mark.parametrize("before, after", [(0, 0), (2, 1), (0, 3)])
def test_output_size(before: int, after: int) -> None:
    for size, kernel, stride, dilation in SIZES:
        expected = slide(size, kernel, stride, dilation, before, after)
        actual = output_size(size, kernel, stride, dilation, before, after)
        assert max(actual, 0) == expected, (size, kernel, stride, dilation)


def test_same_padding_gives_one_output_a_stride_with_no_more_padding_than_that_takes() -> None:
    for size, kernel, stride, dilation in SIZES:
        before, after = same_padding(size, kernel, stride, dilation)
        outputs = -(-size // stride)
        assert slide(size, kernel, stride, dilation, before, after) == outputs
        assert after - before in (0, 1)
        if before + after:
            assert slide(size, kernel, stride, dilation, before, after - 1) == outputs - 1


def test_explicit_padding_is_top_bottom_left_right() -> None:
    assert explicit_padding(True, (96, 49), (3, 4), (2, 1), (1, 1)) == (0, 1, 1, 2)
    assert explicit_padding(False, (96, 49), (3, 4), (2, 1), (1, 1)) == (0, 0, 0, 0)
    assert image_output_size((96, 49), (3, 4), (2, 1), (1, 1), (0, 1, 1, 2)) == (48, 49)


def test_macs_count_every_multiplication() -> None:
    network = network_of_every_layer()
    expected = {"conv": 8 * 6 * 6 * (3 * 2 * 2), "depthwise": 4 * 3 * 12 * (3 * 3), "dense": 5 * 12}
    for layer in network.layers:
        assert macs(network, layer) == expected.get(layer.name, 0), layer.name


def test_peak_activation_bytes_counts_what_is_still_to_be_read() -> None:
    """At the sum of the two branches three tensors of 8 x 6 x 6 are alive; the reshape moves nothing."""
    assert peak_activation_bytes(network_of_every_layer()) == 3 * 8 * 6 * 6
