"""Window over a streamed image: line memory for the rows before, registers for the columns before."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.library import place
from hwq.gateware.nets import delay, net
from hwq.gateware.pe import shape_of
from hwq.gateware.ram import Ram, address_bits


class Window(Component):
    """``taps[i * columns + j]`` is the pixel ``rows - 1 - i`` rows and ``columns - 1 - j`` pixels before the latest.

    Pixels are vectors of channels and come row by row: ``enter`` announces one with ``column``, its place in its row;
    ``pixel`` follows in the next cycle, and in the one after that the window holds it. What lies before a row's first
    pixel is the end of the row above, and what lies above the first row is what was streamed before: the user masks
    both. ``narrow`` says that rows have one pixel. A window of one row has no line memory, and no need of ``column``
    and ``narrow``.

    Latency 2 from ``enter``, interval 1; nothing stalls.
    """

    module = "hwq_depthwise_window"

    def __init__(self, *, accelerator: Accelerator) -> None:
        assert accelerator.depthwise is not None
        self._parameters = accelerator.depthwise
        rows, columns, line = self._parameters.rows, self._parameters.columns, self._parameters.line
        pixel = data.ArrayLayout(shape_of(accelerator.activation), accelerator.depthwise_vector)
        lines = {"column": In(address_bits(line)), "narrow": In(1)} if rows > 1 else {}
        super().__init__(
            {"enter": In(1), "pixel": In(pixel), "taps": Out(data.ArrayLayout(pixel, rows * columns)), **lines}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, columns = self._parameters.rows, self._parameters.columns
        bits = len(self.pixel.as_value())
        window = [[Signal(bits, name=f"tap_{i}_{j}", reset_less=True) for j in range(columns)] for i in range(rows)]
        enters = delay(m, self.enter, 1, "enter", reset_less=False)
        entering = [self.pixel.as_value()]
        if rows > 1:
            parameters = {"width": (rows - 1) * bits, "depth": self._parameters.line}
            lines = place(m, "lines", Ram, platform, **parameters)
            # In rows of one pixel the line memory's word is written when it is read; it is the window's last column.
            stored = [lines.read_data[i * bits : (i + 1) * bits] for i in range(rows - 1)]
            above = [
                net(m, f"above_{i}", Mux(self.narrow, window[i + 1][-1], word), bits) for i, word in enumerate(stored)
            ]
            entering = [*above, *entering]
            m.d.comb += [
                lines.read_address.eq(self.column),
                lines.write_address.eq(delay(m, self.column, 1, "column")),
                lines.write_enable.eq(enters),
                lines.write_data.eq(Cat(entering[1:])),
            ]
        with m.If(enters):
            for row, latest in zip(window, entering, strict=True):
                m.d.sync += [now.eq(then) for now, then in zip(row, [*row[1:], latest], strict=True)]
        m.d.comb += self.taps.as_value().eq(Cat(tap for row in window for tap in row))
        return m
