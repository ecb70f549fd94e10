"""The digits example: the committed files are good, fit together, and are what the script makes, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwq.cli.projects import open_design, project_samples
from hwq.emulate import Emulator
from hwq.examples import digits
from hwq.examples.digits import train
from hwq.examples.digits.quantization import quantize
from hwq.examples.digits.training import Stage, _gradients, exact_product, forward
from hwq.frontends.samples import open_samples
from hwq.graph.files import load_network, network_to_bytes
from hwq.graph.layers import Conv2D, Dense
from hwq.graph.shapes import explicit_padding
from hwq.verify.session import verify


def committed() -> Path:
    with digits.project_file() as project:
        return project


def test_committed_pictures_are_the_held_out_ones() -> None:
    data = train.load()
    with np.load(committed().with_suffix(".npz")) as file:
        np.testing.assert_array_equal(file["x"], data.test_x.astype(np.float32))
        np.testing.assert_array_equal(file["y"], data.test_y)
        assert file["x"].dtype == np.float32
    assert len(data.x) + len(data.test_x) == 1797


def test_committed_network_is_accurate() -> None:
    network = load_network(committed().with_suffix(".hwq"))
    samples = open_samples(committed().with_suffix(".npz"), network)
    (x,) = samples.pieces(lambda: samples.count)
    answers = Emulator(network).run(x).argmax(axis=1)
    assert samples.labels is not None
    assert np.mean(answers == samples.labels) == pytest.approx(354 / 360)


def test_committed_project_lowers_and_verifies(tmp_path: Path) -> None:
    opened = open_design(committed())
    assert [layer.op for layer in opened.design.layers] == ["conv2d", "conv2d", "conv2d", "dense"]
    assert opened.design.host == ()
    x, _ = project_samples(opened, None, 2, 0)
    report = verify(opened.design, x, tmp_path, opened.inputs)
    assert report.match
    assert report.cycles == sum(layer.predicted_cycles for layer in opened.design.program.layers)


def test_training_again_gives_the_committed_network() -> None:
    data = train.load()
    stages, network = train.make(data)
    assert network_to_bytes(network) == committed().with_suffix(".hwq").read_bytes()
    exact, quantized = train.float_accuracy(stages, data), train.int8_accuracy(network, data)
    assert exact >= 0.97
    assert quantized >= exact - 0.005


#: One short training, in a process of its own; prints the hash of the weights, every bit of them.
_SHORT = """
import hashlib
from hwq.examples.digits import train
stages, _ = train.make(train.load(), epochs=1)
print(hashlib.sha256(b"".join(stage.weights.tobytes() + stage.bias.tobytes() for stage in stages)).hexdigest())
"""


def test_training_does_not_depend_on_the_order_in_which_a_blas_adds() -> None:
    """Kernels of OpenBLAS for lesser processors add in other orders; NumPy's own loops without AVX do, too."""
    kinds: list[dict[str, str]] = [
        {},
        {"OPENBLAS_CORETYPE": "Prescott"},
        {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX"},
    ]
    hashes = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _SHORT],
            env=os.environ | kind,
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
        for kind in kinds
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("seed", range(4))
def test_products_are_exact_in_any_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.normal(0, 10.0 ** (seed - 2), (5, 8192)), random.normal(0, 3, (8192, 4))
    order = random.permutation(8192)
    got = exact_product(a, b)
    np.testing.assert_array_equal(got, exact_product(a[:, order], b[order]))
    np.testing.assert_allclose(got, a @ b, atol=np.abs(a).max() * np.abs(b).max() * 1e-3)


def test_products_of_too_many_terms_are_refused() -> None:
    with pytest.raises(ValueError, match="8193 terms; exact are at most 8192"):
        exact_product(np.ones((1, 8193)), np.ones((8193, 1)))


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, 8), (3, 2, 8), (3, 2, 4), (5, 1, 6), (1, 1, 3)])
def test_scatter_is_the_transpose_of_columns(kernel: int, stride: int, size: int) -> None:
    """<columns(x), c> = <x, scatter(c)>; and the padding is SAME."""
    random = np.random.default_rng(kernel * 100 + stride * 10 + size)
    stage = Stage(kernel=kernel, channels=3, out=2, stride=stride, relu=True)
    x = random.integers(-9, 10, (2, size, size, 3)).astype(np.float64)
    columns = stage.columns(x)
    c = random.integers(-9, 10, columns.shape).astype(np.float64)
    assert np.sum(columns * c) == np.sum(x * stage.scatter(c, x.shape))
    top, bottom, _, _ = explicit_padding(True, (size, size), (kernel, kernel), (stride, stride), (1, 1))
    assert (top, bottom) == (stage.before, kernel - stride - stage.before)


def test_gradients_are_those_of_the_loss() -> None:
    """Against differences of the loss, weight by weight."""
    random = np.random.default_rng(5)
    stages = [
        Stage(kernel=3, channels=1, out=3, stride=2, relu=True),
        Stage(kernel=0, channels=12, out=4, stride=1, relu=False),
    ]
    for stage in stages:
        stage.initialize(random)
    x, targets = random.random((6, 4, 4, 1)), random.choice([-1.0, 1.0], (6, 4))

    def loss() -> float:
        return float(np.sum(np.maximum(0.0, 1.0 - targets * forward(stages, x)[-1]) ** 2) / len(x))

    arrays = [array for stage in stages for array in (stage.weights, stage.bias)]
    for array, gradient in zip(arrays, _gradients(stages, x, targets), strict=True):
        for index in np.ndindex(array.shape):
            kept, step = array[index], 1e-3
            array[index] = kept + step
            above = loss()
            array[index] = kept - step
            below = loss()
            array[index] = kept
            assert gradient[index] == pytest.approx((above - below) / (2 * step), abs=2e-2)


def test_quantization_follows_the_conventions() -> None:
    """Symmetric per-channel weights that reach 127, activations that hold 0 and cover their range, SAME padding."""
    random = np.random.default_rng(3)
    stages = [
        Stage(kernel=3, channels=1, out=5, stride=2, relu=True),
        Stage(kernel=0, channels=20, out=3, stride=1, relu=False),
    ]
    for stage in stages:
        stage.initialize(random)
        stage.bias = random.normal(0, 1, stage.out)
    x = random.random((50, 4, 4, 1))
    network = quantize(stages, ["first", "second"], x, "test")
    first, second = network.layers
    assert isinstance(first, Conv2D)
    assert isinstance(second, Dense)
    for layer, stage in ((first, stages[0]), (second, stages[1])):
        rows = layer.weights.reshape(stage.out, -1)
        assert np.all(np.abs(rows.astype(int)).max(axis=1) == 127)
        real = rows.T * layer.weight_quantization.scale
        np.testing.assert_allclose(real, stage.weights, atol=float(layer.weight_quantization.scale.max()) * 0.501)
        accumulator = network.tensors[layer.inputs[0]].quantization.scale * layer.weight_quantization.scale
        np.testing.assert_allclose(layer.bias * accumulator, stage.bias, atol=float(accumulator.max()) * 0.501)
    assert first.padding == explicit_padding(True, (4, 4), (3, 3), (2, 2), (1, 1))
    assert first.clamp == (int(network.tensors["first"].quantization.zero_point[0]), 127)
    assert second.clamp == (-128, 127)
    outputs = Emulator(network).run(np.rint(x * 255 - 128).astype(np.int8))
    last = network.tensors["second"].quantization
    np.testing.assert_allclose(
        (outputs - last.zero_point) * last.scale, forward(stages, x)[-1], atol=float(last.scale[0]) * 4
    )
