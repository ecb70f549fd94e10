"""Results as files for other programs: CSV, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwq.errors import ToolError
from hwq.explore.metrics import METRICS
from hwq.explore.space import label_text
from hwq.explore.store import Store

FORMATS = ("csv", "json", "parquet")


def export(store: Store, form: str) -> Path:
    """Write every point of a sweep to ``results.FORM`` beside its results; the value is the file.

    A row has the point's number, its status, a column for each axis (empty where the axis does not apply), one for
    each metric, and the error; JSON also has the project.

    Raises
    ------
    ToolError
        Parquet, and pyarrow is not installed.
    """
    axes = store.fact("axes")
    columns = ["number", "status", *axes, *METRICS, "error"]
    records: list[dict[str, Any]] = [
        {"number": row.number, "status": row.status, **row.choices, **row.metrics, "error": row.error}
        for row in store.rows()
    ]
    if form == "csv":
        data = _csv(columns, records)
    elif form == "json":
        projects = [row.project for row in store.rows()]
        full = [
            {**{name: record.get(name) for name in columns}, "project": project}
            for record, project in zip(records, projects, strict=True)
        ]
        data = (json.dumps(full, indent=1, allow_nan=False) + "\n").encode()
    else:
        data = _parquet(columns, axes, records)
    path = store.folder / f"results.{form}"
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.replace(path)
    return path


def _csv(columns: Sequence[str], records: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for record in records:
        writer.writerow([_cell(record, name) for name in columns])
    return text.getvalue().encode()


def _cell(record: dict[str, Any], name: str) -> object:
    """A cell; one that says nothing is empty, and null is a value of an axis."""
    value = record.get(name)
    if value is None:
        return "null" if name in record and name not in (*METRICS, "error") else ""
    return label_text(value)


def _parquet(columns: Sequence[str], axes: Sequence[str], records: Sequence[dict[str, Any]]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ToolError("Parquet needs the Python package pyarrow: pip install 'hwq[parquet]'") from None
    table = {}
    for name in columns:
        values = [record.get(name) for record in records]
        if name in axes and len({type(value) for value in values if value is not None}) > 1:
            # A column has one type.
            values = [None if value is None else label_text(value) for value in values]
        table[name] = values
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(table), out)
    return out.getvalue()
