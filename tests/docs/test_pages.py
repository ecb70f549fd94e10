"""Links resolve, YAML loads, commands exist, and the signals that pages name are in the Verilog."""

from __future__ import annotations

import importlib
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer

from hwq.cli.app import VERBS
from hwq.config.project import load_project
from hwq.errors import ConfigError
from hwq.explore.document import load_sweep
from hwq.explore.points import sweep_points
from hwq.export.verilog import emit_verilog
from tests.docs.tables import DOCS, EVERY_ENGINE, pages

ROOT = DOCS.parent

#: Pages whose commands, YAML and links are checked: all of docs, and the front page.
PAGES = [*pages(), *(page for page in [ROOT / "README.md"] if page.exists())]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def _blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _FENCE.findall(page.read_text(encoding="utf-8")) if kind == language]


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_resolve(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in _anchors(linked)):
            broken.append(target)
    assert not broken


def _yaml() -> list[tuple[str, str]]:
    return [(f"{page.stem}-{n}", text) for page in PAGES for n, text in enumerate(_blocks(page, "yaml"))]


@pytest.mark.parametrize(("name", "text"), _yaml(), ids=[name for name, _ in _yaml()])
def test_yaml_loads(name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", "models")
    path = tmp_path / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    if text.startswith("# sweep"):
        (tmp_path / "configs").symlink_to(ROOT / "configs")
        assert sweep_points(load_sweep(path), tmp_path / "results")
    elif text.startswith("# refused"):
        with pytest.raises(ConfigError):
            load_project(path)
    else:
        load_project(path)


def test_the_refused_example_says_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", "models")
    monkeypatch.chdir(tmp_path)
    page = DOCS / "guide" / "projects.md"
    Path("bad.yaml").write_text(next(t for t in _blocks(page, "yaml") if t.startswith("# refused")), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_project("bad.yaml")
    assert f"hwq: error: {raised.value}\n" in "".join(_blocks(page, "console"))


def _commands() -> list[str]:
    lines = [line for page in PAGES for text in _blocks(page, "console") for line in text.splitlines()]
    return sorted({line[2:] for line in lines if line.startswith("$ hwq ")})


@cache
def _parser(verb: str) -> typer.core.TyperCommand:
    application = typer.Typer(add_completion=False)
    application.command(verb)(importlib.import_module(VERBS[verb].module).command)
    parser = typer.main.get_command(application)
    assert isinstance(parser, typer.core.TyperCommand)
    return parser


@pytest.mark.parametrize("command", _commands())
def test_commands_parse(command: str) -> None:
    words = shlex.split(command.partition(">")[0])[1:]
    if words == ["--help"]:
        return
    _parser(words[0]).make_context(words[0], words[1:])


@cache
def _emitted() -> str:
    return emit_verilog(EVERY_ENGINE)


@pytest.mark.parametrize("verb", [*VERBS])
def test_every_option_is_on_the_page_of_the_command_line(verb: str) -> None:
    text = (DOCS / "guide" / "command-line.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text[re.search(rf"^## hwq {verb}\b", text, re.MULTILINE).end() :], flags=re.MULTILINE)[
        0
    ]
    options = [option for parameter in _parser(verb).params for option in parameter.opts if option.startswith("--")]
    common = {"--help", "--json"}
    assert [option for option in options if option not in common and f"`{option}" not in section] == []


def _signals() -> set[tuple[str, str]]:
    """(instance, signal) pairs in the tables of signals; a leading dot repeats the instance before."""
    text = (DOCS / "guide" / "reading-the-verilog.md").read_text(encoding="utf-8")
    table = text[text.index("## Which signal") : text.index("**From a first difference back.**")]
    found = set()
    for row in table.splitlines():
        instance = ""
        for name in re.findall(r"`([\w.*]+)`", row):
            head, _, tail = name.rpartition(".")
            instance = head or instance
            if instance:
                found.add((instance, tail))
    return found


def test_signals_exist() -> None:
    text = _emitted()
    modules = dict(re.findall(r"^module (\w+)\((.*?)^endmodule", text, flags=re.MULTILINE | re.DOTALL))
    missing = []
    assert len(_signals()) > 40
    for instance, signal in _signals():
        module = "hwq_accelerator"
        path = instance.replace("pe_r_c", "pe_3_5")
        path = re.sub(r"_l$", "_2", path)
        if path.partition(".")[0] in ("addresses", "array", "accumulator", "drain"):
            path = f"array_engine.{path}"
        for part in path.split("."):
            placed = re.search(rf"^  (hwq_\w+) {part} \(", modules[module], flags=re.MULTILINE)
            assert placed, f"no instance {part} in {module}"
            module = placed[1]
        pattern = signal.replace("*", r"\w+")
        if not re.search(rf"^  (?:wire|reg|input|output) .*\b{pattern}\b", modules[module], flags=re.MULTILINE):
            missing.append(f"{instance}.{signal}")
    assert not missing


def test_instances_of_the_tour_exist() -> None:
    text = (DOCS / "guide" / "reading-the-verilog.md").read_text(encoding="utf-8")
    tour = text[text.index("## Tour") : text.index("## Which signal")]
    rows = re.findall(r"^\| `([\w.]+)` \| `(\w+)` \|", tour, flags=re.MULTILINE)
    assert len(rows) > 10
    assert {f"{name}_engine" for name in EVERY_ENGINE.engines} <= {instance for instance, _ in rows}
    for instance, module in rows:
        assert f"  {module} {instance.rpartition('.')[2]} (" in _emitted()
