"""Witnesses in the generated Verilog: one layer runs on the input that overflows it, and its counters are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hwq.arch.accelerator import Accelerator
from hwq.certify.certificate import KINDS
from hwq.certify.witness import Witness
from hwq.errors import MismatchError
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.accumulation import SumOverflow
from hwq.verify.design import lower_design
from hwq.verify.session import Progress, verify


def count_in_hardware(
    network: Network,
    layer: WeightedLayer,
    witness: Witness,
    accelerator: Accelerator,
    directory: Path,
    progress: Progress = lambda what: None,
) -> int:
    """How many overflows of the witness's kind the hardware counts, with every bit and cycle as `verify` expects.

    Hardware of ``overflow: refuse`` counts nothing; its place is taken by hardware that saturates.

    Parameters
    ----------
    network, layer, witness:
        The layer, and the input that overflows it.
    accelerator:
        The hardware.
    directory:
        Where Verilog, vectors and results go.
    progress:
        Told what is being done.

    Raises
    ------
    MismatchError
        The hardware does not do what the emulator does.
    ToolError
        A tool is missing or fails.
    """
    if accelerator.arithmetic.overflow is SumOverflow.REFUSE:
        arithmetic = replace(accelerator.arithmetic, overflow=SumOverflow.SATURATE)
        accelerator = replace(accelerator, arithmetic=arithmetic)
    source, target = layer.inputs[0], layer.output
    tensors = {name: network.tensors[name] for name in (source, target)}
    alone = Network(layer.name, tensors, (layer,), source, target)
    report = verify(lower_design(alone, accelerator), witness.codes, directory, {}, progress=progress)
    if report.interrupted:
        raise KeyboardInterrupt
    (run,) = report.layers
    if not report.match or run.counts is None:
        wrong = [str(part) for part in (report.failure, report.divergence, *run.wrong_counts) if part]
        raise MismatchError(f"layer {layer.name} on its witness in Verilog: {'; '.join(wrong) or 'cycles differ'}")
    return run.counts[KINDS.index(witness.kind)]
