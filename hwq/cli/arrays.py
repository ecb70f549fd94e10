"""Arrays written to disk piece by piece, that appear under their name only when they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hwq.errors import ConfigError


class ArrayWriter:
    """Writes an array whose first axis grows; use it in a ``with`` block.

    Everything goes to a temporary file beside ``path``. `finish` gives it its name; a block that is left without it
    leaves nothing behind. Where ``path`` is a link, the link stays and the file it leads to is replaced; a pipe or a
    device stays too, and `finish` writes the whole array to it.

    Parameters
    ----------
    path:
        Where the array goes: an ``.npz`` that holds it as ``name``, or a plain ``.npy`` where ``name`` is ``None``.
    shape:
        Shape of one row.
    dtype:
        Type of the elements.
    name:
        Name inside the ``.npz``.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], name: str | None = None) -> None:
        self.path = path
        self.rows = 0
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._name = name

    def __enter__(self) -> ArrayWriter:
        self._place = check_place(self.path)
        handle, self._temporary = self._make_temporary()
        self._file = os.fdopen(handle, "w+b")
        try:
            self._write_header()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows [n, *shape]."""
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())
        self.rows += len(rows)

    def finish(self) -> None:
        """Give the array its name, with the rows appended so far."""
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        if self._name is None:
            self._publish(self._temporary)
            return
        handle, packed = self._make_temporary()
        try:
            # ZipInfo's own date, so that the same outputs give the same bytes.
            entry = zipfile.ZipInfo(f"{self._name}.npy")
            self._file.seek(0)
            with (
                os.fdopen(handle, "wb") as file,
                zipfile.ZipFile(file, "w") as archive,
                archive.open(entry, "w", force_zip64=True) as member,
            ):
                shutil.copyfileobj(self._file, member, 1 << 20)
            self._publish(packed)
        finally:
            packed.unlink(missing_ok=True)

    def _make_temporary(self) -> tuple[int, Path]:
        # A pipe may lie where no file can; nothing has to be moved to it.
        folder = None if self._place is None else self._place.parent
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=folder)
        return handle, Path(name)

    def _publish(self, temporary: Path) -> None:
        if self._place is None:
            with temporary.open("rb") as whole, self.path.open("wb") as stream:
                shutil.copyfileobj(whole, stream, 1 << 20)
            return
        # Temporary files are the user's alone; results have the rights that any new file has.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(self._place)

    def _write_header(self) -> None:
        # numpy leaves room for the first axis to grow: the header is as long for any number of rows.
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self.rows, *self._shape)}
        npy.write_array_header_1_0(self._file, header)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)


def check_place(path: Path) -> Path | None:
    """Refuse a place where no file can be written, before work starts.

    Returns
    -------
    The file that appears or is replaced, links followed; ``None`` where there is a pipe or a device, which can only be
    written to.

    Raises
    ------
    ConfigError
        Nothing can be written there.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        return None
    place = Path(os.path.realpath(path))
    if place.is_symlink():
        raise ConfigError(f"{path}: a link that leads back to itself")
    if not place.parent.is_dir():
        raise ConfigError(f"{path}: no such folder: {place.parent if path.is_symlink() else path.parent}")
    return place
