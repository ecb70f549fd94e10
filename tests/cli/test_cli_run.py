"""``hwq run``: outputs, accuracy, files, and every way in which samples can be wrong."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwq.cli import run as run_verb
from hwq.config.project import load_project
from hwq.emulate import Emulator
from hwq.graph.inputs import random_samples
from hwq.schedule.order import ordered_sums
from tests.cli.support import refused, run_cli, small_model, small_samples
from tests.graph.networks import network_of_every_layer
from tests.support.convolutions import small_network
from tests.support.designs import write_project
from tests.support.models import official_file, official_model

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return small_model(tmp_path)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own answer to Ctrl-C, which is not there where whoever started the tests ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def expected(x: np.ndarray) -> np.ndarray:
    return Emulator(network_of_every_layer()).run(x)


def test_outputs_accuracy_and_json(capsys: Capture, tmp_path: Path, model: Path) -> None:
    x = small_samples(100)
    y = expected(x)
    labels = y.argmax(axis=1)
    labels[:25] = (labels[:25] + 1) % 5
    data = save(tmp_path / "x.npz", x=x, y=labels)
    result = run_cli(capsys, "run", model, "--data", data, "--save", tmp_path / "out.npz", "--json")
    assert (result.code, result.err) == (0, "")
    report = result.json
    assert (report["samples"], report["accuracy"], report["contract"]) == (100, 0.75, "double")
    assert report["inferences_per_second"] > 0
    with np.load(tmp_path / "out.npz") as saved:
        assert saved.files == ["y"]
        assert saved["y"].dtype == y.dtype
        np.testing.assert_array_equal(saved["y"], y)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.npz", "small.hwqnet", "x.npz"]


def test_a_project_is_computed_in_its_own_arithmetic(capsys: Capture, tmp_path: Path) -> None:
    text = "model: small.hwq\narray: {rows: 4, columns: 4}\narithmetic: {overflow: saturate, accumulator_bits: 12}\n"
    project = write_project(tmp_path, text)
    save(tmp_path / "x.npz", x=random_samples(small_network(), 40, 3))
    result = run_cli(capsys, "run", project, "--data", tmp_path / "x.npz", "--save", tmp_path / "y.npz", "--json")
    network, accelerator = small_network(), load_project(project).accelerator
    emulator = Emulator(network, sums=ordered_sums(network, accelerator), count=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["y"], emulator.run(random_samples(network, 40, 3)))
    keys = ("psum_overflows", "accumulator_overflows", "output_clamps")
    found = {layer["name"]: [layer[key] for key in keys] for layer in result.json["layers"]}
    assert found == {name: counts.totals.tolist() for name, counts in emulator.overflows.items()}
    assert sum(counts[1] for counts in found.values()) > 0
    shown = run_cli(capsys, "run", project, "--data", tmp_path / "x.npz").out
    assert all(f"{counts[1]:,}" in shown for counts in found.values())


def test_where_overflow_is_refused_no_sum_leaves_its_width(capsys: Capture, tmp_path: Path) -> None:
    layers = run_cli(capsys, "run", write_project(tmp_path), "--json").json["layers"]
    assert [layer["name"] for layer in layers] == [layer.name for layer in small_network().layers]
    assert {tuple(layer.values())[1:] for layer in layers} == {(0, 0, None)}


def test_labels_may_be_truth_values(capsys: Capture, tmp_path: Path, model: Path) -> None:
    x = small_samples(30)
    right = int((expected(x).argmax(axis=1) == 1).sum())
    data = save(tmp_path / "x.npz", x=x, y=np.ones(30, bool))
    assert run_cli(capsys, "run", model, "--data", data, "--json").json["accuracy"] == right / 30


def test_without_labels_accuracy_is_null(capsys: Capture, tmp_path: Path, model: Path) -> None:
    data = save(tmp_path / "x.npz", x=small_samples(3))
    assert run_cli(capsys, "run", model, "--data", data, "--json").json["accuracy"] is None
    assert "unknown: no labels" in run_cli(capsys, "run", model, "--data", data).out


def test_outputs_do_not_depend_on_the_pieces(
    capsys: Capture, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = small_samples(150)
    data = save(tmp_path / "x.npz", x=x, y=expected(x).argmax(axis=1))
    saved = []
    for first in (1, 32, 1000):
        monkeypatch.setattr(run_verb, "_FIRST_PIECE", first)
        out = tmp_path / f"{first}.npz"
        result = run_cli(capsys, "run", model, "--data", data, "--save", out, "--json")
        assert (result.json["samples"], result.json["accuracy"]) == (150, 1.0)
        saved.append(out.read_bytes())
    # The same outputs give the same bytes.
    assert saved[0] == saved[1] == saved[2]


@pytest.mark.parametrize("kind", ["floats", "big_endian", "fortran", "compressed"])
def test_forms_of_the_same_samples(capsys: Capture, tmp_path: Path, model: Path, kind: str) -> None:
    x = small_samples(40)
    given: np.ndarray = x
    if kind in ("floats", "big_endian"):
        given = ((x.astype(np.float64) - 131) * np.float64(np.float32(0.05))).astype(
            "f8" if kind == "floats" else ">f4"
        )
    if kind == "fortran":
        given = np.asfortranarray(x)
    data = tmp_path / "x.npz"
    (np.savez_compressed if kind == "compressed" else np.savez)(data, x=given)
    assert run_cli(capsys, "run", model, "--data", data, "--save", tmp_path / "o.npz").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "o.npz")["y"], expected(x))


def test_dump_holds_every_layer(capsys: Capture, tmp_path: Path, model: Path) -> None:
    x = small_samples(70)
    data = save(tmp_path / "x.npz", x=x)
    result = run_cli(capsys, "run", model, "--data", data, "--dump", tmp_path / "a" / "b")
    assert result.code == 0
    network = network_of_every_layer()
    trace = Emulator(network).trace(x)
    assert {path.stem for path in (tmp_path / "a" / "b").iterdir()} == {layer.name for layer in network.layers}
    for layer in network.layers:
        np.testing.assert_array_equal(np.load(tmp_path / "a" / "b" / f"{layer.name}.npy"), trace[layer.output])


def test_contracts_differ_and_are_named(capsys: Capture, tmp_path: Path) -> None:
    model, data = official_model("ad"), official_file("ad_normal_id01_196.npz")
    outputs = {}
    for contract in ("double", "up2", "single", "fp32he"):
        out = tmp_path / f"{contract}.npz"
        result = run_cli(capsys, "run", model, "--data", data, "--contract", contract, "--save", out, "--json")
        assert result.json["contract"] == contract
        outputs[contract] = np.load(out)["y"]
    assert (outputs["double"] != outputs["fp32he"]).any()
    assert np.abs(outputs["double"].astype(int) - outputs["up2"]).max() < 16


def test_project_brings_model_and_data(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_model("kws").parent))
    report = run_cli(capsys, "run", ROOT / "configs" / "projects" / "kws_8x8.yaml", "--json").json
    assert (report["samples"], report["contract"]) == (600, "double")
    # The benchmark asks for 90 %.
    assert report["accuracy"] == pytest.approx(0.905, abs=0.005)


@pytest.mark.parametrize("first", [1, 7, 32])
def test_without_data_inputs_are_random_and_say_so(
    capsys: Capture, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(run_verb, "_FIRST_PIECE", first)
    out = tmp_path / "out.npz"
    result = run_cli(capsys, "run", model, "--samples", 50, "--seed", 9, "--save", out)
    assert (result.code, result.err) == (0, "")
    assert "50 (random, seed 9)" in result.out
    assert "unknown: give --data X.npz with samples x and labels y" in result.out
    # What gen and verify draw from the same seed.
    np.testing.assert_array_equal(np.load(out)["y"], expected(random_samples(network_of_every_layer(), 50, 9)))


def test_random_inputs_of_a_project(capsys: Capture, model: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"model: {model.name}\n")
    report = run_cli(capsys, "run", tmp_path / "p.yaml", "--json").json
    assert (report["samples"], report["origin"], report["accuracy"]) == (1000, "random, seed 0", None)


@pytest.mark.parametrize("order", ["C", "F"])
def test_only_the_first_samples(capsys: Capture, model: Path, tmp_path: Path, order: Any) -> None:
    x = small_samples(40)
    labels = expected(x).argmax(axis=1)
    labels[30:] = (labels[30:] + 1) % 5
    data, out = save(tmp_path / "x.npz", x=np.asarray(x, order=order), y=labels), tmp_path / "out.npz"
    report = run_cli(capsys, "run", model, "--data", data, "--samples", 30, "--save", out, "--json").json
    assert (report["samples"], report["origin"], report["accuracy"]) == (30, str(data), 1.0)
    np.testing.assert_array_equal(np.load(out)["y"], expected(x[:30]))
    message = refused(capsys, "run", model, "--data", data, "--samples", 41)
    assert message == f"hwq: error: {data} holds 40 samples, and 41 are asked for\n"


def wrong_arrays() -> dict[str, tuple[dict[str, Any], str]]:
    x = small_samples(4)
    many = small_samples(100).astype(np.int64)
    many[90, 1, 2, 3] = 256
    return {
        "no x": ({"images": x, "labels": x}, "no array x; it holds images, labels"),
        "nothing": ({}, "no array x; it is empty"),
        "shape": ({"x": x[:, :7]}, "x has shape [4, 7, 6, 4]; the input of every_layer needs [N, 8, 6, 4]"),
        "scalar": ({"x": np.uint8(1)}, "x has shape []"),
        "none": ({"x": x[:0]}, "x holds no samples"),
        "beyond the codes": ({"x": many}, "x: sample 90, element [1, 2, 3] is 256, no uint8 code: those are 0..255"),
        "complex": ({"x": x.astype(complex)}, "takes uint8 codes or floats"),
        "text": ({"x": np.full((4, 8, 6, 4), "a")}, "takes uint8 codes or floats"),
        "objects": ({"x": np.full((4, 8, 6, 4), None)}, "Python objects"),
        "nan": ({"x": np.full((4, 8, 6, 4), np.nan)}, "x: sample 0, element [0, 0, 0] is nan; samples are finite"),
        "label shape": (
            {"x": x, "y": np.zeros((4, 1), int)},
            "y is int64 [4, 1]; labels are integers, one a sample: [4]",
        ),
        "label count": ({"x": x, "y": np.zeros(3, int)}, "labels are integers, one a sample: [4]"),
        "label type": ({"x": x, "y": np.zeros(4)}, "y is float64 [4]"),
        "label range": ({"x": x, "y": np.arange(4) + 2}, "y holds labels from 2 to 5; every_layer has outputs 0 to 4"),
        "label sign": ({"x": x, "y": np.arange(4) - 1}, "y holds labels from -1 to 2"),
    }


@pytest.mark.parametrize("case", wrong_arrays())
def test_wrong_arrays(capsys: Capture, tmp_path: Path, model: Path, case: str) -> None:
    arrays, message = wrong_arrays()[case]
    data = save(tmp_path / "x.npz", **arrays)
    out = tmp_path / "out.npz"
    said = refused(capsys, "run", model, "--data", data, "--save", out)
    assert message in said
    assert f"hwq: error: {data}: " in said
    assert not out.exists()


def npz_of(npy: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy)
    return packed.getvalue()


def npy_header(shape: str, descr: str = "'|u1'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def damaged() -> dict[str, tuple[bytes, str]]:
    buffer = io.BytesIO()
    np.savez(buffer, x=small_samples(50))
    good = buffer.getvalue()
    array = io.BytesIO()
    np.save(array, small_samples(5))
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    return {
        "empty": (b"", "not a readable .npz"),
        "text": (b"hello", "not a readable .npz: File is not a zip file"),
        "truncated": (good[: len(good) // 2], "not a readable .npz"),
        "flipped": (bytes(flipped), "not a readable .npz: Bad CRC-32"),
        "npy": (array.getvalue(), "a single array; save it by name"),
        "no header": (npz_of(b"hello, this is no array"), "not a readable .npz"),
        "version": (npz_of(b"\x93NUMPY\x09\x00" + bytes(100)), "version 9.0 of the .npy format"),
        "short": (npz_of(npy_header("(5, 8, 6, 4)") + bytes(100)), "the size of x is not what its header says"),
        "huge": (npz_of(npy_header("(10000000000000, 8, 6, 4)") + bytes(100)), "the size of x is not what its header"),
        "negative": (npz_of(npy_header("(-1, 8, 6, 4)")), "not a readable .npz"),
        "code": (npz_of(npy_header("__import__('os').getpid()")), "not a readable .npz"),
    }


@pytest.mark.parametrize("case", damaged())
def test_damaged_files(capsys: Capture, tmp_path: Path, model: Path, case: str) -> None:
    content, message = damaged()[case]
    data = tmp_path / "x.npz"
    data.write_bytes(content)
    out = tmp_path / "out.npz"
    assert message in refused(capsys, "run", model, "--data", data, "--save", out)
    assert {path.name for path in tmp_path.iterdir()} == {"x.npz", "small.hwqnet"}


def test_places(capsys: Capture, tmp_path: Path, model: Path) -> None:
    data = save(tmp_path / "x.npz", x=small_samples(2))
    assert "no such file" in refused(capsys, "run", model, "--data", tmp_path / "no.npz")
    assert "not a file" in refused(capsys, "run", model, "--data", tmp_path)
    message = refused(capsys, "run", model, "--data", data, "--save", tmp_path / "no" / "out.npz")
    assert f"no such folder: {tmp_path / 'no'}" in message
    assert "is a folder" in refused(capsys, "run", model, "--data", data, "--save", tmp_path)
    assert f"{data}: File exists" in refused(capsys, "run", model, "--data", data, "--dump", data)
    message = refused(capsys, "run", model, "--data", data, "--contract", "duoble")
    assert "no contract 'duoble'; did you mean double?" in message
    # It exists, and needs more than a network says: it is not offered.
    message = refused(capsys, "run", model, "--data", data, "--contract", "shift")
    assert "no contract 'shift'; valid are double, single, up2, f64away, fp32he" in message


def test_a_failing_disk_leaves_nothing_behind(
    capsys: Capture, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = save(tmp_path / "x.npz", x=small_samples(2))
    out = tmp_path / "out.npz"
    out.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hwq.cli.arrays.shutil.copyfileobj", full)
    message = refused(capsys, "run", model, "--data", data, "--save", out, "--dump", tmp_path / "layers")
    assert message == "hwq: error: No space left on device\n"
    assert out.read_bytes() == b"before"
    assert {path.name for path in tmp_path.iterdir()} == {"x.npz", "small.hwqnet", "out.npz", "layers"}


@pytest.mark.parametrize("when", ["in the first piece", "later"])
@pytest.mark.usefixtures("interruptible")
def test_interrupted_runs_save_what_they_have(
    capsys: Capture, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    x = small_samples(200)
    data, out = save(tmp_path / "x.npz", x=x), tmp_path / "out.npz"
    execute = Emulator.run
    calls = []

    def interrupt(self: Emulator, piece: np.ndarray) -> np.ndarray:
        calls.append(len(piece))
        # The first call is the warming up.
        if len(calls) == (2 if when == "in the first piece" else 3):
            os.kill(os.getpid(), signal.SIGINT)
        return execute(self, piece)

    monkeypatch.setattr(Emulator, "run", interrupt)
    message = refused(capsys, "run", model, "--data", data, "--save", out, "--json", code=130)
    count = 32 if when == "in the first piece" else 96
    assert message == f"hwq: interrupted after {count} of 200 samples; {out} holds those\n"
    np.testing.assert_array_equal(np.load(out)["y"], expected(x[:count]))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_ends_at_once(
    capsys: Capture, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = save(tmp_path / "x.npz", x=small_samples(200)), tmp_path / "out.npz"

    def interrupt(self: Emulator, piece: np.ndarray) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not interrupted")

    monkeypatch.setattr(Emulator, "run", interrupt)
    assert refused(capsys, "run", model, "--data", data, "--save", out, code=130) == "hwq: interrupted\n"
    assert {path.name for path in tmp_path.iterdir()} == {"x.npz", "small.hwqnet"}


def test_an_ignored_interrupt_stays_ignored(
    capsys: Capture, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    data, out = save(tmp_path / "x.npz", x=small_samples(40)), tmp_path / "out.npz"
    execute = Emulator.run

    def interrupt(self: Emulator, piece: np.ndarray) -> np.ndarray:
        os.kill(os.getpid(), signal.SIGINT)
        return execute(self, piece)

    monkeypatch.setattr(Emulator, "run", interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert run_cli(capsys, "run", model, "--data", data, "--save", out).code == 0
    assert len(np.load(out)["y"]) == 40


def test_memory_does_not_grow_with_the_samples(tmp_path: Path) -> None:
    # 60 million samples' worth of nothing would be 11 GB; a tenth of a percent of that already shows.
    model = small_model(tmp_path)
    peaks = []
    for count in (1_000, 60_000):
        data = save(tmp_path / f"{count}.npz", x=np.zeros((count, 8, 6, 4), np.float64))
        code = (
            "import resource, sys; from hwq.cli.app import main; code = main(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "run", str(model), "--data", str(data), "--save", str(tmp_path / "o.npz")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stderr.splitlines()[-1]) / 1024)
    # The larger file alone is 88 MiB.
    assert peaks[1] - peaks[0] < 60, peaks


@pytest.mark.usefixtures("interruptible")
def test_interrupt_of_the_real_process(tmp_path: Path) -> None:
    model = official_model("ic")
    x = np.random.default_rng(3).integers(-128, 128, (40_000, 32, 32, 3), dtype=np.int8)
    data, out = save(tmp_path / "x.npz", x=x), tmp_path / "out.npz"
    process = subprocess.Popen(
        [sys.executable, "-m", "hwq", "run", str(model), "--data", str(data), "--save", str(out), "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Interrupt once some outputs are on disk.
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 4096 for path in tmp_path.glob(".out.npz.*")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed == ""
    count = int(said.split("interrupted after ")[1].split(" of ")[0].replace(",", ""))
    assert said == f"hwq: interrupted after {count:,} of 40,000 samples; {out} holds those\n"
    assert np.load(out)["y"].shape == (count, 10)
