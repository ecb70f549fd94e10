"""Sums into fewer bits: what leaves the width wraps or saturates (docs/spec/numerics.md, N.9)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed

from hwq.gateware.nets import net
from hwq.numeric.accumulation import Accumulation, SumOverflow


def fit(m: Module, name: str, exact: Any, bits: int, accumulation: Accumulation) -> tuple[Signal, Any]:
    """``exact``, a signed value, fitted to ``bits`` bits as a net called ``name``, and whether it was out of range.

    Under ``refuse`` nothing ever is, and bits that no sum needs are cut.
    """
    overflow = accumulation.overflow
    if overflow is SumOverflow.REFUSE or len(exact) < bits:
        return net(m, name, exact, signed(bits)), Const(0, 1)
    value = net(m, f"{name}_exact", exact, signed(len(exact)))
    symmetric = overflow is SumOverflow.SATURATE_SYMMETRIC
    spare = value[bits - 1 :]
    beyond: Any = spare.any() & ~spare.all()
    if symmetric:
        beyond = beyond | (value == -(1 << (bits - 1)))
    out = net(m, f"{name}_out", beyond, 1)
    if overflow is SumOverflow.WRAP:
        return net(m, name, value[:bits].as_signed(), signed(bits)), out
    low, high = accumulation.range(bits)
    limit = net(m, f"{name}_limit", Mux(value[-1], low >> symmetric, high >> symmetric), signed(bits - symmetric))
    if symmetric:
        # Both limits are odd. A choice of a constant would come out as a register of one bit with a reset of its own.
        return net(m, name, Cat(value[0] | out, Mux(out, limit, value[1:bits])).as_signed(), signed(bits)), out
    return net(m, name, Mux(out, limit, value[:bits].as_signed()), signed(bits)), out
