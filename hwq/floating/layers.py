"""The layers of a network of real numbers, where they differ from those of `hwq.graph.layers`.

Layers that hold no codes (Mean, Concatenation, Reshape, Activation, Softmax) are those of `hwq.graph.layers`.
Shapes leave out the batch, images are (height, width, channels), paddings are (top, bottom, left, right).
``activation`` is the fused one: RELU, RELU6, RELU_N1_TO_1 or ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import (
    Activation,
    ActivationKind,
    Concatenation,
    Layer,
    Mean,
    Padding,
    PoolKind,
    Reshape,
    Softmax,
)

Reals = NDArray[np.float32]

#: The activations that another layer can have fused to it, and that are a clamp.
FUSED = (ActivationKind.RELU, ActivationKind.RELU6, ActivationKind.RELU_N1_TO_1)


@dataclass(frozen=True, eq=False)
class WeightedLayer(Layer):
    """A layer that multiplies by constants; ``bias`` is float32, one for each output channel."""

    weights: Reals
    bias: Reals
    if TYPE_CHECKING:
        # Every one of them has it.
        activation: ActivationKind | None

    @property
    def channel_axis(self) -> int:
        """Axis of ``weights`` that counts output channels."""
        return 0

    @property
    def channels(self) -> int:
        """Output channels."""
        return int(self.weights.shape[self.channel_axis])


@dataclass(frozen=True, eq=False)
class Conv2D(WeightedLayer):
    """2-D convolution; ``weights`` [out, kernel_h, kernel_w, in / groups], ``bias`` [out]."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    activation: ActivationKind | None
    groups: int = 1

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width."""
        return self.weights.shape[1], self.weights.shape[2]


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(WeightedLayer):
    """Depthwise convolution; ``weights`` [kernel_h, kernel_w, in * depth_multiplier], ``bias`` [out]."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    activation: ActivationKind | None
    depth_multiplier: int = 1

    @property
    def channel_axis(self) -> int:
        """Axis of ``weights`` that counts output channels."""
        return 2

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width."""
        return self.weights.shape[0], self.weights.shape[1]


@dataclass(frozen=True, eq=False)
class Dense(WeightedLayer):
    """Fully connected; ``weights`` [out, in]; the input is taken flat, in rows of ``in`` elements."""

    activation: ActivationKind | None


@dataclass(frozen=True, eq=False)
class Affine(Layer):
    """``x * scale + offset`` along the last axis; float32 [channels] each. What batch normalization comes down to."""

    scale: Reals
    offset: Reals
    activation: ActivationKind | None = None


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """Element-wise sum of two tensors, whose shapes are equal or broadcast."""

    activation: ActivationKind | None = None


@dataclass(frozen=True, eq=False)
class Pool2D(Layer):
    """Average or max pooling; padding never counts."""

    kind: PoolKind
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding
    activation: ActivationKind | None = None


@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """Constant padding; ``amounts`` is (before, after) per axis, ``value`` the number that fills."""

    amounts: tuple[tuple[int, int], ...]
    value: float = 0.0


KINDS: tuple[type[Layer], ...] = (
    *(Conv2D, DepthwiseConv2D, Dense, Affine, Add, Pool2D, Pad),
    *(Mean, Concatenation, Reshape, Activation, Softmax),
)
"""Every kind of layer that a network of real numbers can hold."""
