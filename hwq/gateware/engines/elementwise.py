"""The elementwise engine: the sum of two tensors, each with a scale of its own, a group of elements a cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.elementwise import LATENCY, TERM_BITS
from hwq.arch.isa import Opcode
from hwq.gateware.flat import count_groups, hand_on
from hwq.gateware.library import place
from hwq.gateware.nets import delay, net
from hwq.gateware.ports import command_signature, read_signature, result_signature
from hwq.gateware.scaler import InputScaler


class ElementwiseEngine(Component):
    """Executes ADD: ``value[e] = term_a(a[e]) + term_b(b[e])``, terms by `InputScaler`.

    The only read port alternates between the operands, two groups of each at a time, from the cycle after ``start`` on:
    so a group of ``elementwise_group`` elements is issued every cycle, and each lane has a scaler for either operand,
    both of which have a code every cycle. `LATENCY` cycles after its issue a group is at the results unit. Nothing ever
    waits.
    """

    module = "hwq_elementwise_engine"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator, self._group = accelerator, accelerator.elementwise_group
        super().__init__(
            {
                "command": In(command_signature(accelerator, Opcode.ADD)),
                "read": Out(read_signature(accelerator, 2 * self._group)),
                "result": Out(result_signature(accelerator)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        start, d, result = self.command.start, self.command.descriptor, self.result

        running, last = count_groups(m, d.more_groups, start, start)
        second = Signal()
        with m.If(start):
            m.d.sync += second.eq(0)
        with m.Elif(running):
            m.d.sync += second.eq(~second)

        # -- reads: the operands take turns; the last group's second operand is read when none runs any more -----------
        address, other = self.read.address, Signal.like(self.read.address, name="other_address")
        beyond = net(m, "address_beyond", address + 2 * self._group, address.shape())
        with m.If(start):
            m.d.sync += [address.eq(d.base_a), other.eq(d.base_b)]
        with m.Elif(running):
            m.d.sync += [address.eq(other), other.eq(beyond)]

        # -- terms and their sums --------------------------------------------------------------------------------------
        self._values(m, platform, delay(m, second, 3, "second"))

        hand_on(m, self.command, result, running, last, LATENCY, self._group)
        m.d.comb += [result.zero_point.eq(d.out_zero_point), result.low.eq(d.low), result.high.eq(d.high)]
        return m

    def _values(self, m: Module, platform: object, second: Signal) -> None:
        """Pair the operands' codes, which come one after the other, and scale and add those of a group.

        When the second operand's codes come, the first one's came a cycle before: that is the first group. The second
        group is taken a cycle later.
        """
        d, group = self.command.descriptor, self._group
        vector = data.ArrayLayout(self.read.data[0].shape(), 2 * group)
        before = Signal(vector, name="codes_before", reset_less=True)
        m.d.sync += before.eq(self.read.data)
        for lane in range(group):
            upper = Signal(self.read.data[0].shape(), name=f"upper_{lane}", reset_less=True)
            m.d.sync += upper.eq(before[group + lane])
            terms = []
            for name, first_code, second_code in (
                ("a", before[lane], upper),
                ("b", self.read.data[lane], before[group + lane]),
            ):
                scaler = place(m, f"scaler_{name}_{lane}", InputScaler, platform, accelerator=self._accelerator)
                m.d.comb += [
                    scaler.code.eq(Mux(second, second_code, first_code)),
                    scaler.zero_point.eq(getattr(d, f"zero_point_{name}")),
                    scaler.multiplier.eq(getattr(d, f"multiplier_{name}")),
                    scaler.shift.eq(getattr(d, f"shift_{name}")),
                ]
                terms.append(scaler.term)
            total = Signal(signed(TERM_BITS + 1), name=f"total_{lane}", reset_less=True)
            m.d.sync += total.eq(terms[0] + terms[1])
            m.d.comb += self.result.values[lane].eq(total)
