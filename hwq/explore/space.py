"""The space of a sweep: axes, their choices, and the points that follow from them in a fixed order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = "int | float | str | bool | None"
"""What a key of a project may hold."""

MOST_POINTS = 100_000
"""Points of one sweep at most."""

#: Points that are counted, so that a random choice is even over all of them; above it each axis is drawn evenly.
_MOST_COUNTED = 1_000_000


@dataclass(frozen=True)
class Choice:
    """One choice of an axis: its name in tables (a value, or a preset's name), and the keys of a project it sets."""

    label: Scalar
    settings: tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Axis:
    """A key of a project, or a name for presets, and its choices in their order.

    ``when`` are conditions, each a name and the values it must have one of: the axis varies only where earlier axes
    have chosen so, and elsewhere sets nothing.
    """

    name: str
    choices: tuple[Choice, ...]
    when: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a project that it sets."""
        return tuple(dict.fromkeys(key for choice in self.choices for key, _ in choice.settings))

    def applies(self, known: Mapping[str, Scalar]) -> bool:
        """Whether it varies where earlier axes gave the names ``known`` their values."""
        return all(name in known and any(same(known[name], value) for value in values) for name, values in self.when)


@dataclass(frozen=True)
class Place:
    """A point of the space: what each axis that applies has chosen, in the order of the axes."""

    chosen: tuple[tuple[str, Choice], ...]

    @property
    def labels(self) -> dict[str, Scalar]:
        """By axis the choice's name."""
        return {axis: choice.label for axis, choice in self.chosen}

    @property
    def settings(self) -> dict[str, Scalar]:
        """By key of the project its value."""
        return {key: value for _, choice in self.chosen for key, value in choice.settings}

    @property
    def known(self) -> dict[str, Scalar]:
        """Both: what conditions and expressions may name."""
        return {**self.settings, **self.labels}


def same(a: object, b: object) -> bool:
    """Equality that tells 1 from true and from 1.0."""
    return type(a) is type(b) and a == b


def label_text(value: object) -> str:
    """A choice as tables and messages show it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return str(value)


def grid(axes: Sequence[Axis]) -> Iterator[Place]:
    """Every point, the last axis varying fastest."""
    return _extended(Place(()), axes)


def _extended(place: Place, axes: Sequence[Axis]) -> Iterator[Place]:
    if not axes:
        yield place
        return
    for choice in _options(axes[0], place):
        yield from _extended(_with(place, axes[0], choice), axes[1:])


def _options(axis: Axis, place: Place) -> tuple[Choice | None, ...]:
    return axis.choices if axis.applies(place.known) else (None,)


def _with(place: Place, axis: Axis, choice: Choice | None) -> Place:
    return place if choice is None else Place((*place.chosen, (axis.name, choice)))


def count(axes: Sequence[Axis], most: int) -> int:
    """Number of points, or ``most`` where there are more."""
    if not any(axis.when for axis in axes):
        total = 1
        for axis in axes:
            total *= len(axis.choices)
        return min(total, most)
    return sum(1 for _ in itertools.islice(grid(axes), most))


def sample(axes: Sequence[Axis], points: int, seed: int) -> list[Place]:
    """``points`` different points by chance, the same ones for the same ``seed``; all where there are no more.

    In the order in which they were drawn.
    """
    generator = random.Random(seed)
    total = count(axes, _MOST_COUNTED)
    if total < _MOST_COUNTED:
        numbers = generator.sample(range(total), min(points, total))
        wanted = set(numbers)
        found = {number: place for number, place in enumerate(grid(axes)) if number in wanted}
        return [found[number] for number in numbers]
    # Far more than are wanted: the same one twice is rare.
    drawn: dict[Place, None] = {}
    while len(drawn) < points:
        place = Place(())
        for axis in axes:
            place = _with(place, axis, generator.choice(_options(axis, place)))
        drawn[place] = None
    return list(drawn)
