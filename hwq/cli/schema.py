"""``hwq schema``: the JSON Schema of project files."""

from __future__ import annotations

from hwq.cli.console import print_json
from hwq.config.models import project_schema


def command() -> None:
    """Print the JSON Schema of project files, for editors that complete and check YAML.

    Write it to a file, and name that in the first line of a project, as the projects that come with hwq do:
    # yaml-language-server: $schema=project.schema.json
    """
    print_json(project_schema())
