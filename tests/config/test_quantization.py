"""Section ``quantization``: its defaults, its values, and every fault of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.config.project import Project, load_project, project_keys
from hwq.errors import ConfigError
from hwq.quantize.specification import (
    ActivationQuantization,
    CalibrationParameters,
    Granularity,
    LayerActivations,
    LayerQuantization,
    LayerWeights,
    Quantization,
    RangeMethod,
    Scheme,
    WeightMethod,
    WeightQuantization,
    WeightValues,
)


def project(tmp_path: Path, text: str) -> Project:
    path = tmp_path / "p.yaml"
    path.write_text(f"model: m.tflite\n{text}", encoding="utf-8")
    return load_project(path)


def test_everything_has_a_default(tmp_path: Path) -> None:
    assert project(tmp_path, "").quantization == Quantization()
    assert project(tmp_path, "quantization: {weights: {}}\n").quantization == Quantization()


def test_values(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        "quantization:\n"
        "  weights: {bits: 3, scheme: asymmetric, granularity: tensor, values: codebook, method: nearest}\n"
        "  activations: {bits: 4, scheme: symmetric, ranges: percentile, percentile: 99, momentum: 0.5}\n"
        "  calibration: {samples: 20}\n",
    )
    assert found.quantization == Quantization(
        WeightQuantization(3, Scheme.ASYMMETRIC, Granularity.TENSOR, WeightValues.CODEBOOK, WeightMethod.NEAREST),
        ActivationQuantization(4, Scheme.SYMMETRIC, RangeMethod.PERCENTILE, 99, 0.5),
        CalibrationParameters(20),
    )


def test_every_fault_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        project(
            tmp_path,
            "quantization:\n  weights: {bit: 4, bits: 9, scheme: symetric, method: nearst, bias_correction: 1}\n"
            "  activations: {ranges: mean, percentile: 101, momentum: true}\n  calibrations: {}\narray: {rows: 0}\n",
        )
    assert dict(raised.value.faults) == {
        "array.rows": "must be an integer from 1 to 256, not 0",
        "quantization.activations.momentum": "must be a number from 0 to 1, not true",
        "quantization.activations.percentile": "must be a number from 50 to 100, not 101",
        "quantization.activations.ranges": (
            "must be one of min_max, moving_average, percentile, mse, kl, not 'mean'; did you mean mse?"
        ),
        "quantization.calibrations": "unknown key; did you mean calibration?",
        "quantization.weights.bit": "unknown key; did you mean bits?",
        "quantization.weights.bits": "must be an integer from 2 to 8, not 9",
        "quantization.weights.bias_correction": "must be true or false, not 1",
        "quantization.weights.method": "must be one of nearest, second_order, not 'nearst'; did you mean nearest?",
        "quantization.weights.scheme": (
            "must be one of symmetric, asymmetric, not 'symetric'; did you mean symmetric?"
        ),
    }


@pytest.mark.parametrize("value", ["[]", "8", "null"])
def test_a_section_is_a_mapping(tmp_path: Path, value: str) -> None:
    for text in (f"quantization: {value}", f"quantization: {{weights: {value}}}"):
        with pytest.raises(ConfigError, match="must be a mapping of keys to values"):
            project(tmp_path, text)


def test_no_sweep_varies_what_only_hwq_quantize_reads() -> None:
    assert not [key for key in project_keys() if key.startswith("quantization")]


@pytest.mark.parametrize(
    ("weights", "activations", "method"),
    [
        (WeightQuantization(), ActivationQuantization(), WeightMethod.NEAREST),
        (WeightQuantization(7), ActivationQuantization(), WeightMethod.SECOND_ORDER),
        (WeightQuantization(), ActivationQuantization(7), WeightMethod.SECOND_ORDER),
        (WeightQuantization(values=WeightValues.CODEBOOK), ActivationQuantization(), WeightMethod.SECOND_ORDER),
        (WeightQuantization(7, method=WeightMethod.NEAREST), ActivationQuantization(), WeightMethod.NEAREST),
    ],
)
def test_few_bits_are_rounded_by_second_order(
    weights: WeightQuantization, activations: ActivationQuantization, method: WeightMethod
) -> None:
    found = Quantization(weights, activations).settled
    assert found.weights.method is method
    assert found.weights.corrects_bias is found.replays is (method is WeightMethod.SECOND_ORDER)
    assert Quantization(WeightQuantization(bias_correction=True)).settled.replays


def test_layers(tmp_path: Path) -> None:
    text = "quantization: {layers: {conv: {weights: {bits: 3, method: nearest}}, dense: {activations: {bits: 8}}}}\n"
    assert project(tmp_path, text).quantization.layers == {
        "conv": LayerQuantization(LayerWeights(3, method=WeightMethod.NEAREST)),
        "dense": LayerQuantization(activations=LayerActivations(8)),
    }


def test_faults_of_layers(tmp_path: Path) -> None:
    text = """quantization:
  layers:
    conv: {weights: {bits: 9, method: nearst}, activation: {}}
    dense: 8
    7: {weights: {scheme: symmetric}, activations: []}
"""
    with pytest.raises(ConfigError) as raised:
        project(tmp_path, text)
    assert dict(raised.value.faults) == {
        "quantization.layers.conv.weights.bits": "must be an integer from 2 to 8, not 9",
        "quantization.layers.conv.weights.method": (
            "must be one of nearest, second_order, not 'nearst'; did you mean nearest?"
        ),
        "quantization.layers.conv.activation": "unknown key; did you mean activations?",
        "quantization.layers.dense": "must be a mapping of keys to values, not 8",
        "quantization.layers.7.weights.scheme": "unknown key; valid are bits, granularity, values, method",
        "quantization.layers.7.activations": "must be a mapping of keys to values, not a list",
    }
    assert "p.yaml:5: quantization.layers.dense" in str(raised.value)
    with pytest.raises(ConfigError, match=r"quantization\.layers: must be a mapping of keys to values"):
        project(tmp_path, "quantization: {layers: [conv]}\n")
