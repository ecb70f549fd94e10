"""Where the memories of an accelerator go on an FPGA: block memories or lookup tables, as Yosys decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwq.cost.memories import Shape


@dataclass(frozen=True)
class Block:
    """One way to use a block memory: bits of a word, words, what it counts as, and Yosys' price for it."""

    bits: int
    words: int
    count: float
    price: float


@dataclass(frozen=True)
class Tables:
    """One way to use lookup tables as memory.

    Parameters
    ----------
    bits, words:
        Of one cell.
    luts:
        That it takes.
    price:
        Yosys' for it.
    fixed:
        Part of the price that a cell costs whose word is not used up; the rest goes with its bits.
    """

    bits: int
    words: int
    luts: int
    price: float
    fixed: float


@dataclass(frozen=True)
class Rule:
    """What a family has.

    Parameters
    ----------
    blocks, tables:
        The ways to use them.
    multiplexing:
        Price of a bit for each cell in depth besides the first.
    byte:
        The widest part of a word that can be written by itself in a block.
    """

    blocks: tuple[Block, ...]
    tables: tuple[Tables, ...]
    multiplexing: float
    byte: int = 9


def _blocks(count: float, price: float, shapes: Iterable[tuple[int, int]]) -> tuple[Block, ...]:
    return tuple(Block(bits, words, count, price) for bits, words in shapes)


_HALF = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
_FULL = ((72, 512), (36, 1024), (18, 2048), (9, 4096), (4, 8192), (2, 16384), (1, 32768))

_SMALL = ((16, 256), (8, 512), (4, 1024), (2, 2048))

#: By family, from the descriptions of memories that Yosys brings (brams*.txt, lutrams*.txt).
RULES = {
    "ecp5": Rule(_blocks(1, 128, _HALF), (Tables(4, 16, 4, 4, 4),), 1 / 3),
    # Every bit of a word can be written by itself, and there are no memories of lookup tables.
    "ice40": Rule(_blocks(1, 1, _SMALL), (), 0, 1),
    "xilinx7": Rule(
        (*_blocks(0.5, 129, _HALF), *_blocks(1, 257, _FULL)),
        (Tables(6, 32, 4, 8, 1), Tables(3, 64, 4, 8, 1)),
        0.6,
    ),
}


@dataclass(frozen=True)
class Placing:
    """What one memory takes: blocks, or lookup tables that hold its bits."""

    blocks: float
    luts: int


def place(shape: Shape, family: str) -> Placing:
    """Where one memory of a shape goes: to the cheapest."""
    rule = RULES[family]
    best, found = min((_of_blocks(shape, block, rule) for block in rule.blocks), key=lambda each: each[0])
    for tables in rule.tables:
        price, luts = _of_tables(shape, tables, rule)
        if price < best:
            best, found = price, Placing(0, luts)
    return found


def _of_blocks(shape: Shape, block: Block, rule: Rule) -> tuple[float, Placing]:
    part = shape.bits // shape.parts
    if shape.parts == 1:
        across = -(-shape.bits // block.bits)
    elif block.bits < rule.byte:
        across = shape.parts * -(-part // block.bits)
    else:
        # Every part takes whole bytes.
        across = -(-shape.parts * -(-part // rule.byte) // (block.bits // rule.byte))
    deep = -(-shape.words // block.words)
    number = across * deep
    return number * block.price + _multiplexing(shape, deep, rule), Placing(number * block.count, 0)


def _of_tables(shape: Shape, tables: Tables, rule: Rule) -> tuple[float, int]:
    part = shape.bits // shape.parts
    whole, rest = divmod(part, tables.bits)
    deep = -(-shape.words // tables.words)
    price = whole * tables.price
    if rest:
        price += tables.fixed + (tables.price - tables.fixed) * rest / tables.bits
    cells = shape.parts * (whole + (rest > 0)) * deep
    return shape.parts * price * deep + _multiplexing(shape, deep, rule), cells * tables.luts


def _multiplexing(shape: Shape, deep: int, rule: Rule) -> float:
    return rule.multiplexing * (deep - 1) * shape.bits
