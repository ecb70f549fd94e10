"""One Verilog module per distinct component, however many instances a design holds.

Amaranth emits a module for every submodule it meets, so a 16x16 array would come out as 256 copies of one PE. hwq's
components therefore add their parts with :func:`place`. In simulation the part is an ordinary submodule. For Verilog, a
:class:`ModuleLibrary` travels as the ``platform`` argument, the part becomes an instance, and the library remembers
which definitions are wanted.
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib.wiring import Component, Out


class ModuleLibrary:
    """Collects the distinct components of a design, in the order in which they are first met.

    Components are the same when class and parameters agree. Their attribute ``module`` is the name; a number follows
    where a design holds several variants of one name. A component that has an attribute ``verilog`` brings its own text
    instead of being elaborated; it has a clock and no reset.
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
            component = kind(**parameters)
            # Amaranth warns of components that nobody elaborates: one may bring its own text, or a later one may fail.
            component._MustUse__silence = True
            taken = {name for name, _ in self._known.values()}
            names = (f"{component.module}_{number}" if number else component.module for number in count())
            self._known[identity] = (next(name for name in names if name not in taken), component)
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
    ports: dict[str, Any] = {"i_clk": ClockSignal()}
    if not hasattr(definition, "verilog"):
        ports["i_rst"] = ResetSignal()
    for path, member, value in definition.signature.flatten(interface):
        port = "__".join(str(part) for part in path)
        ports[f"{'o' if member.flow == Out else 'i'}_{port}"] = Value.cast(value)
    m.submodules[name] = Instance(module, **ports)
    return interface
