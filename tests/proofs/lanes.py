"""The emitted Verilog of a requantizer lane against its formula, for all inputs at once.

A product of two words of 32 bits is beyond a solver, and no question either. What is asked is whether the lane
multiplies the right pieces and makes the right sum of them. So:

1. Each multiplication in the lane has as operands a piece of the formula's factor and a piece of the multiplier, every
   pair of pieces once. The solver proves it for all inputs.
2. In the lane the products become free variables, each within the range of the product of such pieces, and in the
   formula the whole product becomes the sum of those, weighed by their places. The solver proves both equal.
3. What remains is algebra: ``(x0 + x1 * 2^16) * (y0 + y1 * 2^16)`` is that sum. Both sides have degree one in each
   piece, so they are equal everywhere where they are on zeros and ones, which `test_requantizer.py` tries.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import bitwuzla
import numpy as np
import z3

from hwq.arch.accelerator import Accelerator
from hwq.numeric.requantization import OutputOverflow
from hwq.numeric.requantize import Contract
from tests.proofs.formulas import WORD, Formula, Term, number, whole
from tests.proofs.unrolled import pipeline, products, variables

#: Bits of a piece of a factor.
PIECE = 16


@dataclass(frozen=True)
class Piece:
    """Bits of a factor, which weigh ``2^place``."""

    value: Term
    place: int
    low: int
    high: int


def pieces(value: Term, bits: int, *, signed: bool) -> list[Piece]:
    """A whole number that ``bits`` bits hold, cut; the highest piece has the sign."""
    found = []
    for place in range(0, bits, PIECE):
        size = min(PIECE, bits - place)
        negative = signed and place + size == bits
        part = whole(z3.Extract(place + size - 1, place, value), signed=negative)
        low, high = (-(1 << size - 1), (1 << size - 1) - 1) if negative else (0, (1 << size) - 1)
        found.append(Piece(part, place, low, high))
    return found


class Lane:
    """A lane's code, and that of its formula, over the same variables."""

    def __init__(self, accelerator: Accelerator, verilog: str, folder: Path) -> None:
        self.accelerator, self.spec = accelerator, accelerator.requantization
        latency = accelerator.requantizer_latency
        self._pipeline = pipeline(verilog, folder)
        self.code: Term = self._pipeline.unroll(latency)["code"]
        self.inputs = {
            "accumulator": z3.BitVec("accumulator@0", accelerator.value_bits),
            **{field.name: z3.BitVec(f"{field.name}@0", field.width) for field in self.spec.fields},
            **{name: z3.BitVec(f"{name}@{latency - 1}", 16) for name in ("zero_point", "low", "high")},
        }
        if self.spec.output_overflow is OutputOverflow.WRAP:
            self.inputs["wrap"] = z3.BitVec("wrap@0", 1)
        self._reset = z3.BitVec(f"rst@{latency - 1}", 1)
        unsigned = {field.name for field in self.spec.fields if not field.signed} | {"wrap"}
        self._whole = {name: whole(value, signed=name not in unsigned) for name, value in self.inputs.items()}
        record = {field.name: self._whole[field.name] for field in self.spec.fields}
        wide = accelerator.accumulation.is_wide
        self.formula = Formula(self.spec, self._whole["accumulator"], record, wide)

    @property
    def allowed(self) -> list[z3.BoolRef]:
        """What a lane may rely on: the record's shift, and codes as bounds, in order."""
        value, bits = self._whole, self.accelerator.activation.width
        symmetric = self.spec.output_overflow is OutputOverflow.SATURATE_SYMMETRIC
        lowest, highest = -(1 << bits - 1) + symmetric, (1 << bits - 1) - 1
        bounds = [value["low"] >= lowest, value["low"] <= value["high"], value["high"] <= highest]
        always = [self._reset == 0, *bounds]
        if self.spec.contract is Contract.PLAIN:
            return [*always, value["right"] <= 62]
        most = 30 if self.spec.contract is Contract.SINGLE else self.accelerator.requantizer.max_left_shift
        return [*always, value["shift"] >= -31, value["shift"] <= most]

    def wanted(self, result: Term) -> Term:
        """The formula's code, from a result before the zero-point."""
        bits = self.accelerator.activation.width
        places = (self._whole[name] for name in ("zero_point", "low", "high"))
        code = self.formula.code(result, *places, bits, self._whole.get("wrap"))
        return z3.Extract(bits - 1, 0, code)

    def uncut(self) -> list[z3.BoolRef]:
        """What an input that tells lane and formula apart fulfills, with the multiplications as they are."""
        factor = self.formula.factor
        factored = factor if self.spec.contract is Contract.SHIFT else factor * self._whole["multiplier"]
        return [*self.allowed, self.code != self.wanted(self.formula.result(factored))]

    def operands(self) -> dict[tuple[int, int], z3.ExprRef]:
        """Step 1: the multiplication in the lane of each pair of pieces, by their places."""
        pairs = self._pairs()
        found: dict[tuple[int, int], z3.ExprRef] = {}
        for cell in products(self.code):
            places = [place for place, pair in pairs.items() if place not in found and self._multiplies(cell, *pair)]
            assert len(places) == 1, f"a multiplication of other operands: {places}"
            found[places[0]] = cell
        assert found.keys() == pairs.keys(), "a product is missing"
        return found

    def differences(self) -> dict[str, list[z3.BoolRef]]:
        """Step 2: what inputs would fulfill that tell lane and formula apart, by the register where they would show.

        From each of those registers on, what it holds is a free variable too.
        """
        cut, ranges, factored = self._cut()
        claims = {}
        if self.spec.contract in (Contract.DOUBLE, Contract.UP2):
            between = self._register("doubled", 3)
            claims["doubled"] = [*ranges, whole(z3.substitute(between, *cut)) != self.formula.high(factored)]
            high = z3.BitVec("high", between.size())
            cut, result = [(between, high)], self.formula.again(whole(high))
        else:
            result = self.formula.result(factored)
        last = self._register("rounded", 1)
        claims["rounded"] = [*self.allowed, *ranges, whole(z3.substitute(last, *cut)) != result]
        value = z3.BitVec("result", last.size())
        claims["code"] = [*self.allowed, z3.substitute(self.code, (last, value)) != self.wanted(whole(value))]
        if self.accelerator.may_overflow:
            raised = z3.substitute(self._register("clamped", 0), (last, value)) == 1
            beyond = self.formula.beyond(whole(value), self._whole["zero_point"], self.accelerator.activation.width)
            claims["clamped"] = [*self.allowed, raised != beyond]
        return claims

    def _cut(self) -> tuple[list[tuple[z3.ExprRef, Term]], list[z3.BoolRef], Term]:
        """Variables instead of the lane's products, their ranges, and what the formula then rounds."""
        if self.spec.contract is Contract.SHIFT:
            return [], [], self.formula.factor
        cut, ranges, total = [], [], number(0)
        pairs = self._pairs()
        for places, cell in self.operands().items():
            x, y = pairs[places]
            corners = [a * b for a, b in product((x.low, x.high), (y.low, y.high))]
            free = z3.BitVec(f"product@{places[0]}_{places[1]}", WORD)
            cut.append((cell, z3.Extract(cell.size() - 1, 0, free)))
            ranges += [free >= min(corners), free <= max(corners)]
            total += free << sum(places)
        return cut, ranges, total

    def _register(self, name: str, before: int) -> Term:
        """A register, so many cycles before the code."""
        return self._pipeline.unroll(self.accelerator.requantizer_latency - before)[name]

    def _pairs(self) -> dict[tuple[int, int], tuple[Piece, Piece]]:
        multiplier = self.inputs["multiplier"].size()
        # Only under PLAIN does a narrower sum meet the multiplier as it is.
        bits = min(self.accelerator.value_bits, 32) if self.spec.contract is Contract.PLAIN else 32
        xs = pieces(self.formula.factor, bits, signed=True)
        ys = pieces(self._whole["multiplier"], multiplier, signed=False)
        return {(x.place, y.place): (x, y) for x, y in product(xs, ys)}

    def _multiplies(self, cell: z3.ExprRef, x: Piece, y: Piece) -> bool:
        a, b = cell.children()
        same = [a == z3.Extract(cell.size() - 1, 0, x.value), b == z3.Extract(cell.size() - 1, 0, y.value)]
        return proven([*self.allowed, z3.Not(z3.And(same))])


def counterexample(claims: list[z3.BoolRef]) -> dict[str, int] | None:
    """Values of variables, without sign, that fulfill all of ``claims``; None where there are none.

    By Bitwuzla, which does in seconds what takes Z3 minutes.
    """
    solver = z3.Solver()
    solver.add(*claims)
    options = bitwuzla.Options()
    options.set(bitwuzla.Option.PRODUCE_MODELS, True)
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    parser.parse(f"(set-logic QF_BV)\n{solver.to_smt2().replace('(check-sat)', '')}", True, False)
    engine = parser.bitwuzla()
    found = engine.check_sat()
    if found == bitwuzla.Result.UNSAT:
        return None
    assert found == bitwuzla.Result.SAT
    return {term.symbol().strip("|"): int(engine.get_value(term).value(10)) for term in parser.get_declared_funs()}


def proven(claims: list[z3.BoolRef]) -> bool:
    """Whether nothing fulfills all of ``claims``."""
    return counterexample(claims) is None


def replayed(lane: Lane, values: dict[str, int]) -> tuple[int, int]:
    """The lane's code, and the one that hwq.numeric computes, for the inputs of a counterexample."""
    names = {f.name: f.signed for f in lane.spec.fields}
    read = {name: _read(values, variable, names.get(name, True)) for name, variable in lane.inputs.items()}
    results = lane.spec.compute([read["accumulator"]], {name: np.array([read[name]]) for name in names})
    bounds = (read["low"], read["high"])
    expected = lane.spec.code(results, read["zero_point"], lane.accelerator.activation, bounds)
    return evaluated(lane.code, values), int(expected[0])


def evaluated(term: Term, values: dict[str, int]) -> int:
    """A term's value with sign; what has no value is 0."""
    pairs = [(v, z3.BitVecVal(values.get(v.decl().name(), 0), v.size())) for v in variables(term)]
    return int(z3.simplify(z3.substitute(term, *pairs)).as_signed_long())


def _read(values: dict[str, int], variable: Term, signed: bool) -> int:
    value = values.get(variable.decl().name(), 0)
    return value - (value >> variable.size() - 1 << variable.size()) if signed else value
