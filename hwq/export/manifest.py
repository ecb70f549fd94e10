"""The manifest: everything a driver, a bench or a colleague has to know about a generated accelerator.

Its keys are explained in docs/spec/manifest.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Space
from hwq.arch.layout import Layout
from hwq.export.ports import describe_ports
from hwq.export.verilog import TOP, tool_versions
from hwq.schedule.program import Program
from hwq.schedule.runs import Placed, Run

MANIFEST_VERSION = 2


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.value if isinstance(value, Enum) else value


def _layout(layout: Layout) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "offset": place.offset,
            "width": place.field.width,
            "signed": place.field.signed,
            "doc": place.field.doc,
        }
        for name, place in layout.fields.items()
    ]


def _registers() -> list[dict[str, Any]]:
    return [
        {
            "name": register.name,
            "offset": register.value,
            "access": info.access,
            "doc": info.doc,
            "bits": [{"name": name, "bit": bit, "doc": doc} for name, bit, doc in info.bits],
        }
        for register, info in isa.REGISTERS.items()
    ]


def _memories(program: Program) -> dict[str, Any]:
    accelerator, used = program.accelerator, program.used()
    return {
        space.name.lower(): {
            "space": space.value,
            "word_bits": accelerator.word_bits[space],
            "words": accelerator.words[space],
            "used": used[space][0],
        }
        for space in Space
    }


def _latencies(accelerator: Accelerator) -> dict[str, int]:
    names = ("feed", "array", "accumulate", "drain", "requantizer", "store")
    return {name: getattr(accelerator, f"{name}_latency") for name in names}


def _place(placed: Placed) -> dict[str, Any]:
    return {
        "tensor": placed.tensor,
        "address": placed.base,
        "elements": placed.elements,
        "shape": list(placed.shape),
    }


def _run_entry(run: Run, file: str) -> dict[str, Any]:
    """Where a run takes its inputs and leaves its output, and what it costs."""
    return {
        "name": run.name,
        "inputs": [_place(placed) for placed in run.inputs],
        "output": _place(run.output),
        "descriptors": len(run.descriptors) + 1,
        "descriptor_file": file,
        "macs": run.macs,
        "predicted_cycles": run.predicted_cycles,
        "cycles": vars(run.cycles),
        "utilization": round(run.utilization, 6),
    }


def _layer_entry(run: Run, file: str) -> dict[str, Any]:
    (step,) = run.steps
    return {**_run_entry(run, file), "engine": step.engine, "passes": step.passes}


def _network_entry(program: Program, files: Mapping[str, str]) -> Any:
    run = program.network
    if run is None:
        return None
    return {**_run_entry(run, files[run.name]), "before": list(program.before), "after": list(program.after)}


def build_manifest(
    program: Program,
    inputs: Mapping[str, Mapping[str, str]],
    images: Mapping[str, Any],
    descriptor_files: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest as a JSON object; the hashes of the generated files come last, under ``files``.

    Parameters
    ----------
    program:
        What was generated.
    inputs:
        Name and SHA-256 of each file the design was made from.
    images:
        File of each memory image.
    descriptor_files:
        File of each run's descriptors.
    """
    a = program.accelerator
    return {
        "format": "hwq-manifest",
        "version": MANIFEST_VERSION,
        "tools": tool_versions(),
        "inputs": dict(inputs),
        "top": TOP,
        "parameters": _plain(asdict(a)),
        "derived": {
            "operand_bits": a.operand.width,
            "psum_bits": a.psum_bits,
            "lanes": a.lanes,
            "word_elements": a.word,
            "element_bits": a.activation.width,
        },
        "ports": describe_ports(a),
        "identity": isa.IDENTITY,
        "isa_version": isa.ISA_VERSION,
        "registers": _registers(),
        "opcodes": {opcode.name: opcode.value for opcode in a.layouts},
        "descriptor": {
            "word_bits": isa.WORD_BITS,
            "words": isa.DESCRIPTOR_WORDS,
            "layouts": {opcode.name: _layout(layout) for opcode, layout in a.layouts.items()},
        },
        "record": {"bits": a.record.bits, "fields": _layout(a.record)},
        "memories": _memories(program),
        "latencies": _latencies(a),
        "images": dict(images),
        "layers": [_layer_entry(layer, descriptor_files[layer.name]) for layer in program.layers],
        "network": _network_entry(program, descriptor_files),
        "files": {},
    }
