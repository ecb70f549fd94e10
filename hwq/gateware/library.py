"""One Verilog module per distinct component, however many instances a design holds.

Amaranth emits a module for every submodule it meets, so a 16x16 array would come out as 256 copies of one PE. hwq's
components therefore add their parts with :func:`place`. In simulation the part is an ordinary submodule. For Verilog, a
:class:`ModuleLibrary` travels as the ``platform`` argument, the part becomes an instance, and the library remembers
which definitions are wanted.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib.wiring import Component, Out


class ModuleLibrary:
    """Collects the distinct components of a design, in the order in which they are first met.

    Components are the same when class and parameters agree. The class attribute ``module`` is their base name; a number
    follows where a design holds several variants.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[type[Component], Hashable], tuple[str, Any]] = {}

    @property
    def definitions(self) -> list[tuple[str, Any]]:
        """(module name, component) of each distinct component so far."""
        return list(self._known.values())

    def define(self, kind: type[Any], **parameters: Any) -> tuple[str, Any]:
        """Module name and component of ``kind(**parameters)``, the same ones whenever they are asked for again."""
        identity = (kind, tuple(sorted(parameters.items())))
        if identity not in self._known:
            variants = sum(1 for known, _ in self._known if known is kind)
            name = f"{kind.module}_{variants}" if variants else kind.module
            self._known[identity] = (name, kind(**parameters))
        return self._known[identity]


def place(m: Module, name: str, kind: type[Any], platform: object, **parameters: Any) -> Any:
    """Add ``kind(**parameters)`` to ``m`` as the instance ``name``; returns its interface, to be connected."""
    if not isinstance(platform, ModuleLibrary):
        component = kind(**parameters)
        m.submodules[name] = component
        return component
    module, definition = platform.define(kind, **parameters)
    # Nets of the instance's own, named after it.
    interface = definition.signature.create(path=(name,))
    ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
    for path, member, value in definition.signature.flatten(interface):
        port = "__".join(str(part) for part in path)
        ports[f"{'o' if member.flow == Out else 'i'}_{port}"] = Value.cast(value)
    m.submodules[name] = Instance(module, **ports)
    return interface
