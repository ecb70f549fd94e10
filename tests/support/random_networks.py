"""Random whole networks: residuals, concatenations, pooling and padding of odd sizes between convolutions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hwq.graph.checks import check_network
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
    Reshape,
)
from hwq.graph.network import Network
from hwq.graph.shapes import image_output_size
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8

Shape = tuple[int, int, int]

#: Kernels of real networks and of none.
KERNELS = [(1, 1), (3, 3), (3, 3), (2, 3), (5, 5), (1, 7), (15, 1), (3, 1)]


class Builder:
    """Grows a network tensor by tensor; every method adds a layer and returns the name of its output."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.layers: list[Layer] = []

    def tensor(self, shape: tuple[int, ...], quantization: Quantization | None = None, scale: float = 0.0) -> str:
        name = f"t{len(self.tensors)}"
        if quantization is None:
            # Mostly such that codes of both signs are left; now and then an extreme, after which little is.
            extreme = self.choose.random() < 0.15
            zero_point = self.choose.choice([-128, 127]) if extreme else self.choose.randint(-60, 60)
            scale = scale or self.choose.uniform(0.02, 0.1)
            quantization = Quantization(INT8, np.asarray([scale], np.float32), np.asarray([zero_point], np.int32))
        self.tensors[name] = Tensor(name, shape, quantization)
        return name

    def add(self, layer: type[Layer], inputs: tuple[str, ...], output: str, /, **fields: Any) -> str:
        self.layers.append(layer(name=f"layer{len(self.layers)}", inputs=inputs, output=output, **fields))
        return output

    def shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name].shape

    def _weights(self, shape: tuple[int, ...], channels: int, taps: int, source: str) -> tuple[dict[str, Any], float]:
        """Weights, their quantization and bias, and a scale that gives the output codes of all sizes."""
        axis = len(shape) - 1 if len(shape) == 3 else 0
        if self.choose.random() < 0.5:
            scales = self.rng.uniform(0.002, 0.01, channels).astype(np.float32)
            quantization = Quantization(INT8, scales, np.zeros(channels, np.int32), axis)
        else:
            quantization = Quantization(INT8, np.asarray([0.005], np.float32), np.zeros(1, np.int32))
        source_scale = float(self.tensors[source].quantization.scale[0])
        fields = {
            "weights": self.rng.integers(-127, 128, shape).astype(np.int8),
            "weight_quantization": quantization,
            "bias": self.rng.integers(-3000, 3000, channels).astype(np.int32),
        }
        return fields, float(np.sqrt(taps)) * 73 * 73 * source_scale * 0.005 / 50

    def _clamp(self, output: str) -> tuple[int, int]:
        zero_point = int(self.tensors[output].quantization.zero_point[0])
        return (zero_point, 127) if zero_point < 100 and self.choose.random() < 0.4 else (-128, 127)

    def _window(self, size: tuple[int, int], dilated: bool = False) -> dict[str, Any]:
        """Kernel, stride, dilation and padding that give at least one output."""
        while True:
            kernel = self.choose.choice(KERNELS)
            stride = self.choose.choice([(1, 1), (1, 1), (2, 2), (1, 2), (3, 2)])
            dilation = (2, 1) if dilated and self.choose.random() < 0.1 else (1, 1)
            padding = (0, 0, 0, 0)
            if self.choose.random() < 0.7:
                most = (kernel[0] - 1, kernel[0] - 1, kernel[1] - 1, kernel[1] - 1)
                # Half of it, as SAME has; now and then anything.
                padding = tuple(
                    self.choose.randint(0, p) if self.choose.random() < 0.2 else (p + side) // 2
                    for p, side in zip(most, (0, 1, 0, 1), strict=True)
                )  # type: ignore[assignment]
            after = image_output_size(size, kernel, stride, dilation, padding)
            if min(after) >= 1:
                return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding, "size": after}

    def conv(self, source: str, channels: int | None = None, same: bool = False) -> str:
        height, width, depth = self.shape(source)
        channels = channels or self.choose.randint(1, 20)
        window = self._window((height, width), dilated=True)
        if same:
            window = {"kernel": (1, 1), "stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}
            window["size"] = (height, width)
        groups = 2 if depth % 2 == 0 and channels % 2 == 0 and self.choose.random() < 0.1 else 1
        kernel = window.pop("kernel")
        size = window.pop("size")
        fields, scale = self._weights(
            (channels, *kernel, depth // groups), channels, kernel[0] * kernel[1] * depth // groups, source
        )
        output = self.tensor((*size, channels), scale=scale)
        return self.add(Conv2D, (source,), output, **fields, **window, groups=groups, clamp=self._clamp(output))

    def depthwise(self, source: str) -> str:
        height, width, depth = self.shape(source)
        window = self._window((height, width), dilated=True)
        kernel, size = window.pop("kernel"), window.pop("size")
        multiplier = self.choose.choice([1, 1, 1, 1, 2])
        channels = depth * multiplier
        fields, scale = self._weights((*kernel, channels), channels, kernel[0] * kernel[1], source)
        output = self.tensor((*size, channels), scale=scale)
        return self.add(
            DepthwiseConv2D,
            (source,),
            output,
            **fields,
            **window,
            depth_multiplier=multiplier,
            clamp=self._clamp(output),
        )

    def residual(self, source: str) -> str:
        branch = self.conv(source, self.shape(source)[2], same=True)
        output = self.tensor(self.shape(source))
        operands = (source, branch) if self.choose.random() < 0.5 else (branch, source)
        return self.add(Add, operands, output, clamp=self._clamp(output))

    def pool(self, source: str) -> str:
        height, width, depth = self.shape(source)
        window = self._window((height, width))
        output = self.tensor((*window["size"], depth), self.tensors[source].quantization)
        return self.add(
            Pool2D,
            (source,),
            output,
            kind=self.choose.choice(list(PoolKind)),
            kernel=window["kernel"],
            stride=window["stride"],
            padding=window["padding"],
            clamp=self._clamp(output),
        )

    def pad(self, source: str) -> str:
        height, width, depth = self.shape(source)
        amounts = tuple((self.choose.randint(0, 2), self.choose.randint(0, 2)) for _ in range(2))
        shape = (height + sum(amounts[0]), width + sum(amounts[1]), depth)
        quantization = self.tensors[source].quantization
        value = int(quantization.zero_point[0])
        return self.add(Pad, (source,), self.tensor(shape, quantization), amounts=(*amounts, (0, 0)), value=value)

    def concatenate(self, source: str) -> str:
        """Branches of the same scale side by side, one of them the source itself."""
        height, width, depth = self.shape(source)
        quantization = self.tensors[source].quantization
        branch = self.conv(source, self.choose.randint(1, 9), same=True)
        # The convolution writes with the source's scale.
        self.tensors[branch] = Tensor(branch, self.shape(branch), quantization)
        total = depth + self.shape(branch)[2]
        inputs = (source, branch) if self.choose.random() < 0.5 else (branch, source)
        return self.add(Concatenation, inputs, self.tensor((height, width, total), quantization), axis=2)

    def activate(self, source: str) -> str:
        kind, alpha = self.choose.choice([(ActivationKind.LEAKY_RELU, 0.1), (ActivationKind.HARD_SWISH, 0.0)])
        output = self.tensor(self.shape(source))
        return self.add(Activation, (source,), output, kind=kind, alpha=alpha)

    def mean(self, source: str) -> str:
        shape = (1, 1, self.shape(source)[2])
        return self.add(Mean, (source,), self.tensor(shape, scale=0.02), axes=(0, 1))

    def dense(self, source: str) -> str:
        elements = self.tensors[source].elements
        flat = self.add(Reshape, (source,), self.tensor((elements,), self.tensors[source].quantization))
        channels = self.choose.randint(1, 20)
        fields, scale = self._weights((channels, elements), channels, elements, flat)
        output = self.tensor((channels,), scale=scale)
        return self.add(Dense, (flat,), output, **fields, clamp=(-128, 127))


#: Layers a random network is made of, with how often each is taken.
USUAL: Mapping[str, int] = {
    "conv": 4,
    "depthwise": 4,
    "residual": 3,
    "pool": 2,
    "pad": 1,
    "concatenate": 1,
    "activate": 1,
}


def random_network(seed: int, weights: Mapping[str, int] = USUAL, layers: int = 6) -> Network:
    """A network of about ``layers`` steps, the same for the same seed, checked."""
    build = Builder(seed)
    choose = build.choose
    size = (choose.randint(1, 14), choose.randint(1, 14), choose.randint(1, 9))
    first = now = build.tensor(size)
    for _ in range(choose.randint(2, layers)):
        name = choose.choices(list(weights), list(weights.values()))[0]
        step: Callable[[str], str] = getattr(build, name)
        now = step(now)
    if choose.random() < 0.4:
        now = build.mean(now)
    if choose.random() < 0.5:
        now = build.dense(now)
    network = Network(f"random{seed}", build.tensors, tuple(build.layers), first, now)
    check_network(network)
    return network
