"""Running a component in Amaranth's simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.sim import Simulator

Bench = Callable[[Any], Awaitable[None]]


def simulate(component: Any, *benches: Bench) -> None:
    """Clock ``component`` until the first of ``benches`` returns; the others watch for as long as that lasts.

    A bench sets the inputs of a cycle, awaits ``tick()``, and then sees the registers as the edge left them.
    """
    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    for number, bench in enumerate(benches):
        simulator.add_testbench(bench, background=number > 0)
    simulator.run()


def drive(context: Any, component: Any, **inputs: Any) -> None:
    """Set several inputs."""
    for name, value in inputs.items():
        context.set(getattr(component, name), value)


def numbers(context: Any, vector: Any) -> list[int]:
    """Elements of an array-shaped port."""
    value = context.get(vector)
    return [int(value[place]) for place in range(len(value))]


def wrapped(value: int, bits: int) -> int:
    """``value`` modulo ``2^bits``, in two's complement."""
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
