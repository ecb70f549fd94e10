"""What each kind of layer demands of its inputs, its output and its own parameters.

The rules are those of TFLite's int8 kernels: where a kernel would refuse, abort or silently compute something other
than the real-valued layer says, the layer is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hwq.errors import ModelError
from hwq.graph.layers import (
    Activation,
    ActivationKind,
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
from hwq.graph.requantization import fixed_output, layer_scales
from hwq.graph.shapes import image_output_size
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.bounds import accumulator_bounds, operand_range
from hwq.numeric.formats import INT16, INT32

#: Multipliers carry a shift of at most 30: larger factors move every nonzero accumulator out of 32 bits.
_MAX_EFFECTIVE_SCALE = 2.0**30
#: Factors of functions beyond this are damage, and would not stay inside float32 next to scales.
_MAX_FACTOR = 2.0**60
#: Where one code more takes the argument of a function from one end to the other, or beyond the shifts of its kernel.
_MAX_SIGMOID_SCALE, _MAX_HARD_SWISH_SCALE = 16.0, 2.0**20
_MAX_WINDOW = 1 << 20
#: What SAME padding of the largest window can reach.
_MAX_PADDING = _MAX_WINDOW * _MAX_WINDOW


def check_layer_rules(layer: Layer, inputs: Sequence[Tensor], output: Tensor) -> None:
    """Accept ``layer`` between these tensors; ModelError with the reason otherwise."""
    rule = _RULES.get(type(layer))
    if rule is None:
        raise ModelError(f"{type(layer).__name__} is not a layer that hwq knows")
    wanted = 2 if isinstance(layer, Add) else 1
    if isinstance(layer, Concatenation):
        if not inputs:
            raise ModelError("a concatenation of nothing")
    elif len(inputs) != wanted:
        raise ModelError(f"{len(inputs)} inputs; {layer.op} takes {wanted}")
    if not isinstance(layer, Requantize):
        for tensor in (*inputs, output):
            if not tensor.quantization.format.signed:
                raise ModelError(f"tensor {tensor.name!r} is unsigned; {layer.op} takes signed codes")
    _require_width(layer, (*inputs, output))
    rule(layer, inputs, output)


def _require_width(layer: Layer, tensors: Sequence[Tensor]) -> None:
    """Rules, tables and rescaling are those of 8-bit kernels; of wider codes there are products and copies."""
    largest = isinstance(layer, Pool2D) and layer.kind is PoolKind.MAX
    if largest or isinstance(layer, WeightedLayer | Pad | Concatenation | Reshape | Requantize):
        return
    for tensor in tensors:
        if tensor.quantization.format.width > 8:
            what = "average pooling" if isinstance(layer, Pool2D) else layer.op
            raise ModelError(f"tensor {tensor.name!r} is {tensor.quantization.format}; {what} takes up to 8 bits")


def check_quantization(quantization: Quantization, where: str) -> None:
    """Accept scales that are positive and finite with zero-points inside the format; ``where`` begins the message."""
    scale, zero_point = quantization.scale, quantization.zero_point
    if scale.dtype != np.float32 or zero_point.dtype != np.int32:
        raise ModelError(f"{where}: scales are {scale.dtype} and zero-points {zero_point.dtype}, not float32 and int32")
    if scale.ndim != 1 or scale.shape != zero_point.shape or scale.size == 0:
        raise ModelError(f"{where}: {scale.size} scales and {zero_point.size} zero-points; needed is one of each")
    if not quantization.per_channel and scale.size != 1:
        raise ModelError(f"{where}: {scale.size} scales without a channel axis")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        bad = scale[~(np.isfinite(scale) & (scale > 0))][0]
        raise ModelError(f"{where}: scale {bad} is not positive and finite")
    low, high = quantization.format.min, quantization.format.max
    outside = (zero_point < low) | (zero_point > high)
    if outside.any():
        raise ModelError(f"{where}: zero-point {zero_point[outside][0]} is outside {low}..{high}")


def _same_quantization(first: Quantization, second: Quantization) -> bool:
    return (
        first.format == second.format
        and np.array_equal(first.scale, second.scale)
        and np.array_equal(first.zero_point, second.zero_point)
    )


def _require_same_quantization(layer: Layer, inputs: Sequence[Tensor], output: Tensor) -> None:
    for tensor in inputs:
        if not _same_quantization(tensor.quantization, output.quantization):
            raise ModelError(
                f"input {tensor.name!r} and output {output.name!r} have different scales or zero-points; "
                f"{layer.op} copies codes and needs them equal"
            )


def _require_shape(output: Tensor, expected: tuple[int, ...]) -> None:
    if output.shape != expected:
        raise ModelError(f"output {output.name!r} has shape {list(output.shape)}, but {list(expected)} follows")


def _require_ratio(source: Tensor, output: Tensor) -> None:
    ratio = float(source.quantization.scale[0]) / float(output.quantization.scale[0])
    if ratio >= _MAX_EFFECTIVE_SCALE:
        raise ModelError(f"the input's scale is {ratio:g} times the output's; supported is below 2^30")


def _require_scale(layer: Activation, scale: float, limit: float) -> None:
    if scale >= limit:
        raise ModelError(f"the input's scale is {scale:g}; {layer.kind.value} supports less than {limit:g}")


def _require_clamp(clamp: tuple[int, int], output: Tensor) -> None:
    code_format = output.quantization.format
    if not code_format.min <= clamp[0] <= clamp[1] <= code_format.max:
        raise ModelError(f"clamp {clamp} is not a range inside {code_format.min}..{code_format.max}")


def _image(tensor: Tensor) -> tuple[int, int, int]:
    if len(tensor.shape) != 3:
        raise ModelError(f"tensor {tensor.name!r} has shape {list(tensor.shape)}; needed is (height, width, channels)")
    return tensor.shape[0], tensor.shape[1], tensor.shape[2]


def _require_window(
    layer: Conv2D | DepthwiseConv2D | Pool2D, kernel: tuple[int, int], dilation: tuple[int, int]
) -> None:
    for what, values in (("kernel", kernel), ("stride", layer.stride), ("dilation", dilation)):
        if any(not 1 <= value <= _MAX_WINDOW for value in values):
            raise ModelError(f"{what} {values} is not between 1 and {_MAX_WINDOW}")
    if any(not 0 <= value <= _MAX_PADDING for value in layer.padding):
        raise ModelError(f"padding {layer.padding} is not between 0 and {_MAX_PADDING}")


def _require_weights(layer: WeightedLayer, rank: int, inputs: Sequence[Tensor], out: Tensor) -> None:
    weights, bias, quantization = layer.weights, layer.bias, layer.weight_quantization
    if weights.dtype not in (np.int8, np.int16) or weights.ndim != rank or weights.size == 0:
        raise ModelError(
            f"weights are {weights.dtype} of shape {list(weights.shape)}; needed are int8 or int16 of rank {rank}"
        )
    channels = layer.channels
    if bias.dtype != np.int32 or bias.shape != (channels,):
        raise ModelError(f"biases are {bias.dtype} of shape {list(bias.shape)}; needed are int32 [{channels}]")
    check_quantization(quantization, "weights")
    axis = layer.channel_axis
    if quantization.per_channel and (quantization.axis != axis or quantization.scale.size != channels):
        raise ModelError(
            f"{quantization.scale.size} weight scales along axis {quantization.axis}; "
            f"supported are one, or {channels} along axis {axis}"
        )
    if not INT16.contains(layer.values):
        raise ModelError(
            f"weights less zero-points are from {layer.values.min()} to {layer.values.max()}; supported are 16 bits"
        )
    scales = layer_scales(layer, inputs[0].quantization.scale[0], out.quantization.scale[0])
    if not (np.isfinite(scales).all() and (scales < _MAX_EFFECTIVE_SCALE).all() and (scales >= 0).all()):
        raise ModelError(f"the factor from accumulator to output reaches {scales.max():.3g}; supported is below 2^30")
    _require_accumulator(layer, inputs[0].quantization)
    _require_clamp(layer.clamp, out)


def _require_accumulator(layer: WeightedLayer, quantization: Quantization) -> None:
    """Sums that leave 32 bits are undefined in TFLite: refuse weights and biases for which an input could cause one."""
    operands = operand_range(quantization.format, int(quantization.zero_point[0]), subtracted=True)
    low, high = accumulator_bounds(layer.channel_rows, *operands)
    low, high = low + layer.bias, high + layer.bias
    outside = np.flatnonzero((low < INT32.min) | (high > INT32.max))
    if outside.size:
        channel = int(outside[0])
        reach = low[channel] if low[channel] < INT32.min else high[channel]
        raise ModelError(f"the accumulator of output channel {channel} can reach {reach}, which does not fit 32 bits")


def _check_conv(layer: Conv2D, inputs: Sequence[Tensor], output: Tensor) -> None:
    height, width, channels = _image(inputs[0])
    _require_weights(layer, 4, inputs, output)
    out_channels, kernel_h, kernel_w, group_channels = layer.weights.shape
    if layer.groups < 1 or group_channels * layer.groups != channels or out_channels % layer.groups:
        raise ModelError(
            f"{channels} input and {out_channels} output channels in {layer.groups} groups do not agree with weights "
            f"that read {group_channels} channels"
        )
    _require_window(layer, (kernel_h, kernel_w), layer.dilation)
    size = image_output_size((height, width), (kernel_h, kernel_w), layer.stride, layer.dilation, layer.padding)
    _require_shape(output, (*size, out_channels))


def _check_depthwise(layer: DepthwiseConv2D, inputs: Sequence[Tensor], output: Tensor) -> None:
    height, width, channels = _image(inputs[0])
    _require_weights(layer, 3, inputs, output)
    kernel_h, kernel_w, out_channels = layer.weights.shape
    if layer.depth_multiplier < 1 or channels * layer.depth_multiplier != out_channels:
        raise ModelError(
            f"{channels} input channels times depth multiplier {layer.depth_multiplier} do not give the weights' "
            f"{out_channels} channels"
        )
    _require_window(layer, (kernel_h, kernel_w), layer.dilation)
    size = image_output_size((height, width), (kernel_h, kernel_w), layer.stride, layer.dilation, layer.padding)
    _require_shape(output, (*size, out_channels))


def _check_dense(layer: Dense, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_weights(layer, 2, inputs, output)
    units, depth = layer.weights.shape
    elements = inputs[0].elements
    if elements % depth:
        raise ModelError(f"input {inputs[0].name!r} has {elements} elements, not a multiple of the weights' {depth}")
    rows = elements // depth
    if output.shape[-1:] != (units,) or output.elements != rows * units:
        raise ModelError(
            f"output {output.name!r} has shape {list(output.shape)}; {rows} rows of {units} outputs are needed"
        )


def _check_add(layer: Add, inputs: Sequence[Tensor], output: Tensor) -> None:
    try:
        shape = np.broadcast_shapes(inputs[0].shape, inputs[1].shape)
    except ValueError:
        raise ModelError(
            f"inputs of shapes {list(inputs[0].shape)} and {list(inputs[1].shape)} do not broadcast"
        ) from None
    _require_shape(output, tuple(shape))
    _require_clamp(layer.clamp, output)
    largest = max(float(tensor.quantization.scale[0]) for tensor in inputs)
    if 2 * largest >= 2.0**20 * float(output.quantization.scale[0]):
        raise ModelError(
            "an input's scale is 2^19 times the output's or more; the sum's fixed point does not reach that"
        )


def _check_pool(layer: Pool2D, inputs: Sequence[Tensor], output: Tensor) -> None:
    height, width, channels = _image(inputs[0])
    _require_same_quantization(layer, inputs, output)
    _require_window(layer, layer.kernel, (1, 1))
    _require_clamp(layer.clamp, output)
    top, bottom, left, right = layer.padding
    if max(top, bottom) >= layer.kernel[0] or max(left, right) >= layer.kernel[1]:
        raise ModelError(f"padding {layer.padding} leaves windows {layer.kernel} without a single input")
    _require_shape(
        output, (*image_output_size((height, width), layer.kernel, layer.stride, (1, 1), layer.padding), channels)
    )


def _check_mean(layer: Mean, inputs: Sequence[Tensor], output: Tensor) -> None:
    shape = inputs[0].shape
    if not layer.axes or len(set(layer.axes)) != len(layer.axes) or any(not 0 <= a < len(shape) for a in layer.axes):
        raise ModelError(f"axes {layer.axes} are not distinct axes of shape {list(shape)}")
    kept = tuple(1 if axis in layer.axes else size for axis, size in enumerate(shape))
    dropped = tuple(size for axis, size in enumerate(shape) if axis not in layer.axes)
    if output.shape != kept:
        _require_shape(output, dropped)
    _require_ratio(inputs[0], output)


def _check_pad(layer: Pad, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_same_quantization(layer, inputs, output)
    shape = inputs[0].shape
    if len(layer.amounts) != len(shape) or any(min(pair) < 0 for pair in layer.amounts):
        raise ModelError(f"padding {layer.amounts} does not fit shape {list(shape)}")
    _require_shape(output, tuple(size + sum(pair) for size, pair in zip(shape, layer.amounts, strict=True)))
    if not output.quantization.format.contains(layer.value):
        raise ModelError(f"padding with {layer.value}, which is not a code of the output")


def _check_concatenation(layer: Concatenation, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_same_quantization(layer, inputs, output)
    first = inputs[0].shape
    if not 0 <= layer.axis < len(first):
        raise ModelError(f"axis {layer.axis} is not an axis of shape {list(first)}")
    before, after = first[: layer.axis], first[layer.axis + 1 :]
    for tensor in inputs:
        shape = tensor.shape
        if len(shape) != len(first) or (shape[: layer.axis], shape[layer.axis + 1 :]) != (before, after):
            raise ModelError(
                f"input {tensor.name!r} of shape {list(shape)} does not join {list(first)} on axis {layer.axis}"
            )
    _require_shape(output, (*before, sum(tensor.shape[layer.axis] for tensor in inputs), *after))


def _check_reshape(layer: Reshape, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_same_quantization(layer, inputs, output)
    if inputs[0].elements != output.elements:
        raise ModelError(f"{inputs[0].elements} elements do not reshape to {list(output.shape)}")


def _require_fixed_output(layer: Layer, output: Tensor) -> None:
    quantization, fixed = output.quantization, fixed_output(layer)
    if fixed is None:
        return
    scale, zero_point = fixed
    found = (quantization.scale[0], quantization.zero_point[0], quantization.format.width)
    if found != (scale, zero_point, 8):
        raise ModelError(
            f"output {output.name!r} is {quantization.format} with scale {found[0]} and zero-point {found[1]}; "
            f"{layer.op} gives int8 with scale {scale} and zero-point {zero_point}"
        )


def _check_softmax(layer: Softmax, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_shape(output, inputs[0].shape)
    if not output.shape:
        raise ModelError(f"input {inputs[0].name!r} has no axis to take the softmax over")
    _require_fixed_output(layer, output)
    factor = layer.beta * float(inputs[0].quantization.scale[0]) * 2.0**26
    if not layer.beta < _MAX_FACTOR or not factor > 1.0:
        raise ModelError(
            f"beta {layer.beta} times the input's scale is not a factor above 2^-26 and of a beta below 2^60"
        )


def _check_activation(layer: Activation, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_shape(output, inputs[0].shape)
    scale = float(inputs[0].quantization.scale[0])
    ratio = scale / float(output.quantization.scale[0])
    _require_fixed_output(layer, output)
    if layer.kind in (ActivationKind.LOGISTIC, ActivationKind.TANH):
        _require_scale(layer, scale, _MAX_SIGMOID_SCALE)
    elif layer.kind is ActivationKind.HARD_SWISH:
        if ratio >= 128:
            raise ModelError(f"the input's scale is {ratio:g} times the output's; hard_swish supports less than 128")
        _require_scale(layer, scale, _MAX_HARD_SWISH_SCALE)
    else:
        _require_ratio(inputs[0], output)
    if layer.kind is ActivationKind.LEAKY_RELU:
        if not 0 <= layer.alpha * ratio < _MAX_EFFECTIVE_SCALE or layer.alpha >= _MAX_FACTOR:
            raise ModelError(f"slope {layer.alpha}; supported are slopes from 0 that give factors below 2^30")
    elif layer.alpha != 0.0:
        raise ModelError(f"slope {layer.alpha} on {layer.kind.value}, which has none")


def _check_requantize(layer: Requantize, inputs: Sequence[Tensor], output: Tensor) -> None:
    _require_shape(output, inputs[0].shape)
    _require_ratio(inputs[0], output)


_Rule = Callable[..., None]
_RULES: dict[type[Layer], _Rule] = {
    Conv2D: _check_conv,
    DepthwiseConv2D: _check_depthwise,
    Dense: _check_dense,
    Add: _check_add,
    Pool2D: _check_pool,
    Mean: _check_mean,
    Pad: _check_pad,
    Concatenation: _check_concatenation,
    Reshape: _check_reshape,
    Softmax: _check_softmax,
    Activation: _check_activation,
    Requantize: _check_requantize,
}
