"""Processing element against a register-by-register model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb

from hwq.cosim.scoreboard import Scoreboard
from sim.clocked import Block, parameters, seeded, signed

CYCLES = 5000


@dataclass
class PeModel:
    """State of the element, and what one rising edge makes of it."""

    psum_bits: int
    product_register: bool
    loaded: int = 0
    weight: int = 0
    product: int = 0

    def edge(self, operand: int, renew: int, load: int, weight: int, psum: int) -> int:
        """The sum after the edge."""
        product = operand * self.weight
        added = self.product if self.product_register else product
        self.product = product
        if renew:
            self.weight = self.loaded
        if load:
            self.loaded = weight
        return signed(psum + added, self.psum_bits)


@cocotb.test()
async def random_cycles(dut: Any) -> None:
    """Random operands, changes of weights, loads and sums, with the extremes among them."""
    known, choose, block = parameters(), seeded(dut), Block(dut)
    widths = {"operand_in": known["operand_bits"], "weight_in": known["weight_bits"], "psum_in": known["psum_bits"]}
    model, board = PeModel(known["psum_bits"], known["product_register"]), Scoreboard[int]("psum_out")

    def pick(bits: int) -> int:
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        return choose.choice([low, high, 0, -1, choose.randint(low, high), choose.randint(low, high)])

    await block.start(dict.fromkeys((*widths, "renew_in", "load_in"), 0))
    # Both weights are written before the first product counts.
    for renew in (0, 1):
        block.drive({"renew_in": renew, "load_in": 1})
        await block.step()
        model.edge(0, renew, 1, 0, 0)
    for cycle in range(CYCLES):
        values = {name: pick(bits) for name, bits in widths.items()}
        renew, load = int(choose.random() < 0.3), int(choose.random() < 0.3)
        block.drive({name: values[name] & (1 << bits) - 1 for name, bits in widths.items()})
        block.drive({"renew_in": renew, "load_in": load})
        expected = model.edge(values["operand_in"], renew, load, values["weight_in"], values["psum_in"])
        board.expect(expected, f"cycle {cycle}")
        await block.step()
        board.see(signed(block.read("psum_out"), known["psum_bits"]))
    board.finish()
