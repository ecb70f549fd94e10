"""What is wrong with a configuration file, and one error that tells all of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwq.errors import ConfigError

#: Most faults of one file that a message lists.
MOST_FAULTS = 20


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: line in the file (counted from 1), dotted path of the key (empty for the whole file), and text."""

    line: int
    path: str
    text: str


def config_error(file: Path, faults: Iterable[Fault]) -> ConfigError:
    """One error for all faults of a file, in the file's order, each as ``file:line: path: text``.

    The message lists the first of them, the error's ``faults`` hold all.
    """
    ordered = sorted(set(faults))
    shown = ordered[:MOST_FAULTS]
    lines = [f"{file}:{fault.line}: {fault.path + ': ' if fault.path else ''}{fault.text}" for fault in shown]
    if len(ordered) > len(shown):
        lines.append(f"and {len(ordered) - len(shown):,} more")
    message = lines[0] if len(lines) == 1 else "\n".join([f"{len(ordered)} faults in {file}", *lines])
    return ConfigError(message, [(fault.path, fault.text) for fault in ordered])


def nearest(name: object, valid: Sequence[str]) -> str:
    """Advice after an unknown name: the valid name nearest to it, or all of them where none is near."""
    wanted = str(name).lower()
    close = difflib.get_close_matches(wanted, valid, n=1, cutoff=0.55)
    if not close:
        # Half a name, as in "bits", or one with more to it, as in "num_rows".
        close = [v for v in valid if len(wanted) > 2 and (wanted in v or v in wanted)][:1]
    return f"did you mean {close[0]}?" if close else f"valid are {', '.join(valid)}"
