"""How fast clocks may be and what limits them, from nextpnr's report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What synthesis appends to the name of a signal of the design, whose own names are in lower case.
_APPENDED = re.compile(r"_[A-Z].*|\$.*", flags=re.DOTALL)

#: What surrounds the name of a clock: marks of global nets, buffers and pins.
_CLOCK_MARKS = re.compile(r"^\$(?:glbnet|iopadmap)\$")


@dataclass(frozen=True)
class Step:
    """A part of a path.

    Parameters
    ----------
    kind:
        nextpnr's word: ``clk-to-q``, ``routing``, ``logic``, ``setup``.
    delay_ns:
        How long it takes.
    cell:
        Where it ends.
    net:
        What it goes along; empty within a cell.
    """

    kind: str
    delay_ns: float
    cell: str
    net: str

    @property
    def signal(self) -> str:
        """The signal of the design that the net is, or is near to."""
        return named_signal(self.net or self.cell)


@dataclass(frozen=True)
class Path:
    """The slowest path between two edges of a clock."""

    clock: str
    steps: tuple[Step, ...]

    @property
    def start(self) -> str:
        """The register it comes from, as a signal of the design."""
        return named_signal(self.steps[0].cell)

    @property
    def end(self) -> str:
        """The register it goes to, as a signal of the design."""
        return named_signal(self.steps[-1].cell)

    @property
    def delay_ns(self) -> float:
        """How long it takes."""
        return sum(step.delay_ns for step in self.steps)

    @property
    def signals(self) -> tuple[tuple[str, float], ...]:
        """The signals it goes through, and when it has gone through each, in ns; those in a row only once."""
        found: list[tuple[str, float]] = []
        passed = 0.0
        for step in self.steps:
            passed += step.delay_ns
            if found and found[-1][0] == step.signal:
                found[-1] = (step.signal, passed)
            else:
                found.append((step.signal, passed))
        return tuple(found)


@dataclass(frozen=True)
class Timing:
    """By clock the frequency that it may have, in MHz, and the path that limits it."""

    fmax_mhz: Mapping[str, float]
    paths: Mapping[str, Path]


def named_signal(name: str) -> str:
    """The signal of the design that ``name``, of a cell or a net after synthesis, was made from."""
    return _APPENDED.sub("", name) or name


def read_timing(report: str) -> Timing:
    """What nextpnr's report, JSON, says of clocks; paths from and to pins are not the design's."""
    found: dict[str, Any] = json.loads(report)
    fmax = {_clock(name): float(speed["achieved"]) for name, speed in found["fmax"].items()}
    paths = {}
    for path in found["critical_paths"]:
        edge, _, name = path["from"].partition(" ")
        if path["from"].split()[-1] == path["to"].split()[-1] and edge in ("posedge", "negedge"):
            paths[_clock(name)] = Path(_clock(name), tuple(map(_step, path["path"])))
    return Timing(fmax, paths)


def _step(found: Mapping[str, Any]) -> Step:
    return Step(found["type"], float(found["delay"]), found["to"]["cell"], found.get("net", ""))


def _clock(name: str) -> str:
    # Of a net's names nextpnr may know it by that of a port within the design: memory.clk.
    return _CLOCK_MARKS.sub("", name).partition("$")[0].rpartition(".")[2]
