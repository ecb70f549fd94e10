"""ADD over all pairs of codes: the table, the line that replaces it, and TFLite's formula spelled out."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.emulate import Emulator, layers
from hwq.graph.layers import Add, Reshape
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8
from hwq.numeric.requantize import Contract


def _network(rng: np.random.Generator, clamp: tuple[int, int]) -> Network:
    """x [1, 256] plus itself as a column with a scale of its own: from every code, the sum of every pair."""

    def tensor(name: str, shape: tuple[int, ...]) -> Tensor:
        scale = np.exp(rng.uniform(-4, -1, 1)).astype(np.float32)
        return Tensor(name, shape, Quantization(INT8, scale, rng.integers(-128, 128, 1).astype(np.int32)))

    tensors = {"x": tensor("x", (1, 256)), "column": tensor("column", (256, 1)), "y": tensor("y", (256, 256))}
    layers = (Reshape("column", ("x",), "column"), Add("y", ("column", "x"), "y", clamp=clamp))
    return Network("sum", tensors, layers, "x", "y")


def _high(a: int, multiplier: int) -> int:
    return (a * multiplier + (1 << 30)) >> 31


def _away(x: int, shift: int) -> int:
    half = (1 << shift) >> 1
    return (x + half) >> shift if x >= 0 else -((-x + half) >> shift)


def _mantissa(scale: float) -> tuple[int, int]:
    """(m, right shift) with scale = m / 2^31 / 2^shift, m from 2^30 to 2^31 - 1."""
    shift = 0
    while scale < 0.5:
        scale, shift = scale * 2, shift + 1
    m = int(scale * 2**31 + 0.5)
    return (m, shift) if m < 1 << 31 else (m // 2, shift - 1)


def _spelled_out(network: Network, a: int, b: int) -> int:
    sources, target = (
        [network.tensors[name].quantization for name in ("column", "x")],
        network.tensors["y"].quantization,
    )
    twice = 2 * max(float(source.scale[0]) for source in sources)
    total = 0
    for code, source in zip((a, b), sources, strict=True):
        m, shift = _mantissa(float(source.scale[0]) / twice)
        total += _away(_high((code - int(source.zero_point[0])) << 20, m), shift)
    m, shift = _mantissa(twice / (2.0**20 * float(target.scale[0])))
    layer = network.layers[1]
    assert isinstance(layer, Add)
    return min(max(_away(_high(total, m), shift) + int(target.zero_point[0]), layer.clamp[0]), layer.clamp[1])


@pytest.mark.parametrize("clamp", [(-128, 127), (-20, 90), (127, 127), (-128, -128)])
@pytest.mark.parametrize("seed", range(6))
def test_every_pair_by_table_by_line_and_spelled_out(
    seed: int, clamp: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    network = _network(rng, clamp)
    codes = np.arange(-128, 128).astype(np.int8)
    first = Emulator(network).run(codes.reshape(1, 1, 256))[0]
    monkeypatch.setattr(layers, "exact_line", lambda *arguments: None)
    np.testing.assert_array_equal(Emulator(network).run(codes.reshape(1, 1, 256))[0], first)
    for i, j in rng.integers(0, 256, (400, 2)):
        assert first[i, j] == _spelled_out(network, int(codes[i]), int(codes[j]))


def test_most_sums_are_lines() -> None:
    """Lines are what makes sums fast: if few are found, something is wrong with the search."""
    found = []
    original = layers.exact_line
    for seed in range(40):
        network = _network(np.random.default_rng(seed), (-128, 127))
        calls: list[object] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(layers, "exact_line", lambda *a, calls=calls: calls.append(original(*a)) or calls[-1])
            Emulator(network, Contract.DOUBLE)
        found.append(calls[0] is not None)
    assert sum(found) > 20
