"""The committed Verilog is what is emitted today, so that every change of the hardware shows in review."""

from __future__ import annotations

import difflib
from itertools import islice

import pytest

from hwq.export.verilog import emit_verilog
from tests.golden.verilog import CONFIGURATIONS, FOLDER, path_of


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_emitted_verilog_is_the_golden(name: str) -> None:
    emitted = emit_verilog(CONFIGURATIONS[name]).splitlines()
    golden = path_of(name).read_text(encoding="utf-8").splitlines()
    difference = list(islice(difflib.unified_diff(golden, emitted, "golden", "emitted", lineterm="", n=1), 40))
    assert not difference, "make golden writes it anew; the diff belongs into the review:\n" + "\n".join(difference)


def test_every_golden_has_a_configuration() -> None:
    assert {path.stem for path in FOLDER.glob("*.v")} == set(CONFIGURATIONS)
