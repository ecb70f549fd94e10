"""The page about accumulators: its data are what hwq computes, and its numbers, tables and plots are of the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwq.certify.reach import accumulator_reach, psum_reach
from hwq.certify.terms import Terms
from hwq.explore.evaluation import schedule
from hwq.frontends import load
from hwq.graph.layers import WeightedLayer
from hwq.schedule.order import ordered_sums
from hwq.schedule.planning import with_engines
from tests.docs.studies import accumulators
from tests.docs.studies.accumulators import SAFE, SAMPLES, Key, compute, known, points
from tests.docs.studies.figures import FIGURES, IMAGES
from tests.docs.tables import DOCS
from tests.support.models import official_file, official_model

TEXT = " ".join((DOCS / "guide" / "accumulators.md").read_text(encoding="utf-8").split())
FOLDER = Path(__file__).parents[2] / "configs" / "projects"

SAMPLE: list[tuple[str, Key]] = [
    ("kws_clamping", ("subtracted", "8x8", "wrap", 16)),
    ("kws_clamping", ("subtracted", "16x16", "saturate per pass", 14)),
    ("kws_clamping", ("subtracted", "8x8", "saturate per MAC", 14)),
    ("kws_clamping", ("folded", "8x8", "wrap from the bias", 15)),
    ("kws_clamping", ("folded", "8x8", "saturate per pass", 18)),
    ("kws_clamping", ("folded", "16x16", "saturate per MAC", 19)),
    ("kws_psums", ("subtracted", "8x8", "saturate", 14)),
    ("kws_psums", ("subtracted", "16x16", "wrap", 15)),
]
"""Cells that are computed anew."""


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_file("kws_test_600.npz").parent))


@pytest.mark.parametrize(("study", "key"), SAMPLE, ids=lambda value: value if isinstance(value, str) else repr(value))
def test_data_are_what_hwq_computes(study: str, key: Key, models: None) -> None:
    assert compute(points(study, FOLDER)[key], FOLDER) == known(study)[key]


@pytest.mark.parametrize("study", accumulators.AXES)
def test_data_are_of_every_point_of_the_sweep(study: str, models: None) -> None:
    assert list(known(study)) == list(points(study, FOLDER))


@pytest.mark.parametrize("name", FIGURES)
def test_plots_are_of_the_data(name: str) -> None:
    assert f"(../img/{name})" in TEXT
    assert (IMAGES / name).read_text(encoding="utf-8") == FIGURES[name](), "make studies draws it anew"


def test_rows_and_columns_of_equal_answers_are_shown_once() -> None:
    found = known("kws_clamping")
    for (zero_point, array, mode, bits), one in found.items():
        if mode in ("wrap", "wrap from the bias"):
            other = found[zero_point, "16x16", mode, bits]
            assert (one.right, one.agreeing) == (other.right, other.agreeing)
        if mode == "saturate per MAC":
            assert one == found[zero_point, "16x16", mode, bits]
        if mode == "wrap from the bias":
            subtracted = found["subtracted", array, mode, bits]
            assert (one.right, one.agreeing) == (subtracted.right, subtracted.agreeing)


def _narrowest(zero_point: str, *modes: str) -> int:
    """Bits from which on no answer is changed, on both arrays."""
    found = known("kws_clamping")
    widths = sorted({key[3] for key in found}, reverse=True)
    good = 99
    for bits in widths:
        if any(found[zero_point, array, mode, bits].agreeing < SAMPLES for array in ("8x8", "16x16") for mode in modes):
            break
        good = bits
    return good


def test_widths_that_the_page_names() -> None:
    plain = ("wrap", "saturate per pass", "saturate per MAC")
    widths = [_narrowest(zero_point, *plain) for zero_point in SAFE]
    assert (
        "{} bits change no answer where the zero-point is subtracted, and {} where it is folded".format(*widths) in TEXT
    )
    assert {_narrowest(zero_point, "wrap from the bias") for zero_point in SAFE} == {17}
    assert "`overflow: wrap` with `bias: initial` changes no answer at 17 bits, subtracted or folded" in TEXT


def test_numbers_that_the_page_names(models: None) -> None:
    found = known("kws_clamping")
    wrapped, saturated = (found["subtracted", "8x8", mode, 17] for mode in ("wrap", "saturate per pass"))
    assert f"Where sums saturate {saturated.overflows:,} of them, at 17 bits, change no answer" in TEXT
    assert f"wrapped, {wrapped.overflows:,} change one" in TEXT
    assert (saturated.agreeing, wrapped.agreeing) == (SAMPLES, SAMPLES - 1)
    least = min(
        found["subtracted", array, mode, 15].right
        for array, mode in (("8x8", "saturate per pass"), ("16x16", "saturate per pass"), ("8x8", "saturate per MAC"))
    )
    exact = found["subtracted", "8x8", "wrap", 24].right
    assert f"loses {(exact - least) / SAMPLES:.1%} of accuracy at 15 bits" in TEXT
    mac, by_pass = (found["subtracted", "8x8", mode, 14].right for mode in ("saturate per MAC", "saturate per pass"))
    assert f"at 14 bits {mac / SAMPLES:.0%} against {by_pass / SAMPLES:.0%}" in TEXT
    shown = [
        int(number.replace(",", "")) for number in re.findall(r"8x8 takes ([\d,]+) cycles instead of ([\d,]+)", TEXT)[0]
    ]
    all_points = points("kws_clamping", FOLDER)
    modes = ("saturate per MAC", "saturate per pass")
    computed = [schedule(all_points["subtracted", "8x8", mode, 17].values, FOLDER)["cycles"] for mode in modes]
    assert shown == computed


def _certified(zero_point: str, mode: str) -> tuple[int, int]:
    """Bits that hold every accumulator and every psum on an 8x8 array, whatever the input."""
    network = load(official_model("kws"))
    point = points("kws_clamping", FOLDER)[zero_point, "8x8", mode, 24]
    accelerator = with_engines(network, point.project.accelerator, point.project.auto)
    sums = ordered_sums(network, accelerator)
    layers = [layer for layer in network.layers if isinstance(layer, WeightedLayer)]
    terms = [Terms(network, layer, sums[layer.name]) for layer in layers]
    psums = [reach.bits for one in terms if (reach := psum_reach(one)) is not None]
    return max(accumulator_reach(one).bits for one in terms), max(psums)


def test_safe_widths_are_the_certificates(models: None) -> None:
    assert {zero_point: _certified(zero_point, "saturate per pass") for zero_point in SAFE} == SAFE
    (subtracted, subtracted_psum), (folded, folded_psum) = SAFE.values()
    (initial,) = {_certified(zero_point, "wrap from the bias")[0] for zero_point in SAFE}
    assert (
        f"The certified widths, for any input at all, are {subtracted} and {folded}; "
        f"with `bias: initial` {initial} either way" in TEXT
    )
    assert f"it certifies {subtracted} bits of accumulator and {subtracted_psum} of psum subtracted" in TEXT
    assert f"of psum subtracted, {folded} and {folded_psum} folded" in TEXT
    front = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert f"where {initial} are certified for any input" in front
