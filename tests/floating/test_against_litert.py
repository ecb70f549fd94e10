"""Float networks against LiteRT, within the rounding of float32 sums, whose order is nobody's promise."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.contracts.interpreters import LiteRt
from hwq.floating import run, trace
from hwq.floating.folding import fold
from hwq.frontends import load_float
from hwq.frontends.tflite import import_float_model
from hwq.frontends.tflite.float_operators import FLOAT_CONVERTERS
from hwq.frontends.tflite.schema import RawModel
from tests.support.float_builder import FloatModelBuilder, every_float_operator, with_real_weights
from tests.support.models import OFFICIAL_FLOAT, official_float_model
from tests.support.samples import real_numbers

SEED = 20261124


@pytest.mark.parametrize("name", OFFICIAL_FLOAT)
def test_official_models(name: str) -> None:
    """KWS with its int8 weights written as real numbers: LiteRT quantizes the inputs of hybrid layers as it runs."""
    path = official_float_model(name)
    network = load_float(path)
    x = real_numbers(name, network, 8, SEED)
    expected = LiteRt(with_real_weights(path.read_bytes()), "reference").run(x)[0]
    y = run(network, x)
    assert y.dtype == np.float32 and y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_only_the_keyword_model_is_hybrid() -> None:
    changed = {
        name for name in OFFICIAL_FLOAT if with_real_weights(data := official_float_model(name).read_bytes()) != data
    }
    assert changed == {"kws"}


@pytest.mark.parametrize("folded", [False, True])
def test_every_operator(folded: bool) -> None:
    data = every_float_operator(SEED)
    assert {operator.kind for operator in RawModel(data).operators} >= {*FLOAT_CONVERTERS} - {"PADV2", "RELU_N1_TO_1"}
    network = import_float_model(data, "every")
    x = np.random.default_rng(SEED).normal(0, 2, (16, 9, 8, 4)).astype(np.float32)
    expected = LiteRt(with_real_weights(data), "reference").run(x)[0]
    y = run(fold(network) if folded else network, x)
    assert np.ptp(expected, axis=0).max() > 0.01
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-6)


def test_a_trace_holds_every_tensor_and_pieces_change_nothing() -> None:
    network = load_float(official_float_model("ic"))
    x = real_numbers("ic", network, 4, SEED)
    tensors = trace(network, x)
    assert {name: values.shape[1:] for name, values in tensors.items()} == {
        name: tensor.shape for name, tensor in network.tensors.items()
    }
    assert (tensors[network.output] == run(network, x)).all()
    pieces = np.concatenate([run(network, x[:1]), run(network, x[1:])])
    np.testing.assert_allclose(pieces, tensors[network.output], rtol=1e-5)


@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "AVERAGE_POOL_2D"])
def test_padding_never_counts_in_pooling(kind: str) -> None:
    model = FloatModelBuilder()
    data = model.finish(model.pool_2d(kind, model.image((1, 5, 4, 2)), (3, 3), stride=(2, 1), padding="SAME"))
    x = -np.random.default_rng(SEED).uniform(1, 2, (4, 5, 4, 2)).astype(np.float32)
    expected = LiteRt(data, "reference").run(x)[0]
    np.testing.assert_allclose(run(import_float_model(data, "pool"), x), expected, rtol=1e-6)
