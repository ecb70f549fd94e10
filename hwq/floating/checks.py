"""Consistency of a network of real numbers: order of execution, shapes, finite constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.floating import layers as real
from hwq.floating.network import FloatNetwork, FloatTensor
from hwq.graph.checks import MAX_ELEMENTS
from hwq.graph.layers import Activation, ActivationKind, Concatenation, Layer, Mean, Reshape, Softmax
from hwq.graph.shapes import image_output_size

_MOST_STEPS = 1 << 20
Shape = tuple[int, ...]


def check_float_network(network: FloatNetwork) -> None:
    """Accept a network that can be executed; ModelError names layer and tensor otherwise."""
    if len({layer.name for layer in network.layers}) != len(network.layers):
        raise ModelError("two layers share a name")
    for tensor in network.tensors.values():
        check_float_tensor(tensor)
    written = {network.input}
    for layer in network.layers:
        for name in layer.inputs:
            if name not in written:
                raise ModelError(f"layer {layer.name}: input {name!r} is read before it is written")
        if layer.output in written:
            raise ModelError(f"layer {layer.name}: output {layer.output!r} is written a second time")
        check_float_layer(layer, network.tensors)
        written.add(layer.output)
    if network.output not in written:
        raise ModelError(f"the network's output {network.output!r} is never written")


def check_float_tensor(tensor: FloatTensor) -> None:
    """Accept a tensor of positive sizes that can be allocated."""
    if any(size < 1 for size in tensor.shape):
        raise ModelError(f"tensor {tensor.name!r}: shape {list(tensor.shape)} has sizes below 1")
    if tensor.elements > MAX_ELEMENTS:
        raise ModelError(f"tensor {tensor.name!r}: {tensor.elements} elements; supported are at most {MAX_ELEMENTS}")


def check_float_layer(layer: Layer, tensors: Mapping[str, FloatTensor]) -> None:
    """Accept a layer whose tensors exist and have the shapes that follow from its parameters."""
    for name in (*layer.inputs, layer.output):
        if name not in tensors:
            raise ModelError(f"layer {layer.name}: tensor {name!r} does not exist")
    try:
        _check(layer, [tensors[name].shape for name in layer.inputs], tensors[layer.output].shape)
    except ModelError as error:
        raise ModelError(f"layer {layer.name}: {error}") from None


def _check(layer: Layer, inputs: Sequence[Shape], output: Shape) -> None:
    rule = _RULES.get(type(layer))
    if rule is None:
        raise ModelError(f"{type(layer).__name__} is not a layer of real numbers")
    wanted = max(1, len(inputs)) if isinstance(layer, Concatenation) else 2 if isinstance(layer, real.Add) else 1
    if len(inputs) != wanted:
        raise ModelError(f"{len(inputs)} inputs; {layer.op} takes {wanted}")
    allowed = rule(layer, inputs, output)
    if output not in allowed:
        expected = " or ".join(str(list(shape)) for shape in allowed)
        raise ModelError(f"the output has shape {list(output)}, but {expected} follows")


def _image(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ModelError(f"an input of shape {list(shape)}; needed is (height, width, channels)")
    return shape[0], shape[1], shape[2]


def _finite(what: str, values: NDArray[Any], shape: Shape | None = None) -> None:
    if values.dtype != np.float32 or (shape is not None and values.shape != shape):
        needed = "" if shape is None else f" of shape {list(shape)}"
        raise ModelError(f"{what} are {values.dtype} of shape {list(values.shape)}; needed are float32{needed}")
    if not np.isfinite(values).all():
        raise ModelError(f"{what} hold {values[~np.isfinite(values)].flat[0]}; needed are finite numbers")


def _constants(layer: real.WeightedLayer, rank: int) -> None:
    if layer.weights.ndim != rank or layer.weights.size == 0:
        raise ModelError(f"weights have shape {list(layer.weights.shape)}; needed are {rank} dimensions, none empty")
    _finite("weights", layer.weights)
    _finite("biases", layer.bias, (layer.channels,))


def _window(
    layer: real.Conv2D | real.DepthwiseConv2D | real.Pool2D, image: tuple[int, int, int], dilation: tuple[int, int]
) -> tuple[int, int]:
    for what, values in (("kernel", layer.kernel), ("stride", layer.stride), ("dilation", dilation)):
        if any(not 1 <= value <= _MOST_STEPS for value in values):
            raise ModelError(f"{what} {values} is not between 1 and {_MOST_STEPS}")
    padded = [size + sum(pair) for size, pair in zip(image, (layer.padding[:2], layer.padding[2:]), strict=False)]
    if min(layer.padding) < 0 or padded[0] * padded[1] * image[2] > MAX_ELEMENTS:
        raise ModelError(f"padding {layer.padding} makes the input larger than {MAX_ELEMENTS} elements")
    return image_output_size((image[0], image[1]), layer.kernel, layer.stride, dilation, layer.padding)


def _conv(layer: real.Conv2D, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    image = _image(inputs[0])
    _constants(layer, 4)
    if layer.groups < 1 or layer.weights.shape[3] * layer.groups != image[2] or layer.channels % layer.groups:
        raise ModelError(
            f"{image[2]} input and {layer.channels} output channels in {layer.groups} groups do not agree with weights "
            f"that read {layer.weights.shape[3]} channels"
        )
    return [(*_window(layer, image, layer.dilation), layer.channels)]


def _depthwise(layer: real.DepthwiseConv2D, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    image = _image(inputs[0])
    _constants(layer, 3)
    if layer.depth_multiplier < 1 or image[2] * layer.depth_multiplier != layer.channels:
        raise ModelError(
            f"{image[2]} input channels times depth multiplier {layer.depth_multiplier} do not give {layer.channels}"
        )
    return [(*_window(layer, image, layer.dilation), layer.channels)]


def _dense(layer: real.Dense, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    _constants(layer, 2)
    elements, depth = _elements(inputs[0]), layer.weights.shape[1]
    if elements % depth:
        raise ModelError(f"{elements} input elements are not a multiple of the weights' {depth}")
    rows = elements // depth
    if output[-1:] == (layer.channels,) and _elements(output) == rows * layer.channels:
        return [output]
    return [(rows, layer.channels)]


def _elements(shape: Shape) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _affine(layer: real.Affine, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    if not inputs[0]:
        raise ModelError("an input without an axis of channels")
    for what, values in (("factors", layer.scale), ("offsets", layer.offset)):
        _finite(what, values, inputs[0][-1:])
    return [inputs[0]]


def _add(layer: real.Add, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    try:
        return [tuple(np.broadcast_shapes(*inputs))]
    except ValueError:
        raise ModelError(f"inputs of shapes {list(inputs[0])} and {list(inputs[1])} do not broadcast") from None


def _pool(layer: real.Pool2D, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    image = _image(inputs[0])
    top, bottom, left, right = layer.padding
    if max(top, bottom) >= layer.kernel[0] or max(left, right) >= layer.kernel[1]:
        raise ModelError(f"padding {layer.padding} leaves windows {layer.kernel} without a single input")
    return [(*_window(layer, image, (1, 1)), image[2])]


def _pad(layer: real.Pad, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    if len(layer.amounts) != len(inputs[0]) or any(min(pair) < 0 for pair in layer.amounts):
        raise ModelError(f"padding {layer.amounts} does not fit shape {list(inputs[0])}")
    if not np.isfinite(layer.value):
        raise ModelError(f"padding with {layer.value}; needed is a finite number")
    return [tuple(size + sum(pair) for size, pair in zip(inputs[0], layer.amounts, strict=True))]


def _mean(layer: Mean, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    shape, axes = inputs[0], layer.axes
    if not axes or len(set(axes)) != len(axes) or any(not 0 <= axis < len(shape) for axis in axes):
        raise ModelError(f"axes {axes} are not distinct axes of shape {list(shape)}")
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return [kept, tuple(size for axis, size in enumerate(shape) if axis not in axes)]


def _concatenation(layer: Concatenation, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    if not inputs:
        raise ModelError("a concatenation of nothing")
    axis, first = layer.axis, inputs[0]
    if not 0 <= axis < len(first):
        raise ModelError(f"axis {axis} is not an axis of shape {list(first)}")
    for shape in inputs:
        if len(shape) != len(first) or (shape[:axis], shape[axis + 1 :]) != (first[:axis], first[axis + 1 :]):
            raise ModelError(f"an input of shape {list(shape)} does not join {list(first)} on axis {axis}")
    return [(*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])]


def _reshape(layer: Reshape, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    if _elements(inputs[0]) != _elements(output):
        raise ModelError(f"{_elements(inputs[0])} elements do not reshape to {list(output)}")
    return [output]


def _activation(layer: Activation, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    if layer.kind is ActivationKind.LEAKY_RELU and not np.isfinite(layer.alpha):
        raise ModelError(f"slope {layer.alpha}; needed is a finite number")
    return [inputs[0]]


def _softmax(layer: Softmax, inputs: Sequence[Shape], output: Shape) -> list[Shape]:
    if not inputs[0] or not np.isfinite(layer.beta):
        raise ModelError(f"a softmax of beta {layer.beta} over shape {list(inputs[0])}")
    return [inputs[0]]


_RULES: dict[type[Layer], Callable[..., list[Shape]]] = {
    real.Conv2D: _conv,
    real.DepthwiseConv2D: _depthwise,
    real.Dense: _dense,
    real.Affine: _affine,
    real.Add: _add,
    real.Pool2D: _pool,
    real.Pad: _pad,
    Mean: _mean,
    Concatenation: _concatenation,
    Reshape: _reshape,
    Activation: _activation,
    Softmax: _softmax,
}
