"""Contract ``plain`` on networks that another team's runtime computed: every activation behind a requantization.

The files are read with the onnx package alone: what hwq has to say is what becomes of an accumulator.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hwq.numeric.formats import IntFormat
from hwq.numeric.requantization import Requantization
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding

FOLDER = Path(os.environ.get("HWQ_INTEGER_ONNX") or Path(__file__).parents[3] / "shared" / "integer_onnx")
NETWORKS = {"KeywordSpotting": 10, "AnomalyDetection": 10}
"""Requantizations of each network."""


def _steps(name: str) -> list[tuple[Any, np.ndarray, np.ndarray, list[np.ndarray]]]:
    """(node, accumulators, codes, multiplier and addition) of every RequantShift, channels last."""
    folder = FOLDER / name
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{folder} is missing: set HWQ_INTEGER_ONNX")
        pytest.skip(f"{folder} is missing")
    graph = onnx.load(folder / "network.onnx").graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    with np.load(folder / "activations.npz") as found:
        # One for each node, in their order; a reshape has none.
        computed = [node for node in graph.node if node.op_type != "Reshape"]
        values = [found[key] for key in found.files]
    outputs = dict(zip((node.output[0] for node in computed), values, strict=True))
    steps = []
    for node in computed:
        if node.op_type == "RequantShift":
            x, y = (np.moveaxis(outputs[tensor], 1, -1) for tensor in (node.input[0], node.output[0]))
            steps.append((node, x, y, [constants[key].reshape(-1).astype(np.int64) for key in node.input[1:]]))
    return steps


def _attribute(node: Any, name: str) -> int:
    value = next(attribute.t for attribute in node.attribute if attribute.name == name)
    return int(numpy_helper.to_array(value).item())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_requantized_activation(name: str) -> None:
    steps = _steps(name)
    assert len(steps) == NETWORKS[name]
    told_apart = set()
    for node, sums, codes, (multiplier, add) in steps:
        right = _attribute(node, "div").bit_length() - 1
        signed = bool(_attribute(node, "signed"))
        target = IntFormat(_attribute(node, "n_levels_out").bit_length() - 1, signed)
        records = {"multiplier": multiplier, "add": add, "right": np.full_like(multiplier, right)}
        for rounding in Rounding:
            spec = Requantization(Contract.PLAIN, 31, 62, rounding)
            found = spec.code(spec.compute(sums, records), 0, target, (target.min, target.max))
            if rounding is Rounding.HALF_UP:
                np.testing.assert_array_equal(found, codes, err_msg=node.name)
            elif not np.array_equal(found, codes):
                told_apart.add(rounding)
    assert {Rounding.FLOOR, Rounding.TOWARD_ZERO} <= told_apart
