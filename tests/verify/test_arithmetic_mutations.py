"""Faults in how sums are fitted and counted, planted one by one: each is found, and neighbors are told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hwq.arch.parameters import ArithmeticParameters
from hwq.numeric.accumulation import SumOverflow
from hwq.verify.design import lower_design
from tests.support.every_engine import ACCELERATOR, every_engine_network
from tests.support.faults import Mutation, assigned
from tests.support.planted import Planted, numbered

ARITHMETIC = ArithmeticParameters(overflow=SumOverflow.SATURATE, psum_bits=13, accumulator_bits=14)
EXACT = 18
"""Bits of a column's exact sum."""

MUTATIONS = (
    Mutation("a column's foot wraps", "hwq_array", "wide_layer", assigned("foot_0", "foot_0_exact[12:0]"), quick=True),
    Mutation(
        "a column's foot saturates symmetrically",
        "hwq_array",
        "wide_layer",
        assigned("foot_0", "RIGHT == 13'h1000 ? 13'h1001 : RIGHT"),
    ),
    Mutation(
        "an accumulator wraps", "hwq_accumulator", "wide_layer", assigned("sum_0", "sum_0_exact[13:0]"), quick=True
    ),
    Mutation(
        "an accumulator saturates symmetrically",
        "hwq_accumulator",
        "wide_layer",
        assigned("sum_0", "RIGHT == 14'h2000 ? 14'h2001 : RIGHT"),
    ),
    Mutation(
        "an accumulator takes the other limit", "hwq_accumulator", "wide_layer", assigned("sum_0_limit", "~RIGHT")
    ),
    Mutation(
        "a depthwise sum wraps", "hwq_depthwise_taps", "deep_layer", assigned("psum_sum", "psum_sum_exact[12:0]"), True
    ),
    Mutation("a psum that did not fit is not counted", "hwq_array", "wide_layer", assigned("foot_1_out", "1'b0")),
    Mutation("a count is lost", "hwq_overflows", "wide_layer", assigned("psum_sum", "RIGHT - RIGHT[0]"), quick=True),
    Mutation(
        "counters go on from one descriptor to the next",
        "hwq_overflows",
        "deep_layer",
        (
            (
                r"\.write_data\(\{ clamp_counter, (\w+), (\w+) \}\)",
                r".write_data({ clamp_counter, \1, CHOSEN ? \1 : \2 })",
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    design = lower_design(every_engine_network(), replace(ACCELERATOR, arithmetic=ARITHMETIC))
    return Planted(design, MUTATIONS, tmp_path_factory.mktemp("mutations"))


def test_nothing_is_found_where_none_is_chosen(bench: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = bench.run(0, tmp_path, monkeypatch)
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    assert report.network is not None and report.network.counts is not None
    layers = [run.counts for run in report.layers if run.counts is not None]
    assert report.network.counts == tuple(map(sum, zip(*layers, strict=True)))
    assert all(report.network.counts[:2])


@pytest.mark.parametrize("number", numbered(MUTATIONS))
def test_a_mutation_is_found(number: int, bench: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = bench.run(number, tmp_path, monkeypatch)
    assert not report.match
    assert MUTATIONS[number - 1].found_in in {run.name for run in report.runs if not run.match}
