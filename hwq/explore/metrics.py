"""What is known of an evaluated point, by name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Evidence(StrEnum):
    """How a figure is known."""

    MODELLED = "modelled"
    """Computed by the emulator or from the schedule."""

    SYNTHESISED = "synthesised"
    """Said by a synthesis of the Verilog."""

    PROVEN = "proven"
    """Seen in the Verilog, in simulation, equal to what was computed."""


@dataclass(frozen=True)
class Metric:
    """A figure of a point: its name, whether more of it is better, and what it is.

    ``text`` is how tables format it, ``unit`` what it is counted in where its name does not say, ``evidence`` how it is
    known.
    """

    name: str
    more_is_better: bool
    meaning: str
    text: str = "{:,}"
    unit: str = ""
    evidence: Evidence = Evidence.MODELLED

    @property
    def title(self) -> str:
        """Its name as headings and axes show it, with its unit."""
        words = self.name.replace("_", " ").capitalize()
        return f"{words} ({self.unit})" if self.unit else words


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", True, "part of the samples whose largest output is their label", "{:.2%}"),
        Metric("agreement", True, "part of the samples with the answer that exact sums give", "{:.2%}"),
        Metric("overflows", False, "additions whose sum left its width, over all samples"),
        Metric("cycles", False, "of an inference, from START to the last output: exact"),
        Metric("latency", False, "of an inference in milliseconds, at the sweep's clock", "{:.4g}", "ms"),
        Metric("utilization", True, "part of the array's multiplications that are the network's own", "{:.1%}"),
        Metric("multipliers", False, "of the array: rows x columns"),
        Metric("memory", False, "bytes of all memories on chip, the accumulators among them", unit="bytes"),
        Metric("memory_used", False, "bytes that the network takes of the memories that the host loads", unit="bytes"),
        Metric("host_layers", False, "layers that the accelerator leaves to the host"),
        Metric("energy", False, "of an inference in microjoules, on the sweep's device", "{:.4g}", "uJ"),
        Metric("power", False, "in milliwatts, of inferences without a pause at the sweep's clock", "{:.4g}", "mW"),
        Metric("lut", False, "lookup tables of the sweep's device"),
        Metric("ff", False, "registers of the sweep's device"),
        Metric("bram", False, "block memories of the sweep's device", "{:.4g}"),
        Metric("dsp", False, "multipliers of the sweep's device"),
    )
}
"""Every figure, in the order of tables."""

OF_DEVICES = ("energy", "power", "lut", "ff", "bram", "dsp")
"""Figures that only sweeps for a device have."""
