"""Results of sweeps that were never run: figures by formula, for what shows them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwq.config.writing import yaml_text
from hwq.explore.metrics import METRICS
from hwq.explore.store import NewPoint, writing

AXES = ("array.rows", "arithmetic.psum_bits", "shape")

#: A label that ends a script element and is markup, were it not escaped.
HOSTILE = "</script><b>wide & low</b>"

ERROR = "weights memory holds 1024 weights and 24832 are needed; raise buffers.weights to <24832>"

#: The other points that neither fail nor wait meet the sweep's constraint from here on.
LEAST_ACCURACY = 0.5


def fill(folder: Path, points: int = 48) -> None:
    """A sweep of ``points`` points in ``folder``: every 7th one failed, the last one waits, two forms of projects."""
    space = itertools.cycle(itertools.product(range(1, 17), (None, 16, 20), ("square", HOSTILE)))
    chosen = [dict(zip(AXES, values, strict=True)) for values in itertools.islice(space, points)]
    for number, choices in enumerate(chosen, 1):
        if number % 5 == 0:
            # The axis does not apply.
            del choices["arithmetic.psum_bits"]
    entered = [NewPoint(str(n), choices, choices, project(n, choices)) for n, choices in enumerate(chosen, 1)]
    failed = [number for number in range(1, points) if number % 7 == 0]
    with writing(folder) as store:
        facts = {
            "hwq": "1.2.3",
            "axes": list(AXES),
            "varying": list(AXES),
            "names": [*METRICS, *AXES],
            "objectives": ["accuracy", "cycles"],
            "constraints": [f"accuracy >= {LEAST_ACCURACY}"],
            "clock_mhz": 100.0,
        }
        store.enter(facts, entered, retry=False)
        store.finish({n: figures(n, chosen[n - 1]) for n in range(1, points) if n not in failed})
        store.fail(failed, ERROR)


def project(number: int, choices: dict[str, Any]) -> str:
    """The project of a point; those where an axis does not apply have a line less."""
    arithmetic = {"psum_bits": choices["arithmetic.psum_bits"]} if "arithmetic.psum_bits" in choices else {}
    values = {
        "model": "models/small.hwqnet" if number % 2 else f"models/{HOSTILE}.hwqnet",
        "array": {"rows": choices["array.rows"]},
        "arithmetic": {"overflow": "wrap", **arithmetic},
    }
    return yaml_text(values)


def figures(number: int, choices: dict[str, Any]) -> dict[str, Any]:
    """Figures that differ, among them one that no point has."""
    rows = choices["array.rows"]
    cycles = 400_000 // rows + number * 13 % 97
    return {
        "accuracy": (number * 37 % 97) / 97,
        "agreement": (number * 31 % 89) / 89,
        "overflows": None,
        "cycles": cycles,
        "latency": cycles / 1e5,
        "utilization": 1 / (1 + rows),
        "multipliers": 8 * rows,
        "memory": 60_000 + 12 * rows,
        "memory_used": 40_000 + number,
        "host_layers": 1,
        "energy": 40 + number / 7,
        "power": 100 + number / 3,
        "lut": 9000 + 11 * number,
        "ff": 10_000 + 13 * number,
        "bram": rows / 2,
        "dsp": 8 * rows + 20,
    }


def indices(numbers: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Where the numbers ``wanted`` are in ``numbers``."""
    return [numbers.index(number) for number in wanted]
