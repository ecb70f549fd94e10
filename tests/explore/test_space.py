"""Spaces: how many points there are, and which ones a seed draws."""

from __future__ import annotations

import pytest

from hwq.explore import space
from hwq.explore.space import Axis, Choice, count, grid, sample


def axis(name: str, values: int, **when: tuple[int, ...]) -> Axis:
    choices = tuple(Choice(value, ((name, value),)) for value in range(values))
    return Axis(name, choices, tuple(when.items()))


AXES = (axis("a", 3), axis("b", 4, a=(1, 2)), axis("c", 5, b=(0,)))


def test_the_count_is_that_of_the_grid() -> None:
    # a = 0: one point; a = 1, 2: b = 0 with five, three others.
    assert len(list(grid(AXES))) == 1 + 2 * (5 + 3) == count(AXES, 100)
    assert count(AXES, 10) == 10
    assert count((axis("a", 100), axis("b", 100)), 20_000) == 10_000
    assert len(set(grid(AXES))) == 17


@pytest.mark.parametrize("counted", [1_000_000, 10], ids=["counted", "drawn"])
def test_a_seed_draws_the_same_points_and_none_twice(monkeypatch: pytest.MonkeyPatch, counted: int) -> None:
    monkeypatch.setattr(space, "_MOST_COUNTED", counted)
    drawn = sample(AXES, 8, seed=5)
    assert drawn == sample(AXES, 8, seed=5)
    assert drawn != sample(AXES, 8, seed=6)
    assert len(set(drawn)) == 8
    assert set(drawn) <= set(grid(AXES))


def test_more_than_there_are_is_all() -> None:
    assert set(sample(AXES, 1000, seed=1)) == set(grid(AXES))


def test_every_point_is_drawn_as_often() -> None:
    drawn = [sample(AXES, 1, seed)[0] for seed in range(3400)]
    times = [drawn.count(place) for place in grid(AXES)]
    # Seeded: 200 of each on average, and by chance no further off than this.
    assert min(times) > 150
    assert max(times) < 250


def test_a_condition_tells_one_from_true() -> None:
    flag = Axis("flag", (Choice(True, (("flag", True),)), Choice(1, (("flag", 1),))))
    axes = (flag, Axis("b", (Choice(5, (("b", 5),)),), (("flag", (1,)),)))
    assert [place.labels for place in grid(axes)] == [{"flag": True}, {"flag": 1, "b": 5}]
