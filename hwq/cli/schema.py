"""``hwq schema``: the JSON Schema of project files."""

from __future__ import annotations

from hwq.cli.console import print_json
from hwq.config.models import project_schema


def command() -> None:
    """Print the JSON Schema of project files, for editors that complete and check YAML.

    An editor with a YAML language server reads it from a comment at the top of a project file:
    yaml-language-server: $schema=hwq.schema.json
    """
    print_json(project_schema())
