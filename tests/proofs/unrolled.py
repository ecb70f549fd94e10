"""Verilog of a pipeline as terms for an SMT solver: Yosys writes its next-state functions, and they are unrolled."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import z3

from hwq.toolchain.tools import find_yosys

_SCRIPT = "read_verilog lane.v; hierarchy -auto-top; proc; opt_clean; async2sync; dffunmap; write_smt2 lane.smt2"


@dataclass(frozen=True)
class Pipeline:
    """A module without feedback: what each register is next, over the ports and registers now."""

    now: dict[str, z3.ExprRef]
    following: dict[str, z3.ExprRef]

    def unroll(self, cycles: int) -> dict[str, z3.ExprRef]:
        """Every register after so many cycles, over ``port@t``, the ports in cycle t, and registers at the start."""
        values = {name: _variable(name, 0, term) for name, term in self.now.items()}
        for cycle in range(1, cycles + 1):
            pairs = [(term, values[name]) for name, term in self.now.items()]
            after = {name: z3.substitute(term, *pairs) for name, term in self.following.items()}
            values = {name: after.get(name, _variable(name, cycle, term)) for name, term in self.now.items()}
        return values


def pipeline(verilog: str, folder: Path) -> Pipeline:
    """Read the module in ``verilog`` by Yosys, which writes into ``folder``."""
    yosys = find_yosys()
    (folder / "lane.v").write_text(verilog, encoding="utf-8")
    done = subprocess.run(
        [*yosys.command, "-q", "-p", _SCRIPT],
        cwd=folder,
        env={**os.environ, **yosys.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "lane.smt2").read_text(encoding="utf-8")
    module = re.search(r"^; yosys-smt2-topmod (\w+)$", text, re.MULTILINE)[1]
    # Ports and registers, whose names stand behind them.
    named = re.findall(r"^\(declare-fun \|(\w+#\d+)\| .*\) ; \\?(\S+)$", text, flags=re.MULTILINE)
    # What Yosys defines is expanded as it is read, so that all is over ports and registers of a state.
    states = f"(declare-const now |{module}_s|)(declare-const after |{module}_s|)"
    step = z3.parse_smt2_string(f"{text}{states}(assert (|{module}_t| now after))")[0]
    assert z3.is_and(step)
    equations = [equation.children() for equation in step.children()]
    functions = {part.decl().name(): part for part in _parts([step]) if _is_read(part)}
    following = {after.decl().name(): value for value, after in equations}
    state = z3.Const("now", next(iter(functions.values())).arg(0).sort())
    names = dict(named)
    return Pipeline(
        {names[key]: part.decl()(state) for key, part in functions.items()},
        {names[key]: value for key, value in following.items()},
    )


def products(term: z3.ExprRef) -> list[z3.ExprRef]:
    """The multiplications in a term, each once."""
    return [part for part in _parts([term]) if z3.is_app_of(part, z3.Z3_OP_BMUL)]


def variables(term: z3.ExprRef) -> list[z3.ExprRef]:
    """The variables in a term, each once."""
    return [part for part in _parts([term]) if z3.is_const(part) and part.decl().kind() == z3.Z3_OP_UNINTERPRETED]


def _is_read(part: z3.ExprRef) -> bool:
    """Whether this is a port or register of a state."""
    return part.num_args() == 1 and part.decl().kind() == z3.Z3_OP_UNINTERPRETED


def _parts(terms: list[z3.ExprRef]) -> list[z3.ExprRef]:
    """Everything terms are made of, each once."""
    found: dict[int, z3.ExprRef] = {}
    waiting = list(terms)
    while waiting:
        part = waiting.pop()
        if part.get_id() not in found:
            found[part.get_id()] = part
            waiting += part.children()
    return list(found.values())


def _variable(name: str, cycle: int, like: z3.ExprRef) -> z3.ExprRef:
    """A variable; a port of one bit is a truth value to Yosys."""
    if z3.is_bool(like):
        return z3.BitVec(f"{name}@{cycle}", 1) == 1
    return z3.BitVec(f"{name}@{cycle}", like.size())
