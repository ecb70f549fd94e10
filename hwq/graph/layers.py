"""The layers of a quantized network: what is computed, with every constant, and nothing of how.

Tensors are named by strings; ``Network.tensors`` holds their shapes and quantization. Image tensors are
(height, width, channels). Paddings are explicit: (top, bottom, left, right). ``clamp`` is the inclusive range of
output codes after a fused activation, already in the output's codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwq.graph.tensors import Quantization

Padding = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Layer:
    """What every layer has.

    ``name`` is unique in the network, an identifier ([A-Za-z][A-Za-z0-9_]*), and taken from the model where it names
    its layers.
    """

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def op(self) -> str:
        """Operator name in lower case, as reports print it."""
        return type(self).__name__.lower()


@dataclass(frozen=True, eq=False)
class WeightedLayer(Layer):
    """A layer that multiplies by constants and accumulates; ``bias`` is int32, one for each output channel.

    ``weights`` are codes, int8 or int16; what is multiplied are their `values`.
    """

    weights: NDArray[np.int8 | np.int16]
    weight_quantization: Quantization
    bias: NDArray[np.int32]
    if TYPE_CHECKING:
        # Every one of them has it; declared where its place among the fields is, which a saved network keeps.
        clamp: tuple[int, int]

    @property
    def channels(self) -> int:
        """Output channels, which is the number of biases and of per-channel scales."""
        return len(self.weights)

    @property
    def channel_axis(self) -> int:
        """The axis of the weights that counts output channels."""
        return 0

    @property
    def values(self) -> NDArray[np.integer]:
        """Weights less their zero-points, in the shape of ``weights``; of their type where there are none, or int32."""
        zero = self.weight_quantization.zero_point
        if not zero.any():
            return self.weights
        shape = [1] * self.weights.ndim
        shape[self.channel_axis] = -1
        return self.weights - zero.reshape(shape)

    @property
    def wide(self) -> bool:
        """Whether values are not in the type int8."""
        return self.values.dtype != np.int8

    @property
    def channel_rows(self) -> NDArray[np.integer]:
        """Values of each output channel as one row, [channels, n]: what its accumulator sums over."""
        return self.values.reshape(self.channels, -1)


@dataclass(frozen=True, eq=False)
class Conv2D(WeightedLayer):
    """2-D convolution; ``weights`` integer codes [out, kernel_h, kernel_w, in / groups], ``bias`` int32 [out]."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    clamp: tuple[int, int]
    groups: int = 1


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(WeightedLayer):
    """Depthwise convolution; ``weights`` [kernel_h, kernel_w, in * depth_multiplier], ``bias`` int32 [out]."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: Padding
    clamp: tuple[int, int]
    depth_multiplier: int = 1

    @property
    def channels(self) -> int:
        """Output channels."""
        return int(self.weights.shape[-1])

    @property
    def channel_axis(self) -> int:
        """The last one."""
        return self.weights.ndim - 1

    @property
    def channel_rows(self) -> NDArray[np.integer]:
        """A kernel each, [channels, kernel_h * kernel_w]."""
        return self.values.reshape(-1, self.channels).T


@dataclass(frozen=True, eq=False)
class Dense(WeightedLayer):
    """Fully connected; ``weights`` [out, in], ``bias`` int32 [out].

    The input is taken flat, row-major, in rows of ``in`` elements; each row gives ``out`` elements of the output. Most
    layers have one row.
    """

    clamp: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Add(Layer):
    """Element-wise sum of two tensors, each with its own scale; shapes equal or broadcastable."""

    clamp: tuple[int, int]


class PoolKind(StrEnum):
    """How a pooling window becomes one value."""

    AVERAGE = "average"
    MAX = "max"


@dataclass(frozen=True, eq=False)
class Pool2D(Layer):
    """Average or max pooling; padding never counts. Input and output share scale and zero-point."""

    kind: PoolKind
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding
    clamp: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Mean(Layer):
    """Mean over ``axes`` (of the shape without batch), requantized when scales differ.

    The output's shape either keeps the axes with size 1 or drops them.
    """

    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """Constant padding; ``amounts`` is (before, after) per axis, ``value`` the code that fills."""

    amounts: tuple[tuple[int, int], ...]
    value: int


@dataclass(frozen=True, eq=False)
class Concatenation(Layer):
    """Joins its inputs along ``axis`` (of the shape without batch)."""

    axis: int


@dataclass(frozen=True, eq=False)
class Reshape(Layer):
    """Same codes, other shape."""


class ActivationKind(StrEnum):
    """Activations that stand as layers of their own."""

    RELU = "relu"
    RELU6 = "relu6"
    RELU_N1_TO_1 = "relu_n1_to_1"
    LEAKY_RELU = "leaky_relu"
    LOGISTIC = "logistic"
    TANH = "tanh"
    HARD_SWISH = "hard_swish"


@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """An element-wise function; ``alpha`` is the negative slope of LEAKY_RELU, float32 as the model holds it."""

    kind: ActivationKind
    alpha: float = 0.0


@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """Softmax over the last axis."""

    beta: float = 1.0


@dataclass(frozen=True, eq=False)
class Requantize(Layer):
    """Same values in another scale, zero-point or integer format (int8 or uint8)."""


KINDS: tuple[type[Layer], ...] = tuple(
    kind
    for kind in list(vars().values())
    if isinstance(kind, type) and issubclass(kind, Layer) and not kind.__subclasses__()
)
"""Every kind of layer that a network can hold, in the order of this page."""
