"""Post-training quantization to int8, by TFLite's conventions: weights symmetric per channel, activations affine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.examples.digits.training import Floats, Stage, forward
from hwq.graph.layers import ActivationKind, Conv2D, Dense, Layer
from hwq.graph.network import Network
from hwq.graph.requantization import activation_clamp
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8


def quantize(stages: list[Stage], names: list[str], x: Floats, network_name: str) -> Network:
    """The int8 network of trained ``stages``, which become layers called ``names``.

    Every activation gets the scale and zero-point that just hold its values on the calibration pictures ``x``
    [N, height, width, channels].
    """
    tensors = [
        Tensor(name, values.shape[1:], _affine(values))
        for name, values in zip(["picture", *names], forward(stages, x), strict=True)
    ]
    layers = [
        _layer(stage, source, target) for stage, source, target in zip(stages, tensors[:-1], tensors[1:], strict=True)
    ]
    by_name = {tensor.name: tensor for tensor in tensors}
    return Network(network_name, by_name, tuple(layers), tensors[0].name, tensors[-1].name)


def _affine(values: Floats) -> Quantization:
    """Scale and zero-point whose codes reach from the least to the largest value, and hold 0 exactly."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    scale = np.float32((high - low) / (INT8.max - INT8.min))
    zero_point = np.clip(np.rint(INT8.min - low / float(scale)), INT8.min, INT8.max)
    return Quantization(INT8, np.array([scale]), np.array([zero_point], np.int32))


def _layer(stage: Stage, source: Tensor, target: Tensor) -> Layer:
    rows = stage.weights.T
    # -128 is left out: weights reach equally far to both sides.
    scales = (np.abs(rows).max(axis=1) / INT8.max).astype(np.float32)
    codes = np.rint(rows / scales[:, None].astype(np.float64)).clip(-INT8.max, INT8.max).astype(np.int8)
    quantization = Quantization(INT8, scales, np.zeros(len(scales), np.int32), axis=0)
    bias = _bias(stage.bias, source.quantization.scale, scales)
    clamp = activation_clamp(ActivationKind.RELU if stage.relu else None, target.quantization)
    if not stage.kernel:
        return Dense(target.name, (source.name,), target.name, codes, quantization, bias, clamp)
    more = stage.kernel - stage.stride
    return Conv2D(
        name=target.name,
        inputs=(source.name,),
        output=target.name,
        weights=codes.reshape(stage.out, stage.kernel, stage.kernel, stage.channels),
        weight_quantization=quantization,
        bias=bias,
        stride=(stage.stride, stage.stride),
        dilation=(1, 1),
        padding=(stage.before, more - stage.before, stage.before, more - stage.before),
        clamp=clamp,
    )


def _bias(bias: Floats, source: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.int32]:
    """Codes of a bias in the accumulator's scale, which is the product of the input's and the weights'."""
    return np.rint(bias / (source.astype(np.float64) * weights.astype(np.float64))).astype(np.int32)
