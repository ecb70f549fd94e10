"""The directory that `hwq gen` writes: Verilog, images, manifest, header, testbench and tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from hwq.arch import isa
from hwq.arch.isa import Space
from hwq.export.files import OutputDirectory, hex_words
from hwq.export.header import c_header
from hwq.export.manifest import build_manifest
from hwq.export.testbench import RunVector, write_testbench
from hwq.export.verilog import TOP, emit_verilog
from hwq.schedule import images
from hwq.schedule.program import Program

VERILOG = f"rtl/{TOP}.v"
WAIVERS = "rtl/verilator.vlt"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Package:
    """A written directory and what its manifest says."""

    root: Path
    manifest: dict[str, Any]


def write_package(
    program: Program,
    root: Path,
    inputs: Mapping[str, Mapping[str, str]],
    vectors: Sequence[RunVector],
) -> Package:
    """Write everything about ``program`` below ``root``.

    Parameters
    ----------
    program:
        The lowered layers.
    root:
        Directory; made where missing, its files of the same names replaced.
    inputs:
        Name and SHA-256 of each file the design was made from, for the manifest.
    vectors:
        One sample's input and expected output of each run, for the testbench.

    Raises
    ------
    DataError
        When a file cannot be written.
    ToolError
        When Verilog cannot be emitted.
    """
    a = program.accelerator
    out = OutputDirectory(root)
    out.write(VERILOG, emit_verilog(a))
    out.write(WAIVERS, (resources.files("hwq.export") / "verilator.vlt").read_text(encoding="utf-8"))
    image_files = {
        "weights": out.write("images/weights.hex", hex_words(images.weight_words(program), a.word_bits[Space.WEIGHTS])),
        "records": out.write("images/records.hex", hex_words(images.record_words(program), a.word_bits[Space.RECORDS])),
    }
    descriptor_files = {
        run.name: out.write(
            f"images/{run.name}.descriptors.hex", hex_words(images.descriptor_words(run), isa.WORD_BITS)
        )
        for run in program.runs
    }
    write_testbench(out, program, vectors)
    manifest = build_manifest(program, inputs, image_files, descriptor_files)
    out.write("include/hwq_accelerator.h", c_header(manifest))
    out.write("reports/layers.csv", _table(_layer_rows(manifest)))
    out.write("reports/memories.csv", _table(_memory_rows(manifest)))
    manifest["files"] = dict(sorted(out.hashes.items()))
    out.write(MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return Package(root, manifest)


def _layer_rows(manifest: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for layer in manifest["layers"]:
        yield {
            "layer": layer["name"],
            "engine": layer["engine"],
            "input": "+".join("x".join(map(str, source["shape"])) for source in layer["inputs"]),
            "output": "x".join(map(str, layer["output"]["shape"])),
            "macs": layer["macs"],
            "passes": layer["passes"],
            "cycles": layer["predicted_cycles"],
            **layer["cycles"],
            "utilization": layer["utilization"],
        }


def _memory_rows(manifest: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, memory in manifest["memories"].items():
        yield {
            "memory": name,
            "word_bits": memory["word_bits"],
            "words": memory["words"],
            "used_words": memory["used"],
            "bytes": memory["words"] * memory["word_bits"] // 8,
            "used_bytes": memory["used"] * memory["word_bits"] // 8,
        }


def _table(rows: Iterable[dict[str, Any]]) -> str:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
