"""What verbs are given: a model file, or a project file that names one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from hwq.arch.accelerator import Accelerator
from hwq.config.project import Project, load_project
from hwq.errors import ModelError
from hwq.frontends import load
from hwq.graph.network import Network
from hwq.schedule.planning import Assignment, assign, with_engines

_PROJECT_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, eq=False)
class Target:
    """A network, and the project that named it where there is one."""

    network: Network
    model: Path
    project: Project | None

    @property
    def accelerator(self) -> Accelerator | None:
        """The project's, with the engines that it leaves open; ``None`` where there is no project."""
        if self.project is None:
            return None
        return with_engines(self.network, self.project.accelerator, self.project.auto)

    @property
    def assigned(self) -> dict[str, Assignment]:
        """For each layer by name the engine that runs it, or why the host does; empty where there is no project."""
        accelerator = self.accelerator
        if accelerator is None:
            return {}
        return {layer.name: assign(self.network, layer, accelerator) for layer in self.network.layers}


def open_target(path: Path) -> Target:
    """Read the model at ``path``, or the one that the project at ``path`` (.yaml, .yml) names."""
    if path.suffix.lower() in _PROJECT_SUFFIXES:
        project = load_project(path)
        try:
            return Target(load(project.model), project.model, project)
        except ModelError as error:
            raise ModelError(f"{path}: model: {error}") from None
    return Target(load(path), path, None)


def named_path(given: str | Path) -> Path:
    """What an option for a place to write to was given, or its default; nothing would be the current directory."""
    if not str(given).strip():
        raise typer.BadParameter("is empty; give a name, or . for the current directory")
    return Path(given)
