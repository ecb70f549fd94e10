"""Activation memory: two banks that together read and write any run of elements, aligned or not."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import Component, In

from hwq.arch.accelerator import Accelerator
from hwq.gateware.library import place
from hwq.gateware.nets import delay, net
from hwq.gateware.pe import shape_of
from hwq.gateware.ports import read_signature
from hwq.gateware.ram import Ram, address_bits


def rotate_left(m: Module, elements: list[Signal], amount: Signal, name: str) -> list[Signal]:
    """``out[i] = elements[(i + amount) % n]`` for a power of two ``n``, one stage of multiplexers per bit of amount."""
    count = len(elements)
    for bit in range(len(amount)):
        turned = []
        for i in range(count):
            element = Signal(elements[i].shape(), name=f"{name}_{bit}_{i}")
            m.d.comb += element.eq(Mux(amount[bit], elements[(i + (1 << bit)) % count], elements[i]))
            turned.append(element)
        elements = turned
    return elements


class ActivationMemory(Component):
    """``word`` elements per access, beginning at any element.

    Word ``w`` lies in bank ``w % 2`` at row ``w // 2``, so the two words that an unaligned run touches are always in
    different banks and are reached in one cycle.

    - Read: ``read.data[i]``, 2 cycles after ``read.address``, is element ``read.address + i``. Addresses wrap modulo
      the memory, which lets the caller aim at padding and mask what comes back.
    - Write: while ``write_enable``, ``write_data[i]`` goes to ``write_address + i`` wherever ``write_mask[i]``. A read
      whose address is presented 2 cycles later, or after, sees it.

    Interval 1 on both ports, which never stall one another.
    """

    module = "hwq_activations"

    def __init__(self, *, accelerator: Accelerator) -> None:
        word, words = accelerator.word, accelerator.activation_words
        self._rows = words // 2
        self._word = word
        self._shape = shape_of(accelerator.activation)
        address = address_bits(word * words)
        vector = data.ArrayLayout(self._shape, word)
        super().__init__(
            {
                "read": In(read_signature(accelerator, word)),
                "write_enable": In(1),
                "write_address": In(address),
                "write_mask": In(word),
                "write_data": In(vector),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word, rows = self._word, self._rows
        offset_bits = (word - 1).bit_length()
        row_bits = address_bits(rows)
        element_bits = self.write_data[0].shape().width
        parameters = {"width": word * element_bits, "depth": rows, "granularity": element_bits}
        banks = [place(m, name, Ram, platform, **parameters) for name in ("even", "odd")]

        def split(address: Signal, name: str) -> tuple[Signal, Signal, list[Signal]]:
            """Offset in the word, parity of the word, and for each bank the row that the run touches."""
            number = address[offset_bits:]
            parity = number[0]
            row = Signal(row_bits, name=f"{name}_row")
            after = Signal(row_bits, name=f"{name}_row_after")
            m.d.comb += [
                row.eq(number[1:]),
                after.eq(Mux(row == rows - 1, 0, net(m, f"{name}_row_sum", row + 1, row_bits))),
            ]
            return address[:offset_bits], parity, [Mux(parity, after, row), row]

        offset, parity, bank_rows = split(self.read.address, "read")
        for bank, row in zip(banks, bank_rows, strict=True):
            m.d.comb += bank.read_address.eq(row)
        read_offset = Signal(offset_bits)
        read_parity = Signal()
        m.d.sync += [read_offset.eq(offset), read_parity.eq(parity)]
        even, odd = (bank.read_data for bank in banks)
        merged = []
        for i in range(word):
            element = Signal(element_bits, name=f"merged_{i}")
            # Elements below the offset belong to the word after.
            chosen = slice(i * element_bits, (i + 1) * element_bits)
            # The word after is the odd one exactly where the first is even; no element of it precedes the offset.
            from_odd = read_parity ^ (read_offset > i) if i < word - 1 else read_parity
            m.d.comb += element.eq(Mux(from_odd, odd[chosen], even[chosen]))
            merged.append(element)
        for i, element in enumerate(rotate_left(m, merged, read_offset, "read_turn")):
            m.d.sync += self.read.data[i].eq(element)

        offset, parity, bank_rows = split(self.write_address, "write")
        # Rotating right by the offset is rotating left by its complement modulo the word.
        back = Signal(offset_bits)
        m.d.comb += back.eq(-offset)
        turned = rotate_left(m, [self.write_data[i] for i in range(word)], back, "write_turn")
        enables = [net(m, f"write_lane_{i}", self.write_mask[i] & self.write_enable, 1) for i in range(word)]
        mask = Cat(rotate_left(m, enables, back, "mask_turn"))
        # Lanes at or above the offset go to the first word of the run, those below it to the word after.
        low = Cat(offset > i if i < word - 1 else Const(0, 1) for i in range(word))
        for bank, row, follows, name in zip(banks, bank_rows, (parity, ~parity), ("even", "odd"), strict=True):
            enable = mask & Mux(follows, low, ~low)
            m.d.comb += [
                bank.write_address.eq(delay(m, row, 1, f"{name}_write_row")),
                bank.write_data.eq(delay(m, Cat(turned), 1, f"{name}_write_data")),
                bank.write_enable.eq(delay(m, enable, 1, f"{name}_write_enable", reset_less=False)),
            ]
        return m
