"""What a device makes of a design: time, energy, heat, room, each figure beside its limit; all of it modelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwq.cost.area import area
from hwq.cost.counts import count_run, total
from hwq.cost.device import Device
from hwq.cost.energy import energy, prices
from hwq.cost.memories import footprint
from hwq.schedule.program import Program
from hwq.schedule.runs import Run

#: Bits that a device's price of an external access is for.
_ACCESS = 64


@dataclass(frozen=True)
class Figure:
    """One line of a check: its name, value and unit, and the most that the value may be, if there is such."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def good(self) -> bool:
        """Whether it is within its limit."""
        return self.limit is None or self.value <= self.limit

    @property
    def margin(self) -> float | None:
        """What is left to the limit, as part of it; negative beyond it, ``None`` without a limit, or of 0."""
        return (self.limit - self.value) / abs(self.limit) if self.limit else None


@dataclass(frozen=True)
class Conditions:
    """Under which a design is checked: its clock, what surrounds it, and when it has to be done, if that matters."""

    clock_mhz: float
    ambient_celsius: float
    deadline_ms: float | None = None


@dataclass(frozen=True)
class Check:
    """A design on a device; ``energy`` are microjoules of an inference by what takes them."""

    device: Device
    conditions: Conditions
    cycles: int
    figures: tuple[Figure, ...]
    energy: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """Whether every figure is within its limit."""
        return all(figure.good for figure in self.figures)


def table_energy(program: Program) -> dict[str, float]:
    """Picojoules of an inference by the table of energies, by what takes them."""
    return energy(total(count_run(run) for run in runs_of(program)), program.accelerator)


def energy_on(device: Device, table: Mapping[str, float], transferred: int) -> dict[str, float]:
    """Microjoules of an inference on a device, by what takes them.

    The table's prices are for a chip of its own: an FPGA takes more, and energy grows with the process and with the
    square of the voltage.

    Parameters
    ----------
    device:
        What it runs on.
    table:
        From `table_energy`.
    transferred:
        Bits that go in and out, from `transfer_bits`; their energy is called ``external``.
    """
    price = prices()
    scale = price.fpga * (device.process_nm / price.process_nm) * (device.volts / price.volts) ** 2
    parts = {name: cost * scale / 1e6 for name, cost in table.items()}
    parts["external"] = transferred / _ACCESS * device.external_picojoules / 1e6
    return parts


def runs_of(program: Program) -> tuple[Run, ...]:
    """The whole network by one START, or where that cannot be, all layers one by one."""
    return program.layers if program.network is None else (program.network,)


def transfer_bits(program: Program) -> int:
    """Bits of an inference that the host loads and reads: inputs and outputs of every run."""
    tensors = [placed for run in runs_of(program) for placed in (*run.inputs, run.output)]
    return sum(placed.elements for placed in tensors) * program.accelerator.activation.width


def check(program: Program, device: Device, conditions: Conditions) -> Check:
    """Every figure of a design on a device, inferences following one another without a pause."""
    cycles = sum(run.predicted_cycles for run in runs_of(program))
    seconds = cycles / (conditions.clock_mhz * 1e6)
    parts = energy_on(device, table_energy(program), transfer_bits(program))
    joules = sum(parts.values()) / 1e6
    watts = device.static_watts + joules / seconds
    junction = conditions.ambient_celsius + watts * device.thermal_resistance
    figures = (
        Figure("latency", seconds * 1e3, "ms", conditions.deadline_ms),
        Figure("throughput", 1 / seconds, "inferences/s"),
        Figure("bandwidth", transfer_bits(program) / 8 / seconds / 1e6, "MB/s"),
        Figure("memory", footprint(program.accelerator), "bytes"),
        Figure("energy", joules * 1e6, "uJ"),
        Figure("static power", device.static_watts * 1e3, "mW"),
        Figure("dynamic power", joules / seconds * 1e3, "mW"),
        Figure("junction temperature", junction, "C", device.junction_celsius),
        *(
            Figure(name, used, "", device.limits[name])
            for name, used in area(program.accelerator, device.family).items()
        ),
    )
    return Check(device, conditions, cycles, figures, parts)
