"""Sweep files: what they mean, and every fault of one at once, in its line and with the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.cost.device import DEVICES, load_device
from hwq.errors import ConfigError
from hwq.explore.document import Sweep, load_sweep
from hwq.explore.space import grid


def load(folder: Path, text: str) -> Sweep:
    (folder / "base.yaml").write_text("model: m.tflite\narray: {rows: 4}\n", encoding="utf-8")
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return load_sweep(path)


def faults(folder: Path, text: str) -> list[str]:
    """The lines of the message, without the file's name."""
    with pytest.raises(ConfigError) as raised:
        load(folder, text)
    lines = [
        line for line in str(raised.value).splitlines() if not line.endswith("faults in " + str(folder / "s.yaml"))
    ]
    return [line.removeprefix(f"{folder / 's.yaml'}:") for line in lines]


def test_every_form_of_an_axis(tmp_path: Path) -> None:
    sweep = load(
        tmp_path,
        """
base: base.yaml
axes:
  array.rows: [4, 8]
  array.columns: {range: [2, 7, 2]}
  requantizer.lanes: {values: [1, null], when: {array.columns: [2, 4], array.rows: 8}}
  size:
    presets:
      small: {buffers.weights: 1024, buffers.channels: 64}
      large: {buffers.weights: 65536}
    when: {requantizer.lanes: null}
objectives: [cycles, memory]
constraints: [cycles <= 60000 and array.rows == 8, "size == 'small' or buffers.weights > 3"]
clock_mhz: 62.5
samples: 20
""",
    )
    labels = [place.labels for place in grid(sweep.axes)]
    assert [tuple(label.values()) for label in labels] == [
        (4, 2), (4, 4), (4, 6),
        (8, 2, 1), (8, 2, None, "small"), (8, 2, None, "large"),
        (8, 4, 1), (8, 4, None, "small"), (8, 4, None, "large"),
        (8, 6),
    ]  # fmt: skip
    settings = [place.settings for place in grid(sweep.axes)]
    assert settings[4] == {
        "array.rows": 8, "array.columns": 2, "requantizer.lanes": None, "buffers.weights": 1024, "buffers.channels": 64
    }  # fmt: skip
    assert settings[0] == {"array.rows": 4, "array.columns": 2}
    assert (sweep.objectives, sweep.clock_mhz, sweep.samples) == (("cycles", "memory"), 62.5, 20)
    assert [condition.text for condition in sweep.constraints] == [
        "cycles <= 60000 and array.rows == 8",
        "size == 'small' or buffers.weights > 3",
    ]
    assert sweep.points is None


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    sweep = load(tmp_path, "base: base.yaml\naxes: {array.rows: [4, 8]}\n")
    assert (sweep.objectives, sweep.constraints, sweep.clock_mhz) == (("accuracy", "cycles"), (), 100.0)
    assert (sweep.points, sweep.seed, sweep.samples) == (None, 0, None)


def test_a_device_by_name_or_by_path(tmp_path: Path) -> None:
    text = "base: base.yaml\naxes: {array.rows: [4]}\nobjectives: [dsp]\nconstraints: [power <= 100]\ndevice: "
    assert load(tmp_path, f"{text}zynq-7020\n").device == load_device("zynq-7020")
    mine = (DEVICES / "ecp5-25k.yaml").read_text(encoding="utf-8").replace("static_watts: 0.085", "static_watts: 0.5")
    (tmp_path / "mine.yaml").write_text(mine, encoding="utf-8")
    device = load(tmp_path, f"{text}mine.yaml\n").device
    assert device is not None and (device.name, device.static_watts) == ("mine", 0.5)


def test_ranges_go_both_ways(tmp_path: Path) -> None:
    sweep = load(tmp_path, "base: base.yaml\naxes: {array.rows: {range: [8, 2, -3]}, array.columns: {range: [1, 3]}}\n")
    assert [[choice.label for choice in axis.choices] for axis in sweep.axes] == [[8, 5, 2], [1, 2, 3]]


def test_every_fault_at_once(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        """bse: base.yaml
axes:
  array.row: [4]
  array.columns: 8
  array: [1]
  arithmetic.accumulator_bits: {range: [20, 32, -1]}
  requantizer.lanes: {value: [1, 2]}
  buffers.weights: {values: [16, 16], when: {array.columms: 3}}
  size: {presets: {small: {buffers.weights: 32, bufers.channels: 3}}}
  model: []
strategy: gird
objectives: [cycels, cycles, cycles]
constraints: [cycles = 3, acuracy > 1]
clock_mhz: fast
samples: 0
""",
    ) == [
        "1: base is required: the project that the axes change",
        "1: bse: unknown key; did you mean base?",
        "3: axes.array.row: no key of a project; did you mean array.rows?",
        (
            "4: axes.array.columns: must be a list of values: array.columns: [first, second], or array.columns: "
            "{range: [first, last, step]}"
        ),
        "5: axes.array: is a section of a project; its keys are array.rows, array.columns, array.product_register",
        "6: axes.arithmetic.accumulator_bits.range: never comes from 20 to 32 by steps of -1",
        "7: axes.requantizer.lanes: has no values; an axis has one of values, range [first, last, step] or presets",
        "7: axes.requantizer.lanes.value: unknown key; did you mean values?",
        "8: axes.buffers.weights.values.1: is given twice: 16",
        "8: axes.buffers.weights.when.array.columms: names no axis above this one; did you mean array.columns?",
        "9: axes.size: sets buffers.weights, which is set by axis buffers.weights too",
        "9: axes.size.presets.small.bufers.channels: no key of a project; did you mean buffers.channels?",
        "10: axes.model: must be a list of values: model: [first, second], or model: {range: [first, last, step]}",
        "11: strategy: must be grid or random, not 'gird'",
        "12: objectives.0: no figure 'cycels'; did you mean cycles?",
        "12: objectives.2: is given twice: cycles",
        "13: constraints.0: is no condition: 'cycles = 3'; equality is ==",
        "13: constraints.1: no name 'acuracy'; did you mean accuracy?",
        "14: clock_mhz: must be a number of MHz from 0.001 to 100000, not 'fast'",
        "15: samples: must be an integer from 1 to 1,000,000, not 0",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("base: b.yaml\naxes: {array.rows: [1]}", "1: base: no such file: {folder}/b.yaml"),
        ("base: .\naxes: {array.rows: [1]}", "1: base: not a file: {folder}"),
        ("base: base.yaml", "1: axes is required: the keys of the project that vary"),
        ("base: base.yaml\naxes: {}", "2: axes: must be a mapping of keys of a project to their values"),
        ("base: base.yaml\naxes: {array.rows: [[1]]}", ("2: axes.array.rows.0: must be a number, a text, true, "
         "false or null")),
        ("base: base.yaml\naxes: {array.rows: {range: [1, 2.5]}}", ("2: axes.array.rows.range: must be [first, last, "
         "step]: integers, last included where a step meets it")),
        ("base: base.yaml\naxes: {array.rows: {range: [1, 9], values: [1]}}", ("2: axes.array.rows: has values and "
         "range; an axis has one of values, range [first, last, step] or presets")),
        ("base: base.yaml\naxes: {a: {presets: {}}}", ("2: axes.a.presets: must be a mapping of names to keys of a "
         "project: small: {{array.rows: 4}}")),
        ("base: base.yaml\naxes: {a: {presets: {b: 3}}}", ("2: axes.a.presets.b: must be a mapping of keys of a "
         "project to values: {{array.rows: 4}}")),
        ("base: base.yaml\naxes: {cycles: {presets: {b: {array.rows: 3}}}}", ("2: axes.cycles: presets need a name of "
         "their own: letters, digits and _, no key of a project")),
        (
            "base: base.yaml\naxes: {array: {presets: {b: {array.rows: 3}}}}",
            "2: axes.array: presets need a name of their own: letters, digits and _, no key of a project",
        ),
        ("base: base.yaml\naxes: {array.rows: {values: [4], when: {array.rows: 4}}}", ("2: axes.array.rows.when."
         "array.rows: names no axis above this one; this is the first axis")),
        ("base: base.yaml\naxes: {array.rows: [4, 8], array.columns: {values: [4], when: {array.rows: true}}}",
         "2: axes.array.columns.when.array.rows: is never true; its values are 4, 8"),
        ("base: base.yaml\naxes: {array.rows: [1]}\nstrategy: random", ("1: points is required with strategy: random: "
         "how many to draw")),
        ("base: base.yaml\naxes: {array.rows: [1]}\npoints: 3", ("3: points: says nothing with strategy: grid; "
         "strategy: random draws that many")),
        ("base: base.yaml\naxes: {array.rows: [1]}\nstrategy: random\npoints: 1000000", ("4: points: must be an "
         "integer from 1 to 100,000, not 1000000")),
        ("base: base.yaml\naxes: {array.rows: {range: [1, 400]}, array.columns: {range: [1, 400]}}",
         "2: axes: have more than 100,000 points; strategy: random with points: N draws N"),
        ("base: base.yaml\naxes: {array.rows: {range: [1, 4000000000000]}}", ("2: axes.array.rows.range: has more "
         "than 100,000 values")),
        ("base: base.yaml\naxes: {array.rows: [1]}\nobjectives: speed", ("3: objectives: must be a list of figures; "
         "valid are accuracy, agreement, overflows, cycles, latency, utilization, multipliers, memory, memory_used, "
         "host_layers, energy, power, lut, ff, bram, dsp")),
        ("base: base.yaml\naxes: {array.rows: [1]}\nconstraints: cycles < 3", ("3: constraints: must be a list of "
         "conditions: [cycles <= 60000, accuracy >= 0.9]")),
        ("base: base.yaml\naxes: {array.rows: [1]}\nobjectives: [energy, cycles]",
         "3: objectives: energy is a figure of a device; say which: device: ecp5-25k"),
        ("base: base.yaml\naxes: {array.rows: [1]}\nconstraints: [cycles < 3 or 2 * dsp < 8]",
         "3: constraints: dsp is a figure of a device; say which: device: ecp5-25k"),
        ("base: base.yaml\naxes: {array.rows: [1]}\ndevice: ecp5-26k", ("3: device: no device 'ecp5-26k' (nor the path "
         "of a .yaml); did you mean ecp5-25k?")),
        ("base: base.yaml\naxes: {array.rows: [1]}\ndevice: 3", ("3: device: must be the name of a device or the path "
         "of its .yaml, not 3")),
        ("base: base.yaml\naxes: {array.rows: [1]}\nconstraints: [3]", "3: constraints.0: must be a condition, not 3"),
    ],
)  # fmt: skip
def test_one_fault(tmp_path: Path, text: str, fault: str) -> None:
    assert faults(tmp_path, text + "\n") == [fault.format(folder=tmp_path)]


def test_a_base_with_faults_is_told_with_its_own(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("model: m\narray: {row: 3}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.yaml:2: array\.row: unknown key; did you mean rows\?"):
        load(tmp_path, "base: bad.yaml\naxes: {array.rows: [1]}\n")
