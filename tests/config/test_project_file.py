"""Project files: what is accepted, and every way in which one can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.parameters import InputZeroPoint
from hwq.config.document import MAX_BYTES
from hwq.config.project import load_project
from hwq.errors import ConfigError


def write(folder: Path, text: str | bytes, name: str = "p.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(folder: Path, text: str | bytes) -> list[str]:
    """The faults of a file, as ``line: path: text``."""
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_project(path)
    message = str(caught.value)
    lines = [line for line in message.splitlines() if not line.endswith(f"faults in {path}")]
    assert all(line.startswith(str(path)) for line in lines), message
    if len(lines) > 1:
        assert message.splitlines()[0] == f"{len(lines)} faults in {path}"
    return [line.removeprefix(f"{path}:") for line in lines]


def test_model_alone_gives_the_default_accelerator(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, "model: nets/a.tflite\n", "mine.yaml"))
    assert project.name == "mine"
    assert project.model == tmp_path / "nets" / "a.tflite"
    assert project.data is None
    assert project.accelerator == Accelerator()


def test_every_section_reaches_the_accelerator(tmp_path: Path) -> None:
    project = load_project(
        write(
            tmp_path,
            "model: a.tflite\n"
            "data: /data/x.npz\n"
            "array: {rows: 0x10, columns: 012, product_register: false}\n"
            "arithmetic: {contract: double, input_zero_point: subtracted, weight_bits: 4, psum_bits: null}\n"
            "requantizer: {lanes: 6, max_left_shift: 0}\n"
            "buffers: {activations: 1024, weights: 2048, channels: 64, descriptors: 8, accumulators: 16}\n",
        )
    )
    a = project.accelerator
    assert project.data_path == Path("/data/x.npz")
    # 012 is decimal: no octal surprise.
    assert (a.array.rows, a.array.columns, a.array.product_register) == (16, 12, False)
    assert a.arithmetic.input_zero_point is InputZeroPoint.SUBTRACTED
    assert (a.arithmetic.weight_bits, a.arithmetic.psum_bits) == (4, None)
    assert (a.requantizer.lanes, a.requantizer.max_left_shift) == (6, 0)
    b = a.buffers
    assert (b.activations, b.weights, b.channels, b.descriptors, b.accumulators) == (1024, 2048, 64, 8, 16)


def test_all_faults_at_once_with_line_and_nearest_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWQ_NOT_SET", raising=False)
    found = refusal(
        tmp_path,
        "model: ${HWQ_NOT_SET}/x.tflite\n"
        "modle: 3\n"
        "array:\n"
        "  rows: 999\n"
        "  colums: 16\n"
        "  product_register: yes\n"
        "arithmetic:\n"
        "  input_zero_point: foldd\n"
        "  contract: fp32he\n"
        "  psum_bits: eight\n"
        "requantizer: [1, 2]\n"
        "buffers:\n"
        "  weights: 1.5\n"
        "  channels:\n",
    )
    assert found == [
        "1: model: the environment variable HWQ_NOT_SET is not set",
        "2: modle: unknown key; did you mean model?",
        "4: array.rows: must be an integer from 1 to 256, not 999",
        "5: array.colums: unknown key; did you mean columns?",
        "6: array.product_register: must be true or false, not 'yes'",
        "8: arithmetic.input_zero_point: must be one of folded, subtracted, not 'foldd'; did you mean folded?",
        "9: arithmetic.contract: must be one of double, up2, single, plain, shift, not 'fp32he'",
        "10: arithmetic.psum_bits: must be an integer from 4 to 48, not 'eight'",
        "11: requantizer: must be a mapping of keys to values, not a list",
        "13: buffers.weights: must be an integer from 16 to 16777216, not 1.5",
        "14: buffers.channels: must be an integer from 1 to 65536, not null",
    ]


def test_faults_are_pairs_of_path_and_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_project(write(tmp_path, "model: a\narray: {rows: 0}\n"))
    assert caught.value.faults == (("array.rows", "must be an integer from 1 to 256, not 0"),)


def test_contradictions_between_parameters(tmp_path: Path) -> None:
    assert refusal(
        tmp_path,
        "model: a\narray:\n  columns: 8\nrequantizer:\n  lanes: 3\narithmetic: {psum_bits: 30, accumulator_bits: 20}\n",
    ) == [
        "5: requantizer.lanes: must divide array.columns (8), not 3",
        "6: arithmetic.psum_bits: must not exceed accumulator_bits (20), not 30",
    ]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("{bitz: 2}", "truncate.bitz: unknown key; did you mean bits?"),
        ("3", "truncate: must be a mapping of keys to values, not 3"),
        ("{bits: null}", "truncate.bits: must be an integer from 0 to 15, not null"),
        ("{bits: 16}", "truncate.bits: must be an integer from 0 to 15, not 16"),
    ],
)
def test_faults_of_a_section_in_a_section(tmp_path: Path, value: str, fault: str) -> None:
    assert refusal(tmp_path, f"model: a\narithmetic: {{truncate: {value}}}\n") == [f"2: arithmetic.{fault}"]


def test_where_every_sum_is_fitted_it_has_one_width(tmp_path: Path) -> None:
    text = "model: a\narithmetic: {{overflow: saturate, granularity: mac, psum_bits: {}, accumulator_bits: 20}}\n"
    assert refusal(tmp_path, text.format(18)) == [
        "2: arithmetic.psum_bits: must be null or 20, as accumulator_bits, where granularity is mac, not 18"
    ]
    assert load_project(write(tmp_path, text.format(20))).accelerator.psum_bits == 20
    wider = "model: a\narithmetic: {overflow: wrap, psum_bits: 30, accumulator_bits: 20}\n"
    assert load_project(write(tmp_path, wider)).accelerator.arithmetic.psum_bits == 30


def test_no_contradiction_is_made_up_from_a_faulty_section(tmp_path: Path) -> None:
    # Lanes of 16 divide the 32 columns that were meant.
    assert refusal(tmp_path, "model: a\narray: {colums: 32}\nrequantizer: {lanes: 16}\n") == [
        "2: array.colums: unknown key; did you mean columns?"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1: is empty"),
        ("# nothing\n", "1: is empty"),
        ("null\n", "1: is empty"),
        ("- a\n", "1: must be a mapping of keys to values"),
        ("just text\n", "1: must be a mapping of keys to values"),
        ("array: {}\n", "1: model: is required: the network's file"),
        ("model:\n", "1: model: must be the path of a file, not nothing"),
        ("model: ''\n", "1: model: must be the path of a file"),
        ("model: 3\n", "1: model: must be the path of a file, not 3"),
        ("model: [a]\n", "1: model: must be the path of a file, not a list"),
        ("model: a\narray:\n", "2: array: must be a mapping of keys to values, not nothing"),
        ("model: a\nmodel: b\n", "2: model: is given twice, first in line 1"),
        ("model: a\narray: {rows: 8,\n  rows: 8}\n", "3: array.rows: is given twice, first in line 2"),
        ("model: a\narray: &x {}\n", "2: array: anchors (&name) are not supported"),
        ("model: !!python/object/apply:os.system [ls]\n", "not supported"),
        ("model: !secret a\n", "1: model: tags (!secret) are not supported"),
        ("model: a\n<<: {a: b}\n", "2: <<: unknown key; valid are model, data, array"),
        ("model: a\n1: b\n", "2: 1: unknown key"),
        ("model: a\n? [a, b]\n: c\n", "2: a key must be plain text"),
        ("model: a\n---\nmodel: b\n", "2: holds a second document"),
        ("model: 'a\n", "not YAML: found unexpected end of stream"),
        (
            "model: a\narray:\n\trows: 8\n",
            "3: not YAML: found character '\\t' that cannot start any token; indent with",
        ),
        ("model: a\n  b: c\n", "2: not YAML: mapping values are not allowed here"),
        ("%YAML 1.999\n---\nmodel: a\narray: {rows: 0}\n", "4: array.rows: must be an integer from 1 to 256, not 0"),
        ('model: "\\U7fffffff"\n', "1: not YAML"),
        ('model: "\\ud800"\n', "1: model: must be the path of a file, not '\\ud800'"),
        ('model: "a\\0b"\n', "1: model: holds characters that no path should"),
        ("model: ${A\n", "1: model: '${A' is not a variable: write ${NAME}"),
        ("model: ${1a}\n", "1: model: '${1a}' is not a variable: write ${NAME}"),
        ("model: a\narray: {rows: 1" + "0" * 60 + "}\n", "2: array.rows: is a number of too many digits"),
        ("model: a\narray: {rows: 1e2}\n", "2: array.rows: must be an integer from 1 to 256, not 100.0"),
        ("model: a\narray: {rows: true}\n", "2: array.rows: must be an integer from 1 to 256, not true"),
        ("model: a\narray: {rows: {a: b}}\n", "2: array.rows: must be an integer from 1 to 256, not {'a': 'b'}"),
        ("[" * 3000, "1: is nested too deeply"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nmodel: m\n", "aliases (*name) are not supported"),
        (b"model: \xff\n", "1: not UTF-8 text (byte 0xff)"),
        (b"model: a\x07\n", "1: not YAML"),
    ],
)
def test_one_wrong_file(tmp_path: Path, text: str | bytes, fault: str) -> None:
    found = refusal(tmp_path, text)
    assert any(fault in line for line in found), found


def test_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    assert load_project(write(tmp_path, b"\xef\xbb\xbfmodel: a\n")).model == tmp_path / "a"


def test_places_that_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_project(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="not a file"):
        load_project(tmp_path)
    with pytest.raises(ConfigError, match="larger than"):
        load_project(write(tmp_path, "#" * (MAX_BYTES + 1)))


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "model: a\n")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=f"{path}: Permission denied"):
        load_project(path)


def test_variables_and_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MODELS", "/models")
    monkeypatch.setenv("HWQ_KIND", "int8")
    project = load_project(write(tmp_path, "model: ${HWQ_MODELS}/kws_${HWQ_KIND}.tflite\ndata: d/${HWQ_KIND}.npz\n"))
    assert project.model == Path("/models/kws_int8.tflite")
    assert project.data_path == tmp_path / "d" / "int8.npz"
    # The shell that set a relative path meant its own folder, not the project's.
    monkeypatch.setenv("HWQ_MODELS", "models")
    assert load_project(tmp_path / "p.yaml").model == Path("models/kws_int8.tflite")
    monkeypatch.setenv("HWQ_KIND", "")
    with pytest.raises(ConfigError, match="HWQ_KIND is empty"):
        load_project(tmp_path / "p.yaml")


def test_a_dollar_alone_is_part_of_a_name(tmp_path: Path) -> None:
    assert load_project(write(tmp_path, "model: cash$.tflite\n")).model.name == "cash$.tflite"


def test_samples_that_do_not_exist_are_refused_where_they_are_wanted(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, "model: a.tflite\n\ndata: x.npz\n"))
    with pytest.raises(ConfigError) as caught:
        _ = project.data
    assert str(caught.value) == f"{project.path}:3: data: no such file: {tmp_path / 'x.npz'}"
    (tmp_path / "x.npz").mkdir()
    with pytest.raises(ConfigError, match=r"p\.yaml:3: data: not a file: "):
        _ = project.data
    (tmp_path / "x.npz").rmdir()
    write(tmp_path, "", "x.npz")
    assert project.data == tmp_path / "x.npz"


def test_of_very_many_faults_the_first_are_listed(tmp_path: Path) -> None:
    text = "model: a.tflite\n" + "".join(f"k{number}: 1\n" for number in range(5000))
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_project(path)
    lines = str(caught.value).splitlines()
    assert (lines[0], lines[-1], len(lines)) == (f"5000 faults in {path}", "and 4,980 more", 22)
    assert [line.removeprefix(f"{path}:").split(":")[0] for line in lines[1:-1]] == [str(n) for n in range(2, 22)]
    assert len(caught.value.faults) == 5000


def test_engines_are_built_as_asked_for(tmp_path: Path) -> None:
    text = "model: a.tflite\ndepthwise: {rows: 5, line: 32}\npooling: none\n"
    project = load_project(write(tmp_path, text))
    assert project.accelerator.depthwise == DepthwiseParameters(rows=5, line=32)
    assert project.accelerator.pooling is None
    assert project.auto == ("elementwise", "table")
    project = load_project(write(tmp_path, "model: a.tflite\npooling: {}\nelementwise: auto\n"))
    assert project.accelerator.pooling == PoolingParameters()
    assert project.auto == ("depthwise", "elementwise", "table")


@pytest.mark.parametrize(
    "value,shown", [("maybe", "'maybe'"), ("null", "nothing"), ("4", "4"), ("[auto]", "a list"), ("true", "True")]
)
def test_an_engine_is_a_mapping_or_a_choice(tmp_path: Path, value: str, shown: str) -> None:
    path = write(tmp_path, f"model: a.tflite\npooling: {value}\n")
    with pytest.raises(ConfigError) as caught:
        load_project(path)
    text = f"pooling: must be auto, none, or a mapping of keys to values, not {shown}"
    assert str(caught.value) == f"{path}:2: {text}"
