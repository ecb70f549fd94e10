"""A delay line."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data


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
