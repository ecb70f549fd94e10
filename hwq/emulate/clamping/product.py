"""Some channels of a layer, summed in order and requantized: arranged once, run on batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.clamping import loops
from hwq.emulate.clamping.forms import Form, Plan, Source
from hwq.emulate.clamping.rows import BASE, CUT, HIGH, LIMITS, LOW, PSUM_CUT, PSUM_HIGH, PSUM_LOW
from hwq.emulate.constants import ChannelConstants, tag
from hwq.emulate.geometry import Windows
from hwq.emulate.memory import Bytes

Integers = NDArray[np.int64]

#: Sums that wait together to be requantized: they stay in the second-level cache.
_SUMS = 1 << 17

#: Elements that may be read behind the last one.
_SLACK = 128


@dataclass(frozen=True, eq=False)
class Operands:
    """What the channels of a product multiply.

    Parameters
    ----------
    windows:
        Where inputs and outputs lie.
    taps:
        Element of the window that each product takes, in order, int64 [n].
    weights:
        int64 [channels, n].
    subtracted:
        What operands are less than codes.
    depthwise:
        Whether each channel has operands of its own, next to each other from the window's first element.
    """

    windows: Windows
    taps: Integers
    weights: Integers
    subtracted: int
    depthwise: bool = False


class OrderedProduct:
    """Sums of some channels as a plan says, from bytes to bytes.

    Parameters
    ----------
    operands:
        What is multiplied.
    plan:
        How sums are fitted.
    initial:
        What sums begin with, int64 [channels].
    channels:
        Their numbers in the layer, ascending.
    constants:
        Makes their constants for a given stride.
    counting:
        Whether codes outside their format are counted; sums are where the plan says so.
    vnni:
        Whether the processor has AVX-512 VNNI.
    """

    def __init__(
        self,
        operands: Operands,
        plan: Plan,
        initial: Integers,
        channels: Integers,
        constants: ChannelConstants,
        counting: bool,
        vnni: bool,
    ) -> None:
        self._windows, self._constants = operands.windows, constants
        form, source = plan.form, _source(plan.form, operands.depthwise, vnni)
        stride, vectors = constants.integers.shape[1], vectors_of(form, len(channels))
        weights = np.zeros((stride, operands.weights.shape[1]), np.int64)
        weights[: len(channels)] = operands.weights
        # What operands are less than bytes; the kernel of bytes folds it into the sums.
        less = 128 + operands.subtracted
        self._less, self._folds = less, np.zeros((1, stride), np.int32)
        self._taps, ends = operands.taps, np.cumsum(plan.passes)
        self._type: np.dtype[np.int16 | np.uint8] = np.dtype(np.int16)
        if source is Source.BYTES:
            self._type, self._less = np.dtype(np.uint8), 0
            sums = np.add.reduceat(weights, np.r_[0, ends[:-1]], axis=1)
            self._folds = np.ascontiguousarray((-less * sums).astype(np.int32).T)
            self._taps, ends, weights = _quads(operands.taps, plan.passes, weights)
        self._weights = _packed(weights, form, source, vectors)
        self._taps, self._ends = self._taps * self._type.itemsize, ends.astype(np.int64)
        self._step = self._type.itemsize if operands.depthwise else 0
        self._limits, base = _limits(plan, source)
        self._initial = np.full(stride, base, np.int16 if form is Form.NARROW else np.int32)
        self._initial[: len(channels)] = initial + base
        # Tiles are filled up with a pixel behind the images, where every product is 0 and no sum leaves its width.
        self._nothing = less - self._less
        self._behind = int(operands.taps.max()) + (stride if operands.depthwise else 0) + _SLACK
        self._rows = _rows(plan, vectors, vnni)
        self._tags = (tag(self._rows), tag(vectors), tag(form), tag(source), tag(1 + plan.counting))
        self._counting = tag(1 + counting)
        low, high, zero = (int(bound) for bound in constants.bounds)
        self._clamp = np.array([low + zero, high + zero], np.int32)
        self._bounds = np.array([-1 - zero, 256 - zero, zero], np.int32) if counting else constants.bounds
        self._places = np.full(stride, channels[-1], np.int64)
        self._places[: len(channels)] = channels
        places = self._places.reshape(-1, 16)
        self._adjacent = (places == np.minimum(places[:, :1] + np.arange(16), channels[-1])).all(axis=1)
        self._events = np.zeros((3, stride), np.int64)

    @property
    def events(self) -> Integers:
        """How often psums, accumulators and codes left their widths, int64 [channels, 3]; since this was made."""
        return self._events[:, : self._constants.valid].T

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute these channels of ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        windows, constants = self._windows, self._constants
        images, flat = x.reshape(len(x), *windows.rows), out.reshape(len(out), -1)
        area, stride = windows.image_elements, len(self._places)
        image = np.full(area * windows.samples + self._behind, windows.fill - self._less, self._type)
        image[area * windows.samples :] = self._nothing
        for first, steps, samples in windows.steps(len(x)):
            pixels, targets = windows.tables(samples, 1)
            fill = -len(pixels) % self._rows
            pixels = np.pad(pixels, (0, fill), constant_values=area * windows.samples) * self._type.itemsize
            together = max(1, _SUMS // (len(pixels) * stride))
            sums = np.empty((min(steps, together) * len(pixels), stride), np.int32)
            for step in range(0, steps, together):
                now, begin = min(together, steps - step), first + step * samples
                loops.sum_steps(
                    images[begin:],
                    image,
                    windows.layout,
                    self._less,
                    now,
                    samples,
                    area,
                    self._step,
                    pixels,
                    self._taps,
                    self._ends,
                    self._weights,
                    self._folds,
                    self._initial,
                    self._limits,
                    sums,
                    self._events,
                    *self._tags,
                )
                loops.finish_steps(
                    sums,
                    now,
                    len(pixels),
                    constants.integers,
                    constants.roundings,
                    constants.factors,
                    constants.valid,
                    self._bounds,
                    self._clamp,
                    flat[begin:],
                    samples * windows.target_bytes,
                    targets,
                    self._adjacent,
                    self._places,
                    self._events[2],
                    constants.contract,
                    self._counting,
                )


def vectors_of(form: Form, channels: int) -> int:
    """Vectors of 16 channels in a tile."""
    most = 4 if form is Form.NARROW else 2
    return 4 if channels > 32 and most == 4 else 2 if channels > 16 else 1


def _rows(plan: Plan, vectors: int, vnni: bool) -> int:
    """Rows of a tile: as many as registers carry, of which AVX-512 has 32 and others 16, half as long."""
    if not vnni:
        return (8 if plan.form is Form.NARROW else 4) // vectors
    return ({1: 6, 2: 2, 4: 4} if plan.counting else {1: 8, 2: 6, 4: 6})[vectors]


def fits_counters(plan: Plan, channels: int, vnni: bool) -> bool:
    """Whether a tile can count its events in the lanes of its sums."""
    additions = _rows(plan, vectors_of(plan.form, channels), vnni) * sum(plan.passes)
    return not plan.counting or plan.form is not Form.NARROW or additions < 1 << 16


def _source(form: Form, depthwise: bool, vnni: bool) -> Source:
    if depthwise:
        return Source.CHANNELS
    if not vnni or form is Form.NARROW:
        return Source.ELEMENTS
    return Source.PAIRS if form.every else Source.BYTES


def _limits(plan: Plan, source: Source) -> tuple[Integers, int]:
    """What `rows.sum_rows` takes for limits, and how far above their value it keeps sums."""
    low, high = plan.accumulator
    base = 0
    if plan.form is Form.NARROW:
        base = (1 << 15) - 1 - high
    elif plan.form is Form.WIDE and source is Source.PAIRS:
        base = (1 << 31) - 1 - high
    limits = np.zeros(LIMITS, np.int64)
    values = {
        PSUM_LOW: plan.psum[0],
        PSUM_HIGH: plan.psum[1],
        LOW: low + base,
        HIGH: high + base,
        BASE: base,
        PSUM_CUT: 32 - plan.psum_bits,
        CUT: 32 - plan.accumulator_bits,
    }
    for place, value in values.items():
        limits[place // 8] = value
    return limits, base


def _quads(taps: Integers, passes: tuple[int, ...], weights: Integers) -> tuple[Integers, Integers, Integers]:
    """Products in fours of adjacent bytes, none across the end of a pass: first taps, ends, weights [channels, 4 n].

    What a four has too many of meets weights of 0.
    """
    firsts, ends, chosen = [], [], []
    k = 0
    for length in passes:
        end = k + length
        while k < end:
            size = 1
            while size < 4 and k + size < end and taps[k + size] == taps[k] + size:
                size += 1
            firsts.append(taps[k])
            chosen.append([k + i if i < size else len(taps) for i in range(4)])
            k += size
        ends.append(len(firsts))
    padded = np.pad(weights, ((0, 0), (0, 1)))
    return np.array(firsts), np.array(ends), padded[:, np.array(chosen).reshape(-1)]


def _packed(weights: Integers, form: Form, source: Source, vectors: int) -> NDArray[np.signedinteger]:
    """Weights [channels, taps] as `rows.sum_rows` reads them: block by block, tap by tap, a lane for each channel."""
    width = 16 * vectors
    each = 4 if source is Source.BYTES else 1
    kind = np.int8 if source is Source.BYTES else np.int16 if form is Form.NARROW else np.int32
    if source is Source.PAIRS:
        weights = weights & 0xFFFF
    blocks = weights.astype(kind).reshape(len(weights) // width, width, -1, each).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(blocks).reshape(-1)
