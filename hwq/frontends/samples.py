"""Samples in an ``.npz`` file, read in pieces so that memory stays bounded whatever their number."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.graph.inputs import quantize_input
from hwq.graph.network import Network

#: What a damaged or hostile file makes the readers of zip and npy raise.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError)


@dataclass(frozen=True)
class _Header:
    """What an array in the file is; ``bytes`` counts its data."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def bytes(self) -> int:
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, eq=False)
class SampleFile:
    """Samples for one network: ``x`` [N, *input shape], codes or real numbers, and ``y`` [N] where labels are known.

    Made by `open_samples`, which has checked shapes and types; values are checked as they are read.

    Parameters
    ----------
    path:
        The file.
    network:
        Whose input the samples are for.
    count:
        Number of samples, N, or of those that are wanted, the first ones.
    labels:
        int64 [N] of output indices, or ``None``.
    """

    path: Path
    network: Network
    count: int
    labels: NDArray[np.int64] | None

    @property
    def origin(self) -> str:
        """What to tell the user of where the samples are from."""
        return str(self.path)

    def first(self, count: int) -> SampleFile:
        """Only the first ``count`` samples; DataError where there are fewer."""
        if self.count < count:
            raise DataError(f"{self.path} holds {self.count:,} samples, and {count:,} are asked for")
        return replace(self, count=count, labels=None if self.labels is None else self.labels[:count])

    def pieces(self, size: Callable[[], int]) -> Iterator[NDArray[np.integer]]:
        """The samples as input codes, as many at a time as ``size`` says each time.

        Raises
        ------
        DataError
            The file is damaged, or holds values that are no codes of the input.
        """
        with _reading(self.path), zipfile.ZipFile(self.path) as archive, archive.open("x.npy") as member:
            header = _read_header(member)
            whole = None
            if header.fortran:
                # Samples are not contiguous: only the whole array gives the first one.
                whole = np.frombuffer(_read(member, header.bytes), header.dtype).reshape(header.shape[::-1]).T
            sample_bytes = header.bytes // header.shape[0]
            begin = 0
            while begin < self.count:
                count = min(size(), self.count - begin)
                if whole is None:
                    values = np.frombuffer(_read(member, count * sample_bytes), header.dtype)
                    x = values.reshape(count, *header.shape[1:])
                else:
                    x = np.ascontiguousarray(whole[begin : begin + count])
                yield self._codes(x, begin)
                begin += count

    def _codes(self, x: NDArray[Any], first: int = 0) -> NDArray[np.integer]:
        try:
            return quantize_input(self.network, x, first)
        except DataError as error:
            raise DataError(f"{self.path}: x: {error}") from None


def open_samples(path: Path, network: Network) -> SampleFile:
    """Check that a file holds samples for ``network``.

    Raises
    ------
    DataError
        Not a readable ``.npz``, arrays missing, or of another shape or type than the network takes.
    """
    if not path.is_file():
        raise DataError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    with _reading(path):
        with path.open("rb") as file:
            if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
                raise DataError(f"{path}: a single array; save it by name: numpy.savez(path, x=samples)")
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if "x.npy" not in archive.namelist():
                held = f"it holds {', '.join(names[:12])}" if names else "it is empty"
                raise DataError(f"{path}: no array x; {held}")
            x = _member_header(archive, "x")
            needed = network.tensors[network.input].shape
            if x.shape[1:] != needed or not x.shape:
                wanted = ", ".join(["N", *map(str, needed)])
                raise DataError(f"{path}: x has shape {list(x.shape)}; the input of {network.name} needs [{wanted}]")
            if x.shape[0] == 0:
                raise DataError(f"{path}: x holds no samples")
            labels = _labels(archive, path, network, x.shape[0]) if "y" in names else None
    samples = SampleFile(path, network, x.shape[0], labels)
    # An empty piece of the right type: refuses wrong types before anything is computed.
    samples._codes(np.zeros((0, *needed), x.dtype))
    return samples


def _labels(archive: zipfile.ZipFile, path: Path, network: Network, count: int) -> NDArray[np.int64]:
    header = _member_header(archive, "y")
    if header.shape != (count,) or header.dtype.kind not in "biu":
        raise DataError(
            f"{path}: y is {header.dtype} {list(header.shape)}; labels are integers, one a sample: [{count}]"
        )
    with archive.open("y.npy") as member:
        header = _read_header(member)
        values = np.frombuffer(_read(member, header.bytes), header.dtype)
    classes = network.tensors[network.output].elements
    if int(values.min()) < 0 or int(values.max()) >= classes:
        raise DataError(
            f"{path}: y holds labels from {values.min()} to {values.max()}; "
            f"{network.name} has outputs 0 to {classes - 1}"
        )
    return values.astype(np.int64)


def _member_header(archive: zipfile.ZipFile, name: str) -> _Header:
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        header = _read_header(member)
        # Before anything is allocated: a header may claim any size.
        if member.tell() + header.bytes != info.file_size:
            raise ValueError(f"the size of {name} is not what its header says")
    return header


def _read_header(member: IO[bytes]) -> _Header:
    version = npy.read_magic(member)
    if version == (1, 0):
        shape, fortran, dtype = npy.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, fortran, dtype = npy.read_array_header_2_0(member)
    else:
        raise ValueError(f"version {version[0]}.{version[1]} of the .npy format")
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are not read")
    if any(length < 0 for length in shape):
        raise ValueError("a negative size")
    return _Header(tuple(shape), dtype, fortran and len(shape) > 1)


def _read(member: IO[bytes], count: int) -> bytes:
    data = member.read(count)
    if len(data) != count:
        raise EOFError("it ends early")
    return data


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except _DAMAGE as error:
        text = str(error).splitlines()[0] if str(error) else "it ends early"
        raise DataError(f"{path}: not a readable .npz: {text}") from None
