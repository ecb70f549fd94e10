"""Overflow and conversion at every width, against integers and exact fractions (docs/spec/numerics.md, N.3)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import apytypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwq.errors import ConfigError, DataError
from hwq.numeric.fixed import convert, quantize
from hwq.numeric.formats import FixedFormat, IntFormat
from hwq.numeric.overflow import Overflow, fit
from hwq.numeric.rounding import Rounding
from tests.numeric.test_rounding import APYTYPES, DEFINITIONS

FORMATS = st.builds(IntFormat, st.integers(1, 64), st.booleans())
FIXED = st.builds(FixedFormat, st.integers(1, 64), st.booleans(), st.integers(-70, 140))

#: Around the bounds of every format there is.
EDGES = sorted({sign * 2**k + d for k in range(65) for sign in (-1, 1) for d in (-1, 0, 1)})


def _fitted(x: int, target: IntFormat, overflow: Overflow) -> int:
    low, high = target.min, target.max
    if overflow is Overflow.WRAP:
        return (x - low) % (high - low + 1) + low
    if overflow is Overflow.SATURATE_TO_ZERO:
        return x if low <= x <= high else 0
    if overflow is Overflow.SATURATE_SYMMETRIC and high and low:
        low = -high
    return sorted([low, x, high])[1]


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("signed", [True, False])
def test_every_width_at_the_bounds_of_every_width(overflow: Overflow, signed: bool) -> None:
    for width in range(1, 65):
        target = IntFormat(width, signed)
        exact = {x: _fitted(x, target, overflow) for x in EDGES}
        assert all(target.contains(y) for y in exact.values())
        assert fit(np.array(EDGES, dtype=object), target, overflow).tolist() == list(exact.values())
        for dtype in (np.int64, np.uint64, np.int32, np.uint8):
            inside = [x for x in EDGES if np.iinfo(dtype).min <= x <= np.iinfo(dtype).max]
            found = fit(np.array(inside, dtype=dtype), target, overflow)
            assert found.tolist() == [exact[x] for x in inside], (target, dtype)
            assert found.dtype == (np.uint64 if width == 64 and not signed else np.int64)


@pytest.mark.parametrize("overflow", Overflow)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(x=st.integers(-(2**80), 2**80), target=FORMATS)
def test_fit_of_any_integer(overflow: Overflow, x: int, target: IntFormat) -> None:
    assert fit(x, target, overflow) == _fitted(x, target, overflow)


@pytest.mark.parametrize("overflow", Overflow)
def test_fit_of_a_single_array_element(overflow: Overflow) -> None:
    for x in (-129, -1, 300):
        assert int(fit(np.array(x), IntFormat(8), overflow)) == _fitted(x, IntFormat(8), overflow)


def test_fit_refuses_reals() -> None:
    with pytest.raises(ValueError, match="must be integers, not float64"):
        fit(np.array([1.0]), IntFormat(8), Overflow.WRAP)


@pytest.mark.parametrize(("rounding", "overflow"), list(product(Rounding, Overflow)))
@settings(max_examples=40, deadline=None, derandomize=True)
@given(source=FIXED, target=FIXED, data=st.data())
def test_conversion_between_any_formats(
    rounding: Rounding, overflow: Overflow, source: FixedFormat, target: FixedFormat, data: st.DataObject
) -> None:
    codes = data.draw(st.lists(st.integers(source.codes.min, source.codes.max), min_size=1, max_size=4))
    factor = Fraction(2) ** (target.fraction_bits - source.fraction_bits)
    exact = [_fitted(DEFINITIONS[rounding](x * factor), target.codes, overflow) for x in codes]
    array = np.array(codes, dtype=np.int64 if source.signed else np.uint64)
    assert convert(array, source, target, rounding, overflow).tolist() == exact


@pytest.mark.parametrize("mode", [Overflow.WRAP, Overflow.SATURATE])
@pytest.mark.parametrize("rounding", Rounding)
def test_conversion_as_apytypes(rounding: Rounding, mode: Overflow) -> None:
    source, target = FixedFormat(9, True, 4), FixedFormat(5, True, 1)
    codes = np.arange(source.codes.min, source.codes.max + 1)
    overflow = apytypes.OverflowMode.WRAP if mode is Overflow.WRAP else apytypes.OverflowMode.SAT
    cast = apytypes.APyFixedArray(codes.tolist(), bits=9, frac_bits=4).cast(
        bits=5, frac_bits=1, quantization=APYTYPES[rounding], overflow=overflow
    )
    expected = (cast.to_numpy() * 2).astype(int).tolist()
    assert convert(codes, source, target, rounding, mode).tolist() == expected


def test_conversion_refuses_codes_outside_the_source() -> None:
    with pytest.raises(DataError, match="must be from -128 to 127, as int8 holds them"):
        convert([0, 128], FixedFormat(8), FixedFormat(16))


def test_conversion_defaults_to_what_the_types_default_to() -> None:
    assert convert([-3, 509], FixedFormat(10, True, 2), FixedFormat(7)).tolist() == [-1, -1]


@pytest.mark.parametrize(("rounding", "overflow"), list(product(Rounding, Overflow)))
@settings(max_examples=40, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.floats(-9, 9), max_size=3), target=FIXED)
def test_quantization_of_any_real(
    rounding: Rounding, overflow: Overflow, values: list[float], target: FixedFormat
) -> None:
    factor = Fraction(2) ** target.fraction_bits
    exact = [_fitted(DEFINITIONS[rounding](Fraction(x) * factor), target.codes, overflow) for x in values]
    assert quantize(values, target, rounding, overflow).tolist() == exact


@pytest.mark.parametrize("rounding", Rounding)
def test_quantization_beside_every_half(rounding: Rounding) -> None:
    halves = np.arange(-9, 10) / 2
    values = np.concatenate([np.nextafter(halves, -np.inf), halves, np.nextafter(halves, np.inf)])
    exact = [DEFINITIONS[rounding](Fraction(float(x))) for x in values]
    assert quantize(values, FixedFormat(8), rounding, Overflow.SATURATE).tolist() == exact


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_quantization_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(DataError, match="must be finite"):
        quantize([0.0, value], FixedFormat(8))


def test_shapes_are_kept() -> None:
    x = np.arange(12).reshape(3, 4)
    assert convert(x, FixedFormat(8), FixedFormat(8)).shape == (3, 4)
    assert quantize(x * 1e30, FixedFormat(8)).shape == (3, 4)
    assert quantize(x / 4, FixedFormat(8)).shape == (3, 4)
    assert quantize(0.5, FixedFormat(8, True, 1)).tolist() == 1


@pytest.mark.parametrize("width", [0, 65, -1, 8.0, True, "8"])
def test_formats_refuse_widths(width: object) -> None:
    for make in (IntFormat, FixedFormat):
        with pytest.raises(ConfigError, match=r"width: must be an integer from 1 to 64, not"):
            make(width)  # type: ignore[arg-type]


def test_formats_refuse_other_types() -> None:
    with pytest.raises(ConfigError, match="signed: must be true or false, not 1"):
        IntFormat(8, 1)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"fraction_bits: must be an integer, not 0\.5"):
        FixedFormat(8, True, 0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("signed", [True, False])
def test_formats_know_their_values(signed: bool) -> None:
    for width in range(1, 65):
        target = IntFormat(width, signed)
        assert target.max - target.min + 1 == 2**width
        assert (target.min < 0) == signed
        assert np.iinfo(target.dtype).min <= target.min
        assert target.max <= np.iinfo(target.dtype).max
        assert target.dtype.itemsize * 4 < max(width, 5)
        assert target.contains(target.min)
        assert target.contains(np.array([target.max]))
        assert not target.contains(target.min - 1)
        assert not target.contains(target.max + 1)
    assert (str(IntFormat(8)), str(IntFormat(4, signed=False))) == ("int8", "uint4")
    assert IntFormat(8).contains(np.array([], dtype=np.int64))
