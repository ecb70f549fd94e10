"""Descriptor ports and the record's layout, derived from the one definition in ``arch.isa``."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Shape, unsigned
from amaranth.hdl import signed as signed_shape
from amaranth.lib import data
from amaranth.lib.wiring import Out, Signature

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.gateware.ram import address_bits


def width_of(field: str) -> int:
    """Bits of a descriptor field."""
    return isa.FIELDS[field].width


def field_shape(field: str, accelerator: Accelerator) -> Shape:
    """Shape of a descriptor field; what memories or codes bound is cut to their width."""
    elements = address_bits(accelerator.word * accelerator.activation_words)
    narrow = {
        "in_base": elements,
        "y_step_elements": elements,
        "ky_step_elements": elements,
        "out_base": elements,
        "out_step": elements,
        "in_first": elements,
        "in_step": elements,
        "weight_base": address_bits(accelerator.weight_words),
        "record_base": address_bits(accelerator.record_words),
        "record_row_step": address_bits(accelerator.record_words),
        "column_elements": elements,
        "row_elements": elements,
        "pixel_elements": elements,
        "line_elements": elements,
        "block_elements": elements,
        "out_block_step": elements,
        "base_a": elements,
        "base_b": elements,
        "weight_packing": (len(accelerator.weight_fields) - 1).bit_length(),
    }
    definition = isa.FIELDS[field]
    if field in narrow:
        return unsigned(min(narrow[field], definition.width))
    if field in ("in_zero_point", "fill", "zero_point_a", "zero_point_b"):
        return signed_shape(accelerator.activation.width)
    return signed_shape(definition.width) if definition.signed else unsigned(definition.width)


def kept_fields(accelerator: Accelerator, opcode: isa.Opcode) -> tuple[str, ...]:
    """Names of the fields of a descriptor that this accelerator looks at; the bits of others have to be 0."""
    absent = () if accelerator.packs_weights else ("weight_packing",)
    return tuple(name for name in isa.LAYOUTS[opcode].fields if name not in absent)


def descriptor_signature(accelerator: Accelerator, opcode: isa.Opcode, *fields: str) -> Signature:
    """A port that carries ``fields`` of a descriptor of ``opcode``, or all of them where none are named."""
    names = fields or tuple(name for name in kept_fields(accelerator, opcode) if name != "opcode")
    return Signature({name: Out(field_shape(name, accelerator)) for name in names})


def shown_fields(target: Any, source: Any) -> list[Any]:
    """Statements that show ``target`` the descriptor fields that it asks for, out of ``source``, which has more."""
    return [getattr(target, name).eq(getattr(source, name)) for name in target.signature.members]


def record_shape(accelerator: Accelerator) -> data.StructLayout:
    """Layout of one channel's record; fields are adjacent, as in ``arch.isa``."""
    return data.StructLayout(
        {
            name: signed_shape(place.field.width) if place.field.signed else unsigned(place.field.width)
            for name, place in accelerator.record.fields.items()
        }
    )
