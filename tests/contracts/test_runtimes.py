"""Runtimes compute whole networks and single layers, and say clearly what they cannot."""

from __future__ import annotations

import os

import numpy as np
import pytest

from hwq.contracts.cutting import cut
from hwq.contracts.interpreters import native_messages
from hwq.contracts.runtimes import RUNTIMES, LiveRuntime
from hwq.errors import ModelError, ToolError
from hwq.frontends import load
from hwq.frontends.tflite import import_model
from hwq.frontends.tflite.schema import RawModel
from hwq.graph.inputs import random_samples
from hwq.toolchain import tools
from tests.support.models import official_model
from tests.support.random_models import OPERATORS, elementwise
from tests.support.tflite_builder import ModelBuilder, Q


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_layer_alone_gives_what_it_gives_in_the_network(runtime: str) -> None:
    path = official_model("ic")
    network = load(path)
    live = LiveRuntime(runtime, network, path.read_bytes())
    tensors = live.tensors(random_samples(network, 2, 3))
    assert tensors.keys() == network.tensors.keys()
    for layer in network.layers:
        alone = live.layer(layer)(*(tensors[name] for name in layer.inputs))
        np.testing.assert_array_equal(alone, tensors[layer.output], err_msg=layer.name)


def test_a_cut_holds_the_operators_asked_for_and_changes_no_other_byte() -> None:
    data = official_model("kws").read_bytes()
    raw = RawModel(data)
    third, fourth = raw.operators[2:4]
    part = cut(data, [2, 3], third.inputs[:1], fourth.outputs)
    found = RawModel(part)
    assert [(op.kind, op.inputs, op.outputs) for op in found.operators] == [
        (op.kind, op.inputs, op.outputs) for op in (third, fourth)
    ]
    assert (found.inputs, found.outputs) == (third.inputs[:1], fourth.outputs)
    assert sum(a != b for a, b in zip(data, part, strict=False)) < 40


def _between_real_numbers() -> bytes:
    """A dense layer that takes and gives real numbers, through one QUANTIZE and one DEQUANTIZE."""
    model = ModelBuilder()
    real = model.input((1, 4), type="float32")
    codes = model.tensor((1, 4), Q(0.05, 3))
    model.operator("QUANTIZE", [real], [codes])
    weights = np.arange(-6, 6).astype(np.int8).reshape(3, 4)
    y = model.fully_connected(codes, weights, np.arange(3, dtype=np.int32), weight_scale=0.1, output=Q(0.06, -2))
    out = model.tensor((1, 3), None, "float32")
    model.operator("DEQUANTIZE", [y], [out])
    return model.finish(out)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_network_between_real_numbers_is_run_on_codes(runtime: str) -> None:
    data = _between_real_numbers()
    network = import_model(data, "real")
    live = LiveRuntime(runtime, network, data)
    x = random_samples(network, 3, 1)
    tensors = live.tensors(x)
    (layer,) = network.layers
    assert tensors[layer.output].dtype == np.int8
    np.testing.assert_array_equal(live.layer(layer)(x), tensors[layer.output])


def test_a_tensor_that_enters_twice_is_given_once() -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 4, 2), 0.05, 1)
    data = model.finish(model.add(x, x, output=Q(0.1, 2)))
    network = import_model(data, "twice")
    live = LiveRuntime("tflite-micro", network, data)
    codes = random_samples(network, 2, 1)
    np.testing.assert_array_equal(live.layer(network.layers[0])(codes, codes), live.tensors(codes)[network.output])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "package_version", lambda name: None)
    path = official_model("kws")
    with pytest.raises(ToolError, match="the Python package ai-edge-litert is missing: pip install ai-edge-litert"):
        LiveRuntime("xnnpack", load(path), path.read_bytes())


def test_a_file_that_is_no_tflite_is_refused() -> None:
    network = load(official_model("kws"))
    with pytest.raises(ModelError, match=r"litert runs \.tflite files, and this is none"):
        LiveRuntime("litert", network, b"hwq network\n")


def test_what_a_runtime_refuses_is_told_in_its_words() -> None:
    """tflite-micro has no RELU_N1_TO_1."""
    data = elementwise("RELU_N1_TO_1", np.random.default_rng(1), same_scale=True)
    with pytest.raises(ToolError, match=r"^tflite-micro does not run this model: .*RELU_N1_TO_1"):
        LiveRuntime("tflite-micro", import_model(data, "clamped"), data)


def test_a_network_that_xnnpack_leaves_alone_is_not_called_xnnpacks() -> None:
    """It has no softmax of integers."""
    data = OPERATORS["softmax"](np.random.default_rng(1))
    network = import_model(data, "softmax")
    LiveRuntime("litert-optimized", network, data)
    with pytest.raises(ToolError, match="xnnpack takes none of the layers of softmax, or"):
        LiveRuntime("xnnpack", network, data)


def test_native_messages_stay_off_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with native_messages("x"):
        os.write(2, b"INFO: here I am\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ToolError, match=r"^x does not run this model: no room; it failed$"), native_messages("x"):
        os.write(2, b"INFO: here I am\nno room\n")
        raise RuntimeError("it failed\nat line 3")
