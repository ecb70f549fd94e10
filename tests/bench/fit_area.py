"""Fit the area model of hwq.cost to the measurements in area.csv.

``python -m tests.bench.fit_area`` writes hwq/cost/area.yaml and prints the model's error, per family and resource, on
the accelerators that it was fitted to and on those it was not. Prices are fitted by least squares of the relative
error, none negative, each drawn towards what the hardware's structure suggests where the measurements leave it open.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping

import numpy as np
from scipy.optimize import nnls

from hwq.arch.accelerator import Accelerator
from hwq.cost.area import FITTED, TABLE, area, term_prices, terms
from hwq.synth.targets import TARGETS
from tests.bench.area import FAMILIES, Measurement, accelerator_of, is_held_out, read_table

#: Lookup tables of ECP5's cells: two for each pair of an adder's bits, four for each 16x4 memory.
_ECP5_TABLES = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}

#: What a unit of a term takes, as far as structure tells, of lookup tables and of registers, each with its doubt.
EXPECTED: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "base": ((1500, 1000), (1500, 1000)),
    "addresses": ((20, 10), (20, 10)),
    "pe_weights": ((0.5, 0.1), (1, 0.05)),
    "pe_products": ((0, 0.05), (1, 0.05)),
    "pe_sums": ((1, 0.1), (1, 0.05)),
    "pe_multipliers": ((1, 0.3), (0, 0.05)),
    "pe_forward": ((0, 0.05), (1, 0.05)),
    "skew": ((0, 0.05), (1, 0.05)),
    "accumulators": ((3, 0.6), (1, 0.1)),
    "overflow": ((1.5, 0.5), (0.2, 0.1)),
    "drain": ((1, 0.3), (0, 0.05)),
    "words": ((1, 0.5), (3, 0.5)),
    "rotators": ((1, 0.2), (0, 0.05)),
    "load": ((0, 0.05), (1, 0.1)),
    "blocks": ((1, 0.3), (2, 0.5)),
    "memory_luts": ((1, 0.1), (0.25, 0.1)),
    "left_shifts": ((1, 0.3), (0, 0.05)),
    "values": ((0.5, 0.3), (0.5, 0.3)),
    "lanes_double": ((600, 150), (486, 30)),
    "lanes_single": ((800, 200), (583, 30)),
    "lanes_plain": ((600, 150), (588, 30)),
    "lanes_shift": ((350, 100), (150, 30)),
    "depthwise": ((500, 250), (400, 150)),
    "pooling": ((700, 300), (400, 150)),
    "elementwise": ((150, 75), (200, 80)),
    "table": ((50, 30), (60, 30)),
    "windows": ((0.5, 0.2), (1, 0.05)),
    "kernels": ((0.5, 0.2), (1, 0.05)),
    "taps": ((1.5, 0.5), (2.5, 0.5)),
    "pooled": ((2, 0.5), (2, 0.3)),
    "scalers": ((150, 40), (150, 40)),
}

#: Where that is otherwise: Xilinx' multipliers have registers and adders, and its lookup tables can be delays.
ELSEWHERE: Mapping[str, Mapping[str, tuple[tuple[float, float], tuple[float, float]]]] = {
    "ecp5": {},
    "xilinx7": {
        "base": ((1000, 700), (1300, 700)),
        "pe_products": ((0, 0.05), (0.1, 0.1)),
        "pe_sums": ((0.1, 0.1), (0.1, 0.1)),
        "skew": ((0.1, 0.1), (0.4, 0.2)),
        "blocks": ((0, 0.1), (0, 0.1)),
        "accumulators": ((2, 0.6), (1, 0.1)),
        "rotators": ((0.5, 0.2), (0, 0.05)),
        "lanes_double": ((400, 100), (250, 80)),
        "lanes_single": ((500, 150), (300, 80)),
        "lanes_plain": ((450, 120), (300, 80)),
        "lanes_shift": ((250, 80), (130, 40)),
        "pooling": ((400, 200), (350, 150)),
        "depthwise": ((300, 150), (350, 150)),
        "scalers": ((100, 40), (80, 40)),
        "taps": ((0.7, 0.4), (1, 0.5)),
        "pooled": ((1.3, 0.4), (2, 0.4)),
    },
}

#: How much a measurement counts against what structure suggests.
_NOISE = 0.015


def measured(measurement: Measurement) -> dict[str, float]:
    """What Yosys counted, as the resources of the model."""
    cells = measurement.cells
    if measurement.family == "ecp5":
        return {
            "lut": float(sum(cells.get(cell, 0) * luts for cell, luts in _ECP5_TABLES.items())),
            "ff": float(cells.get("TRELLIS_FF", 0)),
            "bram": float(cells.get("DP16KD", 0)),
            "dsp": float(cells.get("MULT18X18D", 0)),
        }
    resources = TARGETS[FAMILIES[measurement.family]].resources
    return {
        name: sum(
            count * weight
            for kind, weight in resource.cells.items()
            for cell, count in cells.items()
            if re.fullmatch(kind, cell)
        )
        for name, resource in resources.items()
    }


def fit(family: str, resource: str, measurements: list[Measurement]) -> dict[str, float]:
    """Prices of the terms, for one resource."""
    column = FITTED.index(resource)
    there = [terms(accelerator_of(m.keys), family) for m in measurements]
    counts = np.array([measured(m)[resource] for m in measurements])
    names = list(EXPECTED)
    assert set(names) == set(there[0]), set(names) ^ set(there[0])
    matrix = np.array([[point[name] for name in names] for point in there]) / counts[:, None] / _NOISE
    known = {**EXPECTED, **ELSEWHERE[family]}
    expected, doubt = np.array([known[name][column] for name in names]).T
    stacked = np.vstack([matrix, np.diag(1 / doubt)])
    wanted = np.concatenate([np.full(len(counts), 1 / _NOISE), expected / doubt])
    found, _ = nnls(stacked, wanted)
    return {name: float(f"{value:.4g}") for name, value in zip(names, found, strict=True) if value}


def errors(measurements: list[Measurement]) -> dict[str, list[float]]:
    """By resource, the relative error of the model at each measurement."""
    found: dict[str, list[float]] = {}
    for measurement in measurements:
        accelerator: Accelerator = accelerator_of(measurement.keys)
        modelled, counted = area(accelerator, measurement.family), measured(measurement)
        for resource, count in counted.items():
            found.setdefault(resource, []).append((modelled[resource] - count) / count if count else modelled[resource])
    return found


def summary(found: list[float]) -> tuple[float, float]:
    """(Median, worst) magnitude of errors."""
    magnitudes = [abs(error) for error in found]
    return statistics.median(magnitudes), max(magnitudes)


def main() -> None:
    """Write the table and print the errors."""
    lines = [
        "# Lookup tables and registers that each unit of a term of hwq.cost.area takes, by family.",
        "# Written by python -m tests.bench.fit_area, from Yosys' counts in tests/bench/area.csv.",
    ]
    table = list(read_table())
    for family in FAMILIES:
        lines.append(f"{family}:")
        fitted = [m for m in table if m.family == family and not is_held_out(m.point)]
        for resource in FITTED:
            lines.append(f"  {resource}:")
            lines += [f"    {name}: {value:g}" for name, value in fit(family, resource, fitted).items()]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    term_prices.cache_clear()
    for family in FAMILIES:
        for held in (False, True):
            chosen = [m for m in table if m.family == family and is_held_out(m.point) is held]
            for resource, found in errors(chosen).items():
                median, worst = summary(found)
                kind = "held out" if held else "fitted"
                print(f"{family:8} {resource:5} {kind:9} {len(found):3} median {median:.1%} worst {worst:.1%}")


if __name__ == "__main__":
    main()
