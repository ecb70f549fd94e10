"""The block benches pass on what is right, and tell every mutant."""

from __future__ import annotations

import re

import pytest

from hwq.cosim.scoreboard import Scoreboard
from sim.__main__ import SHAPES
from sim.launch import BENCHES, run

SMALL = SHAPES["3x5, subtracted, no product register"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bench", BENCHES)
def test_it_passes(bench: str, shape: str) -> None:
    outcome = run(bench, SHAPES[shape], seed=1)
    assert outcome.passed, outcome.log
    assert "seed 1" in outcome.log


MUTANTS = {
    ("pe", "the top bit of the sum is lost"): (
        r"(assign psum = )([^;]*);",
        r"wire [17:0] whole = \2; \1{ whole[16], whole[16:0] };",
    ),
    ("pe", "a weight is used as it arrives"): (r"weight <= loaded;", "weight <= load_in ? weight_in : loaded;"),
    ("pe", "a weight loads always"): (r"if \(load_in\) *loaded", "loaded"),
    ("array", "an operand comes a cycle early"): (r"operand_skew_1_1 <= [^;]*;", "operand_skew_1_1 <= 9'h001;"),
    ("array", "a row's weights stay"): (r"(else )?renew_skew_0_1 <= renew;", "renew_skew_0_1 <= 1'h0;"),
    ("requantizer", "the inner rounding is gone"): (r"16'h4000", "16'h0000"),
    ("requantizer", "ties round up"): (r"assign less = [^;]*;", "assign less = 1'h0;"),
    ("requantizer", "the low clamp is gone"): (r"\$signed\(shifted\) < \$signed\(low\)", "1'h0"),
    ("requantizer", "a carry is lost"): (r"assign carry = [^;]*;", "assign carry = 1'h0;"),
    ("requantizer", "a tie carries too late"): (r"dropped_sum >= 32'd2147483648", "dropped_sum > 32'd2147483648"),
}


@pytest.mark.parametrize("mutant", list(MUTANTS), ids=" ".join)
def test_it_tells_a_mutant(mutant: tuple[str, str]) -> None:
    old, new = MUTANTS[mutant]

    def alter(verilog: str) -> str:
        changed, count = re.subn(old, new, verilog)
        assert count >= 1, f"nothing matches {old}"
        return changed

    outcome = run(mutant[0], SMALL, seed=1, alter=alter)
    assert not outcome.passed
    assert "AssertionError" in outcome.log


def test_a_scoreboard_fails_on_silence() -> None:
    board = Scoreboard[int]("codes")
    with pytest.raises(AssertionError, match="codes: nothing was compared"):
        board.finish()
    board.expect(1)
    board.expect(2, "the second")
    board.see(1)
    with pytest.raises(AssertionError, match="codes: 1 items never came"):
        board.finish()
    with pytest.raises(AssertionError, match=r"codes, item 1 \(the second\): expected 2, got 3"):
        board.see(3)
    with pytest.raises(AssertionError, match="codes: 4 came, and nothing is expected"):
        board.see(4)
