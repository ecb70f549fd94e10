"""What the options of an operator say, for every kind of network: windows, groups, padding.

Slots are fields of the operator's options table in the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwq.errors import ModelError
from hwq.frontends.tflite.reading import TensorReader
from hwq.graph.layers import Padding
from hwq.graph.shapes import explicit_padding

_SAME, _VALID = 0, 1

#: Slots of the fused activation.
ADD_ACTIVATION, CONV_ACTIVATION, DENSE_ACTIVATION, DEPTHWISE_ACTIVATION, POOL_ACTIVATION = 0, 3, 0, 4, 5


@dataclass(frozen=True)
class Window:
    """A window that slides over an image; pairs are (vertical, horizontal)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding


def convolution_window(read: TensorReader[Any], weights: tuple[int, ...]) -> Window:
    """Of a CONV_2D whose weights have this shape."""
    options = read.operator
    stride = (options.integer(2), options.integer(1))
    dilation = (options.integer(5, default=1), options.integer(4, default=1))
    return _window(read, (weights[1], weights[2]), stride, dilation)


def convolution_groups(read: TensorReader[Any], weights: tuple[int, ...]) -> int:
    """How many groups the channels of a CONV_2D's input fall into."""
    channels, group_channels = read.input(0).shape[2], weights[3]
    if channels % group_channels:
        raise ModelError(f"{channels} input channels are not a multiple of the weights' {group_channels}")
    return int(channels // group_channels)


def depthwise_window(read: TensorReader[Any], weights: tuple[int, ...]) -> Window:
    """Of a DEPTHWISE_CONV_2D whose weights have this shape."""
    if weights[0] != 1:
        raise ModelError(f"depthwise weights have shape {list(weights)}; needed is [1, height, width, channels]")
    options = read.operator
    stride = (options.integer(2), options.integer(1))
    dilation = (options.integer(6, default=1), options.integer(5, default=1))
    return _window(read, (weights[1], weights[2]), stride, dilation)


def depth_multiplier(read: TensorReader[Any]) -> int:
    """Output channels for each input channel of a DEPTHWISE_CONV_2D."""
    return read.operator.integer(3)


def pooling_window(read: TensorReader[Any]) -> Window:
    """Of an AVERAGE_POOL_2D or MAX_POOL_2D."""
    options = read.operator
    stride = (options.integer(2), options.integer(1))
    return _window(read, (options.integer(4), options.integer(3)), stride, (1, 1))


def _window(
    read: TensorReader[Any], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Window:
    code, image = read.operator.integer(0, "int8"), read.input(0)
    if code not in (_SAME, _VALID):
        raise ModelError(f"padding scheme {code}; supported are SAME and VALID")
    if len(image.shape) != 3:
        raise ModelError(f"input {image.name!r} has shape {[1, *image.shape]}; needed is [1, height, width, channels]")
    for what, sizes in (("stride", stride), ("dilation", dilation), ("kernel", kernel)):
        if min(sizes) < 1:
            raise ModelError(f"{what} {sizes} is not positive")
    padding = explicit_padding(code == _SAME, (image.shape[0], image.shape[1]), kernel, stride, dilation)
    return Window(kernel, stride, dilation, padding)


def check_dense(read: TensorReader[Any], weights: tuple[int, ...]) -> None:
    """Accept the options of a FULLY_CONNECTED whose weights have this shape."""
    if read.operator.integer(1, "int8") != 0:
        raise ModelError("shuffled weights; supported is the default weights format")
    image, output = read.input(0).shape, read.output().shape
    if read.operator.flag(2) and (image[-1:] != weights[1:] or (*image[:-1], weights[0]) != output):
        raise ModelError(
            f"keep_num_dims: input {list(image)}, weights {list(weights)} and output {list(output)} do not agree"
        )


def pad_amounts(read: TensorReader[Any]) -> tuple[tuple[int, int], ...]:
    """(before, after) of every axis but the batch."""
    amounts = read.constant(1)
    rank = 1 + len(read.input(0).shape)
    if amounts.shape != (rank, 2) or not np.issubdtype(amounts.dtype, np.integer):
        raise ModelError(f"paddings have shape {list(amounts.shape)}; needed is [{rank}, 2]")
    pairs: list[tuple[int, int]] = [(int(before), int(after)) for before, after in amounts.tolist()]
    if pairs[0] != (0, 0):
        raise ModelError("padding of the batch; supported are the other axes")
    return tuple(pairs[1:])
