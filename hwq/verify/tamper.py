"""Deliberate faults: they show that the comparison can fail, in this very installation, on this very project."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

import numpy as np

from hwq.emulate import Emulator
from hwq.errors import ConfigError
from hwq.export.files import writing
from hwq.export.package import VERILOG, Package
from hwq.graph.layers import Conv2D, Dense
from hwq.graph.network import Network
from hwq.schedule.order import ordered_sums
from hwq.verify.design import Design
from hwq.verify.vectors import GoldenRun


class Tamper(StrEnum):
    """Where the fault is put."""

    WEIGHT = "weight"
    """One bit of one weight in the memory image."""

    GOLDEN = "golden"
    """One expected output, by one."""

    RTL = "rtl"
    """The requantizer's rounding: the half that is added before the right shift is left out."""


#: Plants a fault in the written package, or in the golden vectors, in place; returns what it did, as a sentence's part.
Fault = Callable[[Design, Package, list[GoldenRun]], str]


def tamper_golden(design: Design, package: Package, golden: list[GoldenRun]) -> str:
    """Change one element in the middle of the first layer's last expected output."""
    first = golden[0]
    outputs = first.outputs.astype(np.int64)
    place = outputs.shape[1] // 2
    outputs[-1, place] += 1 if outputs[-1, place] < 0 else -1
    golden[0] = replace(first, outputs=outputs)
    return f"expected output {place} of layer {first.run}, sample {len(outputs) - 1}, is off by one"


def tamper_weight(design: Design, package: Package, golden: list[GoldenRun]) -> str:
    """Flip the top bit of one weight in its memory image: the first whose change shows in the golden outputs.

    The weight is one of the first convolution or dense layer.

    Raises
    ------
    ConfigError
        When there is no such layer, or no weight of it changes any output of these samples.
    """
    runs = zip(design.layers, design.program.layers, golden, strict=False)
    found = next(((run, vector, layer) for layer, run, vector in runs if isinstance(layer, Conv2D | Dense)), None)
    if found is None:
        raise ConfigError("no layer on chip is a convolution or a dense layer, whose weight could be changed")
    run, vector, layer = found
    image = package.root / package.manifest["images"]["weights"]
    tensors = design.network.tensors
    (codes,) = vector.inputs
    inputs = codes.reshape(len(codes), *tensors[layer.inputs[0]].shape)
    channels = len(layer.weights)
    # Row 0 of the first tile of weights holds the first weight of each of the first channels.
    columns, groups = design.program.accelerator.array.columns, len(run.steps[0].plans)
    word = run.descriptors[0]["weight_base"]
    accelerator = design.program.accelerator
    fields = accelerator.weight_fields
    place, width = fields[0], fields[run.descriptors[0]["weight_packing"]]
    sums = ordered_sums(design.network, accelerator)
    for channel in range(min(columns, channels // groups)):
        weights = layer.values.copy()
        first = weights.reshape(channels, -1)[channel, :1]
        old = int(first[0])
        flipped = old + (1 << width - 1) if old < 0 else old - (1 << width - 1)
        first[0] = -old if width == 1 else flipped
        symmetric = replace(layer.weight_quantization, zero_point=np.zeros_like(layer.weight_quantization.zero_point))
        changed = replace(layer, weights=weights.astype(np.int16), weight_quantization=symmetric)
        alone = Network(layer.name, tensors, (changed,), layer.inputs[0], layer.output)
        outputs = Emulator(alone, accelerator.arithmetic.contract, sums=sums).run(inputs)
        if not np.array_equal(outputs.reshape(vector.outputs.shape), vector.outputs):
            lines = image.read_text(encoding="ascii").splitlines()
            changed_word = int(lines[word], 16) ^ 1 << (channel * place + width - 1)
            lines[word] = f"{changed_word:0{len(lines[word])}x}"
            with writing(image):
                image.write_text("\n".join(lines) + "\n", encoding="ascii")
            return f"the first weight of layer {layer.name}, channel {channel}, is {first[0]} instead of {old}"
    raise ConfigError(f"no first weight of layer {layer.name} changes an output of these samples; give other samples")


def tamper_rtl(design: Design, package: Package, golden: list[GoldenRun]) -> str:
    """Take the final rounding out of the requantizer."""
    verilog = package.root / VERILOG
    text = verilog.read_text(encoding="utf-8")
    # nudge = doubled + half - less: both corrections go, and the right shift rounds down.
    changed, count = re.subn(r"(assign nudge = )[^;]*;", r"\1{ doubled[31], doubled };", text)
    if count != 1:
        raise ConfigError(f"{verilog} holds {count} requantizers' roundings where 1 was expected")
    with writing(verilog):
        verilog.write_text(changed, encoding="utf-8")
    return "the requantizer's final rounding is left out"


FAULTS: Mapping[Tamper, Fault] = {
    Tamper.WEIGHT: tamper_weight,
    Tamper.GOLDEN: tamper_golden,
    Tamper.RTL: tamper_rtl,
}
"""How each fault is planted."""
