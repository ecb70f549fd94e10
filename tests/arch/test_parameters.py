"""Parameters: every limit is declared once, and every refusal names what is wrong."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.checks import Choice, Nested, Range, limits
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
    TruncateParameters,
)
from hwq.errors import ConfigError
from hwq.numeric.requantize import Contract

KINDS = (ArrayParameters, ArithmeticParameters, TruncateParameters, RequantizerParameters, BufferParameters)


def faults(kind: Any, **values: Any) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        kind(**values)
    assert str(caught.value) == "\n".join(f"{path}: {text}" for path, text in caught.value.faults)
    return dict(caught.value.faults)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_declares_its_limit(kind: type) -> None:
    assert list(limits(kind)) == [field.name for field in fields(kind)]
    kind()


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (ArrayParameters, {"rows": 0}, {"array.rows": "must be an integer from 1 to 256, not 0"}),
        (ArrayParameters, {"columns": 257}, {"array.columns": "must be an integer from 1 to 256, not 257"}),
        (ArrayParameters, {"rows": True}, {"array.rows": "must be an integer from 1 to 256, not True"}),
        (ArrayParameters, {"rows": None}, {"array.rows": "must be an integer from 1 to 256, not None"}),
        (ArrayParameters, {"product_register": 1}, {"array.product_register": "must be true or false, not 1"}),
        (
            ArithmeticParameters,
            {"contract": Contract.FP32HE},
            {"arithmetic.contract": "must be one of double, up2, single, plain, shift, not 'fp32he'"},
        ),
        (
            ArithmeticParameters,
            {"input_zero_point": "none"},
            {"arithmetic.input_zero_point": "must be one of folded, subtracted, not 'none'"},
        ),
        (
            # A text that equals a member is none: the hardware compares by identity.
            ArithmeticParameters,
            {"input_zero_point": "subtracted"},
            {"arithmetic.input_zero_point": "must be one of folded, subtracted, not the text 'subtracted'"},
        ),
        (
            ArithmeticParameters,
            {"activation_bits": 1},
            {"arithmetic.activation_bits": "must be an integer from 2 to 16, not 1"},
        ),
        (
            ArithmeticParameters,
            {"psum_bits": 24, "accumulator_bits": 20},
            {"arithmetic.psum_bits": "must not exceed accumulator_bits (20), not 24"},
        ),
        (
            ArithmeticParameters,
            {"psum_bits": "24", "accumulator_bits": 99},
            {
                "arithmetic.psum_bits": "must be an integer from 4 to 48, not '24'",
                "arithmetic.accumulator_bits": "must be an integer from 4 to 48, not 99",
            },
        ),
        (RequantizerParameters, {"lanes": 0}, {"requantizer.lanes": "must be an integer from 1 to 256, not 0"}),
        (BufferParameters, {"descriptors": 1}, {"buffers.descriptors": "must be an integer from 2 to 1024, not 1"}),
    ],
)
def test_refusals(kind: Any, values: dict[str, Any], expected: dict[str, str]) -> None:
    assert faults(kind, **values) == expected


def test_parameters_that_contradict_one_another() -> None:
    assert faults(
        Accelerator,
        requantizer=RequantizerParameters(lanes=3),
        arithmetic=ArithmeticParameters(accumulator_bits=18),
    ) == {
        "requantizer.lanes": "must divide array.columns (8), not 3",
        "arithmetic.accumulator_bits": (
            "must be at least the 19 bits of a column's sum (arithmetic.psum_bits), not 18"
        ),
    }


def test_limits_of_optional_and_plain_fields() -> None:
    assert limits(ArithmeticParameters)["psum_bits"] == (Range(4, 48), True)
    assert limits(ArithmeticParameters)["weight_bits"] == (Range(1, 16), False)
    assert limits(ArithmeticParameters)["input_zero_point"] == (Choice(*InputZeroPoint), False)
    assert limits(ArithmeticParameters)["truncate"] == (Nested(TruncateParameters), False)
    assert limits(ArrayParameters)["product_register"] == (Choice(True, False), False)
