"""The figures of ``hwq inspect``: what each layer costs and how many bits its sums need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hwq.arch.parameters import InputZeroPoint
from hwq.graph.layers import Conv2D, DepthwiseConv2D, Layer, Pool2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.shapes import macs, peak_activation_bytes, weight_bytes
from hwq.graph.tensors import Tensor
from hwq.numeric.bounds import accumulator_bits, operand_range

_BIAS_BYTES = 4


@dataclass(frozen=True)
class LayerFigures:
    """One layer. ``None`` where a layer of its kind has no such thing.

    ``padding`` is (top, bottom, left, right). ``parameter_bytes`` counts weights and 32-bit biases.
    ``accumulator_bits`` hold every partial sum of the MACs, in any order, before the bias.
    """

    name: str
    op: str
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    kernel: tuple[int, int] | None
    stride: tuple[int, int] | None
    dilation: tuple[int, int] | None
    padding: tuple[int, int, int, int] | None
    groups: int | None
    macs: int
    weights: int
    parameter_bytes: int
    weight_scales: str | None
    input_zero_points: tuple[int, ...]
    output_zero_point: int
    clamp: tuple[int, int] | None
    accumulator_bits: int | None


@dataclass(frozen=True)
class NetworkFigures:
    """A whole network; ``accumulator_bits`` is the most that a layer needs, 0 without MACs."""

    name: str
    input: dict[str, Any]
    output: dict[str, Any]
    input_zero_point: str
    macs: int
    weights: int
    parameter_bytes: int
    peak_activation_bytes: int
    accumulator_bits: int
    layers: tuple[LayerFigures, ...]


def inspect_network(network: Network, form: InputZeroPoint) -> NetworkFigures:
    """The figures of ``network``, with accumulators for inputs in the given zero-point form."""
    layers = tuple(_layer(network, layer, form) for layer in network.layers)
    return NetworkFigures(
        name=network.name,
        input=_tensor(network.tensors[network.input]),
        output=_tensor(network.tensors[network.output]),
        input_zero_point=form.value,
        macs=sum(layer.macs for layer in layers),
        weights=sum(layer.weights for layer in layers),
        parameter_bytes=sum(layer.parameter_bytes for layer in layers),
        peak_activation_bytes=peak_activation_bytes(network),
        accumulator_bits=max((layer.accumulator_bits or 0 for layer in layers), default=0),
        layers=layers,
    )


def _accumulator_bits(network: Network, layer: WeightedLayer, form: InputZeroPoint) -> int:
    """Bits that hold every partial sum of every output channel of a layer."""
    quantization = network.tensors[layer.inputs[0]].quantization
    subtracted = form is InputZeroPoint.SUBTRACTED
    operands = operand_range(quantization.format, int(quantization.zero_point[0]), subtracted)
    return accumulator_bits(layer.channel_rows, operands)


def _tensor(tensor: Tensor) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "shape": list(tensor.shape),
        "type": str(quantization.format),
        "scale": float(quantization.scale[0]),
        "zero_point": int(quantization.zero_point[0]),
    }


def _layer(network: Network, layer: Layer, form: InputZeroPoint) -> LayerFigures:
    inputs = [network.tensors[name] for name in layer.inputs]
    output = network.tensors[layer.output]
    kernel: tuple[int, int] | None = None
    if isinstance(layer, Conv2D):
        kernel = (int(layer.weights.shape[1]), int(layer.weights.shape[2]))
    elif isinstance(layer, DepthwiseConv2D):
        kernel = (int(layer.weights.shape[0]), int(layer.weights.shape[1]))
    elif isinstance(layer, Pool2D):
        kernel = layer.kernel
    biases, scales, bits = 0, None, None
    if isinstance(layer, WeightedLayer):
        biases = int(layer.bias.size)
        scales = "channel" if layer.weight_quantization.per_channel else "tensor"
        bits = _accumulator_bits(network, layer, form)
    return LayerFigures(
        name=layer.name,
        op=layer.op,
        input_shapes=tuple(tensor.shape for tensor in inputs),
        output_shape=output.shape,
        kernel=kernel,
        stride=getattr(layer, "stride", None),
        dilation=getattr(layer, "dilation", None),
        padding=getattr(layer, "padding", None),
        groups=layer.groups if isinstance(layer, Conv2D) else None,
        macs=macs(network, layer),
        weights=weight_bytes(layer),
        parameter_bytes=weight_bytes(layer) + _BIAS_BYTES * biases,
        weight_scales=scales,
        input_zero_points=tuple(int(tensor.quantization.zero_point[0]) for tensor in inputs),
        output_zero_point=int(output.quantization.zero_point[0]),
        clamp=getattr(layer, "clamp", None),
        accumulator_bits=bits,
    )
