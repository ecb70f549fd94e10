"""A verification on a full disk says which of its files could not be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.errors import DataError
from hwq.verify import session
from tests.support.designs import samples, small_design

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full, which is always a full disk")
@pytest.mark.parametrize("name", ["vectors.npz", "job.json"])
def test_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    design = small_design()
    monkeypatch.setattr(session, "_build", lambda package, trace, progress: None)
    path = tmp_path / "simulation" / name
    path.parent.mkdir()
    path.symlink_to(FULL)
    with pytest.raises(DataError) as caught:
        session.verify(design, samples(design), tmp_path, {})
    assert str(caught.value) == f"cannot write {path}: No space left on device"
