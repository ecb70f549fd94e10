"""The bench that `hwq verify` runs: every layer by itself, the whole network where it is one run.

``HWQ_JOB`` names a JSON file: ``package`` (directory of the generated design), ``runs`` (names, in order),
``vectors`` (npz with ``run_{run}_{n}`` int [samples, elements], the run's n-th input) and ``results``: a directory for
one npz a run (``output`` int [samples, elements], ``cycles`` int [samples], ``counts`` int [samples, descriptors, 3],
no descriptors where the accelerator does not count overflows), and for ``failure.txt`` where there is
one.

The bench compares nothing itself. It fails on silence: a design that takes no data, does not finish, or gives no
answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from numpy.typing import NDArray

from hwq.cosim.driver import COUNTERS, AcceleratorDriver
from hwq.cosim.package import GeneratedPackage
from hwq.export.files import writing

_FILLER = 0x5A
"""Element that output memory holds before a run, so that what a run did not write cannot pass for its output."""


@cocotb.test()
async def run_job(dut: Any) -> None:
    """Run the job."""
    job = json.loads(Path(os.environ["HWQ_JOB"]).read_text(encoding="utf-8"))
    package = GeneratedPackage(Path(job["package"]))
    vectors = np.load(job["vectors"])
    results = Path(job["results"])
    try:
        await _run_job(AcceleratorDriver(dut, package), package, job["runs"], vectors, results)
    except AssertionError as error:
        (results / "failure.txt").write_text(str(error), encoding="utf-8")
        raise


async def _run_job(
    driver: AcceleratorDriver, package: GeneratedPackage, runs: list[str], vectors: Mapping[str, Any], results: Path
) -> None:
    await driver.reset()
    await driver.check_identity()
    images = package.manifest["images"]
    for memory in ("weights", "records"):
        await driver.load(memory, 0, package.image(images[memory]))
    for name in runs:
        inputs = [vectors[f"run_{name}_{number}"] for number in range(len(package.run(name)["inputs"]))]
        found = await _run(driver, package, name, inputs)
        partial = results / f"{name}.partial.npz"
        with writing(partial):
            np.savez(partial, output=found["output"], cycles=found["cycles"], counts=found["counts"])
        partial.rename(results / f"{name}.npz")


async def _run(
    driver: AcceleratorDriver, package: GeneratedPackage, name: str, inputs: list[NDArray[np.integer]]
) -> dict[str, NDArray[np.int64]]:
    run = package.run(name)
    target = run["output"]
    word = package.word_elements
    base, words = target["address"] // word, -(-target["elements"] // word)
    # Of a whole network what lies between its layers is filled too, so that each must write what the next one reads.
    first, count = (0, package.used_activation_words) if run["whole"] else (base, words)
    filler = package.pack(np.full(word, _FILLER)) * count
    await driver.load("descriptors", 0, package.image(run["descriptor_file"]))
    # END is a descriptor too, with nothing to count.
    counted = run["descriptors"] - 1 if package.counts_overflows else 0
    outputs, cycles, counts = [], [], []
    for sample in zip(*inputs, strict=True):
        # In this order: a network's output may lie where its input was.
        await driver.load("activations", first, filler)
        for source, codes in zip(run["inputs"], sample, strict=True):
            await driver.load("activations", source["address"] // word, package.pack(codes))
        try:
            cycles.append(await driver.run(2 * run["predicted_cycles"] + 1000))
            counts.append(await driver.read_counts(counted))
            outputs.append(package.unpack(await driver.read_activations(base, words), target["elements"]))
        except AssertionError as error:
            raise AssertionError(f"{run['title']}: {error}") from None
    shape = (len(outputs), counted, len(COUNTERS))
    return {
        "output": np.array(outputs),
        "cycles": np.array(cycles),
        "counts": np.array(counts, np.int64).reshape(shape),
    }
