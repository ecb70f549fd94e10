"""The written directory: complete, consistent with itself, and the same bytes every time."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hwq.arch import isa
from hwq.arch.isa import Space
from hwq.errors import DataError
from hwq.export.package import Package
from hwq.schedule import images
from hwq.toolchain.tools import find_compiler
from hwq.verify.design import Design
from tests.support.designs import small_design, write


@pytest.fixture(scope="module")
def design() -> Design:
    return small_design()


@pytest.fixture(scope="module")
def package(design: Design, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return write(design, tmp_path_factory.mktemp("package"))


def test_the_manifest_on_disk_is_the_one_returned(package: Package) -> None:
    assert json.loads((package.root / "manifest.json").read_text()) == package.manifest


def test_every_file_is_listed_with_its_hash(package: Package) -> None:
    found = {str(path.relative_to(package.root)) for path in package.root.rglob("*") if path.is_file()}
    assert found == {*package.manifest["files"], "manifest.json"}
    for name, digest in package.manifest["files"].items():
        assert hashlib.sha256((package.root / name).read_bytes()).hexdigest() == digest


def test_the_same_design_gives_the_same_bytes(design: Design, package: Package, tmp_path: Path) -> None:
    write(design, tmp_path)
    for name in (*package.manifest["files"], "manifest.json"):
        assert (tmp_path / name).read_bytes() == (package.root / name).read_bytes(), name


def test_images_hold_every_word_of_the_program(design: Design, package: Package) -> None:
    weights = [int(line, 16) for line in (package.root / "images/weights.hex").read_text().split()]
    columns = design.program.accelerator.array.columns
    assert np.array_equal(images.unpack_words(weights, columns, 8).reshape(-1, columns), design.program.weights)
    lanes = design.program.accelerator.lanes
    words = [int(line, 16) for line in (package.root / "images/records.hex").read_text().split()]
    mask = (1 << isa.RECORD.bits) - 1
    records = [isa.RECORD.unpack(word >> lane * isa.RECORD.bits & mask) for word in words for lane in range(lanes)]
    assert records == list(design.program.records)
    for layer in design.program.layers:
        text = (package.root / f"images/{layer.name}.descriptors.hex").read_text().split()
        count = isa.DESCRIPTOR_WORDS
        words = [int(word, 16) for word in text]
        unpacked = [isa.descriptor_fields(words[at : at + count]) for at in range(0, len(words), count)]
        assert unpacked[:-1] == list(layer.descriptors)
        assert unpacked[-1]["opcode"] == isa.Opcode.END


def test_ports_are_those_of_the_verilog(package: Package) -> None:
    text = (package.root / "rtl/hwq_accelerator.v").read_text()
    module = text[text.index("module hwq_accelerator(") :]
    module = module[: module.index("endmodule")]
    header = module[module.index("(") + 1 : module.index(")")]
    assert [name.strip() for name in header.split(",")] == [port["name"] for port in package.manifest["ports"]]
    for port in package.manifest["ports"]:
        width = f"[{port['width'] - 1}:0] " if port["width"] > 1 else ""
        assert f"\n  {port['direction']} {width}{port['name']};\n" in module


def test_beat_fields_are_those_that_the_images_use(design: Design, package: Package) -> None:
    fields = {f["name"]: f for port in package.manifest["ports"] for f in port.get("fields", ())}
    (beat,) = images.load_beats(design.program.accelerator, Space.RECORDS, 3, [1])[-1:]
    values = {name: beat >> field["lsb"] & (1 << field["width"]) - 1 for name, field in fields.items()}
    assert (values["address"], values["space"], values["last"]) == (3, Space.RECORDS, 1)


def test_tables(design: Design, package: Package) -> None:
    rows = list(csv.DictReader((package.root / "reports/layers.csv").read_text().splitlines()))
    assert [row["layer"] for row in rows] == [layer.name for layer in design.layers]
    for row in rows:
        assert sum(int(row[part]) for part in ("fetch", "load", "issue", "wait", "tail")) == int(row["cycles"])
    text = (package.root / "reports/memories.csv").read_text()
    memories = {row["memory"]: row for row in csv.DictReader(text.splitlines())}
    assert set(memories) == {"activations", "weights", "records", "descriptors"}
    assert memories["weights"]["used_words"] == str(len(design.program.weights))


def test_the_header_says_what_the_manifest_says(package: Package, tmp_path: Path) -> None:
    lines = ['#include "hwq_accelerator.h"', "#include <stdio.h>", "int main(void) {"]
    expected = []
    for register in package.manifest["registers"]:
        lines.append(f'  printf("%u\\n", (unsigned)HWQ_{register["name"]});')
        expected.append(register["offset"])
        for bit in register["bits"]:
            lines.append(f'  printf("%u\\n", HWQ_{register["name"]}_{bit["name"]});')
            expected.append(1 << bit["bit"])
    for opcode, fields in package.manifest["descriptor"]["layouts"].items():
        for field in fields:
            stem = f"HWQ_{opcode}_{field['name'].upper()}"
            lines.append(f'  printf("%u\\n%u\\n", {stem}_WORD * 64 + {stem}_LSB, {stem}_WIDTH);')
            expected += [field["offset"], field["width"]]
    source = tmp_path / "main.c"
    source.write_text("\n".join([*lines, "  return 0;", "}"]))
    program = tmp_path / "main"
    compile_ = [
        *find_compiler().command,
        "-x",
        "c",
        "-std=c99",
        "-Wall",
        "-Werror",
        "-I",
        str(package.root / "include"),
    ]
    subprocess.run([*compile_, str(source), "-o", str(program)], check=True)
    printed = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split()
    assert [int(value) for value in printed] == expected


def test_a_directory_that_cannot_be_written_is_a_data_error(design: Design, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*file"):
        write(design, tmp_path / "file")
