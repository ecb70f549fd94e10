"""A process that evaluates points: tasks come as lines of JSON on standard input, outcomes leave on standard output.

It ends at once when its input does, whatever it computes: when whoever started it has closed the pipe, or is dead.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwq.errors import HwqError

READY = {"ready": True}
"""The first line of output: everything is imported."""


def outcome(task: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a task: ``result``, or ``error``, a text; its ``number`` either way."""
    from hwq.explore.evaluation import emulate, schedule

    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "schedule": lambda: schedule(task["values"], Path(task["folder"])),
        "emulate": lambda: emulate(task["values"], Path(task["folder"]), task["count"]),
    }
    try:
        return {"number": task["number"], "result": kinds[task["kind"]]()}
    except HwqError as error:
        return {"number": task["number"], "error": str(error)}
    except MemoryError:
        return {"number": task["number"], "error": "out of memory"}
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return {"number": task["number"], "error": f"a bug in hwq: {type(error).__name__}: {error} ({where})"}


def main() -> None:
    """Work until the input ends."""
    # What libraries print is no outcome.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    import hwq.explore.evaluation  # noqa: F401

    try:
        print(json.dumps(READY), file=out, flush=True)
        while True:
            print(json.dumps(outcome(json.loads(tasks.get()))), file=out, flush=True)
    except BrokenPipeError:
        # Nobody listens any more.
        os._exit(0)


def _read(tasks: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
