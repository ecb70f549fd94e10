"""The requantizer's lanes, as they are emitted, compute their formula for every input, and faults in them are found."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import z3

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, RequantizerParameters
from hwq.export.verilog import emit_component
from hwq.gateware.requantizer import Requantizer
from hwq.numeric.accumulation import SumOverflow
from hwq.numeric.requantization import CONTRACTS, OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding
from tests.proofs.lanes import PIECE, Lane, counterexample, number, pieces, proven, replayed


def accelerator(
    contract: Contract, *, bits: int = 32, overflow: SumOverflow = SumOverflow.REFUSE, **chosen: object
) -> Accelerator:
    """One whose requantizer follows ``contract``."""
    return Accelerator(
        arithmetic=ArithmeticParameters(contract=contract, accumulator_bits=bits, overflow=overflow),
        requantizer=RequantizerParameters(**chosen),  # type: ignore[arg-type]
    )


#: Each contract; then all that a lane depends on.
QUICK = [
    accelerator(Contract.DOUBLE),
    accelerator(Contract.UP2),
    accelerator(Contract.SINGLE),
    accelerator(Contract.PLAIN, rounding=Rounding.HALF_EVEN),
    accelerator(Contract.SHIFT, rounding=Rounding.HALF_ODD),
]
#: Accumulators of other widths, and outputs that may leave their format.
OUTSIDE = [
    *(accelerator(contract, bits=bits) for contract in CONTRACTS for bits in (24, 40)),
    *(
        accelerator(contract, overflow=SumOverflow.SATURATE, output_overflow=output)
        for contract in CONTRACTS
        for output in OutputOverflow
    ),
]
WIDTHS = ((1, 8), (8, 40), (16, 48), (17, 62), (31, 62))
MORE = [
    *(
        accelerator(contract, max_left_shift=most)
        for contract in (Contract.DOUBLE, Contract.UP2)
        for most in (1, 3, 16)
    ),
    accelerator(Contract.UP2, max_left_shift=0),
    *(
        accelerator(Contract.PLAIN, multiplier_bits=bits, add_bits=add, rounding=rounding)
        for bits, add in WIDTHS
        for rounding in Rounding
    ),
    *(accelerator(Contract.SHIFT, rounding=rounding, max_left_shift=most) for rounding in Rounding for most in (0, 30)),
]


@cache
def emitted(design: Accelerator) -> str:
    """The lane's Verilog."""
    return emit_component(Requantizer, accelerator=design)


def _record(shift: int) -> dict[str, int]:
    return {
        "bias": 0,
        "multiplier": (1 << 30) + (1 << 15) + 1,
        "shift": shift,
        "zero_point": 0,
        "low": -128,
        "high": 127,
    }


def _plain(right: int) -> dict[str, int]:
    return {"multiplier": (1 << 15) + 1, "right": right, "zero_point": 0, "low": -128, "high": 127}


def identity(design: Accelerator) -> str:
    """The contract and what a lane of it depends on."""
    spec, most = design.requantization, design.requantizer.max_left_shift
    return f"{spec.contract}-{spec.rounding}-{spec.multiplier_bits}-{most}-{spec.output_overflow}-{design.value_bits}"


@pytest.mark.parametrize(
    "design", [*QUICK, *(pytest.param(design, marks=pytest.mark.proof) for design in [*OUTSIDE, *MORE])], ids=identity
)
def test_a_lane_is_its_formula_for_all_inputs(design: Accelerator, tmp_path: Path) -> None:
    lane = Lane(design, emitted(design), tmp_path)
    for register, claims in lane.differences().items():
        assert proven(claims), register


def test_a_product_is_the_sum_of_those_of_its_pieces() -> None:
    """On zeros and ones; both sides have degree one in each piece, and are equal everywhere then."""
    for x0, x1, y0, y1 in product((0, 1), repeat=4):
        whole = (x0 + (x1 << PIECE)) * (y0 + (y1 << PIECE))
        assert whole == x0 * y0 + (x0 * y1 + x1 * y0 << PIECE) + (x1 * y1 << 2 * PIECE)


@pytest.mark.parametrize(("bits", "signed"), [(32, True), (31, False), (16, False), (8, False), (20, False)])
def test_pieces_make_a_value(bits: int, signed: bool) -> None:
    value = z3.BitVec("value", number(0).size())
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    cut = pieces(value, bits, signed=signed)
    inside = [value >= low, value <= high]
    ranges = [z3.Or(piece.value < piece.low, piece.value > piece.high) for piece in cut]
    total = sum((piece.value << piece.place for piece in cut), number(0))
    assert proven([*inside, z3.Or(*ranges, total != value)])


#: Of each the design, text and what replaces it, and a record that shows it.
FAULTS = {
    "double: halves toward zero": (QUICK[0], r" - \$signed\(\{ 1'h0, less \}\)", "", _record(-5)),
    "double: another half": (QUICK[0], "16'h4000", "16'h2000", _record(-5)),
    "double: no carry": (QUICK[0], r" \+ \$signed\(\{ 1'h0, carry \}\)", "", _record(-5)),
    "double: one left shift less": (QUICK[0], r"shifts_4 = shift_1\[4\]", "shifts_4 = shift_1[3]", _record(8)),
    "double: the shift of the next sum": (QUICK[0], ">>> right_6", ">>> right_5", _record(-5)),
    "double: the multiplier of the next sum": (
        QUICK[0],
        r"scaled\[15:0\] \* multiplier_2\[15:0\]",
        "scaled[15:0] * multiplier_1[15:0]",
        _record(-5),
    ),
    "up2: halves away from zero in all channels": (QUICK[1], r" & away_5\b", "", _record(-5) | {"away": 0}),
    "single: no rounding": (QUICK[2], r"1'h0, quotient\[0\]", "1'h0, 1'h0", _record(-5)),
    "plain: ties up": (QUICK[3], r"\| quotient\[1\]", "| 1'h1", _plain(20)),
    "shift: no bits below the guard": (QUICK[4], r"sticky <= [^;]*;", "sticky <= 1'h0;", {"bias": 0, "shift": 64 - 5}),
}


def test_a_fault_of_the_overflow_is_found(tmp_path: Path) -> None:
    """The code is right, whether it was clamped is not."""
    design = accelerator(Contract.SHIFT, overflow=SumOverflow.SATURATE, output_overflow=OutputOverflow.WRAP)
    verilog, places = re.subn(r"else clamped <= ([^;]*);", r"else clamped <= ~(\1);", emitted(design))
    assert places == 1
    claims = Lane(design, verilog, tmp_path).differences()
    assert {register for register in claims if not proven(claims[register])} == {"clamped"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    """The proof fails, and the solver names inputs for which the lane's code is not hwq.numeric's."""
    design, text, instead, record = FAULTS[fault]
    verilog, places = re.subn(text, instead, emitted(design))
    assert places == 1
    lane = Lane(design, verilog, tmp_path)
    try:
        found = all(proven(claims) for claims in lane.differences().values())
    except AssertionError as error:
        assert "multiplication of other operands" in str(error)
        found = False
    assert not found
    # With a chosen record there are no products of two unknowns, so that the solver can keep the multiplications.
    values = counterexample([*lane.uncut(), *(lane.inputs[name] == value for name, value in record.items())])
    assert values is not None
    code, expected = replayed(lane, values)
    assert code != expected
