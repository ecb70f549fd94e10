"""Samples layer by layer are samples through whole networks."""

from __future__ import annotations

import numpy as np

from hwq.emulate import Emulator
from hwq.floating import trace
from hwq.floating.folding import fold
from hwq.frontends.tflite import import_float_model
from hwq.graph import quantize_input
from hwq.quantize import quantize
from hwq.quantize.calibration import Steps
from hwq.quantize.replay import Replay
from tests.support.float_builder import every_float_operator


def test_every_tensor_is_that_of_the_whole_networks_and_goes_when_nothing_reads_it() -> None:
    network = fold(import_float_model(every_float_operator(), "every"))
    x = np.random.default_rng(5).normal(0, 1, (20, 9, 8, 4)).astype(np.float32)
    quantized = quantize(network, x)
    codes, reals = Emulator(quantized).trace(quantize_input(quantized, x)), trace(network, x)
    told: list[tuple[int, int]] = []
    steps = Steps(lambda done, total: told.append((done, total)), 20)
    replay = Replay(network, dict(quantized.tensors), iter([x[:12], x[12:]]), steps)
    left = list(quantized.layers)
    for layer in network.layers:
        for name in layer.inputs:
            found = quantized.tensors[name].quantization
            pairs = list(replay.pairs(name))
            expected = (codes[name].astype(np.float32) - np.float32(found.zero_point[0])) * found.scale[0]
            assert (np.concatenate([pair[0] for pair in pairs]) == expected).all()
            np.testing.assert_allclose(np.concatenate([pair[1] for pair in pairs]), reals[name], rtol=1e-5, atol=1e-5)
        count = next(n for n, coded in enumerate(left) if coded.output == layer.output) + 1
        replay.follow(layer, left[:count])
        del left[:count]
    assert not left and told[-1] == (20, 20)
    assert set(replay._exact) == {network.output}
