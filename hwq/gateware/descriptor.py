"""Amaranth layout of the descriptor and the record, derived from the one definition in ``arch.isa``."""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.hdl import signed as signed_shape
from amaranth.lib import data

from hwq.arch import isa


def layout_of(layout: isa.Layout, bits: int) -> data.FlexibleLayout:
    """The fields of ``layout`` at their offsets, in a vector of ``bits`` bits."""
    return data.FlexibleLayout(
        bits,
        {
            name: data.Field(signed_shape(p.field.width) if p.field.signed else unsigned(p.field.width), p.offset)
            for name, p in layout.fields.items()
        },
    )


DESCRIPTOR = layout_of(isa.DESCRIPTOR, isa.DESCRIPTOR.words * isa.WORD_BITS)
RECORD = layout_of(isa.RECORD, isa.RECORD.bits)
