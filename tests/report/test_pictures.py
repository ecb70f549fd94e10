"""Pictures: every plot of a report, as large as said, drawn; and what is said where no browser draws."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from hwq.errors import DataError, ToolError
from hwq.explore.store import reading
from hwq.report.page import render
from hwq.report.pictures import SIZE, picture_names, write_pictures
from hwq.report.sweep import sweep_report
from hwq.toolchain.tools import Tool, find_browser
from tests.report.browser import installed
from tests.report.stores import fill


def test_sections_that_become_pictures() -> None:
    assert picture_names(render("sweep", "t", {})) == ["front", "parallel", "axes"]
    assert picture_names(render("project", "t", {})) == ["cycles"]


def test_a_picture_is_as_large_as_said_and_not_empty(tmp_path: Path) -> None:
    browser = installed()
    fill(tmp_path)
    path = tmp_path / "report.html"
    with reading(tmp_path) as store:
        page = sweep_report(store)
    path.write_text(page, encoding="utf-8")
    only = page.replace('<section id="parallel" data-picture', '<section id="parallel"')
    files = write_pictures(path, only, tmp_path / "deep" / "png", browser)
    assert [file.name for file in files] == ["front.png", "axes.png"]
    for file in files:
        data = file.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert struct.unpack(">II", data[16:24]) == (2 * SIZE[0], 2 * SIZE[1])
        # White of this size takes 20 kB.
        assert len(data) > 60_000
    assert len({file.read_bytes() for file in files}) == 2


def fake(folder: Path, script: str) -> Tool:
    program = folder / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return Tool("chromium", "1", str(program), (str(program),))


def test_a_browser_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    page = render("project", "t", {})
    path = tmp_path / "p.html"
    with pytest.raises(ToolError, match=r"chromium drew no picture of .*p\.html: cannot open display"):
        write_pictures(path, page, tmp_path, fake(tmp_path, "echo starting; echo cannot open display; exit 1"))
    with pytest.raises(ToolError, match=r"chromium drew no picture of .*p\.html: exit code 0"):
        write_pictures(path, page, tmp_path, fake(tmp_path, "exit 0"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"cannot write .*file"):
        write_pictures(tmp_path / "p.html", "", tmp_path / "file", fake(tmp_path, "exit 0"))


def test_without_a_browser_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"chromium is missing: install Chromium or Chrome \(Debian: apt install"):
        find_browser()
    program = fake(tmp_path, "echo Chromium 120.0.6099.224 built on Debian 12.4").command
    assert (find_browser().command, find_browser().version) == (program, "120.0.6099.224")
