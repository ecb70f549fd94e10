"""What cannot be written is named: a disk that is full says only that it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.errors import DataError
from hwq.export.files import OutputDirectory, writing

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full, which is always a full disk")


def test_text_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "weights.hex").symlink_to(FULL)
    out = OutputDirectory(tmp_path)
    with pytest.raises(DataError) as caught:
        out.write("images/weights.hex", "00\n")
    assert str(caught.value) == f"cannot write {tmp_path / 'images' / 'weights.hex'}: No space left on device"
    assert out.hashes == {}


def test_arrays_on_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    path.symlink_to(FULL)
    with pytest.raises(OSError, match="No space left") as bare:
        np.savez(path, x=np.zeros(1 << 16))
    assert bare.value.filename is None
    with pytest.raises(DataError) as caught, writing(path):
        np.savez(path, x=np.zeros(1 << 16))
    assert str(caught.value) == f"cannot write {path}: No space left on device"
