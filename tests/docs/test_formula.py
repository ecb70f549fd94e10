"""The formula of accelerator.md, A.3, taken from the page as it stands, finds every input element of a convolution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import CodeType

import pytest

from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.geometry import Convolution
from hwq.schedule.plan import ConvPlan, plan_convolution
from hwq.schedule.plans import Places
from tests.docs.tables import CONV2D, DENSE, DOCS, EXAMPLE, THIN, example_plan

_STRIDED = example_plan((9, 7, 5), (5, 4, 3), (3, 3), 2, (-1, -1))
_DILATED = replace(
    example_plan((9, 7, 4), (7, 3, 3), (2, 3), 1, (-1, 0)).convolution, dilation=(3, 2), output_size=(7, 3)
)
_GROUPED = replace(
    example_plan((5, 4, 3), (5, 4, 2), (3, 3), 1, (-1, -1)).convolution, pixel_elements=9, first_channel=6
)

PLANS = {
    "conv2d": CONV2D,
    "dense": DENSE,
    "thin": THIN,
    "strided": _STRIDED,
    "dilated": plan_convolution(_DILATED, EXAMPLE),
    "second group": plan_convolution(_GROUPED, EXAMPLE),
}


def _formula() -> dict[str, CodeType]:
    """The four lines of the page, as Python."""
    text = (DOCS / "spec" / "accelerator.md").read_text(encoding="utf-8")
    block = re.search(r"^```\n(row .*?)^```", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    lines = [line.split("=", 1) for line in block[1].splitlines()]
    # Division is of integers; words behind a wide gap are a remark.
    return {
        name.strip(): compile(re.split(r" {4,}", value.strip())[0].replace(" / ", " // "), name, "eval")
        for name, value in lines
    }


def by_formula(plan: ConvPlan, pixel: int, formula: dict[str, CodeType]) -> Iterator[int]:
    """Addresses of the real elements of a pixel, in the order in which the array meets them."""
    d, rows = ArrayPlan(plan).descriptor(Places(0, 0, (0,), 0)), EXAMPLE.array.rows
    loops = product(range(d["ky_count"]), range(d["kx_count"]), range(d["chunk_count"]), range(rows))
    for ky, kx, chunk, r in loops:
        names = {**d, "R": rows, "pixel": pixel, "ky": ky, "kx": kx, "chunk": chunk, "r": r}
        for name, code in formula.items():
            names[name] = eval(code, {}, names)
        if names["real"]:
            yield names["address"] % (1 << EXAMPLE.element_address_bits)


def by_definition(c: Convolution, pixel: int) -> Iterator[int]:
    """The same from the convolution's definition."""
    row, column = divmod(pixel, c.output_size[1])
    for ky in range(c.kernel[0]):
        for kx in range(c.kernel[1]):
            y = c.start[0] + row * c.stride[0] + ky * c.dilation[0]
            x = c.start[1] + column * c.stride[1] + kx * c.dilation[1]
            if 0 <= y < c.input_size[0] and 0 <= x < c.input_size[1]:
                first = (y * c.input_size[1] + x) * c.pixel_elements + c.first_channel
                yield from range(first, first + c.channels_in)


@pytest.mark.parametrize("name", PLANS)
def test_the_formula_finds_every_element(name: str) -> None:
    plan, formula = PLANS[name], _formula()
    assert list(formula) == ["row", "column", "real", "address"]
    for pixel in range(plan.convolution.pixels):
        assert list(by_formula(plan, pixel, formula)) == list(by_definition(plan.convolution, pixel))
