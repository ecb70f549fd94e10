"""Plain values as YAML text that `hwq.config.document` reads back as the same values."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

#: What a plain scalar may begin with and be a number or a word of YAML 1.2, which PyYAML's own rules do not know.
_AMBIGUOUS = "0123456789+-.~"
_WORDS = ("null", "true", "false")


class _Writer(yaml.SafeDumper):
    """Quotes every text that could be read as something else, and never refers back."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    ambiguous = text[:1] in _AMBIGUOUS or text.lower() in _WORDS
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style='"' if ambiguous else None)


_Writer.add_representer(str, _text)


def yaml_text(values: Mapping[str, object]) -> str:
    """``values``, nested mappings and lists of texts, numbers, truth values and ``None``, in their order."""
    written: str = yaml.dump(
        dict(values), Dumper=_Writer, sort_keys=False, default_flow_style=False, allow_unicode=True, width=1000
    )
    return written
