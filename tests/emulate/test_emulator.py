"""The emulator's interface: what it takes, what it refuses, and that long runs stay small and report progress."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.emulate.batched import run_batched
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.emulate.memory import Slots
from hwq.errors import ConfigError, DataError, ModelError
from hwq.frontends.tflite import import_model
from hwq.graph import quantize_input
from hwq.graph.layers import Reshape
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8
from hwq.numeric.requantize import Contract
from tests.graph.networks import network_of_every_layer
from tests.support.random_models import conv_2d
from tests.support.tflite_builder import ModelBuilder, Q


@pytest.fixture(scope="module")
def network() -> Network:
    return network_of_every_layer()


def _samples(network: Network, count: int, seed: int = 6) -> NDArray[Any]:
    tensor = network.tensors[network.input]
    code_format = tensor.quantization.format
    rng = np.random.default_rng(seed)
    return rng.integers(code_format.min, code_format.max + 1, (count, *tensor.shape)).astype(code_format.dtype)


def test_trace_holds_every_tensor_in_its_own_type_and_shape(network: Network) -> None:
    x = _samples(network, 3)
    traced = Emulator(network).trace(x)
    assert set(traced) == set(network.tensors)
    for name, tensor in network.tensors.items():
        assert traced[name].shape == (3, *tensor.shape)
        assert traced[name].dtype == tensor.quantization.format.dtype
    np.testing.assert_array_equal(traced[network.input], x)


@pytest.mark.parametrize("contract", NETWORK_CONTRACTS)
def test_run_and_run_layer_give_what_trace_gives(network: Network, contract: Contract) -> None:
    emulator, x = Emulator(network, contract), _samples(network, 5)
    traced = emulator.trace(x)
    emulator.chunk = 2
    np.testing.assert_array_equal(emulator.run(x), traced[network.output])
    for layer in network.layers:
        inputs = [traced[name] for name in layer.inputs]
        np.testing.assert_array_equal(emulator.run_layer(layer, *inputs), traced[layer.output])
        np.testing.assert_array_equal(emulator.run_layer(layer.name, *inputs), traced[layer.output])


def test_requantization_from_unsigned_keeps_the_values(network: Network) -> None:
    """uint8 with zero-point 131 becomes int8 with zero-point 3 at the same scale: the codes move by 128."""
    x = _samples(network, 4)
    first = network.layers[0]
    assert first.inputs == (network.input,)
    expected = (x.astype(int) - 128).astype(np.int8)
    np.testing.assert_array_equal(Emulator(network).trace(x)[first.output], expected)


def test_no_samples_give_no_outputs(network: Network) -> None:
    emulator = Emulator(network)
    shape = network.tensors[network.output].shape
    assert emulator.run(_samples(network, 0)).shape == (0, *shape)
    assert run_batched(emulator, _samples(network, 0)).shape == (0, *shape)


def test_inputs_stay_untouched_and_need_not_be_contiguous(network: Network) -> None:
    x = _samples(network, 6)
    x.setflags(write=False)
    emulator = Emulator(network)
    np.testing.assert_array_equal(emulator.run(x[::2]), emulator.run(x)[::2])
    fortran = np.asfortranarray(x)
    np.testing.assert_array_equal(emulator.run(fortran), emulator.run(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, :-1], r"has shape \[2, 7, 6, 4\]; needed is \[N, 8, 6, 4\]"),
        (lambda x: x[0], r"has shape \[8, 6, 4\]"),
        (lambda x: x.astype(np.float32), "is float32; needed are uint8 codes"),
        (lambda x: x.view(np.int8), "is int8; needed are uint8 codes"),
        (lambda x: x.tolist(), "is list; needed is a uint8 array"),
        (lambda x: np.uint8(3), "is uint8; needed is a uint8 array"),
    ],
)
def test_other_shapes_and_types_are_refused(network: Network, change: Any, message: str) -> None:
    bad = change(_samples(network, 2))
    for call in (Emulator(network).run, Emulator(network).trace):
        with pytest.raises(DataError, match=f"the input of {network.name} {message}"):
            call(bad)


def test_run_layer_refuses_what_is_not_its_input(network: Network) -> None:
    emulator = Emulator(network)
    traced = emulator.trace(_samples(network, 2))
    layer = next(layer for layer in network.layers if layer.op == "add")
    a, b = (traced[name] for name in layer.inputs)
    with pytest.raises(DataError, match=f"layer {layer.name} takes 2 inputs, not 1"):
        emulator.run_layer(layer, a)
    with pytest.raises(DataError, match=r"has shape \[2, .*needed is \[N, "):
        emulator.run_layer(layer, a[..., :-1], b)
    with pytest.raises(DataError, match="1 and 2 samples"):
        emulator.run_layer(layer, a[:1], b)
    with pytest.raises(DataError, match="no layer 'nothing'"):
        emulator.run_layer("nothing", a)


def test_a_contract_that_needs_more_than_the_network_says_is_refused(network: Network) -> None:
    with pytest.raises(
        ConfigError, match="contract: shift does not run whole networks; double, single, up2, f64away, fp32he do"
    ):
        Emulator(network, Contract.SHIFT)


def test_a_network_that_fits_no_memory_is_refused() -> None:
    quantization = Quantization(INT8, np.ones(1, np.float32), np.zeros(1, np.int32))
    tensors = {name: Tensor(name, (1 << 20, 1 << 13), quantization) for name in ("x", "y")}
    network = Network("vast", tensors, (Reshape("y", ("x",), "y"),), "x", "y")
    with pytest.raises(ModelError, match="vast holds 17179869184 bytes of activations for one sample"):
        Emulator(network)


def test_buffers_are_shared_only_by_tensors_that_never_live_together() -> None:
    """A residual block: the input of the block stays alive over two layers, whose outputs must not overwrite it."""
    rng = np.random.default_rng(8)
    model = ModelBuilder()
    x = model.input((1, 6, 6, 4), 0.05, 0)

    def conv(source: int) -> int:
        weights = rng.integers(-127, 128, (4, 3, 3, 4)).astype(np.int8)
        return model.conv_2d(source, weights, np.zeros(4, np.int32), weight_scale=0.01, output=Q(0.05, 0))

    y = model.add(x, conv(conv(conv(x))), output=Q(0.05, 0))
    network = import_model(model.finish(y), "residual")
    codes = _samples(network, 9)
    emulator = Emulator(network)
    np.testing.assert_array_equal(emulator.run(codes), emulator.trace(codes)[network.output])
    slots = Slots(network)
    buffers = slots.allocate(1)
    alive = [buffers[network.input], buffers[network.layers[0].output]]
    assert not np.shares_memory(*alive)
    assert slots.bytes_per_sample == 3 * 6 * 6 * 4


def test_long_runs_report_progress_and_take_codes_or_numbers(network: Network) -> None:
    emulator = Emulator(network)
    emulator.chunk = 4
    x = _samples(network, 10)
    seen: list[tuple[int, int]] = []
    y = run_batched(emulator, x, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(y, emulator.run(x))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    quantization = network.tensors[network.input].quantization
    real = (x.astype(np.float32) - quantization.zero_point[0]) * quantization.scale[0]
    np.testing.assert_array_equal(quantize_input(network, real), x)
    np.testing.assert_array_equal(run_batched(emulator, real), y)


def test_long_runs_refuse_before_they_compute(network: Network) -> None:
    emulator, x = Emulator(network), _samples(network, 3)
    with pytest.raises(DataError, match=r"needs \[N, 8, 6, 4\]"):
        run_batched(emulator, x[:, 1:])
    with pytest.raises(DataError, match="room for 2 samples, the input holds 3"):
        run_batched(emulator, x, out=np.empty((2, *network.tensors[network.output].shape), np.int8))
    with pytest.raises(DataError, match=f"the output of {network.name} is int16"):
        run_batched(emulator, x, out=np.empty((3, *network.tensors[network.output].shape), np.int16))


def test_memory_does_not_grow_with_the_samples(tmp_path: Path) -> None:
    """60 MB of samples on disk, in and out: what Python allocates stays below the few megabytes of a chunk."""
    network = import_model(conv_2d(np.random.default_rng(9)), "conv")
    source, target = network.tensors[network.input], network.tensors[network.output]
    count = 60_000_000 // (source.elements + target.elements)
    x = np.memmap(tmp_path / "x", np.int8, "w+", shape=(count, *source.shape))
    x[: count // 2] = 5
    y = np.memmap(tmp_path / "y", np.int8, "w+", shape=(count, *target.shape))
    emulator = Emulator(network)
    emulator.run(np.asarray(x[:1]))
    tracemalloc.start()
    try:
        run_batched(emulator, x, out=y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000
    np.testing.assert_array_equal(y[:: count // 7], emulator.run(np.asarray(x[:: count // 7])))
