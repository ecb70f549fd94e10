"""Faults of the kind that designers make, planted one by one in an accelerator with every engine: each is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.schedule.runs import WHOLE
from hwq.verify.design import lower_design
from tests.support.every_engine import ACCELERATOR, every_engine_network
from tests.support.faults import Edit, Mutation, assigned, registered, without_carry
from tests.support.planted import Planted, numbered

ADDRESS = ACCELERATOR.element_address_bits


def operand_b_takes(field: str) -> tuple[Edit, ...]:
    """Scale operand B by operand A's ``field``, in both lanes."""
    return tuple(
        (
            rf"(scaler_b_{lane} \([^;]*?\.{field}\()([^)]*)\)",
            rf"\1CHOSEN ? command__descriptor__{field}_a : \2)",
        )
        for lane in range(ACCELERATOR.lanes)
    )


MUTATIONS = (
    # -- addresses ----------------------------------------------------------------------------------------------------
    Mutation(
        "the array loses an address carry",
        "hwq_addresses",
        "wide_layer",
        without_carry("address_sum", "elements_1", "x_1", ADDRESS),
        quick=True,
    ),
    Mutation(
        "the depthwise stream loses an address carry",
        "hwq_depthwise_stream",
        "deep_layer",
        without_carry("next_address", "address", "descriptor__in_step", ADDRESS),
    ),
    Mutation(
        "pooling loses an address carry",
        "hwq_pooling_engine",
        "pooled_layer",
        without_carry("next_address", "read__address", "distance", ADDRESS),
    ),
    Mutation(
        "addition loses an address carry",
        "hwq_elementwise_engine",
        "sum_layer",
        assigned("address_beyond", f"{{ read__address[{ADDRESS - 1}:6], RIGHT[5:0] }}"),
    ),
    Mutation(
        "activation memory loses the carry into the word after",
        "hwq_activations",
        "wide_layer",
        assigned("read_row_sum", f"{{ read__address[{ADDRESS - 1}:6], RIGHT[2:0] }}"),
    ),
    Mutation(
        "the table's upper half is written over its lower half",
        "hwq_table_engine",
        "active_layer",
        assigned("next_entry", "{ entry[7], RIGHT[6:0] }"),
    ),
    # -- borders ------------------------------------------------------------------------------------------------------
    Mutation(
        "the depthwise window swaps two rows",
        "hwq_depthwise_window",
        "deep_layer",
        (*assigned("above_0", "lines__read_data[63:32]"), *assigned("above_1", "lines__read_data[31:0]")),
        quick=True,
    ),
    Mutation(
        "depthwise takes what lies left of the image",
        "hwq_depthwise_stream",
        "deep_layer",
        registered("x_0_inside", "($signed(x_0) < 0) | RIGHT"),
        quick=True,
    ),
    Mutation(
        "depthwise takes what lies above the image",
        "hwq_depthwise_stream",
        "deep_layer",
        registered("y_0_inside", "($signed(y_0) < 0) | RIGHT"),
    ),
    Mutation(
        "the array takes what lies left of the image",
        "hwq_addresses",
        "wide_layer",
        (*registered("before_3", "2'h0"), *registered("before_3_all", "1'h0")),
    ),
    Mutation(
        "the array takes what lies above and below the image",
        "hwq_addresses",
        "wide_layer",
        registered("inside_3", "($signed(room_2) >= 0)"),
        quick=True,
    ),
    Mutation(
        "pooling takes what lies outside the image",
        "hwq_pooling_engine",
        "pooled_layer",
        registered("outside_2", "1'h0"),
    ),
    Mutation(
        "an average counts padding",
        "hwq_pooling_engine",
        "pooled_layer",
        assigned("next_record", "(first_2 ? command__descriptor__record_base : window_record)"),
        quick=True,
    ),
    # -- scales and records -------------------------------------------------------------------------------------------
    Mutation(
        "operand B has operand A's multiplier",
        "hwq_elementwise_engine",
        "sum_layer",
        operand_b_takes("multiplier"),
        quick=True,
    ),
    Mutation(
        "operand B has operand A's shift",
        "hwq_elementwise_engine",
        "sum_layer",
        operand_b_takes("shift"),
    ),
    Mutation(
        "every block of the array has the first one's records",
        "hwq_drain",
        "wide_layer",
        assigned("next_base", "descriptor__record_base"),
        quick=True,
    ),
    Mutation(
        "every depthwise group has the first one's record",
        "hwq_depthwise_groups",
        "deep_layer",
        assigned("next_record", "group_record"),
    ),
    # -- waits --------------------------------------------------------------------------------------------------------
    Mutation(
        "the array does not wait for a bank",
        "hwq_addresses",
        "branch_layer",
        assigned("other_free", "1'h1"),
        quick=True,
    ),
    Mutation(
        "pooling does not wait for the groups",
        "hwq_pooling_engine",
        "framed_layer",
        ((r"(window_last & )busy;", r"\1(busy & ~(CHOSEN));"),),
        quick=True,
    ),
    Mutation(
        "depthwise does not wait for weights",
        "hwq_depthwise_stream",
        "deep_layer",
        assigned("loaded", "1'h1"),
    ),
    # -- the last group -----------------------------------------------------------------------------------------------
    Mutation("the array writes all lanes of the last group", "hwq_drain", "wide_layer", registered("mask", "2'h3")),
    Mutation(
        "depthwise writes all lanes of the last group",
        "hwq_depthwise_groups",
        "deep_layer",
        registered("mask", "2'h3"),
        quick=True,
    ),
    Mutation(
        "pooling writes all lanes of the last group",
        "hwq_pooling_engine",
        "pooled_layer",
        registered("result__mask", "2'h3"),
    ),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    design = lower_design(every_engine_network(), ACCELERATOR)
    return Planted(design, MUTATIONS, tmp_path_factory.mktemp("mutations"))


def test_nothing_is_found_where_none_is_chosen(bench: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {found.engine for found in bench.design.assigned} == {None, *ACCELERATOR.engines}
    report = bench.run(0, tmp_path, monkeypatch)
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    assert report.network is not None


@pytest.mark.parametrize("number", numbered(MUTATIONS))
def test_a_mutation_is_found(number: int, bench: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = bench.run(number, tmp_path, monkeypatch)
    assert not report.match
    wrong = {run.name for run in report.runs if not run.match}
    assert wrong >= {MUTATIONS[number - 1].found_in, WHOLE}
