"""A tensor as one flat stream: groups of neighbours, one a cycle, read and written side by side."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal

from hwq.gateware.nets import delay, net


def count_groups(m: Module, more: Signal, start: Signal, begin: Signal) -> tuple[Signal, Signal]:
    """(Whether a group is issued, whether it is the last): ``more + 1`` of them from the cycle after ``begin`` on.

    ``more`` is taken over at ``start``. A flag, not a comparison, says which is the last.
    """
    running = Signal(name="running")
    last = Signal(name="group_last")
    left = Signal.like(more, name="groups_left")
    less = net(m, "groups_less", left - 1, left.shape())
    with m.If(start):
        m.d.sync += [left.eq(more), last.eq(more == 0)]
    with m.Elif(running):
        m.d.sync += [running.eq(~last), left.eq(less), last.eq(left == 1)]
    with m.If(begin):
        m.d.sync += running.eq(1)
    return running, last


def hand_on(m: Module, command: Any, result: Any, running: Signal, last: Signal, latency: int, group: int) -> None:
    """Say of each group, ``latency`` cycles after its issue, where its ``group`` codes go, and through which record.

    That is the same word of records for all; codes of the last group beyond the tensor are masked.
    """
    d = command.descriptor
    valid = delay(m, running, latency, "valid", reset_less=False)
    last_now = delay(m, last, latency, "last")
    next_output = net(m, "next_output", result.address + group, result.address.shape())
    with m.If(command.start):
        m.d.sync += result.address.eq(d.out_base)
    with m.Elif(valid):
        m.d.sync += result.address.eq(next_output)
    m.d.comb += [
        result.valid.eq(valid),
        result.last.eq(last_now),
        result.record.eq(d.record_base),
        *(result.mask[lane].eq(~last_now | (d.last_lanes > lane)) for lane in range(group)),
    ]
