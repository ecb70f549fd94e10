"""Pydantic models of the sections of a project file, made from the dataclasses of ``hwq.arch``.

Types, defaults and ranges are the dataclasses' own; this module adds the words that editors show.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from hwq.arch.checks import Choice, Named, Nested, Range, RealRange, limits
from hwq.arch.engines import PARAMETERS
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, RequantizerParameters
from hwq.quantize.specification import DEFAULT_SAMPLES, Quantization

SECTIONS: dict[str, type] = {
    "array": ArrayParameters,
    "arithmetic": ArithmeticParameters,
    "requantizer": RequantizerParameters,
    "buffers": BufferParameters,
}
"""The sections, and what each becomes."""

ENGINES: dict[str, type] = dict(PARAMETERS)
"""The sections of the engines beside the array; each may also be one of ``ENGINE_CHOICES``."""

SECTIONS |= ENGINES

HARDWARE = tuple(SECTIONS)
"""The sections that an accelerator is made of."""

SECTIONS |= {"quantization": Quantization}

ENGINE_CHOICES = ("auto", "none")
"""``auto``, the default: built as its defaults say where the network needs it. ``none``: not built."""

_SECTION_WORDS = {
    "array": "Shape of the systolic array.",
    "arithmetic": "Widths and contract of the arithmetic.",
    "requantizer": "The unit that turns 32-bit accumulators into output codes.",
    "buffers": "Sizes of the on-chip memories, in the units named with each.",
    "depthwise": "The engine of depthwise convolutions: a mapping, auto (built where the network needs it) or none.",
    "pooling": "The engine of average, maximum, mean and copies: an empty mapping, auto or none.",
    "elementwise": "The engine of the sum of two tensors: an empty mapping, auto or none.",
    "table": "The engine of activations that stand alone: an empty mapping, auto or none.",
    "quantization": "How hwq quantize makes a quantized network of one of real numbers; no other verb reads it.",
}

_WORDS: dict[str, dict[str, str]] = {
    "array": {
        "rows": "Rows of processing elements: input elements that enter the array per cycle (the reduction).",
        "columns": "Columns of processing elements: output channels computed side by side.",
        "product_register": "Register each product before the sum: one cycle more latency, a shorter critical path.",
    },
    "arithmetic": {
        "contract": (
            "How sums become codes (docs/spec/numerics.md, N.4 and N.10). double: two integer roundings, TFLite "
            "Micro's. up2: those of LiteRT's optimized kernels. single: one rounding. plain: a multiplier, an addition "
            "and one shift of chosen widths. shift: scales that are powers of two, no multiplier."
        ),
        "input_zero_point": (
            "Where the input's zero-point is taken care of. folded: the array sees raw codes, padding injects the "
            "zero-point, the bias absorbs the rest. subtracted: the array sees code minus zero-point, one bit wider."
        ),
        "activation_bits": "Width of the signed codes in activation memory, in bits: those of the widest tensor.",
        "weight_bits": "Width of the weights less their zero-points, in bits; those of 1 bit are -1 and 1.",
        "weight_packing": (
            "How weights narrower than weight_bits lie in weight memory. none: each in a place of its own. layer: as "
            "many in a place as the layer's widest weight allows, 1, 2, 4, 8 or 16."
        ),
        "psum_bits": "Width of the partial sums inside the array, in bits; null: as wide as every column sum needs.",
        "accumulator_bits": "Width of the accumulators behind the array, in bits.",
        "overflow": (
            "What becomes of sums beyond psum_bits and accumulator_bits. refuse: networks whose sums could leave them "
            "are refused. wrap: modulo 2^bits. saturate: the nearest value. saturate_symmetric: the same, without the "
            "lowest value."
        ),
        "granularity": (
            "After how many additions a sum is fitted to its width. pass: when a column of the array has added its "
            "products, and when that is added to the accumulator. mac: after every single addition, in the order of "
            "the array; psum_bits is null or accumulator_bits then."
        ),
        "truncate": "What each product loses before it is added: a mapping of bits and rounding.",
        "bias": "When the bias enters. after: the requantizer adds it. initial: accumulators begin with it.",
        "truncate.bits": "Low bits that each product loses; accumulators are in units of 2^bits then.",
        "truncate.rounding": "What becomes of those bits: docs/spec/numerics.md, N.2.",
    },
    "requantizer": {
        "lanes": "Channels requantized per cycle; a divisor of array.columns; null: half the columns.",
        "max_left_shift": "Largest left shift before the multiplication, in bits; scales below 1 need none.",
        "multiplier_bits": "Width of the multiplier under contract plain, in bits.",
        "add_bits": "Width of what contract plain adds to the product, in bits: a bias times its multiplier.",
        "rounding": "Rounding of the shift under contracts plain and shift (docs/spec/numerics.md, N.2).",
        "output_overflow": "What becomes of results outside the format of the codes, in layers that accumulate.",
    },
    "buffers": {
        "activations": "Activation memory, in elements: a layer's input and output live in it together.",
        "weights": "Weight memory, in weights, each tile padded to the array's shape.",
        "channels": "Requantization records, one for each output channel, in channels.",
        "descriptors": "Descriptor memory, in descriptors: one for each layer or group of it, and one for END.",
        "accumulators": "Depth of each of the two accumulator banks, in output pixels.",
    },
    "depthwise": {
        "rows": "Rows of the largest kernel the engine takes; larger ones run on the array, channel by channel.",
        "columns": "Columns of the largest kernel.",
        "line": "Longest row of an input, in pixels: the depth of the line buffers.",
    },
    "pooling": {},
    "elementwise": {},
    "table": {},
    "quantization": {
        "weights": "How weights become codes.",
        "weights.bits": "Width of the codes of weights, in bits.",
        "weights.scheme": "Where zero lies among the codes of weights; available is symmetric: at code 0.",
        "weights.granularity": "What shares a scale. channel: an output channel. tensor: the whole layer.",
        "weights.values": (
            "Which values the weights of a channel may have, 2^bits at most. uniform: evenly spaced. power_of_two: "
            "zero and powers of two, up to 4 bits. codebook: those that suit them best, of the codes of 8 bits."
        ),
        "weights.method": (
            "How weights are rounded. nearest: each by itself. second_order: with scales and codes that keep a layer's "
            "outputs on the samples. null: nearest where everything has 8 bits, second_order otherwise."
        ),
        "weights.bias_correction": (
            "Whether biases make up for what quantization does to the mean of each output; null: with second_order."
        ),
        "activations": "How activations become codes.",
        "activations.bits": (
            "Width of the codes of activations, in bits. The network's input and output, logits, and averages that a "
            "dense layer reads have 8."
        ),
        "activations.scheme": (
            "Where zero lies among the codes of activations. asymmetric: at a zero-point that lets the range fill the "
            "codes. symmetric: at code 0."
        ),
        "activations.ranges": (
            "How an activation's range is found. min_max: smallest and largest value. moving_average: those of each "
            "sample, averaged. percentile: without the outermost values. mse: least squared error. kl: least "
            "divergence of the distribution."
        ),
        "activations.percentile": "Of ranges percentile: percent of the values that each end leaves inside.",
        "activations.momentum": "Of ranges moving_average: weight of the average so far against the next sample.",
        "calibration": "Which samples ranges are found from.",
        "calibration.samples": (
            f"How many samples of data, from the first; null: {DEFAULT_SAMPLES}, or all where there are fewer."
        ),
        "equalization": (
            "Whether channels between two layers are scaled first, so that their weights reach equally far in both."
        ),
        "layers": "What is different for single layers, by the names that hwq quantize shows.",
        "layers.weights": "How the weights of this layer become codes.",
        "layers.weights.bits": "Width of their codes, in bits; null: quantization.weights.bits.",
        "layers.weights.granularity": "What shares a scale; null: quantization.weights.granularity.",
        "layers.weights.values": "Which values they may have; null: quantization.weights.values.",
        "layers.weights.method": "How they are rounded; null: quantization.weights.method.",
        "layers.activations": "How what this layer gives becomes codes.",
        "layers.activations.bits": (
            "Width of the codes of this layer's output, and of all that share their scale; null: as for any layer."
        ),
    },
}


class _Strict(BaseModel):
    """Unknown keys are faults, and no value is bent into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _field_type(limit: Range | RealRange | Choice, optional: bool) -> Any:
    kind: Any
    if isinstance(limit, Range):
        kind = Annotated[int, Field(ge=limit.low, le=limit.high)]
    elif isinstance(limit, RealRange):
        kind = Annotated[float, Field(ge=limit.low, le=limit.high)]
    elif limit.values == (True, False):
        kind = bool
    else:
        kind = Literal[tuple(str(_plain(value)) for value in limit.values)]
    return kind | None if optional else kind


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def section_model(section: str) -> type[BaseModel]:
    """The model of one section: a key for each field of its dataclass."""
    return _model(SECTIONS[section], (section,), _SECTION_WORDS[section])


def _model(kind: type, path: tuple[str, ...], words: str) -> type[BaseModel]:
    allowed = limits(kind)
    keys: dict[str, Any] = {}
    for field in fields(kind):
        limit, optional = allowed[field.name]
        inner = ".".join((*path[1:], field.name))
        text = _WORDS[path[0]][inner]
        if isinstance(limit, Nested):
            model = _model(limit.kind, (*path, field.name), text)
            keys[field.name] = (model, Field(default_factory=model, description=text))
        elif isinstance(limit, Named):
            model = _model(limit.kind, (*path, field.name), text)
            keys[field.name] = (dict[str, model], Field(default_factory=dict, description=text))  # type: ignore[valid-type]
        else:
            assert field.default is not MISSING, "every parameter has a default"
            keys[field.name] = (_field_type(limit, optional), Field(default=_plain(field.default), description=text))
    name = "".join(part.capitalize() for part in path)
    return create_model(name, __base__=_Strict, __doc__=words, **keys)


def _project_model() -> type[BaseModel]:
    path = Annotated[str, Field(min_length=1)]
    keys: dict[str, Any] = {
        "model": (
            path,
            Field(
                description="The network: an int8 .tflite file or one saved by hwq; for hwq quantize a "
                ".tflite file of real numbers. Relative to this file; "
                "${NAME} takes an environment variable.",
                examples=["${HWQ_MLPERF_TINY}/kws_ref_model.tflite"],
            ),
        ),
        "data": (
            path | None,
            Field(
                default=None,
                description="Samples: an .npz file with x [N, ...], codes or floats, and y [N] where labels are known. "
                "Same rules as for model.",
            ),
        ),
    }
    for section in SECTIONS:
        model = section_model(section)
        keys[section] = (model, Field(default_factory=model, description=_SECTION_WORDS[section]))
    return create_model(
        "Project",
        __base__=_Strict,
        __doc__="A network and the accelerator it runs on.",
        **keys,
    )


ProjectModel: type[BaseModel] = _project_model()
"""A whole project file."""


def project_schema() -> dict[str, Any]:
    """JSON Schema of a project file, draft 2020-12, with descriptions, defaults, ranges and allowed values."""
    schema = ProjectModel.model_json_schema()
    for section in SECTIONS:
        # The default of a section is its keys' defaults; editors show those where they belong.
        schema["properties"][section].pop("default", None)
    for model in schema["$defs"].values():
        for key in model["properties"].values():
            if "const" in key:
                # Said twice by some versions of pydantic.
                key.pop("enum", None)
    for section in ENGINES:
        place = schema["properties"][section]
        reference = place.pop("$ref")
        place["anyOf"] = [{"enum": list(ENGINE_CHOICES)}, {"$ref": reference}]
        place.update(default=ENGINE_CHOICES[0], description=_SECTION_WORDS[section])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
