"""Layers with weights against plain 64-bit numpy: extreme scales, sums and shapes, every contract, every product."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.emulate.constants import ChannelConstants
from hwq.emulate.epilogue import BOUNDED
from hwq.emulate.products import DotProduct, FloatProduct
from hwq.emulate.vectors import has_vnni
from hwq.errors import ModelError
from hwq.graph.checks import check_network
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer
from hwq.graph.network import Network
from hwq.graph.shapes import image_output_size
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8
from hwq.numeric.requantize import Contract
from tests.support.plain import run_plain

CONTRACTS = [Contract.DOUBLE, Contract.UP2, Contract.SINGLE, Contract.F64AWAY, Contract.FP32HE]
PRODUCTS = [DotProduct, FloatProduct] if has_vnni() else [FloatProduct]


@dataclass(frozen=True)
class Scales:
    """Effective scales, low to high over the channels, and how far biases reach; what they are chosen to provoke."""

    low: float
    high: float
    bias: int

    def weight_scales(self, channels: int) -> NDArray[np.float32]:
        return np.geomspace(self.low, self.high, channels).astype(np.float32)


#: The input has scale 1 and the output too, so that a weight's scale is the effective one.
SCALES = {
    "usual": Scales(1e-4, 1e-2, 5000),
    "half to one": Scales(0.5, 0.999, 100),
    "left shifts": Scales(1.0, 200.0, 20),
    "tiny": Scales(1e-12, 1e-9, 1 << 30),
    "huge accumulators": Scales(1e-8, 1e-6, 1 << 30),
    "near overflow": Scales(1.9e-6, 2**-19 * 0.99999, 2_143_000_000),
    "ties": Scales(2.0**-6, 2.0**-6, 200),
    "across one half": Scales(0.3, 0.7, 1000),
}


def _quantization(zero_point: int) -> Quantization:
    return Quantization(INT8, np.ones(1, np.float32), np.array([zero_point], np.int32))


def _network(layer_type: type[Layer], shape: tuple[int, ...], output: tuple[int, ...], **fields: Any) -> Network:
    tensors = {
        "x": Tensor("x", shape, _quantization(fields.pop("input_zero"))),
        "y": Tensor("y", output, _quantization(fields.pop("output_zero"))),
    }
    network = Network("one", tensors, (layer_type("y", ("x",), "y", **fields),), "x", "y")
    check_network(network)
    return network


def _common(rng: np.random.Generator, scales: Scales, channels: int, axis: int) -> dict[str, Any]:
    low = int(rng.integers(-128, 128))
    bias = rng.integers(-scales.bias, scales.bias + 1, channels)
    bias[::2] = np.where(bias[::2] < 0, -scales.bias, scales.bias)
    return {
        "weight_quantization": Quantization(INT8, scales.weight_scales(channels), np.zeros(channels, np.int32), axis),
        "bias": bias.astype(np.int32),
        "clamp": (low, int(rng.integers(low, 128))) if rng.random() < 0.5 else (-128, 127),
        "input_zero": int(rng.choice([-128, 127, rng.integers(-128, 128)])),
        "output_zero": int(rng.choice([-128, 127, rng.integers(-128, 128)])),
    }


def _weights(rng: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, shape, dtype=np.int8)


def _image(rng: np.random.Generator) -> dict[str, Any]:
    stride, dilation = rng.integers(1, 4, 2).tolist(), rng.integers(1, 3, 2).tolist()
    return {
        "stride": tuple(stride),
        "dilation": tuple(dilation),
        "padding": tuple(rng.integers(0, 4, 4).tolist()) if rng.random() < 0.7 else (0, 0, 0, 0),
    }


def _random_network(kind: str, name: str, seed: int) -> Network:
    rng = np.random.default_rng([seed, zlib.crc32(f"{kind} {name}".encode())])
    scales = SCALES[name]
    if kind == "dense":
        rows, depth, units = int(rng.integers(1, 4)), int(rng.integers(1, 90)), int(rng.integers(1, 80))
        return _network(
            Dense,
            (rows, depth),
            (rows, units),
            weights=_weights(rng, units, depth),
            **_common(rng, scales, units, 0),
        )
    height, width = (int(size) for size in rng.integers(7, 14, 2))
    kernel = (int(rng.integers(1, 5)), int(rng.integers(1, 4)))
    image = _image(rng)
    size = image_output_size((height, width), kernel, image["stride"], image["dilation"], image["padding"])
    if kind == "conv2d":
        groups, depth = int(rng.choice([1, 1, 3])), int(rng.integers(1, 9))
        channels = groups * int(rng.integers(1, 24))
        return _network(
            Conv2D,
            (height, width, groups * depth),
            (*size, channels),
            weights=_weights(rng, channels, *kernel, depth),
            groups=groups,
            **image,
            **_common(rng, scales, channels, 0),
        )
    multiplier, depth = int(rng.choice([1, 1, 2])), int(rng.choice([1, 2, 4, 7, 8, 16, 20, 33]))
    return _network(
        DepthwiseConv2D,
        (height, width, depth),
        (*size, depth * multiplier),
        weights=_weights(rng, *kernel, depth * multiplier),
        depth_multiplier=multiplier,
        **image,
        **_common(rng, scales, depth * multiplier, 2),
    )


def _assert_plain(network: Network, seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    x = rng.integers(-128, 128, (5, *network.tensors["x"].shape), dtype=np.int8)
    x[0], x[1] = -128, 127
    for contract in CONTRACTS:
        expected = run_plain(network, network.layers[0], x, contract)
        for product in PRODUCTS:
            y = Emulator(network, contract, product).run(x)
            np.testing.assert_array_equal(y, expected, err_msg=f"{contract.value}, {product.__name__}")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("kind", ["conv2d", "depthwise", "dense"])
def test_every_contract_and_product_equals_plain_arithmetic(kind: str, scales: str, seed: int) -> None:
    _assert_plain(_random_network(kind, scales, seed), seed)


@pytest.mark.proof
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("kind", ["conv2d", "depthwise", "dense"])
def test_many_layers_equal_plain_arithmetic(kind: str, scales: str) -> None:
    for seed in range(100, 400):
        _assert_plain(_random_network(kind, scales, seed), seed)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7, 8, 9])
def test_narrow_depthwise_layers_take_neighbors_together_only_where_they_may(channels: int, stride: int) -> None:
    """Sixteen, eight, five ... pixels of few channels make one vector, at stride 1; 240 columns hold whole vectors."""
    rng = np.random.default_rng([channels, stride])
    width = 240 * stride
    image = {"stride": (1, stride), "dilation": (1, 1), "padding": (1, 1, 1, 1)}
    network = _network(
        DepthwiseConv2D,
        (3, width, channels),
        (*image_output_size((3, width), (3, 3), image["stride"], (1, 1), image["padding"]), channels),
        weights=_weights(rng, 3, 3, channels),
        depth_multiplier=1,
        **image,
        **_common(rng, SCALES["ties"], channels, 2),
    )
    assert network.tensors["y"].shape[1] == 240
    _assert_plain(network, channels)


def test_sums_beyond_float32_go_through_float64() -> None:
    """4,000 weights of one sign: float32 would lose the last bits of the sum, which the scale of 1 shows."""
    rng = np.random.default_rng(3)
    depth = 4001
    weights = rng.integers(100, 128, (3, depth), dtype=np.int8)
    fields = _common(rng, Scales(0.9, 0.99, 0), 3, 0)
    fields.update(clamp=(-128, 127), input_zero=0, output_zero=0)
    # Near the top of the reach, but with biases that bring the sums back to where codes tell them apart.
    x = rng.integers(120, 128, (4, depth), dtype=np.int8)
    sums = x.astype(np.int64) @ weights.astype(np.int64).T
    fields["bias"] = -sums[0].astype(np.int32) + rng.integers(-100, 100, 3).astype(np.int32)
    network = _network(Dense, (depth,), (3,), weights=weights, **fields)
    assert (np.abs(sums) > 1 << 24).all()
    y = Emulator(network, product=FloatProduct).run(x)
    np.testing.assert_array_equal(y, run_plain(network, network.layers[0], x, Contract.DOUBLE))
    assert (np.abs(y[0].astype(int)) < 127).all()


@pytest.mark.parametrize(("scales", "bounded"), [("usual", True), ("half to one", False), ("left shifts", False)])
def test_the_short_requantization_is_used_only_where_it_is_proven(scales: str, bounded: bool) -> None:
    network = _random_network("dense", scales, 0)
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    constants = ChannelConstants(network, layer, Contract.DOUBLE, slice(None), 96, 128)
    assert (len(constants.contract) == BOUNDED) == bounded


def test_wide_images_are_taken_in_parts() -> None:
    """More columns than one BLAS call takes, and more samples than one table of offsets covers."""
    rng = np.random.default_rng(4)
    fields = _common(rng, SCALES["usual"], 5, 0)
    geometry: dict[str, Any] = {"stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1)}
    weights = _weights(rng, 5, 3, 3, 16)
    network = _network(Conv2D, (60, 70, 16), (60, 70, 5), weights=weights, **geometry, **fields)
    _assert_plain(network, 4)
    small = _random_network("dense", "usual", 5)
    x = rng.integers(-128, 128, (1500, *small.tensors["x"].shape), dtype=np.int8)
    expected = run_plain(small, small.layers[0], x, Contract.DOUBLE)
    for product in PRODUCTS:
        np.testing.assert_array_equal(Emulator(small, product=product).run(x), expected)


def test_an_image_that_fits_no_memory_is_refused_with_its_layer() -> None:
    rng = np.random.default_rng(6)
    geometry: dict[str, Any] = {"stride": (1 << 20, 1 << 20), "dilation": (1, 1), "padding": (1 << 20, 0, 1 << 20, 0)}
    fields = geometry | _common(rng, SCALES["usual"], 2, 0)
    network = _network(Conv2D, (4, 4, 3), (2, 2, 2), weights=_weights(rng, 2, 1, 1, 3), **fields)
    with pytest.raises(ModelError, match="layer y: the input is 1048580 x 1048580 x 3 with its padding"):
        Emulator(network)
