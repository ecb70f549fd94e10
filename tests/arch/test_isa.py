"""Layouts of descriptors and records, and the register map."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwq.arch import isa
from hwq.arch.layout import Field, Layout


@pytest.mark.parametrize("layout", [*isa.LAYOUTS.values(), isa.RECORD])
def test_fields_do_not_overlap(layout: Layout) -> None:
    taken: set[int] = set()
    for place in layout.fields.values():
        bits = set(range(place.offset, place.offset + place.field.width))
        assert not bits & taken
        taken |= bits
    assert max(taken) < layout.bits


def test_no_descriptor_field_straddles_a_word() -> None:
    for layout in isa.LAYOUTS.values():
        for place in layout.fields.values():
            assert place.lsb + place.field.width <= isa.WORD_BITS


def test_a_name_means_the_same_in_every_layout() -> None:
    for layout in isa.LAYOUTS.values():
        for name, place in layout.fields.items():
            assert place.field == isa.FIELDS[name]


def test_every_descriptor_begins_with_its_opcode() -> None:
    assert set(isa.LAYOUTS) == set(isa.Opcode)
    assert all(layout.fields["opcode"].offset == 0 for layout in isa.LAYOUTS.values())


def _values(layout: Layout) -> st.SearchStrategy[dict[str, int]]:
    ranges = {}
    for name, place in layout.fields.items():
        width = place.field.width
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if place.field.signed else (0, (1 << width) - 1)
        ranges[name] = st.integers(low, high)
    return st.fixed_dictionaries(ranges)


@given(st.sampled_from(isa.Opcode).flatmap(lambda code: st.tuples(st.just(code), _values(isa.LAYOUTS[code]))))
def test_descriptors_round_trip(drawn: tuple[isa.Opcode, dict[str, int]]) -> None:
    opcode, values = drawn
    values = {**values, "opcode": opcode.value}
    words = isa.descriptor_words(values)
    assert len(words) == isa.DESCRIPTOR_WORDS
    assert all(0 <= word < 1 << isa.WORD_BITS for word in words)
    assert isa.descriptor_fields(words) == values


@given(_values(isa.RECORD))
def test_records_round_trip(values: dict[str, int]) -> None:
    assert isa.RECORD.unpack(isa.RECORD.pack(values)) == values


@pytest.mark.parametrize(
    "values,message",
    [
        ({"shift": 32}, "field 'shift' holds -32 to 31, not 32"),
        ({"multiplier": -1}, "field 'multiplier' holds 0 to"),
        ({"scale": 1}, "no field 'scale'"),
    ],
)
def test_what_does_not_fit_a_record_is_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        isa.RECORD.pack(values)


def test_a_field_that_would_straddle_moves_to_the_next_word() -> None:
    layout = Layout((Field("a", 6, False, ""), Field("b", 4, False, ""), Field("c", 1, False, "")), 8)
    assert [layout.fields[name].offset for name in "abc"] == [0, 8, 12]
    assert layout.words == 2


def test_registers_are_described_and_aligned() -> None:
    assert set(isa.REGISTERS) == set(isa.Register)
    offsets = [register.value for register in isa.Register]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
