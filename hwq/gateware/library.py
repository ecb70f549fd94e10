"""One Verilog module per distinct component, however many instances a design holds.

Amaranth emits a module for every submodule it meets, so a 16x16 array would come out as 256 copies of one PE. hwq's
components therefore add their parts with :func:`place`. In simulation the part is an ordinary submodule. For Verilog, a
:class:`ModuleLibrary` travels as the ``platform`` argument, the part becomes an instance, and the library remembers
which definitions are wanted.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib.wiring import Component, Out


class ModuleLibrary:
    """Collects the distinct components of a design, in the order in which they are first met.

    Two components are the same when class and ``key`` agree; ``key`` is a hashable property of every component that
    holds all it depends on. ``module`` is its base name; a number follows where several variants of it exist.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[type, Any], str] = {}
        self.definitions: list[tuple[str, Component]] = []

    def define(self, component: Any) -> str:
        """Name of the module that defines ``component``; the first of its kind becomes the definition."""
        identity = (type(component), component.key)
        if identity not in self._names:
            taken = sum(1 for kind, _ in self._names if kind is type(component))
            name = component.module if not taken else f"{component.module}_{taken}"
            self._names[identity] = name
            self.definitions.append((name, component))
        return self._names[identity]


def place(m: Module, name: str, component: Any, platform: object) -> Any:
    """Add ``component`` to ``m`` as the instance ``name``, and return it, ready to be connected."""
    if not isinstance(platform, ModuleLibrary):
        m.submodules[name] = component
        return component
    ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
    for path, member, value in component.signature.flatten(component):
        port = "__".join(str(part) for part in path)
        ports[f"{'o' if member.flow == Out else 'i'}_{port}"] = Value.cast(value)
    m.submodules[name] = Instance(platform.define(component), **ports)
    return component
