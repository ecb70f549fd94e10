"""What quantization makes of a layer: the real factor from accumulator to output, and activations as clamps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Activation, ActivationKind, Layer, Softmax, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization

#: Real bounds of the activations that are a clamp.
_REAL_RANGES: dict[ActivationKind, tuple[float | None, float | None]] = {
    ActivationKind.RELU: (0.0, None),
    ActivationKind.RELU6: (0.0, 6.0),
    ActivationKind.RELU_N1_TO_1: (-1.0, 1.0),
}


def effective_scales(network: Network, layer: WeightedLayer) -> NDArray[np.float64]:
    """Factor between a layer's accumulator and its output codes, per output channel.

    As tflite-micro and LiteRT's reference kernels compute it, rounding included:
    ``double(input) * double(weight[c]) / double(output)``.

    Parameters
    ----------
    network:
        The network that holds the layer.
    layer:
        A layer with weights.

    Returns
    -------
    float64 [channels]
    """
    input_scale = network.tensors[layer.inputs[0]].quantization.scale[0]
    output_scale = network.tensors[layer.output].quantization.scale[0]
    return layer_scales(layer, input_scale, output_scale)


def layer_scales(layer: WeightedLayer, input_scale: np.float32, output_scale: np.float32) -> NDArray[np.float64]:
    """`effective_scales` for given float32 scales of input and output."""
    product = np.float64(input_scale) * layer.weight_quantization.scale.astype(np.float64)
    scales = product / np.float64(output_scale)
    return np.ascontiguousarray(np.broadcast_to(scales, (layer.channels,)))


def fixed_output(layer: Layer) -> tuple[float, int] | None:
    """Scale and zero-point that a layer's int8 output has whatever its input; ``None`` where they are free."""
    if isinstance(layer, Softmax) or (isinstance(layer, Activation) and layer.kind is ActivationKind.LOGISTIC):
        return 1 / 256, -128
    if isinstance(layer, Activation) and layer.kind is ActivationKind.TANH:
        return 1 / 128, 0
    return None


def activation_clamp(kind: ActivationKind | None, quantization: Quantization) -> tuple[int, int]:
    """Range of output codes (low, high), both inclusive, that a fused activation leaves.

    A real bound r becomes ``zero_point + round(float32(r / scale))``, halves away from zero, within the format.

    Parameters
    ----------
    kind:
        RELU, RELU6 or RELU_N1_TO_1, or ``None`` for no activation.
    quantization:
        Of the output, per tensor.
    """
    low, high = quantization.format.min, quantization.format.max
    if kind is None:
        return low, high
    bottom, top = _REAL_RANGES[kind]
    low = low if bottom is None else min(max(low, _code(bottom, quantization)), high)
    high = high if top is None else max(min(high, _code(top, quantization)), low)
    return low, high


def _code(real: float, quantization: Quantization) -> int:
    with np.errstate(over="ignore"):
        steps = float(np.float32(real) / np.float32(quantization.scale[0]))
    if math.isinf(steps):
        steps = math.copysign(2.0**40, steps)
    return int(quantization.zero_point[0]) + int(math.copysign(math.floor(abs(steps) + 0.5), steps))
