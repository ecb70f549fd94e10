"""Speed of the emulator beside its peers, in one run and on one thread.

``python -m tests.bench.emulator`` prints a table of inferences per second for the four MLPerf Tiny models, one of int8
matrix products, and one of products whose accumulators saturate; ``--json`` prints one JSON object instead. Every
figure is the median of several timings, taken in turns so that a busy machine slows all of them alike. Inputs are
seeded and random: the work does not depend on them. hwq takes its samples in large batches, its peers one at a time, as
they are used; XNNPACK also in batches of 32.
"""

from __future__ import annotations

import os

# Before numpy loads its BLAS: one thread is what the figures are about.
os.environ.update(OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", OMP_NUM_THREADS="1", VECLIB_MAXIMUM_THREADS="1")

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from hwq.contracts.interpreters import LiteRt, TfliteMicro
from hwq.emulate import Emulator
from hwq.emulate.products import FloatProduct, fastest_product
from hwq.frontends import load
from hwq.graph.layers import Dense
from tests.bench.ordered import ordered_rates
from tests.bench.timing import Contender, dense_network, rates
from tests.support.models import OFFICIAL


def _folder() -> Path:
    default = Path(__file__).parents[2] / ".." / "shared" / "mlperf_tiny"
    return Path(os.environ.get("HWQ_MLPERF_TINY", default))


def _model_rates(path: Path) -> dict[str, float]:
    """Inferences per second of the emulator and of its peers on one model."""
    network, data = load(path), path.read_bytes()
    emulator, floats = Emulator(network), Emulator(network, product=FloatProduct)
    rng = np.random.default_rng(20)
    x = rng.integers(-128, 128, (2 * emulator.chunk, *network.tensors[network.input].shape), dtype=np.int8)
    micro = TfliteMicro(data)
    contenders: list[Contender] = [
        ("hwq", lambda: emulator.run(x), len(x)),
        ("hwq, BLAS", lambda: floats.run(x), len(x)),
        ("tflite-micro", lambda: micro.run(x[:4]), 4),
    ]
    for kernels in ("reference", "optimized", "xnnpack"):
        contenders.append((f"LiteRT {kernels}", LiteRt(data, kernels).repeat(x[:1]), 1))
    contenders.append(("LiteRT xnnpack, batch of 32", LiteRt(data, "xnnpack", batch=32).repeat(x[:32]), 32))
    return rates(contenders)


def _product_rates(rows: int = 256, depth: int = 1024, units: int = 256) -> dict[str, float]:
    """MMAC/s of an int8 matrix product [rows, depth] by [depth, units]."""
    rng = np.random.default_rng(21)
    network = dense_network(units, depth, rng)
    layer = network.layers[0]
    assert isinstance(layer, Dense)
    x, w = rng.integers(-128, 128, (rows, depth), dtype=np.int8), layer.weights.T
    work = rows * depth * units
    wide = x.astype(np.int32), w.astype(np.int32)
    best, blas = Emulator(network), Emulator(network, product=FloatProduct)
    found = rates(
        [
            ("numpy int32", lambda: wide[0] @ wide[1], work),
            ("float64 BLAS, casts included", lambda: (x.astype(np.float64) @ w.astype(np.float64)).astype(int), work),
            ("float32 BLAS, casts included", lambda: (x.astype(np.float32) @ w.astype(np.float32)).astype(int), work),
            ("hwq, BLAS, requantized to int8", lambda: blas.run(x), work),
            (f"hwq, {fastest_product().__name__}, requantized to int8", lambda: best.run(x), work),
        ]
    )
    return {name: rate / 1e6 for name, rate in found.items()}


def _print_models(models: dict[str, dict[str, float]], console: Console) -> None:
    table = Table(title="Inferences per second, one thread; in brackets hwq's multiple of it")
    table.add_column("")
    for name in models:
        table.add_column(name.upper(), justify="right")
    for who in next(iter(models.values())):
        cells = [
            f"{rates[who]:,.0f}" + ("" if who == "hwq" else f" ({rates['hwq'] / rates[who]:.1f}x)")
            for rates in models.values()
        ]
        table.add_row(who, *cells)
    console.print(table)


def _print_products(title: str, products: dict[str, float], console: Console) -> None:
    table = Table(title=title)
    table.add_column("")
    table.add_column("MMAC/s", justify="right")
    for name, rate in products.items():
        table.add_row(name, f"{rate:,.0f}")
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 0, or 2 where a model is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args(arguments)
    files = {name: _folder() / file for name, file in OFFICIAL.items()}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        print(f"{missing[0]} is missing: set HWQ_MLPERF_TINY to the folder of MLPerf Tiny's models", file=sys.stderr)
        return 2
    models = {}
    for name, path in files.items():
        print(f"timing {name} ...", file=sys.stderr)
        models[name] = _model_rates(path)
    products = _product_rates()
    print("timing ordered sums ...", file=sys.stderr)
    ordered = ordered_rates()
    if options.json:
        found = {"inferences_per_second": models, "mmacs_per_second": products, "ordered_mmacs_per_second": ordered}
        print(json.dumps(found))
    else:
        console = Console(width=120)
        _print_models(models, console)
        _print_products("int8 product 256 x 1024 x 256, MMAC/s, one thread", products, console)
        _print_products("The same, with accumulators that saturate", ordered, console)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
