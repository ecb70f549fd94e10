"""One callable for each layer: constants are worked out once, then it maps batches of codes to batches of codes.

Inside the emulator a code travels as an unsigned byte, counted from the lowest code of its type: int8 codes plus 128.
So every code is an index into tables, and the operand that byte products need. Wider codes are `wide`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import kernels
from hwq.emulate.clamping.plain import PlainSums, exact_sum
from hwq.emulate.contracts import Arithmetic
from hwq.emulate.depthwise import Depthwise
from hwq.emulate.memory import Bytes
from hwq.emulate.ordered import Ordered, differs
from hwq.emulate.products import Convolution, FullyConnected, Product
from hwq.emulate.softmax import FixedPointSoftmax, FloatSoftmax
from hwq.emulate.sums import exact_line, folded_mean, rescaled_mean, rescaled_sum, xnnpack_mean, xnnpack_sum
from hwq.emulate.wide import Kernel, is_wide, wide_kernel
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
    Pool2D,
    PoolKind,
    Requantize,
    Reshape,
    Softmax,
    WeightedLayer,
)
from hwq.graph.network import Network
from hwq.graph.shapes import image_output_size
from hwq.graph.tables import (
    activation_table,
    byte_table,
    requantization_table,
    xnnpack_activation_table,
    xnnpack_requantization_table,
)
from hwq.graph.tensors import Quantization
from hwq.numeric.accumulation import SumOverflow
from hwq.schedule.order import OrderedSum


def build(
    network: Network,
    layer: Layer,
    arithmetic: Arithmetic,
    product: type[Product],
    how: OrderedSum | None = None,
    count: bool = False,
) -> Kernel:
    """The callable that computes ``layer``; products of weights and activations are computed by ``product``.

    ``how`` they are summed matters where a sum could leave its width; with ``count`` clamped outputs matter too.
    """
    if how is not None and isinstance(layer, WeightedLayer):
        chosen = how.accumulation.overflow is not SumOverflow.REFUSE
        if differs(network, layer, how) or (chosen and count):
            contract = arithmetic.dense if isinstance(layer, Dense) else arithmetic.convolution
            return Ordered(
                network, layer, contract, how, lambda: _exact(network, layer, arithmetic, product), count and chosen
            )
    if isinstance(layer, WeightedLayer):
        return _exact(network, layer, arithmetic, product, how)

    def narrow() -> Kernel:
        found: Kernel = _BUILDERS[type(layer)](network, layer, arithmetic)
        return found

    return wide_kernel(network, layer, arithmetic, narrow) if is_wide(network) else narrow()


def _exact(
    network: Network,
    layer: WeightedLayer,
    arithmetic: Arithmetic,
    product: type[Product],
    how: OrderedSum | None = None,
) -> Kernel:
    """What computes a layer whose sums need no order, though they may have one."""
    if layer.wide or is_wide(network):
        contract = arithmetic.dense if isinstance(layer, Dense) else arithmetic.convolution
        return PlainSums(
            network, layer, how or exact_sum(layer, contract, network.tensors[layer.output].quantization.format)
        )
    if isinstance(layer, Dense):
        return FullyConnected(network, layer, arithmetic.dense, product)
    if isinstance(layer, DepthwiseConv2D):
        return Depthwise(network, layer, arithmetic.convolution)
    assert isinstance(layer, Conv2D)
    return Convolution(network, layer, arithmetic.convolution, product)


def _quantization(network: Network, name: str) -> Quantization:
    return network.tensors[name].quantization


def _finish(y: NDArray[np.int64], target: Quantization, clamp: tuple[int, int]) -> Bytes:
    """Bytes of the codes that ``y`` and the output's zero-point make."""
    return (np.clip(y + int(target.zero_point[0]), *clamp) + 128).astype(np.uint8)


def _add(network: Network, layer: Add, arithmetic: Arithmetic) -> Kernel:
    sources = [_quantization(network, name) for name in layer.inputs]
    target = _quantization(network, layer.output)
    if arithmetic.xnnpack:
        plan = xnnpack_sum(sources[0], sources[1], target)
    else:
        plan = rescaled_sum(sources[0], sources[1], target, arithmetic.elsewhere)
    # Two bytes have 65,536 pairs: the sum of every one of them, once.
    table = _finish(plan.scale(plan.terms[0][:, None] + plan.terms[1]), target, layer.clamp)
    flat = table.reshape(-1)
    low, high = (float(bound + 128) for bound in layer.clamp)
    line = exact_line(table, plan, low, high)

    def run(out: Bytes, a: Bytes, b: Bytes) -> None:
        if a.shape != b.shape:
            a, b = (x.reshape(len(x), *[1] * (out.ndim - x.ndim), *x.shape[1:]) for x in (a, b))
            a, b = (np.ascontiguousarray(np.broadcast_to(x, out.shape)) for x in (a, b))
        if line is None:
            kernels.add_by_table(a.reshape(-1), b.reshape(-1), flat, out.reshape(-1))
        else:
            kernels.add_by_line(a.reshape(-1), b.reshape(-1), line, low, high, out.reshape(-1))

    return run


def _pool(network: Network, layer: Pool2D, arithmetic: Arithmetic) -> Kernel:
    height, width, _ = network.tensors[layer.inputs[0]].shape
    top, _, left, _ = layer.padding
    size = image_output_size((height, width), layer.kernel, layer.stride, (1, 1), layer.padding)
    rows = _inside(size[0], layer.stride[0], layer.kernel[0], top, height)
    columns = _inside(size[1], layer.stride[1], layer.kernel[1], left, width)
    average = layer.kind is PoolKind.AVERAGE
    return lambda out, x: kernels.pool(x, rows, columns, average, *layer.clamp, out)


def _inside(outputs: int, stride: int, length: int, before: int, size: int) -> NDArray[np.int64]:
    """First and one past the last position of each window along an axis that is not padding, [outputs, 2]."""
    first = np.arange(outputs, dtype=np.int64) * stride - before
    return np.clip(np.stack([first, first + length], axis=1), 0, size)


def _mean(network: Network, layer: Mean, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    axes = tuple(axis + 1 for axis in layer.axes)
    count = math.prod(network.tensors[layer.inputs[0]].shape[axis] for axis in layer.axes)
    output = network.tensors[layer.output].shape
    over_image = layer.axes == (0, 1) and len(output) == 3
    if arithmetic.xnnpack:
        scaling = xnnpack_mean(source, target, count)
    elif arithmetic.optimized and over_image:
        scaling = folded_mean(source, target, count)
    else:
        scaling = rescaled_mean(source, target, count, arithmetic.elsewhere)

    def run(out: Bytes, x: Bytes) -> None:
        sums = x.sum(axis=axes, dtype=np.int64) - (int(source.zero_point[0]) + 128) * count
        out[...] = _finish(scaling(sums), target, (target.format.min, target.format.max)).reshape(out.shape)

    return run


def _pad(network: Network, layer: Pad, arithmetic: Arithmetic) -> Kernel:
    shape = network.tensors[layer.inputs[0]].shape
    inner = tuple(slice(before, before + size) for (before, _), size in zip(layer.amounts, shape, strict=True))

    def run(out: Bytes, x: Bytes) -> None:
        out[...] = layer.value + 128
        out[(slice(None), *inner)] = x

    return run


def _concatenation(network: Network, layer: Concatenation, arithmetic: Arithmetic) -> Kernel:
    def run(out: Bytes, *inputs: Bytes) -> None:
        np.concatenate(inputs, axis=layer.axis + 1, out=out)

    return run


def _reshape(network: Network, layer: Reshape, arithmetic: Arithmetic) -> Kernel:
    def run(out: Bytes, x: Bytes) -> None:
        out[...] = x.reshape(out.shape)

    return run


def _lookup(codes: NDArray[np.integer], source: Quantization, target: Quantization) -> Kernel:
    lowest = 128 if target.format.signed else 0
    table = (byte_table(codes, source).astype(np.int64) + lowest).astype(np.uint8)

    def run(out: Bytes, x: Bytes) -> None:
        np.take(table, x, out=out)

    return run


def _activation(network: Network, layer: Activation, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    if arithmetic.xnnpack:
        return _lookup(xnnpack_activation_table(layer, source, target), source, target)
    return _lookup(activation_table(layer, source, target, arithmetic.elsewhere), source, target)


def _requantize(network: Network, layer: Requantize, arithmetic: Arithmetic) -> Kernel:
    source, target = _quantization(network, layer.inputs[0]), _quantization(network, layer.output)
    if arithmetic.xnnpack:
        return _lookup(xnnpack_requantization_table(source, target), source, target)
    return _lookup(requantization_table(source, target, arithmetic.elsewhere), source, target)


def _softmax(network: Network, layer: Softmax, arithmetic: Arithmetic) -> Kernel:
    kind = FloatSoftmax if arithmetic.optimized else FixedPointSoftmax
    return kind(layer, _quantization(network, layer.inputs[0]))


_BUILDERS: dict[type[Layer], Callable[..., Kernel]] = {
    Activation: _activation,
    Add: _add,
    Concatenation: _concatenation,
    Mean: _mean,
    Pad: _pad,
    Pool2D: _pool,
    Requantize: _requantize,
    Reshape: _reshape,
    Softmax: _softmax,
}
