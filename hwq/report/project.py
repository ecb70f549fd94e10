"""The report of a single project: where its cycles go, layer by layer, and what its memories and sums hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import hwq
from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.certify.certificate import LayerCertificate, certify
from hwq.config.project import Project
from hwq.cost.memories import memories
from hwq.emulate import Emulator
from hwq.explore.evaluation import hardware_figures
from hwq.explore.metrics import METRICS
from hwq.numeric.requantize import Contract
from hwq.report.page import render
from hwq.schedule.losses import CAUSES
from hwq.schedule.order import ordered_sums
from hwq.schedule.planning import Assignment
from hwq.schedule.runs import Run
from hwq.verify.design import Design

#: Clock of the latency, which README and sweeps use where nobody says another one.
CLOCK_MHZ = 100


def project_report(project: Project, design: Design) -> str:
    """The page of ``project``, whose network is lowered as ``design``.

    Raises
    ------
    ToolError
        The Python package plotly is not installed.
    """
    return render("project", f"Project {project.name}", project_data(project, design))


def project_data(project: Project, design: Design) -> dict[str, Any]:
    """What the page is drawn from."""
    program = design.program
    figures = hardware_figures(design)
    figures["latency"] = figures["cycles"] / (CLOCK_MHZ * 1000)
    return {
        "hwq": hwq.__version__,
        "project": project.name,
        "network": project.model.name,
        "array": f"{program.accelerator.array.rows} x {program.accelerator.array.columns}",
        "clock_mhz": CLOCK_MHZ,
        # By one START, or layer by layer with the host in between.
        "whole": program.network is not None,
        "macs": sum(run.macs for run in program.layers),
        "figures": {
            name: {
                "title": METRICS[name].title,
                "text": METRICS[name].text,
                "meaning": METRICS[name].meaning.replace("the sweep's clock", f"{CLOCK_MHZ} MHz"),
                "evidence": METRICS[name].evidence.value,
                "value": figures[name],
            }
            for name in METRICS
            if name in figures
        },
        "causes": dict(CAUSES),
        "layers": _layers(design),
        "memories": list(_memories(design)),
        "engines": list(program.accelerator.engines),
        "arithmetic": dict(_settings(program.accelerator.arithmetic)),
        "certificate": [_certificate(found) for found in _certified(design, program.accelerator)],
        "yaml": project.path.read_text(encoding="utf-8"),
    }


def _layers(design: Design) -> list[dict[str, Any]]:
    runs = {run.name: run for run in design.program.layers}
    return [_layer(design, found, runs.get(found.layer.name)) for found in design.assigned if found.place]


def _layer(design: Design, found: Assignment, run: Run | None) -> dict[str, Any]:
    shape = design.network.tensors[found.layer.output].shape
    layer: dict[str, Any] = {
        "name": found.layer.name,
        "op": found.layer.op,
        "place": found.place,
        "reason": found.reason,
        "output": " x ".join(map(str, shape)),
    }
    if run is None:
        return layer | {"macs": 0, "cycles": None, "utilization": None, "causes": {}}
    return layer | {
        "macs": run.macs,
        "cycles": run.predicted_cycles,
        "utilization": run.utilization if run.macs else None,
        "causes": {cause: cycles for cause, cycles in run.causes.items() if cycles},
    }


def _memories(design: Design) -> Iterator[dict[str, Any]]:
    used = {space.name.lower(): words for space, (words, _) in design.program.used().items()}
    for shape in memories(design.program.accelerator):
        taken = used.get(shape.memory.value)
        yield {
            "name": shape.memory.value,
            "words": shape.count * shape.words,
            "bits": shape.bits,
            "bytes": shape.bytes,
            "used": None if taken is None else ceil_div(taken * shape.bits, 8),
        }


def _settings(section: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of a section of parameters and their values, as a project's YAML has them."""
    for field in fields(section):
        value = getattr(section, field.name)
        if is_dataclass(value):
            yield from _settings(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value.value if isinstance(value, Enum) else value


def _certified(design: Design, accelerator: Accelerator) -> Sequence[LayerCertificate]:
    sums = ordered_sums(design.network, accelerator)
    return certify(design.network, sums, Emulator(design.network, Contract.DOUBLE))


def _certificate(found: LayerCertificate) -> dict[str, Any]:
    psum = found.psum
    return {
        "name": found.layer.name,
        "on_chip": found.on_chip,
        "safe": found.safe,
        "accumulator": found.accumulator.reach.bits,
        "accumulator_width": found.accumulator.width,
        "psum": None if psum is None else psum.reach.bits,
        "psum_width": None if psum is None else psum.width,
        "any_order": found.any_order_bits,
        "order_matters": bool(found.order_matters.any()),
    }
