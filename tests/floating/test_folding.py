"""What is folded into the layer before it, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hwq.floating import FloatNetwork, run
from hwq.floating.folding import fold
from hwq.frontends.tflite import import_float_model
from tests.support.float_builder import FloatModelBuilder

RNG = np.random.default_rng(20261124)


def values(*shape: int) -> np.ndarray:
    return RNG.uniform(0.5, 2, shape).astype(np.float32)


def built(build: Callable[[FloatModelBuilder, int], int]) -> FloatNetwork:
    model = FloatModelBuilder()
    return import_float_model(model.finish(build(model, model.image((1, 6, 5, 3)))), "built")


def batch_norm(model: FloatModelBuilder, x: int, activation: str = "NONE") -> int:
    channels = model.shape(x)[-1]
    return model.arithmetic(
        "ADD",
        model.arithmetic("MUL", x, model.constant(values(channels))),
        model.constant(-values(channels)),
        activation,
    )


def activated(model: FloatModelBuilder, x: int) -> int:
    return model.unary("RELU", batch_norm(model, model.conv(x, values(4, 3, 3, 3), None)), output=None)


def read_twice(model: FloatModelBuilder, x: int) -> int:
    y = model.conv(x, values(3, 1, 1, 3), values(3))
    return model.arithmetic("ADD", y, batch_norm(model, y))


def after_relu(model: FloatModelBuilder, x: int) -> int:
    return batch_norm(model, model.conv(x, values(3, 1, 1, 3), values(3), activation="RELU"), "RELU6")


CASES: dict[str, tuple[Callable[[FloatModelBuilder, int], int], list[str]]] = {
    "convolution": (
        lambda model, x: batch_norm(model, model.conv(x, values(4, 3, 3, 3), values(4)), "RELU6"),
        ["conv2d"],
    ),
    "depthwise": (
        lambda model, x: batch_norm(model, model.depthwise(x, values(1, 3, 3, 6), None)),
        ["depthwiseconv2d"],
    ),
    "dense": (lambda model, x: batch_norm(model, model.dense(x, values(7, 90), None)), ["dense"]),
    "an activation of its own": (activated, ["conv2d"]),
    "what is read twice stays": (read_twice, ["conv2d", "depthwiseconv2d", "add"]),
    "behind an activation": (after_relu, ["conv2d", "depthwiseconv2d"]),
    "at the input": (lambda model, x: batch_norm(model, x), ["depthwiseconv2d"]),
    "no image": (lambda model, x: batch_norm(model, model.reshape(x, (1, 90))), ["reshape", "affine"]),
}


@pytest.mark.parametrize("case", CASES)
def test_folding(case: str) -> None:
    build, expected = CASES[case]
    network = built(build)
    folded = fold(network)
    assert [layer.op for layer in folded.layers] == expected
    assert folded.tensors.keys() == {folded.input, *(layer.output for layer in folded.layers)}
    x = RNG.normal(0, 1, (5, 6, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(run(folded, x), run(network, x), rtol=1e-5, atol=1e-5)


def test_constants_that_would_leave_float32_stay_apart() -> None:
    def build(model: FloatModelBuilder, x: int) -> int:
        y = model.conv(x, np.full((2, 1, 1, 3), 1e30, np.float32), None)
        return model.arithmetic("MUL", y, model.constant(np.full(2, 1e30, np.float32)))

    assert [layer.op for layer in fold(built(build)).layers] == ["conv2d", "depthwiseconv2d"]
