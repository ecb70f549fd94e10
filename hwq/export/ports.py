"""The top module's ports as the manifest lists them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data
from amaranth.lib.wiring import Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.accelerator import Accelerator as Top

_CLOCK_AND_RESET = (
    {"name": "clk", "direction": "input", "width": 1, "doc": "clock; everything happens at its rising edge"},
    {"name": "rst", "direction": "input", "width": 1, "doc": "synchronous reset, high"},
)

_DOCS = {
    "bus_address": "byte offset of a register",
    "bus_write_enable": "write bus_write_data to the register",
    "bus_write_data": "see the register's bits",
    "bus_read_data": "the register at bus_address one cycle earlier",
    "load__payload": "a beat: part of a word, lowest part first",
    "load__valid": "a beat is offered; it is taken at an edge where load__ready is high too",
    "load__ready": "high while the accelerator is idle",
    "read_enable": "read activation memory; ignored while the accelerator is busy",
    "read_address": "word of activation memory",
    "read_valid": "read_data holds the word asked for two cycles earlier",
    "read_data": "a word of activation memory, element 0 lowest",
    "done": "status bit DONE, for use as an interrupt",
}


def describe_ports(accelerator: Accelerator) -> list[dict[str, Any]]:
    """Name, direction, width, meaning and fields of every port, in the module's order."""
    signature = Top.ports(accelerator)
    ports: list[dict[str, Any]] = [dict(port) for port in _CLOCK_AND_RESET]
    for path, member, _ in signature.flatten(signature.create(path=("top",))):
        name = "__".join(map(str, path))
        port = {
            "name": name,
            "direction": "output" if member.flow == Out else "input",
            "width": Shape.cast(member.shape).width,
            "doc": _DOCS[name],
        }
        if isinstance(member.shape, data.StructLayout):
            port["fields"] = [
                {"name": field, "lsb": place.offset, "width": place.width} for field, place in member.shape
            ]
        ports.append(port)
    return ports
