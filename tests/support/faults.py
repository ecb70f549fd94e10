"""Faults in emitted Verilog: all are built into one simulator, and a file chooses one of them when it starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: What the simulator reads in its working directory: the number of the fault, 0 for none.
CHOICE = "chosen_fault.hex"

_CHOOSER = f"""
module chosen_fault(number);
  output [7:0] number;
  reg [7:0] chosen [0:0];
  initial $readmemh("{CHOICE}", chosen);
  assign number = chosen[0];
endmodule
"""

#: A regular expression that matches once in a module's text, and what replaces it. In the latter ``CHOSEN`` stands for
#: the condition that the fault was chosen, ``NUMBER`` for its number.
Edit = tuple[str, str]


@dataclass(frozen=True)
class Mutation:
    """A fault in one module; ``found_in`` names a layer whose bits or cycles it makes wrong.

    Those that are ``quick`` are planted in every run of the tests, the others in the proof.
    """

    name: str
    module: str
    found_in: str
    edits: tuple[Edit, ...]
    quick: bool = False


def plant(verilog: str, mutations: Sequence[Mutation]) -> str:
    """``verilog`` with every mutation, numbered from 1; none of them does anything unless it is chosen."""
    for number, mutation in enumerate(mutations, 1):
        begin = re.search(rf"^module {mutation.module}\([^;]*\);\n", verilog, re.MULTILINE)
        assert begin is not None, f"{mutation.name}: no module {mutation.module}"
        end = verilog.index("\nendmodule", begin.end())
        head, body, tail = verilog[: begin.end()], verilog[begin.end() : end], verilog[end:]
        if " chosen_fault " not in body:
            body = f"  wire [7:0] fault;\n  chosen_fault chosen_fault (.number(fault));\n{body}"
        for pattern, replacement in mutation.edits:
            made = replacement.replace("CHOSEN", f"fault == {number}").replace("NUMBER", str(number))
            body, found = re.subn(pattern, made, body)
            assert found == 1, f"{mutation.name}: {found} places match {pattern}"
        verilog = head + body + tail
    return verilog + _CHOOSER


def choose(directory: Path, number: int) -> None:
    """Choose a fault for the simulator that runs in ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / CHOICE).write_text(f"{number:02x}\n", encoding="ascii")


def assigned(net: str, wrong: str) -> tuple[Edit, ...]:
    """Drive ``net``, which an assignment drives, with ``wrong``; what it should be is ``RIGHT`` there."""
    # What is right gets a net of its own: so neither width nor sign of its expression depends on the fault.
    right = f"right_NUMBER_{net}"
    return (
        (rf"  wire( \[\d+:0\])? {net};\n", rf"  wire\1 {net};\n  wire\1 {right};\n"),
        (
            rf"  assign {net} = ([^;]*);",
            rf"  assign {right} = \1;\n  assign {net} = CHOSEN ? {wrong.replace('RIGHT', right)} : {right};",
        ),
    )


def registered(register: str, wrong: str) -> tuple[Edit, ...]:
    """Load ``wrong`` into ``register``, which has a reset, instead of what it should, ``RIGHT`` there."""
    return ((rf"(else {register} <= )([^;]*);", rf"\1CHOSEN ? {wrong.replace('RIGHT', chr(92) + '2')} : \2;"),)


def without_carry(net: str, a: str, b: str, width: int, bits: int = 6) -> tuple[Edit, ...]:
    """Lose the carry out of the ``bits`` low bits of ``net = a + b``, of ``width`` bits."""
    high = f"[{width - 1}:{bits}]"
    return assigned(net, f"{{ {a}{high} + {b}{high}, RIGHT[{bits - 1}:0] }}")
