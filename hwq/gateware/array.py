"""The systolic array: skew, processing elements, deskew."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Shape, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.fitting import fit
from hwq.gateware.library import place
from hwq.gateware.nets import delay
from hwq.gateware.pe import ProcessingElement, shape_of


class SystolicArray(Component):
    """``sums[c] = sum over r of operands[r] * weights[r][c]``, one vector of operands per cycle.

    Where overflow is a choice and ``psum_bits`` cannot hold every sum, sums are exact down the column and fitted to it
    at the foot, in a cycle of their own; ``out[c]`` says which did not fit.

    Where every sum is fitted, ``starts[c]`` enters with a step's operands and its sums go on from there, PE by PE;
    ``counts[c]`` comes with ``sums[c]``: how many of them did not fit.

    Operands of one step enter side by side and leave as one vector of sums ``latency`` cycles later; skewing them, row
    by row, and deskewing the sums, column by column, is done here. ``renew`` comes a cycle before a tile's first step.

    Weights enter one row per cycle: ``load`` is one-hot over the rows, ``weights`` the row's weight for each column.
    Each waits in its PE until ``renew`` reaches it, and so must arrive while a step of the tile before the one it
    belongs to is current, but not the last: row ``r`` no earlier than ``r`` cycles after the first step of that tile,
    and earlier than ``r`` cycles after its last.

    Nothing stalls; interval 1.
    """

    module = "hwq_array"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        rows, columns = accelerator.array.rows, accelerator.array.columns
        super().__init__(
            {
                "operands": In(data.ArrayLayout(shape_of(accelerator.operand), rows)),
                "renew": In(1),
                "load": In(rows),
                "weights": In(data.ArrayLayout(shape_of(accelerator.weight), columns)),
                "sums": Out(data.ArrayLayout(signed(accelerator.psum_bits), columns)),
                **({"out": Out(columns)} if accelerator.fits_psums else {}),
                **(self._every_sum(accelerator) if accelerator.fits_every_sum else {}),
            }
        )

    @staticmethod
    def _every_sum(accelerator: Accelerator) -> dict[str, Any]:
        """Ports of an array that fits every sum."""
        columns, count = accelerator.array.columns, Shape.cast(range(accelerator.array.rows + 1))
        return {
            "starts": In(data.ArrayLayout(signed(accelerator.psum_bits), columns)),
            "counts": Out(data.ArrayLayout(count, columns)),
        }

    @property
    def latency(self) -> int:
        """Cycles from a step's operands to its sums."""
        return self._accelerator.array_latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator = self._accelerator
        rows, columns = accelerator.array.rows, accelerator.array.columns
        # A row's weights enter together with its operands, so they take the columns' skew here and the rows' skew
        # through the order in which the rows are loaded.
        weights = [delay(m, self.weights[c], c, f"weight_skew_{c}") for c in range(columns)]
        renew = self.renew
        every = accelerator.fits_every_sum
        psums: list[Any] = [0] * columns
        counts: list[Any] = [0] * columns
        if every:
            # A column's first sum leaves with the first row's product.
            register = accelerator.array.product_register
            psums = [delay(m, self.starts[c], c + register, f"start_skew_{c}") for c in range(columns)]
        for r in range(rows):
            # What travels to the right along a row; the sums travel down, one row per cycle.
            operand, row_renew, load = delay(m, self.operands[r], r, f"operand_skew_{r}"), renew, self.load[r]
            for c in range(columns):
                if c:
                    operand = delay(m, operand, 1, f"operand_{r}_{c}")
                    row_renew = delay(m, row_renew, 1, f"renew_{r}_{c}")
                    load = delay(m, load, 1, f"load_{r}_{c}", reset_less=False)
                pe = place(
                    m,
                    f"pe_{r}_{c}",
                    ProcessingElement,
                    platform,
                    operand=accelerator.operand,
                    weight=accelerator.weight,
                    psum_bits=accelerator.column_bits,
                    product_register=accelerator.array.product_register,
                    accumulation=accelerator.accumulation,
                    most=rows if every else 0,
                )
                m.d.comb += [
                    pe.operand_in.eq(operand),
                    pe.renew_in.eq(row_renew),
                    pe.load_in.eq(load),
                    pe.weight_in.eq(weights[c]),
                    pe.psum_in.eq(psums[c]),
                ]
                psums[c] = pe.psum_out
                if every:
                    m.d.comb += pe.count_in.eq(counts[c])
                    counts[c] = pe.count_out
            if r + 1 < rows:
                renew = delay(m, renew, 1, f"renew_skew_{r}")
        for c in range(columns):
            psum = psums[c]
            if accelerator.fits_psums:
                fitted, out = fit(m, f"foot_{c}", psum, accelerator.psum_bits, accelerator.accumulation)
                psum = delay(m, fitted, 1, f"foot_{c}")
                m.d.comb += self.out[c].eq(delay(m, out, columns - c, f"foot_out_{c}"))
            m.d.comb += self.sums[c].eq(delay(m, psum, columns - 1 - c, f"sum_deskew_{c}"))
            if every:
                m.d.comb += self.counts[c].eq(delay(m, counts[c], columns - 1 - c, f"count_deskew_{c}"))
        return m
