"""Reports in headless Chromium: plots are drawn, axes switch, points tell what they are, and nothing complains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hwq.explore.metrics import METRICS
from hwq.explore.store import reading, writing
from hwq.report.project import project_data, project_report
from hwq.report.sweep import sweep_data, sweep_report
from tests.report.browser import browsing, opened, place, show
from tests.report.stores import ERROR, HOSTILE, fill
from tests.report.test_project import kws

__all__ = ["kws"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    fill(folder)
    with reading(folder) as store:
        (folder / "report.html").write_text(sweep_report(store), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(browser: Any, sweep: Path) -> Iterator[Any]:
    with opened(browser, sweep / "report.html") as page:
        yield page


@pytest.fixture(autouse=True)
def top(request: pytest.FixtureRequest) -> None:
    """Tests that share a page begin at its top."""
    if "page" in request.fixturenames:
        request.getfixturevalue("page").evaluate("scrollTo(0, 0)")


def known(folder: Path) -> tuple[dict[str, Any], list[Any]]:
    """What the report was made of, and the evaluated points."""
    with reading(folder) as store:
        return sweep_data(store), [row for row in store.rows() if row.status == "done"]


def test_every_plot_is_drawn(page: Any, sweep: Path) -> None:
    data, rows = known(sweep)
    show(page, "parallel")
    show(page, "axes")
    # The one that is chosen has a ring.
    assert page.locator("#front-plot .scatterlayer .point").count() == len(rows) + 1
    choices = sum(len(column["values"]) for column in data["axes"].values())
    assert page.locator("#axes-plots .scatterlayer .point").count() == choices
    # Lines are pixels, of which there are some; and axes have names.
    assert page.locator("#parallel-plot canvas").count() >= 3
    uprights = page.locator("#parallel-plot .axis-title").all_text_contents()
    assert uprights[:5] == ["rows", "psum_bits", "shape", "Accuracy", "Cycles"]
    assert len(page.locator("#parallel-plot").screenshot()) > 20_000
    titles = page.locator("#front-plot .xtitle, #front-plot .ytitle").all_text_contents()
    assert sorted(titles) == ["Accuracy", "Cycles"]


def test_axes_switch(page: Any, sweep: Path) -> None:
    data, rows = known(sweep)
    chosen = {"across": "cycles", "up": "accuracy"}
    for axis, name in (("across", "latency"), ("up", "memory"), ("across", "shape"), ("across", "utilization")):
        page.select_option(f"#{axis}", name)
        chosen[axis] = name
        found = page.evaluate(
            "document.getElementById('front-plot').data"
            ".filter((trace) => trace.mode === 'markers' && trace.name !== 'chosen')"
            ".flatMap((trace) => trace.customdata.map((index, place) => [index, trace.x[place], trace.y[place]]))"
        )
        assert sorted(index for index, _, _ in found) == list(range(len(rows)))
        for name, column in ((chosen["across"], 1), (chosen["up"], 2)):
            if name in METRICS:
                assert all(point[column] == rows[point[0]].metrics[name] for point in found)
        titles = page.locator("#front-plot .xtitle, #front-plot .ytitle").all_text_contents()
        assert titles == [METRICS[name].title if name in METRICS else name for name in chosen.values()]
    assert data["figures"].keys() == METRICS.keys() - {"overflows"}
    offered = page.locator("#across option").evaluate_all("(options) => options.map((option) => option.value)")
    assert offered == [*data["figures"], *data["varying"]]


def test_a_point_tells_what_it_is_and_a_click_shows_its_project(page: Any, sweep: Path) -> None:
    page.select_option("#across", "cycles")
    page.select_option("#up", "accuracy")
    data, rows = known(sweep)
    best = rows[data["front"][-1]]
    x, y = place(page, "front-plot", "front of the sweep", page.evaluate(
        "(index) => document.getElementById('front-plot').data.find((t) => t.name === 'front of the sweep')"
        ".customdata.indexOf(index)", data["front"][-1]))  # fmt: skip
    page.mouse.move(x + 40, y + 40)
    page.mouse.move(x, y)
    page.wait_for_selector("#front-plot .hovertext")
    text = page.locator("#front-plot .hovertext").first.text_content()
    figures = [
        f"{METRICS[name].title}: {METRICS[name].text.format(value)}" for name, value in best.metrics.items() if value
    ]
    for part in (f"Point {best.number}", f"array.rows: {best.choices['array.rows']}", *figures):
        assert part in text
    page.mouse.click(x, y)
    page.wait_for_function(f"document.querySelector('#chosen h3').textContent.startsWith('Point {best.number}')")
    assert page.locator("#chosen pre").text_content() == best.project


def test_every_project_comes_back_to_the_character(page: Any, sweep: Path) -> None:
    _, rows = known(sweep)
    assert page.evaluate("INDICES.map(yaml)") == [row.project for row in rows]


def test_copying(page: Any, sweep: Path) -> None:
    data, rows = known(sweep)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("select(DATA.front[0])")
    page.click("#chosen button")
    page.wait_for_selector("#chosen button:text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == rows[data["front"][0]].project


def test_figures_are_written_as_hwq_writes_them(page: Any) -> None:
    for metric in METRICS.values():
        values = [0, 1, 0.5, 0.905, 1 / 3] if metric.text.endswith("%}") else [0, 7, 1234, 9_876_543]
        values = [0.2404, 0.5, 3.14159, 12.0] if metric.text == "{:.4g}" else values
        written = page.evaluate("([text, values]) => values.map((value) => format(text, value))", [metric.text, values])
        assert written == [metric.text.format(value) for value in values]


def test_tables_sort_open_and_turn(page: Any, sweep: Path) -> None:
    data, rows = known(sweep)
    assert page.locator("#points-table tbody tr").count() == len(data["front"])
    page.uncheck("#only-front")
    assert page.locator("#points-table .pages").text_content().endswith(f"1 to 25 of {len(rows)}")
    column = 3 + len(data["varying"]) + list(data["figures"]).index("cycles")
    for order in (False, True):
        page.click("#points-table th button:text('Cycles')")
        shown = page.locator(f"#points-table tbody td:nth-child({column})").all_text_contents()
        expected = sorted((row.metrics["cycles"] for row in rows), reverse=order)[:25]
        assert shown == [f"{cycles:,}" for cycles in expected]
    page.click("#points-table button:text('Next')")
    assert page.locator("#points-table tbody tr").count() == len(rows) - 25
    page.click("#points-table tbody tr:first-child")
    number = page.locator("#points-table tbody tr:first-child td:first-child").text_content()
    (row,) = [row for row in rows if str(row.number) == number]
    assert page.locator("#points-table pre").text_content() == row.project


def test_what_failed_is_told_and_labels_are_text(page: Any, sweep: Path) -> None:
    with reading(sweep) as store:
        failed = [row for row in store.rows() if row.status == "failed"]
    assert page.locator("#failed-reasons tbody td").all_text_contents() == [str(len(failed)), ERROR]
    cells = page.locator("#failed-table tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))"
    )
    psums = [
        "null" if value is None else str(value)
        for value in (row.choices.get("arithmetic.psum_bits", "") for row in failed)
    ]
    assert cells == [
        [str(row.number), str(row.choices["array.rows"]), psum, row.choices["shape"], ERROR]
        for row, psum in zip(failed, psums, strict=True)
    ]
    page.select_option("#across", "shape")
    assert HOSTILE in page.locator("#front-plot .xtick").all_text_contents()


def test_nothing_offers_to_send_the_data_away(page: Any) -> None:
    buttons = page.locator(".modebar-btn").evaluate_all("(all) => all.map((one) => one.dataset.title)")
    assert set(buttons) == {"Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}


@pytest.mark.parametrize(("width", "height", "scheme"), [(1366, 768, "dark"), (3840, 2160, "light")])
def test_it_fits_the_screen_in_light_and_dark(browser: Any, sweep: Path, width: int, height: int, scheme: str) -> None:
    with opened(browser, sweep / "report.html", width, height, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.getElementById('front-plot').getBoundingClientRect().bottom") <= height
        size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert size == pytest.approx({1366: 14.87, 3840: 22.79}[width], abs=0.01)
        colors = {
            "dark": ("rgb(18, 22, 27)", "rgb(230, 234, 238)"),
            "light": ("rgb(246, 247, 249)", "rgb(28, 34, 40)"),
        }
        # What plotly draws follows, also when they change.
        for now in (scheme, *(colors.keys() - {scheme})):
            page.emulate_media(color_scheme=now)
            ground, text = colors[now]
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
            page.wait_for_function(
                "(text) => getComputedStyle(document.querySelector('#front-plot .xtitle')).fill === text", arg=text
            )


def test_ten_thousand_points_open_quickly(browser: Any, tmp_path: Path) -> None:
    fill(tmp_path, 10_000)
    path = tmp_path / "report.html"
    with reading(tmp_path) as store:
        path.write_text(sweep_report(store), encoding="utf-8")
    with opened(browser, path) as page:
        times = page.context.new_cdp_session(page)
        times.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.reload()
        page.wait_for_selector("#front[data-drawn]")
        # Of this page alone, however busy the machine is.
        found = {one["name"]: one["value"] for one in times.send("Performance.getMetrics")["metrics"]}
        assert found["TaskDuration"] < 3
        drawn = page.evaluate(
            "document.getElementById('front-plot').data.filter((trace) => trace.name !== 'chosen')"
            ".flatMap((trace) => trace.mode === 'markers' ? trace.x : []).length"
        )
        assert drawn == page.evaluate("POINTS") > 8_000


def test_a_sweep_in_which_everything_failed(browser: Any, tmp_path: Path) -> None:
    fill(tmp_path)
    with writing(tmp_path) as store:
        store.fail(range(1, 49), ERROR)
    path = tmp_path / "report.html"
    with reading(tmp_path) as store:
        path.write_text(sweep_report(store), encoding="utf-8")
    with opened(browser, path, drawn=False) as page:
        assert page.locator("nav a").all_text_contents() == ["Failed"]


def test_a_project(browser: Any, kws: Any, tmp_path: Path) -> None:
    path = tmp_path / "kws.html"
    path.write_text(project_report(kws.project, kws.design), encoding="utf-8")
    data = project_data(kws.project, kws.design)
    layers = [layer for layer in data["layers"] if layer["cycles"] is not None]
    with opened(browser, path) as page:
        # One bar of each cause for each layer, and one for its utilization.
        causes = {cause for layer in layers for cause in layer["causes"]}
        assert page.locator("#cycles-plot .bars .point").count() == len(layers) * (len(causes) + 1)
        assert page.locator("#cycles-plot .ytick").all_text_contents() == [layer["name"] for layer in layers]
        rows = page.locator("#layers-table tbody tr").all_text_contents()
        assert len(rows) == len(data["layers"]) + 1
        assert "52,444" in rows[-1] and "79.2%" in rows[-1]
        assert page.locator("#causes-table tr.total").text_content() == "All52,444"
        page.select_option("#measure", "share")
        shares = page.evaluate("document.getElementById('cycles-plot').data.slice(0, -1).map((trace) => trace.x)")
        assert [sum(parts) for parts in zip(*shares, strict=True)] == pytest.approx([1] * len(layers))
        assert page.locator("#project-yaml pre").text_content() == data["yaml"]
        assert page.locator("#certificate-table tbody tr").count() == len(data["certificate"])
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366
