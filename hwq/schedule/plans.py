"""What every engine's plan of a layer says; program, images, cycles and reports read nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator


@dataclass(frozen=True)
class CycleCount:
    """Cycles of one descriptor, from the end of the one before (or START) to its last output written.

    ``fetch`` (of the descriptor), ``load`` (the first weights), ``issue`` (steps of the engine), ``wait`` (for what is
    taken: an accumulator bank, the requantizer lanes) and ``tail`` (from the last step's issue to the last write) add
    up to ``total``.
    """

    fetch: int
    load: int
    issue: int
    wait: int
    tail: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.fetch + self.load + self.issue + self.wait + self.tail


@dataclass(frozen=True)
class Places:
    """Where the parts of a plan lie: words of weight and record memory, elements of activation memory.

    ``inputs`` are the first elements of the layer's inputs, in their order, ``output`` that of its output.
    """

    weights: int
    records: int
    inputs: tuple[int, ...]
    output: int


class Plan(Protocol):
    """A layer, or a part of one, as one descriptor of one engine."""

    @property
    def accelerator(self) -> Accelerator:
        """What it is planned for."""

    @property
    def opcode(self) -> isa.Opcode:
        """Of its descriptor."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference, those that meet padding included; 0 where there are no weights."""

    @property
    def weight_words(self) -> int:
        """Words of weight memory it takes."""

    def weight_image(self) -> NDArray[np.int64]:
        """These words, int64 [weight_words, columns]."""

    def records(self) -> list[dict[str, int]]:
        """Fields of its records in memory order, whole words of record memory: a multiple of the lanes."""

    def descriptor(self, places: Places) -> dict[str, int]:
        """The descriptor's fields by name, the opcode apart."""

    def passes_of_output(self) -> tuple[int, ...]:
        """Products of each pass of one output; none where nothing is accumulated."""

    def faults(self) -> list[str]:
        """Why this accelerator cannot run it, each with the parameter to change; empty where it can."""

    def cycles(self) -> CycleCount:
        """What the hardware will count, exactly."""

    def output_cycle(self, element: int) -> int | None:
        """Cycle, from the start of the descriptor, in which element ``element`` of the output is in memory.

        ``None`` where another plan of the layer writes it.
        """


def fetch_cycles() -> int:
    """Cycles from START, or the end of the descriptor before, to the one in which an engine is started."""
    # Words are asked for one per cycle; the last arrives one cycle later and is complete in the next.
    return isa.DESCRIPTOR_WORDS + 2


def to_memory(accelerator: Accelerator) -> int:
    """Cycles from a group's ``valid`` at the results unit to its codes in memory."""
    return 1 + accelerator.requantizer_latency + accelerator.store_latency
