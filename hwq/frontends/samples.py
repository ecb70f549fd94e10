"""Samples in an ``.npz`` file, read in pieces so that memory stays bounded whatever their number."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.frontends.archives import member_header, opened, read_array, read_exactly, read_header, reading
from hwq.graph.inputs import quantize_input
from hwq.graph.network import Network


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
    with opened(path, "x=samples") as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if "x.npy" not in archive.namelist():
            held = f"it holds {', '.join(names[:12])}" if names else "it is empty"
            raise DataError(f"{path}: no array x; {held}")
        x = member_header(archive, "x")
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
    header = member_header(archive, "y")
    if header.shape != (count,) or header.dtype.kind not in "biu":
        raise DataError(
            f"{path}: y is {header.dtype} {list(header.shape)}; labels are integers, one a sample: [{count}]"
        )
    values = read_array(archive, "y")
    classes = network.tensors[network.output].elements
    if int(values.min()) < 0 or int(values.max()) >= classes:
        raise DataError(
            f"{path}: y holds labels from {values.min()} to {values.max()}; "
            f"{network.name} has outputs 0 to {classes - 1}"
        )
    return values.astype(np.int64)
