"""Weights of every width, packed and not, in Verilator: every bit and every cycle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines import PARAMETERS
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.isa import Space
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    InputZeroPoint,
    RequantizerParameters,
    WeightPacking,
)
from hwq.errors import CapacityError, ConfigError
from hwq.graph.inputs import random_samples
from hwq.graph.layers import Dense
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.accumulation import SumOverflow
from hwq.numeric.formats import INT8
from hwq.numeric.requantization import OutputOverflow
from hwq.schedule.planning import with_engines
from hwq.schedule.program import Program
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from hwq.verify.tamper import FAULTS, Tamper
from tests.support.convolutions import quantization
from tests.support.operands import asymmetric, narrowed, with_codes
from tests.support.random_arithmetic import random_accelerator
from tests.support.random_networks import random_network
from tests.support.wide import LAYERS

PACKED = WeightPacking.LAYER


def check(network: Network, accelerator: Accelerator, directory: Path) -> Program:
    design = lower_design(network, accelerator)
    report = verify(design, random_samples(network, 2, 5), directory, {})
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    return design.program


def packings(program: Program) -> set[int]:
    return {d["weight_packing"] for run in program.layers for d in run.descriptors if "weight_packing" in d}


@pytest.mark.parametrize(
    ("seed", "bits", "widths"),
    [(6, 8, (8, 4, 2, 1)), (30, 6, (6, 3, 2)), (18, 4, (4, 3, 2, 1))],
    ids=["8 bits", "6 bits, by MAC", "4 bits"],
)
def test_random_networks_with_packed_weights(seed: int, bits: int, widths: tuple[int, ...], tmp_path: Path) -> None:
    """Layers of several widths, the table's engine apart, whose codes need 8 bits."""
    accelerator = random_accelerator(seed)
    arithmetic = replace(accelerator.arithmetic, weight_bits=bits, weight_packing=PACKED)
    hardware = replace(accelerator, arithmetic=arithmetic, table=accelerator.table if bits == 8 else None)
    program = check(narrowed(random_network(seed), widths, seed), hardware, tmp_path)
    assert len(packings(program)) > 1


@pytest.mark.parametrize(
    ("seed", "bits", "widths"),
    [(6, 4, (4,)), (33, 5, (5, 3, 4)), (12, 8, (8, 4)), (21, 2, (2,)), (39, 6, (6, 4)), (0, 4, (4, 3))],
)
def test_random_networks_with_narrow_codes(seed: int, bits: int, widths: tuple[int, ...], tmp_path: Path) -> None:
    """Every engine on codes of few bits, where sums and outputs may overflow too; of mixed widths in one network."""
    accelerator = random_accelerator(seed)
    arithmetic = replace(accelerator.arithmetic, activation_bits=bits)
    check(with_codes(random_network(seed), widths), replace(accelerator, arithmetic=arithmetic), tmp_path)


@pytest.mark.parametrize("output", OutputOverflow)
def test_outputs_leave_the_format_of_narrow_codes(output: OutputOverflow, tmp_path: Path) -> None:
    """They are counted, and wrap, at the width of activation memory."""
    arithmetic = ArithmeticParameters(activation_bits=5, overflow=SumOverflow.SATURATE, accumulator_bits=16)
    requantizer = RequantizerParameters(output_overflow=output)
    network = with_codes(binary_network(), (5,))
    design = lower_design(network, Accelerator(ArrayParameters(4, 4), arithmetic, requantizer))
    report = verify(design, random_samples(network, 2, 5), tmp_path, {})
    assert report.match, (report.failure, report.runs)
    assert sum(run.counts[2] for run in report.runs if run.counts) > 0


def test_codes_that_activation_memory_has_no_place_for_are_refused() -> None:
    hardware = Accelerator(ArrayParameters(4, 4), ArithmeticParameters(activation_bits=4))
    with pytest.raises(CapacityError, match=r"^tensor x: its codes have 6 bits and arithmetic.activation_bits is 4"):
        lower_design(with_codes(binary_network(), (6, 5, 4)), hardware)


def binary_layer(name: str, source: str, target: str, size: tuple[int, int], rng: np.random.Generator) -> Dense:
    channels = size[0]
    return Dense(
        name=name,
        inputs=(source,),
        output=target,
        weights=(2 * rng.integers(0, 2, size) - 1).astype(np.int8),
        weight_quantization=Quantization(INT8, np.full(channels, 0.02, np.float32), np.zeros(channels, np.int32), 0),
        bias=rng.integers(-300, 300, channels).astype(np.int32),
        clamp=(-128, 127),
    )


def binary_network() -> Network:
    """Two dense layers of 1-bit weights, whose runs fill 4 rows and whose channels fill 4 columns."""
    rng = np.random.default_rng(8)
    tensors = {
        "x": Tensor("x", (48,), quantization(0.05, 7)),
        "y": Tensor("y", (12,), quantization(0.02, -3)),
        "z": Tensor("z", (8,), quantization(0.002, 11)),
    }
    layers = (binary_layer("first", "x", "y", (12, 48), rng), binary_layer("second", "y", "z", (8, 12), rng))
    return Network("binary", tensors, layers, "x", "z")


@pytest.mark.parametrize("packing", WeightPacking)
@pytest.mark.parametrize("bits", [1, 8])
def test_weights_of_one_bit(bits: int, packing: WeightPacking, tmp_path: Path) -> None:
    """They take an eighth of the memory where they are packed into 8 bits, and the same where there is but 1."""
    arithmetic = ArithmeticParameters(
        weight_bits=bits, weight_packing=packing, accumulator_bits=9, overflow=SumOverflow.SATURATE
    )
    program = check(binary_network(), Accelerator(ArrayParameters(4, 4), arithmetic), tmp_path)
    words, _ = program.used()[Space.WEIGHTS]
    rows = 3 * 48 + 2 * 12
    assert words == (rows // 8 if bits == 8 and packing is PACKED else rows)


@pytest.mark.parametrize(
    ("array", "overflow", "zero_point", "packed"),
    [
        ((4, 4), SumOverflow.SATURATE, InputZeroPoint.FOLDED, True),
        # Rows beyond a run would multiply the zero-point.
        ((5, 4), SumOverflow.REFUSE, InputZeroPoint.FOLDED, False),
        ((5, 4), SumOverflow.REFUSE, InputZeroPoint.SUBTRACTED, True),
        # Columns beyond the last channel would count what overflows there.
        ((4, 5), SumOverflow.WRAP, InputZeroPoint.SUBTRACTED, False),
        ((4, 5), SumOverflow.REFUSE, InputZeroPoint.SUBTRACTED, True),
    ],
)
def test_one_bit_is_for_weights_without_zeros_beside_them(
    array: tuple[int, int], overflow: SumOverflow, zero_point: InputZeroPoint, packed: bool, tmp_path: Path
) -> None:
    arithmetic = ArithmeticParameters(weight_packing=PACKED, overflow=overflow, input_zero_point=zero_point)
    program = check(binary_network(), Accelerator(ArrayParameters(*array), arithmetic), tmp_path)
    assert packings(program) == {3 if packed else 2}


def test_a_changed_bit_of_a_packed_weight_is_found(tmp_path: Path) -> None:
    arithmetic = ArithmeticParameters(weight_packing=PACKED)
    network = narrowed(binary_network(), (4,), 1)
    design = lower_design(network, Accelerator(ArrayParameters(4, 4), arithmetic))
    report = verify(design, random_samples(network, 2, 5), tmp_path, {}, fault=FAULTS[Tamper.WEIGHT])
    assert not report.match
    assert report.runs[0].mismatches


@pytest.mark.parametrize(
    ("seed", "width", "bits"), [(6, 8, 9), (33, 4, 5), (21, 16, 16), (45, 12, 13)], ids=lambda value: str(value)
)
def test_weights_with_zero_points_and_wide_ones(seed: int, width: int, bits: int, tmp_path: Path) -> None:
    """The array multiplies weights less their zero-points: of a bit more than the codes."""
    accelerator = random_accelerator(seed)
    accumulator = accelerator.arithmetic.accumulator_bits + width - 8
    arithmetic = replace(
        accelerator.arithmetic,
        weight_bits=bits,
        accumulator_bits=max(accumulator, 4),
        psum_bits=None,
        weight_packing=PACKED if seed != 6 else WeightPacking.NONE,
    )
    network = asymmetric(random_network(seed), seed, width)
    check(network, replace(accelerator, arithmetic=arithmetic, table=None), tmp_path)


def test_values_that_weight_memory_has_no_place_for_are_refused() -> None:
    network = asymmetric(binary_network(), 2)
    with pytest.raises(CapacityError, match=r"their? weights need 8 bits and arithmetic.weight_bits is 7"):
        lower_design(network, Accelerator(ArrayParameters(4, 4), ArithmeticParameters(weight_bits=7)))


@pytest.mark.parametrize(
    ("seed", "accelerated_by", "widths"),
    [(19, 12, (16,)), (34, 6, (12, 8)), (39, 33, (10,)), (28, 0, (9, 8)), (37, 21, (16, 8))],
    ids=lambda value: str(value),
)
def test_random_networks_with_wide_codes(
    seed: int, accelerated_by: int, widths: tuple[int, ...], tmp_path: Path
) -> None:
    """Products, maxima and copies, with sums that overflow and without; the table is one of bytes."""
    accelerator = random_accelerator(accelerated_by)
    more = max(widths) - 8
    psum = accelerator.arithmetic.psum_bits
    arithmetic = replace(
        accelerator.arithmetic,
        activation_bits=max(widths),
        accumulator_bits=accelerator.arithmetic.accumulator_bits + more,
        psum_bits=None if psum is None else psum + more,
    )
    network = with_codes(random_network(seed, LAYERS), widths)
    check(network, replace(accelerator, arithmetic=arithmetic, elementwise=None, table=None), tmp_path)


@pytest.mark.parametrize("seed", [6, 12, 39])
def test_bytes_in_wide_memory(seed: int, tmp_path: Path) -> None:
    """Averages and means of bytes where memory has 12 bits for each; sums of tensors and functions are the host's."""
    accelerator = random_accelerator(seed)
    arithmetic = replace(accelerator.arithmetic, activation_bits=12)
    check(random_network(seed), replace(accelerator, arithmetic=arithmetic, elementwise=None, table=None), tmp_path)


@pytest.mark.parametrize(("name", "engine"), [("elementwise", ElementwiseParameters()), ("table", TableParameters())])
def test_wide_memory_and_engines_of_bytes_do_not_meet(name: str, engine: object) -> None:
    wide = ArithmeticParameters(activation_bits=12)
    with pytest.raises(ConfigError, match=rf"{name}: it takes codes of up to 8 bits, and .*_bits is 12; say none"):
        Accelerator(arithmetic=wide, **{name: engine})  # type: ignore[arg-type]
    assert name not in with_engines(random_network(0), Accelerator(arithmetic=wide), PARAMETERS).engines
