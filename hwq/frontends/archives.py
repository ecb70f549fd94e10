"""Arrays in an ``.npz`` file, checked before anything of the size that they claim is allocated."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hwq.errors import DataError

#: What a damaged or hostile file makes the readers of zip and npy raise.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError)


@dataclass(frozen=True)
class Header:
    """What an array in the file is."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def bytes(self) -> int:
        """Bytes of the data."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


def member_header(archive: zipfile.ZipFile, name: str) -> Header:
    """What the array ``name`` is; inside `reading` a header that lies becomes one DataError."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        header = read_header(member)
        # Before anything is allocated: a header may claim any size.
        if member.tell() + header.bytes != info.file_size:
            raise ValueError(f"the size of {name} is not what its header says")
    return header


def read_header(member: IO[bytes]) -> Header:
    """The header at the beginning of an opened member."""
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
    return Header(tuple(shape), dtype, fortran and len(shape) > 1)


def read_exactly(member: IO[bytes], count: int) -> bytes:
    """The next ``count`` bytes of an opened member."""
    data = member.read(count)
    if len(data) != count:
        raise EOFError("it ends early")
    return data


def read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """The whole array ``name``."""
    member_header(archive, name)
    with archive.open(f"{name}.npy") as member:
        header = read_header(member)
        values = np.frombuffer(read_exactly(member, header.bytes), header.dtype)
    return values.reshape(header.shape[::-1]).T if header.fortran else values.reshape(header.shape)


@contextmanager
def opened(path: Path, example: str) -> Iterator[zipfile.ZipFile]:
    """The archive at ``path``; what a damaged file makes its readers raise becomes one DataError that names the path.

    ``example`` is how arrays are saved by name, for who gives a single array without one.
    """
    if not path.is_file():
        raise DataError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    with reading(path):
        with path.open("rb") as file:
            if file.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
                raise DataError(f"{path}: a single array; save it by name: numpy.savez(path, {example})")
        with zipfile.ZipFile(path) as archive:
            yield archive


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a damaged file makes the readers raise into one DataError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except _DAMAGE as error:
        text = str(error).splitlines()[0] if str(error) else "it ends early"
        raise DataError(f"{path}: not a readable .npz: {text}") from None
