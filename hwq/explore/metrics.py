"""What is known of an evaluated point, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure of a point: its name, whether more of it is better, and what it is.

    ``text`` is how tables format it.
    """

    name: str
    more_is_better: bool
    meaning: str
    text: str = "{:,}"


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", True, "part of the samples whose largest output is their label", "{:.2%}"),
        Metric("agreement", True, "part of the samples with the answer that exact sums give", "{:.2%}"),
        Metric("overflows", False, "additions whose sum left its width, over all samples"),
        Metric("cycles", False, "of an inference, from START to the last output: exact"),
        Metric("latency", False, "of an inference in milliseconds, at the sweep's clock", "{:.4g}"),
        Metric("utilization", True, "part of the array's multiplications that are the network's own", "{:.1%}"),
        Metric("multipliers", False, "of the array: rows x columns"),
        Metric("memory", False, "bytes of all memories on chip, the accumulators among them"),
        Metric("memory_used", False, "bytes that the network takes of the memories that the host loads"),
        Metric("host_layers", False, "layers that the accelerator leaves to the host"),
    )
}
"""Every figure, in the order of tables."""
