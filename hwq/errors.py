"""The errors hwq raises on purpose; the command line turns each into one message and an exit code."""

from __future__ import annotations

from collections.abc import Sequence


class HwqError(Exception):
    """Root of every error that a user can cause or meet. ``str(error)`` is one complete message."""

    #: Exit code of the command line when this error ends it.
    exit_code = 2


class ConfigError(HwqError):
    """A YAML file, an option or a parameter is not acceptable; the message names its path in the file.

    ``faults`` holds every fault found, as (dotted path of the parameter, what is wrong with it).
    """

    def __init__(self, message: str, faults: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class ModelError(HwqError):
    """A network file is damaged, or holds something hwq does not support; the message names the operator."""


class DataError(HwqError):
    """Samples do not fit the network: wrong shape, type or range; the message names file and array."""


class CapacityError(HwqError):
    """A network does not fit the accelerator; the message names memory, shortfall and the parameter to raise."""


class ToolError(HwqError):
    """A tool is missing or failed; the message says what to install, or the tool's own first error."""


class MismatchError(HwqError):
    """Two things that must be equal differ; the message names the first divergence."""

    exit_code = 1
