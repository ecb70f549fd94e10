"""What gen and verify share: the project's design, its samples, and the hashes of what they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwq.cli.inputs import open_target
from hwq.config.project import Project
from hwq.errors import CapacityError, ConfigError
from hwq.frontends.sources import choose_samples
from hwq.verify.design import Design, lower_design


@dataclass(frozen=True, eq=False)
class ProjectDesign:
    """A project and its lowered network; ``inputs`` are name and SHA-256 of its files, as the manifest states them."""

    project: Project
    design: Design
    inputs: dict[str, dict[str, str]]


def open_design(path: Path, layers: Sequence[str] | None = None) -> ProjectDesign:
    """Read a project, its model, and lower ``layers`` (all that an engine runs, without it).

    Raises
    ------
    ConfigError
        The file is no project, or names layers that no engine runs.
    CapacityError
        A layer does not fit; the message names the project file.
    """
    target = open_target(path)
    project, accelerator = target.project, target.accelerator
    if project is None or accelerator is None:
        raise ConfigError(
            f"{path}: a model alone says nothing of the hardware; give a project, a .yaml that names the model "
            "(hwq schema describes it)"
        )
    try:
        design = lower_design(target.network, accelerator, layers)
    except CapacityError as error:
        raise CapacityError(f"{path}: {error}") from None
    return ProjectDesign(project, design, {"project": _identity(path), "model": _identity(target.model)})


def project_samples(opened: ProjectDesign, data: Path | None, count: int, seed: int) -> tuple[NDArray[np.integer], str]:
    """The first ``count`` samples of ``data``, or of the project's data, or else random ones.

    Returns
    -------
    Input codes [count, *input shape], and where they are from.

    Raises
    ------
    DataError
        There are fewer.
    """
    samples = choose_samples(opened.design.network, data or opened.project.data, count, seed, count)
    return next(iter(samples.pieces(lambda: count))), samples.origin


def _identity(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
