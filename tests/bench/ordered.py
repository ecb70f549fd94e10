"""Speed of products whose accumulators saturate, beside programs that do such arithmetic."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import apytypes
import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.graph.network import Network
from hwq.numeric.accumulation import Accumulation, Granularity, SumOverflow
from hwq.schedule.order import OrderedSum
from tests.bench.timing import Contender, dense_network, rates
from tests.numeric.test_fixed_types import TYPES

_MAC = Accumulation(None, 16, SumOverflow.SATURATE, Granularity.MAC)

#: Accumulations that are timed, and the products of a pass.
_CASES = {
    "after every MAC, 16 bits": (_MAC, 1),
    "after every MAC, 20 bits": (Accumulation(None, 20, SumOverflow.SATURATE, Granularity.MAC), 1),
    "after passes of 4, 16 bits": (Accumulation(None, 16, SumOverflow.SATURATE), 4),
    "after passes of 16, 16 bits": (Accumulation(None, 16, SumOverflow.SATURATE), 16),
}

#: Rows, depth and units of the product; the peers, a thousand times slower, get a smaller one.
_SHAPE = (256, 1024, 256)
_SMALL = (16, 256, 32)


def ordered_rates() -> dict[str, float]:
    """MMAC/s by what computes them."""
    rng = np.random.default_rng(22)
    contenders: list[Contender] = []
    rows, depth, units = _SHAPE
    network = dense_network(units, depth, rng)
    x = rng.integers(-128, 128, (rows, depth), dtype=np.int8)
    for name, (accumulation, length) in _CASES.items():
        how = OrderedSum(accumulation, tuple(min(length, depth - k) for k in range(0, depth, length)), False)
        for count in (False, True):
            label = f"hwq, {name}{', events counted' * count}"
            contenders.append((label, _runner(network, how, count, x), rows * depth * units))
    rows, depth, units = _SMALL
    x, w = (rng.integers(-128, 128, (n, depth), dtype=np.int8) for n in (rows, units))
    contenders.append(("APyTypes, accumulator context of 16 bits", _apytypes(x, w), rows * depth * units))
    if shutil.which("g++"):
        contenders.append(("ap_fixed, after every MAC, 16 bits", _ap_fixed(x, w), rows * depth * units))
    return {name: rate / 1e6 for name, rate in rates(contenders).items()}


def _runner(network: Network, how: OrderedSum, count: bool, x: NDArray[np.int8]) -> Callable[[], object]:
    emulator = Emulator(network, sums={"y": how}, count=count)
    return lambda: emulator.run(x)


def _apytypes(x: NDArray[np.int8], w: NDArray[np.int8]) -> Callable[[], object]:
    a, b = (apytypes.APyFixedArray.from_array(v, int_bits=8, frac_bits=0) for v in (x, w.T.copy()))

    def run() -> object:
        with apytypes.APyFixedAccumulatorContext(
            int_bits=16,
            frac_bits=0,
            quantization=apytypes.QuantizationMode.TRN,
            overflow=apytypes.OverflowMode.SAT,
        ):
            return a @ b

    return run


def _ap_fixed(x: NDArray[np.int8], w: NDArray[np.int8]) -> Callable[[], object]:
    """Compiled from AMD's headers; it has to give the sums that hwq's definition gives."""
    source = Path(__file__).with_name("ordered_sums.cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "ordered_sums.so"
        options = ["-w", "-O3", "-march=native", "-shared", "-fPIC", *TYPES["ap_fixed"]]
        subprocess.run(["g++", *options, str(source), "-o", str(program)], check=True)
        library = ctypes.CDLL(str(program))
    sums = np.empty((len(x), len(w)), np.int16)

    def run() -> object:
        return library.sums(*(ctypes.c_void_p(v.ctypes.data) for v in (x, w, sums)), *x.shape, len(w))

    run()
    expected = _MAC.compute(x.astype(np.int64)[:, None] * w, (x.shape[1],)).sums
    np.testing.assert_array_equal(sums, expected)
    return run
