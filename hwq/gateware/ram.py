"""Memory with one read and one write port, as block RAMs have it."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib.memory import Memory, ReadPort, WritePort
from amaranth.lib.wiring import Component, In, Out


def address_bits(words: int) -> int:
    """Bits that address ``words`` words."""
    return max(1, (words - 1).bit_length())


class Ram(Component):
    """``depth`` words of ``width`` bits.

    ``read_data`` is the word at ``read_address`` one cycle earlier, as it was before a write at the same time. Each bit
    of ``write_enable`` writes ``granularity`` bits of ``write_data`` to the word at ``write_address``.

    In Verilog it is a module of its own (`verilog`), written so that synthesis takes it for block RAM and so that a
    vendor's macro can stand in for it. Its contents are undefined until written.
    """

    def __init__(self, *, width: int, depth: int, granularity: int | None = None) -> None:
        self._width, self._depth = width, depth
        self._granularity = width if granularity is None else granularity
        super().__init__(
            {
                "read_address": In(address_bits(depth)),
                "read_data": Out(width),
                "write_address": In(address_bits(depth)),
                "write_enable": In(width // self._granularity),
                "write_data": In(width),
            }
        )

    @property
    def module(self) -> str:
        """Name of the Verilog module: what it holds, and how finely it is written."""
        parts = "" if self._granularity == self._width else f"_by_{self._granularity}"
        return f"hwq_ram_{self._depth}x{self._width}{parts}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._width, depth=self._depth, init=[])
        bits = (self._depth - 1).bit_length()
        read = ReadPort.Signature(addr_width=bits, shape=self._width)
        write = WritePort.Signature(addr_width=bits, shape=self._width, granularity=self._granularity)
        reader = ReadPort(read, memory=memory, domain="sync", path=("read",))
        writer = WritePort(write, memory=memory, domain="sync", path=("write",))
        m.d.comb += [
            reader.addr.eq(self.read_address),
            self.read_data.eq(reader.data),
            writer.addr.eq(self.write_address),
            writer.en.eq(self.write_enable),
            writer.data.eq(self.write_data),
        ]
        return m

    @property
    def verilog(self) -> str:
        """The module's text; Amaranth's own would spell out every bit's initial value, a second for each megabit."""
        width, depth, part = self._width, self._depth, self._granularity
        address = address_bits(depth)
        enables = width // part
        enable_range = f"[{enables - 1}:0] " if enables > 1 else ""
        writes = [
            f"    if (write_enable{f'[{i}]' if enables > 1 else ''}) "
            f"memory[write_address]{f'[{i * part + part - 1}:{i * part}]' if enables > 1 else ''} <= "
            f"write_data{f'[{i * part + part - 1}:{i * part}]' if enables > 1 else ''};"
            for i in range(enables)
        ]
        lines = [
            f"module {self.module}(",
            "  clk, read_address, read_data, write_address, write_enable, write_data",
            ");",
            "  input clk;",
            f"  input [{address - 1}:0] read_address;",
            f"  output reg [{width - 1}:0] read_data;",
            f"  input [{address - 1}:0] write_address;",
            f"  input {enable_range}write_enable;",
            f"  input [{width - 1}:0] write_data;",
            f"  reg [{width - 1}:0] memory [0:{depth - 1}];",
            "  always @(posedge clk) begin",
            "    read_data <= memory[read_address];",
            *writes,
            "  end",
            "endmodule",
        ]
        return "\n".join(lines) + "\n"
