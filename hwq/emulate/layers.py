"""One callable for each layer: constants are worked out once, then it maps batches of codes to batches of codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.contracts import Arithmetic
from hwq.emulate.scaling import make_scaling
from hwq.emulate.softmax import FixedPointSoftmax, FloatSoftmax
from hwq.emulate.sums import rescaled_sum, xnnpack_sum
from hwq.emulate.tables import activation_table, requantization_table
from hwq.graph.layers import (
    Activation,
    Add,
    Concatenation,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    Mean,
    Pad,
    Padding,
    Pool2D,
    PoolKind,
    Requantize,
    Reshape,
    Softmax,
)
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization
from hwq.numeric.requantize import quantize_multiplier, requantize

Codes = NDArray[np.integer]
Kernel = Callable[..., Codes]


def build(network: Network, layer: Layer, arithmetic: Arithmetic) -> Kernel:
    """The callable that computes ``layer``."""
    return _BUILDERS[type(layer)](network, layer, arithmetic)


def _quantization(network: Network, name: str) -> Quantization:
    return network.tensors[name].quantization


def _finish(y: NDArray[np.int64], target: Quantization, clamp: tuple[int, int]) -> Codes:
    return np.clip(y + int(target.zero_point[0]), *clamp).astype(target.format.dtype)


def _windows(
    x: NDArray[Any],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding,
    fill: int,
) -> NDArray[Any]:
    """[N, out_h, out_w, channels, kernel_h, kernel_w], a view of the padded image [N, h, w, channels]."""
    top, bottom, left, right = padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    return views[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]


def _conv(network: Network, layer: Conv2D, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    scaling = make_scaling(network, layer, arithmetic.convolution)
    out_channels, kernel_h, kernel_w, depth = layer.weights.shape
    weights = layer.weights.reshape(layer.groups, out_channels // layer.groups, -1).astype(np.float64)

    def run(x: Codes) -> Codes:
        wide = x.astype(np.float64) - int(source.zero_point[0])
        windows = _windows(wide, (kernel_h, kernel_w), layer.stride, layer.dilation, layer.padding, 0)
        n, out_h, out_w = windows.shape[:3]
        columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel_h * kernel_w, layer.groups, depth)
        parts = [columns[:, :, g].reshape(len(columns), -1) @ weights[g].T for g in range(layer.groups)]
        # Exact: the network's checks keep every accumulator inside 32 bits, far below 2^53.
        sums = np.concatenate(parts, axis=1).astype(np.int64) + layer.bias
        return _finish(scaling(sums), target, layer.clamp).reshape(n, out_h, out_w, out_channels)

    return run


def _depthwise(network: Network, layer: DepthwiseConv2D, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    scaling = make_scaling(network, layer, arithmetic.convolution)
    kernel_h, kernel_w, _ = layer.weights.shape
    weights = layer.weights.transpose(2, 0, 1).astype(np.int64)

    def run(x: Codes) -> Codes:
        wide = x.astype(np.int64) - int(source.zero_point[0])
        wide = np.repeat(wide, layer.depth_multiplier, axis=3)
        windows = _windows(wide, (kernel_h, kernel_w), layer.stride, layer.dilation, layer.padding, 0)
        sums = np.einsum("nhwckl,ckl->nhwc", windows, weights) + layer.bias
        return _finish(scaling(sums), target, layer.clamp)

    return run


def _dense(network: Network, layer: Dense, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    scaling = make_scaling(network, layer, arithmetic.dense)
    shape = network.tensors[layer.output].shape
    weights = layer.weights.astype(np.float64)

    def run(x: Codes) -> Codes:
        rows = x.reshape(-1, weights.shape[1]).astype(np.float64) - int(source.zero_point[0])
        sums = (rows @ weights.T).astype(np.int64) + layer.bias
        return _finish(scaling(sums), target, layer.clamp).reshape(len(x), *shape)

    return run


def _add(network: Network, layer: Add, arithmetic: Arithmetic) -> Kernel:
    sources = [_quantization(network, name) for name in layer.inputs]
    target = _quantization(network, layer.output)
    plan = (xnnpack_sum if arithmetic.xnnpack_add else rescaled_sum)(sources[0], sources[1], target)
    terms = plan.terms

    def run(a: Codes, b: Codes) -> Codes:
        rank = max(a.ndim, b.ndim)
        a, b = (x.reshape(len(x), *[1] * (rank - x.ndim), *x.shape[1:]) for x in (a, b))
        total = terms[0][a.astype(np.int64) + 128] + terms[1][b.astype(np.int64) + 128]
        return _finish(plan.scale(total), target, layer.clamp)

    return run


def _divide_away(x: NDArray[np.int64], count: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """``x / count``, halves away from zero."""
    return np.sign(x) * ((np.abs(x) + count // 2) // count)


def _pool(network: Network, layer: Pool2D, arithmetic: Arithmetic) -> Kernel:
    height, width, _ = network.tensors[layer.inputs[0]].shape
    inside = np.ones((1, height, width, 1), dtype=np.int64)
    windows = _windows(inside, layer.kernel, layer.stride, (1, 1), layer.padding, 0)
    counts = windows.sum(axis=(4, 5))

    def run(x: Codes) -> Codes:
        if layer.kind is PoolKind.MAX:
            y = _windows(x.astype(np.int64), layer.kernel, layer.stride, (1, 1), layer.padding, -128).max(axis=(4, 5))
        else:
            sums = _windows(x.astype(np.int64), layer.kernel, layer.stride, (1, 1), layer.padding, 0).sum(axis=(4, 5))
            y = _divide_away(sums, counts)
        return np.clip(y, *layer.clamp).astype(np.int8)

    return run


def _mean(network: Network, layer: Mean, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    axes = tuple(axis + 1 for axis in layer.axes)
    count = int(np.prod([network.tensors[layer.inputs[0]].shape[axis] for axis in layer.axes]))
    multiplier, shift = quantize_multiplier(float(source.scale[0]) / float(target.scale[0]))
    shape = network.tensors[layer.output].shape

    def run(x: Codes) -> Codes:
        sums = x.sum(axis=axes, dtype=np.int64) - int(source.zero_point[0]) * count
        y = _divide_away(requantize(sums, multiplier, shift, arithmetic.elsewhere), count)
        return _finish(y, target, (-128, 127)).reshape(len(x), *shape)

    return run


def _pad(network: Network, layer: Pad, arithmetic: Arithmetic) -> Kernel:
    amounts = ((0, 0), *layer.amounts)
    return lambda x: np.pad(x, amounts, constant_values=layer.value)


def _concatenation(network: Network, layer: Concatenation, arithmetic: Arithmetic) -> Kernel:
    return lambda *inputs: np.concatenate(inputs, axis=layer.axis + 1)


def _reshape(network: Network, layer: Reshape, arithmetic: Arithmetic) -> Kernel:
    shape = network.tensors[layer.output].shape
    return lambda x: x.reshape(len(x), *shape)


def _lookup(table: Codes, lowest: int) -> Kernel:
    return lambda x: table[x.astype(np.int64) - lowest]


def _activation(network: Network, layer: Activation, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    return _lookup(activation_table(layer, source, target), source.format.min)


def _requantize(network: Network, layer: Requantize, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    return _lookup(requantization_table(layer, source, target), source.format.min)


def _softmax(network: Network, layer: Softmax, arithmetic: Arithmetic) -> Kernel:
    kind = FloatSoftmax if arithmetic.float_softmax else FixedPointSoftmax
    return kind(layer, _quantization(network, layer.inputs[0]))


_BUILDERS: dict[type[Layer], Callable[..., Kernel]] = {
    Activation: _activation,
    Add: _add,
    Concatenation: _concatenation,
    Conv2D: _conv,
    Dense: _dense,
    DepthwiseConv2D: _depthwise,
    Mean: _mean,
    Pad: _pad,
    Pool2D: _pool,
    Requantize: _requantize,
    Reshape: _reshape,
    Softmax: _softmax,
}
