"""What gen and verify share: the project's design, its samples, and the hashes of what they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.cli.inputs import open_target
from hwq.config.project import Project
from hwq.errors import CapacityError, ConfigError
from hwq.frontends.sources import choose_samples
from hwq.graph.network import Network
from hwq.verify.design import Design, lower_design


@dataclass(frozen=True, eq=False)
class ProjectNetwork:
    """A project, its network and its hardware; ``inputs`` are name and SHA-256 of its files, as a manifest has them."""

    project: Project
    network: Network
    accelerator: Accelerator
    inputs: dict[str, dict[str, str]]


@dataclass(frozen=True, eq=False)
class ProjectDesign:
    """A project and its lowered network; ``inputs`` as those of `ProjectNetwork`."""

    project: Project
    design: Design
    inputs: dict[str, dict[str, str]]


def open_project(path: Path) -> ProjectNetwork:
    """Read a project and its model.

    Raises
    ------
    ConfigError
        The file is no project.
    """
    target = open_target(path)
    project, accelerator = target.project, target.accelerator
    if project is None or accelerator is None:
        raise ConfigError(
            f"{path}: a model alone says nothing of the hardware; give a project, a .yaml that names the model "
            "(hwq schema describes it)"
        )
    inputs = {"project": _identity(path), "model": _identity(target.model)}
    return ProjectNetwork(project, target.network, accelerator, inputs)


def open_design(path: Path, layers: Sequence[str] | None = None) -> ProjectDesign:
    """Read a project, its model, and lower ``layers`` (all that an engine runs, without it).

    Raises
    ------
    ConfigError
        The file is no project, or names layers that no engine runs.
    CapacityError
        A layer does not fit; the message names the project file.
    """
    opened = open_project(path)
    try:
        design = lower_design(opened.network, opened.accelerator, layers)
    except CapacityError as error:
        raise CapacityError(f"{path}: {error}") from None
    return ProjectDesign(opened.project, design, opened.inputs)


def project_samples(
    opened: ProjectNetwork | ProjectDesign, data: Path | None, count: int, seed: int
) -> tuple[NDArray[np.integer], str]:
    """The first ``count`` samples of ``data``, or of the project's data, or else random ones.

    Returns
    -------
    Input codes [count, *input shape], and where they are from.

    Raises
    ------
    DataError
        There are fewer.
    """
    network = opened.network if isinstance(opened, ProjectNetwork) else opened.design.network
    samples = choose_samples(network, data or opened.project.data, count, seed, count)
    return next(iter(samples.pieces(lambda: count))), samples.origin


def _identity(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
