"""Nets and small idioms that come out as clean Verilog: no bit that nothing reads, no case statement to overlap."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data


def net(m: Module, name: str, value: Any, shape: Any) -> Signal:
    """``value`` cut to ``shape`` as a net called ``name``; a sum's carry that nobody wants ends here."""
    signal = Signal(shape, name=name)
    m.d.comb += signal.eq(value)
    return signal


def delay(m: Module, signal: Any, cycles: int, name: str, *, reset_less: bool = True) -> Any:
    """``signal`` as it was ``cycles`` cycles ago; the registers are called ``name_1`` to ``name_{cycles}``.

    ``reset_less`` suits data; what a reset must silence (valid bits, enables) passes False.
    """
    if not isinstance(signal, data.View):
        signal = Value.cast(signal)
    for stage in range(1, cycles + 1):
        register = Signal(signal.shape(), name=f"{name}_{stage}", reset_less=reset_less)
        m.d.sync += register.eq(signal)
        signal = register
    return signal


def select(choices: list[Any], index: Any) -> Any:
    """``choices[index]`` as a tree of two-way multiplexers; indices beyond the last choice give one of them."""
    bit = 0
    while len(choices) > 1:
        pairs = [choices[i : i + 2] for i in range(0, len(choices), 2)]
        choices = [Mux(index[bit], pair[1], pair[0]) if len(pair) == 2 else pair[0] for pair in pairs]
        bit += 1
    return choices[0]


def add(terms: list[Any]) -> Any:
    """The sum of ``terms``, by a tree of adders; 0 of none."""
    terms = terms or [Const(0, 1)]
    while len(terms) > 1:
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
    return terms[0]
