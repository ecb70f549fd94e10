"""Which choices of arithmetic the random proof puts to the test: every one, and every two together."""

from __future__ import annotations

import pytest

from hwq.numeric.accumulation import Granularity
from tests.support.random_arithmetic import (
    OPTIONS,
    OVERFLOWS,
    PROOF,
    SAMPLE,
    coverage,
    every_pair,
    random_accelerator,
    shown_by,
)

EVERY_VALUE = {(option, value) for option, values in OPTIONS.items() for value in values}


def test_the_proof_shows_every_pair() -> None:
    alone, together = coverage(PROOF)
    assert set(alone) == EVERY_VALUE
    assert [pair for pair in every_pair() if not together[pair]] == []
    assert set(together) == set(every_pair())


def test_ci_shows_every_value() -> None:
    alone, _ = coverage(SAMPLE)
    assert set(alone) == EVERY_VALUE
    met = {(a.overflow, a.granularity) for a in (random_accelerator(seed).arithmetic for seed in SAMPLE)}
    assert met == {(overflow, granularity) for overflow in OVERFLOWS for granularity in Granularity}


@pytest.mark.parametrize("option", OPTIONS)
def test_a_value_that_never_came_is_missed(option: str) -> None:
    """A proof without the seeds that show a value lacks it, and all its pairs."""
    value = OPTIONS[option][-1]
    rest = tuple(seed for seed in PROOF if all(found.get(option) != value for found in shown_by(seed)))
    alone, together = coverage(rest)
    assert EVERY_VALUE - set(alone) == {(option, value)}
    assert set(every_pair()) - set(together) >= {pair for pair in every_pair() if (option, value) in pair}
