"""The report of a sweep: every point and every figure as its results have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from hwq.config.document import parse_document
from hwq.errors import ConfigError
from hwq.explore.metrics import METRICS
from hwq.explore.pareto import candidates, front, wanted
from hwq.explore.store import Row, Store
from hwq.report.columns import coded, woven
from hwq.report.page import render


def sweep_report(store: Store) -> str:
    """The page of the sweep in ``store``, finished or not.

    Raises
    ------
    ConfigError
        No point has been evaluated or has failed yet.
    ToolError
        The Python package plotly is not installed.
    """
    data = sweep_data(store)
    return render("sweep", f"Sweep of {data['network']}", data)


def sweep_data(store: Store) -> dict[str, Any]:
    """What the page is drawn from: columns with an entry for each evaluated point, and the failed points."""
    rows = list(store.rows())
    done = [row for row in rows if row.status == "done"]
    failed = [row for row in rows if row.status == "failed"]
    if not done and not failed:
        raise ConfigError(f"{store.folder}: no point has been evaluated yet; hwq sweep goes on with them")
    meeting, best, objection = _chosen(done, store)
    axes = store.fact("axes")
    present = [name for name in METRICS if any(row.metrics.get(name) is not None for row in done)]
    return {
        "hwq": store.fact("hwq"),
        "network": _network(rows),
        "clock_mhz": store.fact("clock_mhz"),
        "objectives": [name for name in store.fact("objectives") if name in present],
        "constraints": store.fact("constraints"),
        "objection": objection,
        "counts": {"total": len(rows), "done": len(done), "failed": len(failed)},
        "figures": {
            name: {
                "title": METRICS[name].title,
                "text": METRICS[name].text,
                "more": METRICS[name].more_is_better,
                "meaning": METRICS[name].meaning,
                "evidence": METRICS[name].evidence.value,
                "values": [row.metrics.get(name) for row in done],
            }
            for name in present
        },
        "varying": store.fact("varying"),
        "axes": _axes(done, axes),
        "numbers": [row.number for row in done],
        # In the order of their worth: the best in the first objective is the first.
        "front": best,
        "meeting": [int(row.number in meeting) for row in done],
        "projects": woven([row.project for row in done]),
        "failed": {
            "numbers": [row.number for row in failed],
            "axes": _axes(failed, axes),
            "errors": coded([row.error for row in failed]),
            "reasons": [
                {"error": error, "points": count} for error, count in Counter(row.error for row in failed).most_common()
            ],
        },
    }


def _chosen(done: Sequence[Row], store: Store) -> tuple[set[int], list[int], str]:
    """Numbers of the points that meet the constraints, indices of the front in ``done``, or why there is none."""
    want = wanted(store)
    try:
        found = candidates(done, want)
    except ConfigError as error:
        return set(), [], str(error)
    places = {row.number: index for index, row in enumerate(done)}
    return {row.number for row in found}, [places[row.number] for row in front(found, want.objectives)], ""


def _axes(rows: Sequence[Row], axes: Sequence[str]) -> dict[str, Any]:
    """By axis what it chose, a list of one value, and an empty one where it does not apply."""
    return {axis: coded([[row.choices[axis]] if axis in row.choices else [] for row in rows]) for axis in axes}


def _network(rows: Sequence[Row]) -> str:
    """Names of the model files, each once."""
    # Most points have the same lines: only distinct ones are read.
    lines = {line for row in rows for line in row.project.splitlines() if line.startswith("model:")}
    names = {PurePath(str(parse_document(line, Path("project.yaml")).values["model"])).name for line in lines}
    return ", ".join(sorted(names))
