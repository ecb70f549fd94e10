"""Samples in an ``.npz`` file, read in pieces so that memory stays bounded whatever their number."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.floating.inputs import real_input
from hwq.floating.network import FloatNetwork
from hwq.frontends.archives import member_header, opened, read_array, read_exactly, read_header, reading
from hwq.graph.inputs import quantize_input
from hwq.graph.network import Network

V = TypeVar("V", bound=np.generic)


@dataclass(frozen=True, eq=False)
class _Wanted(Generic[V]):
    """What a network takes: its name, its input's shape, what makes input values of samples, and its outputs."""

    name: str
    shape: tuple[int, ...]
    convert: Callable[[NDArray[Any], int], NDArray[V]]
    outputs: int


@dataclass(frozen=True, eq=False)
class _Samples(Generic[V]):
    """Samples for one network: ``x`` [N, *input shape], and ``y`` [N] where labels are known.

    Shapes and types have been checked when it was made; values are checked as they are read.

    Parameters
    ----------
    path:
        The file.
    wanted:
        By the network whose input the samples are for.
    count:
        Number of samples, N, or of those that are wanted, the first ones.
    labels:
        int64 [N] of output indices, or ``None``.
    """

    path: Path
    wanted: _Wanted[V]
    count: int
    labels: NDArray[np.int64] | None

    @property
    def origin(self) -> str:
        """What to tell the user of where the samples are from."""
        return str(self.path)

    def first(self, count: int) -> Self:
        """Only the first ``count`` samples; DataError where there are fewer."""
        if self.count < count:
            raise DataError(f"{self.path} holds {self.count:,} samples, and {count:,} are asked for")
        return replace(self, count=count, labels=None if self.labels is None else self.labels[:count])

    def pieces(self, size: Callable[[], int]) -> Iterator[NDArray[V]]:
        """The samples as the network's input, as many at a time as ``size`` says each time.

        Raises
        ------
        DataError
            The file is damaged, or holds values that the input cannot have.
        """
        with reading(self.path), zipfile.ZipFile(self.path) as archive, archive.open("x.npy") as member:
            header = read_header(member)
            whole = None
            if header.fortran:
                # Samples are not contiguous: only the whole array gives the first one.
                whole = np.frombuffer(read_exactly(member, header.bytes), header.dtype).reshape(header.shape[::-1]).T
            sample_bytes = header.bytes // header.shape[0]
            begin = 0
            while begin < self.count:
                count = min(size(), self.count - begin)
                if whole is None:
                    values = np.frombuffer(read_exactly(member, count * sample_bytes), header.dtype)
                    x = values.reshape(count, *header.shape[1:])
                else:
                    x = np.ascontiguousarray(whole[begin : begin + count])
                yield self.convert(x, begin)
                begin += count

    def convert(self, x: NDArray[Any], first: int = 0) -> NDArray[V]:
        """Input values of a piece of the file that begins with sample number ``first``."""
        try:
            return self.wanted.convert(x, first)
        except DataError as error:
            raise DataError(f"{self.path}: x: {error}") from None


@dataclass(frozen=True)
class _Codes:
    """What integers of a file stand for: ``scale * (x - zero_point)``."""

    scale: np.float32
    zero_point: int

    def real(self, x: NDArray[Any]) -> NDArray[Any]:
        """Integers as the real numbers that they stand for; others as they are."""
        if x.dtype.kind not in "iu":
            return x
        return ((x.astype(np.float64) - self.zero_point) * np.float64(self.scale)).astype(np.float32)


class SampleFile(_Samples[np.integer]):
    """Samples as codes of a quantized network: the file's own, or real numbers quantized."""


class FloatSampleFile(_Samples[np.float32]):
    """Samples as real numbers."""


def open_samples(path: Path, network: Network) -> SampleFile:
    """Check that a file holds samples for ``network``.

    Integers are its codes, or where the file says by ``input_scale`` and ``input_zero_point`` that they are those of
    another quantization, what they stand for.

    Raises
    ------
    DataError
        Not a readable ``.npz``, arrays missing, or of another shape or type than the network takes.
    """
    shape, outputs = network.tensors[network.input].shape, network.tensors[network.output].elements
    own, given = network.tensors[network.input].quantization, _codes(path)

    def convert(x: NDArray[Any], first: int) -> NDArray[np.integer]:
        if given is not None and (given.scale, given.zero_point) != (own.scale[0], own.zero_point[0]):
            x = given.real(x)
        return quantize_input(network, x, first)

    wanted = _Wanted(network.name, shape, convert, outputs)
    return SampleFile(path, wanted, *_checked(path, wanted))


def open_float_samples(path: Path, network: FloatNetwork) -> FloatSampleFile:
    """As `open_samples`, for a network of real numbers; integers are some where the file says of what scale."""
    shape, outputs = network.tensors[network.input].shape, network.tensors[network.output].elements
    given = _codes(path)

    def convert(x: NDArray[Any], first: int) -> NDArray[np.float32]:
        return real_input(network, x if given is None else given.real(x), first)

    wanted = _Wanted(network.name, shape, convert, outputs)
    return FloatSampleFile(path, wanted, *_checked(path, wanted))


def _codes(path: Path) -> _Codes | None:
    """How the file says that its integers were quantized, if it does."""
    names = ("input_scale", "input_zero_point")
    with opened(path, "x=samples") as archive:
        held = [name for name in names if f"{name}.npy" in archive.namelist()]
        if not held:
            return None
        if len(held) < len(names):
            raise DataError(f"{path}: {held[0]} alone; integers need both {names[0]} and {names[1]}, or neither")
        headers = [member_header(archive, name) for name in names]
        shapes = [list(header.shape) for header in headers]
        if any(shape not in ([], [1]) for shape in shapes):
            raise DataError(f"{path}: {' and '.join(names)} are single numbers, not of shapes {shapes}")
        if headers[0].dtype.kind != "f" or headers[1].dtype.kind not in "iu":
            kinds = f"{headers[0].dtype} and {headers[1].dtype}"
            raise DataError(f"{path}: {names[0]} is a real number and {names[1]} an integer, not {kinds}")
        scale, zero = (read_array(archive, name).reshape(())[()] for name in names)
    if not (np.isfinite(scale) and scale > 0):
        raise DataError(f"{path}: {names[0]} is {scale}; a scale is positive and finite")
    return _Codes(np.float32(scale), int(zero))


def _checked(path: Path, wanted: _Wanted[Any]) -> tuple[int, NDArray[np.int64] | None]:
    """How many samples the file holds, and their labels."""
    with opened(path, "x=samples") as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "x.npy" not in archive.namelist():
            held = f"it holds {', '.join(names[:12])}" if names else "it is empty"
            raise DataError(f"{path}: no array x; {held}")
        x = member_header(archive, "x")
        if x.shape[1:] != wanted.shape or not x.shape:
            needed = ", ".join(["N", *map(str, wanted.shape)])
            raise DataError(f"{path}: x has shape {list(x.shape)}; the input of {wanted.name} needs [{needed}]")
        if x.shape[0] == 0:
            raise DataError(f"{path}: x holds no samples")
        labels = _labels(archive, path, wanted, x.shape[0]) if "y" in names else None
    # An empty piece of the right type: refuses wrong types before anything is computed.
    _Samples(path, wanted, 0, None).convert(np.zeros((0, *wanted.shape), x.dtype))
    return x.shape[0], labels


def _labels(archive: zipfile.ZipFile, path: Path, wanted: _Wanted[Any], count: int) -> NDArray[np.int64]:
    header = member_header(archive, "y")
    if header.shape != (count,) or header.dtype.kind not in "biu":
        raise DataError(
            f"{path}: y is {header.dtype} {list(header.shape)}; labels are integers, one a sample: [{count}]"
        )
    values = read_array(archive, "y")
    classes = wanted.outputs
    if int(values.min()) < 0 or int(values.max()) >= classes:
        raise DataError(
            f"{path}: y holds labels from {values.min()} to {values.max()}; "
            f"{wanted.name} has outputs 0 to {classes - 1}"
        )
    return values.astype(np.int64)
