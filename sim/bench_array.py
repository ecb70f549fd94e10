"""Systolic array against matrix products; tiles load while others compute."""

from __future__ import annotations

from typing import Any

import cocotb

from hwq.cosim.scoreboard import Scoreboard
from sim.clocked import Block, pack, parameters, seeded, unpack

PASSES = 60


@cocotb.test()
async def tiles_in_turn(dut: Any) -> None:
    """Each pass streams operands past one tile while the next tile loads, row by row."""
    known, choose, block = parameters(), seeded(dut), Block(dut)
    rows, columns, latency = known["rows"], known["columns"], known["latency"]
    operand_bits, weight_bits, psum_bits = known["operand_bits"], known["weight_bits"], known["psum_bits"]
    board = Scoreboard[tuple[int, ...]]("sums")
    due: dict[int, bool] = {}

    def number(bits: int) -> int:
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        return choose.choice([low, high, choose.randint(low, high), choose.randint(low, high)])

    def tile() -> list[list[int]]:
        return [[number(weight_bits) for _ in range(columns)] for _ in range(rows)]

    async def cycle(operands: list[int], renew: bool, row: int | None, weights: list[int]) -> None:
        block.drive(
            {
                "operands": pack(operands, operand_bits),
                "renew": int(renew),
                "load": 0 if row is None else 1 << row,
                "weights": pack(weights, weight_bits),
            }
        )
        await block.step()
        if due.pop(block.cycle, False):
            board.see(tuple(unpack(block.read("sums"), columns, psum_bits)))

    await block.start({"operands": 0, "renew": 0, "load": 0, "weights": 0})
    coming = tile()
    for row in range(rows):
        await cycle([0] * rows, False, row, coming[row])
    await cycle([0] * rows, True, None, [0] * columns)
    for number_of_pass in range(PASSES):
        current, coming = coming, tile()
        # A pass is at least as long as the next tile takes to load, and to be taken into use.
        length = max(rows, 2) + choose.choice([0, 0, 1, 5])
        for step in range(length):
            operands = [number(operand_bits) for _ in range(rows)]
            sums = tuple(sum(operands[r] * current[r][c] for r in range(rows)) for c in range(columns))
            board.expect(sums, f"pass {number_of_pass}, step {step}")
            due[block.cycle + latency] = True
            row = step if step < rows else None
            await cycle(operands, step == length - 1, row, coming[step] if step < rows else [0] * columns)
    for _ in range(latency):
        await cycle([0] * rows, False, None, [0] * columns)
    board.finish()
