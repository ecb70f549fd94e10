"""The quantized network: every float layer as the layer of codes that computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hwq.errors import ModelError
from hwq.floating import layers as real
from hwq.floating.network import FloatNetwork
from hwq.graph import layers as coded
from hwq.graph.checks import check_network
from hwq.graph.layers import Activation, ActivationKind, Concatenation, Layer, Mean, Reshape, Softmax
from hwq.graph.network import Network
from hwq.graph.requantization import activation_clamp
from hwq.graph.tensors import Tensor
from hwq.quantize.grids import Grid
from hwq.quantize.sharing import SharedGrids
from hwq.quantize.weights import WeightQuantizer


def coded_tensors(network: FloatNetwork, grids: SharedGrids) -> dict[str, Tensor]:
    """The tensors of the float network as tensors of codes."""
    return {
        name: Tensor(name, tensor.shape, grids[name].quantization, tensor.origin)
        for name, tensor in network.tensors.items()
    }


def assemble(
    network: FloatNetwork, grids: SharedGrids, tensors: dict[str, Tensor], weights: WeightQuantizer
) -> Network:
    """The network of codes that computes ``network`` on these grids.

    Parameters
    ----------
    network:
        The float network, folded.
    grids:
        Of its tensors.
    tensors:
        From `coded_tensors`; those of layers that are added come to them.
    weights:
        Gives the codes of weights and biases.

    Raises
    ------
    ModelError
        A layer that no layer of codes computes.
    """
    return _Assembly(network, grids, tensors, weights).network()


class _Assembly:
    def __init__(
        self, network: FloatNetwork, grids: SharedGrids, tensors: dict[str, Tensor], weights: WeightQuantizer
    ) -> None:
        self._float, self._grids, self._tensors, self._weights = network, grids, tensors, weights
        self._layers: list[Layer] = []

    def network(self) -> Network:
        found = self._float
        for layer in found.layers:
            begin = len(self._layers)
            self._layers.append(_RULES.get(type(layer), _refuse)(self, layer))
            self._weights.follow(layer, self._layers[begin:])
        network = Network(found.name, self._tensors, tuple(self._layers), found.input, found.output)
        check_network(network)
        return network

    def clamp(self, layer: Any) -> tuple[int, int]:
        """Codes that the fused activation of a float layer leaves, within those of the grid."""
        grid = self._grids[layer.output]
        kind: ActivationKind | None = layer.activation
        low, high = activation_clamp(kind, grid.quantization)
        return max(low, grid.low), min(high, grid.high)

    def constants(self, layer: real.WeightedLayer) -> dict[str, Any]:
        """Weights, their quantization and biases, by the names of a layer's fields."""
        scale = self._grids[layer.inputs[0]].scale
        codes = self._weights.codes(layer, scale)
        return {"weights": codes.weights, "weight_quantization": codes.quantization, "bias": codes.bias}

    def grid(self, tensor: str) -> Grid:
        """Of a tensor of the float network."""
        return self._grids[tensor]

    def aligned(self, layer: Concatenation) -> tuple[str, ...]:
        """Inputs in the scale of the output; a layer that changes it goes before where one is not."""
        output, names = self._grids[layer.output], []
        for number, name in enumerate(layer.inputs):
            if self._grids[name] == output:
                names.append(name)
                continue
            fresh = f"{layer.name}_input_{number}"
            while fresh in self._tensors:
                fresh += "_"
            source = self._tensors[name]
            self._tensors[fresh] = Tensor(fresh, source.shape, output.quantization)
            self._layers.append(coded.Requantize(fresh, (name,), fresh))
            names.append(fresh)
        return tuple(names)


def _refuse(assembly: _Assembly, layer: Layer) -> Layer:
    raise ModelError(
        f"layer {layer.name}: a factor for each channel that no layer before it takes, on what is no image; "
        "supported are factors behind a convolution or a dense layer, or on an image"
    )


def _conv(assembly: _Assembly, layer: real.Conv2D) -> Layer:
    return coded.Conv2D(
        layer.name,
        layer.inputs,
        layer.output,
        **assembly.constants(layer),
        stride=layer.stride,
        dilation=layer.dilation,
        padding=layer.padding,
        clamp=assembly.clamp(layer),
        groups=layer.groups,
    )


def _depthwise(assembly: _Assembly, layer: real.DepthwiseConv2D) -> Layer:
    return coded.DepthwiseConv2D(
        layer.name,
        layer.inputs,
        layer.output,
        **assembly.constants(layer),
        stride=layer.stride,
        dilation=layer.dilation,
        padding=layer.padding,
        clamp=assembly.clamp(layer),
        depth_multiplier=layer.depth_multiplier,
    )


def _dense(assembly: _Assembly, layer: real.Dense) -> Layer:
    return coded.Dense(layer.name, layer.inputs, layer.output, **assembly.constants(layer), clamp=assembly.clamp(layer))


def _add(assembly: _Assembly, layer: real.Add) -> Layer:
    return coded.Add(layer.name, layer.inputs, layer.output, clamp=assembly.clamp(layer))


def _pool(assembly: _Assembly, layer: real.Pool2D) -> Layer:
    return coded.Pool2D(
        layer.name,
        layer.inputs,
        layer.output,
        kind=layer.kind,
        kernel=layer.kernel,
        stride=layer.stride,
        padding=layer.padding,
        clamp=assembly.clamp(layer),
    )


def _pad(assembly: _Assembly, layer: real.Pad) -> Layer:
    value = int(assembly.grid(layer.output).codes(np.asarray(layer.value)))
    return coded.Pad(layer.name, layer.inputs, layer.output, amounts=layer.amounts, value=value)


def _concatenation(assembly: _Assembly, layer: Concatenation) -> Layer:
    return Concatenation(layer.name, assembly.aligned(layer), layer.output, axis=layer.axis)


def _same(assembly: _Assembly, layer: Layer) -> Layer:
    return layer


_RULES: dict[type[Layer], Callable[..., Layer]] = {
    real.Conv2D: _conv,
    real.DepthwiseConv2D: _depthwise,
    real.Dense: _dense,
    real.Add: _add,
    real.Pool2D: _pool,
    real.Pad: _pad,
    Concatenation: _concatenation,
    **dict.fromkeys((Mean, Reshape, Activation, Softmax), _same),
}
