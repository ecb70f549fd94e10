"""What layers are in C++ that take codes as they come: sums, tables, means, and those that move codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from hwq.graph.layers import Activation, Add, Concatenation, Layer, Mean, Pad, Requantize, Reshape, Softmax
from hwq.graph.tables import activation_table, byte_table, requantization_table, softmax_exponentials
from hwq.hls import constants
from hwq.hls.setting import Setting, finish, members
from hwq.hls.source import Computation, Loop
from hwq.numeric.add import add_parameters
from hwq.numeric.division import mean_multiplier

#: Axes that the templates go along.
_IMAGE_AXES, _BROADCAST_AXES = 3, 4

#: Codes of which a sum less its zero-points is sure to fit 32 bits.
_MOST_CODES = 1 << 23


def _reshape(setting: Setting, layer: Reshape) -> Computation:
    count = setting.network.tensors[layer.output].elements
    return Computation(f"reshape<{count}>", ["hwq_packs.h"], loops=[Loop("move", (count,))])


def _add(setting: Setting, layer: Add) -> Computation | str:
    scales = (float(setting.quantization(name).scale[0]) for name in (*layer.inputs, layer.output))
    scaling = add_parameters(*scales)
    lanes, target = setting.lanes[layer.output], setting.network.tensors[layer.output]
    spec = [
        *members(packs=target.elements // lanes),
        *members(first_zero_point=setting.zero_point(layer.inputs[0])),
        *members(second_zero_point=setting.zero_point(layer.inputs[1])),
        *finish(setting, layer, layer.clamp),
    ]
    factors = [
        constants.factor("first", scaling.first, "From the first input's scale to twice the larger one."),
        constants.factor("second", scaling.second, "From the second input's scale to twice the larger one."),
        constants.factor("output", scaling.output, "From there to the output's scale."),
    ]
    steps = Loop("add", (target.elements // lanes,))
    body, names, loops = [], [], []
    for number, name in enumerate(layer.inputs):
        shape = setting.network.tensors[name].shape
        if shape == target.shape:
            names.append(f"x{number}")
            continue
        if len(target.shape) > _BROADCAST_AXES:
            return f"it repeats a tensor along axes of {len(target.shape)}; {_BROADCAST_AXES} are exported"
        names.append(f"wide{number}")
        packs, axes = _repetition(shape, target.shape, lanes)
        words = ", ".join(map(str, (packs, *(number for axis in axes for number in axis))))
        loops += [Loop(f"read {name}", (packs,)), Loop(f"repeat {name}", tuple(size for size, _ in axes))]
        body += [
            f"static hwq::stream<hwq::codes<{lanes}>> wide{number};",
            f"hwq::broadcast<{words}>(x{number}, wide{number});",
        ]
    headers = ["hwq_elementwise.h"]
    if not body:
        return Computation("add", headers, spec, factors, loops=[steps])
    body.insert(0, "#pragma HLS dataflow")
    return Computation("add", headers, spec, factors, body, tuple(names), [*loops, steps])


def _repetition(shape: tuple[int, ...], target: tuple[int, ...], lanes: int) -> tuple[int, list[tuple[int, int]]]:
    """Packs of a tensor, and size and step along each axis of what it becomes."""
    inner = [1] * (_BROADCAST_AXES - len(shape)) + list(shape)
    outer = [1] * (_BROADCAST_AXES - len(target)) + list(target)
    inner[-1], outer[-1] = inner[-1] // lanes, outer[-1] // lanes
    axes = [
        (wanted, math.prod(inner[axis + 1 :]) if size == wanted else 0)
        for axis, (size, wanted) in enumerate(zip(inner, outer, strict=True))
    ]
    return math.prod(inner), axes


def _activation(setting: Setting, layer: Activation) -> Computation:
    source, target = setting.quantization(layer.inputs[0]), setting.quantization(layer.output)
    return _lookup(setting, layer, activation_table(layer, source, target, setting.contract))


def _requantize(setting: Setting, layer: Requantize) -> Computation:
    source, target = setting.quantization(layer.inputs[0]), setting.quantization(layer.output)
    return _lookup(setting, layer, requantization_table(source, target, setting.contract))


def _lookup(setting: Setting, layer: Layer, table: Any) -> Computation:
    packs = setting.network.tensors[layer.output].elements // setting.lanes[layer.output]
    lowest = -128 if setting.quantization(layer.inputs[0]).format.signed else 0
    kind = "standard" if setting.quantization(layer.output).format.signed else "standard_natural"
    comment = "The output code of each input code, lowest first."
    whole = byte_table(table, setting.quantization(layer.inputs[0]))
    found = constants.array(f"hwq::{kind}<8>", "table", whole, comment)
    return Computation(
        f"lookup<{packs}, {lowest}>", ["hwq_elementwise.h"], (), [found], loops=[Loop("look up", (packs,))]
    )


def _mean(setting: Setting, layer: Mean) -> Computation | str:
    shape = setting.network.tensors[layer.inputs[0]].shape
    if setting.optimized and layer.axes == (0, 1) and len(setting.network.tensors[layer.output].shape) == 3:
        return "LiteRT's optimized mean over an image, which contract up2 stands for, is not exported"
    source, target = setting.quantization(layer.inputs[0]), setting.quantization(layer.output)
    # Axes of one element are neither summed over nor kept.
    axes = [axis for axis in sorted(layer.axes) if shape[axis] > 1]
    first, last = (axes[0], axes[-1]) if axes else (0, -1)
    between = [axis for axis in range(first, last + 1) if shape[axis] > 1]
    if between != axes:
        return f"its axes {list(layer.axes)} do not lie together; means over neighboring axes are exported"
    count = math.prod(shape[axis] for axis in layer.axes)
    if count > _MOST_CODES:
        return f"it is the mean of {count} codes; of {_MOST_CODES} at most are exported"
    outer, inner = math.prod(shape[:first]), math.prod(shape[last + 1 :])
    spec = [
        *members(outer=outer, reduced=count, inner=inner),
        *members(removed=int(source.zero_point[0]) * count),
        *finish(setting, layer, (target.format.min, target.format.max)),
    ]
    scale = mean_multiplier(float(source.scale[0]) / float(target.scale[0]), count)
    factor = constants.factor("scale", scale, "From a sum to the mean in the output's scale.")
    loops = [Loop("sum", (outer, count, inner)), Loop("scale", (outer, inner))]
    return Computation("mean", ["hwq_mean.h"], spec, [factor], loops=loops)


def _pad(setting: Setting, layer: Pad) -> Computation | str:
    shape = setting.network.tensors[layer.inputs[0]].shape
    if len(shape) > _IMAGE_AXES:
        return f"it pads a tensor of {len(shape)} axes; {_IMAGE_AXES} at most are exported"
    missing = _IMAGE_AXES - len(shape)
    height, width, channels = [1] * missing + list(shape)
    amounts = [(0, 0)] * missing + list(layer.amounts)
    trips = (height + sum(amounts[0]), width + sum(amounts[1]), channels + sum(amounts[2]))
    spec = members(
        height=height,
        width=width,
        channels=channels,
        out_height=trips[0],
        out_width=trips[1],
        out_channels=trips[2],
        top=amounts[0][0],
        left=amounts[1][0],
        front=amounts[2][0],
        value=layer.value,
    )
    return Computation("pad", ["hwq_pad.h"], spec, loops=[Loop("move", trips)])


def _concatenation(setting: Setting, layer: Concatenation) -> Computation:
    tensors = [setting.network.tensors[name] for name in layer.inputs]
    names = ["x"] if len(tensors) == 1 else [f"x{number}" for number in range(len(tensors))]
    parts = math.prod(tensors[0].shape[: layer.axis])
    readers, copies, loops = [], [], []
    for number, (tensor, name) in enumerate(zip(tensors, names, strict=True)):
        readers.append(f"hwq::reader<hwq::codes<{setting.lanes[tensor.name]}>> from{number}({name});")
        count = math.prod(tensor.shape[layer.axis :])
        copies.append(f"  hwq::copy<{count}>(from{number}, to);")
        loops.append(Loop(f"move {name}", (parts, count)))
    body = [
        *readers,
        f"hwq::writer<hwq::codes<{setting.lanes[layer.output]}>> to(y);",
        f"for (int part = 0; part < {parts}; part++) {{",
        *copies,
        "}",
    ]
    return Computation("", ["hwq_packs.h"], body=body, loops=loops)


def _softmax(setting: Setting, layer: Softmax) -> Computation | str:
    if setting.optimized:
        return "LiteRT's optimized softmax, which contract up2 stands for, is one of real numbers and not exported"
    tensor = setting.network.tensors[layer.output]
    channels = tensor.shape[-1]
    table = softmax_exponentials(layer, setting.quantization(layer.inputs[0]))
    comment = "exp of minus the difference to the largest code, Q0.31."
    found = constants.array("hwq::standard<32>", "exponentials", table, comment)
    vectors = tensor.elements // channels
    loops = [Loop(name, (vectors, channels)) for name in ("largest", "total", "divide")]
    return Computation("softmax", ["hwq_softmax.h"], members(vectors=vectors, channels=channels), [found], loops=loops)


COMPUTATIONS: Mapping[type[Layer], Callable[[Setting, Any], Computation | str]] = {
    Activation: _activation,
    Add: _add,
    Concatenation: _concatenation,
    Mean: _mean,
    Pad: _pad,
    Requantize: _requantize,
    Reshape: _reshape,
    Softmax: _softmax,
}
"""By kind of layer, how its C++ is found."""
