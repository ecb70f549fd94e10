"""Every rule of `check_network`: a good network with one thing wrong is refused, and the message says what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hwq.errors import ModelError
from hwq.graph.checks import check_network
from hwq.graph.layers import Add, Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization
from hwq.numeric.formats import INT8, IntFormat
from tests.graph.networks import network_of_every_layer, per_channel, quantization

Edit = Callable[[Network], Network]


def layer(name: str, /, **changes: Any) -> Edit:
    """The network with fields of one layer changed; a callable makes its value from the old one."""

    def edit(network: Network) -> Network:
        old = network.layer(name)
        values = {k: v(getattr(old, k)) if callable(v) else v for k, v in changes.items()}
        layers = tuple(replace(item, **values) if item is old else item for item in network.layers)
        return replaced(network, layers=layers)

    return edit


def tensor(name: str, /, **changes: Any) -> Edit:
    """The network with fields of one tensor changed."""
    return lambda network: replaced(
        network, tensors={**network.tensors, name: replace(network.tensors[name], **changes)}
    )


def replaced(network: Network, **changes: Any) -> Network:
    fields = {name: getattr(network, name) for name in ("name", "tensors", "layers", "input", "output")}
    return Network(**{**fields, **changes})


def whole(**changes: Any) -> Edit:
    return lambda network: replaced(network, **changes)


def swapped(network: Network) -> Network:
    layers = list(network.layers)
    layers[1], layers[2] = layers[2], layers[1]
    return replaced(network, layers=tuple(layers))


def with_scale(scale: float | list[float], zero_point: int = 0, axis: int | None = None) -> Quantization:
    scales = np.atleast_1d(np.asarray(scale, np.float32))
    return Quantization(INT8, scales, np.full(scales.shape, zero_point, np.int32), axis)


class Unknown(Layer):
    """A layer that the graph does not know."""


REFUSALS: dict[str, tuple[Edit, str]] = {
    "network name": (whole(name="every layer"), "network name 'every layer' is not an identifier"),
    "layer name": (layer("conv", name="1conv"), "layer name '1conv' is not an identifier"),
    "layer name with newline": (layer("conv", name="conv\n"), "is not an identifier"),
    "missing input": (whole(input="nothing"), "the network's input 'nothing' is not one of its tensors"),
    "missing output": (whole(output="nothing"), "the network's output 'nothing' is never written"),
    "tensor under another name": (
        lambda n: replaced(n, tensors={**n.tensors, "conv": n.tensors["sum"]}),
        "tensor 'sum' is listed as 'conv'",
    ),
    "unused tensor": (
        lambda n: replaced(n, tensors={**n.tensors, "spare": replace(n.tensors["sum"], name="spare")}),
        "tensor 'spare' is never written",
    ),
    "missing tensor": (layer("leaky", inputs=("nothing",)), "layer leaky: tensor 'nothing' does not exist"),
    "order": (swapped, "layer leaky: input 'conv' is read before it is written"),
    "written twice": (layer("leaky", output="conv"), "layer leaky: output 'conv' is written a second time"),
    "input is written": (layer("leaky", output="signed"), "layer leaky: output 'signed' has shape|is written a second"),
    "unknown layer": (
        lambda n: replaced(n, layers=(Unknown("x", ("image",), "signed"), *n.layers[1:])),
        "layer x: Unknown is not a layer that hwq knows",
    ),
    "number of inputs": (layer("leaky", inputs=("conv", "conv")), "layer leaky: 2 inputs; activation takes 1"),
    "one addend": (layer("sum", inputs=("conv",)), "layer sum: 1 inputs; add takes 2"),
    "nothing to join": (layer("joined", inputs=()), "layer joined: a concatenation of nothing"),
    "unsigned": (
        tensor("leaky", quantization=quantization(code_format=IntFormat(8, signed=False))),
        "layer leaky: tensor 'leaky' is unsigned; activation takes signed codes",
    ),
    "empty tensor": (tensor("image", shape=(8, 0, 4)), r"tensor 'image': shape \[8, 0, 4\] has sizes below 1"),
    "negative size": (tensor("image", shape=(8, -6, -4)), r"tensor 'image': shape \[8, -6, -4\] has sizes below 1"),
    "too many elements": (tensor("image", shape=(1 << 14, 1 << 13)), "tensor 'image': 134217728 elements; supported"),
    "activation per channel": (
        tensor("conv", quantization=per_channel(6, 2)),
        "tensor 'conv': per-channel scales; supported are activations with one scale",
    ),
    "wide activation": (
        tensor("conv", quantization=quantization(code_format=IntFormat(17))),
        "tensor 'conv': int17 activations; supported are int2 to int16, and uint8",
    ),
    "narrow activation": (
        tensor("conv", quantization=quantization(0.05, 0, code_format=IntFormat(1))),
        "tensor 'conv': int1 activations; supported are int2 to int16, and uint8",
    ),
    "narrow unsigned input": (
        tensor("image", quantization=quantization(code_format=IntFormat(7, signed=False))),
        "tensor 'image': uint7 activations; supported are int2 to int16, and uint8",
    ),
    "zero scale": (
        tensor("conv", quantization=quantization(0.0)),
        "tensor 'conv': scale 0.0 is not positive and finite",
    ),
    "infinite scale": (tensor("conv", quantization=quantization(np.inf)), "tensor 'conv': scale inf is not positive"),
    "NaN scale": (
        layer("conv", weight_quantization=with_scale([0.1, np.nan, 0.1, 0.1, 0.1, 0.1], axis=0)),
        "layer conv: weights: scale nan is not positive and finite",
    ),
    "damaged scale": (
        tensor("conv", quantization=quantization(1e20)),
        r"tensor 'conv': scale 1e\+20; supported are scales from 8\.67362e-19 to 1\.15292e\+18",
    ),
    "vanishing scale": (tensor("conv", quantization=quantization(1e-19)), "tensor 'conv': scale 1e-19; supported are"),
    "zero-point outside": (
        tensor("conv", quantization=quantization(0.1, -129)),
        "tensor 'conv': zero-point -129 is outside -128..127",
    ),
    "float64 scale": (
        tensor("conv", quantization=Quantization(INT8, np.ones(1), np.zeros(1, np.int32))),  # type: ignore[arg-type]
        "tensor 'conv': scales are float64 and zero-points int32, not float32 and int32",
    ),
    "scales without zero-points": (
        tensor("conv", quantization=Quantization(INT8, np.ones(2, np.float32), np.zeros(1, np.int32))),
        "tensor 'conv': 2 scales and 1 zero-points; needed is one of each",
    ),
    "scales without axis": (
        layer("conv", weight_quantization=with_scale([0.1] * 6)),
        "layer conv: weights: 6 scales without a channel axis",
    ),
    "weight axis": (
        layer("depthwise", weight_quantization=per_channel(12, 0)),
        "layer depthwise: 12 weight scales along axis 0; supported are one, or 12 along axis 2",
    ),
    "number of weight scales": (
        layer("conv", weight_quantization=per_channel(5, 0)),
        "layer conv: 5 weight scales along axis 0; supported are one, or 6 along axis 0",
    ),
    "weight type": (
        layer("conv", weights=lambda w: w.astype(np.int32)),
        r"layer conv: weights are int32 of shape \[6, 3, 2, 2\]; needed are int8 or int16 of rank 4",
    ),
    "weight rank": (
        layer("dense", weights=lambda w: w[np.newaxis]),
        "layer dense: weights are int8 of shape .* of rank 2",
    ),
    "no weights": (layer("dense", weights=lambda w: w[:, :0]), r"layer dense: weights are int8 of shape \[5, 0\]"),
    "bias type": (layer("conv", bias=lambda b: b.astype(np.int64)), r"layer conv: biases are int64 of shape \[6\]"),
    "bias length": (
        layer("conv", bias=lambda b: b[:5]),
        r"layer conv: biases are int32 of shape \[5\]; needed are int32 \[6\]",
    ),
    "large factor": (
        layer("dense", weight_quantization=with_scale(1e10)),
        r"layer dense: the factor from accumulator to output reaches 1e\+10; supported is below 2\^30",
    ),
    "accumulator above 32 bits": (
        layer("dense", bias=lambda b: np.asarray([0, 0, 2**31 - 1, 0, 0], np.int32)),
        r"layer dense: the accumulator of output channel 2 can reach \d+, which does not fit 32 bits",
    ),
    "accumulator below 32 bits": (
        layer("depthwise", bias=lambda b: np.asarray([-(2**31)] * 12, np.int32)),
        r"layer depthwise: the accumulator of output channel 0 can reach -\d+, which does not fit 32 bits",
    ),
    "clamp outside": (layer("conv", clamp=(-129, 0)), r"layer conv: clamp \(-129, 0\) is not a range inside -128..127"),
    "clamp turned around": (layer("sum", clamp=(5, 4)), r"layer sum: clamp \(5, 4\) is not a range"),
    "rank": (layer("conv", inputs=("flat",)), r"layer conv: tensor 'flat' has shape \[12\]; needed is \(height, width"),
    "groups": (layer("conv", groups=3), "layer conv: 4 input and 6 output channels in 3 groups do not agree"),
    "groups of outputs": (
        layer("conv", groups=4, weights=lambda w: w[..., :1]),
        "layer conv: 4 input and 6 output channels in 4 groups do not agree",
    ),
    "no groups": (layer("conv", groups=0), "layer conv: 4 input and 6 output channels in 0 groups"),
    "stride": (layer("conv", stride=(0, 1)), r"layer conv: stride \(0, 1\) is not between 1 and"),
    "dilation": (layer("depthwise", dilation=(1, -1)), r"layer depthwise: dilation \(1, -1\) is not between 1 and"),
    "kernel": (layer("pool", kernel=(0, 2)), r"layer pool: kernel \(0, 2\) is not between 1 and"),
    "negative padding": (
        layer("conv", padding=(-1, 1, 0, 1)),
        r"layer conv: padding \(-1, 1, 0, 1\) is not between 0 and",
    ),
    "convolution's shape": (
        layer("conv", stride=(2, 1)),
        r"layer conv: output 'conv' has shape \[8, 6, 6\], but \[4, 6, 6\] follows",
    ),
    "depthwise shape": (
        layer("depthwise", padding=(0, 0, 1, 1)),
        r"layer depthwise: output 'depthwise' has shape \[4, 3, 12\], but \[2, 3, 12\] follows",
    ),
    "depth multiplier": (
        layer("depthwise", depth_multiplier=3),
        "layer depthwise: 6 input channels times depth multiplier 3 do not give the weights' 12 channels",
    ),
    "dense depth": (
        layer("dense", weights=lambda w: w[:, :7]),
        "layer dense: input 'flat' has 12 elements, not a multiple of the weights' 7",
    ),
    "dense rows": (
        layer("dense", weights=lambda w: w[:, :6]),
        r"layer dense: output 'dense' has shape \[5\]; 2 rows of 5 outputs are needed",
    ),
    "addends": (
        layer("sum", inputs=("conv", "signed")),
        r"layer sum: inputs of shapes \[8, 6, 6\] and \[8, 6, 4\] do not broadcast",
    ),
    "sum's scale": (
        tensor("sum", quantization=quantization(1e-8)),
        "layer sum: an input's scale is 2\\^19 times the output's or more",
    ),
    "pooling between scales": (
        tensor("pool", quantization=quantization(0.2)),
        "layer pool: input 'sum' and output 'pool' have different scales or zero-points; pool2d copies codes",
    ),
    "pooling of padding alone": (
        layer("pool", padding=(2, 0, 0, 0)),
        r"layer pool: padding \(2, 0, 0, 0\) leaves windows \(2, 2\) without a single input",
    ),
    "pooling shape": (
        layer("pool", stride=(1, 2)),
        r"layer pool: output 'pool' has shape \[4, 3, 6\], but \[7, 3, 6\]",
    ),
    "mean axes": (layer("mean", axes=(0, 3)), r"layer mean: axes \(0, 3\) are not distinct axes of shape \[9, 3, 12\]"),
    "mean axes twice": (layer("mean", axes=(0, 0)), r"layer mean: axes \(0, 0\) are not distinct axes"),
    "mean of nothing": (layer("mean", axes=()), r"layer mean: axes \(\) are not distinct axes"),
    "mean shape": (
        layer("mean", axes=(0,)),
        r"layer mean: output 'mean' has shape \[1, 1, 12\], but \[3, 12\] follows",
    ),
    "padding's rank": (layer("pad", amounts=((1, 0),)), r"layer pad: padding \(\(1, 0\),\) does not fit shape"),
    "padding's sign": (layer("pad", amounts=((2, -1), (0, 0), (0, 0))), "layer pad: padding .* does not fit shape"),
    "padding's shape": (
        layer("pad", amounts=((1, 1), (0, 0), (0, 0))),
        r"layer pad: output 'pad' has shape \[5, 3, 12\], but \[6, 3, 12\] follows",
    ),
    "padding's value": (layer("pad", value=128), "layer pad: padding with 128, which is not a code of the output"),
    "axis to join": (layer("joined", axis=3), r"layer joined: axis 3 is not an axis of shape \[5, 3, 12\]"),
    "shapes to join": (
        layer("joined", axis=1),
        r"layer joined: input 'depthwise' of shape \[4, 3, 12\] does not join \[5, 3, 12\] on axis 1",
    ),
    "joined shape": (
        layer("joined", inputs=("pad", "pad")),
        r"layer joined: output 'joined' has shape \[9, 3, 12\], but \[10, 3, 12\] follows",
    ),
    "reshape": (layer("flat", inputs=("joined",)), r"layer flat: 324 elements do not reshape to \[12\]"),
    "softmax shape": (
        layer("softmax", inputs=("flat",)),
        r"layer softmax: output 'softmax' has shape \[5\], but \[12\] follows",
    ),
    "softmax scale": (
        tensor("softmax", quantization=quantization(0.1, -128)),
        "output 'softmax' is int8 with scale 0.1.* softmax gives int8 with scale 0.00390625 and zero-point -128",
    ),
    "softmax width": (
        tensor("softmax", quantization=quantization(1 / 256, -8, code_format=IntFormat(4))),
        "layer softmax: output 'softmax' is int4 with scale 0.0039.* softmax gives int8",
    ),
    "softmax beta": (layer("softmax", beta=1e-12), "layer softmax: beta 1e-12 times the input's scale"),
    "softmax infinite beta": (layer("softmax", beta=np.inf), "layer softmax: beta inf times the input's scale"),
    "softmax huge beta": (layer("softmax", beta=2.0**60), r"layer softmax: beta 1\.15\d*e\+18 times the input's scale"),
    "huge slope": (layer("leaky", alpha=2.0**60), r"layer leaky: slope 1\.15\d*e\+18; supported are slopes from 0"),
    "slope": (layer("leaky", alpha=-0.1), "layer leaky: slope -0.1"),
    "infinite slope": (layer("leaky", alpha=np.inf), "layer leaky: slope inf"),
    "requantize shape": (
        tensor("image", shape=(8, 6, 3)),
        r"layer signed: output 'signed' has shape \[8, 6, 4\], but \[8, 6, 3\] follows",
    ),
    "requantize scale": (
        tensor("image", quantization=quantization(1e9, 131, IntFormat(8, signed=False))),
        r"layer signed: the input's scale is 2e\+10 times the output's; supported is below 2\^30",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal(case: str) -> None:
    edit, message = REFUSALS[case]
    with pytest.raises(ModelError, match=message):
        check_network(edit(network_of_every_layer()))


def test_slope_on_an_activation_without_one() -> None:
    from hwq.graph.layers import ActivationKind

    with pytest.raises(ModelError, match=r"layer leaky: slope 0\.1 on relu, which has none"):
        check_network(layer("leaky", kind=ActivationKind.RELU)(network_of_every_layer()))


def test_layers_that_share_a_name() -> None:
    with pytest.raises(ModelError, match="two layers share a name"):
        layer("leaky", name="conv")(network_of_every_layer())


def test_the_network_that_the_refusals_start_from_is_accepted() -> None:
    check_network(network_of_every_layer())


def test_a_sum_that_broadcasts_and_accumulators_at_the_limit_are_accepted() -> None:
    network = tensor("leaky", shape=(6,))(network_of_every_layer())
    assert isinstance(network.layer("sum"), Add)
    with pytest.raises(ModelError, match="layer leaky"):  # the activation that gives it, not the sum
        check_network(network)
    dense = network_of_every_layer().layer("dense")
    rows = dense.weights.astype(int)  # type: ignore[attr-defined]
    highest = (np.maximum(rows, 0) * (127 - 3) + np.minimum(rows, 0) * (-128 - 3)).sum(axis=1)
    limit = (2**31 - 1 - highest).astype(np.int32)
    check_network(layer("dense", bias=limit)(network_of_every_layer()))
    with pytest.raises(ModelError, match="the accumulator of output channel 0 can reach 2147483648"):
        check_network(layer("dense", bias=limit + np.int32(1))(network_of_every_layer()))
