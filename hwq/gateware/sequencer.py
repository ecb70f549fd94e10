"""Sequencer: fetches descriptors, starts the engines they ask for, waits for each to finish."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import field_shape, kept_fields
from hwq.gateware.library import place
from hwq.gateware.nets import net
from hwq.gateware.ports import any_of, command_signature
from hwq.gateware.ram import Ram, address_bits
from hwq.gateware.sparse import SparseRegister


@dataclass(frozen=True)
class _Kept:
    """A descriptor field in its word: the bits that this accelerator keeps, and those above that repeat its sign."""

    name: str
    lsb: int
    width: int
    signed: bool
    beyond: tuple[int, ...]


def _kept(accelerator: Accelerator, opcode: Opcode, word: int) -> list[_Kept]:
    found = []
    for name in kept_fields(accelerator, opcode):
        placed = isa.LAYOUTS[opcode].fields[name]
        if placed.word == word:
            shape = field_shape(name, accelerator)
            beyond = range(placed.lsb + shape.width, placed.lsb + placed.field.width) if shape.signed else ()
            found.append(_Kept(name, placed.lsb, shape.width, shape.signed, tuple(beyond)))
    return found


def _spare(kept: list[_Kept]) -> list[int]:
    """Bits of a word that have to be 0."""
    used = {bit for field in kept for bit in (*range(field.lsb, field.lsb + field.width), *field.beyond)}
    return [bit for bit in range(isa.WORD_BITS) if bit not in used]


class Sequencer(Component):
    """Executes the descriptors in memory, from the first to END.

    ``start`` is taken while not ``busy``. A descriptor is fetched one word per cycle and kept as it came; the engine of
    each opcode sees it through its own layout, on the port of the engine's name. Two cycles after the last word
    was asked for, the engine's ``start`` marks one cycle in which the descriptor is complete. It then stays as it is
    until ``finished``, whose next cycle fetches the next descriptor. ``active`` has the bit of the engine that was
    started last.

    ``cycles`` holds the cycles from ``start`` to the last ``finished``, ``layers`` the number of descriptors done. END
    sets ``done``; an unknown opcode, or a bit set that no field of this opcode and accelerator keeps, sets ``done`` and
    ``error``. ``start`` clears all four.
    """

    module = "hwq_sequencer"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._words = accelerator.descriptor_words
        self._engines: dict[Opcode, str] = {opcode: name for name, opcode in accelerator.engines.items()}
        self._layouts = tuple(accelerator.layouts)
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "done": Out(1),
                "error": Out(1),
                "cycles": Out(32),
                "layers": Out(16),
                "finished": In(1),
                # With one engine there is nothing to choose.
                **({"active": Out(len(self._engines))} if len(self._engines) > 1 else {}),
                **{name: Out(command_signature(accelerator, opcode)) for opcode, name in self._engines.items()},
                "write_enable": In(1),
                "write_address": In(address_bits(self._words)),
                "write_data": In(isa.WORD_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = isa.DESCRIPTOR_WORDS
        memory = place(m, "descriptor_memory", Ram, platform, width=isa.WORD_BITS, depth=self._words)
        m.d.comb += [
            memory.write_address.eq(self.write_address),
            memory.write_data.eq(self.write_data),
            memory.write_enable.eq(self.write_enable),
        ]
        running = Signal()
        fetching = Signal()
        asked = Signal(range(words + 1))
        word = Signal(range(words + 1))
        arriving = Signal()
        malformed = Signal()
        address = Signal.like(memory.read_address)
        timer = Signal(32)
        next_timer = net(m, "next_timer", timer + 1, timer.shape())
        next_asked = net(m, "next_asked", asked + 1, asked.shape())
        next_address = net(m, "next_address", address + 1, address.shape())
        next_layers = net(m, "next_layers", self.layers + 1, self.layers.shape())
        asking = net(m, "asking", fetching & (asked != words), 1)
        complete = net(m, "complete", fetching & (asked == words) & ~arriving, 1)
        m.d.comb += [memory.read_address.eq(address), self.busy.eq(running | fetching)]
        m.d.sync += [timer.eq(next_timer), arriving.eq(asking), word.eq(asked)]
        with m.If(asking):
            m.d.sync += [asked.eq(next_asked), address.eq(next_address)]

        opcode = self._keep(m, memory.read_data, arriving, word)
        wrong = self._check(m, memory.read_data, arriving, word, opcode)
        with m.If(wrong):
            m.d.sync += malformed.eq(1)
        sound = net(m, "sound", complete & ~malformed & ~wrong, 1)
        starts = []
        for code, name in self._engines.items():
            command = getattr(self, name)
            m.d.comb += command.start.eq(sound & (opcode == code.value))
            starts.append(command.start)
        started = net(m, "started", any_of(starts), 1)
        if len(starts) > 1:
            with m.If(started):
                m.d.sync += self.active.eq(Cat(starts))
        with m.If(complete):
            m.d.sync += fetching.eq(0)
            with m.If(started):
                m.d.sync += running.eq(1)
            with m.Else():
                m.d.sync += [self.done.eq(1), self.error.eq(~sound | (opcode != Opcode.END.value))]
        with m.If(running & self.finished):
            m.d.sync += [
                running.eq(0),
                fetching.eq(1),
                asked.eq(0),
                self.cycles.eq(next_timer),
                self.layers.eq(next_layers),
            ]
        with m.If(self.start & ~self.busy):
            m.d.sync += [
                fetching.eq(1),
                asked.eq(0),
                address.eq(0),
                malformed.eq(0),
                timer.eq(0),
                self.done.eq(0),
                self.error.eq(0),
                self.cycles.eq(0),
                self.layers.eq(0),
            ]
        return m

    def _keep(self, m: Module, data: Value, arriving: Signal, word: Signal) -> Value:
        """Registers for what any engine reads of the words, shown to each engine by its layout; returns the opcode."""
        opcode: Value | None = None
        for number in range(isa.DESCRIPTOR_WORDS):
            kept = {code: _kept(self._accelerator, code, number) for code in self._layouts}
            bits = {bit for fields in kept.values() for f in fields for bit in range(f.lsb, f.lsb + f.width)}
            register = SparseRegister(f"word_{number}", bits)
            with m.If(arriving & (word == number)):
                m.d.sync += register.load(data)
            for code, fields in kept.items():
                for field in fields:
                    value = register.bits(field.lsb, field.width)
                    if field.name == "opcode":
                        opcode = value
                    else:
                        m.d.comb += getattr(getattr(self, self._engines[code]).descriptor, field.name).eq(value)
        assert opcode is not None
        return opcode

    def _check(self, m: Module, data: Value, arriving: Signal, word: Signal, opcode: Value) -> Signal:
        """High in the cycle after a word arrived that has a bit no field keeps, or a wrong sign extension.

        The word is looked at from a register: the path from the memory through the comparisons was the longest there
        was. By then the opcode stands, and nothing has been started before the last word has been looked at too.
        """
        faults = {
            (code, number): _kept(self._accelerator, code, number)
            for code in self._layouts
            for number in range(isa.DESCRIPTOR_WORDS)
        }
        looked_at = {bit for kept in faults.values() for bit in _spare(kept)}
        looked_at |= {
            bit for kept in faults.values() for f in kept if f.beyond for bit in (f.lsb + f.width - 1, *f.beyond)
        }
        latest = SparseRegister("latest", looked_at)
        latest_word = Signal.like(word)
        checking = Signal()
        m.d.sync += [checking.eq(arriving), latest_word.eq(word), *latest.load(data)]
        wrong = []
        for (code, number), kept in faults.items():
            bits = [latest.bits(bit, 1) for bit in _spare(kept)]
            bits += [latest.bits(bit, 1) != latest.bits(f.lsb + f.width - 1, 1) for f in kept for bit in f.beyond]
            if bits:
                name = f"{code.name.lower()}_word_{number}"
                here = net(m, f"{name}_now", (opcode == code.value) & (latest_word == number), 1)
                wrong.append(net(m, f"{name}_wrong", here & Cat(bits).any(), 1))
        return net(m, "wrong", checking & Cat(wrong).any(), 1)
