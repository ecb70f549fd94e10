"""Every kernel of ordered sums against the definition of accumulation, and the choice between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hwq.emulate import Emulator, ordered
from hwq.emulate.clamping import loops
from hwq.emulate.clamping.forms import Form
from hwq.emulate.vectors import has_vnni
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.accumulation import Accumulated, Accumulation, BiasPlace, Granularity, SumOverflow
from hwq.numeric.formats import INT8
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import OrderedSum

MAC, PASS = Granularity.MAC, Granularity.PASS
WRAP, SATURATE, SYMMETRIC = SumOverflow.WRAP, SumOverflow.SATURATE, SumOverflow.SATURATE_SYMMETRIC
INITIAL = BiasPlace.INITIAL

#: Accumulations with the kernel that they take when events are counted, and the one they take when not.
CASES = [
    (Accumulation(None, 16, SATURATE, MAC), Form.NARROW, Form.NARROW),
    (Accumulation(None, 9, SYMMETRIC, MAC, bias=INITIAL), Form.NARROW, Form.NARROW),
    (Accumulation(None, 17, SYMMETRIC, MAC), Form.WIDE, Form.WIDE),
    (Accumulation(None, 18, SATURATE, MAC, bias=INITIAL), Form.WIDE, Form.WIDE),
    (Accumulation(None, 12, WRAP, MAC), Form.WIDE_WRAP, Form.PASS_WRAP),
    (Accumulation(None, 18, WRAP, MAC, bias=INITIAL), Form.WIDE_WRAP, Form.PASS_WRAP),
    (Accumulation(None, 15, SATURATE), Form.PASS, Form.PASS),
    (Accumulation(None, 18, SYMMETRIC, bias=INITIAL), Form.PASS, Form.PASS),
    (Accumulation(13, 16, SATURATE), Form.PASS_FOOT, Form.PASS_FOOT),
    (Accumulation(15, 12, SYMMETRIC, bias=INITIAL), Form.PASS_FOOT, Form.PASS_FOOT),
    (Accumulation(None, 13, WRAP), Form.PASS_WRAP, Form.PASS_WRAP),
    (Accumulation(11, 12, WRAP, bias=INITIAL), Form.PASS_FOOT_WRAP, Form.PASS_FOOT_WRAP),
]
NAMES = [f"{spec.granularity}-{spec.overflow}-{spec.psum_bits}-{spec.accumulator_bits}" for spec, *_ in CASES]

#: How the operands reach the kernel: one by one, by AVX-512 VNNI, or one for each channel.
WAYS = [
    "elements",
    pytest.param("vnni", marks=pytest.mark.skipif(not has_vnni(), reason="needs AVX-512 VNNI")),
    "depthwise",
]


def _network(rng: np.random.Generator, channels: int, depth: int, zero: int, depthwise: bool, extreme: bool) -> Network:
    """One layer; its weights are the largest ones of either sign where it is ``extreme``."""

    def quantization(scale: float, zero_point: int = 0) -> Quantization:
        return Quantization(INT8, np.float32([scale]), np.int32([zero_point]))

    shape = (depth, channels) if depthwise else (channels, depth)
    weights = rng.choice(np.int8([-128, 127]), shape) if extreme else rng.integers(-128, 128, shape, dtype=np.int8)
    common = {
        "weight_quantization": quantization(0.01),
        "bias": rng.integers(-3000, 3000, channels, dtype=np.int32),
        "clamp": (-128, 127),
    }
    tensors = {"x": Tensor("x", (depth,), quantization(0.05, zero)), "y": Tensor("y", (channels,), quantization(0.3))}
    if not depthwise:
        return Network("one", tensors, (Dense("y", ("x",), "y", weights=weights, **common),), "x", "y")
    tensors = {
        "x": Tensor("x", (7, depth + 2, channels), quantization(0.05, zero)),
        "y": Tensor("y", (7, 3, channels), quantization(0.3)),
    }
    layer = DepthwiseConv2D(
        "y", ("x",), "y", weights=weights.reshape(1, depth, channels), stride=(1, 1), padding=(0, 0, 0, 0),
        dilation=(1, 1), depth_multiplier=1, **common,
    )  # fmt: skip
    return Network("one", tensors, (layer,), "x", "y")


def _expected(network: Network, how: OrderedSum, x: np.ndarray) -> Accumulated:
    """By the definition: sums and events [samples, pixels, channels]."""
    layer = network.layers[0]
    assert isinstance(layer, Dense | DepthwiseConv2D)
    zero = int(network.tensors["x"].quantization.zero_point[0])
    rows = layer.channel_rows.astype(np.int64)
    operands = x.astype(np.int64) - zero * how.subtracted
    if isinstance(layer, DepthwiseConv2D):
        windows = np.lib.stride_tricks.sliding_window_view(operands, rows.shape[1], axis=2)
        products = windows.reshape(len(x), -1, len(rows), rows.shape[1]) * rows
    else:
        products = operands[:, None, None, :] * rows
    bias = layer.bias - (0 if how.subtracted else zero * rows.sum(axis=1))
    return how.accumulation.compute(products, how.passes, bias)


class _Spy:
    """Keeps the sums that kernels make, before they are requantized, and the kinds of those kernels."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sums: list[np.ndarray] = []
        self.forms: list[Form] = []
        inner = loops.sum_steps

        def spy(*args: Any) -> None:
            inner(*args)
            self.sums.append(args[15].copy())
            self.forms.append(Form(len(args[-3])))

        monkeypatch.setattr(loops, "sum_steps", spy)


def _passes(depth: int, rows: int) -> tuple[int, ...]:
    return tuple(min(rows, depth - begin) for begin in range(0, depth, rows))


def _everything_leaves(network: Network, layer: WeightedLayer, how: OrderedSum) -> tuple[np.ndarray, np.ndarray]:
    """In place of `ordered.overflowing`: every channel goes through the kernel that is asked for."""
    return np.full(layer.channels, how.accumulation.psum_bits is not None), np.ones(layer.channels, np.bool_)


@pytest.mark.parametrize("counting", [False, True], ids=["", "counted"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_sums_and_events(number: int, way: str, counting: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, counted, uncounted = CASES[number]
    monkeypatch.setattr(ordered, "has_vnni", lambda: way == "vnni")
    monkeypatch.setattr(ordered, "overflowing", _everything_leaves)
    spy, rng = _Spy(monkeypatch), np.random.default_rng(number)
    channels, rows, depth = (5, 37, 70)[number % 3], (4, 30, 7)[number % 3], 83
    happened = np.zeros(2, np.int64)
    for extreme, zero, subtracted in ((True, 127, True), (False, -128, True), (True, -128, False), (False, 5, False)):
        network = _network(rng, channels, depth, zero, way == "depthwise", extreme)
        how = OrderedSum(spec, _passes(depth, rows), subtracted)
        shape = (3, *network.tensors["x"].shape)
        x = rng.choice(np.int8([-128, 127]), shape) if extreme else rng.integers(-128, 128, shape, dtype=np.int8)
        expected = _expected(network, how, x)
        emulator = Emulator(network, sums={"y": how}, count=counting)
        emulator.run(x)
        wanted = expected.sums.reshape(-1, channels)
        np.testing.assert_array_equal(spy.sums.pop()[: len(wanted), :channels], wanted)
        assert not spy.sums
        if counting:
            events = emulator.overflows["y"]
            np.testing.assert_array_equal(events.psum, expected.psum_overflows.sum(axis=(0, 1)))
            np.testing.assert_array_equal(events.accumulator, expected.accumulator_overflows.sum(axis=(0, 1)))
            happened += events.totals[:2]
    assert set(spy.forms) == {counted if counting else uncounted}
    assert happened.astype(bool).tolist() == [counting and counted.foot, counting]


@pytest.mark.parametrize("counting", [False, True], ids=["", "counted"])
@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("leaving", [[3], [1, 2, 19, 40], [*range(30, 37)]], ids=str)
def test_only_channels_that_could_overflow_follow_the_order(
    leaving: list[int], granularity: Granularity, counting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, channels, depth = np.random.default_rng(len(leaving)), 41, 24
    network = _network(rng, channels, depth, -9, False, False)
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    weights = layer.weights // 32
    weights[leaving] = layer.weights[leaving]
    bias = layer.bias * 30
    bias[leaving] = 90_000
    network = replace(network, layers=(replace(layer, weights=weights, bias=bias),))
    how = OrderedSum(Accumulation(None, 15, SATURATE, granularity), _passes(depth, 5), False)
    x = rng.integers(-128, 128, (11, depth), dtype=np.int8)
    assert np.flatnonzero(ordered.overflowing(network, network.layers[0], how)[1]).tolist() == leaving
    spy = _Spy(monkeypatch)
    emulator = Emulator(network, sums={"y": how}, count=counting)
    codes = emulator.run(x)
    expected = _expected(network, how, x)
    np.testing.assert_array_equal(spy.sums[0][:11, : len(leaving)], expected.sums[:, 0, leaving])
    assert len(spy.sums) == 1 + counting
    monkeypatch.setattr(ordered, "_parts", lambda *_: None)
    plain = Emulator(network, sums={"y": how}, count=counting)
    np.testing.assert_array_equal(codes, plain.run(x))
    if counting:
        for found, wanted in zip(
            vars(emulator.overflows["y"]).values(), vars(plain.overflows["y"]).values(), strict=True
        ):
            np.testing.assert_array_equal(found, wanted)
        clamped = emulator.overflows["y"].output > 0
        assert clamped[leaving].any() and np.delete(clamped, leaving).any()


def test_a_narrow_count_that_would_not_fit_is_made_in_wide_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    spy, depth = _Spy(monkeypatch), 1 << 14
    network = _network(np.random.default_rng(1), 3, depth, 0, False, True)
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    network = replace(network, layers=(replace(layer, weights=np.full_like(layer.weights, 127)),))
    how = OrderedSum(Accumulation(None, 16, SATURATE, MAC), _passes(depth, 8), False)
    emulator = Emulator(network, sums={"y": how}, count=True)
    emulator.run(np.full((6, depth), 127, np.int8))
    # The second sum of two products is within 16 bits, and none after it.
    assert emulator.overflows["y"].accumulator.tolist() == [6 * (depth - 2)] * 3
    assert spy.forms == [Form.WIDE]


def test_wrapped_sums_may_leave_32_bits_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    spy, depth = _Spy(monkeypatch), 140_000
    assert 127 * 127 * depth > 1 << 31
    network = _network(np.random.default_rng(1), 2, depth, 0, False, True)
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    network = replace(network, layers=(replace(layer, weights=np.full_like(layer.weights, 127)),))
    x = np.full((1, depth), 127, np.int8)
    how = OrderedSum(Accumulation(None, 13, WRAP), _passes(depth, 1000), False)
    Emulator(network, sums={"y": how}).run(x)
    np.testing.assert_array_equal(spy.sums[0][:1, :2], _expected(network, how, x).sums[0])


@pytest.mark.parametrize("sign", [-1, 1])
def test_bounds_of_one_sign_and_of_single_passes(sign: int) -> None:
    """Operands are 0 to 255: of 16 bits a sum of weights of 128 makes use of all, and one of 129 leaves them."""
    network = _network(np.random.default_rng(0), 3, 4, -128, False, False)
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    weights = np.int8([[32, 32, 32, 32], [32, 32, 32, 33], [64, 65, -64, -65]]) * np.int8(sign)
    layer = replace(layer, weights=weights)

    def found(*spec: Any) -> list[list[bool]]:
        how = OrderedSum(Accumulation(*spec), (2, 2), True)
        return [flags.tolist() for flags in ordered.overflowing(network, layer, how)]

    # In any order the third channel's weights of one sign come first.
    assert found(None, 16, SATURATE) == [[False] * 3, [False, True, True]]
    assert found(16, 17, SATURATE) == [[False, False, True], [False] * 3]
    assert found(15, 17, SATURATE) == [[False, True, True], [False] * 3]


@pytest.mark.parametrize("way", WAYS[:2])
@pytest.mark.parametrize("depth", [1, 3, 6])
def test_bytes_that_are_not_adjacent_are_not_taken_together(
    depth: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exact sum is one pass over kernel rows that lie apart."""
    monkeypatch.setattr(ordered, "has_vnni", lambda: way == "vnni")
    rng, spy = np.random.default_rng(depth), _Spy(monkeypatch)
    one = Quantization(INT8, np.float32([1.0]), np.int32([0]))
    weights = rng.integers(-128, 128, (2, 2, 3, depth), dtype=np.int8)
    layer = Conv2D(
        "y", ("x",), "y", weights=weights, weight_quantization=one, bias=np.zeros(2, np.int32), clamp=(-128, 127),
        stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 2), groups=1,
    )  # fmt: skip
    network = Network(
        "one", {"x": Tensor("x", (4, 7, depth), one), "y": Tensor("y", (3, 3, 2), one)}, (layer,), "x", "y"
    )
    x = rng.integers(-128, 128, (2, 4, 7, depth), dtype=np.int8)
    how = OrderedSum(Accumulation(None, 11, WRAP), (depth,) * 6, False)
    Emulator(network, sums={"y": how}).run(x)
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 5), axis=(1, 2))[..., ::2].transpose(0, 1, 2, 4, 5, 3)
    products = windows.reshape(18, 1, -1).astype(np.int64) * weights.reshape(2, -1)
    expected = how.accumulation.compute(products, how.passes).sums
    np.testing.assert_array_equal(spy.sums[0][:18, :2], expected)


@pytest.mark.parametrize(
    "spec",
    [
        Accumulation(None, 12, SATURATE, MAC, 3, Rounding.HALF_EVEN),
        Accumulation(None, 32, SATURATE, bias=INITIAL),
        Accumulation(None, 40, WRAP, bias=INITIAL),
    ],
)
def test_what_no_vectors_do_is_added_one_by_one(spec: Accumulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "overflowing", _everything_leaves)
    spy, rng = _Spy(monkeypatch), np.random.default_rng(4)
    network = _network(rng, 3, 20, 7, False, True)
    how = OrderedSum(spec, _passes(20, 8), True)
    x = rng.integers(-128, 128, (5, 20), dtype=np.int8)
    emulator = Emulator(network, sums={"y": how}, count=True)
    emulator.run(x)
    assert not spy.forms
    expected = _expected(network, how, x)
    events = emulator.overflows["y"]
    np.testing.assert_array_equal(events.accumulator, expected.accumulator_overflows.sum(axis=(0, 1)))
