"""What an accelerator takes of an FPGA: memories and multipliers by rule, logic by terms that area.yaml prices.

A term is a number of bits that the hardware has, such as those of all products' registers; its price is how many lookup
tables, or registers, each bit takes. Prices are fitted to Yosys' counts, and none is negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.pooling import SUM_BITS
from hwq.config.document import read_document
from hwq.cost.blocks import place
from hwq.cost.memories import memories
from hwq.numeric.requantize import Contract

TABLE = Path(__file__).with_name("area.yaml")
"""Prices by family and resource; `python -m tests.bench.fit_area` writes it."""

LIKE = {"ice40": "ecp5"}
"""Families without measurements of their own, and whose prices stand for theirs: lookup tables are as wide."""

FITTED = ("lut", "ff")
"""Resources whose count is fitted."""

#: Bits of a piece of a requantizer's multiplier.
_PIECE = 16


def terms(accelerator: Accelerator, family: str) -> dict[str, float]:
    """How much there is of everything that logic is spent on; the same names for every accelerator."""
    a = accelerator
    rows, columns, lanes, word = a.array.rows, a.array.columns, a.lanes, a.word
    operand, weight, code = a.operand.width, a.weight.width, a.activation.width
    accumulator = a.arithmetic.accumulator_bits
    places = [(shape, place(shape, family)) for shape in memories(a)]
    engines = [name for name in ("depthwise", "pooling", "elementwise", "table") if getattr(a, name) is not None]
    beats = max(math.ceil(bits / isa.WORD_BITS) for bits in a.word_bits.values())
    found: dict[str, float] = {
        "base": 1,
        "addresses": a.element_address_bits,
        "pe_weights": rows * columns * 2 * weight,
        "pe_products": rows * columns * (operand + weight) * a.array.product_register,
        "pe_sums": rows * columns * a.column_bits,
        "pe_multipliers": 0 if _multiplies(operand, weight, family) else rows * columns * operand * weight,
        "pe_forward": rows * (columns - 1) * (operand + 2),
        "skew": (rows * (rows - 1) * operand + columns * (columns - 1) * (weight + a.psum_bits)) / 2,
        "accumulators": columns * accumulator,
        "overflow": columns * accumulator * a.may_overflow,
        "drain": lanes * accumulator * math.ceil(math.log2(columns // lanes)) if columns > lanes else 0,
        "words": word * code,
        "rotators": 2 * word * code * math.log2(word),
        "load": beats * isa.WORD_BITS,
        "blocks": sum(shape.count * shape.bits for shape, placing in places if placing.blocks),
        "memory_luts": sum(shape.count * placing.luts for shape, placing in places),
        "left_shifts": lanes * 32 * a.requantizer.max_left_shift.bit_length(),
        "values": lanes * a.value_bits * len(a.engines),
        **{f"lanes_{contract.value}": 0 for contract in _LANES},
        **dict.fromkeys(("depthwise", "pooling", "elementwise", "table"), 0),
        **dict.fromkeys(engines, 1),
        "windows": 0,
        "kernels": 0,
        "taps": 0,
        "pooled": a.vector * (SUM_BITS + code) if a.pooling is not None else 0,
        "scalers": 2 * a.elementwise_group if a.elementwise is not None else 0,
    }
    contract = a.arithmetic.contract
    found[f"lanes_{(Contract.DOUBLE if contract is Contract.UP2 else contract).value}"] = lanes
    if a.depthwise is not None:
        taps, vector = a.depthwise.taps, a.depthwise_vector
        found["windows"] = vector * taps * code
        found["kernels"] = 2 * vector * taps * weight
        found["taps"] = lanes * taps * (operand + weight)
    return found


#: Bits of the narrowest product that takes a multiplier, where not every one does.
_LEAST_PRODUCT = {"xilinx7": 9, "ice40": 11}

#: Contracts whose lanes differ; up2 has double's.
_LANES = (Contract.DOUBLE, Contract.SINGLE, Contract.PLAIN, Contract.SHIFT)


def _multiplies(a: int, b: int, family: str) -> bool:
    """Whether a product of factors of so many bits is worth a multiplier to Yosys."""
    return min(a, b) >= 2 and a + b >= _LEAST_PRODUCT.get(family, 0)


def multipliers(accelerator: Accelerator, family: str) -> int:
    """How many multipliers there are, exactly."""
    a, count = accelerator, 0
    if _multiplies(a.operand.width, a.weight.width, family):
        count += a.array.rows * a.array.columns
        if a.depthwise is not None:
            count += a.lanes * a.depthwise.taps
    # Each piece of the multiplier meets both halves of a sum, of which the upper one may be nothing but signs.
    match a.arithmetic.contract:
        case Contract.SHIFT:
            products = 0
        case Contract.PLAIN:
            halves = 1 + (a.value_bits - _PIECE >= 2)
            products = halves * math.ceil(a.requantizer.multiplier_bits / _PIECE)
        case _:
            products = 2 * 2
    count += a.lanes * products
    if a.elementwise is not None:
        # Two operands, and two pieces of the multiplier of each.
        count += a.elementwise_group * 2 * 2
    return count


@cache
def term_prices() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """The table: by family, by resource, by term."""
    values = read_document(TABLE).values
    found: dict[str, dict[str, dict[str, float]]] = {}
    for family, resources in values.items():
        assert isinstance(resources, dict)
        found[family] = {
            resource: {term: float(each) for term, each in of.items()} for resource, of in resources.items()
        }
    return found


def area(accelerator: Accelerator, family: str) -> dict[str, float]:
    """How much an accelerator takes of each resource, ``lut``, ``ff``, ``bram``, ``dsp``: modelled."""
    there = terms(accelerator, family)
    each = term_prices()[LIKE.get(family, family)]
    fitted = {name: round(sum(there[term] * cost for term, cost in each[name].items())) for name in FITTED}
    blocks = sum(shape.count * place(shape, family).blocks for shape in memories(accelerator))
    return {**fitted, "bram": blocks, "dsp": multipliers(accelerator, family)}
