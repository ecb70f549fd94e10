"""A network as its C++ says it: streams, layers with their constants, calls in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TensorCode:
    """A tensor: its name in C++, the type of its packs, and how many of them one sample has.

    ``tensor`` is its name in the network.
    """

    name: str
    tensor: str
    type: str
    packs: int
    shape: tuple[int, ...]

    @property
    def pixels(self) -> tuple[int, int, int]:
        """Rows, columns and channels."""
        *before, channels = self.shape or (1,)
        rows, columns = (before[0], before[1]) if len(before) == 2 else (1, math.prod(before))
        return rows, columns, channels


@dataclass(frozen=True)
class Constant:
    """A constant of a layer: what is declared, a word about it, and the lines between the braces."""

    declaration: str
    comment: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Loop:
    """A pipelined loop, with the loops around it.

    Parameters
    ----------
    name:
        What it does.
    trips:
        How often each is gone through, the outermost first.
    interval:
        Cycles between the beginnings of two rounds, as the pragma asks for.
    """

    name: str
    trips: tuple[int, ...]
    interval: int = 1

    @property
    def cycles(self) -> int:
        """Of all its rounds, where the interval is kept; the filling of the pipeline apart."""
        return math.prod(self.trips) * self.interval


@dataclass(frozen=True)
class Computation:
    """What a layer's function does: the template of the library, its header, its constants.

    Parameters
    ----------
    template:
        Function of the library, called with the streams and the constants; empty where ``body`` does everything.
    headers:
        What has to be included.
    spec:
        Static members of the layer's ``spec`` as (type, name, value), from which the template takes its sizes.
    constants:
        Arguments behind the streams.
    body:
        Statements before the call.
    streams:
        Inputs of the call where they are not those of the layer.
    loops:
        Its pipelined loops in order, for one sample.
    """

    template: str
    headers: Sequence[str]
    spec: Sequence[tuple[str, str, str]] = ()
    constants: Sequence[Constant] = ()
    body: Sequence[str] = ()
    streams: Sequence[str] = ()
    loops: Sequence[Loop] = ()


@dataclass(frozen=True)
class LayerCode:
    """A layer: ``name`` is its function and the namespace of its constants, ``layer`` its name in the network."""

    name: str
    layer: str
    op: str
    macs: int
    inputs: Sequence[TensorCode]
    output: TensorCode
    computation: Computation

    @property
    def parameters(self) -> list[str]:
        """Names of the inputs in its function."""
        return ["x"] if len(self.inputs) == 1 else [f"x{number}" for number in range(len(self.inputs))]

    @property
    def rows(self) -> int | None:
        """Input elements that are multiplied side by side; ``None`` where nothing is."""
        return self._member("rows")

    @property
    def columns(self) -> int | None:
        """Output channels that are computed side by side; ``None`` where they come one by one."""
        return self._member("columns")

    @property
    def cycles(self) -> int:
        """Of its pipelined loops, one after the other."""
        return sum(loop.cycles for loop in self.computation.loops)

    def _member(self, wanted: str) -> int | None:
        return next((int(value) for _, name, value in self.computation.spec if name == wanted), None)


@dataclass(frozen=True)
class StreamCode:
    """A stream inside the top function."""

    name: str
    type: str
    depth: int


@dataclass(frozen=True)
class Source:
    """All of a network: ``top`` is its function, ``statements`` the calls in it, in order."""

    top: str
    network: str
    layers: Sequence[LayerCode]
    input: TensorCode
    output: TensorCode
    tensors: Sequence[TensorCode]
    streams: Sequence[StreamCode]
    statements: Sequence[str]

    @property
    def interval(self) -> int:
        """Cycles of the slowest layer: from one sample to the next, at best."""
        return max(layer.cycles for layer in self.layers)
